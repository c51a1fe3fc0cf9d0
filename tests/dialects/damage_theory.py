"""Which share of flipped bits a check alone lets pass: reckoned over every way to flip them, not tried.

Shares no code with the framers: each check is written down a second time, as what one changed byte does to
it. Such changes add up, be it by a sum or by an exclusive or, so all ways to flip up to three bits of a frame
are counted from those of its single bytes.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

MOST_BITS: Final = 3
HEX: Final = b"0123456789ABCDEF"
Change = Callable[[int, int, int], int]
"""Place from the end of what is checked, the byte as it was and as it is: what that does to the check."""
_PATTERNS: Final = tuple(
    tuple(sum(1 << bit for bit in bits) for bits in combinations(range(8), count))
    for count in range(1, MOST_BITS + 1)
)


@dataclass(frozen=True, slots=True)
class Check:
    """What stands at the end of each frame of a dialect."""

    name: str
    covered: tuple[int, int]
    """First byte that it covers, and how many of the last it does not."""
    digits: tuple[int, int]
    """Where its own digits are, counted from the end."""
    base: int
    """10 or 16 for digits of text, 256 for bytes."""
    change: Change
    join: Callable[[int, int], int]
    """How two changes come together."""
    sign: int = 1
    """-1 where check and sum go opposite ways."""
    low_first: bool = False


def _summed(most: int) -> Change:
    return lambda _place, before, after: (after - before) % most


def _crc_bits(error: int, places_behind: int, polynomial: int, *, reflected: bool) -> int:
    """Return what an error in one byte does to a CRC of 16 bits, bit by bit; it begins at 0."""
    if reflected:
        crc = error
        for _ in range(8 * (places_behind + 1)):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
        return crc
    crc = error << 8
    for _ in range(8 * (places_behind + 1)):
        crc = crc << 1 ^ (polynomial if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc


def _crc(polynomial: int, *, reflected: bool) -> Change:
    known: dict[tuple[int, int], int] = {}

    def change(place: int, before: int, after: int) -> int:
        key = (before ^ after, place)
        if key not in known:
            known[key] = _crc_bits(*key, polynomial, reflected=reflected)
        return known[key]

    return change


def _added(most: int) -> Callable[[int, int], int]:
    return lambda one, other: (one + other) % most


SUM_8_HEX: Final = Check("sum of 8 bits", (1, 3), (-3, -1), 16, _summed(256), _added(256), sign=-1)
CHECKS: Final = {
    "alaris": Check("CRC-16/IBM-3740", (1, 6), (-5, -1), 16, _crc(0x1021, reflected=False), operator.xor),
    "bbraun-bcc": Check("sum of 8 bits", (0, 6), (-6, -1), 10, _summed(256), _added(256), sign=-1),
    "fresenius-base": Check(
        "ones' complement of a sum of 8 bits", (2, 3), (-3, -1), 16, _summed(256), _added(256)
    ),
    "neurowave-ap4000": Check("sum of 16 bits", (0, 6), (-6, -2), 16, _summed(65536), _added(65536), sign=-1),
    "zyno-miva": SUM_8_HEX,
    "zyno-nimbus-h": Check(
        "exclusive or of 8 bits", (1, 3), (-3, -1), 16, lambda _place, one, other: one ^ other, operator.xor
    ),
    "modbus-rtu": Check(
        "CRC-16/MODBUS",
        (0, 2),
        (-2, 0),
        256,
        _crc(0xA001, reflected=True),
        operator.xor,
        low_first=True,
    ),
}
"""By driver; a driver that is not here has no check."""


def _of_byte(check: Check, frame: bytes, at: int) -> list[Counter[int]]:
    """Return what the ways to flip one, two and three bits of one byte do to the check, where it may pass."""
    first, behind = check.covered
    low, high = check.digits[0] + len(frame), check.digits[1] + len(frame)
    found = []
    for patterns in _PATTERNS:
        ways: Counter[int] = Counter()
        for pattern in patterns:
            before, after = frame[at], frame[at] ^ pattern
            if low <= at < high:
                place = at - low if check.low_first else high - 1 - at
                if check.base == 256:
                    ways[(before ^ after) << 8 * place] += 1
                elif after in HEX[: check.base]:
                    ways[_of_digit(check, place, HEX.index(before), HEX.index(after))] += 1
            elif first <= at < len(frame) - behind:
                ways[check.change(len(frame) - behind - 1 - at, before, after)] += 1
        found.append(ways)
    return found


def _of_digit(check: Check, place: int, before: int, after: int) -> int:
    weight = int(check.base**place)
    if check.join is operator.xor:
        return (before ^ after) * weight
    return check.join(0, check.sign * (after - before) * weight)


def missed(check: Check, frame: bytes) -> tuple[float, ...]:
    """Return after which share of all ways to flip one, two and three bits of a frame its check agrees."""
    ones: Counter[int] = Counter()
    twos: Counter[int] = Counter()
    passed = [0] * MOST_BITS
    opposite = (lambda value: value) if check.join is operator.xor else (lambda value: check.join(0, -value))
    for at in range(len(frame)):
        one, two, three = _of_byte(check, frame, at)
        passed[2] += three[0]
        passed[2] += sum(ways * ones[opposite(value)] for value, ways in two.items())
        passed[2] += sum(ways * twos[opposite(value)] for value, ways in one.items())
        for value, ways in one.items():
            for other, others in ones.items():
                twos[check.join(value, other)] += ways * others
        twos.update(two)
        ones.update(one)
    passed[0], passed[1] = ones[0], twos[0]
    return tuple(ways / math.comb(8 * len(frame), bits) for bits, ways in enumerate(passed, 1))
