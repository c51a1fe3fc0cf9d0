"""Judges pumps that say nothing; fed by fresh readings, not by turns of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pumpd.clock import Clock
from pumpd.core.answers import waiting
from pumpd.core.state import Tick
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LivePump

TURN_S = 1.0
"""Every pump is looked at once in this time."""
MOST_SLOTS = 10
"""The wheel stops at most so often in a turn, each time at an equal part of the pumps."""


class Watchdog:
    """One task for all pumps: each is looked at once a second, and ticked while it is silent or alarmed."""

    def __init__(
        self,
        pumps: Sequence[LivePump],
        pipeline: Pipeline,
        clock: Clock,
        each_turn: Sequence[Callable[[], None]] = (),
    ) -> None:
        """``each_turn`` is called once all pumps were looked at."""
        slots = max(1, min(MOST_SLOTS, len(pumps)))
        self._slots = [tuple(pumps[slot::slots]) for slot in range(slots)]
        self._pumps = tuple(pumps)
        self._pipeline = pipeline
        self._clock = clock
        self._each_turn = each_turn
        self.turned_ns: int | None = None
        """When all pumps had last been looked at; None before the first turn."""

    async def run(self) -> None:
        """Turn the wheel until cancelled."""
        loop = asyncio.get_running_loop()
        due_s, stop_s = loop.time(), TURN_S / len(self._slots)
        while True:
            for slot in self._slots:
                due_s = max(due_s + stop_s, loop.time())
                await asyncio.sleep(due_s - loop.time())
                self._look_at(slot)
            self._pipeline.check_stores()
            for look in self._each_turn:
                look()
            self.turned_ns = self._clock.monotonic_ns()

    def last_fresh_age_ns(self) -> int | None:
        """Return the age of the newest reading of any pump; None while there is none.

        A daemon whose loop turns but that reads no pump grows old here.
        """
        newest = max((p.state.last.taken_ns for p in self._pumps if p.state.last is not None), default=None)
        return None if newest is None else self._clock.monotonic_ns() - newest

    def _look_at(self, pumps: Sequence[LivePump]) -> None:
        now_ns = self._clock.monotonic_ns()
        for live in pumps:
            state = live.state
            last_ns = state.started_ns if state.last is None else state.last.taken_ns
            if now_ns - last_ns > state.setup.freshness.stale_after_ns or waiting(state.alarms):
                self._pipeline.take(live, Tick())
