"""The HTTP half: history in bounded buckets, journal, state, and who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.app import DashboardSettings, create_app, make_parts
from dashboard.page import ConfiguredPump
from pumpd.clock import SystemClock
from pumpd.contract.payloads import EventPayload
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import Measured, PumpId
from pumpd.errors import ConfigError
from pumpd.mqtt import Broker
from pumpd.qa.seeded_keys import seeded_signer
from pumpd.store.base import HistoryRow, NewLine
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.journal import SqliteJournal
from pumpd.store.reader import SqliteHistoryReader
from tests.dashboard import canned
from tests.dashboard.client import TestClient
from tests.dashboard.people import people, sign_in
from tests.dashboard.served import telemetry
from tests.mosquitto import free_port

DAY_MS = 86_400_000
START_MS = 1_767_225_600_000  # 2026-01-01
OURS = "http://127.0.0.1"


def settings(host: str = "127.0.0.1") -> DashboardSettings:
    """Return settings with a broker that is not there."""
    return DashboardSettings(
        site=canned.SITE,
        signer=seeded_signer("desk"),
        host=host,
        port=8080,
        broker=Broker("127.0.0.1", free_port()),
        pumps=(ConfiguredPump("PUMP-01", "1", "pain-clinic", "B.K.", "demo"),),
        source="pumpd.yaml",
    )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """Yield Ann's client of a dashboard with neither broker nor daemon, over an empty directory."""
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    who = people(tmp_path)
    with TestClient(create_app(settings(), reader, SystemClock(), who), base_url=OURS) as made:
        sign_in(made, who)
        yield made


@pytest.mark.requirement("DASH-7")
def test_it_serves_with_no_broker_and_no_daemon_and_says_so(client):
    """The pumps of the configuration are there, not watched; history is empty, not an error."""
    assert client.get("/healthz").json()["broker"] == "down"
    state = client.get("/api/state").json()
    assert state["broker_up"] is False
    assert [(card["key"], card["not_live"]) for card in state["pumps"]] == [("PUMP-01/1", "never")]
    history = client.get(f"/api/history/PUMP-01/1/flow_ml_h?start=0&end={DAY_MS}")
    assert history.status_code == 200
    assert history.json()["count"] == []
    assert client.get(f"/api/journal?start=0&end={DAY_MS}").json() == []


@pytest.mark.requirement("DASH-5", "DASH-7")
@pytest.mark.real
def test_a_day_of_readings_comes_back_as_a_thousand_buckets_with_its_one_spike(client, tmp_path):
    """86,400 readings written through the writer; the one of 99.9 mL/h stands in one bucket's high."""

    async def write() -> None:
        writer = SqliteHistoryWriter(tmp_path / "history.db", buffer_rows=90_000)
        for second in range(86_400):
            flow = 99.9 if second == 54_321 else 10.5
            row = HistoryRow(
                START_MS + second * 1000, "w", telemetry("PUMP-01", second + 1, flow, 1.0), 0.3, "mg/kg/h"
            )
            writer.write(row)
        await writer.close()
        assert writer.status().dropped == 0
        assert writer.status().written == 86_400

    asyncio.run(write())
    url = f"/api/history/PUMP-01/1/flow_ml_h?start={START_MS}&end={START_MS + DAY_MS}&buckets=1000"
    trend = client.get(url).json()
    assert len(trend["start_ms"]) == 1000
    assert sum(trend["count"]) == 86_400
    (spike,) = [index for index, high in enumerate(trend["high"]) if high == 99.9]
    assert trend["start_ms"][spike] <= START_MS + 54_321_000 < trend["start_ms"][spike] + 86_400
    assert set(trend["low"]) == {10.5}
    assert trend["unit"] == "mL/h"


@pytest.mark.requirement("DASH-5")
@pytest.mark.parametrize(
    "question",
    [
        "PUMP-01/1/flow_ml_h?start=0&end=1000&buckets=1001",
        "PUMP-01/1/flow_ml_h?start=0&end=1000&buckets=0",
        "PUMP-01/1/flow_ml_h?start=1000&end=1000",
        "PUMP-01/1/flow_ml_h?start=-1&end=1000",
        "PUMP-01/1/flow_ml_h?start=0&end=99999999999999",
        "PUMP-01/1/flow_ml_h?start=now&end=1000",
        "PUMP-01/1/flow_ml_h",
        "PUMP-01/1/secrets?start=0&end=1000",
    ],
)
def test_a_question_without_bounds_is_refused_with_the_reason(client, question):
    """No question can ask for more than a chart can show."""
    answer = client.get(f"/api/history/{question}")
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_broken_history_file_is_said_and_does_not_stop_the_page(client, tmp_path):
    """A file that is no database answers 503 with the reason; the rest serves on."""
    (tmp_path / "history.db").write_bytes(b"this is no database" * 100)
    answer = client.get("/api/history/PUMP-01/1/flow_ml_h?start=0&end=1000")
    assert answer.status_code == 503
    assert "history.db" in answer.json()["detail"]
    assert client.get("/api/state").status_code == 200


