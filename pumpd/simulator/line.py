"""The pumps behind one connection or cable, and how their replies get on the wire."""

from __future__ import annotations

import asyncio
import random
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass

from pumpd.errors import TransportError, WireError
from pumpd.protocols.wire import Question, ServerFramer
from pumpd.simulator.face import PumpFace
from pumpd.simulator.faults import FaultDesk, FaultKind


@dataclass(slots=True)
class SimulatedPump:
    """One pump on a line."""

    name: str
    unit: int
    face: PumpFace
    reply_time_s: float = 0.0
    """From the end of the request to the beginning of the reply."""


def loop_s() -> float:
    """Return the running loop's time, in seconds."""
    return asyncio.get_running_loop().time()


class SimulatedLine:
    """Who answers to which unit, and what goes wrong."""

    def __init__(
        self, pumps: list[SimulatedPump], seeded: random.Random, now_s: Callable[[], float] | None = None
    ) -> None:
        """Make it; ``now_s`` is the time that faults are counted by, without it the running loop's."""
        self.pumps = {pump.unit: pump for pump in pumps}
        self.now_s = now_s or loop_s
        self.faults = FaultDesk(seeded)
        self.server_framer: Callable[[], ServerFramer] | None = None
        """Of the framed dialect that all its pumps speak; None for Modbus."""
        self.on_answer: Callable[[SimulatedPump], None] | None = None
        """Told which pump answers, at the moment at which it does."""
        for pump in pumps:
            pump.face.beside = {other.unit: other.face for other in pumps}
        if len(self.pumps) != len(pumps):
            raise ValueError("two pumps of one line have the same unit")

    def replies(self, question: Question, framer: ServerFramer) -> list[tuple[float, bytes]]:
        """Return what arrives: (seconds after the request, bytes). A unit that is not there stays silent."""
        at = next(iter(self.pumps), None) if question.address is None else question.address
        pump = None if at is None else self.pumps.get(at)
        if pump is None:
            return []
        faults = self.faults.drawn(pump.unit, self.now_s())
        try:
            if not faults:
                if not pump.face.answers:
                    return []
                return [(pump.reply_time_s, framer.encode(question, self._answer(pump, question)))]
            by_kind = {fault.kind: fault for fault in faults}
            if FaultKind.SILENCE in by_kind:
                self.faults.tally[FaultKind.SILENCE] += 1
                return []
            if not pump.face.answers:
                return []
            if FaultKind.EXCEPTION in by_kind:
                self.faults.tally[FaultKind.EXCEPTION] += 1
                reply = pump.face.refuse(question.payload, by_kind[FaultKind.EXCEPTION].exception_code)
            else:
                reply = self._answer(pump, question)
        except WireError:
            return []
        frame = framer.encode(question, reply)
        arrivals = self.faults.on_the_way(frame, faults, lambda: self.foreign(question, framer))
        return [(pump.reply_time_s + later, data) for later, data in arrivals]

    def _answer(self, pump: SimulatedPump, question: Question) -> bytes:
        reply = pump.face.answer(question.payload)
        if self.on_answer is not None:
            self.on_answer(pump)
        return reply

    def foreign(self, question: Question, framer: ServerFramer) -> bytes | None:
        """Return what another pump of the line answers to the same question, asked by somebody else."""
        for unit, pump in self.pumps.items():
            if unit != question.address:
                other = framer.elsewhere(question, unit)
                return framer.encode(other, pump.face.answer(other.payload))
        return None


class Answering:
    """One end of one wire: requests in, replies out in time. Implements ``transports.base.Receiver``."""

    def __init__(
        self,
        line: SimulatedLine,
        framer: ServerFramer,
        write: Callable[[bytes], None],
        baud: int | None = None,
        bits_per_byte: int = 10,
    ) -> None:
        """Answer on a wire; with ``baud``, bytes take the time that their bits take on it."""
        self._line = line
        self._framer = framer
        self._write = write
        self._byte_s = bits_per_byte / baud if baud else 0.0
        self._taken: list[tuple[float, float]] = []
        """From when to when the wire carries replies that are still to come, in order."""
        self._pending: set[asyncio.TimerHandle] = set()

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests."""
        for question in self._framer.feed(data):
            for delay_s, reply in self._line.replies(question, self._framer):
                self._send_later(delay_s, reply, len(question.payload) + 2)

    def connection_lost(self, error: TransportError) -> None:  # noqa: ARG002 - whoever lost it says so
        """Send nothing more."""
        self.stop()

    def stop(self) -> None:
        """Send nothing more."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()

    def _carried_s(self, ready_s: float, takes_s: float, now_s: float) -> float:
        """Return when a reply that is ready then has been carried: one at a time, in the first gap."""
        self._taken = [span for span in self._taken if span[1] > now_s]
        for begins_s, ends_s in self._taken:
            if ready_s + takes_s <= begins_s:
                break
            ready_s = max(ready_s, ends_s)
        insort(self._taken, (ready_s, ready_s + takes_s))
        return ready_s + takes_s

    def _send_later(self, delay_s: float, reply: bytes, request_bytes: int) -> None:
        if delay_s <= 0 and not self._byte_s:
            self._write(reply)
            return
        loop = asyncio.get_running_loop()
        at_s = loop.time() + delay_s
        if self._byte_s:
            ready_s = at_s + request_bytes * self._byte_s
            at_s = self._carried_s(ready_s, len(reply) * self._byte_s, loop.time())
        handle: asyncio.TimerHandle

        def send() -> None:
            self._pending.discard(handle)
            self._write(reply)

        handle = loop.call_at(at_s, send)
        self._pending.add(handle)
