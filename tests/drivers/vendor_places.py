"""Where each value of the shipped vendor maps stands, written down a second time by hand.

Addresses are those that travel. Sources, for all but ProMinent of epics-modules/SyringePump, commit 94b2851:

- Teledyne ISCO: ISCOBinaryIn (coils read), ISCOBinaryOut (coils written) and ISCOAnalogIn.substitutions
  (registers; what it reads in its second range is counted from 100).
- Vindum: VindumReadCoils, VindumReadContacts (function 2), VindumReadHoldingRegisters (3),
  VindumReadInputRegisters (4) and VindumWriteCoils.substitutions.
- ProMinent: Supplementary Operating Instructions for Modbus RTU of gamma/X (easymanua.ls 281024), page 48 for
  register 4, 52 for 1002 to 1006, 53 for 1018 to 1034; of DULCO flex Control (manualslib 2051953), page 33
  for register 63; (easymanua.ls 1383330), page 40 for 1200 to 1236.
"""

from __future__ import annotations

Place = tuple[int, int, str, int]
"""Function, address, type and length, or the value where it is written."""

READ = {
    "teledyne-isco": """\
A: status                           1    0  bit   1
A: status.first refill              1    5  bit   1
A: fitted                           1  109  bit   1
A: flow                             3   74  f32   2
A: flow.unit                        1   88  bits  4
A: volume                           3  148  f32   2
A: pressure                         3   72  f32   2
A: pressure.unit                    1   84  bits  4
A: alarms empty                     1  110  bit   1
A: alarms over-pressure             1  112  bit   1
A: alarms under-pressure            1  113  bit   1
A: alarms motor failure             1  114  bit   1
A: alarms poor fill                 1  133  bit   1
A: alarms valve error               1  137  bit   1
B: status                           1    1  bit   1
B: status.first refill              1    6  bit   1
B: fitted                           1  115  bit   1
B: flow                             3   80  f32   2
B: flow.unit                        1   88  bits  4
B: volume                           3  150  f32   2
B: pressure                         3   78  f32   2
B: pressure.unit                    1   84  bits  4
B: alarms empty                     1  116  bit   1
B: alarms over-pressure             1  118  bit   1
B: alarms under-pressure            1  119  bit   1
B: alarms motor failure             1  120  bit   1
B: alarms poor fill                 1  134  bit   1
B: alarms valve error               1  137  bit   1
C: status                           1    2  bit   1
C: status.first refill              1    7  bit   1
C: fitted                           1  121  bit   1
C: flow                             3   86  f32   2
C: flow.unit                        1   88  bits  4
C: volume                           3  152  f32   2
C: pressure                         3   84  f32   2
C: pressure.unit                    1   84  bits  4
C: alarms empty                     1  122  bit   1
C: alarms over-pressure             1  124  bit   1
C: alarms under-pressure            1  125  bit   1
C: alarms motor failure             1  126  bit   1
C: alarms poor fill                 1  135  bit   1
C: alarms valve error               1  137  bit   1
D: status                           1    3  bit   1
D: status.first refill              1    8  bit   1
D: fitted                           1  127  bit   1
D: flow                             3   92  f32   2
D: flow.unit                        1   88  bits  4
D: volume                           3  154  f32   2
D: pressure                         3   90  f32   2
D: pressure.unit                    1   84  bits  4
D: alarms empty                     1  128  bit   1
D: alarms over-pressure             1  130  bit   1
D: alarms under-pressure            1  131  bit   1
D: alarms motor failure             1  132  bit   1
D: alarms poor fill                 1  136  bit   1
D: alarms valve error               1  137  bit   1
""",
    "vindum-vp": """\
order                               1   28  bit   1
A: status                           3    0  u16   1
A: status.first running             2    0  bit   1
A: flow                             4    7  f32   2
A: flow.unit                        3   30  u16   1
A: set_flow                         3    5  f32   2
A: set_flow.unit                    3   30  u16   1
A: volume                           4   13  f32   2
A: pressure                         4    1  f32   2
A: pressure.unit                    3   29  u16   1
A: alarms safety flag               2    4  bit   1
A: alarms error word                4   23  u32   2
A: alarms common error word         4   27  u32   2
B: status                           3    1  u16   1
B: status.first running             2    1  bit   1
B: flow                             4    9  f32   2
B: flow.unit                        3   30  u16   1
B: set_flow                         3    7  f32   2
B: set_flow.unit                    3   30  u16   1
B: volume                           4   15  f32   2
B: pressure                         4    3  f32   2
B: pressure.unit                    3   29  u16   1
B: alarms safety flag               2    5  bit   1
B: alarms error word                4   25  u32   2
B: alarms common error word         4   27  u32   2
""",
    "prominent-gamma-x": """\
order                               3   63  u32   2
identity.serial_number              3    4  text  5
1: status                           3 1022  u16   1
1: status.first sub-operating mode  3 1023  u16   1
1: status.first start/stop          3 1200  u16   1
1: flow                             3 1018  f32   2
1: volume                           3 1034  f32   2
1: alarms error flags               3 1002  u32   2
1: alarms error flags 2             3 1004  u32   2
1: alarms warning flags             3 1006  u32   2
""",
}
"""By map: what is read, its function, address, type, and how many registers or coils it takes."""

WRITTEN = {
    "teledyne-isco": """\
A: pause                            5    0  coil  0
B: pause                            5    1  coil  0
C: pause                            5    2  coil  0
D: pause                            5    3  coil  0
never: start A                      5    0  coil  1
never: start B                      5    1  coil  1
never: start C                      5    2  coil  1
never: start D                      5    3  coil  1
never: refill A                     5    5  coil  1
never: refill B                     5    6  coil  1
never: refill C                     5    7  coil  1
never: refill D                     5    8  coil  1
never: reset all                    5  108  coil  1
""",
    "vindum-vp": """\
A: pause                            5   19  coil  1
B: pause                            5   20  coil  1
never: run a volume A               5    9  coil  1
never: run a volume by itself A     5   10  coil  1
never: run a volume B               5   11  coil  1
never: run a volume by itself B     5   12  coil  1
never: start A                      5   15  coil  1
never: run by itself A              5   16  coil  1
never: start B                      5   17  coil  1
never: run by itself B              5   18  coil  1
never: reset all volumes            5   25  coil  1
never: leave Modbus                 5   29  coil  1
never: clear latched errors         5   30  coil  1
""",
    "prominent-gamma-x": """\
1: pause                            6 1200  u16   0
never: start                        6 1200  u16   1
never: run while asked              6 1200  u16   3
never: clear all counters           6 1234  u16   3
never: trigger a batch              6 1235  u16   0x5555
never: acknowledge errors           6 1236  u16   0x5555
""",
}
"""By map: what is written or must never be, its function, address, kind and value."""


def _places(table: str) -> dict[str, Place]:
    rows = [line.rsplit(maxsplit=4) for line in table.splitlines()]
    found = {
        path: (int(function), int(address), type_, int(last, 0))
        for path, function, address, type_, last in rows
    }
    assert len(found) == len(rows), "a value has one row"
    return found


PLACES = {name: _places(READ[name] + WRITTEN[name]) for name in READ}
"""By map and value."""
