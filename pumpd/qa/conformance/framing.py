"""A dialect's framer against bytes as they may come: in pieces, behind noise, damaged, foreign, endless."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.wire import Framer, Request
from pumpd.qa.conformance.family import demand, family, same
from pumpd.qa.conformance.rig import SEED, Rig
from pumpd.qa.conformance.subject import Framing, Subject

NO_CHECK: Final = "no integrity check"
NOISES: Final = 40
GARBAGE_BYTES: Final = 1 << 16
BITS: Final = 2048
"""So many bits are flipped, one after the other: all of a frame of up to 256 bytes, these of a longer one."""
_CHUNK: Final = 509
_MOST_UNDECIDED: Final = 1024
"""Several longest frames of any dialect."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a fresh framer has put, and the simulated pump's frame in answer to it."""

    request: Request[object]
    framer: Framer
    frame: bytes
    foreign: bytes
    """The frame in which another pump of the line answers the same question of somebody else."""
    meaning: object
    """What the reply means when it arrives whole."""

    def takes(self, data: bytes, what: str) -> None:
        """Feed ``data``; demand the whole, true reply."""
        self.finds(self.framer.feed(data), what)

    def finds(self, payload: bytes | None, what: str) -> None:
        """Demand that a payload is the whole, true reply."""
        if payload is None:
            raise AssertionError(f"{what}: no reply to {self.request} was found")
        same(f"{what}: reply to {self.request}", _meaning(self.request, payload), self.meaning)


def _meaning(request: Request[object], payload: bytes) -> object:
    try:
        return request.parse_reply(payload)
    except DeviceRefusedError as error:
        return f"refused with {error.code}"


async def asked(on: Rig) -> AsyncIterator[Asked]:
    """Yield everything the driver asks, each with a fresh framer that has put it and awaits the reply."""
    for request in await on.questions():
        yield put(on, request)


def put(on: Rig, request: Request[object]) -> Asked:
    """Put one question with a framer of its own, and let the simulated pump answer it."""
    framer, server = on.framing.framer(), on.framing.server_framer()
    questions = server.feed(framer.encode(request))
    same(f"questions that the pump finds in {request}", len(questions), 1)
    frame = server.encode(questions[0], on.face.answer(questions[0].payload))
    foreign = on.line.foreign(questions[0], server)
    payload = framer.feed(frame)
    if payload is None or foreign is None:
        raise AssertionError(f"fed whole: no reply to {request} was found")
    fresh = on.framing.framer()
    fresh.encode(request)
    return Asked(request, fresh, frame, foreign, _meaning(request, payload))


@family("whole")
async def a_reply_is_found_whole_and_its_second_copy_is_dropped(on: Rig) -> None:
    """A reply is found in one piece; a second one behind it is not the answer to the next question."""
    async for one in asked(on):
        one.takes(one.frame + one.frame, "two at once")
        demand(one.framer.feed(b"") is None, f"the second copy answers {one.request} again")


@family("byte by byte")
async def a_reply_is_found_byte_by_byte(on: Rig) -> None:
    """A reply that comes in single bytes is found with its last one, not before."""
    async for one in asked(on):
        for byte in one.frame[:-1]:
            demand(one.framer.feed(bytes((byte,))) is None, f"a reply to {one.request} was found too early")
        one.takes(one.frame[-1:], "byte by byte")


@family("after noise")
async def noise_in_front_costs_nothing(on: Rig) -> None:
    """Behind up to 40 bytes of noise the reply is found."""
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not secret
    for size in range(1, NOISES + 1):
        noise = chance.randbytes(size)
        async for one in asked(on):
            demand(one.framer.feed(noise) is None, f"{noise.hex(' ')} was taken for a reply")
            one.takes(one.frame, f"behind {noise.hex(' ')}")


def no_address(subject: Subject, _: Framing) -> str:
    """Return why the reply of another pump can not be told from ours; empty where it can."""
    dialect = subject.spec.dialect
    if dialect is None or dialect.addressed:
        return ""
    return "replies carry no address: one pump on each line"


@family("after a foreign frame", missing=no_address)
async def a_foreign_frame_in_front_costs_nothing(on: Rig) -> None:
    """Behind another pump's reply to the same question, ours is found."""
    async for one in asked(on):
        one.takes(one.foreign + one.frame, "behind a foreign frame")


def _not_damaged(subject: Subject, framing: Framing) -> Iterable[str]:
    del subject
    return ("one bit",) if framing.can_be_damaged else ()


def _no_check(subject: Subject, _: Framing) -> str:
    card = subject.spec.card
    return f"{card.integrity}: damage can pass for another message" if card.integrity == NO_CHECK else ""


@family("after a damaged frame", _not_damaged, missing=_no_check)
async def a_damaged_frame_in_front_costs_nothing(on: Rig, _: str) -> None:
    """Behind a copy of the reply with one bit flipped, whichever it is, the good reply is found."""
    for request in await on.questions():
        frame = put(on, request).frame
        for bit in _bits(frame):
            one = put(on, request)
            one.takes(_flipped(one.frame, bit) + one.frame, f"behind a frame whose bit {bit} is flipped")


@family("flipped", _not_damaged, missing=_no_check)
async def a_flipped_bit_is_never_a_different_message(on: Rig, _: str) -> None:
    """With any one bit flipped, a reply is no reply, an error, or what it was."""
    for request in await on.questions():
        frame = put(on, request).frame
        for bit in _bits(frame):
            one = put(on, request)
            payload = one.framer.feed(_flipped(one.frame, bit))
            try:
                found = None if payload is None else _meaning(request, payload)
            except WireError:
                continue
            demand(
                payload is None or found == one.meaning, f"bit {bit} flipped in {request}: it reads {found}"
            )


def _bits(frame: bytes) -> Iterable[int]:
    size = 8 * len(frame)
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not secret
    return range(size) if size <= BITS else sorted(chance.sample(range(size), BITS))


def _flipped(frame: bytes, bit: int) -> bytes:
    return frame[: bit // 8] + bytes((frame[bit // 8] ^ 1 << bit % 8,)) + frame[bit // 8 + 1 :]


@family("garbage without end")
async def garbage_is_dropped_and_counted(on: Rig) -> None:
    """Of 64 KiB of garbage no more than 1 KiB is kept, the rest is counted; the reply behind it is found."""
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not secret
    async for one in asked(on):
        for _ in range(GARBAGE_BYTES // _CHUNK):
            demand(one.framer.feed(chance.randbytes(_CHUNK)) is None, "garbage was taken for a reply")
        kept = GARBAGE_BYTES // _CHUNK * _CHUNK - one.framer.discarded_bytes
        demand(kept <= _MOST_UNDECIDED, f"{kept} bytes of garbage are kept, allowed {_MOST_UNDECIDED}")
        one.takes(one.frame, "behind garbage")
