"""What a reading adds to an infusion: what it gave, how long it flowed and stood, how the pump is set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.delivery_account import Account
from pumpd.core.drug_library import Bounds, TotalLimit, TotalOver
from pumpd.core.infusion import ordered_range
from pumpd.core.infusion_begin import longest_window_ns
from pumpd.core.infusion_record import aimed
from pumpd.core.infusion_seen import advanced
from pumpd.core.infusion_watch import InfusionWatch, PatientDose, turned
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG, FlowRate
from pumpd.core.telemetry import Measured, PumpStatus, Telemetry, missing
from pumpd.core.total_dose import DoseAccount, Stretch
from tests.core.infusion_scene import FULL_ENTRY, LIBRARY, PATIENT, PROGRAMME, STEP, dose, infusion
from tests.core.situations import Bedside

pytestmark = pytest.mark.requirement("INF-1")
DAY_NS = 24 * NS_PER_H
GAP_NS = 15 * NS_PER_S
SECOND_NL = 10_000
"""What 36 mL/h give in a second."""
MG_E6 = PG_PER_MG * NL_PER_ML
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(DAY_NS))
WATCH = InfusionWatch(infusion(), 0, NOTHING)


def _read(at_s: float, flow: str | None = "36", chosen: str | None = "36", **other: object) -> Telemetry:
    said = missing() if chosen is None else Measured.valid(FlowRate.parse(chosen))
    reading = Bedside(now_ns=round(at_s * NS_PER_S)).reading(flow, set_flow=said, **other)
    return replace(reading, flow=missing()) if flow is None else reading


def _stopped(at_s: float) -> Telemetry:
    return _read(at_s, "0", None, status=PumpStatus.STOPPED)


def _counted(counter_nl: int, counted_nl: int, begun_s: int = 1, elsewhere_nl: int = 0) -> Account:
    return Account(
        begun_s * NS_PER_S,
        0,
        0,
        PumpStatus.RUNNING,
        counter_nl,
        0,
        0,
        0,
        0,
        None,
        counted_nl=counted_nl,
        elsewhere_nl=elsewhere_nl,
    )


def _after(*steps: tuple[Telemetry, Account | None]) -> InfusionWatch:
    watch = WATCH
    for reading, account in steps:
        watch = advanced(watch, reading, account, GAP_NS)
    return watch


@pytest.mark.parametrize(("silence_s", "up_to"), [(15, False), (15.001, True)])
def test_without_a_counter_the_flow_counts_and_a_gap_at_the_highest(silence_s: float, up_to: bool) -> None:
    """Within the gap the higher of the two readings, past it the highest ever, marked as at most so much."""
    watch = _after(
        (_read(1, "72", "72"), None), (_read(2, "36", "36"), None), (_read(2 + silence_s, "36", "36"), None)
    )
    rate_nl_h = (72 if up_to else 36) * NL_PER_ML
    assert watch.up_to is up_to
    assert watch.given_nl == 2 * SECOND_NL + rate_nl_h * round(silence_s * NS_PER_S) // NS_PER_H
    assert watch.given_e6_p == watch.given_nl * PROGRAMME.concentration.p_per_ml
    assert watch.dose.account.total_e6_p == watch.dose.series_e6_p == watch.given_e6_p


def test_the_first_reading_gives_nothing_whatever_the_counter_shows() -> None:
    """What a pump counted before its infusion is nobody's; the second reading counts from there."""
    first = (_read(1), _counted(5_000_000, 5_000_000))
    assert _after(first).given_nl == 0
    assert _after(first, (_read(2), _counted(5_000_007, 5_000_007))).given_nl == 7
    assert _after((_read(1), None)).given_nl == 0


def test_the_same_account_is_credited_by_what_it_counted() -> None:
    """With what another number showed; it never takes back, and what it took back is not given twice."""
    first = (_read(1), _counted(100, 100))
    assert _after(first, (_read(2), _counted(107, 107, elsewhere_nl=5))).given_nl == 12
    back = (_read(2), _counted(100, 90))
    assert _after(first, back).given_nl == 0
    assert _after(first, back, (_read(3), _counted(100, 101))).given_nl == 1


@pytest.mark.parametrize(
    ("counter_nl", "given_nl", "up_to"), [(100, 0, False), (103, 3, False), (99, SECOND_NL, True)]
)
def test_another_account_is_credited_by_the_counter(counter_nl: int, given_nl: int, up_to: bool) -> None:
    """Watching began anew: the counter tells; where it began anew too, the highest rate does, as at most."""
    watch = _after(
        (_read(1), _counted(100, 100)), (_read(2), _counted(counter_nl, 0, begun_s=2)), (_read(2), None)
    )
    assert (watch.given_nl, watch.up_to) == (given_nl, up_to)
    assert (watch.account_ns, watch.counted_nl, watch.counter_nl) == (2 * NS_PER_S, 0, counter_nl)


@pytest.mark.parametrize("at_s", [2, 1.5])
def test_a_reading_that_is_not_newer_adds_nothing(at_s: float) -> None:
    """Neither the same one again nor one from before."""
    before = _after((_read(1), None), (_read(2), None))
    assert advanced(before, _read(at_s, "72"), None, GAP_NS) is before


