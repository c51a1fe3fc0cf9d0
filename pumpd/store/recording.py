"""A flight recording as a file: what a wire said and what was decided, one checked record after another.

A record is kind, length, monotonic time and a CRC of all of it. A file is a segment of a ring and can be read
without the others: its first record, the head, says all that a replay needs. Damage of the *file* is found by
the CRC and named with its place; damage on the *wire* lies inside a good record, just as it arrived.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from pumpd.document import read_bounded
from pumpd.errors import StoreError

MAGIC: Final = b"pumpdrec"
VERSION: Final = 1
FILE_HEAD: Final = MAGIC + VERSION.to_bytes(2, "big")
SUFFIX: Final = ".pumprec"
_HEAD: Final = struct.Struct(">BIQ")
_CRC: Final = struct.Struct(">I")
OVERHEAD_BYTES: Final = _HEAD.size + _CRC.size
MOST_PAYLOAD_BYTES: Final = 4 * 1024 * 1024
MOST_FILE_BYTES: Final = 1024 * 1024 * 1024
_CHANCE: Final = struct.Struct(">BBQ")
_US_NS: Final = 1000


class Kind(IntEnum):
    """What a record tells."""

    HEAD = 1
    """JSON: configuration, library, driver and state at the beginning of this segment."""
    OPENING = 2
    """The line is being opened."""
    OPENED = 3
    NOT_OPENED = 4
    """Text: why it could not be."""
    LOST = 5
    """Text: why the open line is gone."""
    CLOSED = 6
    """pumpd closed it."""
    OUT = 7
    """Bytes that pumpd wrote."""
    IN = 8
    """Bytes that arrived, as they arrived."""
    NOT_WRITTEN = 9
    """Text: why the bytes of the record before were not taken."""
    CHANCE = 10
    """One draw of chance, such as the jitter of a wait: who drew, how, and what came."""
    EVENT = 11
    """JSON, an ``EventPayload``: a transition of an alarm, a step of a restraint, a command."""
    TROUBLE = 12
    """JSON: a reading that did not come, with the kind and the words of the error."""
    STATE = 13
    """JSON: what a journal that opened late knew of a channel."""
    WALL = 14
    """The time of day in microseconds since 1970 (UTC); everything up to here was recorded."""
    GIVEN_UP = 15
    """How many bytes of records were given up before this one: the disk or its writer did not keep up."""
    PREAMBLE = 16
    """Records of an earlier segment: how the line was opened and the pump recognised."""
    END = 17
    """The daemon stopped in good order."""
    INFUSION = 18
    """JSON: a person changed an infusion: what came of it on one channel."""


_KINDS = range(Kind.HEAD, Kind.INFUSION + 1)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened."""

    number: int
    """1, 2, 3 ... in its file."""
    kind: Kind
    at_ns: int
    """On the monotonic clock of the boot that recorded it."""
    payload: bytes

    def text(self) -> str:
        """Return a payload of words."""
        return self.payload.decode("utf-8", "replace")

    def json(self) -> dict[str, Any]:
        """Return a payload of JSON; ValueError when it is no JSON object."""
        body = json.loads(self.payload)
        if not isinstance(body, dict):
            raise ValueError(f"record {self.number} ({self.kind.name}) is no JSON object")  # noqa: TRY004 - it came from a file
        return body

    def number_of(self) -> int:
        """Return a payload that is one number."""
        return int.from_bytes(self.payload, "big")

    def draw(self) -> tuple[int, str, int]:
        """Return a draw of chance: who drew, ``f`` or ``i``, and its 64 bits; ValueError when it is none."""
        if len(self.payload) != _CHANCE.size:
            raise ValueError(f"record {self.number} (CHANCE) is no draw of chance")
        who, how, bits = _CHANCE.unpack(self.payload)
        return who, chr(how), bits


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of the file that is no record."""

    records_count: int
    """How many good records stand before it."""
    offset_bytes: int
    n_bytes: int

    def __str__(self) -> str:
        return f"after record {self.records_count}, {self.n_bytes} bytes from byte {self.offset_bytes}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole file, read."""

    name: str
    records: tuple[Record, ...]
    damages: tuple[Damage, ...] = ()
    cut_bytes: int = 0
    """Bytes of an unfinished record at the end: the daemon was killed while it wrote."""

    @property
    def head(self) -> dict[str, Any]:
        """What the segment's first record says."""
        return self.records[0].json()

    @property
    def began_ns(self) -> int:
        """When it begins."""
        return self.records[0].at_ns

    @property
    def ended_ns(self) -> int:
        """Up to when everything is in it: records are handed to the disk in pieces that end with a mark."""
        mark = max(self.of(Kind.WALL, Kind.END), key=lambda record: record.number, default=self.records[0])
        return mark.at_ns if mark.kind is Kind.END else mark.at_ns - _US_NS

    def of(self, *kinds: Kind) -> Iterator[Record]:
        """Yield the records of these kinds, in order."""
        return (record for record in self.records if record.kind in kinds)


