"""What ``pumpd store init`` asks of InfluxDB 2.x and 3.x, by their documents: no real one answers here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from pumpd.errors import StoreError
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_init import make_store
from pumpd.store.influx_place import InfluxPlace

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-3")]
DAY_S = 86_400
BUCKET = {"id": "b-1", "name": "pumpd", "orgID": "o-1", "retentionRules": []}
WANTED = {"bucketID": "b-1", "database": "pumpd", "retention_policy": "autogen", "default": True}
MAPPING = {"id": "m-1", "orgID": "o-1", "virtual": False, **WANTED}
UNKNOWN = 401, {"code": "unauthorized", "message": "unauthorized access"}


class _Influx(BaseHTTPRequestHandler):
    """Answers as the reference of each interface says, and keeps what it was asked to make."""

    version: ClassVar[str]
    made: ClassVar[list[tuple[str, Any]]]
    has_org: ClassVar[bool]
    knows_token: ClassVar[bool]
    there: ClassVar[list[dict[str, Any]]]
    """Buckets that were there before."""
    mapped: ClassVar[list[dict[str, Any]]]
    """DBRP mappings that were there before."""

    def do_GET(self) -> None:
        made = dict(self.made)
        match urlsplit(self.path).path:
            case "/ping":
                self._say(204, None)
            case "/api/v2/orgs":
                self._say(200, {"orgs": [{"id": "o-1", "name": "clinic"}] if self.has_org else []})
            case "/api/v2/buckets":
                rules = made.get("/api/v2/buckets", {})
                said = [*self.there, *([{**BUCKET, **rules}] if rules else [])]
                self._say(*((200, {"buckets": said}) if self.knows_token else UNKNOWN))
            case "/api/v2/dbrps":
                self._say(200, {"content": self.mapped + [MAPPING] * ("/api/v2/dbrps" in made)})
            case _:
                self._say(404, {"message": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.made.append((self.path, body))
        self._say(201, {"/api/v2/buckets": BUCKET, "/api/v2/dbrps": MAPPING}.get(self.path, {}))

    def do_PATCH(self) -> None:
        self.made.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self._say(200, BUCKET)

    def _say(self, status: int, body: Any) -> None:
        said = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Influxdb-Version", self.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def place() -> Iterator[InfluxPlace]:
    """Yield where it is."""
    _Influx.made, _Influx.has_org, _Influx.knows_token = [], True, True
    _Influx.there, _Influx.mapped = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Influx)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield InfluxPlace(
        f"http://127.0.0.1:{server.server_address[1]}", "clinic", "pumpd", lambda: "token-1", 5.0
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("days", "rules"), [(0, []), (30, [{"type": "expire", "everySeconds": 30 * DAY_S}])])
def test_on_2_a_bucket_with_its_retention_and_a_name_for_influxql_are_made_once(
    place: InfluxPlace, days: int, rules: list[Any]
) -> None:
    """The DBRP mapping gives the bucket's name to InfluxQL; a second run finds both and makes nothing."""
    _Influx.version = "v2.7.11"
    said = make_store(place, days)
    assert "bucket pumpd made, its name for InfluxQL made" in said
    assert _Influx.made == [
        ("/api/v2/buckets", {"orgID": "o-1", "name": "pumpd", "rp": "0", "retentionRules": rules}),
        ("/api/v2/dbrps", {"org": "clinic", **WANTED}),
    ]
    assert "bucket pumpd was there, its name for InfluxQL was there" in make_store(place, days)
    assert len(_Influx.made) == 2


@pytest.mark.parametrize(
    ("kept_s", "days", "told"), [(0, 30, "for ever"), (7 * DAY_S, 30, "7 days"), (7 * DAY_S, 0, "7 days")]
)
def test_on_2_a_bucket_that_was_there_is_given_its_retention(
    place: InfluxPlace, kept_s: int, days: int, told: str
) -> None:
    """What it had is told; the duration of its shards, which may not be longer, is the server's to choose."""
    _Influx.version = "v2.7.11"
    _Influx.there = [{**BUCKET, "retentionRules": [{"type": "expire", "everySeconds": kept_s}]}]
    said = make_store(place, days)
    assert f"bucket pumpd was there and kept readings {told}, " in said
    rule = {"type": "expire", "everySeconds": days * DAY_S, "shardGroupDurationSeconds": 0}
    assert _Influx.made[0] == ("/api/v2/buckets/b-1", {"retentionRules": [rule]})


def test_on_2_a_name_that_stands_for_another_bucket_is_told_and_nothing_is_made(place: InfluxPlace) -> None:
    """Readings would go into one bucket and be read from the other."""
    _Influx.version = "v2.7.11"
    _Influx.mapped = [{**MAPPING, "bucketID": "b-9", "retention_policy": "other"}]
    with pytest.raises(StoreError, match=r"InfluxQL knows another bucket \(b-9\) as pumpd"):
        make_store(place, 0)
    assert _Influx.made == []


def test_on_2_a_name_that_the_server_makes_up_is_made_lasting(place: InfluxPlace) -> None:
    """A virtual mapping goes with the bucket's name, and gives way to anybody's."""
    _Influx.version, _Influx.there = "v2.7.11", [BUCKET]
    _Influx.mapped = [{**MAPPING, "id": "b-1", "virtual": True}]
    assert "its name for InfluxQL made" in make_store(place, 0)
    assert _Influx.made == [("/api/v2/dbrps", {"org": "clinic", **WANTED})]


def test_a_token_that_is_not_known_is_told_with_what_to_mend(place: InfluxPlace) -> None:
    """The server's words alone would not say where the token stands."""
    _Influx.version, _Influx.knows_token = "v2.7.11", False
    with pytest.raises(StoreError, match=r"401: unauthorized access; .*history\.token_file"):
        make_store(place, 0)
    assert _Influx.made == []


@pytest.mark.parametrize(("days", "kept"), [(0, {}), (30, {"retention_period": "30d"})])
def test_on_3_a_database_with_its_retention_is_made(
    place: InfluxPlace, days: int, kept: dict[str, str]
) -> None:
    """InfluxDB 3 has databases, and InfluxQL by their own names."""
    _Influx.version = "3.2.1"
    assert "database pumpd keeps readings" in make_store(place, days)
    assert _Influx.made == [("/api/v3/configure/database", {"db": "pumpd", **kept})]


def test_what_is_no_influxdb_is_told(place: InfluxPlace) -> None:
    """Nothing is made on a server of another kind."""
    _Influx.version = "9.1"
    with pytest.raises(StoreError, match=r"it says it is 9\.1; allowed: InfluxDB 1 to 3"):
        make_store(place, 0)
    assert _Influx.made == []


def test_an_organisation_that_is_not_there_is_told(place: InfluxPlace) -> None:
    """The operator is told what to mend, and nothing is made."""
    _Influx.version, _Influx.has_org = "v2.7.11", False
    with pytest.raises(StoreError, match="does the organisation clinic exist"):
        make_store(place, 0)
    assert _Influx.made == []


def test_a_server_that_is_not_there_is_told_in_the_systems_words(place: InfluxPlace) -> None:
    """Where it was sought and why it was not reached; nothing of the program's own inside."""
    door = InfluxDoor(replace(place, url="http://127.0.0.1:1"))
    for way in (lambda: door.write(b"a b=1.0 1"), lambda: door.make_bucket(0)):
        with pytest.raises(StoreError, match=r"^http://127\.0\.0\.1:1.*Connection refused$") as told:
            way()
        assert "Timely" not in str(told.value)
