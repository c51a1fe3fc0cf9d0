"""What the pumps of the vendors' maps can show at most: beyond it a value is damage, not a reading."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pumpd.protocols.maps import shipped_map

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
