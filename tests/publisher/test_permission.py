"""Whose commands are taken: by key, role and ward; what is replayed, altered or foreign is not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.contract.payloads import ReplyPayload
from pumpd.contract.roles import MAY_ASK, Role
from pumpd.contract.topics import Topics
from pumpd.core.quantities import NS_PER_S
from pumpd.daemon.commands import Commands
from pumpd.daemon.permission import NotAllowedError, Permission, TrustedDashboard
from pumpd.daemon.refusals import AT_ONCE
from pumpd.mqtt import Incoming
from pumpd.qa.seeded_keys import seeded_signer
from tests.publisher.node import SIGNER, Asked, SetClock, ward_of
from tests.publisher.test_commands import NOW_MS, acknowledge, pause

pytestmark = pytest.mark.requirement("KEY-1")
TOPIC = Topics("clinic").command("ward-a", "acknowledge")
OTHER = seeded_signer("d2")
STRANGER = seeded_signer("stranger")
DASHBOARDS = (
    TrustedDashboard("d1", (SIGNER.public,)),
    TrustedDashboard("d2", (OTHER.public,), frozenset({Role.ENGINEER}), frozenset({"clinic"})),
)


class Gate:
    """A daemon that trusts two dashboards, and the bytes that reach it."""

    def __init__(self) -> None:
        self.clock = SetClock(NOW_MS * 1_000_000)
        self.asked = Asked()
        self.known: set[str] = set()
        self.replies: list[ReplyPayload] = []
        self.permission = Permission(DASHBOARDS)
        self.ward = ward_of(2, self.clock)
        self.commands = Commands(
            self.ward, self.asked, self.known.__contains__, self.clock, self.replies.append, self.permission
        )

    async def take(self, message: bytes, topic: str = TOPIC) -> None:
        self.commands.take(Incoming(topic, message, False))
        for _ in range(10):
            await asyncio.sleep(0)

    async def refusal(self, message: bytes, topic: str = TOPIC, more: int = 0) -> str:
        """Return why it is refused, once it is certain that it was answered, written down and not done."""
        done, written = len(self.asked.done), len(self.asked.written)
        await self.take(message, topic)
        assert len(self.asked.done) == done
        assert not self.replies[-1].accepted
        assert len(self.asked.written) == written + 1
        assert self.replies[-1].reason in self.asked.written[-1][0]
        return self.replies[-1].reason


def good(**given: Any) -> bytes:
    return SIGNER.sign(TOPIC, json.dumps(acknowledge(**given)))


async def test_an_unsigned_command_has_no_effect():
    """There is no way in without a signature: the payload alone is refused."""
    gate = Gate()
    await gate.take(json.dumps(acknowledge()).encode())
    assert gate.asked.done == []
    assert gate.replies == []
    assert "not signed" in gate.asked.written[0][0]


async def test_a_foreign_signed_command_is_refused_and_journalled():
    """A key that the daemon does not know opens nothing, whatever it says of itself."""
    gate = Gate()
    assert "does not know" in await gate.refusal(STRANGER.sign(TOPIC, json.dumps(acknowledge())))
    assert gate.asked.written[0][1] == "", "nobody's name is written down on the word of a stranger"


@given(at=st.integers(0, len(good()) - 1), bit=st.integers(0, 7))
def test_an_altered_command_is_refused(at, bit):
    """Whichever bit is turned on the way: it is refused, or it says what was signed all the same."""
    message = bytearray(good())
    message[at] ^= 1 << bit
    gate = Gate()
    asyncio.run(gate.take(bytes(message)))
    if gate.asked.done:
        counts = ("command", "signature", "key")
        read, was = json.loads(bytes(message)), json.loads(good())
        assert [read[key] for key in counts] == [was[key] for key in counts]


async def test_an_altered_command_is_answered_and_journalled():
    """Who turns "PUMP-01" into "PUMP-02" on the way is refused, and the journal says so."""
    gate = Gate()
    assert "altered" in await gate.refusal(good().replace(b"PUMP-01", b"PUMP-02"))


@pytest.mark.parametrize(
    "topic",
    [
        Topics("clinic").command("ward-b", "acknowledge"),
        Topics("hospital").command("ward-a", "acknowledge"),
        Topics("clinic").command("ward-a", "resume-audio"),
    ],
    ids=["node", "site", "verb"],
)
async def test_a_command_holds_for_one_site_node_and_verb(topic):
    """Caught and sent to another daemon, hospital or verb, its signature does not hold."""
    gate = Gate()
    assert "signature does not hold" in await gate.refusal(good(), topic)


async def test_a_replay_after_its_time_is_refused_and_journalled():
    """What was carried out lies in nobody's hands as a second request."""
    gate = Gate()
    await gate.take(good())
    assert gate.replies[-1].accepted
    gate.clock.mono_ns += 6 * NS_PER_S
    assert "no second effect" in await gate.refusal(good())


