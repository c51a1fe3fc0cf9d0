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

Delivering = tuple[bool, bool, int]
"""Whether a channel delivers, whether it gives a bolus, and its set rate: any of them higher is a raise."""
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

    def delivering(self) -> dict[str, Delivering]:
        """Return what every channel of the line does now."""
        found: dict[str, Delivering] = {}
        for pump in self._line.pumps.values():
            pump.face.catch_up()
            for channel, model in pump.face.models.items():
                status = model.status
                rate = model.set_rate_nl_h
                found[f"{pump.name}/{channel}"] = (status.delivers, status is PumpStatus.BOLUS, rate)
        return found

    def asked(self, data: bytes, deal_with: Callable[[], T]) -> T:
        """Return what dealing with one piece of a request came to, and note what it did."""
        self.tally.asked += 1
        self.tally.note(">", data)
        before = self.delivering()
        answer = deal_with()
        after = self.delivering()
        for name, now in after.items():
            if any(new > old for new, old in zip(now, before[name], strict=True)):
                self.tally.raises.append(f"{name}: {data.hex(' ')}")
        if after != before:
            self._moved()
        return answer

    def answered(self, data: bytes) -> None:
        """Take note of what the pumps sent."""
        self.tally.answered += 1
        self.tally.note("<", data)


class JudgedLine(SimulatedLine):
    """A line whose every request is judged; for wires that know nothing of judges."""

    def __init__(self, line: SimulatedLine, judge: FrameJudge) -> None:
        """Answer with the pumps and faults of ``line``."""
        super().__init__(list(line.pumps.values()), random.Random(0), line.now_s)  # noqa: S311 - not used
        self.pumps = line.pumps
        self.faults = line.faults
        self._judge = judge

    def replies(self, question: Question, framer: ServerFramer) -> list[tuple[float, bytes]]:
        """Return what arrives, and have it judged."""
        answer = super().replies
        replies = self._judge.asked(question.payload, lambda: answer(question, framer))
        for _, reply in replies:
            self._judge.answered(reply)
        return replies
