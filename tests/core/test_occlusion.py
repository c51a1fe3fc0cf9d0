"""Blocked lines at low rates: how long the pump is blind, and the warning that comes before its alarm."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from pumpd.core.occlusion import (
    QUARTERS,
    RESTING_KPA_E1,
    RISES_PERCENT,
    SYRINGE_NL_PER_KPA,
    Line,
    Trend,
    blind_s,
    followed,
    line_of,
    part_nl,
    told_words,
)
from pumpd.core.quantities import NS_PER_H, NS_PER_S, FlowRate
from pumpd.core.telemetry import Measured, PumpStatus, missing
from pumpd.simulator.mechanism import syringe
from pumpd.simulator.traits import OcclusionTraits
from tests import proof
from tests.core.delivery_scene import Bench
from tests.house.tree import ROOT
from tests.simulator.physics_scene import running

TICK_NL = 1_000
pytestmark = pytest.mark.requirement("OCCLUSION-1")


@pytest.mark.parametrize("size_ml", sorted(SYRINGE_NL_PER_KPA))
@pytest.mark.parametrize("rate", ["0.5", "1", "5"])
@pytest.mark.parametrize("limit_kpa", [40, 100])
def test_the_blind_window_is_within_15_percent(size_ml: int, rate: str, limit_kpa: int) -> None:
    """From closing the line to the pump's own alarm: expected and simulated differ by at most 15 %."""
    mechanism = syringe(size_ml, bias_ppm=-15_000, phase_nl=12_345)
    model = running(mechanism, float(rate), occlusion=OcclusionTraits(alarm_pa=limit_kpa * 1000))
    model.advance(4 * NS_PER_H)
    model.block()
    begun_ns = model.now_ns
    while model.status is PumpStatus.RUNNING:
        model.advance(5 * NS_PER_S)
    simulated_s = (model.now_ns - begun_ns) / NS_PER_S
    expected_s = float(blind_s(line_of(size_ml, limit_kpa * 10), FlowRate.parse(rate)))
    assert abs(expected_s / simulated_s - 1) <= 0.15


@dataclass
class Pressed(Bench):
    """A pump whose pressure is read by a noisy sensor, on a patient who moves."""

    line: Line = field(default_factory=lambda: line_of(50, 1000))
    trend: Trend | None = None
    arm_kpa: float = 0.0
    warned_s: float = 0.0
    warnings_count: int = 0

    def press(self, seconds: float, every_s: int = 5) -> None:
        """Read it for so long; now and then the patient raises or lowers the arm."""
        until_ns = self.model.now_ns + round(seconds * NS_PER_S)
        while self.model.now_ns < until_ns and self.model.status is PumpStatus.RUNNING:
            self.model.advance(every_s * NS_PER_S)
            if self.chance.random() < every_s / 600:
                self.arm_kpa = self.chance.uniform(-3, 3)
            noise = self.chance.gauss(0, 0.3)
            shown = round(self.model.pressure_pa / 100 + 10 * (self.arm_kpa + noise))
            taken = replace(self.reading(), pressure_kpa_e1=Measured.valid(shown))
            before = self.trend
            counted = taken.volume.value
            assert counted is not None
            self.trend = followed(before, taken, counted.nl, self.line, self.tick_nl)
            told = self.trend is not None and self.trend.told_kpa_e4 is not None
            if told and (before is None or before.told_kpa_e4 is None):
                self.warnings_count += 1
                self.warned_s = self.model.now_ns / NS_PER_S


def _pressed(rate_nl_h: int, seed: int) -> Pressed:
    bench = Pressed(rate_nl_h, TICK_NL, seed, syringe(50))
    bench.model.press_start()
    return bench


@pytest.mark.parametrize("rate", [500_000, 1_000_000])
def test_the_warning_comes_ten_minutes_before_the_pump(rate: int) -> None:
    """At 0.5 and 1 mL/h a closed line is told at least 10 min before the pump's own alarm."""
    for n in range(proof.count(f"closed lines at {rate / 1e6} mL/h, noisy", 2, 200)):
        bench = _pressed(rate, proof.SEED + n)
        bench.press(3600 + random.Random(n).uniform(0, 1800))
        assert bench.warnings_count == 0
        bench.model.block()
        bench.press(4 * 3600)
        assert bench.model.status is PumpStatus.ALARM
        assert bench.warnings_count == 1
        assert bench.model.now_ns / NS_PER_S - bench.warned_s >= 600


