"""The spool: lines on their way to the database, and the account of what was read, on this host's disk.

Lines and account change in one transaction, so that a program that is killed leaves both as they were.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pumpd.store.migrate import migrate, schema_steps

SLOT_MS = 60_000
"""The account is kept by the minute."""
ACCOUNT_DAYS = 800
"""The account of older minutes is forgotten."""
DAY_MS = 86_400_000
KEEP_FREE_BYTES = 128 * 1024 * 1024
"""With less left on the disk the spool grows no more: the journal, which shares the disk, comes first."""
SPOOL_FULL = "the spool is full"
DISK_LOW = "the disk is nearly full"
DAMAGED = "damaged on this host's disk"

Slots = Mapping[int, int]
"""Readings by minute (its start in ms since 1970)."""


def slot_of(at_ms: int) -> int:
    """Return the minute that ``at_ms`` is in."""
    return at_ms // SLOT_MS * SLOT_MS


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is put into the spool at once."""

    lines: bytes
    """In the order in which they are to be sent; empty when there is none."""
    line_count: int
    readings: Slots
    """Of ``lines``."""
    shed: Mapping[str, Slots] = field(default_factory=dict)
    """Read and given up before they came here, by reason."""
    pumps: Collection[str] = ()
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that were put in at once."""

    number: int
    lines: bytes
    line_count: int


class Spool:
    """An open ``spool.db``, used by several threads in turn; raises sqlite3.Error, OSError or StoreError."""

    def __init__(self, path: Path, limit_bytes: int, keep_free_bytes: int = KEEP_FREE_BYTES) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._keep_free_bytes = keep_free_bytes
        self._lock = threading.Lock()
        self._held_id = 0
        """Batches up to this one are on their way."""
        self.added_bytes = 0
        """What was put in since it was opened, as it stands on disk."""
        self.damaged = 0
        """Readings found damaged since it was opened, and given up."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            migrate(self._db, schema_steps("spool"), str(path))
            self._used_bytes = self._number("SELECT coalesce(sum(length(lines)), 0) FROM batch")
            self._waiting = self._number("SELECT coalesce(sum(readings), 0) FROM batch_slot")
            (self._page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
            self._known = {name for (name,) in self._db.execute("SELECT name FROM pump")}
        except BaseException:
            self._db.close()
            raise

    @property
    def waiting(self) -> int:
        """How many readings wait to be sent."""
        return self._waiting

    def mark(self, name: str) -> int:
        """Return where the last run left off; 0 at first."""
        with self._lock:
            return self._number("SELECT coalesce(max(value), 0) FROM mark WHERE name = ?", name)

    def set_mark(self, name: str, value: int) -> None:
        """Keep where to go on."""
        with self._changing():
            self._put_marks({name: value})

    def room_bytes(self) -> int:
        """Return how many bytes of lines may still be put in before something has to go."""
        with self._lock:
            return max(0, min(self._limit_bytes - self._used_bytes, self._disk_room()))

    def add(self, gathered: Gathered) -> Counter[str]:
        """Put lines in, after giving up as many of the oldest as it takes; return what was given up.

        What does not fit at all, since the disk is full without the spool, is given up itself.
        """
        packed = zlib.compress(gathered.lines, 1) if gathered.lines else b""
        given_up: Counter[str] = Counter()
        with self._changing():
            self._count_read(gathered.readings)
            for reason, slots in gathered.shed.items():
                self._count_read(slots)
                for slot_ms, count in slots.items():
                    self._drop(slot_ms, reason, count, given_up)
            if packed:
                reason = self._make_room(len(packed), given_up)
                if reason:
                    for slot_ms, count in gathered.readings.items():
                        self._drop(slot_ms, reason, count, given_up)
                else:
                    self._insert(gathered, packed)
            self._put_marks(gathered.marks)
            fresh = set(gathered.pumps) - self._known
            self._db.executemany(
                "INSERT INTO pump VALUES (?) ON CONFLICT DO NOTHING", [(pump,) for pump in fresh]
            )
            if gathered.readings:
                oldest_ms = max(gathered.readings) - ACCOUNT_DAYS * DAY_MS
                self._db.execute("DELETE FROM read_count WHERE slot_ms < ?", (oldest_ms,))
                self._db.execute("DELETE FROM drop_count WHERE slot_ms < ?", (oldest_ms,))
        self._known |= fresh
        return given_up

    def oldest(self, most_lines: int) -> Sequence[Batch]:
        """Return the oldest batches, one or as many as hold no more than ``most_lines`` together, held."""
        found: list[Batch] = []
        damaged: list[int] = []
        with self._lock:
            rows = self._db.execute("SELECT id, lines, line_count FROM batch ORDER BY id")
            total = 0
            for number, packed, line_count in rows:
                total += line_count
                if found and total > most_lines:
                    break
                try:
                    found.append(Batch(number, zlib.decompress(packed), line_count))
                except (zlib.error, TypeError):
                    damaged.append(number)
            rows.close()
            self._held_id = found[-1].number if found else 0
        if damaged:
            self._give_up(damaged)
        return found

    def _give_up(self, damaged: Sequence[int]) -> None:
        """Count what can not be read back as lost: it must not hold up everything behind it."""
        given_up: Counter[str] = Counter()
        with self._changing():
            for number in damaged:
                self._drop_batch(number, DAMAGED, given_up)
        self.damaged += given_up.total()

    def hold(self, batches: Sequence[Batch]) -> bool:
        """Keep batches from being given up while they are on their way; False when one is gone."""
        with self._lock:
            self._held_id = batches[-1].number
            return self._number("SELECT count(*) FROM batch WHERE id <= ?", self._held_id) == len(batches)

    def release(self) -> None:
        """Let what was held be given up again, should space be short."""
        self._held_id = 0

    def sent(self, batches: Sequence[Batch], refused: Slots, reason: str) -> int:
        """Let go of what the database has; return its readings, of which ``refused`` are lost for ``reason``.

        Lines are put in meanwhile, so that nobody can tell from what waits before and after.
        """
        if not batches:
            return 0
        with self._changing():
            self._held_id = 0
            for slot_ms, count in refused.items():
                self._drop(slot_ms, reason, count, Counter())
            return sum(self._remove(batch.number) for batch in batches)

    def close(self) -> None:
        """Close the file; a failing disk does not stop it."""
        with self._lock, suppress(sqlite3.Error):
            self._db.close()

    def _make_room(self, wanted_bytes: int, given_up: Counter[str]) -> str:
        """Give up the oldest until ``wanted_bytes`` fit; return why they do not fit even so."""
        while True:
            if wanted_bytes > self._limit_bytes - self._used_bytes:
                reason = SPOOL_FULL
            elif wanted_bytes > self._disk_room():
                reason = DISK_LOW
            else:
                return ""
            # What is on its way may be stored by now: it is not given up.
            oldest = self._db.execute(
                "SELECT id FROM batch WHERE id > ? ORDER BY id LIMIT 1", (self._held_id,)
            ).fetchone()
            if oldest is None:
                return reason
            self._drop_batch(oldest[0], reason, given_up)

    def _drop_batch(self, number: int, reason: str, given_up: Counter[str]) -> None:
        counts = self._db.execute("SELECT slot_ms, readings FROM batch_slot WHERE batch = ?", (number,))
        for slot_ms, count in counts.fetchall():
            self._drop(slot_ms, reason, count, given_up)
        self._remove(number)

    def _disk_room(self) -> int:
        """Return what the file can take: the disk down to what is kept free, and its own empty pages."""
        disk = os.statvfs(self._path.parent)
        (empty_pages,) = self._db.execute("PRAGMA freelist_count").fetchone()
        spare_bytes: int = disk.f_bavail * disk.f_frsize - self._keep_free_bytes
        empty_bytes: int = empty_pages * self._page_bytes
        return max(0, spare_bytes) + empty_bytes

    def _insert(self, gathered: Gathered, packed: bytes) -> None:
        number = self._db.execute(
            "INSERT INTO batch (lines, line_count) VALUES (?, ?)", (packed, gathered.line_count)
        ).lastrowid
        self._db.executemany(
            "INSERT INTO batch_slot VALUES (?, ?, ?)",
            [(number, slot_ms, count) for slot_ms, count in gathered.readings.items()],
        )
        self._used_bytes += len(packed)
        self.added_bytes += len(packed)
        self._waiting += sum(gathered.readings.values())

    def _remove(self, number: int) -> int:
        gone = self._db.execute("SELECT length(lines) FROM batch WHERE id = ?", (number,)).fetchone()
        if gone is None:
            return 0  # it was given up while it was on its way
        readings = self._number("SELECT coalesce(sum(readings), 0) FROM batch_slot WHERE batch = ?", number)
        self._used_bytes -= gone[0]
        self._waiting -= readings
        self._db.execute("DELETE FROM batch WHERE id = ?", (number,))
        self._db.execute("DELETE FROM batch_slot WHERE batch = ?", (number,))
        return readings

    def _drop(self, slot_ms: int, reason: str, count: int, given_up: Counter[str]) -> None:
        self._count(
            "drop_count (slot_ms, reason, readings) VALUES (?, ?, ?)",
            "slot_ms, reason",
            slot_ms,
            reason,
            count,
        )
        given_up[reason] += count

    def _count_read(self, slots: Slots) -> None:
        for slot_ms, count in slots.items():
            self._count("read_count (slot_ms, readings) VALUES (?, ?)", "slot_ms", slot_ms, count)

    def _count(self, into: str, key: str, *values: object) -> None:
        self._db.execute(
            f"INSERT INTO {into} ON CONFLICT ({key}) DO UPDATE SET readings = readings + excluded.readings",
            values,
        )

    def _put_marks(self, marks: Mapping[str, int]) -> None:
        self._db.executemany(
            "INSERT INTO mark VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            list(marks.items()),
        )

    def _number(self, sql: str, *values: object) -> int:
        (found,) = self._db.execute(sql, values).fetchone()
        assert isinstance(found, int)
        return found

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            before = self._used_bytes, self._waiting
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._used_bytes, self._waiting = before
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
