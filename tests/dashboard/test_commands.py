""" "I have it": asked over MQTT, answered by the daemon or by nobody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.acting import Acting
from dashboard.commands import ANSWER_WITHIN_S, VERBS, AcknowledgeRequest, Answer, Commands, Outcome
from dashboard.live import LiveWard
from pumpd.contract.envelope import SignedPayload, digest_of
from pumpd.contract.payloads import ReplyPayload
from pumpd.contract.roles import Role
from pumpd.errors import TransportError
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from tests.dashboard import canned
from tests.dashboard.canned import BOOT, NODE, SITE

REQUEST = AcknowledgeRequest(
    node=NODE, boot_id=BOOT, pump="PUMP-01", channel="1", condition="over-hard", revision=3
)

SIGNER = seeded_signer("desk")
WHO = Acting("Ann", Role.NURSE, ("pain-clinic",))


class Asking:
    """Commands towards a daemon that answers as told."""

    def __init__(self, *, answer: dict[str, Any] | None = None, heard: bool = True) -> None:
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.ward = LiveWard(SITE)
        self.ward.broker(up=True, now_ms=0)
        if heard:
            body = canned.telemetry(sent_ms=777_000).model_dump_json().encode()
            self.ward.receive(
                self.ward.topics.node_telemetry(NODE), body, retained=False, now_ms=self.now_ms()
            )
        self.answer = answer
        self.sent: list[tuple[str, Any]] = []
        self.commands = Commands(self.ward, self.clock, SIGNER, self.publish)
        self.broken = False

    def now_ms(self) -> int:
        return self.clock.monotonic_ns() // 1_000_000

    async def publish(self, topic: str, payload: bytes) -> None:
        if self.broken:
            raise TransportError("no connection")
        envelope = SignedPayload.model_validate_json(payload)
        assert SIGNER.public.signed(topic, envelope)
        command = VERBS[topic.rpartition("/")[2]][1].model_validate_json(envelope.command)
        self.sent.append((topic, command))
        assert json.loads(payload)["advisory"] is True
        if self.answer is not None:
            # Of an altered copy, of another id: neither is an answer to what was sent.
            for of in ("", digest_of(payload + b" ")):
                self.commands.reply(ReplyPayload(id=command.id, of=of, accepted=False, reason="not yours"))
            for _ in range(2):
                self.commands.reply(ReplyPayload(id=command.id, of=digest_of(payload), **self.answer))


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_it_names_the_alarm_the_revision_the_person_and_an_expiry_on_the_nodes_clock():
    """What goes out is what stood on the screen, and it is void three seconds later."""
    asking = Asking(answer={"accepted": True})
    await asyncio.sleep(2)
    assert await asking.commands.ask("acknowledge", REQUEST, WHO) == Answer(Outcome.ACCEPTED)
    ((topic, command),) = asking.sent
    assert topic == f"pumpd/v1/{SITE}/node/{NODE}/command/acknowledge"
    assert (command.pump, command.condition, command.revision, command.user) == (
        "PUMP-01",
        "over-hard",
        3,
        "Ann",
    )
    assert (command.boot_id, command.dashboard) == (BOOT, "desk")
    assert (command.role, command.wards) == (Role.NURSE, ["pain-clinic"])
    assert command.expires_ms == 777_000 + 2000 + 3000


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_a_refusal_comes_with_its_reason():
    """The daemon's own words reach the page."""
    asking = Asking(answer={"accepted": False, "reason": "it was raised anew; look again"})
    assert await asking.commands.ask("acknowledge", REQUEST, WHO) == Answer(
        Outcome.REFUSED, "it was raised anew; look again"
    )


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_no_answer_within_three_seconds_is_not_done():
    """It takes three seconds, not more, and leaves nothing waiting."""
    asking = Asking()
    began = asyncio.get_running_loop().time()
    answer = await asking.commands.ask("acknowledge", REQUEST, WHO)
    assert answer.outcome is Outcome.UNANSWERED
    assert asyncio.get_running_loop().time() - began == pytest.approx(ANSWER_WITHIN_S)
    asking.commands.reply(ReplyPayload(id=asking.sent[0][1].id, accepted=True))


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_a_broker_that_is_away_is_not_done_at_once():
    """Nothing is sent later: a person who read NOT DONE went to the pump."""
    asking = Asking(answer={"accepted": True})
    asking.broken = True
    assert (await asking.commands.ask("acknowledge", REQUEST, WHO)).outcome is Outcome.UNANSWERED
    assert asking.sent == []


@in_virtual_time
@pytest.mark.requirement("DASH-4", "INV-3")
async def test_a_node_known_only_from_what_the_broker_kept_can_not_be_asked():
    """Without a fresh message there is no clock to name an expiry on."""
    asking = Asking(answer={"accepted": True}, heard=False)
    assert (await asking.commands.ask("acknowledge", REQUEST, WHO)).outcome is Outcome.UNANSWERED
    assert asking.sent == []


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_an_alarm_seen_of_an_earlier_boot_is_refused():
    """The revision on the screen may mean another alarm after a restart."""
    asking = Asking(answer={"accepted": True})
    answer = await asking.commands.ask("acknowledge", REQUEST.model_copy(update={"boot_id": "before"}), WHO)
    assert answer.outcome is Outcome.REFUSED
    assert asking.sent == []


@in_virtual_time
@pytest.mark.requirement("DASH-4")
async def test_each_verb_of_an_alarm_is_asked_as_the_contract_says():
    """What the page said of pause and shelf goes out whole, on the verb's own topic."""
    asking = Asking(answer={"accepted": True})
    said = REQUEST.model_dump()
    anyhow = {key: value for key, value in said.items() if key != "revision"}
    bodies = {
        "acknowledge": said,
        "pause-audio": {**said, "for_s": 120},
        "resume-audio": anyhow,
        "shelve": {**said, "for_s": 1800, "reason": "the syringe comes"},
        "unshelve": anyhow,
        "accept": {**said, "reason": "severe pain"},
    }
    assert set(bodies) == set(VERBS)
    for verb, body in bodies.items():
        answer = await asking.commands.ask(verb, VERBS[verb][0].model_validate(body), WHO)
        assert answer.outcome is Outcome.ACCEPTED
        topic, command = asking.sent[-1]
        assert topic.endswith(f"/command/{verb}")
        assert {**body, **command.model_dump(include=set(body))} == body


@pytest.mark.parametrize("reason", ["", "  ", "\u200b", "x" * 201])
def test_a_shelf_needs_a_reason_that_can_be_read(reason):
    """What nobody can read is no reason."""
    with pytest.raises(ValidationError):
        VERBS["shelve"][0].model_validate({**REQUEST.model_dump(), "for_s": 60, "reason": reason})


@pytest.mark.requirement("PEOPLE-3")
def test_a_page_can_not_say_who_asks():
    """The name comes from the session or the PIN: one that a page types is no such request."""
    with pytest.raises(ValidationError):
        AcknowledgeRequest.model_validate({**REQUEST.model_dump(), "user": "Eve"})
