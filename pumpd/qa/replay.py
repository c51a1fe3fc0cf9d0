"""Plays a recording against this version of pumpd: the real stack, from the bytes on the wire up."""

from __future__ import annotations

import asyncio
import functools
import random
import struct
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_dashboard import DashboardSection
from pumpd.config_history import HistorySection
from pumpd.config_models import LinesSection, MqttSection, PumpSection
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.app import App
from pumpd.daemon.permission import Permission
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.recorded_state import durable_of, take_up
from pumpd.daemon.recorder import Recorder
from pumpd.daemon.recording_head import driver_sha256, fleet_of, library_of
from pumpd.daemon.restoring import take_up as take_up_durable
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.daemon.tape import Tape
from pumpd.daemon.wiring import parts_of
from pumpd.mqtt import Broker
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.hands import Hands
from pumpd.qa.infusions_again import repeat_infusions
from pumpd.qa.played_line import PlayedCounts, PlayedLine
from pumpd.qa.virtual_time import VirtualTimeLoop
from pumpd.store.base import HistoryRow, Journal, WriterStatus
from pumpd.store.journal_inline import InlineJournal
from pumpd.store.recording import FILE_HEAD, Kind, Recording, parse_recording
from pumpd.store.recording_ring import Piece
from pumpd.transports.url import PumpUrl, parse_url

AFTER_END_S = 1e-5
"""What happens at the very end of a recording belongs to it."""
LONGEST_S = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Replayed:
    """What this version made of a recording."""

    recording: Recording
    """What it decided, in the form in which it would record it."""
    counts: PlayedCounts
    changed_drivers: tuple[str, ...]
    """Drivers whose card or map is another one than then."""
    hands: tuple[str, ...]
    """What people did then and could not do now, with the reason."""
    readings: tuple[HistoryRow, ...] = field(repr=False)


def replay(
    recording: Recording,
    *,
    library: DrugLibrary | None = None,
    pumps: Callable[[PumpSection], PumpSection] = lambda section: section,
    speed_factor: float | None = None,
) -> Replayed:
    """Play ``recording``; ``library`` stands in for its own, ``pumps`` may change what was configured.

    ``speed_factor`` 1 takes as long as it took, 10 a tenth of that; None as fast as can be. KeyError or
    ValueError when this version does not understand its head.
    """
    span_s = (recording.ended_ns - recording.began_ns) / NS_PER_S
    if span_s > LONGEST_S:
        raise ValueError(f"it spans {span_s:.0f} s, and none is longer than a year")
    wait = None if speed_factor is None else functools.partial(_wait, speed_factor)
    factory = functools.partial(VirtualTimeLoop, recording.began_ns / NS_PER_S, wait)
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_Replay(recording, library, pumps).run())


def _wait(speed: float, span_s: float) -> None:
    time.sleep(span_s / speed)


class _Draws(random.Random):  # noqa: S311 - jitter, not a secret
    """The draws of chance of a recording, and some others when it holds no more."""

    def __init__(self, recorded: list[tuple[str, int]]) -> None:
        super().__init__(1)
        self._left = {how: deque(bits for kind, bits in recorded if kind == how) for how in "fi"}

    def random(self) -> float:
        """Return the recorded number in [0, 1)."""
        if self._left["f"]:
            drawn: float = struct.unpack(">d", struct.pack(">Q", self._left["f"].popleft()))[0]
            return drawn
        return super().random()

    def getrandbits(self, n_bits: int, /) -> int:
        """Return the recorded bits."""
        if self._left["i"]:
            return self._left["i"].popleft() & (1 << n_bits) - 1
        return super().getrandbits(n_bits)


class _ReplayedRecorder(Recorder):
    """Records the replay, and lets chance draw what it drew then."""

    draws: dict[int, list[tuple[str, int]]]

    def chance(self, tape: Tape, source: random.Random, source_index: int) -> random.Random:  # noqa: ARG002
        """Return the recorded draws of one source."""
        return _Draws(self.draws.get(source_index, []))


