"""What the replies and the event log of a Zyno pump mean."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpStatus
from pumpd.drivers.agreement import Agreement, counted
from pumpd.drivers.base import ChannelReading, Conversation, Identity
from pumpd.drivers.framed import ONE, Framed, only_one
from pumpd.drivers.zyno_log import EventLog
from pumpd.protocols.wire import Dialect, Permission
from pumpd.protocols.zyno import MIVA, NIMBUS_H, Quiet, Read, Stop

MODES: Final = frozenset({"CONT"})
"""Those that the maker's client names; in another one a pump that runs is UNKNOWN."""
UNIT: Final = "ML/HR"
NL_PER_HUNDREDTH: Final = 10_000


class Cycle(NamedTuple):
    """All replies of one reading, as they came."""

    mode: str
    running: str
    rate: str
    unit: str
    bolus: str
    bolus_rate: str
    volume: str
    log: str


_NAMES: Final = ("Q0", ":INFU:RUN?", ":INFU:RATE?", "Q4", "Q7", "Q8", "Q5", "RI")


class ZynoDriver:
    """The pump of one line."""

    def __init__(self, address: int, model: str) -> None:
        self._address = address
        self._model = model
        self._cycles = Agreement(_agree)
        self._log = EventLog(address)

    async def identify(self, line: Conversation) -> Identity:
        """Ask for serial number and firmware, and have it send nothing unasked."""
        await line.ask(Quiet(self._address))
        self._log = EventLog(self._address)
        serial_number = (await line.ask(Read(self._address, "RN"))).strip()
        return Identity("Zyno", self._model, serial_number, await line.ask(Read(self._address, "RS")))

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel; its check is short, so a reply counts when the next one bears it out."""
        cycle = await self._cycles.borne_out(lambda: self._cycle(line))
        await self._log.follow(line, cycle.log)
        return (meaning(cycle, self._log),)

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop the infusion."""
        only_one(channel, f"a {self._model}")
        await line.ask(Stop(self._address))

    async def _cycle(self, line: Conversation) -> Cycle:
        return Cycle(*[await line.ask(Read(self._address, name)) for name in _NAMES])


def status_of(cycle: Cycle, log: EventLog) -> PumpStatus:
    """Return what it does; an unknown word, bolus digit or mode of a running pump is UNKNOWN."""
    if cycle.running not in {"TRUE", "FALSE"} or cycle.bolus not in {"0", "1"}:
        return PumpStatus.UNKNOWN
    if cycle.bolus == "1":
        return PumpStatus.BOLUS
    if cycle.running == "TRUE":
        return PumpStatus.RUNNING if cycle.mode in MODES else PumpStatus.UNKNOWN
    if log.stopped_by_alarm:
        return PumpStatus.ALARM
    return PumpStatus.PAUSED if log.paused else PumpStatus.STOPPED


def flow_of(cycle: Cycle, status: PumpStatus) -> Measured[FlowRate]:
    """Return the flow; INVALID in another unit than mL/h."""
    if not status.delivers:
        return Measured.valid(FlowRate(0))
    if status is PumpStatus.BOLUS:
        return Measured.valid(FlowRate(int(cycle.bolus_rate, 16) * NL_PER_HUNDREDTH))
    if cycle.unit != UNIT:
        return Measured.invalid(f"{cycle.rate} {cycle.unit}")
    return Measured.valid(FlowRate(int(Decimal(cycle.rate) * 1_000_000)))


def meaning(cycle: Cycle, log: EventLog) -> ChannelReading:
    """Return what the replies and the log say."""
    status = status_of(cycle, log)
    return ChannelReading(
        ONE,
        status,
        f"{cycle.mode} {cycle.running} {cycle.bolus}",
        flow_of(cycle, status),
        Measured.valid(Volume(int(cycle.volume, 16) * NL_PER_HUNDREDTH)),
        alarms=frozenset(log.standing.values()),
        raw_alarms=tuple(f"{kind} {sub:04X}" for kind, sub in log.standing),
    )


def _agree(before: Cycle, now: Cycle, elapsed_s: float) -> bool:
    """Return whether all but the counter is the same, and that can have come so far."""
    if before._replace(volume="") != now._replace(volume=""):
        return False
    steady = now.running in {"TRUE", "FALSE"} and now.bolus == "0" and now.unit == UNIT
    flow_nl_h = int(Decimal(now.rate) * 1_000_000) if steady else None
    was_nl, is_nl = (int(cycle.volume, 16) * NL_PER_HUNDREDTH for cycle in (before, now))
    return counted(was_nl, is_nl, flow_nl_h, elapsed_s)


def _framed(dialect: Dialect, model: str) -> Framed:
    return Framed(
        dialect=dialect,
        build=partial(ZynoDriver, model=model),
        flow_step=FlowRate(NL_PER_HUNDREDTH),
        counter_step=Volume(NL_PER_HUNDREDTH),
        n_questions=len(_NAMES),
        cycle_bytes=8 * 6 + 15 + 8 * 14,
        controls=(Permission.LINK, Permission.PAUSE),
    )


FRAMED_MIVA: Final = _framed(MIVA, "MIVA")
FRAMED_NIMBUS_H: Final = _framed(NIMBUS_H, "Nimbus")