async def test_a_replay_in_another_boot_is_refused_and_journalled():
    """After a restart the node's clock counts anew; the boot id says that it is another one."""
    gate = Gate()
    assert "restarted" in await gate.refusal(good(boot_id="older"))


async def test_an_expired_command_is_refused_and_journalled():
    """It held for seconds of the node's own clock, which nobody else can set."""
    gate = Gate()
    gate.clock.mono_ns += 6 * NS_PER_S
    assert "expired" in await gate.refusal(good())


@pytest.mark.parametrize("other", [good(revision=2), good(user="Somebody Else")], ids=["content", "user"])
async def test_an_id_is_used_once(other):
    """The same id with other content is another request, and is refused as that."""
    gate = Gate()
    await gate.take(good())
    assert "another request" in await gate.refusal(other)
    assert len(gate.asked.done) == 1


async def test_an_id_of_the_journal_is_not_used_again_in_this_run():
    """Also when its answer is no longer kept: what the journal knows is not told as done again."""
    gate = Gate()
    gate.known.add("c-000001")
    assert "carried out before" in await gate.refusal(good())


async def test_another_dashboards_name_is_no_disguise():
    """A dashboard that is trusted signs as itself and as nobody else."""
    gate = Gate()
    said = acknowledge(dashboard="d1", role="engineer")
    assert "signed by d2" in await gate.refusal(OTHER.sign(TOPIC, json.dumps(said)))


@pytest.mark.parametrize("verb", sorted(MAY_ASK))
@pytest.mark.parametrize("role", sorted(Role))
def test_each_verb_is_for_its_roles(verb, role):
    """The table decides, for every verb and every role, in the daemon itself."""
    from pumpd.contract.verbs import VERBS

    command = VERBS[verb].model_construct(dashboard="d1", user="Ann", role=role, wards=[])
    ward = ward_of(1, SetClock())
    if role in MAY_ASK[verb]:
        Permission.allow(DASHBOARDS[0], verb, command, ward)
    else:
        with pytest.raises(NotAllowedError, match=f"{verb} is not for the role {role.value}"):
            Permission.allow(DASHBOARDS[0], verb, command, ward)


async def test_a_dashboard_speaks_only_for_the_roles_it_was_given():
    """One that was taken over can not make itself a nurse."""
    gate = Gate()
    topic = TOPIC.replace("acknowledge", "pause-pump")
    said = json.dumps(pause(dashboard="d2"))
    assert "may not speak for the role nurse" in await gate.refusal(OTHER.sign(topic, said), topic)


async def test_a_dashboard_speaks_only_of_its_wards_and_a_person_only_of_hers():
    """The ward is the pump's own, as the daemon knows it; nothing that is sent names it."""
    gate = Gate()
    live = gate.ward.pumps["PUMP-02", "1"]  # type: ignore[index]
    live.place = type(live.place)("2", "icu", "", "reference-pump", "none", "modbus-tcp://127.0.0.1/1")
    theirs = acknowledge(pump="PUMP-02", dashboard="d2", role="engineer")
    assert "in the ward icu" in await gate.refusal(OTHER.sign(TOPIC, json.dumps(theirs)))
    hers = good(pump="PUMP-02", id="c-000002", wards=["clinic"])
    assert "which is not of B. Keller" in await gate.refusal(hers)
    await gate.take(good(pump="PUMP-02", id="c-000003", wards=["icu"]))
    assert gate.replies[-1].accepted


