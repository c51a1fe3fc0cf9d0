"""Frames of Zyno pumps: STX, text, two hex digits of check, ETX.

Source: pyZynoUnifiedDrivers 0.0.9 (MIT, Zyno Medical), the maker's own client: build_message in
miva/module_miva.py and crc_checksum in miva/module_utils.py.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Final

from pumpd.protocols.framed import Span

Check = Callable[[bytes], int]

_FRAME: Final = re.compile(rb"\x02([ -~]{1,44})([0-9A-F]{2})\x03")


def summed(text: bytes) -> int:
    """Return the check of MIVA, Nimbus II and CAPS."""
    return sum(text) & 0xFF


def xored(text: bytes) -> int:
    """Return the check of "Nimbus unified H"."""
    return reduce(operator.xor, text, 0)


def frame_of(text: bytes, check: Check) -> bytes:
    """Return the whole frame of a text."""
    return b"\x02%s%02X\x03" % (text, check(text))


def first_frame(data: bytes, check: Check) -> Span | None:
    """Return the first whole, undamaged frame."""
    for found in _FRAME.finditer(data):
        if b"%02X" % check(found[1]) == found[2]:
            return Span(found.span(), found[1])
    return None


EXAMPLES: Final = (
    ("RN", bytes.fromhex("02 52 4E 41 30 03")),
    ("Q5", bytes.fromhex("02 51 35 38 36 03")),
    ("WT02", bytes.fromhex("02 57 54 30 32 30 44 03")),
    ("WT01", bytes.fromhex("02 57 54 30 31 30 43 03")),
)
"""(text, frame) as the client writes it, with the sum."""
