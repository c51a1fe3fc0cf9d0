"""A restraint with a pump that answers at once: what is told of it, and when it is written again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.state import PauseNow, RestraintOutcome, new_state
from pumpd.core.telemetry import ChannelId, PumpStatus, Telemetry
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.restraint import PAUSE_AGAIN_AFTER_S, Restrainer
from pumpd.daemon.seams import LinkStatus, LivePump, Place
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from tests.core.situations import SETUP, Bedside

pytestmark = pytest.mark.requirement("RES-2")
OVER = PauseNow(ConditionId.OVER_HARD, "1.4 mg/kg/h", "1 mg/kg/h")


class _Told:
    """Keeps what the restraint tells instead of a pipeline."""

    def __init__(self) -> None:
        self.outcomes: list[RestraintOutcome] = []

    def note(self, live: LivePump, kind: str, step: str, detail: str = "") -> None:
        """Not looked at here."""

    def take(self, live: LivePump, outcome: RestraintOutcome) -> None:
        """Keep it."""
        self.outcomes.append(outcome)


class _Pump:
    """A pump that answers without delay and obeys the pause with the given number."""

    def __init__(self, clock: VirtualClock, obeys: int) -> None:
        self.written_ns: list[int] = []
        self.live = LivePump(
            Place("1", "pain-clinic", "B.K.", "reference-pump", "simulator", "memory"),
            new_state(SETUP, Bedside().now),
            LinkStatus(),
        )
        self._clock = clock
        self._obeys = obeys

    def shows(self, status: PumpStatus = PumpStatus.RUNNING, *, taken_ns: int = 0) -> None:
        """Let the last reading be one of 49 mL/h, or of a pump that stands."""
        flow = "49" if status is PumpStatus.RUNNING else "0"
        reading: Telemetry = replace(
            Bedside().reading(flow), status=status, taken_ns=taken_ns, span_ns=2_000_000
        )
        self.live.state = replace(self.live.state, last=reading)

    async def pause(self, channel: ChannelId) -> int:
        """Write it now."""
        self.written_ns.append(self._clock.monotonic_ns())
        return self.written_ns[-1]

    async def lower(self, channel: ChannelId, to: FlowRate, on_written: Callable[[int], None]) -> bool:
        """Not asked for here."""
        raise NotImplementedError

    async def read_back(self) -> None:
        """Read it now."""
        self.shows(PumpStatus.PAUSED if len(self.written_ns) >= self._obeys else PumpStatus.RUNNING)


def _restrainer(obeys: int = 1) -> tuple[Restrainer, _Pump, _Told]:
    clock = VirtualClock(asyncio.get_running_loop())
    pump, told = _Pump(clock, obeys), _Told()
    return Restrainer(cast(Pipeline, told), lambda _pump: pump, clock), pump, told


@in_virtual_time
async def test_a_pause_is_counted_from_the_reading_that_confirmed_it() -> None:
    """From the end of that reading, not from when somebody came to it."""
    restrainer, pump, told = _restrainer()
    pump.shows(taken_ns=3 * NS_PER_S)
    await asyncio.sleep(5)
    restrainer.begin(pump.live, OVER)
    await asyncio.sleep(1)
    (timing,) = restrainer.timings
    assert timing.completed_ns == 3 * NS_PER_S + 2_000_000
    assert timing.written_ns == 5 * NS_PER_S
    assert [outcome.paused for outcome in told.outcomes] == [True]


@in_virtual_time
async def test_what_was_paused_on_request_is_told_with_its_flow() -> None:
    """The flow that the pump had; one that was never read had an unknown one."""
    restrainer, pump, told = _restrainer()
    assert await restrainer.on_request(pump.live, "B. Keller", "sleepy")
    pump.shows()
    assert await restrainer.on_request(pump.live, "B. Keller", "sleepy")
    assert [outcome.measured for outcome in told.outcomes] == ["unknown flow", "49 mL/h"]
    assert {outcome.allowed for outcome in told.outcomes} == {"0 mL/h as B. Keller asked: sleepy"}


@in_virtual_time
async def test_a_pause_is_written_again_after_just_a_second() -> None:
    """A pump that goes on is asked a second time when the second is full, and a third after one more."""
    restrainer, pump, told = _restrainer(obeys=3)
    restrainer.begin(pump.live, OVER)
    await asyncio.sleep(4)
    again_ns = round(PAUSE_AGAIN_AFTER_S * NS_PER_S)
    assert pump.written_ns == [0, again_ns, 2 * again_ns]
    assert [outcome.paused for outcome in told.outcomes] == [True]


@in_virtual_time
async def test_one_that_is_over_makes_room_for_the_next() -> None:
    """While one is under way a second asker waits for it; afterwards nothing of it is kept."""
    restrainer, pump, told = _restrainer(obeys=2)
    both = asyncio.gather(*(restrainer.on_request(pump.live, name, "sleepy") for name in ("A", "B")))
    assert await both == [True, True]
    await asyncio.sleep(0)
    assert len(told.outcomes) == 1
    assert restrainer._under_way == {}
