"""docs/latency.md: how long each hop from the pump to a person may take; ``python -m`` writes it."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.stream import CARDS_EVERY_S
from pumpd.config_models import PumpSection
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmPriority, Audience
from pumpd.daemon.journalling import LATE_AFTER_S
from pumpd.daemon.restraint import WITHIN_S
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "latency.md"
POLL_S = float(PumpSection.model_fields["poll_interval_s"].default)
EXCESS_TO_STOP_S = POLL_S + WITHIN_S
"""Another reading, at the next turn at the latest, and the pause with all that it waits for on the line."""


@dataclass(frozen=True)
class Hop:
    """One step on the way, the longest it may take, and the test that holds it to that."""

    what: str
    longest_s: float
    file: str
    test: str

    def row(self) -> str:
        """Return its row of the table."""
        return f"| {self.what} | {self.longest_s:g} s | `tests/{self.file}::{self.test}` |"


HOPS = (
    Hop(
        "the pump changes, and is read at its next turn",
        POLL_S,
        "daemon/test_sessions.py",
        "test_polls_are_spread_over_their_interval",
    ),
    Hop(
        "what needs a second reading gets it: at once, or else at the next turn",
        POLL_S,
        "core/test_restraint.py",
        "test_one_reading_is_not_enough_to_pause",
    ),
    Hop(
        "it is on disk, or goes out marked as not",
        LATE_AFTER_S,
        "daemon/test_journalling.py",
        "test_what_the_journal_does_not_confirm_within_a_second_goes_out_marked",
    ),
    Hop(
        "a page shows it: alarms are never gathered up, cards are",
        CARDS_EVERY_S,
        "dashboard/test_stream.py",
        "test_no_alarm_event_is_ever_collapsed",
    ),
)
BESIDE = (
    Hop(
        "a restraint: from the decision to the verdict, beside the way above",
        WITHIN_S,
        "daemon/test_restraint.py",
        "test_a_pause_that_is_not_obeyed_is_told_louder",
    ),
    Hop(
        "a restraint by programs, on a socket: from the excess on the wire to the stop on the wire",
        EXCESS_TO_STOP_S,
        "e2e/test_restraint_window.py",
        "test_an_over_dose_on_the_wire_is_followed_by_the_stop_on_the_wire",
    ),
    Hop(
        "a pause is written without waiting for the disk",
        0.0,
        "daemon/test_journalling.py",
        "test_a_pause_does_not_wait_for_the_disk",
    ),
)


def longest_delay_s(priority: AlarmPriority) -> int:
    """Return the longest delay that the catalogue gives to a nurse's condition of this priority."""
    of_nurse = [c for c in CATALOGUE.values() if c.audience is Audience.NURSE and c.priority is priority]
    return max(condition.delay_s for condition in of_nurse)


def page() -> str:
    """Return the page."""
    way_s = sum(hop.longest_s for hop in HOPS)
    lines = [
        "# How long until somebody knows?",
        "",
        f"From the pump to a page, hop by hop, for a pump that is read every {POLL_S:g} s and answers.",
        "Each figure is the longest that is allowed, and a test holds it. Typical times are far below:",
        "see [bench](bench.md).",
        "",
        "| hop | at the longest | held by |",
        "|---|---:|---|",
        *(hop.row() for hop in HOPS),
        f"| **all of them** | **{way_s:g} s** | |",
        *(hop.row() for hop in BESIDE),
        "",
        "Deciding, publishing and the network in between take milliseconds where they work. Where they do",
        "not, that is told by itself: a stale reading, a broker that hangs, a page without live data.",
        "",
        "| priority | longest delay of a condition | worst case |",
        "|---|---:|---:|",
        *(
            f"| {priority.name} | {longest_delay_s(priority)} s | {way_s + longest_delay_s(priority):g} s |"
            for priority in sorted(AlarmPriority, reverse=True)
        ),
        "",
        "A delay is how long a condition must last before it is told ([alarms](alarms.md)). What a counter",
        "must show first takes the times of [delivery](delivery.md). A slower line or poll adds its own.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
