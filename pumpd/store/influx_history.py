"""The daemon's way into InfluxDB: a bounded buffer, a spool on disk, and two threads beside the loop."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from pumpd.store.base import HistoryRow, WriterStatus
from pumpd.store.dead_letters import DeadLetters
from pumpd.store.influx_intake import Intake
from pumpd.store.influx_sender import Door, Sender
from pumpd.store.journal_tail import JournalTail
from pumpd.store.line_protocol import LineWriter
from pumpd.store.spool import Spool, slot_of

log = structlog.get_logger(__name__)

FLUSH_S = 1.0
BUFFER_ROWS = 60_000
"""20 s of 3,000 readings per second, while the disk takes none; the oldest is given up beyond it."""
ROWS_AT_ONCE = 2_000
"""So many readings, with their roll-ups, make no request that a server finds too large."""
DISK_RETRY_S = 5.0
CLOSE_S = 1.0


@dataclass(frozen=True, slots=True)
class SpoolPlace:
    """The files of one node's spool."""

    directory: Path
    limit_bytes: int

    @property
    def spool(self) -> Path:
        """Lines on their way, and the account."""
        return self.directory / "spool.db"

    @property
    def refused(self) -> Path:
        """What the database will never take."""
        return self.directory / "refused.lp"

    @property
    def journal(self) -> Path:
        """The journal, whose lines are sent too."""
        return self.directory / "journal.db"


class InfluxHistoryWriter:
    """The ``TelemetryWriter`` towards InfluxDB; what is broken never reaches the caller: see ``status``."""

    def __init__(
        self,
        place: SpoolPlace,
        site: str,
        door: Callable[[], Door],
        *,
        buffer_rows: int = BUFFER_ROWS,
        seeded: random.Random | None = None,
    ) -> None:
        """``door`` is called in a thread; it may take its time."""
        self._place = place
        self._lines = LineWriter(site)
        self._door = door
        self._random = seeded or random.Random()  # noqa: S311 - jitter, not a secret
        self._buffer: deque[HistoryRow] = deque()
        self._buffer_rows = buffer_rows
        self._shed: Counter[int] = Counter()
        self._shedding = threading.Lock()
        self._dropped = 0
        self._disk_failing = ""
        self._spool: Spool | None = None
        self._intake: Intake | None = None
        self._sender: Sender | None = None
        self._left_h: float | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._threads = [
            threading.Thread(target=self._run_intake, name="pumpd-history", daemon=True),
            threading.Thread(target=self._run_sender, name="pumpd-influx", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def write(self, row: HistoryRow) -> None:
        """Take one reading; drops the oldest and counts it when the buffer is full."""
        buffer = self._buffer
        if len(buffer) >= self._buffer_rows:
            try:
                oldest = buffer.popleft()
            except IndexError:  # the thread was quicker
                pass
            else:
                with self._shedding:
                    self._shed[slot_of(oldest.at_ms)] += 1
        buffer.append(row)

    def status(self) -> WriterStatus:
        """Return how it is doing."""
        spool, intake, sender = self._spool, self._intake, self._sender
        held = intake.held_readings if intake is not None else 0
        spooled = spool.waiting if spool is not None else 0
        return WriterStatus(
            written=sender.stored if sender is not None else 0,
            dropped=self._dropped
            + self._shed.total()
            + (sender.refused if sender is not None else 0)
            + (spool.damaged if spool is not None else 0),
            waiting=len(self._buffer) + held + spooled,
            failing=self._disk_failing or (sender.failing if sender is not None else ""),
            left_h=self._left_h,
        )

    async def close(self) -> None:
        """Put what has gathered into the spool and stop; at most 1 s, whatever disk and database do."""
        self._stopping.set()
        self._wake.set()
        loop = asyncio.get_running_loop()
        for thread in self._threads:
            await loop.run_in_executor(None, thread.join, CLOSE_S / len(self._threads))
        if any(thread.is_alive() for thread in self._threads):
            log.warning("history.close_timed_out", waiting=self.status().waiting)

    def _run_intake(self) -> None:
        while True:
            self._stopping.wait(DISK_RETRY_S if self._disk_failing else FLUSH_S)
            last = self._stopping.is_set()  # read first: what is taken below is everything there was
            try:
                self._flush(last=last)
            except Exception as error:  # noqa: BLE001 - whatever it was, a person is told and it is tried again
                self._disk(str(error) or type(error).__name__)
            else:
                self._disk("")
            self._wake.set()
            if last:
                return

    def _disk(self, failing: str) -> None:
        if failing and not self._disk_failing:
            log.error("history.spool_down", path=str(self._place.spool), reason=failing)
        elif self._disk_failing and not failing:
            log.info("history.spool_up", path=str(self._place.spool))
        self._disk_failing = failing

    def _flush(self, *, last: bool) -> None:
        if self._intake is None:
            self._spool = Spool(self._place.spool, self._place.limit_bytes)
            self._intake = Intake(self._spool, self._lines)
        intake = self._intake
        if intake.holds:
            self._dropped += intake.settle()
        with self._shedding:
            shed, self._shed = self._shed, Counter()
        parts = -(-len(self._buffer) // ROWS_AT_ONCE) or 1
        for part in range(1, parts + 1):
            intake.gather(self._take(), shed, last=last and part == parts)
            self._dropped += intake.settle()
            shed = Counter()
            self._wake.set()
        self._left_h = intake.left_h()

    def _take(self) -> list[HistoryRow]:
        # The loop appends meanwhile, and sheds from the left when the buffer is full.
        rows: list[HistoryRow] = []
        with suppress(IndexError):
            rows.extend(self._buffer.popleft() for _ in range(ROWS_AT_ONCE))
        return rows

    def _run_sender(self) -> None:
        wait_s = 0.0
        while not self._stopping.is_set():
            self._wake.wait(wait_s)
            self._wake.clear()
            if self._spool is None:
                wait_s = FLUSH_S
            elif not self._stopping.is_set():
                wait_s = self._step(self._spool)
                if self._sender is not None and self._sender.failing:
                    self._stopping.wait(wait_s)
        self._threads[0].join()
        if self._sender is not None and not self._sender.failing:
            self._sender.step()  # what was gathered at the end
        if self._sender is not None:
            self._sender.close()
        if self._spool is not None:
            self._spool.close()

    def _step(self, spool: Spool) -> float:
        if self._sender is None:
            place = self._place
            tail = JournalTail(place.journal, self._lines)
            self._sender = Sender(spool, self._door(), DeadLetters(place.refused), tail, self._random)
        return self._sender.step()
