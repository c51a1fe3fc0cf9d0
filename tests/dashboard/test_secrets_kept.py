"""Cookies, headers, origins, bodies, and secrets that stand nowhere."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from dashboard.demo_accounts import DEMO_ACCOUNTS, add_demo_accounts
from dashboard.security import ENCRYPTED, HEADERS, LONGEST_BODY
from tests.dashboard.door import ALARM, Door
from tests.dashboard.people import PASSWORD, PIN, open_store

ENCRYPTED_URL = "https://127.0.0.1"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Yield the door of a dashboard, with nobody in."""
    made = Door(tmp_path)
    with made.client:
        yield made


@pytest.mark.requirement("PEOPLE-7")
@pytest.mark.parametrize("base", ["http://127.0.0.1", ENCRYPTED_URL])
def test_the_sessions_cookie_is_for_this_host_and_no_script(tmp_path, base):
    """HttpOnly, SameSite=Strict, no Domain, no Max-Age; over TLS also Secure and __Host-."""
    door = Door(tmp_path, base)
    with door.client:
        name, *parts = door.sign_in().headers["set-cookie"].split("; ")
        assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(parts)
        assert not any(part.startswith(("Domain", "Max-Age", "expires")) for part in parts)
        assert ("Secure" in parts) is (base == ENCRYPTED_URL)
        assert name.startswith("__Host-pumpd-session=") is (base == ENCRYPTED_URL)
        assert door.may_look()
        assert door.post("/api/sign-out").headers["set-cookie"].startswith(name.partition("=")[0])


@pytest.mark.requirement("PEOPLE-7")
def test_over_tls_a_cookie_from_plain_http_counts_for_nothing(tmp_path):
    """Who can write cookies from an unencrypted page can not bring a session of their own."""
    door = Door(tmp_path, ENCRYPTED_URL)
    with door.client:
        token = door.who.store.sessions.begin(door.who.store.accounts.named("Ann"))
        door.bring(token)
        assert not door.may_look()


@pytest.mark.requirement("PEOPLE-7")
@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/state", "/api/session", "/healthz", "/nothing"])
def test_every_answer_says_what_a_browser_may_do_with_it(tmp_path, path):
    """Refusals too; nothing with patients is cached; over TLS only TLS is asked for from then on."""
    for base in ("http://127.0.0.1", ENCRYPTED_URL):
        door = Door(tmp_path / base[:5], base)
        with door.client:
            for headers in ({}, {"host": "evil.example"}):
                said = door.client.get(path, headers=headers).headers
                for name, value in HEADERS.items():
                    assert said[name] == value or (name, said[name]) == ("Cache-Control", "no-cache")
                assert all((name in said) is (base == ENCRYPTED_URL) for name in ENCRYPTED)


@pytest.mark.requirement("PEOPLE-7")
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:9999"])
@pytest.mark.parametrize(
    "path", ["/api/sign-in", "/api/sign-out", "/api/pin", "/api/screen", "/api/acknowledge"]
)
def test_no_other_site_signs_anybody_in_or_out_or_acts(door, origin, path):
    """A form on another page can not: its Origin is not ours."""
    door.sign_in()
    before = door.events()
    headers = {"host": "127.0.0.1", **({} if origin is None else {"origin": origin})}
    body = {"name": "Ben", "password": PASSWORD, "pin": PIN, "code": "x", **ALARM}
    assert door.client.post(path, json=body, headers=headers).status_code == 403
    assert door.events() == before
    assert door.session()["user"] == "Ann"


@pytest.mark.requirement("PEOPLE-7")
@pytest.mark.parametrize("path", ["/api/sign-in", "/api/acknowledge", "/api/nothing"])
def test_a_huge_body_is_not_read_to_its_end(door, path):
    """One byte too many and it is refused, with a length said before or none."""

    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            given.append(1)
            yield b"x" * 10_000

    given: list[int] = []
    answer = door.client.post(path, content=b"x" * (LONGEST_BODY + 1), headers=door.headers)
    assert answer.status_code == 413
    answer = door.client.post(path, content=endless(), headers=door.headers)
    assert answer.status_code == 413
    assert door.client.post(path, content=b"x" * LONGEST_BODY, headers=door.headers).status_code != 413


