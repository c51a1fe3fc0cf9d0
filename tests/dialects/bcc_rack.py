"""A rack of simulated B. Braun pumps under the driver, with what was sent and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pumpd.core.telemetry import ChannelId
from pumpd.drivers.registry import find
from pumpd.qa.conformance.rig import Over, Rig, in_memory, rig
from pumpd.qa.conformance.subject import subject_of

RACK = ("11", "12", "2A")


@asynccontextmanager
async def rack(
    *places: str, baud: int | None = None, over: Over = in_memory, stuffs: bool = True
) -> AsyncIterator[Rig]:
    """Give a rack with pumps in these places, three by default; without ``baud`` on a network."""
    spec = find("bbraun-bcc").watching(tuple(ChannelId(place) for place in places or RACK))
    subject = subject_of(spec)
    async with rig(subject, replace(subject.framings[0], baud=baud), over) as on:
        face: Any = on.face
        face.stuffs = stuffs
        yield on


def overheard(on: Rig) -> list[tuple[float, bytes]]:
    """Return the list in which from now on everything stands that is sent, with its time."""
    sent: list[tuple[float, bytes]] = []
    wire: Any = on.bus.link._transport
    write: Callable[[bytes], None] = wire.write

    def written(data: bytes) -> None:
        sent.append((asyncio.get_running_loop().time(), data))
        write(data)

    wire.write = written
    return sent
