"""What the replies of a New Era pump mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus, missing
from pumpd.drivers.agreement import Agreement, counted
from pumpd.drivers.base import ChannelReading, Conversation, Identity, TurnTaking
from pumpd.drivers.framed import ONE, Framed, only_one
from pumpd.drivers.lowering import must_lower
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.new_era import (
    DIALECT,
    Command,
    ReadDispensed,
    ReadRate,
    ReadVersion,
    Said,
    SetRate,
    Stop,
)
from pumpd.protocols.new_era_numbers import NL_H_PER_UNIT, NL_PER_UNIT, digits, exact
from pumpd.protocols.wire import Permission

STATUSES: Final = {
    "I": PumpStatus.RUNNING,
    "S": PumpStatus.STOPPED,
    "P": PumpStatus.PAUSED,
    "T": PumpStatus.PAUSED,  # a timed pause of its programme: it goes on by itself
    "U": PumpStatus.STANDBY,  # waits for a trigger
    "X": PumpStatus.PRIMING,  # purges at top speed, which RAT does not tell
}
"""W, withdrawing, is none of ours: UNKNOWN, which counts as delivering."""
ALARMS: Final = {
    "A?S": PumpAlarm.OCCLUSION,  # the motor stalled
    "A?E": PumpAlarm.FAULT,  # program error
    "A?O": PumpAlarm.FAULT,  # program phase out of range
    "A?R": PumpAlarm.OTHER,  # reset, or its power came back
    "A?T": PumpAlarm.OTHER,  # nobody spoke to it in safe mode: it has stopped
}
_CHANGES: Final = 3
"""An alarm is told once, instead of an answer; so many questions are put for one answer."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Both replies of one reading."""

    rate: Said
    dispensed: Said


class NewEraDriver:
    """One pump at one address."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._alarm = ""
        self._cycles = Agreement(_agree)
        self._rates: Agreement[Said] = Agreement(lambda before, now, _: before == now)

    async def identify(self, line: Conversation) -> Identity:
        """Ask for model and firmware; it tells no serial number."""
        said = (await self._ask(line, ReadVersion(self._address))).data
        model, _, firmware = said.partition("V")
        return Identity("New Era", f"NE-{model[2:]}", "", firmware)

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel; there is no check, so numbers count when they come twice."""
        return (self._meaning(await self._cycles.borne_out(lambda: self._cycle(line))),)

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop delivery."""
        only_one(channel, "a New Era pump")
        await self._ask(line, Stop(self._address))

    async def lower_rate(
        self, line: TurnTaking, channel: ChannelId, to: FlowRate, on_written: Callable[[], None]
    ) -> FlowRate | None:
        """Set the rate in the unit that it has; the contract is that of ``LoweringDriver``."""
        only_one(channel, "a New Era pump")
        self._rates.follows(await self._ask(line, ReadRate(self._address)))
        written: list[FlowRate] = []

        def decide(said: Said) -> SetRate | None:
            if not self._rates.follows(said):
                raise WireError(f"address {self._address}: two successive replies differ; nothing written")
            unit = said.data[-2:]
            number = digits(to.nl_per_h, NL_H_PER_UNIT.get(unit, 1))
            written.append(FlowRate(exact(number, unit, NL_H_PER_UNIT) or 0))
            lower = must_lower(self._meaning(Cycle(said, Said(said.status))), written[0])
            return SetRate(self._address, number=number) if lower else None

        done = await line.lower(ReadRate(self._address), decide, on_written)
        return written[0] if done else None

    async def _cycle(self, line: Conversation) -> Cycle:
        rate = await self._ask(line, ReadRate(self._address))
        return Cycle(rate, await self._ask(line, ReadDispensed(self._address)))

    async def _ask(self, line: Conversation, command: Command) -> Said:
        """Ask, and again after an alarm: the pump has told that and not done what was asked."""
        for _ in range(_CHANGES):
            said = await line.ask(command)
            if not said.status.startswith("A?"):
                break
            self._alarm = said.status
        else:
            if command.permission is not Permission.READ:
                raise DeviceRefusedError(f"address {self._address}: {said.status} instead of an answer")
        return said

    def _meaning(self, cycle: Cycle) -> ChannelReading:
        code = cycle.rate.status
        status = STATUSES.get(code, PumpStatus.UNKNOWN)
        self._alarm = "" if status.delivers and code in STATUSES else self._alarm
        if code.startswith("A?") or (self._alarm and not status.delivers):
            status = PumpStatus.ALARM
        number, unit = cycle.rate.data[:-2], cycle.rate.data[-2:]
        set_nl_h = exact(number, unit, NL_H_PER_UNIT)
        set_flow = Measured.valid(FlowRate(set_nl_h)) if set_nl_h is not None else _not_told(cycle.rate.data)
        still: Measured[FlowRate] = Measured.valid(FlowRate(0))
        flow = set_flow if status.delivers and code != "X" else _not_told(code) if code == "X" else still
        raw = self._alarm
        return ChannelReading(
            ONE,
            status,
            raw or code,
            flow,
            volume_of(cycle.dispensed.data),
            set_flow=set_flow,
            alarms=frozenset({ALARMS.get(raw, PumpAlarm.OTHER)}) if raw else frozenset(),
            raw_alarms=(raw,) if raw else (),
        )


def _not_told(raw: str) -> Measured[FlowRate]:
    return Measured.invalid(raw) if raw else missing()


def volume_of(data: str) -> Measured[Volume]:
    """Return what was infused, from the data of DIS."""
    infused_nl = exact(data[1:].partition("W")[0], data[-2:], NL_PER_UNIT)
    if infused_nl is None:
        return Measured.invalid(data) if data else missing()
    return Measured.valid(Volume(infused_nl))


def _agree(before: Cycle, now: Cycle, elapsed_s: float) -> bool:
    """Return whether status and rate are the same in all four, and the counter can have come so far."""
    if before.rate != now.rate or before.dispensed.status != now.rate.status != now.dispensed.status:
        return False
    flow_nl_h = exact(now.rate.data[:-2], now.rate.data[-2:], NL_H_PER_UNIT)
    flow = flow_nl_h if now.rate.status in {"I", "S", "P", "T", "U"} else None
    volumes = [volume_of(cycle.dispensed.data).value for cycle in (before, now)]
    was_nl, is_nl = (None if volume is None else volume.nl for volume in volumes)
    return counted(was_nl, is_nl, flow, elapsed_s)


FRAMED: Final = Framed(
    dialect=DIALECT,
    build=NewEraDriver,
    flow_step=FlowRate(10_000),
    counter_step=Volume(10_000),
    n_questions=2,
    cycle_bytes=12 + 2 * 40,
    controls=(Permission.PAUSE, Permission.LOWER),
)
