"""Everything that a daemon tells in figures: metrics for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from prometheus_client.core import Metric

from pumpd.core.quantities import NS_PER_S
from pumpd.daemon import metrics_pumps
from pumpd.daemon.commands import CommandCounts
from pumpd.daemon.inside import Inside
from pumpd.exposition import counter, gauge, histogram, info, one


class NodeMetrics:
    """The ``Families`` of one daemon."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def families(self) -> Iterator[Metric]:
        """Yield every metric; before the daemon has started only what it is."""
        inside = self._inside
        ward = inside.app.ward
        yield info(
            "pumpd_build_info",
            "Which pumpd watches, for which site and node, from which configuration.",
            {
                "version": ward.version,
                "site": ward.site,
                "node": ward.node,
                "boot_id": ward.boot_id,
                "config_sha256": ward.config_sha256[:12],
            },
        )
        if not inside.started:
            return
        yield from metrics_pumps.lines(inside.app.ports.watched)
        yield from metrics_pumps.pumps(ward.pumps, inside.clock.monotonic_ns())
        yield from metrics_pumps.alarms(ward)
        yield from self._restraints()
        yield from self._journal()
        yield from self._outbox()
        yield from self._history()
        yield from self._machine()
        yield from self._library(inside.clock.wall().date())

    def _restraints(self) -> Iterator[Metric]:
        counts = self._inside.app.restrainer.counts
        steps = {
            "asked": counts.asked_count,
            "confirmed": counts.confirmed_count,
            "failed": counts.failed_count,
        }
        yield counter(
            "pumpd_restraints",
            "Restraints begun, and what became of them.",
            ("step",),
            [((step,), float(count)) for step, count in steps.items()],
        )

    def _journal(self) -> Iterator[Metric]:
        inside = self._inside
        yield histogram(
            "pumpd_journal_commit_seconds", "How long commits of the journal took.", inside.commits
        )
        oldest_ns = inside.app.journal.oldest_unconfirmed_ns()
        late_ns = 0 if oldest_ns is None else inside.clock.monotonic_ns() - oldest_ns
        yield one(
            "pumpd_journal_lateness_seconds",
            "How long the oldest event has waited for the disk; 0 when none does.",
            late_ns / NS_PER_S,
        )
        yield one(
            "pumpd_journal_last_sequence",
            "Number of the last line of the journal that is on disk.",
            float(inside.app.ward.journal_seq),
        )

    def _outbox(self) -> Iterator[Metric]:
        publisher = self._inside.publisher
        assert publisher is not None
        waiting = self._inside.app.ward.journal_seq - publisher.events.confirmed_seq
        yield one("pumpd_broker_up", "1 while there is a broker.", float(publisher.up))
        yield one(
            "pumpd_outbox_events", "Events on disk that no broker has confirmed yet.", float(max(0, waiting))
        )
        yield counter(
            "pumpd_events_given_up",
            "Events that neither journal nor broker took for so long that nobody will be told of them.",
            (),
            [((), float(publisher.events.given_up_count))],
        )
        yield _commands(publisher.commands.counts)

    def _history(self) -> Iterator[Metric]:
        status = self._inside.parts.history.status()
        readings = {"written": status.written, "dropped": status.dropped}
        yield counter(
            "pumpd_history_readings",
            "Readings that the history took, and those given up under pressure.",
            ("outcome",),
            [((outcome,), float(count)) for outcome, count in readings.items()],
        )
        yield one(
            "pumpd_history_waiting", "Readings that wait for disk, spool or database.", float(status.waiting)
        )
        yield one(
            "pumpd_history_failing", "1 while readings can not be written.", float(bool(status.failing))
        )
        yield gauge(
            "pumpd_spool_left_hours",
            "How long the spool holds out without the database at the present rate; absent without a spool.",
            (),
            [] if status.left_h is None else [((), status.left_h)],
        )

    def _machine(self) -> Iterator[Metric]:
        app = self._inside.app
        watch = app.node_watch
        yield histogram(
            "pumpd_loop_lag_seconds", "How much later than asked the loop came back.", self._inside.lag
        )
        yield counter(
            "pumpd_tasks_ended",
            "Tasks of the daemon that ended by themselves and were started again.",
            (),
            [((), float(watch.ended_count))],
        )
        free, synchronised = watch.free_bytes, watch.synchronised
        yield gauge(
            "pumpd_disk_free_bytes",
            "Free on the disk of journal and history; absent where it can not be told.",
            (),
            [] if free is None else [((), float(free))],
        )
        yield gauge(
            "pumpd_clock_synchronised",
            "1 while the time of day follows a time server; absent where it can not be told.",
            (),
            [] if synchronised is None else [((), float(synchronised))],
        )

    def _library(self, today: date) -> Iterator[Metric]:
        library = self._inside.app.ward.library
        if library is None:
            return
        signed_for = ",".join(sorted(kind.value for kind in library.signed_for))
        yield info(
            "pumpd_library_info",
            "Which drug library is used, and for which pumps it is signed.",
            {"version": library.version, "sha256": library.sha256[:12], "signed_for": signed_for},
        )
        days = {
            "pumpd_library_age_days": ("Days since the library began to hold.", library.valid_from, 1),
            "pumpd_library_review_in_days": ("Days until it must be looked at again.", library.review_by, -1),
        }
        for name, (told, day, sign) in days.items():
            yield gauge(name, told, (), [] if day is None else [((), float(sign * (today - day).days))])


def _commands(counts: CommandCounts) -> Metric:
    outcomes = {
        "accepted": counts.accepted_count,
        "refused": counts.refused_count,
        "dropped": counts.dropped_count,
    }
    return counter(
        "pumpd_commands",
        "Commands of people; dropped ones had no id to answer to.",
        ("outcome",),
        [((outcome,), float(count)) for outcome, count in outcomes.items()],
    )
