"""A whole daemon in virtual time: real driver, framer, link and bus on memory wires to simulated pumps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pumpd.channels.base import Channel
from pumpd.config import Config
from pumpd.config_alarms import AlarmsSection
from pumpd.config_dashboard import DashboardSection
from pumpd.config_history import HistorySection
from pumpd.config_models import LinesSection, MqttSection, PumpSection
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpId
from pumpd.daemon.app import App
from pumpd.daemon.parts import Parts
from pumpd.daemon.seams import CommandPort, LivePump, Ward
from pumpd.daemon.wiring import parts_of
from pumpd.drivers.fleet import Fleet
from pumpd.errors import StoreError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.maps import shipped_map
from pumpd.qa.virtual_time import VirtualClock, run_virtual
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.server import MemoryLine
from pumpd.simulator.ward_time import loop_ns
from pumpd.store.base import Journal
from pumpd.store.journal_inline import InlineJournal
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import Framing, PumpUrl
from tests.daemon.orders import CHANNEL, library
from tests.daemon.recorder import KeptHistory, Recorder

PROGRAMME = {
    "drug": "ketamine",
    "concentration": "2 mg/mL",
    "care_area": "pain-clinic",
    "weight": "70 kg",
    "dose_min": "0.1 mg/kg/h",
    "dose_max": "0.5 mg/kg/h",
}
"""Its hard maximum in the tests' library is 35 mL/h."""

USUAL: dict[str, Any] = {"enforcement": "pause", "programme": PROGRAMME, "ceiling": "60 mL/h"}
WRITES = frozenset({5, 6, 15, 16})
_BUILDER = FaceBuilder(shipped_map("reference-pump"))


class DeafModel(PumpModel):
    """A pump that says yes to a pause and goes on."""

    def pause(self) -> None:
        """Do nothing."""


class SlowToHear(PumpModel):
    """A pump that obeys a pause only when it hears it a second time."""

    def pause(self) -> None:
        """Listen up at first."""
        if getattr(self, "heard", False):
            PumpModel.pause(self)
        self.heard = True


def pump(number: int, line: str = "", unit: int = 1, **changes: Any) -> dict[str, Any]:
    """Return the configuration of one pump; without ``line`` it has its own."""
    url = f"modbus-tcp://{line or f'10.0.0.{number}:502'}/{unit}"
    return {"id": f"PUMP-{number:02}", "url": url, "driver": "reference-pump"} | USUAL | changes


@dataclass(slots=True)
class Wire:
    """One line: what stands at its far end, and every frame that was written to it."""

    memory: MemoryWire
    simulated: SimulatedLine
    served: MemoryLine
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    function_at: int = 7
    wrote: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a frame goes out that asks the pump to do something."""

    def record(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        self.frames.append((asyncio.get_running_loop().time(), data))
        if data[self.function_at] in WRITES:
            self.wrote.set()
        return ((0.0005, data),)

    def writes(self) -> list[tuple[float, bytes]]:
        """Return every frame that asked the pump to do something."""
        return [(at, frame) for at, frame in self.frames if frame[self.function_at] in WRITES]


@dataclass(slots=True)
class WardScene:
    """What a story plays with."""

    clock: VirtualClock
    parts: Parts
    app: App
    outlet: Recorder
    history: KeptHistory
    journals: list[Journal]
    wires: dict[str, Wire]
    models: dict[str, PumpModel]
    faces: dict[str, RegisterFace]
    commands: CommandPort | None = None

    def live(self, number: int = 1) -> LivePump:
        return self.app.ward.pumps[PumpId(f"PUMP-{number:02}"), CHANNEL]

    def model(self, number: int = 1) -> PumpModel:
        """Return a pump's physics, brought up to now."""
        self.faces[f"PUMP-{number:02}"].catch_up()
        return self.models[f"PUMP-{number:02}"]

    def wire(self, number: int = 1) -> Wire:
        return self.wires[f"10.0.0.{number}:502"]

    def readings(self, number: int = 1) -> list[float]:
        """Return when readings of a pump came in."""
        return [at for at, live, _ in self.outlet.readings if live is self.live(number)]

    @property
    def journal(self) -> InlineJournal:
        journal = self.journals[-1]
        assert isinstance(journal, InlineJournal)
        return journal


