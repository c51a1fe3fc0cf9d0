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
        self._was_taken = False
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
        if len(bad) == sum(batch.line_count for batch in batches) > 1 and self._judges_nothing(bad):
            raise LaterError(f"everything is refused: {bad[0].words}")
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

    def _judges_nothing(self, bad: Sequence[_Bad]) -> bool:
        """Return whether this may be a wrong address: nothing was ever taken, and no point is blamed."""
        return not self._was_taken and not _DROPPED.search(bad[0].words)

    def _send(self, text: bytes) -> list[_Bad]:
        """Have lines stored; return those that never will be, with the database's words."""
        if not text:
            return []
        try:
            self._door.write(text)
        except LinesRefusedError as error:
            words, lines = str(error), text.split(b"\n")
            told = _DROPPED.search(words)
            if len(lines) == 1 or (told and int(told[1]) == len(lines)):
                return [_Bad(line, words) for line in lines]
            middle = len(lines) // 2
            return self._send(b"\n".join(lines[:middle])) + self._send(b"\n".join(lines[middle:]))
        self._was_taken = True
        return []

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