def test_what_primes_a_line_is_not_at_the_patient() -> None:
    """It is left out, in volume and in drug; the counter goes on from behind it."""
    watch = _after(
        (_read(1), _counted(100, 100)),
        (_read(2, status=PumpStatus.PRIMING), _counted(900, 900)),
        (_read(3), _counted(905, 905)),
    )
    assert watch.given_nl == 5


def test_what_a_step_shows_was_given_since_the_step_before() -> None:
    """A counter that stands while it flows is credited over the whole time, one that stood still is not."""
    stand = (_read(2), _counted(100, 100))
    watch = _after((_read(1), _counted(100, 100)), stand, (_read(3), _counted(110, 110)))
    assert watch.dose.account.stretches == (Stretch(NS_PER_S, 3 * NS_PER_S, 10 * 2 * 10**9),)
    stood = _after(
        (_stopped(1), _counted(100, 100)),
        (_stopped(2), _counted(100, 100)),
        (_read(3), _counted(110, 110)),
    )
    assert [s.begun_ns for s in stood.dose.account.stretches] == [2 * NS_PER_S]
    moved = _after(
        (_stopped(1), _counted(100, 100)),
        (_stopped(2), _counted(110, 110)),
        (_stopped(3), _counted(120, 120)),
    )
    assert [(s.begun_ns, s.ended_ns) for s in moved.dose.account.stretches] == [(NS_PER_S, 3 * NS_PER_S)]


@pytest.mark.parametrize(
    ("status", "flow", "chosen", "pace"),
    [
        (PumpStatus.RUNNING, "10", "36", 36),
        (PumpStatus.RUNNING, "40", "36", 40),
        (PumpStatus.RUNNING, None, "36", 36),
        (PumpStatus.RUNNING, "10", None, 10),
        (PumpStatus.RUNNING, None, None, 0),
        (PumpStatus.BOLUS, "10", "36", 10),
        (PumpStatus.KVO, "1", "36", 1),
        (PumpStatus.STOPPED, "0", "36", 0),
        (PumpStatus.STOPPED, "5", "36", 5),
    ],
)
def test_a_pump_may_flow_as_fast_as_it_shows_or_is_set(
    status: PumpStatus, flow: str | None, chosen: str | None, pace: int
) -> None:
    """Running, the higher of the two; in a bolus and at KVO what is set is not what flows."""
    watch = _after((_read(1, flow, chosen, status=status), None))
    assert watch.pace_nl_h == watch.top_nl_h == pace * NL_PER_ML


def test_beside_another_pump_a_stretch_is_put_behind_it() -> None:
    """Two pumps of one patient and drug add up; nothing of either is lost, and order is kept."""
    had = NOTHING.plus(Stretch(0, 10, 100), 1)
    inside, after = had.plus(Stretch(5, 8, 7), 2), had.plus(Stretch(10, 12, 7), 2)
    overlap = had.plus(Stretch(9, 12, 7), 2)
    assert [(s.begun_ns, s.ended_ns) for s in inside.account.stretches] == [(0, 10), (10, 10)]
    assert [(s.begun_ns, s.ended_ns) for s in overlap.account.stretches] == [(0, 10), (10, 12)]
    assert [(s.begun_ns, s.ended_ns) for s in after.account.stretches] == [(0, 10), (10, 12)]
    for dose_had in (inside, overlap, after):
        assert dose_had.account.total_e6_p == dose_had.series_e6_p == 107
    gap = had.plus(Stretch(11, 12, 7), 2)
    assert gap.account.stretches[-1].begun_ns == 11


@pytest.mark.parametrize(
    ("reading", "flowed_s"),
    [
        (_read(3), 1),
        (_read(3, status=PumpStatus.BOLUS), 1),
        (_read(3, None), 1),
        (_read(3, "0"), 0),
        (_read(3, "0.001"), 1),
        (_read(3, status=PumpStatus.PRIMING), 0),
        (_read(3, status=PumpStatus.KVO), 0),
        (_read(3, "0", status=PumpStatus.STOPPED), 0),
    ],
)
def test_how_long_it_flowed(reading: Telemetry, flowed_s: int) -> None:
    """From its first flow on, by readings that show or may hide one; priming and KVO are none."""
    watch = _after((_read(1), None), (_read(2), None))
    after = advanced(watch, reading, None, GAP_NS)
    assert (watch.flowed_from_ns, watch.flowed_ns) == (NS_PER_S, NS_PER_S)
    assert after.flowed_ns == (1 + flowed_s) * NS_PER_S


