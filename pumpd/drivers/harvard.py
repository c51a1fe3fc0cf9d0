"""What the replies of Harvard's and KD Scientific's syringe pumps mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus
from pumpd.drivers.agreement import Agreement, counted
from pumpd.drivers.base import ChannelReading, Conversation, Identity, TurnTaking
from pumpd.drivers.framed import ONE, Framed, only_one
from pumpd.drivers.lowering import must_lower
from pumpd.errors import LinkTimeoutError, WireError
from pumpd.protocols.harvard import (
    ELITE,
    ULTRA,
    PollOn,
    ReadStatus,
    ReadVersion,
    Running,
    SetRate,
    Stop,
    nl_h_of,
)
from pumpd.protocols.wire import Dialect, Permission

STATUSES: Final = {"I": PumpStatus.RUNNING, "i": PumpStatus.STOPPED, "w": PumpStatus.STOPPED}
"""W, withdrawing, is none of ours: UNKNOWN, which counts as delivering."""
ALARMS: Final = {
    (1, "I"): PumpAlarm.EMPTY,  # the limit switch in the direction of infusion
    (1, "W"): PumpAlarm.OTHER,
    (2, "S"): PumpAlarm.OCCLUSION,  # the motor stalled
    (5, "T"): PumpAlarm.END,
}
"""(place in the flags, letter) -> alarm; a letter that nobody has named there is OTHER."""
_PLACES: Final = {1: "limit", 2: "stall", 5: "target"}
_SHORT: Final = 5
"""Flags of the PHD Ultra: its target stands last all the same."""
NL_H_PER_STEP: Final = 1_000
HIGHEST_NL_H: Final = 20_000_000_000
"""No syringe of these pumps gives more: 20 L/h."""


class HarvardDriver:
    """One pump at one address."""

    def __init__(self, address: int, *, colon: bool) -> None:
        self._address = address
        self._colon = colon
        self._marked = False
        self._replies = Agreement(_agree)

    async def identify(self, line: Conversation) -> Identity:
        """Have replies marked, and ask for model and firmware; it tells no serial number."""
        await self._mark(line)
        model, _, firmware = (await line.ask(ReadVersion(self._address, self._colon))).rpartition(" ")
        return Identity("Harvard", model, "", firmware)

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel; there is no check, so a reply counts when the next one bears it out."""
        await self._mark(line)
        status = ReadStatus(self._address, self._colon)
        try:
            return (meaning(await self._replies.borne_out(lambda: line.ask(status))),)
        except LinkTimeoutError:
            self._marked = False  # it may have been switched off and on, and marks no more
            raise

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop the motor."""
        only_one(channel, "a Harvard pump")
        try:
            await self._mark(line)
        finally:  # it is stopped even if its answer can not be told
            await line.ask(Stop(self._address, self._colon))

    async def lower_rate(
        self, line: TurnTaking, channel: ChannelId, to: FlowRate, on_written: Callable[[], None]
    ) -> FlowRate | None:
        """Set the infusion rate; the contract is that of ``LoweringDriver``."""
        only_one(channel, "a Harvard pump")
        await self._mark(line)
        status = ReadStatus(self._address, self._colon)
        self._replies.follows(await line.ask(status))
        ul_h = to.nl_per_h // NL_H_PER_STEP
        written = FlowRate(ul_h * NL_H_PER_STEP)

        def decide(said: Running) -> SetRate | None:
            if not self._replies.follows(said):
                raise WireError(f"address {self._address}: two successive replies differ; nothing written")
            lower = must_lower(meaning(said), written)
            return SetRate(self._address, self._colon, ul_h) if lower else None

        return written if await line.lower(status, decide, on_written) else None

    async def _mark(self, line: Conversation) -> None:
        """Have the end of every reply marked, once."""
        if not self._marked:
            await line.ask(PollOn(self._address, self._colon))
            self._marked = True


def meaning(said: Running) -> ChannelReading:
    """Return what a status line says."""
    flags = said.flags if len(said.flags) > _SHORT else f"{said.flags[:4]}.{said.flags[4:]}"
    found = {
        f"{_PLACES[at]} {flags[at]}": ALARMS.get((at, flags[at]), PumpAlarm.OTHER)
        for at in _PLACES
        if flags[at] != "."
    }
    status = STATUSES.get(flags[0], PumpStatus.UNKNOWN)
    if status is PumpStatus.STOPPED and PumpAlarm.OCCLUSION in found.values():
        status = PumpStatus.ALARM
    rate_nl_h = nl_h_of(said.rate_fl_s)
    known = rate_nl_h <= HIGHEST_NL_H
    set_flow = Measured.valid(FlowRate(rate_nl_h)) if known else Measured.invalid(str(said.rate_fl_s))
    still: Measured[FlowRate] = Measured.valid(FlowRate(0))
    return ChannelReading(
        ONE,
        status,
        said.flags,
        set_flow if status.delivers else still,
        Measured.valid(Volume(said.volume_nl)),
        set_flow=set_flow,
        alarms=frozenset(found.values()),
        raw_alarms=tuple(found),
    )


def _agree(before: Running, now: Running, elapsed_s: float) -> bool:
    """Return whether rate and flags are the same, and the counter can have come so far."""
    if (before.rate_fl_s, before.flags) != (now.rate_fl_s, now.flags):
        return False
    volumes = (before.volume_nl, now.volume_nl)
    return counted(*volumes, nl_h_of(now.rate_fl_s), elapsed_s)


def _framed(dialect: Dialect, *, colon: bool) -> Framed:
    return Framed(
        dialect=dialect,
        build=partial(HarvardDriver, colon=colon),
        flow_step=FlowRate(NL_H_PER_STEP),
        counter_step=Volume(1),
        n_questions=1,
        cycle_bytes=10 + 70,
        controls=(Permission.LINK, Permission.PAUSE, Permission.LOWER),
    )


FRAMED_ELITE: Final = _framed(ELITE, colon=False)
FRAMED_ULTRA: Final = _framed(ULTRA, colon=True)
