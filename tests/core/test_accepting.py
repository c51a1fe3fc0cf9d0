"""A soft limit accepted from a running alarm: quiet at that value, told anew beyond it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.acceptance import HARD, Accept, Acceptance, may_be_accepted, unaccepted
from pumpd.core.alarms import Alarm, AlarmChanged, AlarmEvent, AlarmSignal, Finding
from pumpd.core.amounts import DrugAmount
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import Bounds, Titration, TotalLimit, TotalOver
from pumpd.core.state import Acknowledge
from tests.core.courses.bed import Act, Counted, runs, stands
from tests.core.courses.of_infusion import BARE, SHORT, begins, ended_on_paper, turned_to
from tests.core.infusion_scene import AT, FULL_ENTRY, dose, programme
from tests.core.situations import events

OVER, UNDER = ConditionId.OVER_SOFT, ConditionId.UNDER_SOFT
TOTAL, RAISED = ConditionId.TOTAL_DOSE_SOFT, ConditionId.TITRATION
CALM = replace(FULL_ENTRY, titration=None, totals=())
TOTALS = replace(
    CALM, totals=(TotalLimit(TotalOver.INFUSION, Bounds(soft_max=DrugAmount.parse("0.01 mg/kg"))),)
)
FOUR_MINUTES = programme(volume=None, duration_s=240)
pytestmark = pytest.mark.requirement("ACCEPT-1")


def scene(*acts: Act) -> Counted:
    """Return a pump after ``acts``."""
    made = Counted(setup=BARE)
    for act in acts:
        act(made)
    return made


def alarm_of(made: Counted, condition: ConditionId) -> Alarm:
    """Return the alarm, which is on."""
    alarm = made.alarm(condition)
    assert alarm is not None
    return alarm


def accept(made: Counted, condition: ConditionId, **changes: object) -> None:
    """Let a nurse accept it as it is."""
    said = Accept(condition, alarm_of(made, condition).revision, "Ada", "pain is severe")
    made.told.clear()
    made.told += made.give(replace(said, **changes))  # type: ignore[arg-type]


def over(rate: str = "18", seconds: int = 40) -> Counted:
    """Return a pump above its soft limit of 17.5 mL/h."""
    return scene(begins(CALM), runs(seconds, rate))


@pytest.mark.parametrize(
    ("condition", "acts", "same", "worse"),
    [
        (OVER, (begins(CALM), runs(40, "18")), runs(60, "18"), runs(60, "18.1")),
        (UNDER, (begins(CALM), runs(310, "3")), runs(400, "3"), runs(310, "2.9")),
        (
            RAISED,
            (begins(), turned_to(5, "10"), turned_to(20, "15")),
            turned_to(60, "15"),
            turned_to(20, "15.1"),
        ),
        (
            ConditionId.DURATION,
            (begins(SHORT), turned_to(135, "10")),
            turned_to(45, "10"),
            turned_to(20, "10"),
        ),
        (TOTAL, (begins(TOTALS, FOUR_MINUTES), runs(60, "14")), runs(50, "14"), runs(30, "17")),
    ],
    ids=lambda value: value.value if isinstance(value, ConditionId) else "",
)
def test_accepted_it_ends_and_is_quiet_at_that_value_and_told_anew_beyond(condition, acts, same, worse):
    """By name and with a reason; a restart forgets none of it."""
    made = scene(*acts)
    assert made.signal(condition) is AlarmSignal.ON
    accept(made, condition)
    assert made.signal(condition) is AlarmSignal.OFF
    last = next(e for e in reversed(made.told) if isinstance(e, AlarmChanged))
    assert (last.event, last.by) == (AlarmEvent.CLEAR, "Ada")
    assert last.why.startswith("accepted, ")
    assert last.why.endswith(": pain is severe")
    made.told.clear()
    same(made)
    made.restart()
    same(made)
    assert condition not in [c for c, _ in events(made.told)]
    worse(made)
    assert made.signal(condition) is AlarmSignal.ON


def test_what_was_accepted_stands_in_words():
    """Who, when, why and what: for the card and the journal."""
    made = over()
    accept(made, OVER)
    assert made.state.watch is not None
    (one,) = made.state.watch.accepted
    assert (one.by, one.reason, one.up_to, one.at) == ("Ada", "pain is severe", 18_000_000, made.now.wall)
    assert one.words == "Faster than usual: 0.514 mg/kg/h, usual up to 0.5 mg/kg/h"


def test_a_higher_value_accepted_takes_the_place_of_the_lower_one():
    """Of one limit there is one acceptance, the last."""
    made = over()
    accept(made, OVER)
    runs(40, "20")(made)
    accept(made, OVER)
    assert made.state.watch is not None
    assert [a.up_to for a in made.state.watch.accepted] == [20_000_000]


def test_what_somebody_has_already_may_be_accepted_by_another():
    """An acknowledged alarm is accepted with one line more, not two."""
    made = over()
    made.give(Acknowledge(OVER, alarm_of(made, OVER).revision, "Ben"))
    accept(made, OVER)
    assert events(made.told) == [(OVER, AlarmEvent.CLEAR)]
    assert made.signal(OVER) is AlarmSignal.OFF


def test_a_total_is_accepted_by_what_it_adds_up_over():
    """To accept what one infusion comes to is not to accept what a series comes to."""
    soft = Bounds(soft_max=DrugAmount.parse("0.01 mg/kg"))
    both = replace(CALM, totals=(TotalLimit(TotalOver.INFUSION, soft), TotalLimit(TotalOver.SERIES, soft)))
    made = scene(begins(both, FOUR_MINUTES), runs(60, "14"))
    accept(made, TOTAL)
    runs(3, "14")(made)
    assert made.signal(TOTAL) is AlarmSignal.ON
    accept(made, TOTAL)
    runs(3, "14")(made)
    assert made.signal(TOTAL) is AlarmSignal.OFF
    assert made.state.watch is not None
    assert sorted(a.cause for a in made.state.watch.accepted) == ["in this infusion", "in this series"]


def test_what_was_accepted_once_does_not_hide_what_became_hard() -> None:
    """A finding that nobody may accept is told, whatever was accepted of its condition before."""
    once = Acceptance(RAISED, 99, "a raise", "Ada", AT, "pain")
    hard, soft = Finding(AlarmPriority.MEDIUM), Finding(AlarmPriority.MEDIUM, soft=99)
    assert list(unaccepted((once,), [(RAISED, hard), (RAISED, soft)])) == [(RAISED, hard)]
    assert list(unaccepted((), [(RAISED, soft)])) == [(RAISED, soft)]
    worse, elsewhere = replace(soft, soft=100), replace(soft, causes=frozenset({"other"}))
    both = [(RAISED, worse), (RAISED, elsewhere), (OVER, soft)]
    assert list(unaccepted((once,), both)) == both


def test_a_hard_limit_is_never_accepted():
    """Neither one of the rate nor one of the total, nor a raise where the library says hard."""
    made = scene(begins(CALM), runs(10, "40"))
    with pytest.raises(ValueError, match="it is no soft limit"):
        accept(made, ConditionId.OVER_HARD)
    entry = replace(FULL_ENTRY, titration=Titration(dose("0.1"), 900, hard=True))
    made = scene(begins(entry), turned_to(5, "10"), turned_to(20, "15"))
    with pytest.raises(ValueError, match="the library's hard limit"):
        accept(made, RAISED)
    assert made.signal(RAISED) is AlarmSignal.ON


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": " "}, "needs a name and a reason"),
        ({"reason": " "}, "needs a name and a reason"),
        ({"revision": 99}, "raised anew or worsened"),
    ],
)
def test_who_why_and_what_was_seen_are_needed(changes, words):
    """Nothing changes when it is refused."""
    made = over()
    before = made.state
    with pytest.raises(ValueError, match=words):
        accept(made, OVER, **changes)
    assert made.state is before
    with pytest.raises(ValueError, match="no such alarm is on"):
        made.give(Accept(UNDER, 1, "Ada", "pain"))


def test_what_is_over_or_without_an_infusion_is_not_accepted():
    """A latched total is seen, not accepted; without an infusion there is no order that could allow it."""
    made = scene(begins(TOTALS, FOUR_MINUTES), runs(60, "14"), stands(3))
    assert made.signal(TOTAL) is AlarmSignal.LATCHED
    with pytest.raises(ValueError, match="it is not so any more"):
        accept(made, TOTAL)
    ended = over()
    ended_on_paper(ended)
    with pytest.raises(ValueError, match="no infusion goes on here"):
        accept(ended, OVER)
    configured = Counted()
    runs(40, "18")(configured)
    with pytest.raises(ValueError, match="no infusion goes on here"):
        accept(configured, OVER)


@pytest.mark.parametrize(
    ("condition", "causes", "offered"),
    [
        *((condition, frozenset[str](), True) for condition in (OVER, UNDER, TOTAL, RAISED)),
        (ConditionId.DURATION, frozenset({"usual"}), True),
        (ConditionId.DURATION, frozenset({"usual", HARD}), False),
        (RAISED, frozenset({HARD}), False),
        (ConditionId.OVER_HARD, frozenset[str](), False),
    ],
)
def test_only_what_would_not_be_refused_is_offered(
    condition: ConditionId, causes: frozenset[str], offered: bool
) -> None:
    """A page shows no button for what the daemon refuses: other conditions, and hard limits of soft ones."""
    alarm = replace(alarm_of(over(), OVER), condition=condition, causes=causes)
    assert may_be_accepted(alarm) is offered


def test_a_raise_beyond_a_hard_step_is_not_offered() -> None:
    """The alarm itself says that nobody may accept it, and the daemon refuses it."""
    hard = replace(CALM, titration=Titration(dose("0.1"), 900, hard=True))
    made = scene(begins(hard), turned_to(5, "10"), turned_to(20, "15"))
    assert not may_be_accepted(alarm_of(made, RAISED))
    with pytest.raises(ValueError, match="hard limit, so nobody can accept it"):
        accept(made, RAISED)
