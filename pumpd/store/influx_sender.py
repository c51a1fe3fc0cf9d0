"""From the spool to the database: oldest first, again and again until it is taken, bad points set aside."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from pumpd.errors import StoreError
from pumpd.store.dead_letters import DeadLetters
from pumpd.store.journal_tail import JournalTail
from pumpd.store.line_protocol import READING
from pumpd.store.rising import NS_PER_MS
from pumpd.store.spool import Batch, Spool, slot_of

log = structlog.get_logger(__name__)

LINES_PER_WRITE = 5_000
"""What the database's makers advise for one request."""
IDLE_S = 1.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
REFUSED = "refused by the database"

_TIME = re.compile(rb" ([0-9]+)$")
_DROPPED = re.compile(r"\bdropped=([0-9]+)")
_NAMES_POINTS = re.compile(r"\bdropped=[0-9]|partial write|unable to parse|parsing failed")
"""What InfluxDB 1.x to 3.x say of points; who says 400 and none of this may be a proxy before them."""
PROBES = 8
"""So many lines are tried alone before somebody is believed who refuses lines and does not say which."""


class LinesRefusedError(StoreError):
    """The database will never take these lines as they are; the message is its own."""


class LaterError(StoreError):
    """The database takes nothing at present; ``wait_s`` is how long it asks to be let be, or 0."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class Door(Protocol):
    """The way into one database."""

    def write(self, lines: bytes) -> None:
        """Write lines, all or some of them; returns once all are stored.

        LinesRefusedError when the database blames the lines, LaterError for everything else.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class _Bad:
    line: bytes
    words: str


class Sender:
    """Sends what waits; one request at a time, so that what is stored is stored in order."""

    def __init__(
        self, spool: Spool, door: Door, letters: DeadLetters, tail: JournalTail, seeded: random.Random
    ) -> None:
        self._spool = spool
        self._door = door
        self._letters = letters
        self._tail = tail
        self._random = seeded
        self._retry_s = FIRST_RETRY_S
        self._under_way: Sequence[Batch] = ()
        self.failing = ""
        """Why nothing is taken, or what was refused of the last lines; empty while all is well."""
        self.stored = 0
        """Readings that the database took since start."""
        self.refused = 0
        """Readings that it will never take."""

    def step(self) -> float:
        """Send what waits longest; return after how many seconds to come again."""
        try:
            busy = self._send_some()
        except Exception as error:  # noqa: BLE001 - whatever it was, readings wait on disk and a person is told
            self._spool.release()
            return self._later(error)
        self._retry_s = FIRST_RETRY_S
        return 0.0 if busy else IDLE_S

    def close(self) -> None:
        """Let go of connections and files."""
        self._door.close()
        self._tail.close()

    def _send_some(self) -> bool:
        batches = self._oldest()
        bad = self._send(b"\n".join([batch.lines for batch in batches]))
        if bad:
            self._up(bad)  # the reason is told no later than the number
        if batches:
            self._settle(batches, bad)
        journalled = self._tail.read(self._spool.mark("journal_seq"))
        not_taken = self._send(b"\n".join([line.line for line in journalled]))
        if journalled:
            self._letters.add([(each.line, each.words) for each in not_taken])
            self._spool.set_mark("journal_seq", journalled[-1].sequence)
        if batches or journalled:
            self._up(bad + not_taken)
        return bool(batches or journalled)

    def _settle(self, batches: Sequence[Batch], bad: list[_Bad]) -> None:
        refused = Counter(
            slot_of(int(time[1]) // NS_PER_MS)
            for each in bad
            if each.line.startswith(READING.encode()) and (time := _TIME.search(each.line))
        )
        self._letters.add([(each.line, each.words) for each in bad])
        gone = self._spool.sent(batches, refused, REFUSED)
        self._under_way = ()
        self.refused += refused.total()
        self.stored += gone - refused.total()

    def _oldest(self) -> Sequence[Batch]:
        """Return what waits longest; unpacked once, however often it is tried."""
        if not (self._under_way and self._spool.hold(self._under_way)):
            self._under_way = self._spool.oldest(LINES_PER_WRITE)
        return self._under_way

    def _send(self, text: bytes) -> list[_Bad]:
        """Have lines stored; return those that never will be, with the database's words."""
        if not text:
            return []
        try:
            self._door.write(text)
        except LinesRefusedError as error:
            lines, words = text.split(b"\n"), str(error)
            if not _NAMES_POINTS.search(words):
                self._must_be_a_judge(lines, words)
            return self._split(lines, words)
        return []

    def _must_be_a_judge(self, lines: Sequence[bytes], words: str) -> None:
        """Return if one of a few lines is taken, or named as bad; else LaterError: points are not judged."""
        for line in self._random.sample(lines, min(PROBES, len(lines))):
            try:
                self._door.write(line)
            except LinesRefusedError as error:
                if not _NAMES_POINTS.search(str(error)):
                    continue
            return
        self._under_way = ()  # so that next time others, that came meanwhile, are among them
        raise LaterError(f"everything is refused, and no point is named; is it the database? It says {words}")

    def _split(self, lines: Sequence[bytes], words: str) -> list[_Bad]:
        """Have the good ones of refused lines stored, and return the others."""
        told = _DROPPED.search(words)
        if len(lines) == 1 or (told and int(told[1]) == len(lines)):
            return [_Bad(line, words) for line in lines]
        bad: list[_Bad] = []
        middle = len(lines) // 2
        for half in (lines[:middle], lines[middle:]):
            try:
                self._door.write(b"\n".join(half))
            except LinesRefusedError as error:
                bad += self._split(half, str(error))
        return bad

    def _later(self, error: Exception) -> float:
        if not self.failing:
            log.error("history.down", reason=str(error))
        self.failing = str(error) or type(error).__name__
        wait_s = self._retry_s * self._random.uniform(0.75, 1.0)
        self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
        return max(wait_s, min(error.wait_s, LONGEST_RETRY_S) if isinstance(error, LaterError) else 0.0)

    def _up(self, bad: Sequence[_Bad]) -> None:
        if bad:
            if not self.failing:
                log.error("history.points_refused", points=len(bad), said=bad[0].words)
            self.failing = f"{len(bad)} points {REFUSED}: {bad[0].words}"
        elif self.failing:
            self.failing = ""
            log.info("history.up")
