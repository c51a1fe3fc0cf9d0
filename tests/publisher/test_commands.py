"""Requests over the network: checked, carried out once, and always answered or counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.contract.envelope import digest_of
from pumpd.contract.payloads import ReplyPayload
from pumpd.contract.topics import Topics
from pumpd.contract.verbs import VERBS
from pumpd.core.acceptance import Accept
from pumpd.core.conditions import ConditionId
from pumpd.core.inactivation import PauseAudio, ResumeAudio, Shelve, Unshelve
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Acknowledge
from pumpd.daemon.commands import ANSWERS_KEPT, UNDER_WAY, Commands
from pumpd.errors import StoreError, TransportError
from pumpd.mqtt import Incoming
from tests import proof
from tests.publisher.node import SIGNER, TRUSTED, Asked, SetClock, ward_of

pytestmark = pytest.mark.requirement("MQTT-3")
TOPICS = Topics("clinic")
NOW_MS = 1_000_000


class Desk:
    """The far and the near end of commands, without a network."""

    def __init__(self) -> None:
        self.clock = SetClock(NOW_MS * 1_000_000)
        self.asked = Asked()
        self.known: set[str] = set()
        self.replies: list[ReplyPayload] = []
        self.commands = Commands(
            ward_of(1, self.clock),
            self.asked,
            self.known.__contains__,
            self.clock,
            self.replies.append,
            TRUSTED,
        )

    def send(self, verb: str, payload: object, *, retained: bool = False) -> None:
        """Send ``payload``, signed; bytes go out as they are."""
        topic = TOPICS.command("ward-a", verb)
        said = payload if isinstance(payload, bytes) else SIGNER.sign(topic, json.dumps(payload))
        self.commands.take(Incoming(topic, said, retained))

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def answer(self, verb: str, payload: object, *, retained: bool = False) -> ReplyPayload:
        """Return the one reply to a command."""
        before = len(self.replies)
        self.send(verb, payload, retained=retained)
        await self.settle()
        assert len(self.replies) == before + 1
        return self.replies[-1]


def acknowledge(**given: Any) -> dict[str, Any]:
    return {
        "id": "c-000001",
        "dashboard": "d1",
        "user": "B. Keller",
        "role": "nurse",
        "boot_id": "boot",
        "expires_ms": NOW_MS + 5000,
        "pump": "PUMP-01",
        "channel": "1",
        "condition": "over-hard",
        "revision": 1,
        **given,
    }


def pause(**given: Any) -> dict[str, Any]:
    made = acknowledge(reason="too fast", **given)
    del made["condition"], made["revision"]
    return made


async def test_a_good_command_is_carried_out_and_answered():
    """What reaches the daemon is what was asked, with the name of who asked."""
    desk = Desk()
    said = acknowledge(user=" B. Keller ")
    of = digest_of(SIGNER.sign(TOPICS.command("ward-a", "acknowledge"), json.dumps(said)))
    reply = await desk.answer("acknowledge", said)
    assert reply == ReplyPayload(id="c-000001", of=of, accepted=True)
    assert (await desk.answer("acknowledge", acknowledge(id="c-000002", pump=None, channel=None))).accepted
    assert (await desk.answer("pause-pump", pause(id="c-000003"))).accepted
    over = ConditionId.OVER_HARD
    assert desk.asked.done == [
        ("say", "PUMP-01", "1", Acknowledge(over, 1, "B. Keller"), "c-000001"),
        ("say", None, None, Acknowledge(over, 1, "B. Keller"), "c-000002"),
        ("pause-pump", "PUMP-01", "1", "B. Keller", "too fast", "c-000003"),
    ]


async def test_what_is_asked_of_an_alarm_reaches_the_core_as_it_was_asked():
    """Audio pause and shelf, and the end of each, with all that the core needs."""
    desk = Desk()
    seen, unseen = acknowledge(), acknowledge()
    del unseen["revision"]
    over, by = ConditionId.OVER_HARD, "B. Keller"
    wanted = {
        "pause-audio": ({**seen, "for_s": 120}, PauseAudio(over, 1, by, 120)),
        "resume-audio": (unseen, ResumeAudio(over, by)),
        "shelve": ({**seen, "for_s": 1800, "reason": " at lunch "}, Shelve(over, 1, by, 1800, "at lunch")),
        "unshelve": (unseen, Unshelve(over, by)),
        "accept": ({**seen, "reason": "severe pain"}, Accept(over, 1, by, "severe pain")),
    }
    for number, (verb, (payload, _)) in enumerate(wanted.items()):
        assert (await desk.answer(verb, {**payload, "id": f"c-00010{number}"})).accepted
    assert [done[3] for done in desk.asked.done] == [said for _, said in wanted.values()]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "retained": ("acknowledge", {}, "must not be retained"),
    "another boot": ("acknowledge", {"boot_id": "older"}, "restarted"),
    "expired": ("acknowledge", {"expires_ms": NOW_MS - 2500}, "expired 2.5 s ago"),
    "valid for too long": ("acknowledge", {"expires_ms": NOW_MS + 10_001}, "10.0 s ahead; allowed are 10 s"),
    "unknown verb": (
        "start-pump",
        {},
        "unknown command 'start-pump'; known are acknowledge, ",
    ),
    "nobody": ("acknowledge", {"user": ""}, "user: "),
    "a blank name": ("acknowledge", {"user": "  "}, "user: "),
    "a name with a line break": ("acknowledge", {"user": "a\nb"}, "user: "),
    "a name with nothing to see": (
        "acknowledge",
        {"user": "\u202e"},
        "user: it holds a character that nobody sees: type it anew",
    ),
    "a name that is no text": ("acknowledge", {"user": 5}, "user: "),
    "a revision that is no number": ("acknowledge", {"revision": "1"}, "revision: "),
    "a pump without its channel": ("acknowledge", {"channel": None}, "pump and channel go together"),
    "an endless time": ("acknowledge", {"expires_ms": 10**400}, "expires_ms: "),
    "an endless revision": ("acknowledge", {"revision": 10**400}, "revision: "),
    "an unknown alarm": ("acknowledge", {"condition": "bored"}, "unknown alarm 'bored'"),
    "no reason": ("pause-pump", {}, "reason: "),
    "a shelf without a reason": ("shelve", {"for_s": 60, "reason": " "}, "reason: "),
    "a shelf without an end": ("shelve", {"reason": "lunch"}, "for_s: "),
    "a shelf of more than a shift": ("shelve", {"for_s": 28_801, "reason": "lunch"}, "for_s: "),
    "a pause that ends at once": ("pause-audio", {"for_s": 0}, "for_s: "),
    "a pause of more than ten minutes": ("pause-audio", {"for_s": 601}, "for_s: "),
    "another schema": ("acknowledge", {"v": 2}, "v: "),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_wrong_is_refused_with_the_reason(case):
    """Each refusal says in words what is wrong, and nothing is carried out."""
    verb, changes, reason = REFUSED[case]
    desk = Desk()
    reply = await desk.answer(verb, acknowledge(**changes), retained=case == "retained")
    assert not reply.accepted
    assert reason in reply.reason
    assert reply.id == "c-000001"
    field, colon, _ = reason.partition(": ")
    assert reply.field == (field if colon else "")
    assert desk.asked.done == []
    assert (desk.commands.counts.accepted_count, desk.commands.counts.refused_count) == (0, 1)
    if case != "an unknown alarm":  # who may ask, asks in time and is told why not by the core
        ((detail, _),) = desk.asked.written
        assert reason in detail


NO_ANSWER = [b"", b"{", b"\xff\xfe", b"[" * 10_000, b'"c-000001"', b'{"id": 5}', b'{"id":"' + b"a" * 40_000]


@pytest.mark.parametrize("payload", [*NO_ANSWER, 5, {"id": "a/#"}, {"pump": "PUMP-01"}])
async def test_what_can_not_be_answered_is_refused_and_written_down(payload):
    """Without an id that may stand in a topic there is no reply, and nothing is carried out."""
    desk = Desk()
    desk.send("acknowledge", payload)
    await desk.settle()
    assert desk.replies == []
    assert desk.commands.counts.refused_count == 1
    assert [by for _, by in desk.asked.written] == [""]
    assert desk.asked.done == []


async def test_the_same_id_gets_the_same_answer_and_has_one_effect():
    """Sent three times, twice while it is under way: one effect, the same words."""
    desk = Desk()
    desk.asked.hold = asyncio.Event()
    for _ in range(2):
        desk.send("pause-pump", pause())
    await desk.settle()
    assert desk.replies == []
    desk.asked.hold.set()
    await desk.settle()
    assert len(desk.replies) == 1
    desk.clock.mono_ns += 4 * NS_PER_S
    assert await desk.answer("pause-pump", pause()) == desk.replies[0]
    assert len(desk.asked.done) == 1
    assert desk.asked.written == []


async def test_what_was_done_beyond_what_was_asked_is_said_in_the_answer():
    """A patient goes to another bed: which pumps went along stands in the reply, also when it is repeated."""
    desk = Desk()
    desk.asked.more = "with the same patient's PUMP-02"
    asked = {**pause(), "infusion": "i-1", "bed": "7", "reason": "recovery"}
    reply = await desk.answer("transfer", asked)
    assert (reply.accepted, reply.reason) == (True, "with the same patient's PUMP-02")
    assert await desk.answer("transfer", asked) == reply
    assert len(desk.asked.done) == 1


async def test_a_refusal_is_remembered_too():
    """Asked again with the same id, a refused command is not tried again."""
    desk = Desk()
    desk.asked.refuse = "the pump is not delivering"
    first = await desk.answer("pause-pump", pause())
    assert (first.accepted, first.reason) == (False, "the pump is not delivering")
    desk.asked.refuse = ""
    assert await desk.answer("pause-pump", pause()) == first
    assert desk.asked.done == []


async def test_a_command_of_an_earlier_run_that_was_carried_out_is_told_as_done():
    """The journal knows the id: no matter that boot and expiry are past, it is not refused as new."""
    desk = Desk()
    desk.known.add("c-000001")
    reply = await desk.answer("acknowledge", acknowledge(boot_id="older", expires_ms=5))
    assert reply.accepted


async def test_a_pause_of_an_earlier_run_is_not_told_as_done():
    """Asked for is not paused: after a restart nobody knows, and that is what the answer says."""
    desk = Desk()
    desk.known.add("c-000001")
    reply = await desk.answer("pause-pump", pause(boot_id="older", expires_ms=5))
    assert not reply.accepted
    assert "use the pump" in reply.reason
    assert desk.asked.done == []


@pytest.mark.parametrize(
    ("error", "accepted"),
    [
        (StoreError("disk full"), True),
        (ValueError("no such pump"), False),
        (TransportError("cable"), False),
        (RuntimeError("a fault of ours"), False),
    ],
)
async def test_whatever_happens_the_sender_hears_of_it(error, accepted, capsys):
    """Each kind of failure ends in an answer; an acknowledgement that is not on disk says so."""
    desk = Desk()

    async def fail(*_: object) -> None:
        raise error

    desk.asked.say = fail  # type: ignore[method-assign]
    reply = await desk.answer("acknowledge", acknowledge())
    assert reply.accepted is accepted
    assert reply.reason
    capsys.readouterr()


async def test_a_flood_is_refused_and_memory_is_bounded():
    """More commands at a time than can be carried out are refused; of old answers only so many are kept."""
    desk = Desk()
    desk.asked.hold = asyncio.Event()
    for number in range(UNDER_WAY + 5):
        desk.send("pause-pump", pause(id=f"c-{number:06}"))
    assert [r.accepted for r in desk.replies] == [False] * 5
    desk.asked.hold.set()
    await desk.settle()
    assert len(desk.asked.done) == UNDER_WAY
    for number in range(ANSWERS_KEPT + 50):
        desk.send("acknowledge", acknowledge(id=f"d-{number:06}", boot_id="older"))
    assert len(desk.commands._answers) == ANSWERS_KEPT


async def test_closing_ends_what_is_under_way():
    """Nothing is left behind when the daemon stops in the middle of a command."""
    desk = Desk()
    desk.asked.hold = asyncio.Event()
    desk.send("pause-pump", pause())
    await desk.settle()
    await desk.commands.close()
    assert desk.replies == []


def mutated(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Return good commands with keys lost, replaced, added, cut or broken in the middle."""
    odd = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    keys = st.sampled_from([*good, "extra"])
    changed = st.dictionaries(keys, odd, max_size=3).map(lambda changes: {**good, **changes})
    lost = st.sets(st.sampled_from(list(good)), max_size=2).map(
        lambda gone: {k: v for k, v in good.items() if k not in gone}
    )
    text = st.one_of(changed, lost).map(lambda made: json.dumps(made).encode())
    broken = st.tuples(text, st.integers(0, 400), st.binary(max_size=4)).map(
        lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
    )
    return st.one_of(text, broken, st.binary(max_size=60))


