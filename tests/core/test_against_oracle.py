"""Rules of the core against a second calculation from the whole history, in other units and another order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.alarms import AlarmSignal
from pumpd.core.alert_loop import TIMES, WITHIN_NS, loop_finding, looped
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DoseLimits, Interval, Restrain
from pumpd.core.gap import end_gap
from pumpd.core.infusion_clock import next_look_ns
from pumpd.core.line_quality import WINDOW_NS, Quality, Sample, disturbance, sampled
from pumpd.core.lowering import LowerNow
from pumpd.core.occlusion import Line, blind_s
from pumpd.core.quantities import NL_PER_ML, NS_PER_S, FlowRate, Volume, Weight
from pumpd.core.restraint_gate import Enforcement, RestraintGate
from pumpd.core.slips import NARROW, slip
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus
from tests import proof
from tests.core.courses.bed import STEP_NL, Counted, runs, silent
from tests.core.situations import ENTRY, PROGRAMME, SETUP, Bedside, mg_kg_h
from tests.oracle import lowering, order, rules

pytestmark = pytest.mark.requirement("CORE-10")
LOST, HARD, NEAR = ConditionId.LINK_LOST, ConditionId.OVER_HARD, ConditionId.NEAR_END
NO_DOSE = replace(PROGRAMME, dose_min=mg_kg_h("0"), dose_max=mg_kg_h("0"))
"""Its dose is no rate that anybody sets."""


def _ml(nl: int) -> Fraction:
    return Fraction(nl, NL_PER_ML)


@st.composite
def _settings(draw: st.DrawFn) -> tuple[int, int, int, int | None]:
    """An ordered range in nL/h, a rate before, and a rate that is near to some slip of theirs."""
    low = draw(st.integers(100, 50_000_000))
    high = low + draw(st.integers(0, 2 * low))
    before = draw(st.one_of(st.none(), st.integers(low, high)))
    from_nl_h = draw(st.sampled_from([low, high, before or low]))
    factor = draw(st.sampled_from([1, 10, 100, 60, 1000]))
    near = draw(st.sampled_from([from_nl_h * factor, from_nl_h // factor])) + draw(st.integers(-2, 2))
    return max(0, near), low, high, before


@proof.examples("settings against every slip", small=400, full=50_000)
@given(_settings())
def test_a_slip_is_told_exactly_where_one_can_have_been_made(drawn: tuple[int, int, int, int | None]) -> None:
    """By digits or by units: one that the oracle finds among all of them, and none where it finds none."""
    rate, low, high, before = drawn
    named = [] if before is None else [(_ml(before), _ml(before))]
    if high <= NARROW * low:
        named.append((_ml(low), _ml(high)))
    possible = order.slip(_ml(rate), _ml(low), _ml(high), named)
    found = slip(rate, NO_DOSE, low, high, before)
    assert found in possible if possible else found == ""


@proof.examples("blind windows against the compliance", small=200, full=20_000)
@given(
    st.integers(1, 50_000), st.integers(21, 3_000), st.integers(0, 3_500), st.integers(10_000, 1_000_000_000)
)
def test_the_blind_window_is_what_the_line_swallows(
    compliance: int, limit_e1: int, shows_e1: int, nl_h: int
) -> None:
    """Exactly: what the line takes up to the limit, at the rate that is set."""
    wanted = rules.blind_s(_ml(compliance), Fraction(limit_e1, 10), Fraction(shows_e1, 10), _ml(nl_h))
    assert blind_s(Line(compliance, limit_e1), FlowRate(nl_h), shows_e1) == wanted


@proof.examples("gaps against the counter", small=60, full=3_000)
@given(st.integers(16, 900), st.integers(0, 5_000_000))
def test_a_gap_is_accounted_for_exactly_within_its_margin(gap_s: int, moved_nl: int) -> None:
    """Three steps, a second and 5 %: within it nobody has to look; three nanolitres are left to rounding."""
    bed = Counted()
    runs(1)(bed)
    before, reading = bed.state.account, bed.state.last
    assert before is not None
    assert reading is not None
    silent(16)(bed)
    bed.now_ns += (gap_s - 16) * NS_PER_S
    shows = Measured.valid(Volume(before.counter_nl + moved_nl))
    after = end_gap(replace(bed.state, last=replace(reading, taken_ns=bed.now_ns, volume=shows)), before)
    left_ml = rules.gap_left_ml(_ml(moved_nl), Fraction(10), Fraction(gap_s), Fraction(STEP_NL, NL_PER_ML))
    if abs(left_ml) > _ml(3):
        assert after.alarms[LOST].accounted is (left_ml > 0)


_FLAGS = st.sets(st.sampled_from([PumpAlarm.OCCLUSION, PumpAlarm.AIR]), max_size=2)


@proof.examples("stops and starts against their whole history", small=200, full=20_000)
@given(st.lists(st.tuples(st.integers(1, 300), _FLAGS, st.booleans()), min_size=1, max_size=20))
def test_the_same_alarm_again_is_counted_as_its_history_says(
    steps: list[tuple[int, set[PumpAlarm], bool]],
) -> None:
    """Each start after each alarm that stopped it, in the last ten minutes and no longer."""
    bed, loop, history, at_s = Bedside(), None, [], 0
    for after_s, alarms, started in steps:
        at_s += after_s
        status = PumpStatus.RUNNING if started else PumpStatus.ALARM
        flags = frozenset() if started else frozenset(alarms)
        reading = bed.reading("0", taken_ns=at_s * NS_PER_S, status=status, alarms=flags)
        loop = looped(loop, reading)
        history.append((at_s, {flag.value for flag in flags}, started))
        counts = rules.starts_after(history, WITHIN_NS // NS_PER_S)
        wanted = {flag for flag, n in counts.items() if n >= TIMES}
        found = None if loop is None else loop_finding(loop)
        assert (set() if found is None else found.causes) == wanted


@proof.examples("readings about a hard limit", small=100, full=5_000)
@given(st.lists(st.sampled_from(["35", "35.1", None]), min_size=1, max_size=20))
def test_a_hard_limit_takes_two_of_three_readings(flows: list[str | None]) -> None:
    """However good, bad and missing ones follow each other; what can not be judged changes nothing."""
    bed = Bedside(replace(SETUP, gate=RestraintGate()))
    for n, flow in enumerate(flows):
        shown: dict[str, object] = {"flow": Measured.invalid("65535")} if flow is None else {}
        bed.every_second([flow], **shown)
        stands = rules.two_of_three([None if one is None else one == "35.1" for one in flows[: n + 1]])
        assert (bed.signal(HARD) is AlarmSignal.ON) is stands


@proof.examples("what is left against ten minutes of flow", small=100, full=5_000)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 8_000)), min_size=1, max_size=8))
def test_the_end_is_near_by_the_minutes_that_are_left(steps: list[tuple[int, int]]) -> None:
    """Told below ten minutes, and until eleven are left again; nothing left is not near any more."""
    bed, told = Bedside(), False
    for tenths, left_ul in steps:
        to_come = Measured.valid(Volume(left_ul * 1000))
        bed.every_second([f"{tenths / 10}"], volume_to_be_infused=to_come)
        minutes = Fraction(left_ul, 1000) / Fraction(tenths, 10) * 60
        told = 0 < minutes < (11 if told else 10)
        assert (bed.alarm(NEAR) is not None) is told


@st.composite
def _clocks(draw: st.DrawFn) -> list[tuple[int, int | None]]:
    """Intervals of a library: every so many minutes until then; the last one maybe for ever."""
    clock: list[tuple[int, int | None]] = []
    until = 0
    for _ in range(draw(st.integers(1, 3))):
        every = draw(st.integers(1, 30)) * 2
        until += every * draw(st.integers(1, 4)) + draw(st.integers(0, 5))
        clock.append((every, until))
    if draw(st.booleans()):
        clock[-1] = (clock[-1][0], None)
    return clock


@proof.examples("looks at the patient against all moments", small=200, full=20_000)
@given(_clocks(), st.one_of(st.none(), st.integers(-60, 30_000)))
def test_a_look_counts_for_the_moment_it_is_nearest_to(
    clock: list[tuple[int, int | None]], looked_s: int | None
) -> None:
    """The next one is the first moment of the library's clock that no look counts for."""
    intervals = [Interval(every * 60, None if until is None else until * 60) for every, until in clock]
    found = next_look_ns(intervals, None if looked_s is None else looked_s * NS_PER_S)
    wanted = rules.next_look_min(clock, None if looked_s is None else Fraction(looked_s, 60))
    assert found == (None if wanted is None else wanted * 60 * NS_PER_S)


