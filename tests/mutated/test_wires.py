"""Mutated bytes from pumps and to simulated pumps: only the declared errors, and bounded memory."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.wire import Request
from pumpd.simulator.face import PumpFace
from pumpd.simulator.model import PumpModel
from tests import proof
from tests.mutated.memory import GROWS_AT_MOST_BYTES, resident_bytes
from tests.mutated.mutation import mutated
from tests.mutated.wires import Wire, framings, wires

pytestmark = [pytest.mark.requirement("HOSTILE-1"), pytest.mark.timeout(3600)]
SMALL, FULL = 500, 1_000_000
DECLARED = (WireError, DeviceRefusedError)
UNIT = 1
ASKED = 8
"""After so many questions another line asks: the examples bear the number of a line's first question."""
LINES = 64
"""After so many inputs the line is opened anew, as a link does after much noise."""


@pytest.mark.parametrize("name", sorted(framings()))
def test_a_framer_takes_any_bytes(name: str) -> None:
    """Asking end: what it finds is a reply or a declared error; it keeps no more than some frames."""
    inputs = proof.count(f"mutated inputs of the framer of {name}", SMALL, FULL)
    wire, chance = framings()[name], random.Random(proof.SEED)
    frames = [heard.frame for heard in wire.heard]
    framer = wire.framing.framer()
    before_bytes, found, discarded_bytes = resident_bytes(), 0, 0
    for number in range(inputs):
        request = wire.heard[number % len(wire.heard)].request
        framer.encode(request)
        data = mutated(chance, frames, words=False)
        cut = chance.randrange(len(data) + 1)
        for part in (data[:cut], data[cut:]):
            payload = framer.feed(part)
            if payload is not None:
                found += 1
                _parsed(request, payload)
        framer.give_up()
        framer.take_late()
        if number % ASKED == 0:
            framer.reset()
            discarded_bytes += framer.discarded_bytes
            framer = wire.framing.framer()
    assert resident_bytes() - before_bytes < GROWS_AT_MOST_BYTES
    assert discarded_bytes > inputs
    assert found > 0


@pytest.mark.parametrize("name", sorted(framings()))
def test_a_simulated_pump_takes_any_bytes(name: str) -> None:
    """Answering end: every question it finds is answered or, as the face may, met with silence."""
    inputs = proof.count(f"mutated inputs of the simulated pump's framer of {name}", SMALL, FULL)
    wire, chance = framings()[name], random.Random(proof.SEED)
    frames = [heard.sent for heard in wire.heard]
    server, face = wire.framing.server_framer(), pump_of(wire)
    before_bytes, found = resident_bytes(), 0
    for number in range(inputs):
        for question in server.feed(mutated(chance, frames, words=False)):
            if question.address == UNIT:
                with suppress(WireError):
                    server.encode(question, face.answer(question.payload))
                    found += 1
        if number % LINES == 0:
            server = wire.framing.server_framer()
    assert resident_bytes() - before_bytes < GROWS_AT_MOST_BYTES
    assert found > 0


@pytest.mark.parametrize("name", sorted(wires()))
async def test_a_driver_takes_any_payload(name: str) -> None:
    """Who is there and a whole reading, every answer mutated: values, or a declared error."""
    inputs = proof.count(f"mutated readings of {name}", SMALL, FULL)
    wire, chance = wires()[name], random.Random(proof.SEED)
    driver, line = wire.subject.spec.build(1), Mutating(wire, chance)
    before_bytes, read = resident_bytes(), 0
    for number in range(inputs):
        try:
            await (driver.identify(line) if number % 8 == 0 else driver.read(line))
            read += 1
        except DECLARED:
            continue
    assert resident_bytes() - before_bytes < GROWS_AT_MOST_BYTES
    assert read > 0


def pump_of(wire: Wire) -> PumpFace:
    """Return a simulated pump for which no time passes."""
    assert wire.subject.make_face is not None
    models = {str(name): PumpModel() for name in wire.subject.spec.channels}
    return wire.subject.make_face(models, "SIM-0001", "1.0", lambda: 0)


class Mutating:
    """A conversation in which most answers are mutated ones; nobody waits in it."""

    def __init__(self, wire: Wire, chance: random.Random) -> None:
        self._payloads = {heard.request: heard.payload for heard in wire.heard}
        self._all = [heard.payload for heard in wire.heard]
        self._chance = chance

    async def ask(self, request: Request[Any]) -> Any:
        good = self._payloads.get(request, self._all[0])
        if self._chance.random() < 0.5:
            return request.parse_reply(good)
        return request.parse_reply(mutated(self._chance, [good], words=False))


def _parsed(request: Request[object], payload: bytes) -> None:
    try:
        request.parse_reply(payload)
    except DECLARED:
        return