def encode(kind: Kind, at_ns: int, payload: bytes = b"") -> bytes:
    """Return one record as bytes."""
    head = _HEAD.pack(kind, len(payload), at_ns)
    return head + _CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


def encode_draw(source_index: int, how: str, bits: int) -> bytes:
    """Return the payload of a draw of chance."""
    return _CHANCE.pack(source_index, ord(how), bits)


def encode_json(value: object) -> bytes:
    """Return a payload of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def split(data: bytes, at: int = 0) -> tuple[list[Record], list[Damage], int]:
    """Return the records in ``data`` from byte ``at`` on, what is damaged, and how many bytes are cut off."""
    records: list[Record] = []
    damages: list[Damage] = []
    while at < len(data):
        found = _record(data, at, len(records) + 1)
        if found is not None:
            records.append(found)
            at += OVERHEAD_BYTES + len(found.payload)
            continue
        behind = _next(data, at + 1)
        if behind is None:
            if _unfinished(data, at):
                return records, damages, len(data) - at
            behind = len(data)
        damages.append(Damage(len(records), at, behind - at))
        at = behind
    return records, damages, 0


def read_recording(path: Path) -> Recording:
    """Return what ``path`` holds; StoreError when it is no recording, or one of a newer pumpd."""
    try:
        too_large = path.stat().st_size > MOST_FILE_BYTES
        data = b"" if too_large else read_bounded(path, MOST_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{path}: it can not be read: {reason}") from error
    if too_large:
        raise StoreError(f"{path}: this is no recording: no segment has more than {MOST_FILE_BYTES} bytes")
    return parse_recording(data, str(path))


def parse_recording(data: bytes, name: str) -> Recording:
    """Return what the bytes of a file hold; StoreError as ``read_recording``."""
    if not data.startswith(MAGIC):
        raise StoreError(f"{name}: this is no recording: it does not begin with {MAGIC.decode()}")
    version = int.from_bytes(data[len(MAGIC) : len(FILE_HEAD)], "big")
    if version != VERSION:
        raise StoreError(
            f"{name}: a recording of format {version}, and this pumpd reads format {VERSION}; "
            "use the pumpd that wrote it"
        )
    head = _record(data, len(FILE_HEAD), 1)
    if head is None or head.kind is not Kind.HEAD:
        raise StoreError(
            f"{name}: its head is damaged or missing, and nothing can be replayed without it; "
            "take the next segment of the same folder"
        )
    records, damages, cut_bytes = split(data, len(FILE_HEAD))
    return Recording(name, tuple(records), tuple(damages), cut_bytes)


def written(records: Iterator[Record]) -> bytes:
    """Return a whole file of these records."""
    return FILE_HEAD + b"".join(encode(r.kind, r.at_ns, r.payload) for r in records)


def _record(data: bytes, at: int, number: int) -> Record | None:
    if at + OVERHEAD_BYTES > len(data):
        return None
    kind, size, at_ns = _HEAD.unpack_from(data, at)
    begins = at + OVERHEAD_BYTES
    if kind not in _KINDS or size > MOST_PAYLOAD_BYTES or begins + size > len(data):
        return None
    payload = data[begins : begins + size]
    (crc,) = _CRC.unpack_from(data, at + _HEAD.size)
    if zlib.crc32(payload, zlib.crc32(data[at : at + _HEAD.size])) != crc:
        return None
    return Record(number, Kind(kind), at_ns, payload)


def _next(data: bytes, at: int) -> int | None:
    """Return where the next good record begins."""
    return next((place for place in range(at, len(data)) if _record(data, place, 0) is not None), None)


def _unfinished(data: bytes, at: int) -> bool:
    """Return whether the bytes from ``at`` can be the beginning of one record that was never finished."""
    if at + _HEAD.size > len(data):
        return True
    kind, size, _ = _HEAD.unpack_from(data, at)
    assert isinstance(kind, int)
    assert isinstance(size, int)
    return kind in _KINDS and at + OVERHEAD_BYTES + size > len(data)
