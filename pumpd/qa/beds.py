"""The simulated pumps of a scenario: on wires in memory or on real ones, swapped, taken away, looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pumpd.core.telemetry import PumpId
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.drivers.registry import find
from pumpd.qa.frames import FrameJudge
from pumpd.qa.record import Channel
from pumpd.qa.scenario import LoadedScenario, ScenarioPump
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import ServedLine
from pumpd.simulator.stage import Stage, make_pump
from pumpd.simulator.ward import LineSection, Ward
from pumpd.simulator.ward_pump import ChannelStart, PumpSection
from pumpd.transports.url import Framing, PumpUrl, parse_url

MakeWire = Callable[[PumpUrl, str, SimulatedLine, FrameJudge], ServedLine]
"""Makes the wire of a line, unplugged: the first pump's URL, where it listens, who answers, who judges."""
Seen = Callable[[Channel, str, int, int, int], None]
"""Takes what a channel does: status, flow in nL/h, and since the scenario began, in nL: what it counted, what
the patient really got. Whichever pumps stood there."""


def listen_as_written(url: PumpUrl) -> str:
    """Return a line's own place as a simulated ward names it: the URL without the unit or address."""
    base, mark, options = url.url.partition("?")
    if url.framing is Framing.DIALECT:
        kept = "&".join(o for o in options.split("&") if not o.startswith("address="))
        return f"{base}?{kept}" if kept else base
    return base.rpartition("/")[0] + mark + options


