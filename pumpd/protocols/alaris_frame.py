"""Frames and codes of Alaris / Asena pumps: all that is worked out with their CRC.

Source: frames and codes recorded from pumps by OpenICE and MDDT (BSD-2), devices/alaris.
"""

from __future__ import annotations

import re
from typing import Final

from pumpd.protocols.checksums import crc16_ccitt
from pumpd.protocols.framed import Span

_FRAME: Final = re.compile(rb"!([^!|\r\x1b]{1,160})\|([0-9A-F]{4})\r")


def frame_of(body: bytes) -> bytes:
    """Return the whole frame of a message."""
    return b"!%s|%04X\r" % (body, crc16_ccitt(body, 0xFFFF))


def first_message(data: bytes) -> Span | None:
    """Return the first whole, undamaged message."""
    for found in _FRAME.finditer(data):
        if b"%04X" % crc16_ccitt(found[1], 0xFFFF) == found[2]:
            return Span(found.span(), found[1])
    return None


def code_of(serial_number: str) -> str:
    """Return the code of remote control, which anybody on the line can work out."""
    return f"{crc16_ccitt(serial_number.encode(), 0xFFFF):04X}"


EXAMPLES: Final = (("8002-51740", "3CC1"), ("8002-51733", "9535"))
"""(serial number, code of remote control) as recorded."""
