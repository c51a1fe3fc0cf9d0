"""Simulator and driver share one map, so a value read from its neighbour's place shows in neither."""

from __future__ import annotations

import re

import pytest

from pumpd.protocols.maps import shipped_map, shipped_names
from pumpd.protocols.registers import Control, RegisterMap
from pumpd.protocols.registers_fields import AlarmField, FirstStatus
from tests.drivers.vendor_places import PLACES, Place

pytestmark = pytest.mark.requirement("MAP-4")
KINDS = {5: "coil", 6: "u16"}
"""What functions 5 and 6 write."""


def named(path: str, name: str = "") -> str:
    """Return how the table calls a path of the map: an index by the name of what stands there."""
    path = re.sub(r"^channels\.(\w+)\.", r"\1: ", path)
    return re.sub(r"\[\d+\]$", f" {name}", path)


def written(register_map: RegisterMap, control: Control) -> Place:
    """Return what a write sends."""
    return (control.function, register_map.pdu(control.address), KINDS[control.function], control.value)


def in_map(register_map: RegisterMap) -> list[tuple[str, Place]]:
    """Return every value that a map names, read, written or never sent, with where it stands on the wire."""
    found: list[tuple[str, Place]] = []
    for path, place in register_map.places():
        name = place.name if isinstance(place, AlarmField | FirstStatus) else ""
        where = (place.function, register_map.pdu(place.address), getattr(place, "type", "u16"), place.width)
        found.append((named(path, name), where))
    for name, channel in register_map.channels.items():
        assert channel.lower is None, "none of these makers documents a rate that pumpd may lower"
        if channel.pause is not None:
            found.append((f"{name}: pause", written(register_map, channel.pause)))
    never = register_map.never_sent.items()
    return [*found, *((f"never: {name}", written(register_map, control)) for name, control in never)]


@pytest.mark.parametrize("name", PLACES)
def test_every_value_stands_where_its_maker_says(name: str) -> None:
    """Function, address, type and length of each value; none is without a row, and no row without a value."""
    found = in_map(shipped_map(name))
    assert dict(found) == PLACES[name]
    assert len(found) == len(PLACES[name])


def test_every_vendors_map_has_its_places_written_down() -> None:
    """A map that is added needs its rows; the reference pump has them in its own document."""
    assert {*PLACES, "reference-pump"} == set(shipped_names())
