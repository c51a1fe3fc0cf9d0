"""What B. Braun Space and Compact+ pumps of one rack tell by BCC; nothing in it controls them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus, missing
from pumpd.drivers.base import ChannelReading, Conversation, Identity
from pumpd.drivers.bcc_alarms import ALARMS, PREALARMS
from pumpd.drivers.framed import Framed
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, PumpdError
from pumpd.protocols.bcc import BLOCK_BYTES, DIALECT, PLACES, Alive, ReadRack, ReadVersion, Told
from pumpd.protocols.wire import Permission, Request

Q = TypeVar("Q")
R = TypeVar("R")

MODES: Final = {
    **dict.fromkeys(("INM14", "STATUS1.4"), PumpStatus.PRIMING),
    **dict.fromkeys(("INM2", "STATUS1.10", "STATUS1.11"), PumpStatus.BOLUS),
    **dict.fromkeys(("INM10", "STATUS1.13"), PumpStatus.KVO),
    **dict.fromkeys(("INM3", "STATUS1.7"), PumpStatus.RUNNING),
    **dict.fromkeys(("INM6", "STATUS1.2"), PumpStatus.STANDBY),
}
"""The first that is set counts: a pump that pumps also pumps while it primes or gives a bolus."""
BESIDE: Final = frozenset(
    [f"INM{bit}" for bit in (1, 4, 5, 7, 8, 9, 11, 12, 13)]
    + [f"STATUS1.{bit}" for bit in (0, 1, 6, 8, 9, 12, 14, 15, 19, 20, 23)]
)
"""Bits that say nothing of what it does: power, locks, limits, what is released."""
OFF: Final = "00050"
SWITCHES: Final = frozenset({OFF, "00051", "_NV", "_NA"})
OPERATIONS: Final = frozenset({"0", "1", "2", "3", "4", "5", "7", "_NV", "_NA"})
"""OPMODE: continuous, ramp, programming, piggyback, PCA, TCI, interval bolus."""
NO_VALUE: Final = frozenset({"_NV", "_NA"})
HIGHEST_NL_H: Final = 1_800_000_000
HIGHEST_NL: Final = 9_999_899_999
"""The counter stays at 9999.9 mL once it is there: that is no number."""
_NUMBER: Final = re.compile(r"(\d{1,4})(?:\.(\d{1,3}))?")
_WORDS: Final = frozenset({"ALARM1", "ALARM2", "STATUS1", "PREALARM"})


class BccDriver:
    """The pumps of one rack."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._bed_id = ""
        self._stuffed = True
        self._serial_number: str | None = None
        """Of the pumps last seen, if a simulator told it; None before any were."""

    async def identify(self, line: Conversation) -> Identity:
        """Ask for the version, at first for the pumps too: one that is simulated makes all of them so."""
        firmware = await self._ask(line, ReadVersion)
        if self._serial_number is None:
            await self.read(line)
        return Identity("B. Braun", "Space rack", self._serial_number or "", firmware.removeprefix("V"))

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the whole rack; a pump that is not reached, or is not there any more, has no reading."""
        rack = await self._ask(line, ReadRack)
        told = (pump.get("INSERNUM", "") for pump in rack.values())
        self._serial_number = next((text for text in told if text.startswith("SIM-")), "")
        return tuple(meaning(place, pump) for place, pump in rack.items() if "GNERR" not in pump)

    async def pause(self, line: Conversation, channel: ChannelId) -> NoReturn:
        """Refuse: there is no such command."""
        del line
        raise DeviceRefusedError(f"channel {channel}: BCC has no command that controls a pump; use the pump")

    async def _ask(self, line: Conversation, question: Callable[[int, str, bool], Request[R]]) -> R:
        """Ask under the ComDevice's bed id; found out, as stuffing is, at first and after silence."""
        if not self._bed_id:
            self._bed_id = await self._found(line)
        try:
            return await line.ask(question(self._address, self._bed_id, self._stuffed))
        except LinkTimeoutError:
            self._bed_id = ""
            raise

    async def _found(self, line: Conversation) -> str:
        failed: PumpdError | None = None
        for stuffed in (self._stuffed, not self._stuffed):
            try:
                bed_id = await line.ask(Alive(self._address, stuffed=stuffed))
            except (LinkTimeoutError, DeviceRefusedError) as error:
                failed = error
            else:
                self._stuffed = stuffed
                return bed_id
        assert failed is not None, "it failed twice"
        raise failed


