"""Carries out a restraint: writes it, reads back until it is so, and tells what became of it.

Only a pause or a lower rate, only under the gate, and never a way back: only a hand at the pump undoes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pumpd.clock import Clock
from pumpd.core.conditions import ConditionId
from pumpd.core.lowering import LowerNow, within
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.state import PauseNow, RestraintOutcome
from pumpd.core.telemetry import ChannelId, PumpId, Telemetry
from pumpd.daemon.gate import does_not_deliver, refused_by_gate
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LivePump
from pumpd.errors import DeviceRefusedError, ForbiddenFrameError, TransportError, WireError, WrongDeviceError

WITHIN_S = 3.0
"""From the decision to the verdict: a nurse must know within 3 s whether it worked."""

READ_BACK_EVERY_S = 0.2
"""A pump takes a moment to stop; this often it is asked."""

PAUSE_AGAIN_AFTER_S = 1.0
"""If it still delivers after this long, the pause is written again: repeating a pause can only reduce."""


class Hands(Protocol):
    """How a pump is reached, ahead of every poll on its line; a session implements it."""

    async def pause(self, channel: ChannelId) -> int:
        """Write the pause and return the monotonic time at which its frame was written.

        Raises as ``Conversation.ask``.
        """
        ...

    async def lower(self, channel: ChannelId, to: FlowRate, on_written: Callable[[int], None]) -> bool:
        """Set ``channel`` to ``to`` or the step below, in the turn of a fresh reading; True if it was.

        False when that reading shows that a hand was quicker. ``on_written`` is given the monotonic time of
        the write: after that it is never written again, whatever is raised. Raises as ``ask``.
        """
        ...

    async def read_back(self) -> None:
        """Read the pump now; what it says goes through the pipeline like any reading. Raises as ``ask``."""
        ...


@dataclass(frozen=True, slots=True)
class RestraintTiming:
    """How fast a restraint went out."""

    pump: PumpId
    completed_ns: int
    """When the last reply of the reading that completed the confirmation had arrived."""
    written_ns: int
    """When its frame was written."""
    verdict_ns: int
    """When it was known whether the pump obeyed."""


@dataclass(slots=True)
class RestraintCounts:
    """How many restraints were begun and what became of them, since start; those under way are in neither."""

    asked_count: int = 0
    confirmed_count: int = 0
    """Read back: the pump obeyed, or a hand had been quicker."""
    failed_count: int = 0


@dataclass(slots=True, eq=False)
class _Attempt:
    """One restraint under way."""

    live: LivePump
    cause: ConditionId
    measured: str
    allowed: str
    completed_ns: int
    lower_to: FlowRate | None = None
    """None: it is paused."""
    written_ns: int | None = None
    problem: str = ""
    refused: bool = False
    needless: bool = False

    def wrote(self, at_ns: int) -> None:
        """Learn that a lower rate was written; it is never written a second time."""
        self.written_ns = at_ns


class Restrainer:
    """Restrains pumps, one attempt per channel at a time, each in a task of its own."""

    def __init__(self, pipeline: Pipeline, hands: Callable[[PumpId], Hands], clock: Clock) -> None:
        self._pipeline = pipeline
        self._hands = hands
        self._clock = clock
        self._under_way: dict[tuple[PumpId, ChannelId], asyncio.Task[bool]] = {}
        self.timings: deque[RestraintTiming] = deque(maxlen=10_000)
        """The latest pauses, for measuring."""
        self.counts = RestraintCounts()

    def begin(self, live: LivePump, asked: PauseNow | LowerNow) -> None:
        """Restrain ``live`` now, for a limit it broke; returns at once. One under way serves both causes."""
        last = live.state.last
        completed_ns = self._clock.monotonic_ns() if last is None else last.taken_ns + last.span_ns
        to = asked.to if isinstance(asked, LowerNow) else None
        self._start(_Attempt(live, asked.cause, asked.measured, asked.allowed, completed_ns, to))

    async def on_request(self, live: LivePump, by: str, reason: str) -> bool:
        """Pause ``live`` because ``by`` asked; True when, read back, it does not deliver."""
        last = live.state.last
        flow = "unknown flow" if last is None or last.flow.value is None else str(last.flow.value)
        attempt = _Attempt(
            live, ConditionId.RESTRAINED, flow, f"0 mL/h as {by} asked: {reason}", self._clock.monotonic_ns()
        )
        return await asyncio.shield(self._start(attempt))

    def is_under_way(self, pump: PumpId) -> bool:
        """Return whether a channel of this pump is being restrained."""
        return any(of == pump for of, _ in self._under_way)

    async def stop(self) -> None:
        """Give up what is under way; the next start finds the alarms as they were."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, attempt: _Attempt) -> asyncio.Task[bool]:
        live = attempt.live
        key = (live.pump, live.channel)
        running = self._under_way.get(key)
        if running is not None and not running.done():
            return running
        name = f"pumpd[{live.pump}/{live.channel}].restraint"
        task = asyncio.get_running_loop().create_task(self._attempt(attempt), name=name)
        self._under_way[key] = task
        task.add_done_callback(lambda ended: self._ended(key, ended))
        return task

    def _ended(self, key: tuple[PumpId, ChannelId], task: asyncio.Task[bool]) -> None:
        if self._under_way.get(key) is task:  # another may have begun since it returned
            del self._under_way[key]

    async def _attempt(self, attempt: _Attempt) -> bool:
        live, to = attempt.live, attempt.lower_to
        paused = False
        self.counts.asked_count += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                paused = await (self._pause(attempt) if to is None else self._lower(attempt, to))
        except TimeoutError:
            attempt.problem = attempt.problem or f"it still delivers after {WITHIN_S:.0f} s"
        except Exception as error:  # noqa: BLE001 - a restraint that breaks must end in an alarm, not in silence
            attempt.problem = f"{type(error).__name__}: {error}"
        worked = "paused" if to is None else "not-needed" if attempt.needless else "lowered"
        verdict = worked if paused else "failed"
        self.counts.confirmed_count += paused
        self.counts.failed_count += not paused
        self._pipeline.note(live, "restraint", verdict, detail="" if paused else attempt.problem)
        needless = paused and attempt.needless
        self._pipeline.take(
            live, RestraintOutcome(attempt.cause, paused, attempt.measured, attempt.allowed, to, needless)
        )
        if attempt.written_ns is not None:
            self.timings.append(
                RestraintTiming(
                    live.pump, attempt.completed_ns, attempt.written_ns, self._clock.monotonic_ns()
                )
            )
        return paused

    async def _pause(self, attempt: _Attempt) -> bool:
        """Return True once the pump, read back after a pause was written, does not deliver."""
        hands = self._hands(attempt.live.pump)
        while True:
            await self._write(attempt, hands)
            again_ns = self._clock.monotonic_ns() + int(PAUSE_AGAIN_AFTER_S * NS_PER_S)
            while True:
                if await self._is_so(attempt, hands, does_not_deliver):
                    return True
                if attempt.refused:
                    return False
                if self._clock.monotonic_ns() >= again_ns:
                    break
                await asyncio.sleep(READ_BACK_EVERY_S)

    async def _lower(self, attempt: _Attempt, to: FlowRate) -> bool:
        """Return True once the pump, read back, is set to ``to`` at most and gives no more.

        Until something was written it is tried again; what was written is never repeated.
        """
        live = attempt.live
        hands = self._hands(live.pump)
        refusal = refused_by_gate(live.state.setup.gate, lower=True)
        if refusal:
            attempt.problem = refusal
            return False
        while True:
            try:
                attempt.needless = not await hands.lower(live.channel, to, attempt.wrote)
            except (DeviceRefusedError, ForbiddenFrameError, WrongDeviceError) as error:
                attempt.problem, attempt.refused = f"refused: {error}", True
            except (WireError, TransportError) as error:
                attempt.problem = str(error)
            if attempt.refused or attempt.needless or attempt.written_ns is not None:
                break
            await asyncio.sleep(READ_BACK_EVERY_S)
        if not attempt.needless:
            step = "lower-not-confirmed" if attempt.problem else "lower-sent"
            self._pipeline.note(live, "restraint", step, detail=attempt.problem or f"to {to}")
        while not await self._is_so(
            attempt, hands, lambda reading: does_not_deliver(reading) or within(reading, to)
        ):
            if attempt.refused:
                return False
            await asyncio.sleep(READ_BACK_EVERY_S)
        return True

    async def _write(self, attempt: _Attempt, hands: Hands) -> None:
        live = attempt.live
        refusal = refused_by_gate(live.state.setup.gate)
        if refusal:
            attempt.problem, attempt.refused = refusal, True
            return
        try:
            written_ns = await hands.pause(live.channel)
        except (DeviceRefusedError, ForbiddenFrameError, WrongDeviceError) as error:
            attempt.problem, attempt.refused = f"refused: {error}", True
        except (WireError, TransportError) as error:
            # It may have arrived all the same: reading back tells.
            attempt.problem = str(error)
        else:
            attempt.problem = ""
            if attempt.written_ns is None:
                attempt.written_ns = written_ns
        self._pipeline.note(
            live,
            "restraint",
            "pause-not-confirmed" if attempt.problem else "pause-sent",
            detail=attempt.problem,
        )

    async def _is_so(self, attempt: _Attempt, hands: Hands, proves: Callable[[Telemetry], bool]) -> bool:
        """Read the pump back; return whether the reading ``proves`` that it obeyed."""
        live, before = attempt.live, attempt.live.state.last
        try:
            await hands.read_back()
        except (WireError, TransportError, DeviceRefusedError, WrongDeviceError) as error:
            attempt.problem = f"it can not be read back: {error}"
            return False
        reading = live.state.last
        if reading is None or reading is before:
            attempt.problem = "it can not be read back"
            return False
        stopped = proves(reading)
        if not stopped and not attempt.refused:
            flow = reading.flow.value if reading.flow.value is not None else reading.flow.validity.value
            attempt.problem = f"read back: {reading.status.value}, {flow}"
        return stopped
