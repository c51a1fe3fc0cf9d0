"""The reference pump's registers decoded a second time, from the words of its document.

Imports nothing of pumpd: it packs the registers into bytes and reads them by their offsets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction

STATUS = ["standby", "stopped", "running", "paused", "priming", "flushing", "bolus", "kvo", "alarm"]
ALARMS = [
    "occlusion",
    "occlusion-upstream",
    "air",
    "empty",
    "door",
    "near-end",
    "end",
    "battery-low",
    "battery-depleted",
    "fault",
]
PAUSE_UNIT_1 = bytes.fromhex("01 05 0000 FF00")
"""To unit 1, function 5 sets coil 0: the write that stops it (Modbus Application Protocol V1.1b3, 6.5)."""
NO_VOLUME, NO_PRESSURE, NO_BATTERY = 0xFFFF_FFFF, -0x8000, 0xFFFF


def reading(words: Sequence[int]) -> dict[str, object]:
    """Return what registers 0 to 13 say: fractions in mL/h, mL and kPa, "invalid" or None for no value."""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    (status, _, set_rate, rate, volume, to_come, pressure, battery, bits) = struct.unpack(">HHIIIIhHI", raw)
    return {
        "status": STATUS[status] if status < len(STATUS) else "unknown",
        "set_flow": between(Fraction(set_rate, 100), 0, 1200),
        "flow": between(Fraction(rate, 100), 0, 1200),
        "volume": between(Fraction(volume, 1000), 0, 99999),
        "volume_to_be_infused": None if to_come == NO_VOLUME else between(Fraction(to_come, 1000), 0, 9999),
        "pressure": None if pressure == NO_PRESSURE else between(Fraction(pressure, 10), -50, 300),
        "battery": None if battery == NO_BATTERY else between(Fraction(battery), 0, 100),
        "alarms": {(ALARMS[bit] if bit < len(ALARMS) else "other") for bit in range(32) if bits & (1 << bit)},
    }


def between(value: Fraction, least: int, greatest: int) -> Fraction | str:
    """Return the value, or "invalid" outside its range."""
    return value if least <= value <= greatest else "invalid"
