"""Frames of Fresenius bases and pumps, and what each end owes the other for them.

Source: infupy 2022.1.11 (ISC), backends/fresenius.py: genFrame, parseReply and RecvThread.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

ACK: Final = b"\x06"
NAK: Final = b"\x15"
NAK_SUM: Final = NAK + b"2"
ENQ: Final = b"\x05"
"""Asked by the pump: is anybody there?"""
DC4: Final = b"\x14"
"""Yes."""
LONGEST: Final = 86
"""ACK, marks, an address, 80 characters and their sum."""
_FRAME: Final = re.compile(rb"\x06*\x02([^\x02\x03]{1,84})\x03")
_UNDECIDED: Final = re.compile(rb"\x06*\x02[^\x02\x03]*\Z|\x06+\Z|\x15\Z")


class Found(NamedTuple):
    """A frame between its marks."""

    bounds: tuple[int, int]
    text: bytes
    whole: bool
    """False where its sum or a character shows damage."""


def frame_of(text: bytes) -> bytes:
    """Return the whole frame: the sum is a ones' complement of 8 bits, in two capital digits."""
    return b"\x02%s%02X\x03" % (text, 0xFF - sum(text) % 256)


def frames(data: bytes) -> list[Found]:
    """Return all frames in order, the damaged ones too; the pump's ACK in front belongs to its reply."""
    found = []
    for each in _FRAME.finditer(data):
        text = each[1][:-2]
        whole = each[0].endswith(frame_of(text)) and all(0x20 <= byte < 0x7F for byte in text)
        found.append(Found(each.span(), text, whole))
    return found


def undecided(data: bytes) -> int:
    """Return where a frame may begin whose end is not there yet."""
    found = _UNDECIDED.search(data)
    return len(data) if found is None else found.start()


EXAMPLES: Final = (
    (b"0DC", "02 30 44 43 34 38 03"),
    (b"0C", "02 30 43 38 43 03"),
    (b"0LE;b", "02 30 4C 45 3B 62 41 31 03"),
    (b"1DC", "02 31 44 43 34 37 03"),
    (b"1LE;dr", "02 31 4C 45 3B 64 72 32 43 03"),
    (b"1C;d0019;r0001F4", "02 31 43 3B 64 30 30 31 39 3B 72 30 30 30 31 46 34 33 41 03"),
    (b"1MO;2", "02 31 4D 4F 3B 32 43 35 03"),
    (b"1PO", "02 31 50 4F 32 46 03"),
    (b"1I;01", "02 31 49 3B 30 31 45 39 03"),
    (b"1E;d0028", "02 31 45 3B 64 30 30 32 38 32 30 03"),
    (b"1E", "02 31 45 38 39 03"),
)
"""(text, frame), worked out by infupy's genFrame."""
