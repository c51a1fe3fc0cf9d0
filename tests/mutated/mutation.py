"""Seeded mutations of valid bytes: what is nearly right finds what noise never reaches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import log

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
TIMES = (1, 1, 2, 50)
"""How often a piece is repeated."""
MOST_BYTES = 65_536
"""Nothing grows beyond it, however often it was mutated."""


def mutated(chance: random.Random, valid: Sequence[bytes], words: bool) -> bytes:
    """Return one of ``valid`` with 1 to 4 mutations; ``words``: also such as only text knows."""
    drawn = chance.random
    data = bytearray(valid[int(drawn() * len(valid))])
    for _ in range(1 + (drawn() < 0.5) + 2 * (drawn() < 0.1)):
        _mutate(chance, data, valid, words)
    return bytes(data[:MOST_BYTES])


def _mutate(chance: random.Random, data: bytearray, valid: Sequence[bytes], words: bool) -> None:
    drawn = chance.random  # several times as quick as randrange() and choice(), and as good here
    size = len(data)
    at = int(drawn() * (size + 1))
    until = min(size, at + 1 + int(-5 * log(1 - drawn())))
    match int(drawn() * (10 if words else 8)):
        case 0 if at < size:
            data[at] ^= 1 << int(drawn() * 8)
        case 1 if at < size:
            data[at] = ODD_BYTES[int(drawn() * len(ODD_BYTES))]
        case 2:
            data[at:at] = chance.randbytes(1 + int(-10 / 3 * log(1 - drawn())))
        case 3:
            del data[at:until]
        case 4:
            data[at:at] = data[at:until] * TIMES[int(drawn() * len(TIMES))]
        case 5:
            del data[at:]
        case 6:
            other = valid[int(drawn() * len(valid))]
            data[at:] = other[int(drawn() * (len(other) + 1)) :]
        case 7:
            data[at:until] = chance.randbytes(until - at)
        case 8:
            data[at:until] = ODD_WORDS[int(drawn() * len(ODD_WORDS))]
        case 9:
            _value(chance, data, at)
        case _:
            data.append(ODD_BYTES[int(drawn() * len(ODD_BYTES))])


def _value(chance: random.Random, data: bytearray, at: int) -> None:
    """Put an odd word in the place of a value of a JSON object."""
    colon = data.find(b":", at)
    if colon < 0:
        return
    ends = [end for end in (data.find(b",", colon), data.find(b"}", colon)) if end >= 0]
    word = ODD_WORDS[int(chance.random() * len(ODD_WORDS))]
    data[colon + 1 : min(ends, default=len(data))] = word
