"""Seeded mutations of valid bytes: what is nearly right finds what noise never reaches."""

from __future__ import annotations

import random
from collections.abc import Sequence

ODD_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF, 0x22, 0x5C, 0x7B, 0x5B)
"""Ends of ranges, and what JSON is made of."""
ODD_WORDS = tuple(
    word.encode()
    for word in (
        "null", "true", "-1", "0", "1e999", "NaN", "9223372036854775808", "1.5", '""', "[]", "{}",
        '"\\ud800"', '"\\u0000"', '"+/#"', "[[[[", '{"a":', "99999999999999999999999999",
        "٣", "０．３", '"id"', "\ufeff",
    )
)  # fmt: skip
MOST_BYTES = 65_536
"""Nothing grows beyond it, however often it was mutated."""


def mutated(chance: random.Random, valid: Sequence[bytes], words: bool) -> bytes:
    """Return one of ``valid`` with 1 to 4 mutations; ``words``: also such as only text knows."""
    data = bytearray(chance.choice(valid))
    for _ in range(1 + (chance.random() < 0.5) + 2 * (chance.random() < 0.1)):
        _mutate(chance, data, valid, words)
    return bytes(data[:MOST_BYTES])


def _mutate(chance: random.Random, data: bytearray, valid: Sequence[bytes], words: bool) -> None:
    size = len(data)
    at = chance.randrange(size + 1)
    until = min(size, at + 1 + int(chance.expovariate(0.2)))
    match chance.randrange(10 if words else 8):
        case 0 if at < size:
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < size:
            data[at] = chance.choice(ODD_BYTES)
        case 2:
            data[at:at] = chance.randbytes(1 + int(chance.expovariate(0.3)))
        case 3:
            del data[at:until]
        case 4:
            data[at:at] = data[at:until] * chance.choice((1, 1, 2, 50))
        case 5:
            del data[at:]
        case 6:
            other = chance.choice(valid)
            data[at:] = other[chance.randrange(len(other) + 1) :]
        case 7:
            data[at:until] = chance.randbytes(until - at)
        case 8:
            data[at:until] = chance.choice(ODD_WORDS)
        case 9:
            _value(chance, data, at)
        case _:
            data.append(chance.choice(ODD_BYTES))


def _value(chance: random.Random, data: bytearray, at: int) -> None:
    """Put an odd word in the place of a value of a JSON object."""
    colon = data.find(b":", at)
    if colon < 0:
        return
    ends = [end for end in (data.find(b",", colon), data.find(b"}", colon)) if end >= 0]
    data[colon + 1 : min(ends, default=len(data))] = chance.choice(ODD_WORDS)
