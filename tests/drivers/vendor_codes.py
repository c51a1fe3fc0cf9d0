"""What each code of status and alarm of the shipped vendor maps means, written down a second time by hand.

Sources: ISCOBinaryIn and VindumRead*.substitutions of epics-modules/SyringePump, commit 94b2851; ProMinent
gamma/X, Supplementary Operating Instructions for Modbus RTU, pages 52 and 53. With codes that have no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.protocols.registers import RegisterMap

_STATUSES = {status.value: status for status in PumpStatus}
_ALARMS = {alarm.value: alarm for alarm in PumpAlarm}


@dataclass(frozen=True, slots=True)
class Row:
    """One code at one place, and what the driver must make of it."""

    map_name: str
    channel: str
    function: int
    address: int
    code: int
    means: PumpStatus | PumpAlarm


def _row(line: str) -> Row:
    name, channel, function, address, code, means = line.split()
    meaning = _STATUSES[means] if means in _STATUSES else _ALARMS[means]
    return Row(name, channel, int(function), int(address), int(code, 0), meaning)


def every_code(register_map: RegisterMap) -> Iterator[tuple[str, int, int, int]]:
    """Yield channel, function, address and code of everything that a map gives a meaning to."""
    for name, channel in register_map.channels.items():
        for teller in channel.status.tellers():
            told = (code for code, status in teller.codes.items() if status is not None)
            yield from ((name, teller.function, teller.address, code) for code in told)
        for field in channel.alarms:
            codes = [1 << bit for bit in field.bits] + [c for c, alarm in field.codes.items() if alarm]
            codes += [1] if field.alarm is not None else []
            yield from ((name, field.function, field.address, code) for code in codes)


TABLE = """\
teledyne-isco     A  1     0  0          stopped
teledyne-isco     A  1     0  1          running
teledyne-isco     A  1     5  1          unknown
teledyne-isco     A  1   110  1          empty
teledyne-isco     A  1   112  1          occlusion
teledyne-isco     A  1   113  1          other
teledyne-isco     A  1   114  1          fault
teledyne-isco     A  1   133  1          other
teledyne-isco     A  1   137  1          fault
teledyne-isco     B  1     1  0          stopped
teledyne-isco     B  1     1  1          running
teledyne-isco     B  1     6  1          unknown
teledyne-isco     B  1   116  1          empty
teledyne-isco     B  1   118  1          occlusion
teledyne-isco     B  1   119  1          other
teledyne-isco     B  1   120  1          fault
teledyne-isco     B  1   134  1          other
teledyne-isco     B  1   137  1          fault
teledyne-isco     C  1     2  0          stopped
teledyne-isco     C  1     2  1          running
teledyne-isco     C  1     7  1          unknown
teledyne-isco     C  1   122  1          empty
teledyne-isco     C  1   124  1          occlusion
teledyne-isco     C  1   125  1          other
teledyne-isco     C  1   126  1          fault
teledyne-isco     C  1   135  1          other
teledyne-isco     C  1   137  1          fault
teledyne-isco     D  1     3  0          stopped
teledyne-isco     D  1     3  1          running
teledyne-isco     D  1     8  1          unknown
teledyne-isco     D  1   128  1          empty
teledyne-isco     D  1   130  1          occlusion
teledyne-isco     D  1   131  1          other
teledyne-isco     D  1   132  1          fault
teledyne-isco     D  1   136  1          other
teledyne-isco     D  1   137  1          fault
vindum-vp         A  2     0  0          stopped
vindum-vp         A  3     0  1          running
vindum-vp         A  3     0  2          unknown
vindum-vp         A  3     0  0          unknown
vindum-vp         A  3     0  3          unknown
vindum-vp         A  2     4  1          occlusion
vindum-vp         A  4    23  1          other
vindum-vp         A  4    23  0x80000000 other
vindum-vp         A  4    27  4          other
vindum-vp         B  2     1  0          stopped
vindum-vp         B  3     1  1          running
vindum-vp         B  3     1  2          unknown
vindum-vp         B  3     1  0          unknown
vindum-vp         B  3     1  3          unknown
vindum-vp         B  2     5  1          occlusion
vindum-vp         B  4    25  1          other
vindum-vp         B  4    25  0x80000000 other
vindum-vp         B  4    27  4          other
prominent-gamma-x 1  3  1022  0          stopped
prominent-gamma-x 1  3  1022  1          running
prominent-gamma-x 1  3  1022  2          running
prominent-gamma-x 1  3  1022  3          running
prominent-gamma-x 1  3  1022  4          running
prominent-gamma-x 1  3  1022  5          unknown
prominent-gamma-x 1  3  1022  255        unknown
prominent-gamma-x 1  3  1023  1          priming
prominent-gamma-x 1  3  1023  2          running
prominent-gamma-x 1  3  1023  7          priming
prominent-gamma-x 1  3  1023  8          unknown
prominent-gamma-x 1  3  1023  9          unknown
prominent-gamma-x 1  3  1200  0          stopped
prominent-gamma-x 1  3  1200  2          stopped
prominent-gamma-x 1  3  1200  4          unknown
prominent-gamma-x 1  3  1002  1          other
prominent-gamma-x 1  3  1002  0x00000100 other
prominent-gamma-x 1  3  1002  0x00000200 fault
prominent-gamma-x 1  3  1002  0x00000400 fault
prominent-gamma-x 1  3  1002  0x00000800 occlusion
prominent-gamma-x 1  3  1002  0x00001000 fault
prominent-gamma-x 1  3  1002  0x00002000 fault
prominent-gamma-x 1  3  1002  0x00004000 air
prominent-gamma-x 1  3  1002  0x00008000 air
prominent-gamma-x 1  3  1002  0x00010000 other
prominent-gamma-x 1  3  1002  0x00020000 other
prominent-gamma-x 1  3  1002  0x00040000 other
prominent-gamma-x 1  3  1002  0x00080000 occlusion-upstream
prominent-gamma-x 1  3  1002  0x00100000 fault
prominent-gamma-x 1  3  1002  0x00200000 other
prominent-gamma-x 1  3  1002  0x00400000 fault
prominent-gamma-x 1  3  1002  0x00800000 fault
prominent-gamma-x 1  3  1002  0x01000000 other
prominent-gamma-x 1  3  1002  0x80000000 other
prominent-gamma-x 1  3  1004  1          other
prominent-gamma-x 1  3  1004  0x80000000 other
prominent-gamma-x 1  3  1006  1          near-end
prominent-gamma-x 1  3  1006  2          fault
prominent-gamma-x 1  3  1006  4          other
prominent-gamma-x 1  3  1006  8          other
prominent-gamma-x 1  3  1006  16         other
prominent-gamma-x 1  3  1006  32         other
prominent-gamma-x 1  3  1006  64         fault
prominent-gamma-x 1  3  1006  128        air
prominent-gamma-x 1  3  1006  0x00000100 occlusion
prominent-gamma-x 1  3  1006  0x00000200 other
prominent-gamma-x 1  3  1006  0x00000400 occlusion-upstream
prominent-gamma-x 1  3  1006  0x00000800 other
prominent-gamma-x 1  3  1006  0x00001000 other
prominent-gamma-x 1  3  1006  0x80000000 other
"""
"""Map, channel, function, address, code, meaning."""

ROWS = tuple(_row(line) for line in TABLE.splitlines())
