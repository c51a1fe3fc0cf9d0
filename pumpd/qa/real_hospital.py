"""A scenario's world of real processes: ``pumpd run``, Mosquitto, sockets and pseudo-terminals."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pumpd.clock import SystemClock
from pumpd.contract.topics import Topics
from pumpd.mqtt import Broker
from pumpd.mqtt_client import MqttClient
from pumpd.qa.beds import Beds
from pumpd.qa.damage import damage_record
from pumpd.qa.ear import Ear
from pumpd.qa.frames import FrameJudge, JudgedLine
from pumpd.qa.happenings import SiteEvent
from pumpd.qa.hospital import NODE, SITE
from pumpd.qa.people import Desk
from pumpd.qa.processes import LOOK_EVERY_S, DaemonProcess, Mosquitto
from pumpd.qa.real_places import Places, write_config
from pumpd.qa.real_stores import Lock, journalled_ids, readings
from pumpd.qa.record import Channel, Record, Sample
from pumpd.qa.scenario import LoadedScenario
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import ServedLine
from pumpd.simulator.stage import serve
from pumpd.store.reader import SqliteHistoryReader
from pumpd.transports.url import PumpUrl

HEARD_WITHIN_S = 10.0
"""How long after the daemon watches it may take until it is heard."""
GONE_WITHIN_S = 2.0
"""How long after the daemon's end its last words are waited for."""
UNHEARD = "unheard"
"""While nobody can ask the broker, what is shown is found out at the end, from the history."""


