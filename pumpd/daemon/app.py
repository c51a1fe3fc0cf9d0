"""The daemon as a whole: builds its parts, starts them in any order of the world, and stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from pumpd.core.freshness import Freshness
from pumpd.core.node import NodeMust
from pumpd.core.state import Now, new_state
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.around import Around
from pumpd.daemon.dead_lines import DeadLines
from pumpd.daemon.dose_times import DOUBTED, DoseTimes
from pumpd.daemon.escalator import Escalator
from pumpd.daemon.events import EventWriter
from pumpd.daemon.head_notes import HeadNotes
from pumpd.daemon.infusion_book import InfusionBook
from pumpd.daemon.infusion_desk import InfusionDesk
from pumpd.daemon.journalling import JournalDesk
from pumpd.daemon.late_journal import LateJournal
from pumpd.daemon.node_watch import NodeWatch
from pumpd.daemon.parts import Parts
from pumpd.daemon.pipeline import Pipeline, set_up
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.ports import Ports
from pumpd.daemon.recorder import Recorder
from pumpd.daemon.requests import Requests
from pumpd.daemon.restoring import restore
from pumpd.daemon.restraint import Restrainer
from pumpd.daemon.seams import LinkStatus, LivePump, Publisher, Ward
from pumpd.daemon.supervisor import Supervisor
from pumpd.daemon.watchdog import Watchdog
from pumpd.errors import StoreError, StoreTakenError
from pumpd.store.base import Journal, Restored

_log = structlog.get_logger("pumpd.app")

TASKS_END_WITHIN_S = 0.2
NOTE_WITHIN_S = 0.1
OUT_WITHIN_S = 1.0
JOURNAL_WITHIN_S = 0.4
"""Together a stop takes less than 2 s, whatever hangs."""


class App:
    """One daemon in this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        now = Now(self._clock.monotonic_ns(), self._clock.wall())
        lives: dict[tuple[PumpId, ChannelId], LivePump] = {}
        for watched in parts.watched:
            link = LinkStatus()
            for channel in watched.plan.channels:
                lives[watched.plan.pump, channel] = _live(watched.plan, channel, link, now)
        self.ward = parts.ward(lives)
        self._supervisor = Supervisor(parts.random)
        self._publishing = Supervisor(parts.random)
        self._journal: Journal | None = None
        self._publisher: Publisher | None = None
        self._desk: JournalDesk | None = None
        self._stopped = False
        self.on_stopping: Callable[[], None] = lambda: None
        """Called once, when the daemon begins to stop."""
        self.pipeline: Pipeline
        self.restrainer: Restrainer
        self.escalator: Escalator
        self._times: DoseTimes
        self.ports: Ports
        self.requests: Requests
        self._head_notes: HeadNotes
        self.book: InfusionBook
        self.watchdog: Watchdog
        self.node_watch: NodeWatch

    @property
    def journal(self) -> Journal:
        """The journal, once it was started."""
        assert self._journal is not None
        return self._journal

    async def start(self) -> None:
        """Start everything; no pump, broker or store has to be there.

        StoreTakenError when another pumpd has the journal: two of them must not speak to the same pumps.
        """
        parts, ward = self._parts, self.ward
        journal = self._open_journal()
        self._journal = journal
        events = EventWriter(ward)
        desk = self._desk = JournalDesk(ward, journal, self._clock)
        self.pipeline = Pipeline(ward, desk, events, parts.history, self._clock)
        self.ports = ports = Ports(
            parts.watched, ward, self.pipeline, self._clock, parts.random, self._supervisor
        )
        self.restrainer = Restrainer(self.pipeline, ports.session, self._clock)
        ports.is_restrained = self.restrainer.is_under_way
        self.pipeline.restrain_with(self.restrainer)
        self.escalator = Escalator(ward, parts.calls, self.pipeline, self._clock, parts.random)
        self.pipeline.on_changes = self.escalator.changed
        book = self.book = InfusionBook(ward, desk)
        self.pipeline.on_watch = book.moved
        plans = {watched.plan.pump: watched.plan for watched in parts.watched}
        infusions = InfusionDesk(ward, self.pipeline, events, plans, book, self._clock)
        self.requests = Requests(
            ward, self.pipeline, self.restrainer, journal, self.escalator, infusions, ports
        )
        machine = parts.machine
        self._times = DoseTimes(self._clock, None if machine is None else await machine.synchronised())
        unwatched = self._restore(journal.restored)
        self._publisher = parts.connect_publisher(ward, journal, self.requests, self._clock)
        desk.tell(self._publisher)
        self.pipeline.tell(self._publisher)
        self.node_watch = NodeWatch(self.pipeline, self._publisher, parts.machine, _must(parts, ward))
        self.node_watch.on_synchronised = lambda: self._times.release(ward)
        self._tell_lost(journal.restored)
        self._supervisor.on_ended = self._publishing.on_ended = self.node_watch.ended
        recorder = parts.recorder
        if recorder is not None:
            self._recorded(recorder)
            ports.on_moved.append(partial(self._recorded, recorder))
            recorder.begin(ward)
            desk.on_kept, self.pipeline.on_trouble = recorder.decided, recorder.trouble
            self._supervisor.start("pumpd.recorder", recorder.run)
        self.pipeline.note(ward, "node", "started", detail=f"version {ward.version}")
        self._tell_unwatched(unwatched)
        if parts.settings is not None:
            parts.settings.tell(self.pipeline, ward)
        self._publishing.start("pumpd.publisher", self._publisher.run)
        if isinstance(journal, LateJournal):
            self._supervisor.start("pumpd.journal", journal.run)
        for line in parts.lines:
            self._supervisor.start(f"pumpd.line[{line.name}]", line.run)
        ports.start()
        dead_lines = DeadLines(ward, ports.on_lines, self.pipeline)
        ports.on_moved.append(dead_lines.learn)
        self.watchdog = Watchdog(
            list(ward.pumps.values()),
            self.pipeline,
            self._clock,
            [dead_lines.look, self.escalator.look, Around(ward, ports.talks, self.pipeline).look],
        )
        self._supervisor.start("pumpd.watchdog", self.watchdog.run)
        self._supervisor.start("pumpd.node-watch", self.node_watch.run)
        self._supervisor.start("pumpd.machine", self.node_watch.probe)
        self._head_notes = HeadNotes(ward, journal, parts.syslog)
        self._supervisor.start("pumpd.head-notes", self._head_notes.run)

    async def stop(self) -> None:
        """Stop everything within 2 s and leave nothing behind; safe to call twice."""
        if self._stopped:
            return
        self._stopped = True
        self.on_stopping()
        if self._journal is None or self._publisher is None or self._desk is None:
            await self._close_stores()
            return
        await self.requests.stop()
        await self.escalator.stop()
        await self.restrainer.stop()
        await self._supervisor.stop(TASKS_END_WITHIN_S)
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(NOTE_WITHIN_S):
                await self.pipeline.note(self.ward, "node", "stopped")
        self._publishing.expect_end()
        await asyncio.gather(
            _within(OUT_WITHIN_S, "publisher", self._publisher.close()),
            self._close_stores(),
        )
        await self._publishing.stop(0.1)
        self._desk.close()
        await _within(JOURNAL_WITHIN_S, "journal", self._journal.close())
        self._head_notes.note()

    async def _close_stores(self) -> None:
        closing = [_within(OUT_WITHIN_S, "history", self._parts.history.close())]
        if self._parts.recorder is not None:
            closing.append(_within(OUT_WITHIN_S, "recorder", self._parts.recorder.close()))
        await asyncio.gather(*closing)

    async def run(self) -> None:
        """Start, watch until SIGTERM or SIGINT (or cancellation), and stop."""
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        try:
            await self.start()
            _log.info("watching", node=self.ward.node, pumps=len(self._parts.watched))
            await told.wait()
            _log.info("stopping", node=self.ward.node)
        finally:
            await self.stop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _recorded(self, recorder: Recorder) -> None:
        recorder.moved(watched.plan for watched in self.ports.watched)

    def _open_journal(self) -> Journal:
        try:
            return self._parts.open_journal()
        except StoreTakenError:
            raise
        except StoreError as error:
            _log.error("journal can not be opened", reason=str(error))
            return LateJournal(self._parts.open_journal, self._opened_late, self._clock, str(error))

    def _restore(self, restored: Restored) -> Sequence[str]:
        """Take up what the last run kept, before the first reading; return what is watched no more."""
        self.ward.journal_seq = max(self.ward.journal_seq, restored.last_seq)
        assert self._journal is not None
        assert self._desk is not None
        self.ward.journal_head = self._journal.head
        for lost in restored.unreadable:
            _log.error("stored state can not be read", what=str(lost), reason=lost.reason)
        unwatched = restore(self.ward, restored, self._times)
        elsewhere = self.ports.restore(restored.durables)
        if elsewhere:
            _log.warning("ports not exchanged again", reason=elsewhere)
            unwatched = (*unwatched, elsewhere)
            for live in self.ward.pumps.values():
                self._desk.save(live)  # what was said before is over
        self.book.regroup()
        return unwatched

    def _tell_lost(self, restored: Restored) -> None:
        self.node_watch.lost([*map(str, restored.unreadable), *([DOUBTED] if self._times.doubted else [])])

    def _tell_unwatched(self, unwatched: Sequence[str]) -> None:
        for words in unwatched:
            _log.error("not watched as before", reason=words)
            self.pipeline.note(self.ward, "node", "unwatched", detail=words)

    def _opened_late(self, restored: Restored) -> None:
        assert self._publisher is not None
        self._times.follows = self.node_watch.synchronised
        self._tell_unwatched(self._restore(restored))
        self._tell_lost(restored)
        for live in self.ward.pumps.values():
            self._publisher.changed(live)
        self._publisher.node_changed()
        if self._parts.recorder is not None:
            self._parts.recorder.restored_late()


def _live(plan: PumpPlan, channel: ChannelId, link: LinkStatus, now: Now) -> LivePump:
    setup = plan.setup(channel, None)
    # Nothing was read yet: neither live nor lost.
    live = LivePump(plan.place, replace(new_state(setup, now), freshness=Freshness.STALE), link)
    set_up(live, setup)
    return live


def _must(parts: Parts, ward: Ward) -> NodeMust:
    library = ward.library
    if library is None:
        return NodeMust(parts.least_free_bytes)
    return NodeMust(parts.least_free_bytes, library.valid_from, library.review_by)


async def _within(limit_s: float, what: str, closing: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await closing
    except TimeoutError:
        _log.error("it does not close", what=what, waited_s=limit_s)
