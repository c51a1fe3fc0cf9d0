"""Lowering a rate instead of pausing: in the turn of a fresh reading, gated, read back, told."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Restrain
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import Provenance, PumpStatus
from pumpd.daemon.restraint import WITHIN_S
from pumpd.drivers.registry import find
from pumpd.protocols.wire import Question, ServerFramer
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.model import PumpModel
from tests import proof
from tests.daemon.orders import library
from tests.daemon.ward_scene import WardScene, play, pump
from tests.house.tree import ROOT

OVER, LOWERED, RESTRAINED, FAILED = (
    ConditionId.OVER_HARD,
    ConditionId.RATE_LOWERED,
    ConditionId.RESTRAINED,
    ConditionId.RESTRAINT_FAILED,
)
TCP = "modbus-tcp://10.0.0.1:502/1"
SERIAL = "modbus-rtu://10.0.0.1:502/1?baud=19200"
CAP = library(restrain=Restrain.CAP)
LIMIT_NL_H = FlowRate.parse("17.5").nl_per_h
WINDOW_MS = find("reference-pump").card.lower_window_ms


def _capped(number: int = 1, **changes: Any) -> dict[str, Any]:
    return pump(number, enforcement="cap", **changes)


def _turn(scene: WardScene, ml_h: str, number: int = 1) -> None:
    scene.model(number).turn_rate(FlowRate.parse(ml_h).nl_per_h)


async def _asked(scene: WardScene) -> float:
    """Set 40 mL/h by hand; return when pumpd decided to lower it."""
    await asyncio.sleep(6)
    _turn(scene, "40")
    for _ in range(10_000):
        if happened := scene.outlet.happened("restraint", "asked"):
            return happened[0][0]
        await asyncio.sleep(0.00037)
    raise AssertionError("nothing was decided within 5 s")


class Stubborn(PumpModel):
    """A pump that says yes to a lower rate and keeps its own."""

    def turn_rate(self, rate_nl_h: int) -> None:
        """Go up only."""
        if rate_nl_h >= self.set_rate_nl_h:
            PumpModel.turn_rate(self, rate_nl_h)


@pytest.mark.requirement("RES-4", "RES-5")
@pytest.mark.parametrize("url", [TCP, SERIAL])
def test_a_pump_that_gives_too_much_is_lowered_read_back_and_told(url: str) -> None:
    """The whole story: above the limit, confirmed, lowered to the limit, read back; it runs on."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(6)
        _turn(scene, "40")
        await asyncio.sleep(6)
        assert scene.model().status is PumpStatus.RUNNING
        assert scene.model().set_rate_nl_h == LIMIT_NL_H
        told = scene.live().told.alarms
        assert told[OVER].signal.value == "latched"
        assert told[LOWERED].measured == "1.143 mg/kg/h, now set to 17.5 mL/h"
        assert told[LOWERED].allowed == "1 mg/kg/h of the drug library"
        assert RESTRAINED not in told
        assert FAILED not in told
        steps = [(event.event, event.detail) for _, event in scene.outlet.happened("restraint")]
        assert steps == [
            (
                "asked",
                "over-hard: 1.143 mg/kg/h, limit 1 mg/kg/h of the drug library; to be lowered to 17.5 mL/h",
            ),
            ("lower-sent", "to 17.5 mL/h"),
            ("lowered", ""),
        ]
        await asyncio.sleep(30)
        assert len(scene.wire().writes()) == 1

    play(story, [_capped(url=url)], drugs=CAP)


@pytest.mark.requirement("RES-1", "INV-1")
@pytest.mark.parametrize(
    ("enforcement", "signed", "allows"),
    [
        combination
        for combination in itertools.product(("alarm", "cap", "pause"), (False, True), Restrain)
        if combination[0] == "alarm" or not combination[1] or combination[2] is Restrain.NONE
    ],
)
def test_without_all_parts_of_the_gate_no_rate_is_written(
    enforcement: str, signed: bool, allows: Restrain
) -> None:
    """Configuration, signature or library entry missing: an alarm, and not one write."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        _turn(scene, "40")
        await asyncio.sleep(6)
        assert scene.live().told.alarms[OVER].signal.value == "on"
        assert scene.wire().writes() == []

    drugs = library(restrain=allows, signed_for=(Provenance.DEMO,) if signed else ())
    play(story, [pump(1, enforcement=enforcement)], drugs=drugs)


@pytest.mark.requirement("RES-1", "INV-5")
def test_a_trial_on_the_simulator_covers_no_other_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers decides: a pump that is no simulator is only alarmed on."""
    monkeypatch.setattr("pumpd.drivers.base.Identity.simulated", property(lambda _self: False))

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        _turn(scene, "40")
        await asyncio.sleep(6)
        assert scene.wire().writes() == []

    both = library(restrain=Restrain.CAP, signed_for=(Provenance.DEMO, Provenance.REAL))
    play(story, [_capped()], drugs=both)


