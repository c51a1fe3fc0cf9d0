"""Total dose in sliding windows: exact, looked at ahead, and never filled unheard."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, PG_PER_MG, Concentration, FlowRate
from pumpd.core.total_dose import (
    STRETCH_NS,
    Course,
    DoseAccount,
    Stretch,
    account_of,
    amount_e6_p,
    exceeds_in_ns,
    may_exceed,
    most_ahead,
    pace_p_h,
)
from tests import proof
from tests.oracle import total_dose as oracle

KETAMINE = Concentration.parse("2 mg/mL")
pytestmark = pytest.mark.requirement("TOTAL-1")
Piece = tuple[int, int, Fraction]


def _mg_h(ml_h: int) -> Fraction:
    return Fraction(2 * ml_h)


def _nl(ml_h: int, seconds: int) -> int:
    assert ml_h * NL_PER_ML * seconds % 3600 == 0
    return ml_h * NL_PER_ML * seconds // 3600


def _account(pieces: list[Piece], keep_s: int, each_s: int = 9) -> DoseAccount:
    """Add up pieces in whole mL/h as readings do: every few seconds."""
    account = DoseAccount(keep_s * NS_PER_S)
    for begun, ended, mg_h in pieces:
        ml_h = int(mg_h / 2)
        at = begun
        while at < ended:
            until = min(ended, at + each_s)
            amount = amount_e6_p(_nl(ml_h, until - at), KETAMINE)
            account = account.plus(Stretch(at * NS_PER_S, until * NS_PER_S, amount), ml_h * NL_PER_ML)
            at = until
    return account


@st.composite
def _courses(draw: st.DrawFn) -> list[Piece]:
    """Pieces of constant flow one after the other; mL/h are multiples of 9 so that seconds are exact."""
    pieces, at = [], 0
    for seconds, ninths in draw(
        st.lists(st.tuples(st.integers(1, 120), st.sampled_from([0, 0, 1, 2, 5, 40])), min_size=1, max_size=8)
    ):
        pieces.append((at, at + seconds, _mg_h(9 * ninths)))
        at += seconds
    return pieces


@proof.examples("dose in a window against the oracle", small=100, full=10_000)
@given(_courses(), st.integers(10, 300), st.integers(0, 200), st.sampled_from([1, 9, 70]))
def test_any_window_is_exact(pieces: list[Piece], window_s: int, later_s: int, each_s: int) -> None:
    """What any window holds is the oracle's, to the last picogram, however readings cut time."""
    account = _account(pieces, 600, each_s)
    end_s = pieces[-1][1] + later_s
    wanted = oracle.in_window_mg(pieces, Fraction(end_s - window_s), Fraction(end_s))
    assert account.given(window_s * NS_PER_S, end_s * NS_PER_S) == wanted * PG_PER_MG
    everything = oracle.in_window_mg(pieces, Fraction(0), Fraction(end_s))
    assert account.given(None, end_s * NS_PER_S) == everything * PG_PER_MG
    assert all(s.ended_ns - s.begun_ns <= max(STRETCH_NS, each_s * NS_PER_S) for s in account.stretches)


@proof.examples("worst window ahead against the oracle", small=60, full=5_000)
@given(_courses(), st.integers(10, 150), st.sampled_from([0, 9, 90]), st.integers(0, 200))
def test_the_worst_window_ahead_is_exact(pieces: list[Piece], window_s: int, ml_h: int, for_s: int) -> None:
    """Looking ahead finds the worst window that the oracle finds by letting each second come."""
    account, now_s = _account(pieces, 600), pieces[-1][1]
    course = Course(pace_p_h(FlowRate(ml_h * NL_PER_ML), KETAMINE), for_s * NS_PER_S)
    future = [*pieces, (now_s, now_s + for_s, _mg_h(ml_h))]
    wanted = oracle.worst_window_mg(future, window_s, now_s, now_s + for_s + window_s)
    found = most_ahead(account, window_s * NS_PER_S, now_s * NS_PER_S, course)
    assert found == wanted * PG_PER_MG
    for limit in (found, found - 1, found + 1):
        assert may_exceed(account, limit, window_s * NS_PER_S, now_s * NS_PER_S, course) is (found > limit)


