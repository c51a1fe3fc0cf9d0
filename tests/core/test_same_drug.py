"""The same drug on two channels of one patient is told at both, by whatever the patient is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.conditions import ConditionId
from pumpd.core.same_drug import Given, mark, same_drug
from pumpd.core.telemetry import PumpStatus
from pumpd.core.told import ToldOfPump
from tests import proof
from tests.core.situations import Bedside, events
from tests.oracle import order as oracle

pytestmark = pytest.mark.requirement("SAME-1")
SAME = ConditionId.SAME_DRUG
BED, B_K = mark("ward", "bed", "1"), mark("B.K.", "1234")


def _said(*given_: Given) -> list[str]:
    return [told.words for told in same_drug(dict(enumerate(given_))).values()]


def test_two_with_one_mark_in_common_name_each_other() -> None:
    """One by the patient, one by the bed, one by both: each names those that it shares a mark with."""
    by_bed = Given("ketamine", "PUMP-01", frozenset({BED}))
    by_patient = Given("Ketamine ", "PUMP-03/2", frozenset({B_K}))
    by_both = Given("ketamine", "PUMP-02", frozenset({BED, B_K}))
    assert _said(by_bed, by_patient, by_both) == [
        "ketamine on PUMP-02",
        "Ketamine  on PUMP-02",
        "ketamine on PUMP-01, PUMP-03/2",
    ]
    assert _said(by_bed, by_patient) == ["", ""]
    assert _said(by_bed, by_bed._replace(drug="TEST-A")) == ["", ""]


def test_blanks_and_capitals_make_no_other_patient() -> None:
    """As people type it: the same marks, the same patient."""
    assert mark(" b.k. ", "12  34") == mark("B.K.", "12 34")
    assert mark("B.K.", "1234") != mark("B.K.", "1235")


_MARKS = ("bed 1", "bed 2", "B.K.", "C.D.")


@proof.examples("channels against every pair of them", small=200, full=5_000)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ketamine", "TEST-A"]), st.sets(st.sampled_from(_MARKS), max_size=2)),
        max_size=6,
    )
)
def test_what_is_told_is_what_every_pair_shows(channels: list[tuple[str, set[str]]]) -> None:
    """Whoever shares drug and a mark is named, nobody else, and it is told at both of them."""
    given_ = {
        n: Given(drug, f"PUMP-{n}", frozenset(mark(m) for m in marks))
        for n, (drug, marks) in enumerate(channels)
    }
    told = same_drug(given_)
    wanted = [frozenset(f"PUMP-{n}" for n in others) for others in oracle.twice(channels)]
    assert [told[n].causes for n in range(len(channels))] == wanted
    assert all(bool(told[n].words) is bool(others) for n, others in enumerate(wanted))


def test_a_third_pump_is_told_although_somebody_has_the_second() -> None:
    """Another channel is another fact; the same one told again is none."""
    bed = Bedside()
    bed.give(ToldOfPump(SAME, "ketamine on PUMP-02", frozenset({"PUMP-02"})))
    raised = events(bed.give(ToldOfPump(SAME, "ketamine on PUMP-02", frozenset({"PUMP-02"}))))
    assert raised == []
    both = frozenset({"PUMP-02", "PUMP-03"})
    assert len(events(bed.give(ToldOfPump(SAME, "ketamine on PUMP-02, PUMP-03", both)))) == 1


def test_no_reading_begins_or_ends_what_others_say() -> None:
    """Read, stopped, silent: it stays until it is told to be over, also after a restart."""
    bed = Bedside()
    bed.give(ToldOfPump(SAME, "ketamine on PUMP-02", frozenset({"PUMP-02"})))
    bed.every_second(["10", "0"])
    bed.every_second(["0"], status=PumpStatus.STOPPED)
    bed.wait(60)
    bed.restart()
    assert (SAME, "raise") not in [(c, str(e)) for c, e in events(bed.every_second(["10", "10"]))]
    assert bed.alarm(SAME) is not None
    bed.give(ToldOfPump(SAME, ""))
    assert bed.alarm(SAME) is None
