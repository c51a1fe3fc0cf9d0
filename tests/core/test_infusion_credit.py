"""What one reading credits, at each edge: counted, counted anew after a restart, reckoned, primed."""

from __future__ import annotations

from typing import Any

import pytest

from pumpd.core.delivery_account import Account
from pumpd.core.infusion_credit import Credit, credited
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_H, NS_PER_S, Volume
from pumpd.core.telemetry import Measured, PumpStatus, missing
from pumpd.core.total_dose import DoseAccount
from tests.core.infusion_scene import PATIENT, infusion
from tests.core.situations import Bedside

pytestmark = pytest.mark.requirement("INF-2")
GAP_NS = 5 * NS_PER_S
HELD, TOP, FAST = 7_200_000, 10_800_000, 14_400_000
"""Rates that give 2, 3 and 4 uL a second."""
WATCH = InfusionWatch(infusion(), 0, PatientDose(PATIENT, "ketamine", DoseAccount(24 * NS_PER_H)))._replace(
    taken_ns=100 * NS_PER_S, pace_nl_h=HELD, top_nl_h=TOP
)
BEGUN_NS, EARLIER_NS = 7, 3
COUNTED, ELSEWHERE, COUNTER = 600, 30, 9_020


def _credited(
    after_ns: int = GAP_NS,
    pace_nl_h: int = 0,
    *,
    gap_ns: int = GAP_NS,
    step_nl: int = 0,
    account: dict[str, Any] | None = None,
    reading_to_come: int | None = None,
    status: PumpStatus = PumpStatus.RUNNING,
    **watch: Any,
) -> Credit:
    """Return what a reading ``after_ns`` after the last one adds; without ``account`` there is no counter."""
    bed = Bedside()
    bed.now_ns = 100 * NS_PER_S + after_ns
    to_come: Measured[Volume] = missing()
    if reading_to_come is not None:
        to_come = Measured.valid(Volume(reading_to_come))
    reading = bed.reading(None, status=status, volume_to_be_infused=to_come)
    counted = None
    if account is not None:
        made = {"counted_nl": COUNTED, "elsewhere_nl": ELSEWHERE, "counter_nl": COUNTER, **account}
        counted = Account(BEGUN_NS, 0, 0, status, made.pop("counter_nl"), 0, 0, 0, 0, None, **made)
    return credited(WATCH._replace(**watch), reading, counted, gap_ns, pace_nl_h, step_nl)


def _told(nl: int, counted_nl: int, *, up_to: bool = False, torn: bool = False, **account: int) -> Credit:
    """Return a credit by an account that had counted so much."""
    made = {"stepped_nl": COUNTED, "elsewhere_nl": ELSEWHERE, "counter_nl": COUNTER, **account}
    return Credit(nl, up_to, BEGUN_NS, counted_nl, torn=torn, **made)


def test_without_a_counter_it_is_reckoned_by_the_rate_and_after_a_silence_by_the_highest() -> None:
    """The higher of what flowed and flows, noted for a counter to come; after a gap it is at most so much."""
    assert _credited(taken_ns=None, gap_ns=0) == Credit(0)
    assert _credited() == Credit(10_000, False, None, 10_000, 0, 0, 0, False)
    assert _credited(pace_nl_h=FAST) == Credit(20_000, counted_nl=20_000)
    assert _credited(GAP_NS + 1) == Credit(15_000, True, counted_nl=15_000)
    assert _credited(GAP_NS + 1, FAST) == Credit(20_000, True, counted_nl=20_000)