@pytest.mark.requirement("DASH-7")
def test_the_journal_is_read_newest_first_and_by_pump(client, tmp_path):
    """Lines come back as the transitions they hold, with their place in the journal."""

    async def write() -> None:
        journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
        for number, pump in enumerate(["PUMP-01", "PUMP-02", "PUMP-01"], start=1):
            at = datetime(2026, 5, 4, 14, number, tzinfo=UTC)
            event = EventPayload(
                id=f"b-{number}",
                node="n",
                boot_id="b",
                seq=None,
                journalled=False,
                at=at,
                kind="alarm",
                pump=pump,
                event="raise",
            )
            line = NewLine(event.id, at, "alarm", PumpId(pump), None, event.model_dump_json())
            await journal.append([line], [])
        await journal.close()

    asyncio.run(write())
    span = "start=1777000000000&end=1779000000000"
    lines = client.get(f"/api/journal?{span}&pump=PUMP-01").json()
    assert [(line["id"], line["seq"], line["journalled"]) for line in lines] == [
        ("b-3", 3, True),
        ("b-1", 1, True),
    ]
    assert len(client.get(f"/api/journal?{span}&limit=2").json()) == 2
    assert client.get(f"/api/journal?{span}&limit=501").status_code == 422


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "dashboard.example", ""])
def test_it_refuses_to_bind_to_anything_but_loopback(host):
    """Until people can sign in, no other machine reaches it; the message says what to write."""
    with pytest.raises(ConfigError, match=r"pumpd\.yaml: dashboard\.host: .*127\.0\.0\.1"):
        make_parts(settings(host), SystemClock())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.53"])
def test_loopback_in_every_spelling_is_fine(host):
    """IPv4, IPv6 and the name."""
    settings(host).check()


def test_a_foreign_host_name_is_refused(client):
    """A page elsewhere that points its own name at 127.0.0.1 learns nothing."""
    assert client.get("/api/state", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/api/state", headers={"host": "127.0.0.1.evil.example:8080"}).status_code == 403


@pytest.mark.parametrize("host", ["[", "[::1", "]", "a[b", "[nobody]"])
def test_a_host_name_that_nobody_can_read_is_a_foreign_one(client, host):
    """It is refused in words, with the headers of every answer, and is no error of the server."""
    answer = client.get("/api/session", headers={"host": host})
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (403, "nosniff")


FOREIGN: list[str | None] = [None, "http://evil.example", "null", "http://127.0.0.1:9999", "http://["]
NO_PAGES: list[str | None] = [
    "http://[::1",
    "http://a[b",
    f"javascript:{OURS[5:]}",
    OURS[5:],
    f"{OURS}/evil",
    f"{OURS}@evil",
]


@pytest.mark.requirement("DASH-4")
@pytest.mark.parametrize("origin", FOREIGN + NO_PAGES)
def test_nobody_elses_page_can_say_i_have_it(client, origin):
    """A request that changes something must come from a page this dashboard served."""
    headers = {} if origin is None else {"origin": origin}
    assert client.post("/api/acknowledge", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN + NO_PAGES)
def test_nobody_elses_page_can_listen(client, origin):
    """Browsers let any page open a WebSocket; the Origin tells whose it is."""
    headers = {} if origin is None else {"origin": origin}
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/stream", headers=headers):
        pass
    assert refused.value.code == 1008


@pytest.mark.requirement("DASH-6")
def test_a_page_of_ours_gets_the_picture_first(client):
    """Over the real WebSocket route."""
    with client.websocket_connect("/stream", headers={"origin": OURS, "host": "127.0.0.1"}) as socket:
        frame = socket.receive_json()
    assert frame["t"] == "picture"
    assert frame["pumps"][0]["key"] == "PUMP-01/1"


@pytest.mark.requirement("DASH-4")
def test_an_acknowledgement_with_no_daemon_is_not_done(client):
    """The page is told at once."""
    body = {
        "node": "n",
        "boot_id": "b",
        "pump": "P",
        "channel": "1",
        "condition": "c",
        "revision": 1,
    }
    answer = client.post("/api/acknowledge", json=body, headers={"origin": OURS})
    assert answer.json()["outcome"] == "unanswered"


def test_every_answer_forbids_what_the_page_does_not_need(client):
    """Only our own scripts and styles run, nobody frames the page, nothing is guessed."""
    headers = client.get("/").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_flow_of_a_telemetry_row_is_exact():
    """The rows of these tests hold what they say."""
    assert telemetry("P", 1, 99.9, 1.0).flow == Measured.valid(FlowRate.parse("99.9"))
