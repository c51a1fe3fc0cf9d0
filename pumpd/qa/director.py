"""Lets happen what a scenario's timeline says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pumpd.qa.happenings import TYPED, SiteEvent
from pumpd.qa.people import OF_AN_ALARM
from pumpd.qa.world import TO_SURROUNDINGS, World
from pumpd.simulator.timeline import TimelineEvent

SWAPPED_WITHIN_S = 6.0
"""How long a person takes at least to put another pump in the place of one."""


class Director:
    """Plays one timeline in one world."""

    def __init__(self, world: World, look: Callable[[], None]) -> None:
        """Make it; ``look`` is called after each line."""
        self._world = world
        self._look = look
        self._later: dict[asyncio.Task[None], None] = {}

    async def run(self) -> None:
        """Play from now on to the end of the scenario."""
        world = self._world
        scenario = world.loaded.scenario
        try:
            for event in sorted(scenario.timeline, key=lambda event: event.at_s):
                await asyncio.sleep(event.at_s - world.now_s())
                written = event.model_dump(mode="json", exclude_defaults=True, exclude={"at_s"})
                world.record.write(world.now_s(), "timeline", **written)
                world.sample()
                if isinstance(event, TimelineEvent):
                    world.beds.stage.play(event)
                else:
                    await self._at_site(event)
                self._look()
            await asyncio.sleep(scenario.duration_s - world.now_s())
        finally:
            for task in self._later:
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)

    async def _at_site(self, event: SiteEvent) -> None:
        world = self._world
        if event.action in TO_SURROUNDINGS:
            await world.cause(event)
            return
        now: dict[str, Callable[[], None]] = {
            **{verb: lambda: self._ask(event) for verb in (*OF_AN_ALARM, "pause-pump", "off-line")},
            "reboot": lambda: self._reboot(event),
            **dict.fromkeys(TYPED, lambda: self._ask(event)),
        }
        waiting: dict[str, Callable[[], Awaitable[None]]] = {
            "swap": lambda: self._swap(event),
            "network-down": self._network_down,
            "network-up": self._network_up,
            "kill-daemon": world.kill,
            "start-daemon": world.start,
            "restart-daemon": self._restart,
        }
        if event.action in now:
            now[event.action]()
        else:
            await waiting[event.action]()

    def _ask(self, event: SiteEvent) -> None:
        self._world.desk.ask(event, round(asyncio.get_running_loop().time() * 1000))

    async def _swap(self, event: SiteEvent) -> None:
        """Put another pump there: at once where its line breaks, else as fast as a person can."""
        assert event.pump is not None
        beds = self._world.beds
        if beds.shares_its_line(event.pump):
            self._go_on(self._off_for(event, SWAPPED_WITHIN_S), event)
            return
        await beds.take_away(event.pump)
        beds.replace_pump(event.pump, event.serial_number)
        await beds.bring_back(event.pump)

    def _reboot(self, event: SiteEvent) -> None:
        self._go_on(self._off_for(event, event.for_s or 0.0), event)

    def _go_on(self, work: Coroutine[Any, Any, None], event: SiteEvent) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"qa.{event.action}[{event.pump}]")
        self._later[task] = None
        task.add_done_callback(lambda ended: self._later.pop(ended, None))

    async def _off_for(self, event: SiteEvent, away_s: float) -> None:
        assert event.pump is not None
        beds = self._world.beds
        await beds.take_away(event.pump)
        beds.replace_pump(event.pump, event.serial_number)
        await asyncio.sleep(away_s)
        await beds.bring_back(event.pump)

    async def _network_down(self) -> None:
        """A switch without power: network lines and the broker are gone, serial lines are not."""
        await self._world.cause(SiteEvent(at_s=0, action="broker-down"))
        await self._world.beds.unplug_network()

    async def _network_up(self) -> None:
        await self._world.cause(SiteEvent(at_s=0, action="broker-up"))
        await self._world.beds.plug_network()

    async def _restart(self) -> None:
        await self._world.stop()
        await self._world.start()