@dataclass(slots=True)
class _Clock:
    """The clock of the recording: its monotonic time, and its time of day with every step."""

    loop: asyncio.AbstractEventLoop
    boot_id: str
    marks: list[tuple[int, int]]
    """(monotonic ns, wall us since 1970), in order."""

    def monotonic_ns(self) -> int:
        return round(self.loop.time() * NS_PER_S)

    def wall(self) -> datetime:
        now_ns = self.monotonic_ns()
        at_ns, wall_us = self.marks[max(0, bisect_right(self.marks, (now_ns, 1 << 63)) - 1)]
        since = timedelta(microseconds=wall_us + (now_ns - at_ns) // 1000)
        return datetime(1970, 1, 1, tzinfo=UTC) + since


@dataclass(slots=True)
class _KeptReel:
    """Keeps in memory what is recorded."""

    data: bytearray = field(default_factory=lambda: bytearray(FILE_HEAD))

    def put(self, piece: Piece) -> bool:
        self.data += piece.data
        return True

    def lost_bytes(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class _KeptReadings:
    """Keeps in memory what would go into the history."""

    rows: list[HistoryRow] = field(default_factory=list)

    def write(self, row: HistoryRow) -> None:
        self.rows.append(row)

    def status(self) -> WriterStatus:
        return WriterStatus(len(self.rows), 0, 0, "")

    async def close(self) -> None:
        pass


class _Replay:
    """One replay on its own loop."""

    def __init__(
        self,
        recording: Recording,
        library: DrugLibrary | None,
        pumps: Callable[[PumpSection], PumpSection],
    ) -> None:
        self._recording = recording
        self._told: list[dict[str, Any]] = recording.head["pumps"]
        self._config = _config(recording, library, pumps)
        self._url = parse_url(self._config.pumps[0].url)
        near_ns = round(max(pump.poll_interval_s for pump in self._config.pumps) * NS_PER_S) // 2
        self._line = PlayedLine(
            recording, self._url, open_at_first=recording.head["line_open"], near_ns=near_ns
        )
        self._reel = _KeptReel()
        self._readings = _KeptReadings()
        self._broker = MemoryBroker()
        self._plans: list[PumpPlan] = []

    async def run(self) -> Replayed:
        loop = asyncio.get_running_loop()
        clock = _Clock(loop, self._recording.head["boot_id"], self._marks())
        app = self._app(clock)
        hands = Hands(app, self._recording)
        await app.start()
        repeat_infusions(app, self._recording, {plan.pump: plan for plan in self._plans})
        try:
            for record in self._recording.of(Kind.STATE):
                loop.call_at(record.at_ns / NS_PER_S, self._opened_late, app, record.json())
            await asyncio.sleep(self._recording.ended_ns / NS_PER_S - loop.time() + AFTER_END_S)
        finally:
            await hands.stop()
            await app.stop()
        self._line.finish()
        changed = {p["section"]["driver"] for p in self._told if p["driver_sha256"] != _sha256_now(p)}
        return Replayed(
            parse_recording(bytes(self._reel.data), f"{self._recording.name} (replayed)"),
            self._line.counts,
            tuple(sorted(changed)),
            tuple(hands.refused),
            tuple(self._readings.rows),
        )

    def _app(self, clock: Clock) -> App:
        """Return the daemon as it was when the recording began."""
        recorder = _ReplayedRecorder(self._config, clock, self._reel)
        recorder.draws = {}
        for record in self._recording.of(Kind.CHANCE):
            source_index, how, bits = record.draw()
            recorder.draws.setdefault(source_index, []).append((how, bits))
        parts = parts_of(
            self._config,
            clock=clock,
            open_journal=lambda: InlineJournal.open(None, clock),
            history=self._readings,
            connect_publisher=self._connect,
            seeded=random.Random(1),  # noqa: S311 - jitter, not a secret
            transport_for=self._transport,
            recorder=recorder,
        )
        told = {pump["section"]["id"]: pump for pump in self._told}
        watched = [replace(w, plan=replace(w.plan, phase=told[w.plan.pump]["phase"])) for w in parts.watched]
        self._plans = [one.plan for one in watched]
        app = App(replace(parts, watched=watched))
        for one in watched:
            recorder.watched(one.plan)
            for channel, state in told[one.plan.pump]["channels"].items():
                take_up(app.ward.pumps[one.plan.pump, ChannelId(channel)], one.plan, state)
        return app

    def _transport(self, _url: PumpUrl) -> PlayedLine:
        return self._line

    def _connect(self, ward: Ward, journal: Journal, commands: CommandPort, clock: Clock) -> NodePublisher:
        where = Broker("127.0.0.1", 1883)
        chance = random.Random(1)  # noqa: S311 - jitter, not a secret
        nobody = Permission(())
        return NodePublisher(
            where,
            ward,
            journal,
            commands,
            clock,
            permission=nobody,
            chance=chance,
            session=self._broker.session,
        )

    def _marks(self) -> list[tuple[int, int]]:
        return [(record.at_ns, record.number_of()) for record in self._recording.of(Kind.WALL)]

    @staticmethod
    def _opened_late(app: App, told: dict[str, Any]) -> None:
        live = app.ward.pumps[PumpId(told["pump"]), ChannelId(told["channel"])]
        durable = durable_of(live, told["state"])
        take_up_durable(live, durable, durable.watch)


def _sha256_now(told: dict[str, Any]) -> str:
    return driver_sha256(told["section"]["driver"])


def _config(
    recording: Recording, library: DrugLibrary | None, pumps: Callable[[PumpSection], PumpSection]
) -> Config:
    head = recording.head
    return Config(
        file=Path(recording.name),
        sha256=head["config_sha256"],
        site=head["site"],
        node=head["node"],
        data_dir=Path(),
        mqtt=MqttSection(),
        history=HistorySection(),
        library=library or library_of(head),
        library_file=Path(recording.name),
        dashboard=DashboardSection(),
        lines=LinesSection(latency_ms=head["latency_ms"]),
        syslog="",
        pumps=tuple(pumps(PumpSection.model_validate(told["section"])) for told in head["pumps"]),
        fleet=fleet_of(head),
    )