ENVELOPE = json.loads(SIGNER.sign(TOPICS.command("ward-a", "acknowledge"), json.dumps(acknowledge())))


@pytest.mark.timeout(1800)
def test_no_payload_crashes_or_goes_unanswered():
    """Hostile payloads: each gets exactly one answer or is counted, and none raises."""

    async def try_it(verb: str, payload: bytes, retained: bool, signs: bool) -> None:
        desk = Desk()
        if signs:
            payload = SIGNER.sign(TOPICS.command("ward-a", verb), payload.decode(errors="replace"))
        desk.send(verb, payload, retained=retained)
        await desk.settle()
        counts = desk.commands.counts
        assert counts.accepted_count + counts.refused_count == 1
        assert len(desk.replies) <= 1
        assert len(desk.replies) + len(desk.asked.written) >= 1
        for reply in desk.replies:
            assert reply.accepted or reply.reason
        assert len(desk.asked.done) == counts.accepted_count

    with asyncio.Runner() as runner:

        @proof.examples("mutated command payloads", 500, 100_000)
        @given(
            verb=st.sampled_from([*VERBS, "start-pump", ""]),
            payload=mutated(acknowledge()) | mutated(pause()) | mutated(ENVELOPE),
            retained=st.booleans(),
            signs=st.booleans(),
        )
        def hold(verb, payload, retained, signs):
            runner.run(try_it(verb, payload, retained, signs))

        hold()
