"""What the replies of an Alaris / Asena syringe pump mean."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus
from pumpd.drivers.base import ChannelReading, Conversation, Identity, TurnTaking
from pumpd.drivers.framed import ONE, Framed, only_one
from pumpd.drivers.lowering import must_lower
from pumpd.protocols.alaris import (
    DIALECT,
    Infusion,
    ReadAlarm,
    ReadInfusion,
    ReadProtocol,
    ReadRate,
    ReadSerial,
    Remote,
    SetRate,
    Stop,
)
from pumpd.protocols.alaris_frame import code_of
from pumpd.protocols.wire import Permission

MODES: Final = {"SET": PumpStatus.RUNNING, "HLD": PumpStatus.PAUSED}
"""Those that were recorded; another one is UNKNOWN, never RUNNING."""
NO_ALARM: Final = "AL_NOALM"
ALARMS: Final = {
    "AL_OCCLU": PumpAlarm.OCCLUSION,
    "AL_EOIST": PumpAlarm.END,
    "AL_EOIKV": PumpAlarm.END,
    "AL_VTBIS": PumpAlarm.END,
    "AL_VTBIK": PumpAlarm.END,
    "AL_VTBIC": PumpAlarm.END,
    "AL_NEOIN": PumpAlarm.NEAR_END,
    "AL_LBTAC": PumpAlarm.BATTERY_LOW,
    "AL_LWBAT": PumpAlarm.BATTERY_LOW,
    "AL_ACDIS": PumpAlarm.BATTERY_LOW,
    "AL_EMBAT": PumpAlarm.BATTERY_DEPLETED,
    "AL_DRDIS": PumpAlarm.FAULT,
    "AL_SYRCO": PumpAlarm.FAULT,
    "AL_FAULT": PumpAlarm.FAULT,
    "AL_PRDSC": PumpAlarm.OTHER,
    "AL_COMTO": PumpAlarm.OTHER,
    "AL_CALLB": PumpAlarm.OTHER,
    "AL_RHIGH": PumpAlarm.OTHER,
    "AL_LDSCN": PumpAlarm.OTHER,
    "AL_TCITG": PumpAlarm.OTHER,
    "AL_TITCA": PumpAlarm.OTHER,
    "AL_TITNC": PumpAlarm.OTHER,
}
NL_H_PER_STEP: Final = 10_000
HIGHEST_NL_H: Final = 1_200_000_000
"""The rate ceiling that was recorded for a 50 mL syringe."""
_NUMBER: Final = re.compile(r" ?(-?)(\d{1,6})\.(\d{2,3})")


class AlarisDriver:
    """The pump of one line."""

    def __init__(self, address: int) -> None:
        self._address = address

    async def identify(self, line: Conversation) -> Identity:
        """Ask for serial number and revision."""
        serial_number = await line.ask(ReadSerial(self._address))
        return Identity("Alaris", "Asena", serial_number, await line.ask(ReadProtocol(self._address)))

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel; nothing that is sent for it takes control."""
        told = await line.ask(ReadInfusion(self._address))
        set_flow = flow_of(await line.ask(ReadRate(self._address)))
        return (meaning(told, set_flow, await line.ask(ReadAlarm(self._address))),)

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Take control, stop, and give control back."""
        only_one(channel, "an Asena")
        async with self._control(line):
            await line.ask(Stop(self._address))

    async def lower_rate(
        self, line: TurnTaking, channel: ChannelId, to: FlowRate, on_written: Callable[[], None]
    ) -> FlowRate | None:
        """Take control, set the rate, and give control back; the contract is that of ``LoweringDriver``."""
        only_one(channel, "an Asena")
        steps = to.nl_per_h // NL_H_PER_STEP
        written = FlowRate(steps * NL_H_PER_STEP)

        def decide(told: Infusion) -> SetRate | None:
            # A running pump tells in one reply what it is set to; one that stands is left alone.
            reading = meaning(told, flow_of(told.rate_ml_h), NO_ALARM)
            return SetRate(self._address, steps) if must_lower(reading, written) else None

        async with self._control(line):
            done = await line.lower(ReadInfusion(self._address), decide, on_written)
        return written if done else None

    @asynccontextmanager
    async def _control(self, line: Conversation) -> AsyncIterator[None]:
        """Hold remote control for the shortest time; DeviceRefusedError where the pump does not permit it."""
        code = code_of(await line.ask(ReadSerial(self._address)))
        names = ("REMOTE_CTRL", "REMOTE_CFG")
        try:
            for name in names:
                await line.ask(Remote(self._address, name, code))
            yield
        finally:
            for name in names:
                await line.ask(Remote(self._address, name))


def thousandths(text: str) -> int | None:
    """Return a number with two or three decimals, times 1000; None when it is none."""
    found = _NUMBER.fullmatch(text)
    return None if found is None else int(f"{found[1]}{found[2]}{found[3]:0<3}")


def flow_of(text: str) -> Measured[FlowRate]:
    """Return a rate in mL/h; INVALID beyond what such a pump gives."""
    found = thousandths(text)
    if found is None or not 0 <= found * 1000 <= HIGHEST_NL_H:
        return Measured.invalid(text)
    return Measured.valid(FlowRate(found * 1000))


def meaning(told: Infusion, set_flow: Measured[FlowRate], alarm: str) -> ChannelReading:
    """Return what the three replies say."""
    flow, volume, pressure = (
        flow_of(told.rate_ml_h),
        thousandths(told.volume_ml),
        thousandths(told.pressure_mmhg),
    )
    status = MODES.get(told.mode, PumpStatus.UNKNOWN)
    if status is PumpStatus.RUNNING and flow.value == FlowRate(0):
        status = PumpStatus.STOPPED
    alarms = frozenset({ALARMS.get(alarm, PumpAlarm.OTHER)}) if alarm != NO_ALARM else frozenset()
    if told.alarm != "-" and status is PumpStatus.PAUSED:
        status = PumpStatus.ALARM
    return ChannelReading(
        ONE,
        status,
        told.mode,
        flow,
        Measured.invalid(told.volume_ml) if volume is None else Measured.valid(Volume(volume * 1000)),
        set_flow=set_flow,
        # 1 mmHg is 133.322 Pa (ISO 80000-4)
        pressure_kpa_e1=Measured.invalid(told.pressure_mmhg)
        if pressure is None
        else Measured.valid((pressure * 133_322 // 1_000_000) // 100),
        alarms=alarms,
        raw_alarms=(alarm,) if alarms else (),
    )


FRAMED: Final = Framed(
    dialect=DIALECT,
    build=AlarisDriver,
    flow_step=FlowRate(NL_H_PER_STEP),
    counter_step=Volume(1_000),
    n_questions=3,
    cycle_bytes=3 * 15 + 90 + 30 + 30,
    controls=(Permission.LINK, Permission.PAUSE, Permission.LOWER),
)
