"""What one reading says of the infusion that its pump carries."""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.delivery_account import Account
from pumpd.core.infusion_watch import InfusionWatch, Titrated, credited, timed, turned
from pumpd.core.state import PumpState
from pumpd.core.telemetry import Telemetry


class Followed(NamedTuple):
    """What is known of the infusion after a reading."""

    watch: InfusionWatch
    titrated: Titrated | None


def follow(watch: InfusionWatch, state: PumpState, reading: Telemetry, account: Account | None) -> Followed:
    """Return what is known of the infusion on this pump after ``reading``, which led to ``account``."""
    if watch.stood_since:
        return Followed(watch, None)
    was_ns = watch.taken_ns
    watch = credited(watch, reading, account, state.setup.freshness.stale_after_ns)
    watch = timed(watch, reading, was_ns)
    if not watch.goes_on:
        return Followed(watch if reading.status.delivers else watch._replace(stood_since=True), None)
    return Followed(*turned(watch, reading, state.ordered, state.setup.flow_step))
