"""Alarm bits of B. Braun pumps by BCC: one parameter for each, or words of 32 bits where it is so set.

Source: B. Braun, Technical Interface Specification BCC, I0022_000030 v4.0 (2019).
"""

from __future__ import annotations

from typing import Final

from pumpd.core.telemetry import PumpAlarm

_BITS: Final[dict[PumpAlarm, dict[str, tuple[int, ...]]]] = {
    PumpAlarm.OCCLUSION: {"INA": (3,), "ALARM1": (10, 11), "PREALARM": (10,)},
    PumpAlarm.OCCLUSION_UPSTREAM: {"ALARM1": (20,)},
    PumpAlarm.AIR: {"INA": (15,), "ALARM1": (28, 29, 30)},
    PumpAlarm.EMPTY: {"INA": (2,), "ALARM1": (9,)},
    PumpAlarm.DOOR: {"INA": (13,), "ALARM1": (17,), "ALARM2": (30,)},
    PumpAlarm.NEAR_END: {"INA": (12,), "PREALARM": (1, 2, 3)},
    PumpAlarm.END: {"INA": (7, 8, 16), "ALARM1": (13, 14, 19)},
    PumpAlarm.BATTERY_LOW: {"INA": (11,), "PREALARM": (4,)},
    PumpAlarm.BATTERY_DEPLETED: {"INA": (1,), "ALARM1": (2, 5, 6, 7)},
    PumpAlarm.FAULT: {
        "INA": (9,),
        "ALARM1": (1, 3, 4, 15, 16, 18, 31),
        "ALARM2": (31,),
        "PREALARM": (15,),
    },
    PumpAlarm.OTHER: {
        "INA": (4, 5, 6, 10, 14),
        "ALARM1": (8, 12, 22, 23, 24, 25, 26, 27),
        "ALARM2": (1, 2, 3, 4, 5, 6, 7, 29),
        "PREALARM": (5, 6, 7, 8, 11, 12, 13, 14),
    },
}
ALARMS: Final = {
    f"{word}{'' if word == 'INA' else '.'}{bit}": alarm
    for alarm, words in _BITS.items()
    for word, bits in words.items()
    for bit in bits
}
"""Bit as a driver names it -> what it means; OTHER where the core has no name for it, or none is known."""
PREALARMS: Final = frozenset({"INA11", "INA12"} | {f"PREALARM.{bit}" for bit in range(32)})
"""With these the pump goes on."""
