"""The driver for every pump that a register map describes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import ChannelReading, Conversation, Identity, TurnTaking
from pumpd.drivers.lowering import must_lower
from pumpd.drivers.register_reading import ReadingDecoder
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.modbus import ReadBits, ReadRegisters, WriteCoil, WriteRegister
from pumpd.protocols.registers import LowerControl, PauseControl, RegisterMap
from pumpd.protocols.registers_codec import Replies, text_of
from pumpd.protocols.registers_fields import OrderField
from pumpd.protocols.registers_order import order_reader
from pumpd.protocols.registers_plan import Read, plan
from pumpd.protocols.wire import Permission
from pumpd.transports.outgoing import ControlPoint

_HEARTBEATS_MISSED: Final = 3
"""How many times ``changes_within_ms`` a heartbeat may stand still before its values count as stored ones."""

ReadRequest = ReadRegisters | ReadBits
PauseRequest = WriteCoil | WriteRegister


class CompiledMap:
    """What all pumps of one map share: the plans of requests and the decoder with its worked-out meanings."""

    def __init__(self, register_map: RegisterMap) -> None:
        self.map = register_map
        base, quirks = register_map.address_base, register_map.quirks
        self.reading_plan = plan(register_map.telemetry_places(), base, quirks)
        self.decode = ReadingDecoder(register_map, self.reading_plan)
        places = register_map.identity_places()
        order = register_map.order
        if places and isinstance(order, OrderField):
            places["order"] = order
        self.identity_plan = plan(places, base, quirks)
        self._identity_order = order_reader(register_map, self.identity_plan) if places else None
        constant = {"order": order} if isinstance(order, OrderField) and order.pattern is not None else {}
        self.constant_plan = plan(constant, base, quirks)
        """What reads the known constant of the byte order; empty where the map has none."""
        self.check_constant = order_reader(register_map, self.constant_plan) if constant else None

    def identity(self, replies: Replies) -> Identity:
        """Return who answered, from the replies to ``identity_plan``."""
        spec = self.map.identity
        known = {"model": self.map.model, "serial_number": "", "firmware": ""}
        order = "abcd" if self._identity_order is None else self._identity_order(replies)
        for name in known:
            field = getattr(spec, name)
            if field is not None:
                slot = self.identity_plan.slots[f"identity.{name}"]
                words = replies[slot.reply][slot.at : slot.at + field.length]
                known[name] = text_of(words, order)
        return Identity(self.map.make, known["model"], known["serial_number"], known["firmware"])


def read_request(unit: int, read: Read) -> ReadRequest:
    """Return one read of a plan as a question to ``unit``."""
    if read.function in {1, 2}:
        return ReadBits(unit, read.function, read.start, read.count)
    return ReadRegisters(unit, read.function, read.start, read.count)


def pause_request(unit: int, register_map: RegisterMap, control: PauseControl) -> PauseRequest:
    """Return the write that stops delivery."""
    at = register_map.pdu(control.address)
    if control.function == 5:
        return WriteCoil(unit, at, on=bool(control.value), permission=Permission.PAUSE)
    return WriteRegister(unit, at, control.value, Permission.PAUSE)


def lower_request(unit: int, register_map: RegisterMap, control: LowerControl, counts: int) -> WriteRegister:
    """Return the write that sets a rate of ``counts``."""
    return WriteRegister(unit, register_map.pdu(control.address), counts, Permission.LOWER)


def control_points(register_map: RegisterMap) -> tuple[ControlPoint, ...]:
    """Return every write that the map's driver can make: the list of the outgoing filter."""
    points = []
    for channel in register_map.channels.values():
        if channel.pause is not None:
            at, value = register_map.pdu(channel.pause.address), channel.pause.value
            raw = value * 0xFF00 if channel.pause.function == 5 else value
            points.append(ControlPoint(channel.pause.function, at, raw, raw, Permission.PAUSE))
        if channel.lower is not None:
            at, highest = register_map.pdu(channel.lower.address), channel.lower.highest
            points.append(ControlPoint(channel.lower.function, at, 1, highest, Permission.LOWER))
    return tuple(points)