@proof.examples("a window is never filled unheard", small=60, full=5_000)
@given(_courses(), st.integers(10, 150), st.integers(1, 400))
def test_continuing_flow_never_fills_a_window_unheard(
    pieces: list[Piece], window_s: int, tenths_mg: int
) -> None:
    """Before any window holds more than its limit, looking ahead at the flow of that moment said so."""
    limit_p = Fraction(tenths_mg, 100) * PG_PER_MG
    window_ns = window_s * NS_PER_S
    for begun, ended, mg_h in pieces:
        past = [(b, min(e, begun), r) for b, e, r in pieces if b < begun]
        account = _account(past, 600)
        pace = pace_p_h(FlowRate(int(mg_h / 2) * NL_PER_ML), KETAMINE)
        course = Course(pace, (ended - begun) * NS_PER_S)
        worst_p = oracle.worst_window_mg(pieces, window_s, begun, ended) * PG_PER_MG
        if worst_p > limit_p:
            assert may_exceed(account, limit_p, window_ns, begun * NS_PER_S, course)


@pytest.mark.parametrize("hours", [1, 2, 4, 30])
def test_a_lawful_order_does_not_alarm_from_beginning_to_end(hours: int) -> None:
    """An order that gives exactly what 4 h may hold is lawful at its start, in its midst and at its end."""
    window_ns = 4 * NS_PER_H
    limit_p = Fraction(20 * min(hours, 4) * PG_PER_MG)
    pace = pace_p_h(FlowRate.parse(10), KETAMINE)
    account = DoseAccount(window_ns)
    step_ns = 30 * NS_PER_S
    for at_ns in range(0, hours * NS_PER_H, step_ns):
        left = Course(pace, hours * NS_PER_H - at_ns)
        if at_ns % (600 * NS_PER_S) == 0:
            assert not may_exceed(account, limit_p, window_ns, at_ns, left)
        amount = 10 * NL_PER_ML * KETAMINE.p_per_ml // 120
        account = account.plus(Stretch(at_ns, at_ns + step_ns, amount), 10 * NL_PER_ML)
    assert len(account.stretches) <= 4 * 60 + 2


def test_an_order_that_would_exceed_is_known_before_it_begins() -> None:
    """10 mL/h of 2 mg/mL for 4 h are 80 mg: at a limit of 79 mg it is refused, with when it is passed."""
    course = Course(pace_p_h(FlowRate.parse(10), KETAMINE), 4 * NS_PER_H)
    empty = DoseAccount(24 * NS_PER_H)
    assert not may_exceed(empty, Fraction(80 * PG_PER_MG), 24 * NS_PER_H, 0, course)
    assert may_exceed(empty, Fraction(79 * PG_PER_MG), 24 * NS_PER_H, 0, course)
    assert exceeds_in_ns(empty, Fraction(40 * PG_PER_MG), 24 * NS_PER_H, 0, course) == 2 * NS_PER_H
    before = empty.plus(Stretch(-NS_PER_H, 0, amount_e6_p(NL_PER_ML, KETAMINE)), 0)
    assert may_exceed(before, Fraction(80 * PG_PER_MG), 24 * NS_PER_H, 0, course)
    assert may_exceed(before, Fraction(80 * PG_PER_MG), None, 0, course)


