"""Lets happen what a scenario's timeline says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pumpd.qa.happenings import SiteEvent
from pumpd.qa.hospital import NO_SPACE, Hospital
from pumpd.simulator.timeline import TimelineEvent


class Director:
    """Plays one timeline in one hospital."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._later: dict[asyncio.Task[None], None] = {}

    async def run(self) -> None:
        """Play from now on to the end of the scenario."""
        loop = asyncio.get_running_loop()
        scenario = self._hospital.loaded.scenario
        began_s = loop.time()
        try:
            for event in sorted(scenario.timeline, key=lambda event: event.at_s):
                await asyncio.sleep(began_s + event.at_s - loop.time())
                written = event.model_dump(mode="json", exclude_defaults=True, exclude={"at_s"})
                self._hospital.record.write(loop.time(), "timeline", **written)
                self._hospital.sample()
                if isinstance(event, TimelineEvent):
                    self._hospital.stage.play(event)
                else:
                    await self._at_site(event)
            await asyncio.sleep(began_s + scenario.duration_s - loop.time())
        finally:
            for task in self._later:
                task.cancel()
            await asyncio.gather(*self._later, return_exceptions=True)

    async def _at_site(self, event: SiteEvent) -> None:
        hospital, broker = self._hospital, self._hospital.broker
        now: dict[str, Callable[[], None]] = {
            "broker-down": broker.go_down,
            "broker-up": broker.come_up,
            "broker-empty": broker.restart_empty,
            "broker-freeze": broker.freeze,
            "broker-thaw": broker.thaw,
            "journal-fail": lambda: hospital.set_journal(NO_SPACE),
            "journal-slow": lambda: hospital.set_journal(commit_after_s=event.commit_after_s or 0.0),
            "journal-well": hospital.set_journal,
            "history-fail": lambda: setattr(hospital.history, "failing", NO_SPACE),
            "history-well": lambda: setattr(hospital.history, "failing", ""),
            "step-clock": lambda: hospital.step_clock(event.step_s or 0.0),
            "acknowledge": lambda: self._ask(event),
            "pause-pump": lambda: self._ask(event),
            "reboot": lambda: self._reboot(event),
        }
        waiting: dict[str, Callable[[], Awaitable[None]]] = {
            "swap": lambda: self._swap(event),
            "network-down": self._network_down,
            "network-up": self._network_up,
            "kill-daemon": hospital.kill,
            "start-daemon": hospital.start,
            "restart-daemon": self._restart,
        }
        if event.action in now:
            now[event.action]()
        else:
            await waiting[event.action]()

    def _ask(self, event: SiteEvent) -> None:
        self._hospital.desk.ask(event, round(asyncio.get_running_loop().time() * 1000))

    async def _swap(self, event: SiteEvent) -> None:
        assert event.pump is not None
        await self._hospital.take_away(event.pump)
        self._hospital.replace_pump(event.pump, event.serial_number)
        await self._hospital.bring_back(event.pump)

    def _reboot(self, event: SiteEvent) -> None:
        task = asyncio.get_running_loop().create_task(self._off_for(event), name=f"qa.reboot[{event.pump}]")
        self._later[task] = None
        task.add_done_callback(lambda ended: self._later.pop(ended, None))

    async def _off_for(self, event: SiteEvent) -> None:
        assert event.pump is not None
        await self._hospital.take_away(event.pump)
        self._hospital.replace_pump(event.pump, None)
        await asyncio.sleep(event.for_s or 0.0)
        await self._hospital.bring_back(event.pump)

    async def _network_down(self) -> None:
        """A switch without power: network lines and the broker are gone, serial lines are not."""
        self._hospital.broker.go_down()
        for line in self._hospital.lines.values():
            if not line.name.startswith("/"):
                await line.unplug()

    async def _network_up(self) -> None:
        self._hospital.broker.come_up()
        for line in self._hospital.lines.values():
            await line.plug()

    async def _restart(self) -> None:
        await self._hospital.stop()
        await self._hospital.start()
