"""A node without wires: the real pipeline, journal and publisher, fed by the test instead of by pumps."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pumpd.clock import Clock, SystemClock
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.infusion import Programme
from pumpd.core.quantities import NS_PER_S, Concentration, DoseRate, FlowRate, Volume, Weight
from pumpd.core.state import Acknowledge, Now, PumpSetup, WrongDevice, new_state
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry
from pumpd.daemon.events import EventWriter
from pumpd.daemon.journalling import JournalDesk
from pumpd.daemon.permission import Permission, TrustedDashboard
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.seams import LinkStatus, LivePump, Place, Ward
from pumpd.mqtt import Broker
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.store.base import HistoryRow, Journal, WriterStatus
from pumpd.store.journal import SqliteJournal

CHANNEL = ChannelId("1")
SIGNER = seeded_signer("d1")
TRUSTED = Permission((TrustedDashboard("d1", (SIGNER.public,)),))
PROGRAMME = Programme(
    drug="ketamine",
    concentration=Concentration.parse("2 mg/mL"),
    care_area="pain-clinic",
    weight=Weight.parse(70),
    dose_min=DoseRate.parse("0.1 mg/kg/h"),
    dose_max=DoseRate.parse("0.5 mg/kg/h"),
    volume=Volume.parse(50),
    duration_s=7200,
)


@dataclass
class SetClock:
    """A clock that the test sets."""

    mono_ns: int = 1_000 * NS_PER_S
    boot_id: str = "boot"
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic_ns(self) -> int:
        return self.mono_ns

    def wall(self) -> datetime:
        return self.start + timedelta(microseconds=self.mono_ns // 1000)


def live_pump(number: int, now_ns: int = 0, wall: datetime = SetClock.start) -> LivePump:
    setup = PumpSetup(
        pump=PumpId(f"PUMP-{number:02}"),
        channel=CHANNEL,
        provenance=Provenance.DEMO,
        freshness=FreshnessLimits(60 * NS_PER_S, 600 * NS_PER_S),
        programme=PROGRAMME,
        ceiling=FlowRate.parse(60),
    )
    place = Place(str(number), "clinic", "A.B.", "reference-pump", "simulator", "modbus-tcp://127.0.0.1:1/1")
    return LivePump(place, new_state(setup, Now(now_ns, wall)), LinkStatus())


def ward_of(count: int, clock: Clock, node: str = "ward-a") -> Ward:
    pumps = [live_pump(n, clock.monotonic_ns(), clock.wall()) for n in range(1, count + 1)]
    return Ward(
        site="clinic",
        node=node,
        boot_id=clock.boot_id,
        version="0",
        config_sha256="c0",
        library=DrugLibrary("7", "ab", (), frozenset({Provenance.DEMO})),
        pumps={(live.pump, live.channel): live for live in pumps},
    )


def telemetry(live: LivePump, sequence: int, taken_ns: int, flow: str = "10", volume: str = "1") -> Telemetry:
    return Telemetry(
        pump=live.pump,
        channel=live.channel,
        sequence=sequence,
        taken_ns=taken_ns,
        span_ns=1000,
        provenance=live.state.setup.provenance,
        status=PumpStatus.RUNNING,
        raw_status="1",
        flow=Measured.valid(FlowRate.parse(flow)),
        volume=Measured.valid(Volume.parse(volume)),
    )


class NoHistory:
    """A time series nobody keeps."""

    def write(self, row: HistoryRow) -> None:
        """Let it go."""

    def status(self) -> WriterStatus:
        return WriterStatus(0, 0, 0, "")

    async def close(self) -> None:
        """Nothing to do."""


class Asked:
    """The far end of commands: notes what was carried out, and refuses what it is told to."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.written: list[tuple[str, str]] = []
        self.refuse = ""
        self.more = ""
        self.hold: asyncio.Event | None = None

    async def say(self, *asked: object) -> None:
        await self._carry_out("say", *asked)

    async def test_channel(self, *asked: object) -> None:
        await self._carry_out("test-channel", *asked)

    async def pause_pump(self, *asked: object) -> None:
        await self._carry_out("pause-pump", *asked)

    def refused(self, detail: str, by: str) -> None:
        self.written.append((detail, by))

    async def exchange_ports(self, asked: object) -> str:
        await self._carry_out("exchange-ports", asked)
        return self.more

    async def infusion(self, asked: object) -> str:
        await self._carry_out("infusion", asked)
        return self.more

    async def _carry_out(self, *asked: object) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.refuse:
            raise ValueError(self.refuse)
        self.done.append(asked)


class Node:
    """One node: ``alarm`` and ``reading`` make things happen, ``publisher`` tells the network."""

    def __init__(self, ward: Ward, journal: Journal, port: int, clock: Clock) -> None:
        self.ward = ward
        self.asked = Asked()
        where = Broker("127.0.0.1", port)
        self.publisher = NodePublisher(where, ward, journal, self.asked, clock, permission=TRUSTED)
        self._clock = clock
        self._desk = JournalDesk(ward, journal, clock)
        self._pipeline = Pipeline(ward, self._desk, EventWriter(ward), NoHistory(), clock)
        self._desk.tell(self.publisher)
        self._pipeline.tell(self.publisher)
        self._chance = random.Random(5)
        self.lives = list(ward.pumps.values())

    def alarm(self, live: LivePump | None = None) -> None:
        """Change the alarm of one pump: another pump answers in its place, or it is right again."""
        live = live or self._chance.choice(self.lives)
        wrong = not live.state.wrong_device
        self._pipeline.take(live, WrongDevice("SN-2" if wrong else "", "SN-1" if wrong else ""))

    def acknowledge(self, live: LivePump, by: str = "B. Keller") -> None:
        alarm = live.state.alarms[ConditionId.WRONG_DEVICE]
        self._pipeline.take(live, Acknowledge(ConditionId.WRONG_DEVICE, alarm.revision, by))

    def reading(self, live: LivePump, flow: str = "10") -> None:
        """Take one reading."""
        now_ns = self._clock.monotonic_ns()
        self._pipeline.reading(live, telemetry(live, live.sequence + 1, now_ns, flow))

    def close(self) -> None:
        self._desk.close()


@contextlib.asynccontextmanager
async def running_node(
    data: Path, port: int, count: int = 3, *, journal: Journal | None = None
) -> AsyncIterator[Node]:
    """Yield a running node, with its journal in ``data`` unless it is given; ends it with a goodbye."""
    clock = SystemClock()
    journal = journal or SqliteJournal.open(data / "journal.db", clock)
    made = Node(ward_of(count, clock), journal, port, clock)
    task = asyncio.create_task(made.publisher.run(), name="tested.publisher")
    try:
        yield made
    finally:
        await made.publisher.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        made.close()
        await journal.close()