class RealHospital:
    """One scenario's world in real time; implements ``World``."""

    def __init__(
        self,
        loaded: LoadedScenario,
        seed: int,
        directory: Path,
        record: Record,
        mosquitto: str,
        starting: asyncio.Semaphore,
    ) -> None:
        """Make it; ``starting`` says how many daemons may start at a time, before their scenarios begin."""
        self.loaded = loaded
        self.record = record
        self.broker = Mosquitto(mosquitto, directory)
        self._directory = directory
        self._starting = starting
        self._loop = asyncio.get_running_loop()
        self._clock = SystemClock()
        self._began_s: float | None = None
        self._began_ms = 0
        self._unheard: dict[Channel, list[int]] = {}
        self._journal_lock = Lock(directory / "journal.db")
        self._history_lock = Lock(directory / "history.db")
        topics = Topics(SITE)
        where = Broker("127.0.0.1", self.broker.port)
        chance = random.Random(seed)  # noqa: S311 - jitter, no secret
        self.ear = Ear(self.broker.port, topics, NODE, record, self.now_s)
        self.desk = Desk(MqttClient, where, topics, NODE, record, chance, self.now_s)
        self._places = Places(loaded.scenario.pumps, directory)
        self.beds = Beds(loaded, seed, self._wire, self.sample, self._places.listen)
        self._configuration = directory / "pumpd.yaml"
        write_config(loaded, self._configuration, self.broker.port, self._places.url)
        self.daemon = DaemonProcess(self._configuration, directory / "pumpd.log")
        self._listening: asyncio.Task[None] | None = None

    def _wire(self, _url: PumpUrl, listen: str, line: SimulatedLine, judge: FrameJudge) -> ServedLine:
        return serve(listen, 0, JudgedLine(line, judge))

    # --- the world ----------------------------------------------------------------------------------------

    def now_s(self) -> float:
        """Return seconds since the scenario began; 0 before."""
        return 0.0 if self._began_s is None else self._loop.time() - self._began_s

    @property
    def all_told(self) -> bool:
        """True when daemon, broker and journal are well, so that everything must have gone out."""
        return self.daemon.running and self.broker.well and not self._journal_lock.held

    @property
    def heard_sha256(self) -> str:
        """Hash of every message that was heard, in hex; no two runs share it."""
        return self.ear.sha256

    def sample(self) -> None:
        """Write down what every pump does; ProcessError when broker or daemon ended by themselves."""
        self.daemon.check()
        self.broker.check()

        def seen(channel: Channel, status: str, flow_nl_h: int, given_nl: int, patient_nl: int) -> None:
            shown = self._shown(channel)
            if shown == UNHEARD:
                self._unheard.setdefault(channel, []).append(len(self.record.samples.get(channel, ())))
            sample = Sample(self.now_s(), status, flow_nl_h, given_nl, shown, patient_nl)
            self.record.sampled(channel, sample)

        self.beds.look(seen)

    def _shown(self, channel: Channel) -> str:
        if not self.daemon.running:
            return "nothing"
        if self.ear.away or channel not in self.ear.shown:
            return UNHEARD
        return self.ear.shown[channel].freshness

    async def open(self) -> None:
        """Start the broker, listen to it, and put every pump on its wire."""
        await self.broker.start()
        listening = asyncio.Event()

        async def up() -> None:
            listening.set()
            await asyncio.Event().wait()

        self._listening = self._loop.create_task(self.ear.run(up), name="qa.ear")
        await listening.wait()

    async def start(self) -> None:
        """Start the daemon, unless it runs; the scenario begins when the first one watches."""
        if self.daemon.running:
            return
        if self._began_s is not None:
            await self.daemon.start()
            return
        async with self._starting:
            await self.beds.open()
            self.beds.stage.time.hold()  # nothing flows before the scenario begins
            await self.daemon.start()
            async with asyncio.timeout(HEARD_WITHIN_S):
                await self._until(lambda: self.ear.state == "online")
        self.beds.stage.time.go_on()
        self._began_s = self._loop.time()
        self.ear.began = self._clock.wall()
        self._began_ms = round(self.ear.began.timestamp() * 1000)

    async def stop(self) -> None:
        """Stop the daemon with SIGTERM, and hear it out."""
        if not self.daemon.running:
            return
        await self._read_journal()  # its last word may wait for the next start: it has 2 s for all it does
        await self.daemon.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S if self.broker.well else 0):
                await self._until(lambda: self.ear.state == "offline")
        self.ear.take_away()

    async def kill(self) -> None:
        """End the daemon with SIGKILL."""
        self.ear.take_away()
        await self.daemon.kill()

    async def cause(self, event: SiteEvent) -> None:
        """Let something happen to broker or stores; see ``why_virtual_only`` for what can not be had."""
        if event.action in {"broker-down", "broker-empty", "broker-freeze"}:
            self.ear.take_away()
        happen: dict[str, Callable[[], Awaitable[None]]] = {
            "broker-down": self.broker.stop,
            "broker-up": self.broker.start,
            "broker-empty": self.broker.restart_empty,
            "broker-freeze": self.broker.freeze,
            "broker-thaw": self.broker.thaw,
            "journal-fail": self._journal_lock.hold,
            "journal-well": self._journal_lock.release,
            "damage-record": lambda: self._damage_record(event),
            "history-fail": self._history_lock.hold,
            "history-well": self._history_lock.release,
            "replace-library": lambda: self._replace_library(event.library),
        }
        await happen[event.action]()

    async def _damage_record(self, event: SiteEvent) -> None:
        """Spoil what the journal keeps of a channel."""
        file = self._directory / "journal.db"
        await asyncio.to_thread(damage_record, file, event.pump or "", event.channel)

    async def _replace_library(self, library: str | None) -> None:
        """Name another drug library to the daemon, which reads it when it starts next."""
        write_config(self.loaded, self._configuration, self.broker.port, self._places.url, library)

    async def close(self) -> None:
        """Read what the stores hold, then end every process and let go of every port."""
        try:
            await self._history_lock.release()
            await self._journal_lock.release()
            if self._began_s is not None:
                await self._read_stores()
        finally:
            if self._listening is not None:
                self._listening.cancel()
                await asyncio.gather(self._listening, return_exceptions=True)
            await self.daemon.kill()
            await self.broker.close()
            await self.beds.close()
            self._places.close()

    def _reader(self) -> SqliteHistoryReader:
        return SqliteHistoryReader(self._directory / "history.db", self._directory / "journal.db")

    async def _read_journal(self) -> None:
        """Take note of what was journalled so far, all of which must reach the broker."""
        reader = self._reader()
        try:
            self.record.journalled |= await journalled_ids(reader)
        finally:
            await reader.close()

    async def _read_stores(self) -> None:
        """Find out what was read, and what was shown while nobody could ask the broker."""
        reader = self._reader()
        try:
            for channel in self.record.samples:
                read = await readings(reader, channel, self._began_ms, self.loaded.scenario.duration_s)
                self.record.read[channel] = read
                self._settle(channel, [at_s for at_s, _ in read])
        finally:
            await reader.close()

    def _settle(self, channel: Channel, read_at_s: Sequence[float]) -> None:
        samples, limits = self.record.samples[channel], self.ear.shown.get(channel)
        for at in self._unheard.get(channel, ()):
            at_s = samples[at].at_s
            last = bisect.bisect(read_at_s, at_s)
            age_ms = (at_s - read_at_s[last - 1]) * 1000 if last else math.inf
            freshness = "lost" if limits is None else limits.freshness_of(age_ms)
            samples[at] = replace(samples[at], shown=freshness)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - it is a matter of another process
            await asyncio.sleep(LOOK_EVERY_S)
