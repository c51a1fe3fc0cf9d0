"""The judge of invariant 1: every frame that reaches a simulated pump, and what it did to it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pumpd.core.telemetry import PumpStatus
from pumpd.protocols.wire import Question, ServerFramer
from pumpd.simulator.line import SimulatedLine

Doing = tuple[str, str, PumpStatus, int, int]
"""What a channel does: pump, channel, status, set rate, and the flow it is on its way to, both in nL/h."""
T = TypeVar("T")


@dataclass(slots=True)
class WireTally:
    """What went over one line, in numbers that two equal runs have in common."""

    asked: int = 0
    answered: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    raises: list[str] = field(default_factory=list)
    """Frames after which a pump delivered more than before (invariant 1)."""

    def note(self, direction: str, data: bytes) -> None:
        """Take in what was written at one end."""
        self.digest.update(direction.encode() + len(data).to_bytes(4, "big") + data)


class FrameJudge:
    """Watches one line: nothing that arrives may make a pump give more."""

    def __init__(self, line: SimulatedLine, moved: Callable[[], None]) -> None:
        """Judge the pumps of ``line``; ``moved`` is called when a frame changed what one of them does."""
        self.tally = WireTally()
        self._line = line
        self._moved = moved

    def _doing(self) -> list[Doing]:
        """Return what every channel of the line does."""
        return [
            (pump.name, channel, model.status, model.set_rate_nl_h, model.target_nl_h)
            for pump in self._line.pumps.values()
            for channel, model in pump.face.models.items()
        ]

    def asked(self, data: bytes, deal_with: Callable[[], T]) -> T:
        """Return what dealing with one piece of a request came to, and note what it did."""
        self.tally.asked += 1
        self.tally.note(">", data)
        for pump in self._line.pumps.values():
            pump.face.catch_up()
        before = self._doing()
        answer = deal_with()
        after = self._doing()
        if after != before:
            for was, now in zip(before, after, strict=True):
                if _gives_more(was, now):
                    self.tally.raises.append(f"{now[0]}/{now[1]}: {data.hex(' ')}")
            self._moved()
        return answer

    def answered(self, data: bytes) -> None:
        """Take note of what the pumps sent."""
        self.tally.answered += 1
        self.tally.note("<", data)


def _gives_more(was: Doing, now: Doing) -> bool:
    """Return whether a channel now delivers, gives a bolus, flows faster or is set higher, unlike before."""
    _, _, status_was, rate_was_nl_h, flow_was_nl_h = was
    _, _, status, rate_nl_h, flow_nl_h = now
    begun = status.delivers and not status_was.delivers
    bolus = status is PumpStatus.BOLUS and status_was is not PumpStatus.BOLUS
    return begun or bolus or rate_nl_h > rate_was_nl_h or flow_nl_h > flow_was_nl_h


class JudgedLine(SimulatedLine):
    """A line whose every request is judged; for wires that know nothing of judges."""

    def __init__(self, line: SimulatedLine, judge: FrameJudge) -> None:
        """Answer with the pumps and faults of ``line``."""
        super().__init__(list(line.pumps.values()), random.Random(0), line.now_s)  # noqa: S311 - not used
        self.pumps = line.pumps
        self.faults = line.faults
        self.server_framer = line.server_framer
        self._judge = judge

    def replies(self, question: Question, framer: ServerFramer) -> list[tuple[float, bytes]]:
        """Return what arrives, and have it judged."""
        answer = super().replies
        replies = self._judge.asked(question.payload, lambda: answer(question, framer))
        for _, reply in replies:
            self._judge.answered(reply)
        return replies
