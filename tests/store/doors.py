"""A database in memory that takes lines as a server does: for tests in virtual time, with no socket."""

from __future__ import annotations

import random
import re
from pathlib import Path

from pumpd.store.dead_letters import DeadLetters
from pumpd.store.influx_intake import Intake
from pumpd.store.influx_sender import LaterError, LinesRefusedError, Sender
from pumpd.store.journal_tail import JournalTail
from pumpd.store.line_protocol import LineWriter
from pumpd.store.spool import Spool

_LINE = re.compile(rb"((?:\\.|[^ \\])+) (.+) (-?[0-9]+)")


class MemoryDoor:
    """Keeps what it takes by series and time; ``down`` and ``poison`` say what it does not take."""

    def __init__(self) -> None:
        self.down = ""
        self.wait_s = 0.0
        self.poison = b"\x00"
        """A line that holds it is refused, after the others of the request were stored."""
        self.says = "400: field type conflict"
        self.stored: dict[bytes, dict[int, bytes]] = {}
        """Fields by time by series (measurement and tags)."""
        self.order: dict[bytes, list[int]] = {}
        """The times of each series in the order in which they first came."""
        self.calls = 0
        self.closed = False

    def write(self, lines: bytes) -> None:
        """Store what can be stored."""
        self.calls += 1
        if self.down:
            raise LaterError(self.down, self.wait_s)
        refused = 0
        for line in lines.split(b"\n"):
            parsed = _LINE.fullmatch(line)
            if parsed is None or self.poison in line:
                refused += 1
                continue
            series, fields, time = parsed[1], parsed[2], int(parsed[3])
            if time not in self.stored.setdefault(series, {}):
                self.order.setdefault(series, []).append(time)
            self.stored[series][time] = fields
        if refused:
            raise LinesRefusedError(self.says)

    def close(self) -> None:
        """Note that it was let go."""
        self.closed = True

    def times(self, measurement: str = "reading") -> dict[bytes, list[int]]:
        """Return the times of every series of a measurement, as they came."""
        return {s: t for s, t in self.order.items() if s.split(b",")[0] == measurement.encode()}

    def fields(self, measurement: str) -> list[bytes]:
        """Return what stands in every point of a measurement."""
        return [
            fields
            for series, points in self.stored.items()
            if series.split(b",")[0] == measurement.encode()
            for fields in points.values()
        ]

    def count(self, measurement: str = "reading") -> int:
        """Return how many points of a measurement there are."""
        return sum(len(times) for times in self.times(measurement).values())


class Line:
    """Intake, spool, sender and a database in memory, turned by hand."""

    def __init__(self, directory: Path, *, limit_bytes: int = 2**30, door: MemoryDoor | None = None) -> None:
        self.directory = directory
        self.door = door or MemoryDoor()
        self.spool = Spool(directory / "spool.db", limit_bytes, keep_free_bytes=0)
        writer = LineWriter("clinic")
        self.intake = Intake(self.spool, writer)
        self.sender = Sender(
            self.spool,
            self.door,
            DeadLetters(directory / "refused.lp"),
            JournalTail(directory / "journal.db", writer),
            random.Random(1),
        )

    def send_all(self) -> None:
        """Turn the sender until it has nothing to do, or says that it failed."""
        while self.sender.step() == 0.0:
            pass

    def close(self) -> None:
        """Let go of everything."""
        self.sender.close()
        self.spool.close()
