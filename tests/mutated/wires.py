"""What every installed driver says and hears on each of its wires: the valid examples of mutations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pumpd.drivers.registry import installed
from pumpd.protocols.wire import Request
from pumpd.qa.conformance.framing import put
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import Framing, Subject, subject_of
from pumpd.qa.virtual_time import run_virtual


@dataclass(frozen=True, slots=True)
class Heard:
    """One exchange: the question, its frame, and the frame and payload that answer it."""

    request: Request[object]
    sent: bytes
    frame: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """One driver on one of its wires."""

    subject: Subject
    framing: Framing
    heard: tuple[Heard, ...]


@cache
def wires() -> Mapping[str, Wire]:
    """Return each driver on each wire, by ``driver, framing``."""
    found: dict[str, Wire] = {}
    for name, spec in installed().items():
        subject = subject_of(spec)
        if subject.make_face is None:
            continue
        for framing in subject.framings:
            found[f"{name}, {framing.name}"] = Wire(subject, framing, _heard(subject, framing))
    return found


def framings() -> Mapping[str, Wire]:
    """Return one wire of each framing, with what all drivers say on it."""
    found: dict[str, Wire] = {}
    for wire in wires().values():
        before = found.get(wire.framing.name)
        heard = wire.heard if before is None else before.heard + wire.heard
        found[wire.framing.name] = Wire(wire.subject, wire.framing, heard)
    return found


def _heard(subject: Subject, framing: Framing) -> tuple[Heard, ...]:
    async def listen() -> tuple[Heard, ...]:
        found: list[Heard] = []
        async with rig(subject, framing) as on:
            on.start()
            for request in await on.questions():
                frame = put(on, request).frame
                framer = framing.framer()
                sent = framer.encode(request)
                payload = framer.feed(frame)
                assert payload is not None
                found.append(Heard(request, sent, frame, payload))
        return tuple(found)

    return run_virtual(listen())
