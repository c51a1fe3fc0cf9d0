"""What a scenario plays with: simulated pumps, broker, disk, clock, and the real daemon in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_models import DashboardSection, HistorySection, LinesSection, MqttSection
from pumpd.contract.payloads import EventPayload
from pumpd.contract.topics import Topics
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.app import App
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.daemon.wiring import parts_of
from pumpd.drivers.registry import find
from pumpd.errors import StoreError
from pumpd.mqtt import Broker
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.people import Desk
from pumpd.qa.record import Channel, KeptHistory, Record, Sample
from pumpd.qa.scenario import LATENCY_MS, LoadedScenario, ScenarioPump
from pumpd.qa.virtual_process import VirtualProcess
from pumpd.qa.virtual_time import VirtualClock
from pumpd.qa.watched import WatchedPublisher
from pumpd.qa.wires import MemoryServedLine
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.stage import Stage, make_pump
from pumpd.simulator.ward import ChannelStart, LineSection
from pumpd.simulator.ward import PumpSection as SimulatedSection
from pumpd.simulator.ward import Ward as SimulatedWard
from pumpd.store.base import Journal
from pumpd.store.journal_inline import InlineJournal
from pumpd.transports.base import Transport
from pumpd.transports.url import PumpUrl, parse_url

SITE, NODE = "qa", "ward-a"
NO_SPACE = "no space left on device"


class Hospital:
    """One scenario's world; lives on one loop in virtual time."""

    def __init__(self, loaded: LoadedScenario, seed: int, directory: Path, record: Record) -> None:
        self.loaded = loaded
        self.record = record
        self.broker = MemoryBroker()
        self.history = KeptHistory(record)
        self.app: App | None = None
        self.journal_fault = ""
        self.commit_after_s = 0.0
        self.lines: dict[str, MemoryServedLine] = {}
        self.reached_broker = hashlib.sha256()
        """Every message that reached the broker, with its time."""
        self._loop = asyncio.get_running_loop()
        self._journal: InlineJournal | None = None
        self._journal_file = directory / "journal.db"
        self._chance = random.Random(seed)  # noqa: S311 - a scenario is to be repeated, not secret
        self._wall_step = timedelta()
        self._clock: VirtualClock | None = None
        self._boots = 0
        self._process = VirtualProcess()
        self._where = Broker("127.0.0.1", 1883)
        topics = Topics(SITE)
        self.desk = Desk(self.broker, self._where, topics, NODE, record, self._chance)
        self.broker.heard.append(self._reached_broker)
        self._event_topic = topics.node_event(NODE)
        self._urls = [parse_url(pump.url) for pump in loaded.scenario.pumps]
        self.stage = Stage(self._ward(seed), wire_for=self._wire)
        self._replaced_nl: dict[Channel, int] = {}

    # --- pumps ----------------------------------------------------------------------------------------

    def _ward(self, seed: int) -> SimulatedWard:
        lines: dict[str, list[SimulatedSection]] = {}
        listens: dict[str, str] = {}
        for at, (pump, url) in enumerate(zip(self.loaded.scenario.pumps, self._urls, strict=True)):
            base, mark, options = url.url.partition("?")
            listens.setdefault(url.line, base.rpartition("/")[0] + mark + options)
            lines.setdefault(url.line, []).append(_section(pump, url, at))
        # SimulatedLine asks for a place; here it only names the wire.
        self._line_at = {listen: line for line, listen in listens.items()}
        sections = tuple(
            LineSection(listen=listens[line], pumps=tuple(pumps)) for line, pumps in lines.items()
        )
        return SimulatedWard(seed=seed, lines=sections)

    def _wire(self, listen: str, _copy: int, line: SimulatedLine) -> MemoryServedLine:
        name = self._line_at[listen]
        url = next(url for url in self._urls if url.line == name)
        self.lines[name] = MemoryServedLine(line, url, self.sample)
        return self.lines[name]

    async def open(self) -> None:
        """Make every pump and plug in those that are there."""
        await self.stage.open()
        for pump, url in zip(self.loaded.scenario.pumps, self._urls, strict=True):
            if pump.simulated.absent:
                await self.lines[url.line].unplug()

    async def take_away(self, pump: str) -> None:
        """Let nobody answer in a pump's place: a line of its own breaks, on a shared one it is silent."""
        line = self.lines[self._placed(pump)[1].line]
        del line.line.pumps[self.stage.pumps[pump].pump.unit]
        if not line.line.pumps:
            await line.unplug()

    async def bring_back(self, pump: str) -> None:
        """Let the pump that stands there now answer again."""
        line = self.lines[self._placed(pump)[1].line]
        placed = self.stage.pumps[pump].pump
        line.line.pumps[placed.unit] = placed
        await line.plug()

    def replace_pump(self, pump: str, serial_number: str | None) -> None:
        """Put another pump in the place of one (with a serial number), or the same one switched on again."""
        section, url = self._placed(pump)
        placed = self.stage.pumps[pump]
        old = placed.pump.face
        old.catch_up()
        for channel, model in old.models.items():
            key = (pump, channel)
            self._replaced_nl[key] = self._replaced_nl.get(key, 0) + model.delivered_nl
        simulated = section.simulated
        starts = {}
        for channel, start in simulated.channels.items():
            kept = start.model_copy(update={"running": False})
            starts[channel] = kept if serial_number is None else ChannelStart()
        serial = serial_number or old.texts["serial_number"]
        renewed = simulated.model_copy(update={"serial_number": serial, "channels": starts})
        position = self.loaded.scenario.pumps.index(section)
        made = make_pump(_section(section.model_copy(update={"simulated": renewed}), url, position), "", {})
        if serial_number is None:
            for channel, model in made.face.models.items():
                model.turn_rate(old.models[channel].set_rate_nl_h)
        self.stage.pumps[pump] = replace(placed, pump=made)

    def _placed(self, pump: str) -> tuple[ScenarioPump, PumpUrl]:
        pairs = zip(self.loaded.scenario.pumps, self._urls, strict=True)
        return next((section, url) for section, url in pairs if section.id == pump)

    def sample(self) -> None:
        """Write down what every pump does at this moment."""
        at_s = self._loop.time()
        for pump, placed in self.stage.pumps.items():
            face = placed.pump.face
            face.catch_up()
            for channel, model in face.models.items():
                given_nl = self._replaced_nl.get((pump, channel), 0) + model.delivered_nl
                shown = self._shown(pump, channel)
                taken = Sample(at_s, model.status.value, model.flow_nl_h, given_nl, shown)
                self.record.sampled((pump, channel), taken)

    def _shown(self, pump: str, channel: str) -> str:
        live = self.app and self.app.ward.pumps.get((PumpId(pump), ChannelId(channel)))
        return live.state.freshness.value if live else "nothing"

    # --- the daemon -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start a daemon, with a boot id of its own, on the same disk, wires and broker."""
        if self.app is not None:
            return
        self._boots += 1
        clock = self._clock = VirtualClock(
            self._loop, boot_id=f"boot-{self._boots}", wall_step=self._wall_step
        )
        parts = parts_of(
            self._config(),
            clock=clock,
            open_journal=self._open_journal,
            history=self.history,
            connect_publisher=self._connect,
            seeded=self._chance,
            transport_for=self._transport,
        )
        self._process = VirtualProcess()
        app = App(parts)
        self.app = app
        await self._process.run(app.start(), "qa.start")

    async def stop(self) -> None:
        """Stop the daemon as SIGTERM does."""
        app, self.app = self.app, None
        if app is not None:
            await self._process.run(app.stop(), "qa.stop")
            await self._process.kill()

    async def kill(self) -> None:
        """End the daemon as ``kill -9`` does: first all that it could still reach, then its tasks."""
        if self.app is None:
            return
        self.app = None
        if self._journal is not None:
            self._journal.crash()
        session = self.broker.sessions.get(f"pumpd-{SITE}-{NODE}")
        if session is not None:
            session.cut("the program was killed")
            self.broker.do(lambda: self.broker.left(session, goodbye=False))
        for line in self.lines.values():
            if line.plugged:
                await line.unplug()
                await line.plug()
        await self._process.kill()

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
        self._journal = InlineJournal.open(self._journal_file, self._clock)
        self._journal.commit_after_s = self.commit_after_s
        return self._journal

    def _transport(self, url: PumpUrl) -> Transport:
        return self.lines[url.line].transport()

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
            library=self.loaded.library,
            library_file=Path(scenario.library),
            dashboard=DashboardSection(),
            lines=LinesSection(latency_ms=LATENCY_MS),
            pumps=scenario.pumps,
        )

    def _connect(self, ward: Ward, journal: Journal, commands: CommandPort, clock: Clock) -> WatchedPublisher:
        real = NodePublisher(
            self._where, ward, journal, commands, clock, chance=self._chance, session=self.broker.session
        )
        return WatchedPublisher(real, self.record)

    def _reached_broker(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - as Heard
        if b'"provenance":"real"' in payload:
            self.record.not_demo_count += 1
        if topic == self._event_topic:
            event = EventPayload.model_validate_json(payload)
            if event.journalled:
                self.record.published.add(event.id)
        self.reached_broker.update(f"{self._loop.time():.6f} {topic} {retain} ".encode() + payload)
        if not topic.endswith(("/telemetry", "/snapshot")):
            text = payload.decode("utf-8", "replace")
            self.record.write(self._loop.time(), "broker", topic=topic, payload=text, retain=retain)


def _section(pump: ScenarioPump, url: PumpUrl, position: int) -> SimulatedSection:
    simulated = pump.simulated
    return SimulatedSection(
        id=pump.id,
        unit=1 if url.unit is None else url.unit,
        map=find(pump.driver).card.register_map,
        serial_number=simulated.serial_number or f"SIM-{position + 1:04}",
        firmware=simulated.firmware,
        reply_time_ms=simulated.reply_time_ms,
        device=simulated.device,
        channels=simulated.channels,
    )