@proof.examples("samples of a line against their sum", small=200, full=20_000)
@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=30)
)
def test_a_line_is_judged_by_its_last_ten_minutes(steps: list[tuple[int, int, int]]) -> None:
    """Three questions and more than one in a hundred are too many, by whatever samples they are counted."""
    quality: Quality = ()
    samples, at_s, asked, marred = [], 0, 0, 0
    for after_s, more, bad in steps:
        at_s, asked, marred = at_s + after_s, asked + more, marred + min(more, bad)
        quality = sampled(quality, Sample(at_s * NS_PER_S, asked, marred))
        samples.append((at_s, asked, marred))
        of, hit = rules.marred(samples, WINDOW_NS // NS_PER_S)
        assert bool(disturbance(quality)) is (hit >= 3 and Fraction(hit, of) > Fraction(1, 100))


_DELAYED = {ConditionId.OVER_SOFT: "18", ConditionId.UNDER_SOFT: "3", ConditionId.UNDER_HARD: "1.76"}
"""A flow that breaks each, and is no tenth of the order; 10 mL/h breaks none."""


@proof.examples("delays against their whole history", small=150, full=10_000)
@given(
    st.sampled_from(list(_DELAYED)),
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from([True, True, True, False, None])),
        min_size=1,
        max_size=30,
    ),
)
def test_a_condition_stands_by_how_long_it_has_been_so(
    condition: ConditionId, steps: list[tuple[int, bool | None]]
) -> None:
    """Raised and ended at just the readings of the oracle, however good, bad and unknown ones alternate."""
    declared = CATALOGUE[condition]
    pace = declared.delay_s // 30
    bed, history = Bedside(replace(SETUP, gate=RestraintGate())), []
    for seconds, broken in steps:
        bed.now_ns += seconds * pace * NS_PER_S
        flow = {True: _DELAYED[condition], False: "10", None: None}[broken]
        bed.read(flow, **({} if flow else {"flow": Measured.invalid("65535")}))
        history.append((Fraction(bed.now_ns, NS_PER_S), broken))
        wanted = rules.stands(history, declared.delay_s, declared.clear_after_s)
        assert (bed.signal(condition) is AlarmSignal.ON) is wanted


