"""Signing in and out, and what is left of a session: from outside, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.accounts import Accounts
from dashboard.guard import AS_HEADER
from dashboard.hashing import digest
from dashboard.sign_in import WRONG
from dashboard.visitor import SIGNED_OUT
from pumpd.contract.roles import Role
from tests.dashboard.client import WebSocketTestSession
from tests.dashboard.door import Door
from tests.dashboard.people import PASSWORD


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Yield the door of a dashboard, with nobody in."""
    made = Door(tmp_path)
    with made.client:
        yield made


@pytest.mark.requirement("PEOPLE-3", "PEOPLE-8")
def test_somebody_signs_in_acts_and_signs_out(door):
    """Without a session nothing is shown; with one the nurse acts; afterwards nothing is shown again."""
    assert door.client.get("/").headers["location"] == "/sign-in"
    assert door.client.get("/?wall").headers["location"] == "/sign-in?wall"
    assert not door.may_look()
    assert door.session()["standing"] == "nobody"
    assert door.sign_in(" ann ").json() == {"outcome": "accepted"}
    told = door.session()
    assert (told["standing"], told["user"], told["role"], told["left_s"]) == ("person", "Ann", "nurse", 900)
    assert "infusion/begin" in told["may"]
    assert door.may_look()
    assert door.acknowledge().json()["outcome"] == "unanswered"
    door.post("/api/sign-out")
    assert not door.may_look()
    assert door.events() == [("signed in", "Ann"), ("signed out", "Ann")]


@pytest.mark.requirement("PEOPLE-2", "PEOPLE-8")
@pytest.mark.parametrize(
    ("name", "password"),
    [("Ann", "not the password"), ("Nobody", PASSWORD), ("", PASSWORD), ("Ann\0", PASSWORD), ("Ann", "")],
)
def test_what_was_wrong_is_not_told(door, name, password):
    """The words are one and the same, and what was typed as a name stands nowhere."""
    answer = door.sign_in(name, password)
    assert (answer.status_code, answer.json()["reason"]) == (401, WRONG)
    assert door.cookie() == ""
    ((event, who),) = door.events()
    assert (event, who) == ("sign-in failed", "Ann" if name == "Ann" else "")
    assert "Nobody" not in str(door.who.store.log.lines(10))


@pytest.mark.requirement("PEOPLE-2")
def test_an_unknown_name_costs_as_much_as_a_wrong_password(door, monkeypatch):
    """A hash is worked out either way, with the same cost, so that the time tells nothing."""
    tried: list[str] = []
    argon2 = door.who.store.hasher._argon2
    verify = type(argon2).verify

    def noted(self, kept, secret):
        tried.append(kept.rsplit("$", 2)[0])
        return verify(self, kept, secret)

    monkeypatch.setattr(type(argon2), "verify", noted)
    door.sign_in("Ann", "not the password")
    door.sign_in("Nobody", "not the password")
    assert len(tried) == 2
    assert tried[0] == tried[1]


@pytest.mark.requirement("PEOPLE-4")
def test_rights_go_when_nobody_touched_it_and_the_picture_stays(door):
    """One second before the end she acts, at the end she does not, and still looks; a month later no more."""
    door.sign_in()
    door.clock.pass_s(15 * 60 - 1)
    assert door.acknowledge().status_code == 200  # and begins the fifteen minutes anew
    door.clock.pass_s(15 * 60)
    assert door.session()["standing"] == "ended"
    assert door.may_look()
    refused = door.acknowledge()
    assert (refused.status_code, refused.json()["need"]) == (401, "sign-in")
    door.post("/api/stay")
    assert door.session()["standing"] == "ended"
    door.clock.pass_s(30 * 24 * 3600 - 30 * 60)
    assert door.may_look()
    door.clock.pass_s(1)
    assert not door.may_look()


@pytest.mark.requirement("PEOPLE-4")
def test_rights_go_after_a_shift_whatever_is_done(door):
    """Somebody at the page all the time is asked again after twelve hours."""
    door.sign_in()
    for _ in range(12 * 6 - 1):
        door.clock.pass_s(600)
        assert door.post("/api/stay").json()["standing"] == "person"
    assert door.session()["left_s"] == 600
    door.clock.pass_s(600)
    assert door.session()["standing"] == "ended"
    assert door.may_look()


@pytest.mark.requirement("PEOPLE-4")
def test_a_clock_that_was_set_back_gives_no_rights(door):
    """A session that is from the future is not trusted; the picture stays."""
    door.sign_in()
    door.clock.set_back_s(61)
    assert door.session()["standing"] == "ended"