class Beds:
    """Every pump of a scenario and the line it is on. Needs a running loop, whose time it lives by."""

    def __init__(
        self,
        loaded: LoadedScenario,
        seed: int,
        make_wire: MakeWire,
        moved: Callable[[], None],
        listen: Callable[[PumpUrl], str] = listen_as_written,
    ) -> None:
        """Make it; ``moved`` is called when a frame changed what a pump does."""
        self._pumps = loaded.scenario.pumps
        self._urls = [parse_url(pump.url) for pump in self._pumps]
        self._make_wire = make_wire
        self._moved = moved
        self._replaced_nl: dict[Channel, int] = {}
        self._replaced_patient_nl: dict[Channel, int] = {}
        self.lines: dict[str, ServedLine] = {}
        """By the line that the scenario names."""
        self.judges: dict[str, FrameJudge] = {}
        lines: dict[str, list[PumpSection]] = {}
        self._listens: dict[str, PumpUrl] = {}
        for at, (pump, url) in enumerate(zip(self._pumps, self._urls, strict=True)):
            if url.line not in lines:
                self._listens[listen(url)] = url
            lines.setdefault(url.line, []).append(_section(pump, url, at))
        sections = tuple(
            LineSection(listen=place, pumps=tuple(lines[url.line])) for place, url in self._listens.items()
        )
        self.stage = Stage(Ward(seed=seed, lines=sections), wire_for=self._wire)

    def _wire(self, listen: str, _copy: int, line: SimulatedLine) -> ServedLine:
        url = self._listens[listen]
        judge = self.judges[url.line] = FrameJudge(line, self._moved)
        self.lines[url.line] = self._make_wire(url, listen, line, judge)
        return self.lines[url.line]

    async def open(self) -> None:
        """Make every pump and plug in those that are there."""
        await self.stage.open()
        for pump, url in zip(self._pumps, self._urls, strict=True):
            if pump.simulated.absent:
                await self.lines[url.line].unplug()

    async def close(self) -> None:
        """Unplug everything."""
        await self.stage.close()

    async def unplug_network(self) -> None:
        """Break every network line; serial lines stay."""
        for url in self._urls:
            if url.settings is None:
                await self.lines[url.line].unplug()

    async def plug_network(self) -> None:
        """Let every network line be opened again."""
        for url in self._urls:
            if url.settings is None:
                await self.lines[url.line].plug()

    def shares_its_line(self, pump: str) -> bool:
        """Return whether other pumps answer on the same line."""
        return len(self.lines[self._placed(pump)[1].line].line.pumps) > 1

    async def take_away(self, pump: str) -> None:
        """Let nobody answer in a pump's place: a line of its own breaks, on a shared one it is silent."""
        served = self.lines[self._placed(pump)[1].line]
        served.line.pumps.pop(self.stage.pumps[pump].pump.unit, None)
        if not served.line.pumps:
            await served.unplug()

    async def bring_back(self, pump: str) -> None:
        """Let the pump that stands there now answer again."""
        served = self.lines[self._placed(pump)[1].line]
        placed = self.stage.pumps[pump].pump
        served.line.pumps[placed.unit] = placed
        await served.plug()

    def replace_pump(self, pump: str, serial_number: str | None) -> None:
        """Put another pump in the place of one (with a serial number), or the same one switched on again."""
        section, url = self._placed(pump)
        placed = self.stage.pumps[pump]
        old = placed.pump.face
        old.catch_up()
        for channel, model in old.models.items():
            key = (pump, channel)
            self._replaced_nl[key] = self._replaced_nl.get(key, 0) + model.delivered_nl
            self._replaced_patient_nl[key] = self._replaced_patient_nl.get(key, 0) + model.patient_nl
        simulated = section.simulated
        starts = {}
        for channel, start in simulated.channels.items():
            kept = start.model_copy(update={"running": False})
            starts[channel] = kept if serial_number is None else ChannelStart()
        serial = serial_number or old.texts["serial_number"]
        renewed = simulated.model_copy(update={"serial_number": serial, "channels": starts})
        position = self._pumps.index(section)
        made = make_pump(
            _section(section.model_copy(update={"simulated": renewed}), url, position),
            "",
            {},
            clock=self.stage.time.now_ns,
        )
        if serial_number is None:
            for channel, model in made.face.models.items():
                model.turn_rate(old.models[channel].set_rate_nl_h)
        self.stage.pumps[pump] = replace(placed, pump=made)

    def look(self, seen: Seen) -> None:
        """Hand what every channel does at this moment to ``seen``."""
        for pump, placed in self.stage.pumps.items():
            face = placed.pump.face
            face.catch_up()
            for channel, model in face.models.items():
                key = (pump, channel)
                given_nl = self._replaced_nl.get(key, 0) + model.delivered_nl
                patient_nl = self._replaced_patient_nl.get(key, 0) + model.patient_nl
                seen(key, model.status.value, model.flow_nl_h, given_nl, patient_nl)

    def _placed(self, pump: str) -> tuple[ScenarioPump, PumpUrl]:
        pairs = zip(self._pumps, self._urls, strict=True)
        return next((section, url) for section, url in pairs if section.id == pump)


def _serial_number(pump: ScenarioPump, position: int) -> str:
    """Return the serial number of a pump at ``position`` of its file, from 0."""
    return pump.simulated.serial_number or f"SIM-{position + 1:04}"


def fleet_of(pumps: Sequence[ScenarioPump]) -> Fleet:
    """Return the pumps of a file as those of a house."""
    cards = [find(pump.driver).card for pump in pumps]
    return Fleet(
        FleetPump(PumpId(pump.id), card.make, card.model, _serial_number(pump, at), pump.simulated.firmware)
        for at, (pump, card) in enumerate(zip(pumps, cards, strict=True))
    )


def _section(pump: ScenarioPump, url: PumpUrl, position: int) -> PumpSection:
    simulated, spec = pump.simulated, find(pump.driver)
    return PumpSection(
        id=pump.id,
        unit=spec.address(url.unit),
        map=spec.dialect.name if spec.dialect else spec.card.register_map,
        serial_number=_serial_number(pump, position),
        firmware=simulated.firmware,
        reply_time_ms=simulated.reply_time_ms,
        device=simulated.device,
        channels=simulated.channels,
    )