@pytest.mark.requirement("RES-4", "INV-1")
@proof.examples("lower rates against the doses that allow them", small=100, full=5_000)
@given(st.integers(101, 999), st.integers(1, 600), st.integers(300, 1_500), st.integers(1, 1_200))
def test_what_a_pump_is_lowered_to_is_what_every_dose_allows(
    ordered_e3: int, more_e3: int, kg_e1: int, ceiling_e1: int
) -> None:
    """Order, hard maximum and ceiling, each rounded down to the step: the least of them, and never more."""
    ordered, hard = Fraction(ordered_e3, 1000), Fraction(ordered_e3 + more_e3, 1000)
    kg, ceiling = Fraction(kg_e1, 10), Fraction(ceiling_e1, 10)
    limits = DoseLimits(hard_max=mg_kg_h(str(float(hard))))
    setup = replace(
        SETUP,
        programme=replace(
            PROGRAMME, weight=Weight.parse(str(float(kg))), dose_max=mg_kg_h(str(float(ordered)))
        ),
        entry=replace(ENTRY, dose_rate=limits),
        ceiling=FlowRate.parse(str(float(ceiling))),
        gate=RestraintGate(Enforcement.CAP, True, Restrain.CAP, True, True),
    )
    bed = Bedside(setup)
    fast = {"set_flow": Measured.valid(FlowRate.parse("999"))}
    asked = [e for e in bed.every_second(["999"] * 3, **fast) if isinstance(e, LowerNow)]
    wanted = lowering.asked_ml_h([ordered, hard], Fraction(2), kg, Fraction(1, 10), ceiling)
    assert [_ml(each.to.nl_per_h) for each in asked] == [wanted]
    assert wanted * 2 / kg <= ordered