def measured(told: Told, name: str, make: Callable[[int], Q], highest_nl: int) -> Measured[Q]:
    """Return a number; INVALID beyond ``highest_nl``, MISSING where the pump has no value."""
    text = told.get(name, "_NV")
    if text in NO_VALUE:
        return missing()
    found = _NUMBER.fullmatch(text)
    found_nl = int(f"{found[1]}{found[2] or '':0<3}") * 1000 if found else -1
    return Measured.valid(make(found_nl)) if 0 <= found_nl <= highest_nl else Measured.invalid(text)


def bits_of(told: Told, names: str) -> list[str]:
    """Return the bits that are set in parameters like ``names``; what is neither 0 nor 1 with its value."""
    found = []
    for name, value in told.items():
        if value in NO_VALUE or not re.fullmatch(names, name):
            continue
        if name not in _WORDS:
            found += [] if value == "0" else [name] if value == "1" else [f"{name}={value}"]
        elif re.fullmatch("[0-9A-Fa-f]{1,8}", value):
            found += [f"{name}.{bit}" for bit in range(32) if int(value, 16) >> bit & 1]
        else:
            found.append(f"{name}={value}")
    return found


def status_of(told: Told, modes: list[str], alarms: list[str]) -> PumpStatus:
    """Return what a pump does; UNKNOWN for any bit or code that the specification does not name."""
    switch, known = told.get("DSSTATUS", "_NV"), {*MODES, *BESIDE}
    pumping = told.get("INM3", "_NV") not in NO_VALUE or told.get("STATUS1", "_NV") not in NO_VALUE
    if switch not in SWITCHES or told.get("OPMODE", "_NV") not in OPERATIONS or not known.issuperset(modes):
        return PumpStatus.UNKNOWN
    if switch == OFF:
        return PumpStatus.STOPPED
    if not pumping:
        return PumpStatus.UNKNOWN
    idle = PumpStatus.STOPPED if PREALARMS.issuperset(alarms) else PumpStatus.ALARM
    return next((status for mode, status in MODES.items() if mode in modes), idle)


def meaning(place: str, told: Told) -> ChannelReading:
    """Return what one pump tells."""
    modes, alarms = bits_of(told, r"INM\d+|STATUS1"), bits_of(told, r"INA\d+|ALARM[12]|PREALARM")
    status = status_of(told, modes, alarms)
    set_flow = measured(told, "INRT", FlowRate, HIGHEST_NL_H)
    flow = set_flow if status.delivers else Measured.valid(FlowRate(0))
    if status is PumpStatus.BOLUS:
        flow = measured(told, "INBORT", FlowRate, HIGHEST_NL_H)
    elif status is PumpStatus.PRIMING:
        flow = Measured.invalid("not told while it primes")
    return ChannelReading(
        ChannelId(place),
        status,
        " ".join([told.get("DSSTATUS", ""), f"OPMODE={told.get('OPMODE', '')}", *modes]),
        flow,
        measured(told, "INVI", Volume, HIGHEST_NL),
        set_flow=set_flow,
        alarms=frozenset(ALARMS.get(name, PumpAlarm.OTHER) for name in alarms),
        raw_alarms=tuple(alarms),
    )


FRAMED: Final = Framed(
    dialect=DIALECT,
    build=BccDriver,
    flow_step=FlowRate(10_000),
    counter_step=Volume(100_000),
    n_questions=1,
    cycle_bytes=BLOCK_BYTES,
    controls=(Permission.LINK,),
    channels=(ChannelId(PLACES[0]),),
    places=tuple(ChannelId(place) for place in PLACES),
)
