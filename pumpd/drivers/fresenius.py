"""What the replies of Fresenius modules and pumps mean."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, TypeVar

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus
from pumpd.drivers.agreement import counted
from pumpd.drivers.base import ChannelReading, Conversation, Identity
from pumpd.drivers.framed import ONE, Framed, only_one
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, WireError
from pumpd.protocols.fresenius import ORCHESTRA, PILOT
from pumpd.protocols.fresenius_messages import (
    MODE_ACTIVE,
    NO_BASE_SESSION,
    NO_MODULE_SESSION,
    Command,
    Connect,
    ConnectBase,
    GiveBack,
    Pause,
    ReadType,
    ReadVariables,
    TakeControl,
)
from pumpd.protocols.wire import Dialect, Permission

R = TypeVar("R")

MODES: Final = frozenset({1, 2})
"""By hand and over the wire, the arguments of MO; another one is UNKNOWN."""
NL_H_PER_STEP: Final = 100_000
NL_PER_STEP: Final = 1_000
TWICE: Final = "amdr"
"""What every reading asks a second time."""
BASE_READY_S: Final = 1.0
"""infupy waits so long after the session with the base has begun."""


class FreseniusDriver:
    """One module of a base, or a pump that stands alone."""

    def __init__(self, address: int, *, base: bool) -> None:
        self._address = address
        self._base = base

    async def identify(self, line: Conversation) -> Identity:
        """Begin the session and ask for the type; no serial number is known to be told."""
        await self._connect(line)
        return Identity("Fresenius", await line.ask(ReadType(self._address)), "")

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel, twice at once: flips that cancel out are missed by the sum.

        WireError when the two replies differ. Their variables do, so that none is taken for the other.
        """
        loop = asyncio.get_running_loop()
        told = await self._ask(line, ReadVariables(self._address))
        since_s = loop.time()
        again = await self._ask(line, ReadVariables(self._address, TWICE))
        if not agree(told, again, loop.time() - since_s):
            raise WireError(f"address {self._address}: two successive replies differ")
        return (meaning(told | again),)

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Take control, stop, and give control back, whatever came of it."""
        only_one(channel, "a Fresenius pump")
        try:
            await self._control(line, TakeControl(self._address))
            await self._ask(line, Pause(self._address))
        finally:
            await self._control(line, GiveBack(self._address))

    async def _control(self, line: Conversation, command: Command[None]) -> None:
        """Set who is in control; a pump that is in that mode already is as well."""
        try:
            await self._ask(line, command)
        except DeviceRefusedError as refusal:
            if refusal.code != MODE_ACTIVE:
                raise

    async def _ask(self, line: Conversation, command: Command[R]) -> R:
        """Ask, and once more in a new session when the old one has ended: then nothing was done."""
        try:
            return await line.ask(command)
        except DeviceRefusedError as refusal:
            if refusal.code not in {NO_BASE_SESSION, NO_MODULE_SESSION}:
                raise
        await self._connect(line)
        return await line.ask(command)

    async def _connect(self, line: Conversation) -> None:
        """Begin the session; that of the base only when the module refuses for want of it, or is silent."""
        try:
            return await line.ask(Connect(self._address))
        except (DeviceRefusedError, LinkTimeoutError) as error:
            code = getattr(error, "code", NO_BASE_SESSION)
            if not self._base or code != NO_BASE_SESSION:
                raise
        await line.ask(ConnectBase(self._address))
        await asyncio.sleep(BASE_READY_S)
        return await line.ask(Connect(self._address))


def number(text: str) -> int | None:
    """Return a number in hexadecimal digits of any width; None when it is none."""
    return int(text, 16) if text and set(text) <= set("0123456789ABCDEF") else None


def agree(told: dict[str, str], again: dict[str, str], elapsed_s: float) -> bool:
    """Return whether alarm, mode and rate are the same, and the counter can have come so far."""
    if any(told[letter] != again[letter] for letter in "amd"):
        return False
    rate, *counts = (number(text) for text in (told["d"], told["r"], again["r"]))
    before_nl, now_nl = (None if count is None else count * NL_PER_STEP for count in counts)
    return counted(before_nl, now_nl, None if rate is None else rate * NL_H_PER_STEP, elapsed_s)


def meaning(told: dict[str, str]) -> ChannelReading:
    """Return what the variables say; of the bits of alarm and error no source tells the meaning."""
    rate, volume = number(told["d"]), number(told["r"])
    raw = tuple(f"{letter}{told[letter]}" for letter in "ae" if number(told[letter]) != 0)
    if rate is None or number(told["m"]) not in MODES:
        status = PumpStatus.UNKNOWN
    elif rate:
        status = PumpStatus.RUNNING
    else:
        status = PumpStatus.ALARM if raw else PumpStatus.STOPPED
    return ChannelReading(
        ONE,
        status,
        f"m{told['m']}",
        Measured.invalid(told["d"]) if rate is None else Measured.valid(FlowRate(rate * NL_H_PER_STEP)),
        Measured.invalid(told["r"]) if volume is None else Measured.valid(Volume(volume * NL_PER_STEP)),
        alarms=frozenset({PumpAlarm.OTHER}) if raw else frozenset(),
        raw_alarms=raw,
    )


def _framed(dialect: Dialect, *, base: bool) -> Framed:
    return Framed(
        dialect=dialect,
        build=partial(FreseniusDriver, base=base),
        flow_step=FlowRate(NL_H_PER_STEP),
        counter_step=Volume(NL_PER_STEP),
        n_questions=2,
        cycle_bytes=13 + 12 + 2 * (1 + 40),
        controls=(Permission.LINK, Permission.PAUSE),
    )


FRAMED_BASE: Final = _framed(ORCHESTRA, base=True)
FRAMED_PILOT: Final = _framed(PILOT, base=False)