@pytest.mark.requirement("RES-4")
def test_a_rate_that_is_not_obeyed_is_told_louder() -> None:
    """A pump that says yes and goes on: one write, and within 3 s RESTRAINT_FAILED."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        _turn(scene, "40")
        await asyncio.sleep(2 + WITHIN_S)
        failed = scene.live().told.alarms[FAILED]
        assert (failed.priority.name, failed.signal.value) == ("HIGH", "on")
        assert LOWERED not in scene.live().told.alarms
        ((_, verdict),) = scene.outlet.happened("restraint", "failed")
        assert "read back: running, 40 mL/h" in verdict.detail
        assert len(scene.wire().writes()) == 1

    play(story, [_capped()], drugs=CAP, model=Stubborn)


@pytest.mark.requirement("RES-5")
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(FaultKind.SILENCE), FAILED),
        (Fault(FaultKind.EXCEPTION), FAILED),
        (Fault(FaultKind.DELAY, delay_s=0.4), LOWERED),
    ],
    ids=["never heard", "refused", "answered late"],
)
def test_a_write_without_a_good_answer_is_never_repeated(fault: Fault, told: ConditionId) -> None:
    """It may have arrived: reading back tells whether it did, and there is one write."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        _turn(scene, "40")
        await scene.wire().wrote.wait()
        until_s = asyncio.get_running_loop().time() + 0.02
        scene.wire().simulated.faults.add(1, replace(fault, until_s=until_s))
        await asyncio.sleep(20)
        assert len(scene.wire().writes()) == 1
        assert {LOWERED, FAILED} & set(scene.live().told.alarms) == {told}

    play(story, [_capped()], drugs=CAP)


@pytest.mark.requirement("RES-5")
def test_a_reading_that_is_lost_is_asked_again_and_then_lowered() -> None:
    """Nothing was written with the first turn, so there is a second one."""

    async def story(scene: WardScene) -> None:
        await _asked(scene)
        until_s = asyncio.get_running_loop().time() + 0.6
        scene.wire().simulated.faults.add(1, Fault(FaultKind.SILENCE, until_s=until_s))
        await asyncio.sleep(5)
        assert scene.model().set_rate_nl_h == LIMIT_NL_H
        assert LOWERED in scene.live().told.alarms
        assert len(scene.wire().writes()) == 1

    play(story, [_capped(url=SERIAL)], drugs=CAP)


@pytest.mark.requirement("RES-4", "RES-5")
def test_a_hand_that_was_quicker_wins() -> None:
    """Turned down between the decision and the turn: nothing is written, and no alarm says it was."""

    async def story(scene: WardScene) -> None:
        await _asked(scene)
        _turn(scene, "8")
        await asyncio.sleep(5)
        assert scene.model().set_rate_nl_h == FlowRate.parse("8").nl_per_h
        assert scene.wire().writes() == []
        assert [e.event for _, e in scene.outlet.happened("restraint")] == ["asked", "not-needed"]
        told = scene.live().told.alarms
        assert LOWERED not in told
        assert FAILED not in told

    play(story, [_capped(url=SERIAL)], drugs=CAP)


class Window:
    """When a pump reported the rate for which it was lowered, and when it obeyed."""

    def __init__(self, scene: WardScene, monkeypatch: pytest.MonkeyPatch) -> None:
        line = scene.wire().simulated
        self.reported_s = self.obeyed_s = self.hand_s = 0.0
        for at in line.pumps.values():
            at.reply_time_s = find("reference-pump").card.reply_time_ms / 1000
        replies = line.replies

        def watched(question: Question, framer: ServerFramer) -> list[tuple[float, bytes]]:
            now_s = asyncio.get_running_loop().time()
            if question.payload[1] == 6:
                self.obeyed_s = now_s
            elif not self.obeyed_s:
                self.reported_s = now_s
            return replies(question, framer)

        monkeypatch.setattr(line, "replies", watched)


async def _lowered_with_a_hand_at(
    scene: WardScene, monkeypatch: pytest.MonkeyPatch, at_s: float | None
) -> Window:
    """Let it be lowered, and a hand turn it to 8 mL/h at ``at_s``; None: no hand."""
    window = Window(scene, monkeypatch)
    await _asked(scene)
    if at_s is not None:
        await asyncio.sleep(at_s - asyncio.get_running_loop().time())
        window.hand_s = asyncio.get_running_loop().time()
        _turn(scene, "8")
    await asyncio.sleep(4)
    return window


@pytest.mark.requirement("RES-5", "INV-1")
@pytest.mark.parametrize(("url", "published_ms"), [(TCP, 50), (SERIAL, 74)], ids=["tcp", "rtu"])
def test_a_nurse_who_turns_it_down_is_undone_in_the_published_window_only(
    url: str, published_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment about the write: raised only between report and write, never above the limit."""
    windows: list[Window] = []
    rates: list[int] = []

    def played(at_s: float | None) -> int:
        async def story(scene: WardScene) -> None:
            windows.append(await _lowered_with_a_hand_at(scene, monkeypatch, at_s))
            rates.append(scene.model().set_rate_nl_h)

        play(story, [_capped(url=url)], drugs=CAP)
        return rates[-1]

    assert played(None) == LIMIT_NL_H
    reported_s, obeyed_s = windows[0].reported_s, windows[0].obeyed_s
    assert round((obeyed_s - reported_s) * 1000) == published_ms
    assert WINDOW_MS is not None
    assert published_ms <= WINDOW_MS
    assert f"{published_ms} ms" in (ROOT / "docs" / "restraint.md").read_text(encoding="utf-8")
    moments = proof.count(f"moments of a hand about a lower rate, {url.partition(':')[0]}", 30, 2_000)
    by_hand = FlowRate.parse("8").nl_per_h
    for n in range(moments):
        rate_nl_h = played(reported_s - 0.05 + 0.2 * n / moments)
        within = reported_s <= windows[-1].hand_s < obeyed_s
        # In the window it is raised, to the limit and no further; a hand after it has the last word.
        assert rate_nl_h == (LIMIT_NL_H if within else by_hand)
