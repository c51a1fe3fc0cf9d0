"""What a scenario plays with: simulated pumps, broker, disk, clock, and the real daemon in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pumpd.channels.base import Message
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_alarms import ContactSection
from pumpd.config_dashboard import DashboardSection
from pumpd.config_history import HistorySection
from pumpd.config_models import LinesSection, MqttSection
from pumpd.contract.payloads import EventPayload
from pumpd.contract.topics import Topics
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.app import App
from pumpd.daemon.permission import Permission, TrustedDashboard
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.recorder import Recorder
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.daemon.wiring import parts_of
from pumpd.errors import StoreError, TransportError
from pumpd.mqtt import Broker
from pumpd.qa.beds import Beds, fleet_of
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.damage import damage_record
from pumpd.qa.frames import FrameJudge
from pumpd.qa.happenings import SiteEvent
from pumpd.qa.people import DASHBOARD, Desk
from pumpd.qa.record import Channel, KeptHistory, Record, Sample
from pumpd.qa.scenario import LATENCY_MS, LoadedScenario
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.qa.virtual_machine import VirtualMachine
from pumpd.qa.virtual_process import VirtualProcess
from pumpd.qa.virtual_time import VirtualClock
from pumpd.qa.watched import WatchedPublisher, Witness
from pumpd.qa.wires import MemoryServedLine
from pumpd.simulator.line import SimulatedLine
from pumpd.store.base import Journal
from pumpd.store.journal_inline import InlineJournal
from pumpd.store.recording_ring import Reel
from pumpd.transports.base import Transport
from pumpd.transports.url import PumpUrl

SITE, NODE = "qa", "ward-a"
NO_SPACE = "no space left on device"


NEVER_REACHED = "/bin/false"


class Twin:
    """A contact's channel: takes everything, as /bin/true does, or nothing, as /bin/false does."""

    def __init__(self, contact: ContactSection) -> None:
        self._refuses = contact.command[:1] == (NEVER_REACHED,)

    async def send(self, message: Message) -> None:  # noqa: ARG002 - as Channel
        """Take it; what was told stands in the journal."""
        if self._refuses:
            raise TransportError(f"{NEVER_REACHED}: exit status 1")


