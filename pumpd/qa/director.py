"""Lets happen what a scenario's timeline says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pumpd.qa.happenings import SiteEvent
from pumpd.qa.world import TO_SURROUNDINGS, World
from pumpd.simulator.timeline import TimelineEvent


class Director:
    """Plays one timeline in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
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
            "acknowledge": lambda: self._ask(event),
            "pause-pump": lambda: self._ask(event),
            "reboot": lambda: self._reboot(event),
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
        assert event.pump is not None
        beds = self._world.beds
        await beds.take_away(event.pump)
        beds.replace_pump(event.pump, event.serial_number)
        await beds.bring_back(event.pump)

    def _reboot(self, event: SiteEvent) -> None:
        task = asyncio.get_running_loop().create_task(self._off_for(event), name=f"qa.reboot[{event.pump}]")
        self._later[task] = None
        task.add_done_callback(lambda ended: self._later.pop(ended, None))

    async def _off_for(self, event: SiteEvent) -> None:
        assert event.pump is not None
        beds = self._world.beds
        await beds.take_away(event.pump)
        beds.replace_pump(event.pump, None)
        await asyncio.sleep(event.for_s or 0.0)
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