def play(
    story: Callable[[WardScene], Awaitable[None]],
    pumps: list[dict[str, Any]] | None = None,
    *,
    drugs: DrugLibrary | None = None,
    plugged: bool = True,
    running: str = "10.5",
    model: type[PumpModel] = PumpModel,
    serials: dict[str, str] | None = None,
    journal_path: Path | None = None,
    journal_fails: Callable[[], str] = lambda: "",
    start: bool = True,
    alarms: AlarmsSection | None = None,
    channels: Mapping[str, Channel] | None = None,
    boot_id: str = "virtual-boot",
    fleet: Fleet | None = None,
) -> WardScene:
    """Play ``story`` with a daemon that watches ``pumps``, all running at ``running`` mL/h.

    Runs on one journal of which several write the same events have each a ``boot_id`` of its own.
    """

    async def run() -> WardScene:
        scene = _scene(
            pumps or [pump(1)],
            drugs or library(),
            running,
            model,
            serials or {},
            journal_path,
            journal_fails,
            alarms or AlarmsSection(),
            channels or {},
            boot_id,
            fleet,
        )
        if plugged:
            for wire in scene.wires.values():
                await wire.served.plug()
        if start:
            await scene.app.start()
        try:
            await story(scene)
        finally:
            await scene.app.stop()
            for wire in scene.wires.values():
                await wire.served.unplug()
        return scene

    return run_virtual(run())


def _scene(
    pumps: list[dict[str, Any]],
    drugs: DrugLibrary,
    running: str,
    model: type[PumpModel],
    serials: dict[str, str],
    journal_path: Path | None,
    journal_fails: Callable[[], str],
    alarms: AlarmsSection,
    channels: Mapping[str, Channel],
    boot_id: str,
    fleet: Fleet | None,
) -> WardScene:
    clock = VirtualClock(asyncio.get_running_loop(), boot_id)
    outlet, history = Recorder(), KeptHistory()
    journals: list[Journal] = []
    wires: dict[str, Wire] = {}
    models: dict[str, PumpModel] = {}
    faces: dict[str, RegisterFace] = {}

    def open_journal() -> Journal:
        if reason := journal_fails():
            raise StoreError(reason)
        journals.append(InlineJournal.open(journal_path, clock))
        return journals[-1]

    def transport_for(url: PumpUrl) -> Any:
        tcp = url.framing is Framing.MODBUS_TCP
        memory = MemoryWire(url.line, None if tcp else 19200)
        on_it = []
        for section in config.pumps:
            place = section.url.partition("://")[2].partition("?")[0]
            line, _, unit = place.rpartition("/")
            if line == url.line:
                at = models[section.id] = model()
                at.turn_rate(FlowRate.parse(running).nl_per_h)
                at.press_start()
                serial = serials.get(section.id, f"SIM-{section.id[-2:]}")
                face = faces[section.id] = RegisterFace(_BUILDER, {"1": at}, serial, "1.0", loop_ns)
                on_it.append(SimulatedPump(section.id, int(unit), face))
        simulated = SimulatedLine(on_it, random.Random(1))
        framer = MbapServerFramer if tcp else RtuServerFramer
        wire = Wire(memory, simulated, MemoryLine(simulated, memory, framer), function_at=7 if tcp else 1)
        memory.unplug()
        memory.asking.on_the_way = wire.record
        wires[url.line] = wire
        return memory.asking

    config = Config(
        file=Path("pumpd.yaml"),
        sha256="0" * 64,
        site="clinic",
        node="ward-a",
        data_dir=Path(),
        mqtt=MqttSection(),
        history=HistorySection(),
        library=drugs,
        library_file=Path("drug-library.yaml"),
        dashboard=DashboardSection(),
        lines=LinesSection(),
        syslog="",
        pumps=tuple(PumpSection.model_validate(p) for p in pumps),
        alarms=alarms,
        fleet=fleet,
    )

    def connect(ward: Ward, journal: Journal, commands: CommandPort, clock: Any) -> Recorder:
        scene.commands = commands
        return outlet

    parts = parts_of(
        config,
        clock=clock,
        open_journal=open_journal,
        history=history,
        connect_publisher=connect,
        seeded=random.Random(7),
        transport_for=transport_for,
        channels=channels,
    )
    scene = WardScene(clock, parts, App(parts), outlet, history, journals, wires, models, faces)
    return scene
