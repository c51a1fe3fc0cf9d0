"""What an outside witness heard, held against the journal by id."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from pumpd.contract.payloads import EventPayload
from tests.mosquitto import Listener


def journal_lines(data: Path) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return what the closed journal holds, read without pumpd: event id -> (sequence, payload)."""
    db = sqlite3.connect(data / "journal.db")
    rows = db.execute("SELECT event_id, seq, payload FROM line ORDER BY seq").fetchall()
    db.close()
    return {event_id: (seq, json.loads(payload)) for event_id, seq, payload in rows}


def hold_against_journal(listener: Listener, data: Path) -> list[EventPayload]:
    """Check by id that the witness heard every journalled event, and nothing else; return what it heard."""
    kept = journal_lines(data)
    heard = [EventPayload.model_validate(payload) for payload in listener.payloads()]
    assert kept
    assert [e.id for e in heard if e.id not in kept] == [], "invented"
    assert sorted(set(kept) - {e.id for e in heard if e.journalled}) == [], "lost"
    for event in heard:
        seq, payload = kept[event.id]
        assert event.seq in {None, seq}
        assert event.journalled is (event.seq is not None)
        told = event.model_dump(mode="json", exclude={"seq", "journalled", "resent"})
        assert told == {key: payload[key] for key in told}
    return heard
