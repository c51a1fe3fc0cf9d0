"""Wall and shared screens, PINs, second persons: what each opens, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.devices import CODE_SIGNS, DeviceKind
from dashboard.guard import GRANT_HEADER
from dashboard.people import folded
from dashboard.visitor import DEVICE, DEVICE_KEPT_S, SIGNED_OUT
from tests.dashboard.canned import NODE
from tests.dashboard.door import Door
from tests.dashboard.test_infusions import BODIES
from tests.dashboard.test_sign_in import read_on

pytestmark = pytest.mark.requirement("PEOPLE-5")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Yield the door of a dashboard, with nobody in."""
    made = Door(tmp_path)
    with made.client:
        yield made


def screen(door: Door, kind: DeviceKind, name: str = "Desk") -> str:
    """Let this browser in as a screen; return its code."""
    door.client.cookies.clear()
    code = door.who.store.devices.add(name, kind, "test")
    assert door.post("/api/screen", {"code": code}).status_code == 200
    return code


def test_a_wall_screen_shows_for_ever_and_does_nothing(door):
    """Ten years later it still shows; it takes no PIN, answers no alarm and reads no journal."""
    screen(door, DeviceKind.WALL)
    for _ in range(2):
        assert door.may_look()
        assert door.session()["standing"] == "wall"
        assert door.pin().status_code == 403
        assert door.acknowledge().status_code == 403
        assert door.client.get("/api/journal?start=0&end=1").status_code == 403
        door.clock.pass_s(10 * 365 * 24 * 3600)
    kept = door.client.get("/api/session").headers["set-cookie"]
    assert f"Max-Age={DEVICE_KEPT_S}" in kept


def test_a_code_is_good_once_and_for_a_day(door):
    """A code that was read over a shoulder is worth nothing; the screen may be typed at in any spelling."""
    code = screen(door, DeviceKind.WALL)
    door.client.cookies.clear()
    assert door.post("/api/screen", {"code": code}).status_code == 401
    late = door.who.store.devices.add("Late", DeviceKind.WALL, "test")
    door.clock.pass_s(24 * 3600)
    assert door.post("/api/screen", {"code": late}).status_code == 401
    soon = door.who.store.devices.add("Soon", DeviceKind.WALL, "test")
    door.clock.pass_s(24 * 3600 - 1)
    assert door.post("/api/screen", {"code": soon.replace("-", " ").lower()}).status_code == 200
    assert len(CODE_SIGNS) ** 12 > 2**58
    assert ("screen's code failed", "") in door.events()


def test_codes_are_not_guessed(door):
    """The address waits, like for passwords."""
    answers = [door.post("/api/screen", {"code": f"AAAA-BBBB-{n:04}"}).status_code for n in range(22)]
    assert answers == [401] * 20 + [429] * 2


def test_a_screen_that_is_revoked_sees_nothing(door):
    """At once, and its cookie lets nobody in."""
    screen(door, DeviceKind.SHARED)
    door.who.store.devices.revoke("Desk", "test")
    assert not door.may_look()
    assert door.pin().status_code == 401


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_a_screen_that_is_revoked_while_it_shows_is_cut(door, kind):
    """Within a heartbeat its open page is closed, as one that may look no more."""
    screen(door, kind)
    cookie = f"{DEVICE}={door.client.cookies.get(DEVICE)}"
    with door.client.websocket_connect("/stream", headers={**door.headers, "cookie": cookie}) as socket:
        assert socket.receive_json()["t"] == "picture"
        door.who.store.devices.revoke("Desk", "test")
        with pytest.raises(WebSocketDisconnect) as closed:
            read_on(socket)
    assert closed.value.code == SIGNED_OUT


@pytest.mark.requirement("PEOPLE-3", "PEOPLE-8")
def test_at_a_shared_screen_a_pin_says_who_has_it(door):
    """Without one nothing is done; with one it is done in that name, for a minute."""
    screen(door, DeviceKind.SHARED)
    assert door.may_look()
    refused = door.acknowledge()
    assert (refused.status_code, refused.json()["need"]) == (401, "pin")
    grant = {GRANT_HEADER: door.pin().json()["grant"]}
    assert door.acknowledge(**grant).status_code == 200
    door.clock.pass_s(59)
    assert door.acknowledge(**grant).status_code == 200
    door.clock.pass_s(1)
    assert door.acknowledge(**grant).status_code == 401
    assert ("PIN taken", "Ann") in door.events()
    assert door.pin("Ann", "1111").json()["reason"] == "Name or PIN is wrong."
    assert ("PIN failed", "Ann") in door.events()


