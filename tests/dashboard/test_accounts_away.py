"""The accounts can not be read or written while the dashboard runs: said in words, and no ward goes blind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.guard import ACCOUNTS_UNREADABLE
from tests.dashboard.door import Door

pytestmark = pytest.mark.requirement("PEOPLE-2", "PEOPLE-4")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Yield the door of a dashboard in which Ann is signed in."""
    made = Door(tmp_path)
    with made.client:
        assert made.sign_in().status_code == 200
        yield made


def rename(door: Door, table: str, away: str) -> None:
    """Take a table away, or put it back."""
    with door.who.store._db.writing() as db:
        db.execute(f"ALTER TABLE {table} RENAME TO {away}")


def test_what_can_not_be_judged_is_refused_in_words_and_works_again_afterwards(door, capsys):
    """503, no stack of calls in the answer, told once in the log; what needs no account goes on."""
    rename(door, "session", "away")
    for said in (door.client.get("/api/state"), door.sign_in(), door.acknowledge()):
        assert said.status_code == 503
        assert said.json()["detail"] == ACCOUNTS_UNREADABLE
    assert door.client.get("/healthz", headers={"cookie": ""}).status_code == 200
    rename(door, "away", "session")
    assert door.may_look()
    said = capsys.readouterr().out
    assert (said.count("accounts unreadable"), said.count("accounts readable")) == (1, 1)


def test_a_page_that_was_let_in_keeps_its_picture(door):
    """Its heartbeats go on; a new page is not let in until the accounts are back."""
    with door.stream() as stream:
        assert stream.receive_json()["t"] == "picture"
        rename(door, "session", "away")
        beats = [stream.receive_json()["t"] for _ in range(3)]
        assert "beat" in beats
        rename(door, "away", "session")