@pytest.mark.parametrize("ward", ["clіnic", "CLINIC", "clinic ", "clinic\u200b"])
async def test_a_ward_that_only_looks_the_same_is_another(ward):
    """A letter of another alphabet, another case or an unseen mark gives nobody a ward."""
    gate = Gate()
    await gate.take(good(wards=["other", ward]))
    assert gate.replies[-1].accepted is (ward.strip() == "clinic" and ward.isascii())


async def test_the_nodes_own_alarms_are_for_any_ward_that_it_watches():
    """Who may act in none of them may not answer for the node either."""
    gate = Gate()
    assert "watches no ward of" in await gate.refusal(good(pump=None, channel=None, wards=["icu"]))
    await gate.take(good(pump=None, channel=None, id="c-000002", wards=["icu", "clinic"]))
    assert gate.replies[-1].accepted


@pytest.mark.parametrize(
    "spoilt",
    [
        good().replace(b'"key":', b'"key":"0000000000000000","key":'),
        SIGNER.sign(TOPIC, json.dumps(acknowledge()).replace('"user"', '"user": "Eve", "user"')),
    ],
    ids=["outside", "inside"],
)
async def test_a_key_that_stands_twice_is_refused(spoilt):
    """Two readers might take it in two ways."""
    gate = Gate()
    await gate.take(spoilt)
    assert gate.asked.done == []
    assert "stands twice" in gate.asked.written[0][0]


async def test_a_signature_has_one_spelling():
    """S plus the order of the group is the same signature in a lax reader's eyes, and none in ours."""
    order = 2**252 + 27742317777372353535851937790883648493
    message = json.loads(good())
    raw = bytes.fromhex(message["signature"])
    longer = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    gate = Gate()
    for signature in (longer.hex(), message["signature"].upper(), message["signature"] + "\n"):
        await gate.take(json.dumps(message | {"signature": signature}).encode())
    assert gate.asked.done == []
    assert len(gate.asked.written) == 3


async def test_two_keys_hold_while_one_takes_the_others_place_and_a_removed_one_holds_no_more():
    """Rotation has no gap, and what is taken from the configuration is refused from the next command on."""
    gate, coming = Gate(), seeded_signer("d1 anew")
    coming.dashboard = "d1"
    gate.permission.trust([TrustedDashboard("d1", (SIGNER.public, coming.public))])
    await gate.take(good())
    await gate.take(coming.sign(TOPIC, json.dumps(acknowledge(id="c-000002"))))
    assert [reply.accepted for reply in gate.replies] == [True, True]
    gate.permission.trust([TrustedDashboard("d1", (coming.public,))])
    assert "does not know" in await gate.refusal(good(id="c-000003"))
    assert "does not know" in await gate.refusal(good())


async def test_a_flood_of_strangers_fills_neither_journal_nor_network():
    """So many refusals a minute are written down and answered; the next one tells how many were not."""
    gate = Gate()
    flood = AT_ONCE * 5
    for number in range(flood):
        await gate.take(STRANGER.sign(TOPIC, json.dumps(acknowledge(id=f"c-{number:06}"))))
    assert len(gate.asked.written) == len(gate.replies) == AT_ONCE
    assert gate.commands.counts.refused_count == flood
    assert gate.commands.counts.dropped_count == flood - AT_ONCE
    await gate.take(good(id="d-000001"))
    assert gate.replies[-1].accepted, "who is known is heard all the same"
    gate.clock.mono_ns += 60 * NS_PER_S
    await gate.take(STRANGER.sign(TOPIC, json.dumps(acknowledge())))
    assert f"{flood - AT_ONCE} more were refused" in gate.asked.written[-1][0]


async def test_what_a_stranger_wrote_is_one_plain_line_in_the_journal():
    """No line break, no mark that turns the text round, and no more than fits."""
    gate = Gate()
    await gate.take(b"{}", TOPIC.replace("acknowledge", "a\u202e\n" + "x" * 500))
    ((detail, _),) = gate.asked.written
    assert detail.isprintable()
    assert len(detail) <= 300
