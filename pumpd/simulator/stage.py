"""A ward brought to life: its pumps made, its lines plugged in, its timeline played."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from pumpd.core.quantities import NL_PER_ML
from pumpd.errors import TransportError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.maps import installed_map
from pumpd.simulator.acts import OF_THE_WHOLE_PUMP, act
from pumpd.simulator.face import PumpFace
from pumpd.simulator.faults import Fault
from pumpd.simulator.framed_list import channels_in, framer_of, kinds
from pumpd.simulator.layout import DeviceSettings
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.server import PtyLine, ServedLine, TcpLine
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.ward import LineSection, Ward, copy_name, listening
from pumpd.simulator.ward_pump import ChannelStart, PumpSection
from pumpd.simulator.ward_time import WardTime, loop_ns
from pumpd.transports.url import Framing

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Placed:
    """One simulated pump and the line that it is on."""

    pump: SimulatedPump
    served: ServedLine


Serve = Callable[[str, int, SimulatedLine], ServedLine]
"""Makes the wire of a line, unplugged, from where it listens and which copy of the line it is."""


@dataclass(slots=True)
class Stage:
    """A ward in the making or at work. Needs a running loop, whose time it lives by."""

    ward: Ward
    wire_for: Serve = field(default_factory=lambda: serve)
    lines: list[ServedLine] = field(default_factory=list)
    pumps: dict[str, Placed] = field(default_factory=dict)
    sections: dict[str, PumpSection] = field(default_factory=dict)
    """What the file says of each of ``pumps``."""
    time: WardTime = field(default_factory=WardTime)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Make every pump, plug every line in, begin the timeline; TransportError when a place is taken."""
        seeds = random.Random(self.ward.seed)  # noqa: S311 - a simulation is to be repeated, not secret
        builders: dict[str, FaceBuilder] = {}
        try:
            for section in self.ward.lines:
                for copy_index in range(section.repeat):
                    await self._open_line(section, copy_index, seeds, builders)
        except TransportError:
            await self.close()
            raise
        self.time.begin()
        for event in self.ward.timeline:
            self.time.at(event.at_s, partial(self.play, event))

    async def close(self) -> None:
        """End the timeline and unplug every line; leaves nothing behind."""
        self.time.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for served in self.lines:
            await served.unplug()

    def play(self, event: TimelineEvent) -> None:
        """Let one thing happen, in the model's present; what the pump refuses is logged."""
        log.info("timeline", pump=event.pump, action=event.action, at_s=event.at_s)
        try:
            self.do(event)
        except ValueError as error:
            log.warning("the pump refused", pump=event.pump, action=event.action, reason=str(error))

    def do(self, event: TimelineEvent) -> None:
        """Let one thing happen, in the model's present; ValueError when the pump refuses it aloud."""
        placed = self.pumps[event.pump]
        face = placed.pump.face
        face.catch_up()
        if event.action == "fault":
            self._fault(placed, event)
        elif event.action == "end-faults":
            placed.served.line.faults.clear(placed.pump.unit)
            placed.served.line.faults.clear(None)
        elif event.action == "unplug":
            self._start(placed.served.unplug(), event)
        elif event.action == "plug":
            self._start(placed.served.plug(), event)
        elif event.action == "show":
            assert event.path is not None
            assert event.words is not None
            face.forced[event.path] = event.words
        elif event.action == "show-again":
            assert event.path is not None
            face.forced.pop(event.path, None)
        else:
            self._act(face, event)

    def _act(self, face: PumpFace, event: TimelineEvent) -> None:
        whole = event.action in OF_THE_WHOLE_PUMP
        for model in face.models.values() if whole else (face.models[event.channel],):
            act(model, event)

    def _fault(self, placed: Placed, event: TimelineEvent) -> None:
        assert event.kind is not None
        fault = Fault(
            event.kind,
            self.time.now_s() + event.for_s if event.for_s else math.inf,
            event.share or 1.0,
            (event.delay_ms or 0) / 1000,
            event.exception_code or 4,
        )
        placed.served.line.faults.add(None if event.whole_line else placed.pump.unit, fault)

    def _start(self, work: Coroutine[Any, Any, None], event: TimelineEvent) -> None:
        name = f"simulator[{event.action} {event.pump}]"
        task = asyncio.get_running_loop().create_task(_told(work, event), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when every line that is being plugged or unplugged is."""
        await asyncio.gather(*self._tasks)

    async def _open_line(
        self, section: LineSection, copy_index: int, seeds: random.Random, builders: dict[str, FaceBuilder]
    ) -> None:
        suffix = copy_name("", copy_index, section.repeat)
        clock = self.time.now_ns
        pumps = [make_pump(pump, suffix, builders, self.ward.seed, clock) for pump in section.pumps]
        seeded = random.Random(seeds.getrandbits(64))  # noqa: S311 - see above
        line = SimulatedLine(pumps, seeded, self.time.now_s)
        line.server_framer = framer_of(section.pumps[0].map)
        served = self.wire_for(section.listen, copy_index, line)
        await served.plug()
        self.lines.append(served)
        for pump, pump_section in zip(pumps, section.pumps, strict=True):
            self.pumps[pump.name] = Placed(pump, served)
            self.sections[pump.name] = pump_section


async def _told(work: Coroutine[Any, Any, None], event: TimelineEvent) -> None:
    """Do ``work``; where somebody else has taken the line's place meanwhile, say so and go on."""
    try:
        await work
    except TransportError as error:
        log.warning("not done", pump=event.pump, action=event.action, reason=str(error))


def make_pump(
    section: PumpSection,
    suffix: str,
    builders: dict[str, FaceBuilder],
    seed: int = 1,
    clock: Callable[[], int] = loop_ns,
) -> SimulatedPump:
    """Return one pump as its section says; ``builders`` keeps what pumps of one map and setting share.

    What its mechanism leaves to chance is drawn from ``seed`` and its name.
    """
    key = f"{section.map} {section.device.model_dump_json()}"
    kind = kinds().get(section.map)
    if kind is None and key not in builders:
        settings = DeviceSettings(section.device.order, dict(section.device.units))
        builders[key] = FaceBuilder(installed_map(section.map), settings)
    make = kind.face if kind else partial(RegisterFace, builders[key])
    models = {
        name: make_model(
            section.channels.get(name, ChannelStart()), f"{seed} {section.id}{suffix} channel {name}"
        )
        for name in channels_in(section.map, section.channels)
    }
    serial_number = f"{section.serial_number}{suffix}"
    face = make(models, serial_number, section.firmware, clock)
    return SimulatedPump(f"{section.id}{suffix}", section.address, face, section.reply_time_ms / 1000)


def make_model(start: ChannelStart, seed: str) -> PumpModel:
    """Return one channel as it is when the ward opens."""
    traits = start.made_traits(seed)
    holds_nl = min(50 * NL_PER_ML, traits.mechanism.holds_nl or 50 * NL_PER_ML)
    reservoir_nl = start.reservoir.nl if start.reservoir else holds_nl
    model = PumpModel(traits=traits, reservoir_nl=reservoir_nl, on_mains=start.mains)
    if start.to_be_infused is not None:
        model.programme(start.to_be_infused.nl)
    if start.rate is not None:
        model.turn_rate(start.rate.nl_per_h)
    if start.running:
        model.press_start()
    return model


def serve(listen: str, copy_index: int, line: SimulatedLine) -> ServedLine:
    """Return the wire that ``listen`` names, unplugged; copies of a line take the ports that follow."""
    place = listening(listen)
    modbus = MbapServerFramer if place.framing is Framing.MODBUS_TCP else RtuServerFramer
    framer = line.server_framer or modbus
    if place.settings is not None:
        return PtyLine(line, Path(place.line), framer, place.settings)
    return TcpLine(line, place.host, place.port + copy_index if place.port else 0, framer, place.baud)
