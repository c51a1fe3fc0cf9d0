"""``pumpd drivers verify``: leads an engineer through a trial of a driver, without a patient."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import InvalidOperation
from typing import Final

from pumpd.bench_line import BenchLine, Tell, bench_line
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import ChannelReading, Driver, Identity, PausableDriver
from pumpd.drivers.registry import DriverSpec
from pumpd.drivers.trial import Setting, Trial
from pumpd.errors import DeviceRefusedError, PumpdError, WireError
from pumpd.probe import advice, tell_identity
from pumpd.protocols.modbus import ReadRegisters
from pumpd.protocols.wire import Permission
from pumpd.transports.base import Transport
from pumpd.transports.outgoing import Control, ControlPoint
from pumpd.transports.url import PumpUrl
from pumpd.wire_words import TalkedAloud, in_a_line

Ask = Callable[[str], str]
NO_PATIENT: Final = "no patient"
SETTINGS: Final = 3
PAUSED_WITHIN_S: Final = 5.0
_NOWHERE: Final = 0xFFFF
_LOOK_AGAIN_S: Final = 0.25


class TrialEndedError(PumpdError):
    """The trial can not go on: what was seen does not agree, or the engineer ended it."""


async def verify(
    spec: DriverSpec,
    url: PumpUrl,
    engineer: str,
    at: str,
    tell: Tell,
    ask: Ask,
    *,
    wire: Transport | None = None,
) -> Trial | None:
    """Lead through identity, three settings, a refusal and a pause; return the trial, None if it failed.

    ``ask`` puts a sentence to the engineer and returns what was typed. Nothing but reads and the pause can
    leave. ``wire`` stands in for the URL's own.
    """
    transcript: list[str] = []

    def note(line: str) -> None:
        transcript.append(line)
        tell(line)

    unit = spec.address(url.unit)
    pauses = [control for control in spec.controls if _pauses_or_keeps_up(control)]
    async with bench_line(
        url,
        unit,
        spec.card.reply_time_ms,
        transcript.append,
        dialect=spec.dialect,
        controls=pauses,
        wire=wire,
    ) as line:
        try:
            _demand(
                ask(f"No patient is connected, and the line ends in a beaker. Type: {NO_PATIENT}")
                == NO_PATIENT
            )
            await line.open()
            lead = _Lead(spec, spec.build(unit), line, TalkedAloud(line.talk, transcript.append), note, ask)
            identity = await lead.identity()
            settings = [await lead.setting(number) for number in range(1, SETTINGS + 1)]
            if len({setting.typed for setting in settings}) < SETTINGS:
                raise TrialEndedError("the three rates must be different")
            refusal = await lead.refusal(unit)
            pause_ms = await lead.pause()
        except PumpdError as error:
            note(f"failed: {error}")
            if not isinstance(error, TrialEndedError):
                note(f"what to do: {advice(error, url, line.wire)}")
            return None
    return Trial(
        driver=spec.name,
        make=identity.make,
        model=identity.model,
        firmware=identity.firmware,
        serial_number=identity.serial_number,
        simulated=identity.simulated,
        engineer=engineer,
        at=at,
        settings=tuple(settings),
        refusal=refusal,
        pause_ms=pause_ms,
        transcript=tuple(transcript),
    )


class _Lead:
    """The steps of one trial."""

    def __init__(
        self, spec: DriverSpec, driver: Driver, line: BenchLine, talk: TalkedAloud, note: Tell, ask: Ask
    ) -> None:
        self._spec = spec
        self._driver = driver
        self._line = line
        self._talk = talk
        self._note = note
        self._ask = ask

    async def identity(self) -> Identity:
        found = await self._driver.identify(self._talk)
        tell_identity(found, self._note)
        typed = self._ask("Type the serial number on the pump's label")
        self._note(f"on the label: {typed}")
        if found.serial_number and typed != found.serial_number:
            raise TrialEndedError(f"the pump says {found.serial_number}, its label {typed}")
        return found

    async def setting(self, number: int) -> Setting:
        typed = self._ask(f"Rate {number} of {SETTINGS}: set it at the pump, and type it in mL/h")
        wanted = _flow(typed)
        reading = await self._reading()
        told = reading.set_flow.value if reading.set_flow.value is not None else reading.flow.value
        self._note(f"typed {typed} mL/h; {in_a_line(reading)}")
        if told is None or abs(told.nl_per_h - wanted.nl_per_h) >= self._spec.flow_step.nl_per_h:
            raise TrialEndedError(f"the display says {wanted}, the driver reads {told or 'nothing'}")
        return Setting(typed=typed, told=str(told))

    async def refusal(self, unit: int) -> str:
        """Ask for a register that no pump has; a framed dialect has nothing that a pump must refuse."""
        if self._spec.register_map is None:
            return "not tried: every question that the driver knows is one that the pump answers"
        try:
            await self._talk.ask(ReadRegisters(unit, 4, _NOWHERE, 1))
        except DeviceRefusedError as error:
            self._note(f"refused: {error}")
            return str(error)
        except WireError as error:
            return f"none: {error}"
        return f"none: it answers for register {_NOWHERE}, which it has not"

    async def pause(self) -> int | None:
        driver = self._driver
        if not self._spec.pausable or not isinstance(driver, PausableDriver):
            self._note("the driver has no pause")
            return None
        channel = min(self._spec.pausable)
        _demand(self._ask("Start the pump, wait until it runs, and type: pause") == "pause")
        before = await self._reading(channel)
        self._note(in_a_line(before))
        if not before.status.delivers:
            raise TrialEndedError(
                f"it is {before.status.value}: only a running pump shows that a pause works"
            )
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await driver.pause(self._talk, channel)
        while (reading := await self._reading(channel)).status.delivers:
            if loop.time() - began_s > PAUSED_WITHIN_S:
                raise TrialEndedError(
                    f"it took the pause, and is {reading.status.value} after {PAUSED_WITHIN_S:g} s"
                )
            await asyncio.sleep(_LOOK_AGAIN_S)
        pause_ms = round((loop.time() - began_s) * 1000)
        self._note(f"paused and read back after {pause_ms} ms; {in_a_line(reading)}")
        if self._ask("Does the pump's own display say that it stands? Type: yes") != "yes":
            raise TrialEndedError("the pump does not stand, whatever it says over the wire")
        return pause_ms

    async def _reading(self, channel: ChannelId | None = None) -> ChannelReading:
        readings = await self._driver.read(self._talk)
        return next((reading for reading in readings if reading.channel == channel), readings[0])


def _pauses_or_keeps_up(control: Control) -> bool:
    permission = control.permission if isinstance(control, ControlPoint) else control
    return permission in {Permission.PAUSE, Permission.LINK}


def _flow(typed: str) -> FlowRate:
    try:
        return FlowRate.parse(typed)
    except (InvalidOperation, ValueError):
        raise TrialEndedError(f"{typed!r} is no rate in mL/h, such as 10.5") from None


def _demand(agreed: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not agreed:
        raise TrialEndedError("ended before anything was asked of the pump")
