"""Draws the pumps of an explored hospital: lines, programmes, mechanisms, and how they stand at first."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

DRIVER = "reference-pump"
ORDERED_ML_H = (3.5, 7.0, 10.5, 14.0, 17.5)
"""0.1 to 0.5 mg/kg/h of ketamine 2 mg/mL at 70 kg: within the limits of the demo's drug library."""
MOST_PUMPS = 6


@dataclass(frozen=True, slots=True)
class Bed:
    """One pump as the rest of a hospital needs to know it."""

    pump: str
    line: str
    rtu: bool
    """Its replies do not name their question, and carry a checksum."""
    syringe: bool
    said: dict[str, Any]
    """As it stands in a scenario."""


def made_beds(chance: random.Random) -> list[Bed]:
    """Draw 1 to 6 pumps, some of them on lines that they share."""
    count = chance.choices(range(1, MOST_PUMPS + 1), weights=(30, 26, 18, 12, 8, 6))[0]
    beds: list[Bed] = []
    shared: list[tuple[str, str, bool]] = []
    for number in range(1, count + 1):
        if shared and chance.random() < 0.6:
            scheme, line, rtu = shared[-1]
        else:
            scheme, line, rtu = _line(chance, number)
            shared.append((scheme, line, rtu))
        unit = 1 + sum(bed.line == line for bed in beds)
        url = scheme.format(unit=unit)
        beds.append(_bed(chance, number, url, line, rtu=rtu))
    return beds


def _line(chance: random.Random, number: int) -> tuple[str, str, bool]:
    kind = chance.random()
    if kind < 0.55:
        return f"modbus-tcp://10.0.0.{number}:502/{{unit}}", f"tcp {number}", False
    if kind < 0.75:
        return f"modbus-rtu://10.0.1.{number}:4001/{{unit}}?baud=19200", f"serial server {number}", True
    return f"modbus-rtu:///dev/ttyUSB{number}/{{unit}}?baud=19200&parity=E", f"cable {number}", True


def _bed(chance: random.Random, number: int, url: str, line: str, *, rtu: bool) -> Bed:
    mechanism = chance.choices(("ideal", "syringe", "volumetric"), weights=(60, 20, 20))[0]
    start: dict[str, Any] = {
        "rate": f"{chance.choice(ORDERED_ML_H)} mL/h",
        "running": chance.random() < 0.85,
    }
    if mechanism != "ideal":
        start["mechanism"] = {"kind": mechanism}
    if chance.random() < 0.3:
        start["to_be_infused"] = f"{chance.choice((0.1, 0.3, 1, 20))} mL"
    if chance.random() < 0.15:
        start["reservoir"] = f"{chance.choice((0.2, 0.5, 2))} mL"
    if chance.random() < 0.15:
        start["mains"] = False
    traits = _traits(chance)
    if traits:
        start["traits"] = traits
    serial_number = f"SIM-{1000 + number}"
    simulated: dict[str, Any] = {"serial_number": serial_number, "channels": {"1": start}}
    if chance.random() < 0.5:
        simulated["reply_time_ms"] = chance.choice((0, 5, 20, 45))
    if chance.random() < 0.05:
        simulated["absent"] = True
    said: dict[str, Any] = {"id": f"PUMP-{number:02}", "url": url, "driver": DRIVER}
    said |= {"bed": str(number), "ward": "pain-clinic", "poll_interval_s": 2 if rtu else 1}
    if chance.random() < 0.2:
        said["real"] = True
    if chance.random() < 0.3:
        said["serial_number"] = serial_number if chance.random() < 0.9 else "SIM-4711"
    if chance.random() < 0.7:
        said["enforcement"] = "pause"
    if chance.random() < 0.6:
        said["ceiling"] = "60 mL/h"
    if chance.random() < 0.8:
        said["programme"] = {
            "drug": "ketamine",
            "concentration": "2 mg/mL" if chance.random() < 0.9 else "5 mg/mL",
            "care_area": "pain-clinic",
            "weight": "70 kg",
            "dose_min": "0.1 mg/kg/h",
            "dose_max": "0.5 mg/kg/h",
        }
    said["simulated"] = simulated
    return Bed(said["id"], line, rtu, mechanism == "syringe", said)


def _traits(chance: random.Random) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if chance.random() < 0.15:
        traits["counter_step"] = "0.1 mL"
    if chance.random() < 0.15:
        traits["display_step"] = "0.1 mL/h"
    if chance.random() < 0.1:
        traits["kvo"] = "0 mL/h"
    if chance.random() < 0.1:
        traits["clock_ppm"] = chance.choice((-20_000, 20_000))
    if chance.random() < 0.1:
        traits |= {"battery_life_h": 0.05, "dies_after_min": 0.5}
    if chance.random() < 0.1:
        traits |= {"self_test_s": 5, "memory_h": 0}
    return traits
