"""What the replies of a NeuroWave AP-4000 mean."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus, missing
from pumpd.drivers.agreement import Agreement, counted
from pumpd.drivers.base import ChannelReading, Conversation, Identity
from pumpd.drivers.framed import Framed
from pumpd.errors import DeviceRefusedError
from pumpd.protocols.neurowave import (
    DIALECT,
    NONE,
    Alarm,
    Channel,
    Connect,
    Connected,
    Pause,
    ReadStatus,
    Status,
    TakeControl,
    named,
)
from pumpd.protocols.wire import Permission

CHANNELS: Final = (ChannelId("1"), ChannelId("2"))
ALARMS: Final = {
    "PA.01": PumpAlarm.AIR,
    "PA.02": PumpAlarm.OCCLUSION,
    "PA.03": PumpAlarm.OCCLUSION_UPSTREAM,
    "PA.04": PumpAlarm.FAULT,  # motor stall
    "PA.05": PumpAlarm.OTHER,  # set missing
    "PA.06": PumpAlarm.FAULT,  # cartridge
    "PA.07": PumpAlarm.NEAR_END,
    "PA.08": PumpAlarm.END,
    "PA.09": PumpAlarm.OTHER,  # no action
    "PA.10": PumpAlarm.OTHER,  # priming incomplete
    "BA.01": PumpAlarm.OTHER,  # on battery
    "BA.02": PumpAlarm.BATTERY_LOW,
    "BA.03": PumpAlarm.BATTERY_DEPLETED,
    **{f"BE.0{n}": PumpAlarm.OTHER for n in range(1, 4)},
    **{f"PE.0{n}": PumpAlarm.FAULT for n in range(1, 9)},
}
FAULTS: Final = ("SE", "SN", "DAE", "PSE")
"""Errors of the system: any number behind these."""
STOPPING: Final = frozenset(
    {
        *(PumpAlarm.AIR, PumpAlarm.OCCLUSION, PumpAlarm.OCCLUSION_UPSTREAM, PumpAlarm.FAULT),
        PumpAlarm.BATTERY_DEPLETED,
    }
)
NL_PER_THOUSANDTH: Final = 1_000
_NUMBER: Final = re.compile(r"\d{1,6}(\.\d{1,6})?")


class NeuroWaveDriver:
    """The pump of one line, both channels."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._system: Connected | None = None
        self._told: Status | None = None
        self._statuses = Agreement(_agree)

    async def identify(self, line: Conversation) -> Identity:
        """Ask for system id and software."""
        self._system, self._told = await line.ask(Connect(self._address)), None
        return Identity("NeuroWave", "AP-4000", self._system.system_id, self._system.software)

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read both channels; a sum misses too much, so a reply counts when the next one bears it out."""
        question = await self._question(line)
        told = self._told = await self._statuses.borne_out(lambda: line.ask(question))
        return tuple(meaning(told, at) for at in range(len(CHANNELS)))

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Take a key for what was last read there, and pause one channel; the key is never kept up."""
        if channel not in CHANNELS:
            raise DeviceRefusedError(f"an AP-4000 has no channel {channel}")
        question = await self._question(line)
        told = await line.ask(question) if self._told is None else self._told
        one, two = (there.serial_number for there in told.channels)
        if not all(map(named, (told.case_id, one, two))):
            raise DeviceRefusedError("it names no case or channels, without which it gives no control")
        key = await line.ask(TakeControl(self._address, question.system_id, told.case_id, (one, two)))
        await line.ask(Pause(self._address, key, (one, two), int(channel)))

    async def _question(self, line: Conversation) -> ReadStatus:
        if self._system is None:
            await self.identify(line)
        assert self._system is not None, "it has just been asked"
        return ReadStatus(self._address, self._system.system_id)


def nl_of(text: str) -> int | None:
    """Return millilitres, or millilitres an hour, in nL; None for what is no number."""
    return int(Decimal(text) * 1_000_000) if _NUMBER.fullmatch(text) else None


def flow_of(channel: Channel) -> Measured[FlowRate]:
    """Return the rate that flows."""
    nl_h = nl_of(channel.rate_ml_h)
    return Measured.invalid(channel.rate_ml_h) if nl_h is None else Measured.valid(FlowRate(nl_h))


def volume_of(text: str) -> Measured[Volume]:
    """Return a volume; -1 is none."""
    if text == NONE:
        return missing()
    nl = nl_of(text)
    return Measured.invalid(text) if nl is None else Measured.valid(Volume(nl))


def alarm_of(code: str) -> PumpAlarm:
    """Return what a code means; OTHER for what nobody has named."""
    if code.rstrip("0123456789").rstrip(".") in FAULTS:
        return PumpAlarm.FAULT
    return ALARMS.get(code, PumpAlarm.OTHER)


def meaning(told: Status, at: int) -> ChannelReading:
    """Return what one channel says: nothing tells its status but its rate and its alarms."""
    channel, raw = told.channels[at], tuple(a.code for a in told.alarms if _concerns(a, at))
    flow, alarms = flow_of(channel), frozenset(map(alarm_of, raw))
    if flow.value is None:
        status = PumpStatus.UNKNOWN
    elif flow.value.nl_per_h:
        status = PumpStatus.RUNNING
    else:
        status = PumpStatus.ALARM if alarms & STOPPING else PumpStatus.STOPPED
    return ChannelReading(
        CHANNELS[at],
        status,
        f"rate {channel.rate_ml_h}, state {told.state}",
        flow,
        volume_of(channel.volume_ml),
        volume_to_be_infused=volume_of(channel.left_ml),
        alarms=alarms,
        raw_alarms=raw,
    )


def _concerns(alarm: Alarm, at: int) -> bool:
    """Return whether an alarm is one of a channel; what names neither is one of both."""
    return alarm.device != f"PUMP{2 - at}"


def _agree(before: Status, now: Status, elapsed_s: float) -> bool:
    """Return whether all but the counters is the same, and those can have come so far."""
    if (before.case_id, before.state, before.alarms) != (now.case_id, now.state, now.alarms):
        return False
    for was, is_ in zip(before.channels, now.channels, strict=True):
        rate = nl_of(is_.rate_ml_h)
        if (was.serial_number, was.rate_ml_h) != (is_.serial_number, is_.rate_ml_h):
            return False
        gone = counted(nl_of(is_.left_ml), nl_of(was.left_ml), rate, elapsed_s)
        if not (counted(nl_of(was.volume_ml), nl_of(is_.volume_ml), rate, elapsed_s) and gone):
            return False
    return True


FRAMED: Final = Framed(
    dialect=DIALECT,
    build=NeuroWaveDriver,
    flow_step=FlowRate(NL_PER_THOUSANDTH),
    counter_step=Volume(NL_PER_THOUSANDTH),
    n_questions=1,
    cycle_bytes=40 + 600,
    controls=(Permission.LINK, Permission.PAUSE),
    channels=CHANNELS,
)
