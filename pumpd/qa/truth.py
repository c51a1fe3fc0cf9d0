"""What simulated pumps really held each time one of them answered; what is shown is held against it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import Telemetry
from pumpd.drivers.fleet import Fleet
from pumpd.drivers.registry import find
from pumpd.protocols.registers import QUANTITIES
from pumpd.qa.record import Channel
from pumpd.simulator.face import SimulatedKind
from pumpd.simulator.framed_list import kinds
from pumpd.simulator.line import SimulatedPump
from pumpd.simulator.model import PumpModel

Numbers = Mapping[str, int]
"""Name of a number in a register map -> nL/h, nL, tenths of a kilopascal or percent."""


@dataclass(frozen=True, slots=True)
class Held:
    """One channel at the moment of an answer."""

    at_s: float
    serial_number: str
    status: str
    numbers: Numbers
    forced: frozenset[str]
    """What it was made to show instead: nobody can tell it from the truth."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says that a channel said."""

    status: str
    numbers: Numbers
    """Those that are told; what is missing or invalid claims nothing."""


def claim_of(telemetry: Telemetry) -> Claim:
    """Return what a reading of the daemon claims."""
    found: dict[str, int] = {}
    if telemetry.flow.value is not None:
        found["flow"] = telemetry.flow.value.nl_per_h
    if telemetry.set_flow.value is not None:
        found["set_flow"] = telemetry.set_flow.value.nl_per_h
    if telemetry.volume.value is not None:
        found["volume"] = telemetry.volume.value.nl
    if telemetry.volume_to_be_infused.value is not None:
        found["volume_to_be_infused"] = telemetry.volume_to_be_infused.value.nl
    if telemetry.pressure_kpa_e1.value is not None:
        found["pressure"] = telemetry.pressure_kpa_e1.value
    if telemetry.battery_percent.value is not None:
        found["battery"] = telemetry.battery_percent.value
    return Claim(telemetry.status.value, found)


_IN_PAYLOAD = {
    "flow": ("flow_ml_h", NL_PER_ML),
    "set_flow": ("set_flow_ml_h", NL_PER_ML),
    "volume": ("volume_ml", NL_PER_ML),
    "volume_to_be_infused": ("vtbi_ml", NL_PER_ML),
    "pressure": ("pressure_kpa", 10),
    "battery": ("battery_percent", 1),
}


def claim_in(part: Mapping[str, Any]) -> Claim:
    """Return what the reading of a payload claims."""
    found = {
        name: int(Decimal(part[key]) * per)
        for name, (key, per) in _IN_PAYLOAD.items()
        if part.get(key) is not None
    }
    return Claim(part["status"], found)


class Truth:
    """Every answer of every pump of a scenario, by the place in which the pump stood.

    Where the house's pumps are known, by which of them it is, wherever it stands.
    """

    def __init__(self, drivers: Mapping[str, str], fleet: Fleet | None = None) -> None:
        """Make it for pumps with these drivers: pump id -> name of its driver."""
        self._owned = None if fleet is None else {pump.serial_number: pump.asset for pump in fleet.pumps}
        self._held: dict[Channel, list[Held]] = {}
        self._step: dict[Channel, dict[str, int]] = {}
        self._said: dict[Channel, frozenset[str]] = {}
        """The statuses that the map has a code for; others are shown as the nearest one."""
        for pump, driver in drivers.items():
            found = find(driver)
            if found.dialect is not None:
                self._know_framed(pump, kinds()[found.dialect.name])
            register_map = found.register_map
            for channel, spec in register_map.channels.items() if register_map else ():
                self._said[pump, channel] = frozenset(s.value for s in spec.status.codes.values())
                self._step[pump, channel] = {
                    name: math.ceil(field.step * QUANTITIES[name].units[field.unit])
                    for name, field in spec.numbers()
                    if isinstance(field.unit, str)
                }

    def _know_framed(self, pump: str, kind: SimulatedKind) -> None:
        """Know what a framed pump can say; its flow is worked out from what is set, its ramp not told."""
        for channel, sayings in kind.channels.items():
            self._said[pump, channel] = frozenset(status.value for status in sayings.statuses)
            steps = {name.replace(" ", "_"): step for name, step in sayings.steps.items()}
            self._step[pump, channel] = {name: step for name, step in steps.items() if name != "flow"}

    def answered(self, pump: SimulatedPump, at_s: float) -> None:
        """Take note of what ``pump`` holds as it answers."""
        face = pump.face
        serial = face.texts["serial_number"]
        whose = pump.name if self._owned is None else self._owned.get(serial, serial)
        for channel, model in face.models.items():
            path = f"channels.{channel}."
            forced = frozenset(name.removeprefix(path) for name in face.forced)
            held = Held(at_s, serial, model.status.value, _numbers(model), forced)
            self._held.setdefault((whose, channel), []).append(held)

    def between(self, channel: Channel, from_s: float, to_s: float) -> Iterator[Held]:
        """Yield what was held at the answers of that span, the newest first."""
        for held in reversed(self._held.get(channel, ())):
            if held.at_s < from_s:
                return
            if held.at_s <= to_s:
                yield held

    def agrees(self, channel: Channel, held: Held, claim: Claim) -> bool:
        """Return whether that answer can have said ``claim``, rounded down to what the map can say."""
        tells = held.status in self._said[channel] and "status" not in held.forced
        if tells and held.status != claim.status:
            return False
        steps = self._step[channel]
        for name, said in claim.numbers.items():
            if name not in held.forced and name in steps:
                was = held.numbers.get(name)
                if was is None or not 0 <= was - said < steps[name]:
                    return False
        return True

    def last_held(self, channel: Channel, claim: Claim, from_s: float, to_s: float) -> Held | None:
        """Return the newest answer of that span that said what is claimed; None when there is none."""
        for held in self.between(channel, from_s, to_s):
            if self.agrees(channel, held, claim):
                return held
        return None


def _numbers(model: PumpModel) -> dict[str, int]:
    found = {
        "flow": model.shown_flow_nl_h,
        "set_flow": model.set_rate_nl_h,
        "volume": model.delivered_nl,
        "pressure": model.pressure_pa // 100,
        "battery": model.battery_percent,
    }
    left_nl = model.to_be_infused_left_nl
    return found if left_nl is None else {**found, "volume_to_be_infused": left_nl}
