"""What is said of an infusion after a restart: never less than before, and where it may be less, "up to"."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.delivery import advanced as counted
from pumpd.core.delivery_account import Account, Carried, Counter
from pumpd.core.infusion_begin import counted_from, moved_to
from pumpd.core.infusion_seen import advanced, reckoned
from pumpd.core.infusion_watch import SAVED_EVERY_NS, InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.telemetry import Measured, PumpStatus, Telemetry, missing
from pumpd.core.total_dose import DoseAccount
from tests import proof
from tests.core.infusion_scene import PATIENT, infusion
from tests.core.situations import Bedside

pytestmark = pytest.mark.requirement("INF-2")
GAP_NS = 5 * NS_PER_S
STEP_NL = 100_000
SECOND_NL = 10_000
"""What 36 mL/h give in a second: a step takes ten."""
BAG_NL = 50_000_000


@dataclass
class Course:
    """A pump with a counter of coarse steps, the daemon that reads it, and what is on disk."""

    declared_nl: int = STEP_NL
    tells_rest: bool = True
    given_nl: int = 0
    """What really flowed."""
    bag_nl: int = BAG_NL
    frozen_nl: int | None = None
    saved_ns: int = 0
    bedside: Bedside = field(default_factory=Bedside)
    account: Account | None = None
    carried: Carried | None = None
    watch: InfusionWatch = field(init=False)
    saved: tuple[InfusionWatch, Carried | None] = field(init=False)

    def __post_init__(self) -> None:
        self.watch = InfusionWatch(infusion(), 0, PatientDose(PATIENT, "ketamine", DoseAccount(0)))
        self.watch = counted_from(self.watch, self.reading(36))
        self.saved = (self.watch, None)
        self.bedside.now_ns += NS_PER_S
        self.read(36)
        self.save()

    def reading(self, ml_per_h: int, **other: object) -> Telemetry:
        flow = FlowRate.parse(str(ml_per_h))
        counter_nl = self.given_nl - self.given_nl % STEP_NL if self.frozen_nl is None else self.frozen_nl
        rest = Measured.valid(Volume(self.bag_nl - self.given_nl)) if self.tells_rest else missing()
        volumes = {"volume": Measured.valid(Volume(counter_nl)), "volume_to_be_infused": rest}
        plain = self.bedside.reading(str(ml_per_h), set_flow=Measured.valid(flow), **volumes)
        return replace(plain, **other)  # type: ignore[arg-type]

    def flows(self, seconds: int, ml_per_h: int = 36) -> None:
        """Let it flow with nobody watching."""
        self.bedside.now_ns += seconds * NS_PER_S
        self.given_nl += ml_per_h * 1_000_000 * seconds * NS_PER_S // NS_PER_H

    def read(self, ml_per_h: int = 36, **other: object) -> InfusionWatch:
        """Take a reading; what is known is on disk as often as the daemon writes it."""
        now, counter = self.reading(ml_per_h, **other), Counter(self.declared_nl, GAP_NS)
        self.account = counted(self.account, now, counter, self.carried)
        step_nl = 0 if self.account is None else self.account.as_seen(counter).tick_nl
        before, self.watch = self.watch, advanced(self.watch, now, self.account, GAP_NS, step_nl)
        flowed = self.watch.dose is not before.dose
        if flowed and now.taken_ns - self.saved_ns >= SAVED_EVERY_NS:
            self.save()
        if self.watch.pace_nl_h != before.pace_nl_h:  # an event
            self.save()
        return self.watch

    def save(self) -> None:
        self.saved_ns = self.watch.taken_ns or 0
        self.saved = (self.watch, None if self.account is None else self.account.carried)

    def runs(self, seconds: int, ml_per_h: int = 36) -> InfusionWatch:
        """Let it flow, read each second."""
        for _ in range(seconds):
            self.flows(1, ml_per_h)
            self.read(ml_per_h)
        return self.watch

    def killed(self) -> None:
        """Begin another run with what was on disk."""
        watch, self.carried = self.saved
        self.account, self.watch = None, watch.shifted(0)


def test_what_the_rest_showed_between_two_steps_is_not_forgotten() -> None:
    """Killed eight seconds after it was saved: in the new run it says what it said before, or more."""
    course = Course()
    before = course.runs(8)
    course.killed()
    after = course.read()
    assert before.given_nl == after.given_nl == 8 * SECOND_NL
    assert not after.at_most
    assert course.runs(30).given_nl == 38 * SECOND_NL


def test_a_step_in_the_unsaved_time_is_up_to_until_the_next_one() -> None:
    """Nobody knows what came after that step: at most what flowed since, exact again one step later."""
    course = Course()
    before = course.runs(6, 90)
    course.killed()
    course.flows(1, 4)
    after = course.read(4)
    assert after.at_most
    saved_nl = 25_000  # with the rate, a second after it was raised
    assert before.given_nl <= course.given_nl < after.given_nl == STEP_NL + course.given_nl - saved_nl
    assert course.runs(30, 4).at_most
    last = course.runs(110, 4)
    assert not last.at_most
    assert last.given_nl <= course.given_nl < last.given_nl + STEP_NL


@pytest.mark.parametrize(("tells_rest", "up_to"), [(True, True), (False, False)])
def test_a_pump_that_shows_its_counter_alone_is_never_up_to(tells_rest: bool, up_to: bool) -> None:
    """What it showed was a step of the counter before and after: nothing was told in between."""
    course = Course(tells_rest=tells_rest)
    course.runs(5)
    course.killed()
    course.bag_nl = 60_000_000  # typed anew, where it is told at all
    course.flows(6)
    after = course.read()
    assert after.at_most is up_to
    assert after.given_nl == (STEP_NL + 10 * SECOND_NL if up_to else STEP_NL)


def test_until_its_pump_is_read_again_it_is_up_to() -> None:
    """The seconds of a restart are reckoned at the highest rate, however short they are."""
    course = Course()
    course.runs(3)
    course.killed()
    told = reckoned(course.watch, course.bedside.now_ns + NS_PER_S, GAP_NS)
    assert told.at_most
    assert told.given_nl == (3 + 1) * SECOND_NL
    course.read()
    assert reckoned(course.watch, course.bedside.now_ns + NS_PER_S, GAP_NS) is course.watch


def test_a_frozen_counter_stays_accounted_for_over_a_restart() -> None:
    """The rest goes down and the counter does not: nothing of it is lost, and nothing is given twice."""
    course = Course(frozen_nl=0)
    course.runs(60)
    course.killed()
    course.flows(30)
    assert course.read().given_nl == 90 * SECOND_NL
    assert course.runs(10).given_nl == 100 * SECOND_NL


def test_what_primes_after_a_restart_is_not_at_the_patient() -> None:
    """What flowed before while pumpd did not run may have been: it counts, and is told as up to."""
    course = Course()
    course.runs(5)
    course.killed()
    course.flows(5)
    after = course.read(status=PumpStatus.PRIMING)
    assert (after.given_nl, after.up_to) == (10 * SECOND_NL, True)
    course.flows(300)
    assert course.read(status=PumpStatus.PRIMING).given_nl == 10 * SECOND_NL


def test_on_another_pump_what_was_up_to_stays_so() -> None:
    """Its counter never shows whether it was less."""
    course = Course()
    course.runs(5)
    course.killed()
    moved = moved_to(course.watch)
    assert (moved.up_to, moved.torn, moved.counted_nl, moved.stepped_nl, moved.to_come_nl) == (
        *(True, False, 0, 0, None),
    )


def test_two_restarts_and_a_step_of_the_counter_between_them_stay_up_to() -> None:
    """What was credited beyond the counter is passed by a step: what flowed with it is in "up to", too."""
    course = Course()
    course.killed()
    course.flows(16)
    course.read()
    course.killed()
    course.flows(1, 4)
    course.read(4)
    for _ in range(2):
        assert course.runs(1, 90).at_most
        assert course.given_nl <= course.watch.given_nl < course.given_nl + STEP_NL
    last = course.runs(4, 90)
    assert not last.at_most
    assert last.given_nl <= course.given_nl < last.given_nl + STEP_NL


@proof.examples("infusions over restarts against what really flowed", small=60, full=2_000)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("run"), st.integers(1, 40), st.sampled_from([0, 4, 36, 90])),
            st.tuples(st.just("kill"), st.integers(0, 60), st.sampled_from([0, 4, 36])),
            st.tuples(st.just("type"), st.integers(1, 9), st.just(0)),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.sampled_from([STEP_NL, 1000]),
)
def test_given_is_between_what_is_said_and_up_to(
    courses: list[tuple[str, int, int]], tells_rest: bool, declared_nl: int
) -> None:
    """Said never goes back; without "up to" no more flowed than a step above it, and never less than it."""
    course = Course(declared_nl=declared_nl, tells_rest=tells_rest)
    said_nl = 0
    for what, number, ml_per_h in courses:
        rate = ml_per_h
        if what == "type":
            course.bag_nl += number * 1_000_000
            continue
        if what == "kill":
            course.killed()
            course.flows(number + 1, ml_per_h)
        for _ in range(number if what == "run" else 1):
            course.flows(1 if what == "run" else 0, rate)
            status = PumpStatus.RUNNING if rate else PumpStatus.STOPPED
            watch = course.read(rate, status=status)
            assert watch.given_nl >= said_nl
            said_nl = watch.given_nl
            if course.account is None or course.account.doubt is not None:
                continue  # what fits nothing waits for the next reading
            if not watch.at_most:
                assert watch.given_nl <= course.given_nl < watch.given_nl + STEP_NL
            elif declared_nl == STEP_NL:
                assert course.given_nl <= watch.given_nl