class RegisterMapDriver:
    """One pump at one unit of one line."""

    def __init__(self, compiled: CompiledMap, unit: int) -> None:
        self._compiled = compiled
        self._unit = unit
        self._reads = [read_request(unit, read) for read in compiled.reading_plan.reads]
        asks_who = [read_request(unit, read) for read in compiled.identity_plan.reads]
        self._identity_reads = asks_who or self._reads[:1]  # who can not say who it is must answer
        self._constant_reads = [read_request(unit, read) for read in compiled.constant_plan.reads]
        self._pauses: dict[ChannelId, PauseRequest] = {
            ChannelId(name): pause_request(unit, compiled.map, channel.pause)
            for name, channel in compiled.map.channels.items()
            if channel.pause is not None
        }
        self._constant_seen = False
        self._rest_s = compiled.map.quirks.pause_ms / 1000
        self._quiet_until_s = 0.0
        self._heartbeat: int | None = None
        self._heartbeat_moved_s = 0.0

    async def identify(self, line: Conversation) -> Identity:
        """Ask who is there; parts that the map can not read are empty."""
        self._heartbeat, self._constant_seen = None, False
        identity = self._compiled.identity(await self._cycle(line, self._identity_reads))
        self._constant_seen = bool(self._compiled.identity_plan.reads)
        return identity

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read every channel once; WireError also when the values are no longer the pump's own."""
        replies = await self._cycle(line, self._reads)
        if self._compiled.map.heartbeat is not None:
            self._check_heartbeat(replies, self._compiled.map.heartbeat.changes_within_ms)
        readings = self._compiled.decode(replies)
        self._constant_seen = True
        return readings

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop delivery of one channel; DeviceRefusedError when the pump says no or has no such control.

        Where a known constant tells the byte order it must have been seen since the last ``identify``, else
        it is read first; WireError when it is not where the map says: with another address base the write
        would hit another register.
        """
        request = self._pauses.get(channel)
        if request is None:
            raise DeviceRefusedError(
                f"channel {channel}: register map {self._compiled.map.name} declares no pause; use the pump"
            )
        if self._compiled.check_constant is not None and not self._constant_seen:
            self._compiled.check_constant(await self._cycle(line, self._constant_reads))
        await self._rest()
        await line.ask(request)
        self._rested()

    async def lower_rate(
        self, line: TurnTaking, channel: ChannelId, to: FlowRate, on_written: Callable[[], None]
    ) -> FlowRate | None:
        """Set one channel to ``to`` or the step below, in the turn of a reading; see ``LoweringDriver``."""
        spec = self._compiled.map.channels.get(channel)
        control = None if spec is None else spec.lower
        if control is None:
            raise DeviceRefusedError(
                f"channel {channel}: register map {self._compiled.map.name} declares no lower; use the pump"
            )
        counts = min(to.nl_per_h // control.step_nl_h, control.highest)
        written = FlowRate(counts * control.step_nl_h)

        def decide(reply: tuple[int, ...] | tuple[bool, ...]) -> WriteRegister | None:
            if self._compiled.map.heartbeat is not None:
                self._check_heartbeat([reply], self._compiled.map.heartbeat.changes_within_ms)
            readings = self._compiled.decode([reply])
            reading = next(r for r in readings if r.channel == channel)
            if not must_lower(reading, written):
                return None
            return lower_request(self._unit, self._compiled.map, control, counts)

        done = await line.lower(self._reads[0], decide, on_written)
        return written if done else None

    async def _cycle(self, line: Conversation, reads: list[ReadRequest]) -> list[tuple[int, ...]]:
        if not self._rest_s:
            return [await line.ask(request) for request in reads]
        replies: list[tuple[int, ...]] = []
        for request in reads:
            await self._rest()
            replies.append(await line.ask(request))
            self._rested()
        return replies

    async def _rest(self) -> None:
        wait_s = self._quiet_until_s - asyncio.get_running_loop().time()
        if self._rest_s and wait_s > 0:
            await asyncio.sleep(wait_s)

    def _rested(self) -> None:
        self._quiet_until_s = asyncio.get_running_loop().time() + self._rest_s

    def _check_heartbeat(self, replies: Replies, changes_within_ms: int) -> None:
        slot = self._compiled.reading_plan.slots["heartbeat"]
        beat = replies[slot.reply][slot.at]
        now_s = asyncio.get_running_loop().time()
        if beat != self._heartbeat:
            self._heartbeat, self._heartbeat_moved_s = beat, now_s
            return
        still_s = now_s - self._heartbeat_moved_s
        if still_s > _HEARTBEATS_MISSED * changes_within_ms / 1000:
            raise WireError(
                f"heartbeat register: {beat} for {still_s:.1f} s, it moves every {changes_within_ms} ms; "
                "a gateway may be answering from its memory: look at the pump"
            )
