"""A line that says what a recording holds: each question gets the bytes that followed it, as late as then."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from pumpd.core.quantities import NS_PER_S
from pumpd.errors import TransportError
from pumpd.store.recording import Kind, Record, Recording, split
from pumpd.transports.base import Receiver
from pumpd.transports.url import Framing, PumpUrl

_TRANSACTION_BYTES = 2
"""MBAP: the number of the question stands first, and is chosen anew by every run."""
_AT_ONCE_NS = 1000
"""What was asked at the very moment the line broke is asked before it breaks."""


@dataclass(slots=True, eq=False)
class _Asked:
    """One question of the recording, and the bytes that arrived between it and the next."""

    at_ns: int
    frame: bytes
    arrived: list[tuple[int, bytes]] = field(default_factory=list)
    """(nanoseconds after the question, bytes)."""
    refused: str = ""
    """Why its bytes were not taken."""


@dataclass(slots=True, eq=False)
class _Connection:
    """One attempt to open the line."""

    tried_ns: int
    ended_ns: int
    """When it was open, or had failed."""
    failed: str = ""
    arrived: list[tuple[int, bytes]] = field(default_factory=list)
    """(nanoseconds after it was open, bytes) before anything was asked."""
    lost: tuple[int, str] | None = None
    """When it broke, and why."""


@dataclass(slots=True)
class PlayedCounts:
    """How far this version asks what was asked then."""

    asked: int = 0
    as_recorded_count: int = 0
    """Questions that the recording has at that time."""
    asked_again_count: int = 0
    """Questions that the recording has, but not so soon again: answered as the last time."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """Frames in hex to which the recording holds no answer at all, or none near that time."""
    left_out_count: int = 0
    """Questions of the recording that this version did not ask."""


class PlayedLine:
    """Implements ``Transport`` from the wire records of one recording."""

    def __init__(self, recording: Recording, url: PumpUrl, *, open_at_first: bool, near_ns: int) -> None:
        """``near_ns`` is how far from its recorded time a question may be and still be the same."""
        self.name = url.line
        self.baud = url.baud if url.settings is None else url.settings.baud
        self.bits_per_byte = 10 if url.settings is None else url.settings.bits_per_byte
        self.counts = PlayedCounts()
        self._skip_bytes = _TRANSACTION_BYTES if url.framing is Framing.MODBUS_TCP else 0
        self._near_ns = near_ns
        self._connections: deque[_Connection] = deque()
        self._asked: dict[bytes, deque[_Asked]] = {}
        self._latest: dict[bytes, _Asked] = {}
        self._receiver: Receiver | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._broken = f"{self.name}: the line was not open in the recording"
        preamble = [split(record.payload)[0] for record in recording.of(Kind.PREAMBLE)]
        for asked in _asked([record for records in preamble for record in records], deque()):
            self._latest[self._key(asked.frame)] = asked
        self._before = dict(self._latest)
        """How the line was opened and the pump recognised, before this segment."""
        if open_at_first:
            self._connections.append(_Connection(recording.began_ns, recording.began_ns))
        for asked in _asked(recording.records, self._connections):
            self._asked.setdefault(self._key(asked.frame), deque()).append(asked)

    async def open(self, receiver: Receiver) -> None:
        """Open as the recording did at this time; TransportError with its words where it could not."""
        attempt = self._attempt(_now_ns())
        if attempt is None:
            raise TransportError(self._broken)
        await asyncio.sleep((attempt.ended_ns - attempt.tried_ns) / NS_PER_S)
        if attempt.failed:
            self._broken = attempt.failed
            raise TransportError(attempt.failed)
        self._receiver = receiver
        for after_ns, data in attempt.arrived:
            self._later(after_ns, data)
        if attempt.lost is not None:
            lost_ns, words = attempt.lost
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_at(lost_ns / NS_PER_S, self._lose, words))

    def write(self, data: bytes) -> None:
        """Take a question; what followed it in the recording follows now."""
        if self._receiver is None:
            raise TransportError(f"{self.name}: the line is not open")
        self.counts.asked += 1
        found = self._find(data, _now_ns())
        if found is None:
            self.counts.unanswered[data[self._skip_bytes :].hex(" ")] += 1
            return
        if found.refused:
            raise TransportError(found.refused)
        for after_ns, arrived in found.arrived:
            self._later(after_ns, self._renumbered(arrived, found.frame, data))

    async def close(self) -> None:
        """Let nothing arrive any more."""
        self._receiver = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def finish(self) -> None:
        """Count what this version never asked."""
        self.counts.left_out_count += sum(len(waiting) for waiting in self._asked.values())

    def _key(self, frame: bytes) -> bytes:
        return frame[self._skip_bytes :]

    def _find(self, frame: bytes, now_ns: int) -> _Asked | None:
        key = self._key(frame)
        waiting = self._asked.get(key, deque())
        while waiting and waiting[0].at_ns < now_ns - self._near_ns:
            self._latest[key] = waiting.popleft()
            self.counts.left_out_count += 1
        if waiting and waiting[0].at_ns <= now_ns + self._near_ns:
            self.counts.as_recorded_count += 1
            found = self._latest[key] = waiting.popleft()
            return found
        latest = self._latest.get(key)
        if latest is not None and (
            latest.at_ns >= now_ns - 2 * self._near_ns or latest is self._before.get(key)
        ):
            self.counts.asked_again_count += 1
            return latest
        return None

    def _attempt(self, now_ns: int) -> _Connection | None:
        """Return the recorded attempt that stands for one now: the nearest, or the one that is open still."""
        open_still: _Connection | None = None
        while self._connections and self._connections[0].tried_ns <= now_ns + self._near_ns:
            passed = self._connections.popleft()
            if passed.tried_ns >= now_ns - self._near_ns:
                return passed
            over = passed.failed or (passed.lost is not None and passed.lost[0] <= now_ns)
            open_still = None if over else passed
        if open_still is not None:
            return _Connection(now_ns, now_ns, lost=open_still.lost)
        return None

    def _later(self, after_ns: int, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if after_ns <= 0:
            loop.call_soon(self._arrive, data)
            return
        if len(self._timers) > 100:
            self._timers = [timer for timer in self._timers if timer.when() > loop.time()]
        self._timers.append(loop.call_at(loop.time() + after_ns / NS_PER_S, self._arrive, data))

    def _arrive(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.data_received(data)

    def _lose(self, words: str) -> None:
        receiver, self._receiver = self._receiver, None
        self._broken = words
        if receiver is not None:
            receiver.connection_lost(TransportError(words))

    def _renumbered(self, arrived: bytes, then: bytes, now: bytes) -> bytes:
        """Return what arrived, with the number of today's question where it bore the number of then's."""
        n_bytes = self._skip_bytes
        if n_bytes and arrived[:n_bytes] == then[:n_bytes]:
            return now[:n_bytes] + arrived[n_bytes:]
        return arrived


def _now_ns() -> int:
    return round(asyncio.get_running_loop().time() * NS_PER_S)


def _asked(records: Iterable[Record], connections: deque[_Connection]) -> list[_Asked]:
    """Return the questions among ``records`` with what followed each; put attempts into ``connections``."""
    found: list[_Asked] = []
    silent = True
    for record in records:
        match record.kind:
            case Kind.OPENING:
                connections.append(_Connection(record.at_ns, record.at_ns))
                silent = True
            case Kind.OPENED if connections:
                connections[-1].ended_ns = record.at_ns
            case Kind.NOT_OPENED if connections:
                connections[-1].ended_ns = record.at_ns
                connections[-1].failed = record.text()
            case Kind.LOST if connections:
                asked_last = bool(found) and found[-1].at_ns == record.at_ns
                connections[-1].lost = (record.at_ns + asked_last * _AT_ONCE_NS, record.text())
            case Kind.OUT:
                found.append(_Asked(record.at_ns, record.payload))
                silent = False
            case Kind.NOT_WRITTEN if found:
                found[-1].refused = record.text()
            case Kind.IN if not silent:
                found[-1].arrived.append((record.at_ns - found[-1].at_ns, record.payload))
            case Kind.IN if connections:
                connections[-1].arrived.append((record.at_ns - connections[-1].ended_ns, record.payload))
            case _:
                pass
    return found