@pytest.mark.requirement("PEOPLE-4")
def test_a_cookie_that_was_copied_is_worth_nothing_after_the_sign_out(door):
    """The session ends on the server: the thief's browser is nobody."""
    door.sign_in()
    stolen = door.cookie()
    door.post("/api/sign-out")
    door.bring(stolen)
    assert not door.may_look()
    assert door.acknowledge().status_code == 401


@pytest.mark.requirement("PEOPLE-4")
def test_a_token_that_was_planted_is_not_taken_on(door):
    """Whoever put a cookie into the browser before the sign-in does not share the session afterwards."""
    door.bring("planted")
    door.sign_in()
    mine = door.cookie()
    assert mine != "planted"
    assert len(mine) >= 43
    door.bring("planted")
    assert not door.may_look()


@pytest.mark.requirement("PEOPLE-4")
def test_a_new_sign_in_ends_what_the_browser_had_before(door):
    """The old token is worth nothing, not even the picture."""
    door.sign_in()
    before = door.cookie()
    door.sign_in("Ben")
    assert door.cookie() != before
    door.bring(before)
    assert not door.may_look()


@pytest.mark.requirement("PEOPLE-3")
def test_a_second_tab_can_not_make_the_first_act_in_another_name(door):
    """The page says in whose name it acts; when somebody else signed in meanwhile, nothing is done."""
    door.sign_in("Ann")
    assert door.acknowledge(**{AS_HEADER: "Ann"}).status_code == 200
    door.sign_in("Ben")
    assert door.acknowledge(**{AS_HEADER: "Ann"}).status_code == 401
    assert door.acknowledge(**{AS_HEADER: "ben"}).status_code == 200


@pytest.mark.requirement("PEOPLE-4", "PEOPLE-8")
@pytest.mark.parametrize("how", ["disabled", "password", "signed out"])
def test_an_open_page_is_cut_when_its_session_is_taken_away(door, how):
    """Within a heartbeat: an account that is let in no more sees no patient either."""
    door.sign_in()
    accounts: Accounts = door.who.store.accounts
    with door.stream() as socket:
        assert socket.receive_json()["t"] == "picture"
        if how == "disabled":
            accounts.set_disabled("Ann", "test", disabled=True)
        elif how == "password":
            accounts.set_password("Ann", "another good one", "test")
        else:
            door.post("/api/sign-out")
        with pytest.raises(WebSocketDisconnect) as closed:
            read_on(socket)
    assert closed.value.code == SIGNED_OUT
    assert not door.may_look()


def read_on(socket: WebSocketTestSession) -> None:
    """Read on until the page is cut, or has had fifty frames."""
    for _ in range(50):
        socket.receive_json()


@pytest.mark.requirement("PEOPLE-4")
def test_an_open_page_stays_when_the_rights_end(door):
    """The picture goes on over the end of the session."""
    door.sign_in()
    with door.stream() as socket:
        door.clock.pass_s(16 * 60)
        beats = [frame for frame in (socket.receive_json() for _ in range(4)) if frame["t"] == "beat"]
        assert len(beats) >= 2


@pytest.mark.requirement("PEOPLE-3")
def test_another_role_counts_at_once(door):
    """A nurse who became a viewer has no rights left in the session that she has."""
    door.sign_in()
    door.who.store.accounts.set_role("Ann", Role.VIEWER, "test")
    refused = door.acknowledge()
    assert (refused.status_code, refused.json()["need"]) == (403, "role")
    assert "Ann is viewer" in refused.json()["detail"]


@pytest.mark.requirement("PEOPLE-2")
def test_the_file_holds_no_token_and_no_password(door):
    """Who reads the database can not use what stands there."""
    door.sign_in()
    kept = b"".join(file.read_bytes() for file in door.directory.glob("people.db*"))
    assert digest(door.cookie()) in kept
    for secret in (door.cookie(), PASSWORD):
        assert secret.encode() not in kept
    assert {file.stat().st_mode & 0o077 for file in door.directory.glob("people.db*")} == {0}


@pytest.mark.requirement("PEOPLE-6")
def test_a_first_start_says_what_to_run_and_only_then(door):
    """The command is there word for word while nobody could sign in, and for nobody afterwards."""
    assert door.session()["first_command"] == ""
    for account in door.who.store.accounts.all():
        door.who.store.accounts.set_disabled(account.name, "test", disabled=True)
    told = door.session()["first_command"]
    assert told == 'pumpd user add -c /etc/pumpd.yaml "YOUR NAME" --role nurse'
