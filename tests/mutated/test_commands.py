"""Mutated commands from the broker: each is answered or counted, and nothing piles up."""

from __future__ import annotations

import asyncio
import json
import random
from json.encoder import encode_basestring_ascii

import pytest

from pumpd.contract.envelope import SignedPayload
from pumpd.contract.payloads import ReplyPayload
from pumpd.contract.topics import Topics
from pumpd.contract.verbs import VERBS
from pumpd.daemon.commands import Commands
from pumpd.daemon.permission import Permission, TrustedDashboard
from pumpd.mqtt import Incoming
from tests import proof
from tests.mutated.commands import ID, MORE, valid
from tests.mutated.memory import GROWS_AT_MOST_BYTES, resident_bytes
from tests.mutated.mutation import mutated
from tests.publisher.node import SIGNER, TRUSTED, Asked, SetClock, ward_of

pytestmark = [pytest.mark.requirement("HOSTILE-1", "MQTT-3"), pytest.mark.timeout(3600)]
SMALL, FULL = 150, 1_000_000
NOW_MS = 1_000_000
TOPICS = Topics("clinic")
SETTLE_EVERY = 32
"""Fewer than may be under way at a time."""


class Credulous(Permission):
    """Takes every envelope for one of its dashboard's: what is in it is to be judged, a million times."""

    def signer(self, topic: str, envelope: SignedPayload) -> TrustedDashboard:
        return TrustedDashboard("d1", (SIGNER.public,))


class Far(Asked):
    """Carries everything out at once and remembers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.carried_out_count = 0

    def forget(self) -> None:
        self.carried_out_count += len(self.done)
        self.done.clear()
        self.written.clear()


async def taken(verb: str, messages: int, permission: Permission, sealed: bool) -> None:
    """Mutate the command within its envelope, or (``sealed``) the whole message."""
    chance, far = random.Random(f"{proof.SEED}{verb}"), Far()
    replies = 0

    def reply(_: ReplyPayload) -> None:
        nonlocal replies
        replies += 1

    clock = SetClock(NOW_MS * 1_000_000)
    commands = Commands(ward_of(2, clock), far, lambda _: False, clock, reply, permission)
    topic = TOPICS.command("ward-a", verb)
    texts = [valid(each, NOW_MS + 5000) for each in (verb, *MORE)]
    whole = [SIGNER.sign(topic, text) for text in texts]
    plain = [text.encode() for text in texts]
    before, after = json.dumps(json.loads(whole[0]) | {"command": "%"}).split('"%"')
    before_bytes = resident_bytes()
    for number in range(messages):
        if sealed:
            payload = mutated(chance, whole, words=True)
        else:
            some = plain[:1] if number % 4 else plain
            text = mutated(chance, some, words=True).decode("utf-8", "replace")
            command = text.replace(ID, f"c-{number:06}")  # else only the first of them were carried out
            payload = (before + encode_basestring_ascii(command) + after).encode()
        commands.take(Incoming(topic, payload, retained=number % 97 == 0))
        if number % SETTLE_EVERY == 0:
            await settle(far)
    await settle(far)
    await commands.close()
    counts = commands.counts
    assert counts.accepted_count + counts.refused_count >= 0.99 * messages
    assert resident_bytes() - before_bytes < GROWS_AT_MOST_BYTES
    assert sealed or far.carried_out_count > 0, "some mutated commands are still good ones"
    assert replies > 0


async def settle(far: Far) -> None:
    """Let what was accepted be carried out and answered."""
    for _ in range(5):
        await asyncio.sleep(0)
    far.forget()


@pytest.mark.parametrize("verb", sorted(VERBS))
async def test_a_command_takes_any_text(verb: str) -> None:
    """Behind the signature: whatever the text says, it is carried out, refused in words, or counted."""
    messages = proof.count(f"mutated commands {verb}", SMALL, FULL)
    await taken(verb, messages, Credulous(()), sealed=False)


async def test_an_envelope_takes_any_bytes() -> None:
    """In front of the signature: nothing that was altered is carried out, and nothing crashes."""
    messages = proof.count("mutated signed messages", SMALL, FULL)
    await taken("acknowledge", messages, TRUSTED, sealed=True)
