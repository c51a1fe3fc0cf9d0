"""People for the tests: the cheapest hashes, sign-ins without typing, and cookies that real browsers take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from argon2.profiles import CHEAPEST
from playwright.sync_api import Browser, BrowserContext

from dashboard.devices import DeviceKind
from dashboard.hashing import Hasher, digest
from dashboard.people_store import PeopleStore
from dashboard.sign_in import People
from dashboard.visitor import DEVICE, SESSION
from pumpd.clock import Clock, SystemClock
from pumpd.contract.roles import Role
from tests.dashboard.client import TestClient

PASSWORD, PIN = "quiet wards at night", "2580"
NAMES: Mapping[Role, str] = {
    Role.VIEWER: "Vera",
    Role.NURSE: "Ann",
    Role.PHARMACIST: "Phil",
    Role.ENGINEER: "Eve",
    Role.ADMIN: "Max",
}
SECOND = "Ben"
"""Another nurse."""
ANNS = "token-of-ann"
"""What Ann's cookie holds in tests of whole programs."""
SHARED = "token-of-a-shared-screen"


@cache
def _hashes() -> tuple[str, str]:
    hasher = Hasher(CHEAPEST)
    return hasher.make(PASSWORD), hasher.make(PIN)


def open_store(file: Path, clock: Clock | None = None) -> PeopleStore:
    """Return a store with cheap hashes."""
    return PeopleStore(file, clock or SystemClock(), hasher=Hasher(CHEAPEST))


def fill(store: PeopleStore) -> None:
    """Put one account of each role and a second nurse into a store, all with the same password and PIN."""
    password, pin = _hashes()
    people = [(name, role) for role, name in NAMES.items()] + [(SECOND, Role.NURSE)]
    with store._db.writing() as db:
        db.executemany(
            "INSERT INTO account (name, folded, role, wards, password, pin, made_ms)"
            " VALUES (?, ?, ?, '[]', ?, ?, 0)",
            [(name, name.casefold(), role.value, password, pin) for name, role in people],
        )


def let_in(store: PeopleStore) -> None:
    """Sign Ann in with the token that tests know, and let a shared screen in."""
    now_ms = store.now_ms()
    ann = store.accounts.named(NAMES[Role.NURSE])
    with store._db.writing() as db:
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (digest(ANNS), ann.number, now_ms, now_ms))
        db.execute(
            "INSERT INTO device (name, kind, code_until_ms, token, made_ms) VALUES ('desk', ?, 0, ?, 0)",
            (DeviceKind.SHARED.value, digest(SHARED)),
        )


def prepare(data_dir: Path) -> None:
    """Make the accounts of a dashboard that is about to start, with Ann signed in."""
    store = open_store(data_dir / "people.db")
    fill(store)
    let_in(store)
    store.close()


def people(directory: Path, clock: Clock | None = None) -> People:
    """Return filled people for an application inside a test."""
    made = open_store(directory / "people.db", clock)
    fill(made)
    return People(made, clock or SystemClock())


def sign_in(client: TestClient, who: People, role: Role = Role.NURSE) -> None:
    """Give the client the cookie of somebody with this role."""
    client.cookies.clear()
    client.cookies.set(SESSION, who.store.sessions.begin(who.store.accounts.named(NAMES[role])))


def at_screen(client: TestClient, who: People, kind: DeviceKind) -> None:
    """Give the client the cookie of a screen of this kind."""
    client.cookies.clear()
    token = who.store.devices.let_in(who.store.devices.add(f"{kind} screen", kind, "test"), "test")
    assert token is not None
    client.cookies.set(DEVICE, token)


COOKIE = {"Cookie": f"{SESSION}={ANNS}"}
"""For clients of whole programs."""


def signed_in(context: BrowserContext) -> BrowserContext:
    """Give a browser Ann's cookie."""
    context.add_cookies([{"name": SESSION, "value": ANNS, "domain": "127.0.0.1", "path": "/"}])
    return context


def new_context(browser: Browser, **how: object) -> BrowserContext:
    """Return a context in which Ann is signed in."""
    return signed_in(browser.new_context(**how))  # type: ignore[arg-type]
