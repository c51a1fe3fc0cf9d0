"""An application with people, a clock set by hand and a browser that keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from httpx import Response

from dashboard.app import create_app
from dashboard.sign_in import People
from dashboard.visitor import SESSION
from pumpd.store.reader import SqliteHistoryReader
from tests.dashboard.client import TestClient, WebSocketTestSession
from tests.dashboard.hand_clock import HandClock
from tests.dashboard.people import PASSWORD, PIN, people
from tests.dashboard.test_api import OURS, settings

HEADERS = {"origin": OURS, "host": "127.0.0.1"}
ALARM = {"node": "n", "boot_id": "b", "pump": "P", "channel": "1", "condition": "c", "revision": 1}


@dataclass
class Door:
    """The dashboard's door from outside."""

    directory: Path
    base: str = OURS
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        """Make the application."""
        self.who: People = people(self.directory, self.clock)
        reader = SqliteHistoryReader(self.directory / "history.db", self.directory / "journal.db")
        app = create_app(replace(settings(), source="/etc/pumpd.yaml"), reader, self.clock, self.who)
        self.client = TestClient(app, base_url=self.base, follow_redirects=False)
        self.headers = {"origin": self.base, "host": self.base.partition("//")[2]}

    def post(self, path: str, body: object = None, **headers: str) -> Response:
        """Ask for something from a page of this dashboard."""
        answer: Response = self.client.post(path, json=body or {}, headers={**self.headers, **headers})
        return answer

    def sign_in(self, name: str = "Ann", password: str = PASSWORD) -> Response:
        """Type name and password."""
        return self.post("/api/sign-in", {"name": name, "password": password})

    def pin(self, name: str = "Ann", pin: str = PIN) -> Response:
        """Type name and PIN."""
        return self.post("/api/pin", {"name": name, "pin": pin})

    def session(self) -> dict[str, Any]:
        """Return who the dashboard says it is."""
        told: dict[str, Any] = self.client.get("/api/session").json()
        return told

    def may_look(self) -> bool:
        """Return whether the picture is shown."""
        return bool(self.client.get("/api/state").status_code == 200)

    def acknowledge(self, **headers: str) -> Response:
        """Say "I have it" of an alarm; 200 when somebody with a role did."""
        return self.post("/api/acknowledge", ALARM, **headers)

    def cookie(self) -> str:
        """Return what the session's cookie holds."""
        return next((kept.value or "" for kept in self.client.cookies.jar if kept.name == SESSION), "")

    def bring(self, token: str) -> None:
        """Come with this in the session's cookie."""
        self.client.cookies.clear()
        self.client.cookies.set(SESSION, token, domain="127.0.0.1")

    def stream(self) -> WebSocketTestSession:
        """Return a page's WebSocket, to be opened."""
        headers = {**self.headers, "cookie": f"{SESSION}={self.cookie()}"}
        return self.client.websocket_connect("/stream", headers=headers)

    def events(self) -> list[tuple[str, str]]:
        """Return what the log keeps: event and whose."""
        return [(line.event, line.who) for line in self.who.store.log.lines(1000)]
