"""What a page asks of infusions: passed on whole, refused where it is no such request, never guessed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dashboard.acting import Acting
from dashboard.app import create_app
from dashboard.commands import Answer, Commands, Outcome
from dashboard.infusions import INFUSION_VERBS
from dashboard.live import LiveWard
from pumpd.clock import SystemClock
from pumpd.contract.envelope import SignedPayload, digest_of
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import ReplyPayload
from pumpd.contract.roles import Role
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
from pumpd.store.reader import SqliteHistoryReader
from tests.daemon.infusion_asks import ANSWERS, ORDER
from tests.dashboard import canned
from tests.dashboard.canned import BOOT, NODE, SITE
from tests.dashboard.client import TestClient
from tests.dashboard.people import PIN, SECOND, people, sign_in
from tests.dashboard.test_api import OURS, settings

HEAD: dict[str, Any] = {"boot_id": BOOT, "pump": "PUMP-01", "channel": "1"}
OF = {**HEAD, "infusion": "command-0001"}
BODIES: dict[str, dict[str, Any]] = {
    "begin": HEAD
    | {"label": "B.K.", "identifier": "1234", "order": ORDER, "answers": ANSWERS, "checked_by": SECOND},
    "change": OF | {"version": 1, "dose": "0.2"},
    "observe": OF | {"pain": 3},
    "end": OF | {"reason": "no pain", "witness": SECOND},
    "swap": OF | {"to_pump": "PUMP-02", "to_channel": "1", "reason": "broken"},
    "transfer": OF | {"bed": "7", "reason": "recovery"},
}
HEADERS = {"Origin": OURS}
pytestmark = pytest.mark.requirement("INF-3")


@in_virtual_time
@pytest.mark.parametrize("verb", sorted(BODIES))
async def test_what_was_typed_goes_out_whole_on_the_verbs_own_topic(verb: str) -> None:
    """Every key reaches the daemon as it was typed, with an id and an expiry on the node's clock."""
    clock = VirtualClock(asyncio.get_running_loop())
    ward = LiveWard(SITE)
    ward.broker(up=True, now_ms=0)
    body = canned.telemetry(sent_ms=777_000).model_dump_json().encode()
    ward.receive(
        ward.topics.node_telemetry(NODE), body, retained=False, now_ms=clock.monotonic_ns() // 1_000_000
    )
    sent: list[tuple[str, CommandPayload]] = []

    async def publish(topic: str, payload: bytes) -> None:
        envelope = SignedPayload.model_validate_json(payload)
        command = INFUSION_VERBS[verb].model_validate_json(envelope.command, strict=True)
        sent.append((topic, command))
        commands.reply(ReplyPayload(id=command.id, of=digest_of(payload), accepted=True))

    commands = Commands(ward, clock, seeded_signer("desk"), publish)
    answer = await commands.send(verb, INFUSION_VERBS[verb], NODE, BODIES[verb], Acting("Ann", Role.NURSE))
    assert answer == Answer(Outcome.ACCEPTED)
    ((topic, command),) = sent
    assert topic.endswith(f"/node/{NODE}/command/{verb}")
    same = {
        "user": "Ann",
        "id": command.id,
        "dashboard": "desk",
        "role": "nurse",
        "expires_ms": command.expires_ms,
    }
    assert command == INFUSION_VERBS[verb].model_validate({**BODIES[verb], **same})
    assert command.expires_ms == 777_000 + 3000


@pytest.fixture
def client(tmp_path: Path):
    """Yield a client of a dashboard with neither broker nor daemon."""
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    who = people(tmp_path)
    with TestClient(create_app(settings(), reader, SystemClock(), who), base_url=OURS) as made:
        sign_in(made, who)
        yield made


@pytest.mark.parametrize("verb", sorted(BODIES))
def test_a_node_that_is_away_leaves_it_unanswered(client, verb: str) -> None:
    """Each verb has its route; with nobody there the page hears that nobody knows."""
    pin = client.post("/api/pin", json={"name": SECOND, "pin": PIN}, headers=HEADERS)
    body = {"node": NODE, **BODIES[verb], "confirmed": [pin.json()["grant"]]}
    asked = client.post(f"/api/infusion/{verb}", json=body, headers=HEADERS)
    assert asked.status_code == 200
    assert asked.json()["outcome"] == "unanswered"


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "Eve"},
        {"label": ""},
        {"colour": "red"},
        {"id": "mine-0001"},
        {"order": ORDER | {"dose": "0,3"}},
        {"order": ORDER | {"volume_ml": "-1"}},
        {"order": None},
        {"label": "B\nK"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_is_no_such_request_is_refused_before_it_is_sent(client, wrong: dict[str, Any]) -> None:
    """A comma, an unknown key, somebody else's name: 422, and what is wrong with it."""
    body = {"node": NODE, **BODIES["begin"], "checked_by": "", **wrong}
    asked = client.post("/api/infusion/begin", json=body, headers=HEADERS)
    assert asked.status_code == 422
    assert asked.json()["detail"]


@pytest.mark.parametrize("hidden", ["\n", "\u202e", "\u200b", "\ufeff", "\x7f"])
def test_a_character_that_nobody_sees_is_told_as_that(client, hidden: str) -> None:
    """A pattern says nothing to a nurse who copied a label from somewhere."""
    body = {"node": NODE, **BODIES["begin"], "checked_by": "", "label": f"B{hidden}K"}
    asked = client.post("/api/infusion/begin", json=body, headers=HEADERS)
    assert asked.status_code == 422
    (told,) = asked.json()["detail"]
    assert (told["loc"][-1], told["msg"]) == (
        "label",
        "it holds a character that nobody sees: type it anew",
    )
