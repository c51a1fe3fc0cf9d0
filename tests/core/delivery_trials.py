"""Faults put into a simulated pump, and how soon they are told; sound pumps, and what is told of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_rules import INFUSION_S
from pumpd.core.infusion import Programme
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, DoseRate, FlowRate
from pumpd.core.telemetry import Measured
from pumpd.simulator.mechanism import IDEAL
from tests.core.delivery_scene import Bench, live
from tests.core.situations import PROGRAMME, SETUP, Bedside

RATES_ML_H = ("0.05", "0.1", "0.5", "1", "5", "10", "50")
TICKS_ML = ("0.001", "0.01", "0.1")
LET_GO_NL_H = 500 * NL_PER_ML
"""What a set gives that is let go: far more than any of these pumps is set to."""


def _nl(ml: str) -> int:
    return round(Fraction(ml) * NL_PER_ML)


def _dead(bench: Bench) -> None:
    bench.model.pause()
    bench.dead = True


def _free(nl_h: int | None = None) -> Callable[[Bench], None]:
    def act(bench: Bench) -> None:
        bench.model.press_stop()
        bench.run(30)
        bench.free_nl_h = bench.rate_nl_h if nl_h is None else nl_h

    return act


def _share(percent: int) -> Callable[[Bench], None]:
    def act(bench: Bench) -> None:
        bench.share_percent = percent
        bench.set_rate(bench.rate_nl_h)

    return act


def _frozen(bench: Bench) -> None:
    bench.frozen = True


def _reset(bench: Bench) -> None:
    bench.model.reset_counter()


@dataclass(frozen=True)
class Trial:
    """A fault, and the condition that tells it."""

    name: str
    begins: Callable[[Bench], None]
    told_as: ConditionId


TRIALS = (
    Trial("free flow of 500 mL/h, counted", _free(LET_GO_NL_H), ConditionId.FREE_FLOW),
    Trial("free flow at this rate, counted", _free(), ConditionId.FREE_FLOW),
    Trial("ten times the set rate", _share(1000), ConditionId.OVER_INFUSION),
    Trial("twice the set rate", _share(200), ConditionId.OVER_INFUSION),
    Trial("20 % too much", _share(120), ConditionId.OVER_INFUSION),
    Trial("drift of 7 % upwards", _share(107), ConditionId.OVER_INFUSION),
    Trial("silent stop", _dead, ConditionId.SILENT_STOP),
    Trial("half of the set rate", _share(50), ConditionId.UNDER_INFUSION),
    Trial("20 % too little", _share(80), ConditionId.UNDER_INFUSION),
    Trial("frozen counter", _frozen, ConditionId.COUNTER_FROZEN),
    Trial("counter begins anew (pump restarted)", _reset, ConditionId.COUNTER_RESET),
)


def trial(what: Trial, rate_nl_h: int, tick_nl: int, seed: int) -> float | None:
    """Return after how many seconds the fault is told; None when it is not within two hours."""
    bench = Bench(rate_nl_h, tick_nl, seed=seed, mechanism=IDEAL)
    bench.model.programme(rate_nl_h * (int(INFUSION_S) + 800) // 3600 + 2 * tick_nl)
    bench.model.press_start()
    # Long enough that its counter shows something, and at any phase of a step.
    bench.read_after(2 * tick_nl * NS_PER_H // rate_nl_h)
    bench.run(60 + random.Random(seed).uniform(0, min(600, 3600 * tick_nl / rate_nl_h)))
    assert set(bench.episodes) == set()
    what.begins(bench)
    return bench.until(lambda told: what.told_as in told, float(INFUSION_S))


Found = Mapping[str, Mapping[str, list[list[float | None]]]]
"""Counter step, fault, and for each rate after how many seconds each trial was told; None: not at all."""
Seen = Mapping[tuple[str, str], Mapping[ConditionId, int]]
"""Rate and counter step: how often each condition was told of a sound pump."""


def detection(tick_ml: str, trials: int, seed: int) -> dict[str, list[list[float | None]]]:
    """Return, for each fault, the times of ``trials`` trials at each rate."""
    return {
        what.name: [
            [trial(what, _nl(rate), _nl(tick_ml), seed + 1000 * n) for n in range(trials)]
            for rate in RATES_ML_H
        ]
        for what in TRIALS
    }


def false_alarms(rate: str, tick_ml: str, hours: float, seed: int) -> Counter[ConditionId]:
    """Return how often what is told of a sound pump in busy hands in so many simulated hours.

    A counter that is reset by hand does begin anew: that is told to the engineer, and is no false alarm.
    """
    bench = Bench(_nl(rate), _nl(tick_ml), seed=seed)
    live(bench, hours)
    del bench.episodes[ConditionId.COUNTER_RESET]
    return bench.episodes


def roll_overs(rate: str, tick_ml: str, seed: int) -> int:
    """Return how often anything is told of a sound pump whose counter runs over: at 1 L, and at 16 bits."""
    told = 0
    for wraps_nl in (1000 * NL_PER_ML, _nl(tick_ml) << 16):
        bench = Bench(_nl(rate), _nl(tick_ml), seed=seed, mechanism=IDEAL, wraps_nl=wraps_nl)
        bench.offset_nl = wraps_nl - 2 * bench.tick_nl
        bench.model.press_start()
        bench.run(max(60, 4 * 3600 * bench.tick_nl / bench.rate_nl_h))
        assert bench.account is not None
        assert bench.account.counter_nl < wraps_nl // 2, "it has run over"
        told += bench.episodes.total()
    return told


SLIPS = tuple(Fraction(n) for n in ("10", "100", "1/10", "1/100", "60", "1/60", "1000", "1/1000"))
"""How a rate is set wrongly: by digits, minutes for hours, micrograms for milligrams."""


def slip_readings(rate: str, wrong: Fraction) -> int | None:
    """Return by which reading ``wrong`` instead of the ordered ``rate`` is told; None by no tenth one."""
    dose = PROGRAMME.dose(FlowRate(_nl(rate))).amount
    low, high = (DoseRate(dose * percent / 100, PROGRAMME.unit) for percent in (99, 101))
    programme: Programme = replace(PROGRAMME, dose_min=low, dose_max=high)
    bed = Bedside(replace(SETUP, programme=programme, entry=None, ceiling=None, flow_step=FlowRate(1)))
    bed.every_second([rate] * 5)
    flow = Measured.valid(FlowRate(int(wrong * NL_PER_ML)))
    for reading in range(1, 11):
        bed.every_second([None], flow=flow, set_flow=flow)
        if bed.alarm(ConditionId.TEN_FOLD) is not None:
            return reading
    return None


def slips(rate: str) -> dict[str, int | None]:
    """Return by which reading each slip at ``rate`` is told."""
    found = {f"{by} x": slip_readings(rate, Fraction(rate) * by) for by in SLIPS}
    found["the dose set as mL/h"] = slip_readings(rate, PROGRAMME.dose(FlowRate(_nl(rate))).amount)
    return found
