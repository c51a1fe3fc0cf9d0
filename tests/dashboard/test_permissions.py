"""Every route by every role: the table is the whole truth, and each of its cells is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from dashboard.app import create_app
from dashboard.devices import DeviceKind
from dashboard.guard import GRANT_HEADER
from dashboard.permissions import RULES, SOCKET, rule_for
from dashboard.sign_in import People
from dashboard.visitor import Standing
from pumpd.clock import SystemClock
from pumpd.contract.roles import MAY_ASK, Role
from pumpd.contract.verbs import VERBS
from pumpd.store.reader import SqliteHistoryReader
from tests.dashboard import permission_page
from tests.dashboard.client import TestClient
from tests.dashboard.people import NAMES, PIN, at_screen, people, sign_in
from tests.dashboard.test_api import OURS, settings

HEADERS = {"origin": OURS, "host": "127.0.0.1"}
pytestmark = pytest.mark.requirement("PEOPLE-1")


@pytest.fixture
def who(tmp_path: Path) -> People:
    """Return the people of the dashboard."""
    return people(tmp_path)


@pytest.fixture
def client(tmp_path: Path, who: People) -> Iterator[TestClient]:
    """Yield a client of nobody's."""
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    app = create_app(settings(), reader, SystemClock(), who)
    with TestClient(app, base_url=OURS, follow_redirects=False) as made:
        yield made


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Return every route that the application has, by method and path as the table writes them."""
    found: set[tuple[str, str]] = set()
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, Mount):
            found.add(("GET", f"{context.path}/{{path:path}}"))
        elif isinstance(context.original_route, WebSocketRoute):
            found.add((SOCKET, str(context.path)))
        else:
            found |= {(method, str(context.path)) for method in context.methods or ()}
    return found


def test_every_route_has_a_row_and_every_row_a_route(client: TestClient) -> None:
    """A new route without a row fails here; a row whose route is gone does too."""
    assert isinstance(client.app, FastAPI)
    assert routes(client.app) == set(RULES)


def test_a_route_without_a_row_is_reached_by_nobody(client: TestClient, who: People) -> None:
    """Whoever forgets the row finds the route closed, not open."""
    assert isinstance(client.app, FastAPI)

    async def told() -> str:
        return "patients"

    client.app.add_api_route("/api/forgotten", told, methods=["GET"])
    for role in Role:
        sign_in(client, who, role)
        answer = client.get("/api/forgotten")
        assert (answer.status_code, "patients" in answer.text) == (404, False)


def test_every_verb_of_the_daemon_says_who_may_ask_for_it() -> None:
    """The daemon knows no verb that roles are silent of, and roles name none that it does not know."""
    assert set(MAY_ASK) == set(VERBS)


def test_the_page_of_permissions_is_written_from_the_tables() -> None:
    """docs/permissions.md is that of the code."""
    assert permission_page.PAGE.read_text() == permission_page.page()


def asked(client: TestClient, method: str, path: str, grant: str = "") -> bool:
    """Return whether the guard lets this client through to the route."""
    filled = path.replace("{path:path}", "x").replace("{", "").replace("}", "")
    headers = {**HEADERS, **({GRANT_HEADER: grant} if grant else {})}
    if method == SOCKET:
        try:
            with client.websocket_connect(filled, headers=headers) as socket:
                return bool(socket.receive_json()["t"] == "picture")
        except WebSocketDisconnect:
            return False
    answer = client.request(method, filled, headers=headers, **({} if method == "GET" else {"json": {}}))
    if answer.status_code == 303:
        assert answer.headers["location"] == "/sign-in"
    return answer.status_code not in {303, 401, 403}


def become(client: TestClient, who: People, standing: Standing) -> None:
    """Make this client a visitor without a role."""
    client.cookies.clear()
    if standing in {Standing.WALL, Standing.SHARED}:
        for screen in who.store.devices.all():
            who.store.devices.revoke(screen.name, "test")
        at_screen(client, who, DeviceKind(standing.value))
    elif standing is Standing.ENDED:
        sign_in(client, who, Role.NURSE)
        with who.store._db.writing() as db:
            db.execute("UPDATE session SET active_ms = active_ms - 901000")


@pytest.mark.parametrize(("method", "path"), sorted(RULES), ids=" ".join)
def test_the_row_is_what_the_server_does(client: TestClient, who: People, method: str, path: str) -> None:
    """Each standing, each role, and each role's PIN at a shared screen: let through or refused as it says."""
    rule = RULES[method, path]
    for standing in permission_page.STANDINGS:
        become(client, who, standing)
        assert asked(client, method, path) is (standing in rule.standings), standing
    for role in Role:
        sign_in(client, who, role)
        may = Standing.PERSON in rule.standings or role in rule.roles
        assert asked(client, method, path) is may, role
    for kind, opens in ((DeviceKind.SHARED, rule.pin), (DeviceKind.WALL, False)):
        for role in Role:
            become(client, who, Standing(kind.value))
            taken = client.post("/api/pin", json={"name": NAMES[role], "pin": PIN}, headers=HEADERS)
            assert (taken.status_code == 200) is (kind is DeviceKind.SHARED)
            grant = taken.json().get("grant", "none")
            may = (opens and role in rule.roles) or Standing(kind.value) in rule.standings
            assert asked(client, method, path, grant) is may, (kind, role)


def test_a_row_is_found_by_what_is_asked_for_and_by_nothing_near_it() -> None:
    """Another method, a longer path, a path that climbs: no row, so nobody."""
    assert rule_for("GET", "/api/state") is RULES["GET", "/api/state"]
    assert rule_for("HEAD", "/healthz") is RULES["GET", "/healthz"]
    for method, path in (
        ("POST", "/api/state"),
        ("GET", "/api/state/"),
        ("GET", "/api/state\n"),
        ("GET", "/API/state"),
        ("GET", "//api/state"),
        ("GET", "/api/history/a/b/c/d"),
        ("DELETE", "/api/session"),
        ("OPTIONS", "/api/begin"),
    ):
        assert rule_for(method, path) is None, (method, path)


def test_nobody_but_those_named_confirms_or_acts() -> None:
    """Only nurses begin and end infusions, and an admin's rights are over accounts alone."""
    clinical = {path for (_, path), rule in RULES.items() if rule.roles == frozenset({Role.NURSE})}
    assert {"/api/infusion/begin", "/api/infusion/end", "/api/accept"} <= clinical
    for role in (Role.ADMIN, Role.VIEWER, Role.PHARMACIST):
        assert [path for (_, path), rule in RULES.items() if rule.pin and role in rule.roles] == []