@pytest.mark.parametrize(
    ("watch", "account", "expected"),
    [
        # The counter stepped: what it and other ways show, and never less than before.
        ({"counted_nl": 500, "stepped_nl": 400}, {}, _told(130, 630)),
        ({"counted_nl": 500, "stepped_nl": 400, "torn": True}, {}, _told(130, 630)),
        ({"counted_nl": 700, "stepped_nl": 400}, {}, _told(0, 700)),
        ({"counted_nl": 700, "stepped_nl": 400, "torn": True}, {}, _told(0, 700, torn=True)),
        # It stands: only what else is shown since, and nothing while it may be less.
        ({"counted_nl": 650, "stepped_nl": 600, "elsewhere_nl": 20}, {}, _told(10, 660)),
        ({"counted_nl": 650, "stepped_nl": 600, "elsewhere_nl": 31}, {}, _told(0, 650)),
        ({"counted_nl": 650, "stepped_nl": 600, "torn": True}, {}, _told(0, 650, torn=True)),
        ({"counted_nl": 630, "stepped_nl": 600, "torn": True}, {}, _told(0, 630)),
    ],
)
def test_by_the_account_that_was_credited_last(
    watch: dict[str, Any], account: dict[str, Any], expected: Credit
) -> None:
    """What is credited of it in all, less what was; it may be less as long as more is credited than shown."""
    assert _credited(account=account, account_ns=BEGUN_NS, **watch) == expected


@pytest.mark.parametrize(
    ("step", "gone", "counted"),
    [
        (100, None, 700),
        (101, None, 701),
        (15_101, None, 15_700),
        (130, 10, 710),
        (130, 0, 700),
        (130, 31, 730),
        (20_000, 15_000 + 20_000, 20_600),
        (20_000, 15_000 + 20_001, 15_700),
        (20_000, -1, 15_700),
    ],
)
@pytest.mark.parametrize("stepped_nl", [400, COUNTED])
def test_what_may_be_less_holds_all_that_flowed_up_to_a_step_beyond_the_counter(
    step: int, gone: int | None, counted: int, stepped_nl: int
) -> None:
    """By what the pump tells is still to come, else by its highest rate; without a doubt nothing is added."""
    before: dict[str, Any] = {"account_ns": BEGUN_NS, "counted_nl": 700, "stepped_nl": stepped_nl}
    rest: dict[str, Any] = {"reading_to_come": None if gone is None else 50_000 - gone, "to_come_nl": 50_000}
    told = _credited(account={}, step_nl=step, torn=True, **before, **rest)
    assert told == _told(counted - 700, counted, torn=True)
    sure = _credited(account={}, step_nl=step, **before, **rest)
    assert (sure.counted_nl, sure.torn) == (700 if stepped_nl == 400 else 730, False)


def test_by_an_account_that_begins_anew() -> None:
    """Nothing before the first reading; where the counter went back, at most what could flow."""
    anew: dict[str, Any] = {"account_ns": EARLIER_NS, "counted_nl": 0}
    assert _credited(account={}, taken_ns=None, **anew) == _told(0, 630)
    went_back = {**anew, "counter_nl": COUNTER + 1}
    assert _credited(account={}, **went_back) == _told(15_000, 630, up_to=True)
    assert _credited(account={}, pace_nl_h=FAST, **went_back) == _told(20_000, 630, up_to=True)


ANEW = {"account_ns": EARLIER_NS, "counter_nl": COUNTER - 20, "stepped_nl": 400}
"""The counter moved by 20 since; 80 are credited beyond it where 500 were credited in all."""


@pytest.mark.parametrize(
    ("watch", "elsewhere", "nl", "ahead", "torn"),
    [
        ({"counted_nl": 500}, 30, 0, 80, False),
        ({"counted_nl": 500, "torn": True}, 30, 0, 80, True),
        ({"counted_nl": 500}, 200, 120, 200, False),
        ({"counted_nl": 420, "torn": True}, 0, 0, 0, False),
        ({"counted_nl": 421, "torn": True}, 0, 0, 1, True),
        ({"counted_nl": 400}, 0, 20, 0, False),
        ({"counted_nl": 500, "counter_nl": COUNTER}, 30, 0, 100, False),
        ({"counted_nl": 500, "resumed": True}, 30, 0, 80, False),
        ({"counted_nl": 500, "to_come_nl": 1_000}, 30, 0, 80, False),
    ],
)
def test_a_counter_that_goes_on_counts_on(
    watch: dict[str, Any], elsewhere: int, nl: int, ahead: int, torn: bool
) -> None:
    """Also after a restart where the pump tells nothing between its steps: nothing is given twice."""
    told = _credited(account={"elsewhere_nl": elsewhere}, **{**ANEW, **watch})
    assert told == _told(nl, COUNTED + ahead, torn=torn, elsewhere_nl=elsewhere)


