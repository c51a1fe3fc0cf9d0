"""``pumpd drivers verify``: leads an engineer through a trial of a driver, without a patient."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import InvalidOperation
from typing import Final

from pumpd.bench_line import LATENCY_MS, Tell, bench_line
from pumpd.config_reach import horizon_s
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import ChannelId
from pumpd.drivers.base import ChannelReading, Driver, Identity, PausableDriver
from pumpd.drivers.registry import DriverSpec
from pumpd.drivers.trial import Setting, Trial
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, PumpdError, WireError
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
SHOWN_WITHIN_S: Final = 5.0
"""How long a pump may take to show another rate, or a pause; and what the line needs to ask again."""
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
        slow_reply_ms=spec.card.slow_reply_ms,
        wire=wire,
    ) as line:
        try:
            _demand(
                ask(f"No patient is connected, and the line ends in a beaker. Type: {NO_PATIENT}")
                == NO_PATIENT
            )
            await line.open()
            within_s = SHOWN_WITHIN_S + 2 * horizon_s(url, spec, LATENCY_MS)
            talk = TalkedAloud(line.talk, transcript.append)
            lead = _Lead(spec, spec.build(unit), talk, note, ask, within_s)
            identity = await lead.identity()
            if not identity.firmware and not identity.serial_number:
                note("it tells neither firmware nor serial number: this trial can stand for no pump")
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
        self,
        spec: DriverSpec,
        driver: Driver,
        talk: TalkedAloud,
        note: Tell,
        ask: Ask,
        within_s: float,
    ) -> None:
        self._spec = spec
        self._driver = driver
        self._talk = talk
        self._note = note
        self._ask = ask
        self._within_s = within_s

    async def identity(self) -> Identity:
        found = await self._driver.identify(self._talk)
        tell_identity(found, self._note)
        typed = self._ask("Type the serial number on the pump's label")
        self._note(f"on the label: {typed}")
        if found.serial_number and typed != found.serial_number:
            raise TrialEndedError(f"the pump says {found.serial_number}, its label {typed}")
        return found

    async def setting(self, number: int) -> Setting:
        """Hold one rate of the display against the driver's reading.

        A pump that tells no rate that is set has to run for it.
        """
        tells_set = self._spec.card.capabilities["set flow"].state == "done"
        do = "set it at the pump" if tells_set else "let the pump run at it"
        typed = self._ask(f"Rate {number} of {SETTINGS}: {do}, and type it in mL/h")
        wanted, loop = _flow(typed), asyncio.get_running_loop()
        until_s = loop.time() + self._within_s
        while True:
            reading = await self._reading()
            told = reading.set_flow.value if tells_set else reading.flow.value
            agrees = told is not None and abs(told.nl_per_h - wanted.nl_per_h) < self._spec.flow_step.nl_per_h
            if agrees or loop.time() > until_s:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        self._note(f"typed {typed} mL/h; {in_a_line(reading)}")
        if not agrees and not tells_set and not reading.status.delivers:
            raise TrialEndedError(f"it is {reading.status.value}, and tells a rate only while it runs")
        if not agrees:
            raise TrialEndedError(f"the display says {wanted}, the driver reads {told or 'nothing'}")
        return Setting(typed=typed, told=str(told))

    async def refusal(self, unit: int) -> str:
        """Ask for what the pump must refuse: a register that no pump has, or a pause while it stands."""
        if self._spec.register_map is None:
            return await self._refusal_of_a_pause()
        try:
            await self._talk.ask(ReadRegisters(unit, 4, _NOWHERE, 1))
        except DeviceRefusedError as error:
            self._note(f"refused: {error}")
            return str(error)
        except WireError as error:
            return f"none: {error}"
        return f"none: it answers for register {_NOWHERE}, which it has not"

    async def _refusal_of_a_pause(self) -> str:
        driver = self._driver
        if not self._spec.pausable or not isinstance(driver, PausableDriver):
            return "not tried: every question that the driver knows is one that the pump answers"
        _demand(self._ask("Stop the pump by its keys, and type: stopped") == "stopped")
        try:
            await driver.pause(self._talk, min(self._spec.pausable))
        except DeviceRefusedError as error:
            self._note(f"refused: {error}")
            return str(error)
        after = await self._reading(min(self._spec.pausable))
        self._note(in_a_line(after))
        if after.status.delivers:
            raise TrialEndedError(f"it was to stand, and is {after.status.value}")
        return "none: it takes a pause while it stands, and stands"

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
            if loop.time() - began_s > self._within_s:
                raise TrialEndedError(
                    f"it took the pause, and is {reading.status.value} after {self._within_s:.1f} s"
                )
            await asyncio.sleep(_LOOK_AGAIN_S)
        pause_ms = round((loop.time() - began_s) * 1000)
        self._note(f"paused and read back after {pause_ms} ms; {in_a_line(reading)}")
        if self._ask("Does the pump's own display say that it stands? Type: yes") != "yes":
            raise TrialEndedError("the pump does not stand, whatever it says over the wire")
        return pause_ms

    async def _reading(self, channel: ChannelId | None = None) -> ChannelReading:
        """Read; once more where replies that have to agree did not, since somebody has just turned a knob."""
        try:
            readings = await self._driver.read(self._talk)
        except LinkTimeoutError:
            raise
        except WireError:
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