def test_a_bolus_is_judged_with_a_full_window_of_what_goes_on() -> None:
    """Open-PCA 1.0.0's first rule took what was delivered so far: early on it allowed an overdose."""
    window_ns, limit_p = 4 * NS_PER_H, Fraction(45 * PG_PER_MG)
    ten_minutes = Stretch(0, 600 * NS_PER_S, amount_e6_p(5 * NL_PER_ML // 6, KETAMINE))
    account = DoseAccount(window_ns).plus(ten_minutes, 5 * NL_PER_ML)
    goes_on = pace_p_h(FlowRate.parse(5), KETAMINE)
    bolus_p = Fraction(6 * PG_PER_MG)
    assert account.given(window_ns, 600 * NS_PER_S) + bolus_p < limit_p  # what that rule looked at
    assert not may_exceed(account, limit_p, window_ns, 600 * NS_PER_S, Course(goes_on, 12 * NS_PER_H))
    assert may_exceed(account, limit_p, window_ns, 600 * NS_PER_S, Course(goes_on, 12 * NS_PER_H, bolus_p))


def test_a_bolus_counts_until_its_window_is_over() -> None:
    """What was given at one moment stands in every window that holds the moment, its end included."""
    account = DoseAccount(NS_PER_H).plus(Stretch(5, 5, 10**6), 0)
    assert account.given(NS_PER_H, NS_PER_H + 5) == 1
    assert account.given(NS_PER_H, NS_PER_H + 6) == 0


H_NS = 3600 * NS_PER_S


def _given(*pieces: tuple[int, int, int]) -> DoseAccount:
    """Return the account of (begun hour, ended hour, mg), with a window of ten hours."""
    account = DoseAccount(10 * H_NS)
    for begun_h, ended_h, mg in pieces:
        stretch = Stretch(begun_h * H_NS, ended_h * H_NS, mg * PG_PER_MG * NL_PER_ML)
        account = account.plus(stretch, begun_h)
    return account


@pytest.mark.parametrize(
    ("pieces", "after_h"),
    [
        (((0, 1, 50), (9, 10, 50)), 5),  # full at once, emptied first, full again
        (((1, 2, 50), (9, 10, 40)), 6),  # just full in an hour, emptied after, full again
        (((1, 2, 50), (9, 10, 41)), Fraction(9, 10)),
    ],
)
def test_a_window_that_is_just_full_has_not_been_passed(
    pieces: tuple[tuple[int, int, int], ...], after_h: Fraction | int
) -> None:
    """Of 100 mg in ten hours, with 10 mg an hour going on: the moment is that at which more is in it."""
    course = Course(Fraction(10 * PG_PER_MG), 10 * H_NS)
    asked = (_given(*pieces), Fraction(100 * PG_PER_MG), 10 * H_NS, 10 * H_NS, course)
    assert may_exceed(*asked)
    assert exceeds_in_ns(*asked) == after_h * H_NS


def test_a_limit_on_everything_counts_what_no_window_keeps() -> None:
    """Of an account without windows only the sum is kept, and it is what counts."""
    account = DoseAccount(0).plus(Stretch(0, H_NS, 90 * PG_PER_MG * NL_PER_ML), 1)
    assert account.stretches == ()
    course = Course(Fraction(10 * PG_PER_MG), H_NS)
    assert not may_exceed(account, Fraction(100 * PG_PER_MG), None, H_NS, course)
    assert may_exceed(account, Fraction(99 * PG_PER_MG), None, H_NS, course)


def test_an_account_goes_on_where_an_earlier_run_left_it() -> None:
    """What is kept makes the same account; stretches that overlap or run backwards are refused."""
    account = _account([(0, 300, _mg_h(9)), (300, 500, _mg_h(18))], 600)
    again = account_of(account.stretches, account.keep_ns)
    assert (again.kept_e6_p, again.total_e6_p) == (account.kept_e6_p, account.total_e6_p)
    with pytest.raises(ValueError, match="before the last one has ended"):
        account.plus(Stretch(499 * NS_PER_S, 600 * NS_PER_S, 1), 0)
    with pytest.raises(ValueError, match="ends before it begins"):
        Stretch(1, 0, 1)


@pytest.mark.parametrize(
    ("at_ns", "share"), [(49, 1), (50, 1), (51, Fraction(9, 10)), (59, Fraction(1, 10)), (60, 0), (61, 0)]
)
def test_of_a_stretch_that_part_counts_which_a_window_holds(at_ns: int, share: Fraction) -> None:
    """Evenly from its begin to its end."""
    assert Stretch(50, 60, 40 * NL_PER_ML).since(at_ns) == 40 * share


def test_a_stretch_of_no_length_is_in_a_window_that_begins_with_it() -> None:
    """A counter that jumped, or what was given before an account was kept: all of it at one moment."""
    assert Stretch(50, 50, 40 * NL_PER_ML).since(50) == 40
    assert Stretch(50, 50, 40 * NL_PER_ML).since(51) == 0