def test_since_when_it_stands() -> None:
    """From the first reading that shows it, until it flows; before its first flow it stands for nobody."""
    assert _after((_stopped(1), None)).standing_ns is None
    first, stopped = (_read(1), None), ((_stopped(2), None), (_stopped(3), None))
    watch = _after(first, *stopped)
    assert watch.standing_ns == 2 * NS_PER_S
    keeps_open = (_read(4, status=PumpStatus.KVO), None)
    assert _after(first, *stopped, keeps_open).standing_ns == 2 * NS_PER_S
    assert _after(first, *stopped, (_read(4), None)).standing_ns is None
    assert _after(first, (_read(2, status=PumpStatus.KVO), None)).standing_ns is None
    carried_on = WATCH._replace(flowed_from_ns=NS_PER_S, flowed_ns=NS_PER_S)
    assert advanced(carried_on, _read(9), None, GAP_NS).flowed_ns == NS_PER_S


ORDERED = ordered_range(PROGRAMME, STEP)
"""3.5 to 17.5 mL/h."""


def _turned(*rates: str, status: PumpStatus = PumpStatus.RUNNING) -> tuple[InfusionWatch, list[str]]:
    watch, told = WATCH, []
    for second, rate in enumerate(rates, start=1):
        watch, message = turned(watch, _read(second, chosen=rate, status=status), ORDERED, STEP)
        told += [] if message is None else [f"{message.before.ml_per_h} to {message.after.ml_per_h}"]
    return watch, told


@pytest.mark.parametrize(
    ("rates", "told", "raised_s"),
    [
        (("10.5",), [], None),
        (("10.5", "17.5"), ["10.5 to 17.5"], 2),
        (("10.5", "17.6"), [], 2),
        (("10.5", "3.5"), ["10.5 to 3.5"], None),
        (("10.5", "3.4"), [], None),
        (("10.5", "10.5", "12"), ["10.5 to 12"], 3),
    ],
)
def test_a_rate_inside_the_order_is_a_message(
    rates: tuple[str, ...], told: list[str], raised_s: int | None
) -> None:
    """Both ends of the ordered range belong to it; the first rate seen is no change, a lower one no raise."""
    watch, said = _turned(*rates)
    assert said == told
    assert watch.raised_ns == (None if raised_s is None else raised_s * NS_PER_S)
    assert watch.rate_nl_h == FlowRate.parse(rates[-1]).nl_per_h


def test_a_pump_that_does_not_run_is_not_titrated() -> None:
    """What somebody dials before the start is no change of a running infusion."""
    watch, told = _turned("10.5", "17.5", status=PumpStatus.STOPPED)
    assert (told, watch.rate_nl_h, watch.raised_ns) == ([], None, None)


def test_the_tick_says_whether_the_pump_is_set_as_ordered() -> None:
    """0.3 mg/kg/h for 70 kg of 2 mg/mL are 10.5 mL/h; a titration moves what is meant, past the end not."""
    assert _turned("10.5")[0].agrees is True
    assert _turned("10.4")[0].agrees is False
    assert _turned("10.4", "17.5")[0].agrees is True
    assert _turned("10.5", "17.5")[0].infusion == aimed(infusion(), dose("0.5"))
    assert _turned("10.5", "17.6")[0].agrees is False
    silent = replace(_read(9), set_flow=missing())
    for known in (_turned("10.5")[0], _turned("10.4")[0]):
        assert turned(known, silent, ORDERED, STEP)[0].agrees is None
        assert turned(known, _read(9), None, STEP)[0].agrees is None
    assert turned(WATCH, silent, ORDERED, STEP)[0] is WATCH
    over = WATCH._replace(ended_ns=NS_PER_S, rate_nl_h=FlowRate.parse("10.5").nl_per_h)
    after, told = turned(over, _read(9, chosen="12"), ORDERED, STEP)
    assert told is not None
    assert after.infusion is over.infusion


def test_what_to_set_follows_every_change_of_order_and_of_the_pumps_step() -> None:
    """The tick is never about an order or a pump that was there before; with neither changed nothing is."""
    shown, coarse = _read(2, chosen="10.5"), FlowRate.parse("1")
    watch = _turned("10.5")[0]
    assert turned(watch, shown, ORDERED, STEP)[0] is watch
    lower = watch._replace(infusion=aimed(watch.infusion, dose("0.2")))
    assert turned(lower, shown, ORDERED, STEP)[0].agrees is False
    rounded = turned(watch, shown, ORDERED, coarse)[0]
    assert rounded.agrees is False
    assert turned(rounded, _read(3, chosen="10"), ORDERED, coarse)[0].agrees is True


def test_the_longest_window_of_a_drug_is_kept() -> None:
    """Of that drug's entries alone, and of windows alone: an account of another drug does not lengthen it."""
    week = TotalLimit(TotalOver.WINDOW, Bounds(), 7 * 24 * 3600)
    other = replace(FULL_ENTRY, drug="other", totals=(week,))
    library = replace(LIBRARY, entries=(FULL_ENTRY, other))
    assert longest_window_ns(library, "ketamine") == DAY_NS
    assert longest_window_ns(library, "other") == 7 * DAY_NS
    assert longest_window_ns(library, "third") == DAY_NS
    only_infusion = replace(FULL_ENTRY, totals=FULL_ENTRY.totals[:1])
    assert longest_window_ns(replace(library, entries=(only_infusion,)), "ketamine") == DAY_NS