class Hospital:
    """One scenario's world in virtual time; implements ``World``."""

    def __init__(
        self,
        loaded: LoadedScenario,
        seed: int,
        directory: Path,
        record: Record,
        reel: Reel | None = None,
        broker: MemoryBroker | None = None,
    ) -> None:
        """``directory`` is for the journal; ``reel`` is where the daemon's flight recorder writes.

        ``broker`` stands in for one of its own.
        """
        self.loaded = loaded
        self.record = record
        self._library = loaded.library
        self.broker = broker or MemoryBroker()
        self.history = KeptHistory(record)
        self.app: App | None = None
        self.begun: App | None = None
        """The same once it has taken up what an earlier run left."""
        self.journal_fault = ""
        self.commit_after_s = 0.0
        self._wires: dict[str, MemoryServedLine] = {}
        self._reached = hashlib.sha256()
        self._loop = asyncio.get_running_loop()
        self._journal: InlineJournal | None = None
        self.journal_file = directory / "journal.db"
        self._chance = random.Random(seed)  # noqa: S311 - a scenario is to be repeated, not secret
        self._wall_step = timedelta()
        self._clock: VirtualClock | None = None
        self._boots = 0
        self._reel = reel
        self._process = VirtualProcess()
        self.machine = VirtualMachine()
        self._where = Broker("127.0.0.1", 1883)
        topics = self.topics = Topics(SITE)
        self.session_name = f"pumpd-{SITE}-{NODE}"
        """What the daemon calls itself at the broker."""
        self.desk = Desk(self.broker.session, self._where, topics, NODE, record, self._chance, self.now_s)
        self.broker.heard.append(self._reached_broker)
        self.told: list[Witness] = []
        """Told of every event as the daemon lets it out."""
        self._event_topic = topics.node_event(NODE)
        self.beds = Beds(loaded, seed, self._wire, self.sample)

    # --- pumps ----------------------------------------------------------------------------------------

    def _wire(self, url: PumpUrl, _listen: str, line: SimulatedLine, judge: FrameJudge) -> MemoryServedLine:
        self._wires[url.line] = MemoryServedLine(line, url, judge)
        return self._wires[url.line]

    async def open(self) -> None:
        """Make every pump and plug in those that are there."""
        await self.beds.open()

    async def close(self) -> None:
        """Take every pump away."""
        await self.beds.close()

    def now_s(self) -> float:
        """Return seconds since the scenario began: a loop in virtual time begins at 0."""
        return self._loop.time()

    @property
    def all_told(self) -> bool:
        """True when daemon, broker and journal are well, so that everything must have gone out."""
        broker_well = self.broker.up and not self.broker.frozen
        return self.app is not None and broker_well and not self.journal_fault

    @property
    def heard_sha256(self) -> str:
        """Hash of every message that reached the broker, with its time, in hex."""
        return self._reached.hexdigest()

    def sample(self) -> None:
        """Write down what every pump does at this moment."""
        now_s, sampled = self.now_s(), self.record.sampled
        lives = {} if self.app is None else self.app.ward.pumps

        def seen(channel: Channel, status: str, flow_nl_h: int, given_nl: int, patient_nl: int) -> None:
            live = lives.get((PumpId(channel[0]), ChannelId(channel[1])))
            shown = "nothing" if live is None else live.state.freshness.value
            sampled(channel, Sample(now_s, status, flow_nl_h, given_nl, shown, patient_nl))

        self.beds.look(seen)

    # --- the daemon -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start a daemon, with a boot id of its own, on the same disk, wires and broker."""
        if self.app is not None:
            return
        self._boots += 1
        clock = self._clock = VirtualClock(
            self._loop, boot_id=f"boot-{self._boots}", host_boot_id="virtual", wall_step=self._wall_step
        )
        config = self._config()
        parts = parts_of(
            config,
            clock=clock,
            open_journal=self._open_journal,
            history=self.history,
            connect_publisher=self._connect,
            seeded=self._chance,
            transport_for=self._transport,
            machine=self.machine,
            channels={contact.name: Twin(contact) for contact in config.alarms.contacts},
            recorder=None if self._reel is None else Recorder(config, clock, self._reel),
        )
        self._process = VirtualProcess()
        app = App(parts)
        self.app = app
        await self._process.run(app.start(), "qa.start")
        self.begun = app

    async def stop(self) -> None:
        """Stop the daemon as SIGTERM does."""
        app, self.app = self.app, None
        self.begun = None
        if app is not None:
            await self._process.run(app.stop(), "qa.stop")
            await self._process.kill()

    async def kill(self) -> None:
        """End the daemon as ``kill -9`` does: first all that it could still reach, then its tasks."""
        if self.app is None:
            return
        self.app = self.begun = None
        if self._journal is not None:
            self._journal.crash()
        session = self.broker.sessions.get(self.session_name)
        if session is not None:
            session.cut("the program was killed")
            self.broker.do(lambda: self.broker.left(session, goodbye=False))
        for line in self._wires.values():
            if line.plugged:
                await line.unplug()
                await line.plug()
        await self._process.kill()

    async def cause(self, event: SiteEvent) -> None:
        """Let something happen to broker, stores or clock."""
        broker, history = self.broker, self.history
        happen: dict[str, Callable[[], None]] = {
            "broker-down": broker.go_down,
            "broker-up": broker.come_up,
            "broker-empty": broker.restart_empty,
            "broker-freeze": broker.freeze,
            "broker-thaw": broker.thaw,
            "journal-fail": lambda: self.set_journal(NO_SPACE),
            "journal-slow": lambda: self.set_journal(commit_after_s=event.commit_after_s or 0.0),
            "journal-well": self.set_journal,
            "damage-record": lambda: damage_record(self.journal_file, event.pump or "", event.channel),
            "history-fail": lambda: setattr(history, "failing", NO_SPACE),
            "history-well": lambda: setattr(history, "failing", ""),
            **self.machine.happenings(event.for_s, self._clock),
            "replace-library": lambda: setattr(self, "_library", self.loaded.later[event.library or ""]),
            "step-clock": lambda: self.step_clock(event.step_s or 0.0),
        }
        happen[event.action]()

    def step_clock(self, by_s: float) -> None:
        """Set the time of day forward or back."""
        self._wall_step += timedelta(seconds=by_s)
        if self._clock is not None:
            self._clock.wall_step = self._wall_step

    def set_journal(self, fault: str = "", commit_after_s: float = 0.0) -> None:
        """Break, slow down or mend the disk under the journal."""
        self.journal_fault, self.commit_after_s = fault, commit_after_s
        if self._journal is not None:
            self._journal.fault, self._journal.commit_after_s = fault, commit_after_s

    def _open_journal(self) -> Journal:
        if self.journal_fault:
            raise StoreError(self.journal_fault)
        assert self._clock is not None
        self._journal = InlineJournal.open(self.journal_file, self._clock)
        self._journal.commit_after_s = self.commit_after_s
        return self._journal

    def _transport(self, url: PumpUrl) -> Transport:
        return self._wires[url.line].transport()

    def _config(self) -> Config:
        scenario = self.loaded.scenario
        return Config(
            file=Path(self.loaded.file.name),
            sha256=self.loaded.sha256,
            site=SITE,
            node=NODE,
            data_dir=Path(),
            mqtt=MqttSection(),
            history=HistorySection(),
            library=self._library,
            library_file=Path(scenario.library),
            dashboard=DashboardSection(),
            lines=LinesSection(latency_ms=LATENCY_MS),
            syslog="",
            pumps=scenario.pumps,
            alarms=scenario.alarms,
            fleet=fleet_of(scenario.pumps) if scenario.fleet else None,
        )

    def _connect(self, ward: Ward, journal: Journal, commands: CommandPort, clock: Clock) -> WatchedPublisher:
        real = NodePublisher(
            self._where,
            ward,
            journal,
            commands,
            clock,
            permission=Permission((TrustedDashboard(DASHBOARD, (seeded_signer(DASHBOARD).public,)),)),
            chance=self._chance,
            session=self.broker.session,
        )
        return WatchedPublisher(real, self.record, self.told)

    def _reached_broker(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - as Heard
        if topic == self._event_topic:
            event = EventPayload.model_validate_json(payload)
            if event.journalled:
                self.record.published.add(event.id)
        self._reached.update(f"{self._loop.time():.6f} {topic} {retain} ".encode() + payload)
        if not topic.endswith(("/telemetry", "/snapshot")):
            text = payload.decode("utf-8", "replace")
            self.record.write(self._loop.time(), "broker", topic=topic, payload=text, retain=retain)