@pytest.mark.requirement("PEOPLE-3")
def test_what_a_pin_opened_is_worth_nothing_elsewhere(door):
    """At another shared screen, at a wall screen, in a session and in nobody's browser."""
    screen(door, DeviceKind.SHARED)
    grant = {GRANT_HEADER: door.pin().json()["grant"]}
    for kind in DeviceKind:
        screen(door, kind, f"other {kind}")
        assert door.acknowledge(**grant).status_code in {401, 403}
    door.client.cookies.clear()
    assert door.acknowledge(**grant).status_code == 401
    door.sign_in("Vera")
    assert door.acknowledge(**grant).status_code == 403


@pytest.mark.requirement("PEOPLE-3")
def test_whoever_was_disabled_has_no_pin(door):
    """Nor what the PIN opened a moment ago."""
    screen(door, DeviceKind.SHARED)
    grant = {GRANT_HEADER: door.pin().json()["grant"]}
    door.who.store.accounts.set_disabled("Ann", "test", disabled=True)
    assert door.acknowledge(**grant).status_code == 401
    assert door.pin().status_code == 401


def test_a_shared_screen_offers_the_names_of_those_with_a_pin(door):
    """Nobody else is told them, and who has no PIN or is disabled is not among them."""
    assert door.client.get("/api/people").status_code == 401
    screen(door, DeviceKind.SHARED)
    door.who.store.accounts.set_pin("Vera", "", "test")
    door.who.store.accounts.set_disabled("Max", "test", disabled=True)
    names = [person["name"] for person in door.client.get("/api/people").json()]
    assert names == ["Ann", "Ben", "Eve", "Phil"]


def begin(door: Door, *grants: str, **more: object) -> dict[str, str]:
    """Ask for the beginning of an infusion that Ben checked."""
    body = {"node": NODE, **BODIES["begin"], **more, "confirmed": list(grants)}
    told: dict[str, str] = door.post("/api/infusion/begin", body).json()
    return told


@pytest.mark.requirement("PEOPLE-3")
def test_a_second_person_is_named_only_with_the_own_pin(door):
    """A name alone, another's PIN, the own and a viewer's are refused at the field; Ben's goes through."""
    door.sign_in()
    opened = {name: door.pin(name).json()["grant"] for name in ("Ben", "Phil", "Vera", "Ann")}
    refused = begin(door)
    assert (refused["outcome"], refused["field"]) == ("refused", "checked_by")
    assert refused["reason"] == "Ben must confirm with a PIN"
    assert begin(door, opened["Phil"])["field"] == "checked_by"
    assert begin(door, opened["Ann"], checked_by="ANN")["reason"] == "must be somebody else"
    assert "a nurse or a pharmacist" in begin(door, opened["Vera"], checked_by="Vera")["reason"]
    assert begin(door, opened["Ben"])["outcome"] == "unanswered"
    assert begin(door, opened["Phil"], checked_by="phil")["outcome"] == "unanswered"
    answers = [{"ask": "Is it so?", "yes": True, "second_person": "Phil", "reason": "r"}]
    assert begin(door, opened["Ben"], answers=answers)["field"] == "second_person"
    assert begin(door, opened["Ben"], opened["Phil"], answers=answers)["outcome"] == "unanswered"
    door.clock.pass_s(60)
    assert begin(door, opened["Ben"])["field"] == "checked_by"


@pytest.mark.requirement("PEOPLE-3")
def test_a_witness_of_waste_types_the_own_pin(door):
    """The end of an infusion names nobody who was not there."""
    door.sign_in()
    body = {"node": NODE, **BODIES["end"]}
    assert door.post("/api/infusion/end", body).json()["field"] == "witness"
    grant = door.pin("Ben").json()["grant"]
    assert door.post("/api/infusion/end", {**body, "confirmed": [grant]}).json()["outcome"] == "unanswered"


def test_names_are_told_apart_as_people_tell_them_apart():
    """Case, blanks and full-width letters are the same name; another letter is another."""
    assert folded("  ANN   Keller ") == folded("ann keller") == folded("Ａnn keller")
    assert folded("Ann") != folded("Anne")


def test_both_cookies_together_are_the_person(door):
    """Somebody signs in at a shared screen: what is done is theirs, and the screen's again when it ends."""
    screen(door, DeviceKind.SHARED)
    device = door.client.cookies.get(DEVICE)
    door.sign_in()
    assert door.client.cookies.get(DEVICE) == device
    assert door.session()["standing"] == "person"
    assert door.acknowledge().status_code == 200
    door.clock.pass_s(16 * 60)
    assert door.session()["standing"] == "shared"