@pytest.mark.parametrize("rate", [500_000, 1_000_000])
def test_an_open_line_is_not_warned_of(rate: int) -> None:
    """Noise, pulsation and an arm raised or lowered by 30 cm six times an hour raise no warning."""
    hours = proof.count(f"hours of an open line at {rate / 1e6} mL/h, noisy", 10, 3000)
    bench = _pressed(rate, proof.SEED)
    bench.press(hours * 3600, every_s=20)
    assert bench.warnings_count == 0


def test_the_warning_ends_when_the_line_is_open_again() -> None:
    """The pressure falls back by half of what it rose: it is over, and a second block is told again."""
    bench = _pressed(1_000_000, 3)
    bench.press(600)
    for _ in range(2):
        bench.model.block()
        bench.press(1500)
        assert bench.trend is not None
        assert bench.trend.told_kpa_e4 is not None
        bench.model.unblock()
        bench.press(60)
        assert bench.trend.told_kpa_e4 is None
    assert bench.warnings_count == 2


def test_what_the_trend_can_not_use_leaves_it_alone() -> None:
    """Without a pressure, or while the pump does not run, nothing is concluded; a reset begins anew."""
    line, trend = line_of(50, 1000), Trend(5_000_000, 100, 4)
    reading = replace(Bench(1_000_000).reading(), pressure_kpa_e1=missing())
    assert followed(trend, reading, 5_000_100, line, TICK_NL) is trend
    assert told_words(reading, line) == ("", "100 kPa")
    reading = replace(reading, pressure_kpa_e1=Measured.valid(250), status=PumpStatus.PAUSED)
    assert followed(trend, reading, 5_000_100, line, TICK_NL) is trend
    reading = replace(reading, status=PumpStatus.RUNNING)
    assert followed(trend, reading, 0, line, TICK_NL) == Trend(0, 250, 1)
    assert told_words(reading, line) == ("25 kPa", "100 kPa in 45 min")


@pytest.mark.parametrize(
    ("risen_kpa_e4", "told"),
    [((0, 1, 2, 3, 4), True), ((0, 1, 2, 3), False), ((0, 1, 2, 3, 3), False)],
)
def test_four_rises_in_five_parts_are_told_and_no_fewer(risen_kpa_e4: tuple[int, ...], told: bool) -> None:
    """At just the least rise of a closed line; one rise fewer, or one that is smaller, is not enough."""
    line = Line(20_000, 1000)
    part = part_nl(line, TICK_NL)
    least = 10_000 * part // line.compliance_nl_per_kpa * RISES_PERCENT
    assert least % 100 == 0
    parts = tuple(100_000 + step * least // 100 for step in risen_kpa_e4)
    reading = replace(
        Bench(1_000_000).reading(), pressure_kpa_e1=Measured.valid(100), status=PumpStatus.RUNNING
    )
    trend = Trend(0, parts[-1] // 1000, 1, parts[:-1])._replace(sum_kpa_e1=parts[-1], n_readings=1000)
    after = followed(trend, reading, part, line, TICK_NL)
    assert after is not None
    assert after.parts_kpa_e4 == parts
    assert (after.told_kpa_e4 is not None) is told
    assert after.judged is (len(parts) == QUARTERS + 1)


def test_a_line_that_gives_nothing_is_refused() -> None:
    """Neither a stiff line nor a limit below the resting pressure makes sense."""
    for compliance, limit in ((0, 1000), (10_000, RESTING_KPA_E1)):
        with pytest.raises(ValueError, match="it gives something"):
            Line(compliance, limit)


def test_the_page_tells_the_calculated_times() -> None:
    """Each row of docs/low-doses.md is what ``blind_s`` says, in whole minutes."""
    text = (ROOT / "docs" / "low-doses.md").read_text(encoding="utf-8")
    for size_ml, nl_per_kpa in SYRINGE_NL_PER_KPA.items():
        minutes = [
            f"{int(blind_s(line_of(size_ml, 1000), FlowRate.parse(rate)) / 60)} min"
            for rate in ("0.5", "1", "5")
        ]
        assert f"| {size_ml} mL | {nl_per_kpa / 1000:g} uL/kPa | {' | '.join(minutes)} |" in text
