"""Recordings on disk: a ring of segments for each line, bounded, written by one thread that never hurries."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog

from pumpd.store.recording import FILE_HEAD, SUFFIX

SEGMENTS: Final = 4
"""A ring holds so many; the oldest goes when another begins, so at least three quarters are always there."""
KEEP_FREE_BYTES: Final = 64 * 1024 * 1024
"""The last of a disk belongs to alarms: recordings are given up before the journal is short of space."""
MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
CLOSE_S: Final = 0.5

_log = structlog.get_logger("pumpd.recorder")


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole records on their way to a ring."""

    ring: str
    """The folder's name."""
    data: bytes
    begins: bool
    """True when a segment begins with it: its first record is a head."""
    most_bytes: int
    """What the whole ring may hold."""


class Reel(Protocol):
    """Where pieces go. ``put`` returns at once; a piece that can not be kept is given up."""

    def put(self, piece: Piece) -> bool:
        """Take a piece; False when it is given up at once."""
        ...

    def lost_bytes(self) -> Mapping[str, int]:
        """Return how much of each ring was lost after it was taken, since the last call."""
        ...

    async def close(self) -> None:
        """Write what waits and stop, within half a second."""
        ...


class Rings:
    """The folder of all rings, and the one who writes there; OSError when a piece can not be written."""

    def __init__(self, folder: Path, keep_free_bytes: int = KEEP_FREE_BYTES) -> None:
        self.folder = folder
        self._keep_free_bytes = keep_free_bytes
        self._numbers: dict[str, int] = {}

    def write(self, piece: Piece) -> None:
        """Append a piece to the newest segment of its ring, or begin another one with it."""
        ring = self.folder / piece.ring
        if piece.begins:
            ring.mkdir(mode=0o700, parents=True, exist_ok=True)
            segments = self.segments(ring)
            last = int(segments[-1].stem) if segments else 0
            self._numbers[piece.ring] = last + 1
            self._make_room(segments, piece.most_bytes)
        self._leave_free(len(piece.data))
        path = ring / f"{self._numbers[piece.ring]:08}{SUFFIX}"
        data = FILE_HEAD + piece.data if piece.begins else piece.data
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if piece.begins else 0)
        file = os.open(path, flags, 0o600)  # patients' labels stand in it
        try:
            if os.write(file, data) != len(data):
                raise OSError(f"{path}: the disk is full")
        finally:
            os.close(file)

    @staticmethod
    def segments(ring: Path) -> list[Path]:
        """Return the segments of a ring, oldest first."""
        return sorted(path for path in ring.glob(f"*{SUFFIX}") if path.stem.isdecimal())

    def _make_room(self, segments: list[Path], most_bytes: int) -> None:
        """Let the oldest segments go until a whole new one fits."""
        sizes = [path.stat().st_size for path in segments]
        room = most_bytes - most_bytes // SEGMENTS
        while segments and sum(sizes) > room:
            segments.pop(0).unlink(missing_ok=True)
            sizes.pop(0)

    def _leave_free(self, n_bytes: int) -> None:
        """Give up finished segments rather than take the last of the disk; OSError when there are none."""
        if self._free() >= self._keep_free_bytes + n_bytes:
            return
        finished = [
            path
            for ring in self.folder.iterdir()
            for path in self.segments(ring)
            if int(path.stem) != self._numbers.get(ring.name)
        ]
        for path in sorted(finished, key=lambda path: path.stat().st_mtime):
            path.unlink(missing_ok=True)
            if self._free() >= self._keep_free_bytes + n_bytes:
                return
        raise OSError(f"less than {self._keep_free_bytes >> 20} MiB are free at {self.folder}")

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free


class InlineReel:
    """Writes at once, for virtual time; ``failing`` (a reason) breaks it."""

    def __init__(self, rings: Rings) -> None:
        self.failing = ""
        self._rings = rings

    def put(self, piece: Piece) -> bool:
        """Write a piece."""
        if self.failing:
            return False
        self._rings.write(piece)
        return True

    def lost_bytes(self) -> Mapping[str, int]:
        """Return nothing: what can not be written is told at once."""
        return {}

    async def close(self) -> None:
        """Do nothing: everything is written."""


class ThreadReel:
    """Writes in a thread of its own; what does not fit in its bounded queue is given up."""

    def __init__(self, rings: Rings, most_waiting_bytes: int = MOST_WAITING_BYTES) -> None:
        self._rings = rings
        self._most_waiting_bytes = most_waiting_bytes
        self._waiting: deque[Piece] = deque()
        self._put_bytes = 0
        self._taken_bytes = 0
        self._gaps: set[str] = set()
        """Rings that lack a piece; nothing is written behind the gap before a segment begins."""
        self._lost: dict[str, int] = {}
        self._failing = ""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pumpd-recorder", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """How much is not written yet."""
        return self._put_bytes - self._taken_bytes

    def put(self, piece: Piece) -> bool:
        """Queue a piece; False when the queue is full."""
        if self.waiting_bytes + len(piece.data) > self._most_waiting_bytes:
            return False
        self._put_bytes += len(piece.data)
        self._waiting.append(piece)
        self._wake.set()
        return True

    def lost_bytes(self) -> Mapping[str, int]:
        """Return what was lost since the last call."""
        if not self._lost:
            return {}
        with self._lock:
            lost, self._lost = self._lost, {}
        return lost

    async def close(self) -> None:
        """Stop, after what waits is written, or after half a second."""
        self._stopping = True
        self._wake.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, CLOSE_S)
        if self._thread.is_alive():
            _log.warning("recorder does not end", waiting_bytes=self.waiting_bytes)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            stopping = self._stopping  # read first: what is taken below is everything there was
            while self._waiting:
                piece = self._waiting.popleft()
                self._take(piece)
                self._taken_bytes += len(piece.data)
            if stopping:
                return

    def _take(self, piece: Piece) -> None:
        if piece.begins:
            self._gaps.discard(piece.ring)
        if piece.ring in self._gaps:
            self._lose(piece)
            return
        try:
            self._rings.write(piece)
        except OSError as error:
            self._lose(piece)
            if not self._failing:
                _log.error("recorder down", folder=str(self._rings.folder), reason=str(error))
            self._failing = str(error)
            return
        if self._failing:
            self._failing = ""
            _log.info("recorder up", folder=str(self._rings.folder))

    def _lose(self, piece: Piece) -> None:
        self._gaps.add(piece.ring)
        with self._lock:
            self._lost[piece.ring] = self._lost.get(piece.ring, 0) + len(piece.data)
