"""From where on what flows is counted for an infusion."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.delivery_account import Account
from pumpd.core.infusion_begin import counted_from
from pumpd.core.infusion_seen import advanced
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_S, Volume
from pumpd.core.telemetry import Measured, Telemetry, missing
from pumpd.core.total_dose import DoseAccount
from tests.core.infusion_scene import PATIENT, infusion
from tests.core.situations import Bedside

BEGUN = InfusionWatch(infusion(), 0, PatientDose(PATIENT, "ketamine", DoseAccount(0)))
LONG_NS = 60 * NS_PER_S
pytestmark = pytest.mark.requirement("INF-2")


def _counter(bedside: Bedside, ml: str) -> Telemetry:
    return bedside.reading(volume=Measured.valid(Volume.parse(ml)))


def _given_ml(before: Telemetry | None, bedside: Bedside, ml: str) -> tuple[str, bool]:
    """Return what is counted once the counter shows ``ml``, with a silence in between."""
    bedside.now_ns += LONG_NS
    now = _counter(bedside, ml)
    counter_nl = Volume.parse(ml).nl
    account = Account(now.taken_ns, now.taken_ns, 0, now.status, counter_nl, 0, 0, now.taken_ns, 0, None)
    watch = advanced(counted_from(BEGUN, before), now, account, 5 * NS_PER_S)
    return Volume(watch.given_nl).ml, watch.up_to


def test_what_flowed_since_the_reading_before_the_beginning_is_counted() -> None:
    """A daemon that dies between the beginning and the next reading loses nothing: the counter tells."""
    bedside = Bedside()
    assert _given_ml(_counter(bedside, "1.5"), bedside, "1.7") == ("0.2", False)
    assert _given_ml(_counter(bedside, "1.7"), bedside, "1.7") == ("0", False)


def test_a_counter_that_began_anew_meanwhile_is_reckoned_at_the_highest_rate() -> None:
    """Set back to less than it showed at the beginning, it says nothing of the gap: 60 s at 10 mL/h."""
    bedside = Bedside()
    assert _given_ml(_counter(bedside, "1.5"), bedside, "0.1") == ("0.166666", True)


def test_without_a_fresh_counter_it_is_counted_from_the_next_reading_on() -> None:
    """No reading, or one without a volume: what the counter shows then was given before."""
    bedside = Bedside()
    assert _given_ml(None, bedside, "1.7") == ("0", False)
    unread = replace(_counter(bedside, "1.5"), volume=missing())
    assert _given_ml(unread, bedside, "1.7") == ("0", False)
    assert counted_from(BEGUN, unread) == BEGUN
