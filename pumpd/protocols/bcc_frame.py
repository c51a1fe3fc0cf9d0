"""Frames of B. Braun's BCC: length, sum, and the stuffing of two letters.

Source: B. Braun, Technical Interface Specification BCC, I0022_000030 v4.0 (2019).

``SOH LLLLL STX bed/1/1>text ETX|ETB CCCCC EOT``: the length is of all, the sum of all before it, modulo 256,
both in five decimal digits and of the message before stuffing, which can be switched off in the ComDevice.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

ACK: Final = b"\x06"
NAK: Final = b"\x15"
LAST: Final = b"\x03"
"""ETX ends the last block of a reply."""
MORE: Final = b"\x17"
"""ETB ends a block behind which others follow."""
PLAIN: Final = b"\x00"
"""In front of a message, not on the wire: it travels without stuffing."""
_FRAME: Final = re.compile(rb"\x01[0-9]{5}\x02[^\x01\x02\x04]+\x04")
_STUFFED: Final = {b"D": b"EX", b"E": b"EE", b"d": b"ex", b"e": b"ee"}
_PLAIN: Final = {pair: letter for letter, pair in _STUFFED.items()}
_HEAD: Final = 7
_TAIL: Final = 6


class Found(NamedTuple):
    """One frame in a stream."""

    bounds: tuple[int, int]
    message: bytes
    """What it carries, with PLAIN in front if it was not stuffed; empty when it is damaged."""


def stuffed(data: bytes) -> bytes:
    """Return what travels: neither D nor d is left in it."""
    return re.sub(rb"[DEde]", lambda found: _STUFFED[found[0]], data)


def unstuffed(data: bytes) -> bytes:
    """Return what was stuffed, in one pass from the front: ``EEX`` is EX."""
    return re.sub(rb"E[EX]|e[ex]", lambda found: _PLAIN[found[0]], data)


def frame_of(message: bytes) -> bytes:
    """Return the whole frame of ``bed/1/1>text`` and its end mark."""
    body = message.removeprefix(PLAIN)
    summed = b"\x01%05d\x02%s" % (len(body) + _HEAD + _TAIL, body)
    whole = b"%s%05d\x04" % (summed, sum(summed) % 256)
    return whole if body is not message else stuffed(whole)


def first_frame(data: bytes, start: int = 0) -> Found | None:
    """Return the first frame from ``start`` on, good or damaged."""
    found = _FRAME.search(data, start)
    if found is None:
        return None
    raw = found[0]
    plain = unstuffed(raw)
    if _good(plain) and stuffed(plain) == raw:
        return Found(found.span(), plain[_HEAD:-_TAIL])
    return Found(found.span(), PLAIN + raw[_HEAD:-_TAIL] if _good(raw) else b"")


def begun(data: bytes) -> int:
    """Return where a frame begins whose end is not there yet; ``len(data)`` for nowhere."""
    at = data.rfind(b"\x01")
    head = data[at : at + _HEAD]
    whole = re.fullmatch(rb"\x01[0-9]{0,5}|\x01[0-9]{5}\x02", head)
    return at if at >= 0 and whole and not {2, 4} & {*data[at + _HEAD :]} else len(data)


def _good(whole: bytes) -> bool:
    ends = whole[-_TAIL - 1 : -_TAIL] in {LAST, MORE}
    return ends and (int(whole[1:6]), whole[-_TAIL:]) == (
        len(whole),
        b"%05d\x04" % (sum(whole[:-_TAIL]) % 256),
    )


EXAMPLES: Final = (
    (b"1/1/1>ADMIN:ALIVE", 31, 61),
    (b"SpaceCOM/1/1>206,50100,GNACK,0", 44, 109),
    (b"SpaceCOM/1/1>ADMIN:VERSION", 40, 140),
    (b"SpaceCOM/1/1>207,50100,V3.30", 42, 198),
    (b"SpaceCOM/1/1>MEM:GET", 34, 191),
    (b"SpaceCOM/1/1>624,50100,GNACK,0", 44, 113),
    (b"SpaceCOM/1/1>626,50100,V3.30", 42, 203),
    (b"SpaceCOM/1/1>MEM:GETSLOT#13", 41, 134),
)
"""(message, length, sum) as the specification prints them.

It prints the bed id as "ComSystem", which fits none of them; with "SpaceCOM" all seven come out.
"""
STUFFED: Final = b"\x0100031\x021/1/1>AEXMIN:ALIVEE\x0300061\x04"
"""The first of them as it travels with stuffing: worked out, not printed."""