@pytest.mark.requirement("PEOPLE-7")
@pytest.mark.parametrize(
    "name",
    [
        "' OR 1=1 --",
        'Ann"; DROP TABLE account; --',
        "Ann' UNION SELECT * FROM session --",
        "<script>alert(1)</script>",
        "%00",
        "Ann\u202e",
    ],
)
def test_a_name_is_never_more_than_a_name(door, name):
    """SQL and markup are wrong names: nobody is let in, nothing comes back, the accounts are as they were."""
    before = door.who.store.accounts.all()
    answer = door.sign_in(name)
    assert answer.status_code == 401
    assert name not in answer.text
    assert door.who.store.accounts.all() == before
    with pytest.raises(ValueError, match="a name has"):
        door.who.store.accounts.add(name, before[0].role, (), PASSWORD, "test")


@pytest.mark.requirement("PEOPLE-7")
def test_no_secret_stands_in_a_log_an_error_or_the_people_log(door, caplog, capsys):
    """Passwords, PINs, tokens and codes, typed right, wrong and malformed: none is found anywhere."""
    said = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(said))
    answers = [door.sign_in(), door.sign_in("Ann", "Correct-Horse-9"), door.sign_in("Correct-Horse-9", "x")]
    token = door.cookie()
    answers += [door.pin("Ann", "97531"), door.post("/api/screen", {"code": "ZZZZ-YYYY-XXXX"})]
    grant = door.pin().json()["grant"]
    for wrong in ({"name": "Ann", "password": ["Correct-Horse-9"]}, {"name": {"Correct-Horse-9": 1}}):
        answers.append(door.post("/api/sign-in", wrong))
    with contextlib.suppress(ValueError):
        door.who.store.accounts.set_password("Ann", "Correct-Ann-9", "test")
    with contextlib.suppress(ValueError):
        door.who.store.accounts.set_pin("Ann", "97531x", "test")
    door.acknowledge(**{"pumpd-grant": grant})
    out, err = capsys.readouterr()
    everything = "\n".join(
        [
            said.getvalue(),
            caplog.text,
            out,
            err,
            str(door.who.store.log.lines(100)),
            *(a.text for a in answers),
        ]
    )
    assert "Ann" in everything
    for secret in (PASSWORD, "Correct-Horse-9", "97531", "ZZZZ", token, grant):
        assert secret not in everything, secret


@pytest.mark.requirement("PEOPLE-6")
def test_the_demos_accounts_are_let_in_beside_no_real_pump(tmp_path):
    """In a demo each signs in with what the page shows; beside a real pump none does, by no old session."""
    door = Door(tmp_path)
    add_demo_accounts(door.who.store)
    door.who._demo_allowed = True
    with door.client:
        assert door.session()["demo"] == [each.told() for each in DEMO_ACCOUNTS]
        for each in DEMO_ACCOUNTS:
            assert door.sign_in(each.name, each.password).status_code == 200
        assert door.may_look()
        door.who._demo_allowed = False
        assert not door.may_look()
        assert door.session()["demo"] == []
        refused = door.sign_in(DEMO_ACCOUNTS[0].name, DEMO_ACCOUNTS[0].password)
        assert (refused.status_code, refused.json().get("reason")) == (401, "Name or password is wrong.")
        assert "beside a real pump" in door.who.store.log.lines(1)[0].detail


@pytest.mark.requirement("PEOPLE-6")
def test_a_new_store_has_no_account(tmp_path):
    """Nobody comes in who was not made."""
    store = open_store(tmp_path / "people.db")
    assert store.accounts.all() == []
    assert store.accounts.none_yet()
    store.close()
