"""What a person may ask of the daemon, carried out once per command id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from pumpd.contract.infusion_payloads import InfusionCommand
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.core.freshness import Freshness
from pumpd.core.state import PersonSays
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.escalator import Escalator
from pumpd.daemon.gate import refused_by_gate
from pumpd.daemon.infusion_desk import InfusionDesk
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.ports import Ports
from pumpd.daemon.restraint import Restrainer
from pumpd.daemon.seams import LivePump, Ward
from pumpd.store.base import Journal

REMEMBERED = 1000
"""Refusals that are remembered; a command expires after 10 s, so there are never as many."""


class Requests:
    """The ``CommandPort`` of the daemon."""

    def __init__(
        self,
        ward: Ward,
        pipeline: Pipeline,
        restrainer: Restrainer,
        journal: Journal,
        escalator: Escalator,
        infusions: InfusionDesk,
        ports: Ports,
    ) -> None:
        self._ports = ports
        self._escalator = escalator
        self._infusions = infusions
        self._ward = ward
        self._pipeline = pipeline
        self._restrainer = restrainer
        self._journal = journal
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, ValueError] = {}
        """Why a command that is in the journal had no success: asked again, it gets the same answer."""

    async def say(
        self, pump: PumpId | None, channel: ChannelId | None, said: PersonSays, command_id: str
    ) -> None:
        """Say something of an alarm; see ``CommandPort.say``."""
        live = None if pump is None else self._live(pump, channel)

        async def carry_out() -> None:
            if live is None:
                kept = self._pipeline.take_site(said, command_id)
            else:
                kept = self._pipeline.take(live, said, command_id)
            if kept is not None:
                await kept

        await self._once(command_id, carry_out)

    async def pause_pump(
        self, pump: PumpId, channel: ChannelId, by: str, reason: str, command_id: str
    ) -> None:
        """Pause a pump; see ``CommandPort.pause_pump``."""
        live = self._live(pump, channel)

        async def carry_out() -> None:
            refusal = refused_by_gate(live.state.setup.gate)
            if refusal:
                raise ValueError(f"{refusal}; use the pump")
            last = live.state.last
            if last is not None and live.state.freshness is Freshness.FRESH and not last.status.delivers:
                raise ValueError(f"the pump is not delivering ({last.status.value})")
            kept = self._pipeline.note(
                live, "restraint", "asked", detail=f"by a person: {reason}", by=by, command_id=command_id
            )
            paused = await self._restrainer.on_request(live, by, reason)
            await kept
            if not paused:
                raise ValueError("the pump could not be paused: stop it by hand")

        await self._once(command_id, carry_out)

    async def test_channel(self, contact: str, by: str, command_id: str) -> None:
        """Send a test; see ``CommandPort.test_channel``."""

        async def carry_out() -> None:
            kept = self._pipeline.note(
                self._ward, "command", "test-channel", detail=contact, by=by, command_id=command_id
            )
            await self._escalator.test(contact, by)
            await kept

        await self._once(command_id, carry_out)

    def refused(self, detail: str, by: str) -> None:
        """Write it down; see ``CommandPort.refused``."""
        self._pipeline.note(self._ward, "command", "refused", detail=detail, by=by)

    async def infusion(self, asked: InfusionCommand) -> str:
        """Carry out what is asked of an infusion; see ``CommandPort.infusion``."""
        return await self._saying(asked.id, partial(self._infusions.carry_out, asked))

    async def exchange_ports(self, asked: ExchangePortsPayload) -> str:
        """Read a pump where it answers; see ``CommandPort.exchange_ports``."""
        return await self._saying(asked.id, partial(self._ports.exchange, asked))

    async def _saying(self, command_id: str, doing: Callable[[], Coroutine[None, None, str]]) -> str:
        """Carry out what tells what it did; empty when it was done before."""
        said: list[str] = []

        async def carry_out() -> None:
            said.append(await doing())

        await self._once(command_id, carry_out)
        return "".join(said)

    async def stop(self) -> None:
        """Give up what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, command_id: str, carry_out: Callable[[], Coroutine[None, None, None]]) -> None:
        running = self._under_way.get(command_id)
        if running is None:
            if self._journal.command_seen(command_id):
                failed = self._failed.get(command_id)
                if failed is not None:
                    raise failed
                return
            running = asyncio.get_running_loop().create_task(carry_out(), name=f"pumpd.command[{command_id}]")
            self._under_way[command_id] = running
            running.add_done_callback(partial(self._ended, command_id))
        await asyncio.shield(running)

    def _ended(self, command_id: str, task: asyncio.Task[None]) -> None:
        del self._under_way[command_id]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ValueError):
            self._failed[command_id] = error
            while len(self._failed) > REMEMBERED:
                del self._failed[next(iter(self._failed))]

    def _live(self, pump: PumpId, channel: ChannelId | None) -> LivePump:
        live = None if channel is None else self._ward.pumps.get((pump, channel))
        if live is None:
            raise ValueError(f"{pump}/{channel}: this node watches no such pump")
        return live
