"""Replies of every dialect with flipped bits, fed to the real framer: what passes, and what is then read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pumpd.drivers.registry import shipped
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.bcc_frame import PLAIN, frame_of, unstuffed
from pumpd.protocols.wire import Framer, Request
from pumpd.qa.conformance.rig import Rig, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import run_virtual
from tests import proof

CASES = {
    **{name: (name, 0) for name, spec in shipped().items() if spec.dialect is not None},
    "bbraun-bcc, not stuffed": ("bbraun-bcc", 0),
    "modbus-rtu (reference-pump)": ("reference-pump", 1),
}
"""Driver and framing; on Modbus TCP the sum of TCP keeps damage away."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Of so many frames with so many flipped bits."""

    tried: int
    taken: int
    """Taken for a reply with another content."""
    misread: int
    """And read as something else than what was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply as it travels, and what it means."""

    request: Request[object]
    frame: bytes
    payload: bytes
    meaning: object


def meaning(request: Request[object], payload: bytes) -> object:
    """Return what a payload says; None for no answer."""
    try:
        return request.parse_reply(payload)
    except DeviceRefusedError as error:
        return f"refused with {error.code}"
    except WireError:
        return None


def fed(framer: Framer, request: Request[object], data: bytes) -> bytes | None:
    """Return what a framer that has asked takes for the reply."""
    framer.encode(request)
    return framer.feed(data)


async def replies(on: Rig, *, plain: bool) -> list[Reply]:
    """Return the replies to all that one reading asks."""
    on.start()
    found = []
    for request in await on.questions():
        if request.permission.value != "read":
            continue
        server = on.framing.server_framer()
        (question,) = server.feed(on.framing.framer().encode(request))
        frame = server.encode(question, on.face.answer(question.payload))
        if plain:
            frame = frame_of(PLAIN + unstuffed(frame)[7:-6])
        payload = fed(on.framing.framer(), request, frame)
        assert payload is not None
        found.append(Reply(request, frame, payload, meaning(request, payload)))
    return found


def flipped(frame: bytes, bits: list[int]) -> bytes:
    """Return a frame with these bits flipped."""
    hurt = bytearray(frame)
    for bit in bits:
        hurt[bit // 8] ^= 1 << bit % 8
    return bytes(hurt)


def ways(frame: bytes, bits: int, tries: int, chance: random.Random) -> Iterator[list[int]]:
    """Yield bits to flip: every single one, or so many draws of several."""
    size = 8 * len(frame)
    if bits == 1:
        yield from ([bit] for bit in range(size))
    else:
        yield from (chance.sample(range(size), bits) for _ in range(tries))


async def damaged(name: str, tries: int) -> tuple[list[bytes], list[Passed]]:
    """Return the frames, and what passed with one, two and three flipped bits."""
    driver, framing = CASES[name]
    subject = subject_of(shipped()[driver])
    chance = random.Random(f"{proof.SEED} damage {name}")
    passed = []
    async with rig(subject, subject.framings[framing]) as on:
        said = await replies(on, plain="not stuffed" in name)
        for bits in (1, 2, 3):
            tried = taken = misread = 0
            for reply in said:
                for way in ways(reply.frame, bits, tries // len(said), chance):
                    payload = fed(on.framing.framer(), reply.request, flipped(reply.frame, way))
                    tried += 1
                    if payload is not None and payload != reply.payload:
                        taken += 1
                        read = meaning(reply.request, payload)
                        misread += read is not None and read != reply.meaning
            passed.append(Passed(tried, taken, misread))
        return [reply.frame for reply in said], passed


def measured(name: str, tries: int) -> tuple[list[bytes], list[Passed]]:
    """Return what ``damaged`` found, in virtual time."""
    return run_virtual(damaged(name, tries))
