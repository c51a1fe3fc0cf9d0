"""What the pumps of the vendors' maps can show, and in which units: beyond it a value is damage."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pumpd.protocols.maps import shipped_map
from pumpd.protocols.registers_fields import UnitField

PRESSURE, VOLUME = (-200, 210_000), (0, 99_999)
"""In kPa, from a vacuum to the highest pressure that the makers name; and what five digits of mL hold."""
ISCO = {"flow": (0, 204), "volume": VOLUME, "pressure": PRESSURE}
VINDUM = {"flow": (0, 100), "set_flow": (0, 100), "volume": VOLUME, "pressure": PRESSURE}


@pytest.mark.parametrize(
    ("name", "channels", "ranges"),
    [
        ("teledyne-isco", "ABCD", ISCO),
        ("vindum-vp", "AB", VINDUM),
        ("prominent-gamma-x", "1", {"flow": (0, 100), "volume": VOLUME}),
    ],
)
def test_each_channel_shows_no_more_than_its_pump_can(
    name: str, channels: str, ranges: dict[str, tuple[int, int]]
) -> None:
    """The same for each channel, and nothing but these is left without a range."""
    places = shipped_map(name).places()
    assert {path: shown for path, place in places if (shown := getattr(place, "range", None))} == {
        f"channels.{channel}.{quantity}": (Decimal(low), Decimal(high))
        for channel in channels
        for quantity, (low, high) in ranges.items()
    }


COILS = ({1: "mL/min", 2: "mL/h", 4: "uL/min", 8: "uL/h"}, {1: "atm", 2: "bar", 4: "kPa", 8: "[psi]"})
"""ISCOBinaryIn.substitutions of epics-modules/SyringePump, commit 94b2851: coils 88 to 91 and 84 to 87."""
WORDS = ({0: "mL/min", 1: "mL/h"}, {0: "[psi]", 1: "bar", 2: "kPa", 3: "MPa"})
"""VindumReadHoldingRegisters.substitutions of the same: registers 30 and 29."""


@pytest.mark.parametrize(
    ("name", "channels", "flow", "pressure"),
    [("teledyne-isco", "ABCD", *COILS), ("vindum-vp", "AB", *WORDS), ("prominent-gamma-x", "1", {}, {})],
)
def test_each_unit_that_a_pump_tells_is_its_makers(
    name: str, channels: str, flow: dict[int, str], pressure: dict[int, str]
) -> None:
    """Every code of every unit of every channel, and the bounds in the unit that they are written in."""
    places = shipped_map(name).places()
    told = {path: place.codes for path, place in places if isinstance(place, UnitField)}
    flows = {path: codes for path, codes in told.items() if "flow" in path}
    assert all(codes == flow for codes in flows.values())
    assert all(codes == pressure for path, codes in told.items() if path not in flows)
    assert {path.split(".")[1] for path in flows} == (set(channels) if flow else set())
    for channel in shipped_map(name).channels.values():
        assert channel.flow is not None
        assert channel.flow.range_unit == ("mL/min" if flow else None)
