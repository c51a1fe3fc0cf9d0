"""While the accounts can not be read nobody is let in, and the answer says why in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.app import create_app
from pumpd.clock import SystemClock
from pumpd.contract.roles import Role
from pumpd.store.reader import SqliteHistoryReader
from tests.dashboard.client import TestClient
from tests.dashboard.people import NAMES, PASSWORD, people, sign_in
from tests.dashboard.test_api import OURS, settings

pytestmark = pytest.mark.requirement("PEOPLE-1")


def test_accounts_that_can_not_be_read_let_nobody_in_and_say_so(tmp_path: Path) -> None:
    """Who was signed in is refused with words, its socket is closed, and what is anybody's still answers."""
    who = people(tmp_path)
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    app = create_app(settings(), reader, SystemClock(), who)
    headers = {"origin": OURS, "host": "127.0.0.1"}
    with TestClient(app, base_url=OURS, follow_redirects=False) as client:
        sign_in(client, who)
        assert client.get("/api/state").status_code == 200
        who.store.close()
        asked = client.get("/api/state")
        assert asked.status_code == 503
        assert "accounts can not be read" in asked.json()["detail"]
        assert "people.db" not in asked.text
        assert client.get("/healthz").status_code == 200
        typed = {"name": NAMES[Role.NURSE], "password": PASSWORD}
        tried = client.post("/api/sign-in", json=typed, headers=headers)
        assert (tried.status_code, tried.json()["detail"]) == (503, asked.json()["detail"])
        with (
            pytest.raises(WebSocketDisconnect) as closed,
            client.websocket_connect("/stream", headers=headers),
        ):
            pass
        assert closed.value.code == 1011