STOOD = {**ANEW, "counter_nl": COUNTER, "counted_nl": 500, "resumed": True, "to_come_nl": 1_000_000}
MOVED = {**STOOD, "counter_nl": COUNTER - 20}
UNKNOWN = {"to_come_nl": None}


@pytest.mark.parametrize(
    ("watch", "asked", "nl", "ahead", "torn"),
    [
        # The pump told how much is to come, then and now: so much was given.
        (STOOD, {"to_come": 990_000}, 10_000, 10_100, False),
        ({**STOOD, "torn": True}, {"to_come": 990_000}, 10_000, 10_100, True),
        (STOOD, {"to_come": 1_000_000}, 0, 100, False),
        ({**STOOD, "counted_nl": 400, "torn": True}, {"to_come": 1_000_000, "elsewhere": 0}, 0, 0, False),
        ({**STOOD, "counted_nl": 401, "torn": True}, {"to_come": 1_000_000, "elsewhere": 0}, 0, 1, True),
        (STOOD, {"to_come": 1_000_000 - 25_000}, 25_000, 25_100, False),
        # More is gone than could flow, or there is more: it was typed anew, and nobody knows.
        (STOOD, {"to_come": 1_000_000 - 25_001}, 15_000, 15_100, True),
        (STOOD, {"to_come": 1_000_001}, 15_000, 15_100, True),
        ({**STOOD, **UNKNOWN}, {"to_come": 990_000}, 15_000, 15_100, True),
        (STOOD, {}, 15_000, 15_100, True),
        # What is not on disk is at most what flows in ten seconds.
        (STOOD, {"after_s": 20}, 30_000, 30_100, True),
        (MOVED, {"after_s": 20}, 29_920, 30_000, True),
        (MOVED, {}, 14_920, 15_000, True),
        # At most a step of the counter, where that is more.
        (MOVED, {"step": 100_000}, 99_920, 100_000, True),
        (MOVED, {"to_come": 990_000}, 10_000, 10_080, False),
        (MOVED, {"to_come": 990_000, "step": 12_000}, 11_920, 12_000, True),
        (MOVED, {"to_come": 960_000, "after_s": 20, "elsewhere": 50_000}, 49_920, 50_000, False),
    ],
)
def test_after_a_restart_at_most_a_step_is_not_known(
    watch: dict[str, Any], asked: dict[str, int], nl: int, ahead: int, torn: bool
) -> None:
    """What the pump may have told between two steps, and nobody wrote down, is credited and marked."""
    elsewhere = asked.get("elsewhere", ELSEWHERE)
    found = _credited(
        asked.get("after_s", 5) * NS_PER_S,
        account={"elsewhere_nl": elsewhere},
        step_nl=asked.get("step", 10_000),
        reading_to_come=asked.get("to_come"),
        **watch,
    )
    assert found == _told(nl, COUNTED + ahead, torn=torn, elsewhere_nl=elsewhere)


@pytest.mark.parametrize(
    ("watch", "step", "expected"),
    [
        ({"account_ns": BEGUN_NS, "counted_nl": 500, "stepped_nl": 400}, 0, _told(0, 630)),
        ({"account_ns": BEGUN_NS, "counted_nl": 700, "torn": True}, 0, _told(0, 700, up_to=True)),
        (MOVED, 100_000, _told(15_000, COUNTED + 100_000, up_to=True)),
        (MOVED, 10_000, _told(14_920, COUNTED + 15_000, up_to=True)),
    ],
)
def test_what_primes_a_line_is_not_at_the_patient(watch: dict[str, Any], step: int, expected: Credit) -> None:
    """But for what may have flowed before it, while pumpd did not run: at most what could flow."""
    assert _credited(account={}, step_nl=step, status=PumpStatus.PRIMING, **watch) == expected
