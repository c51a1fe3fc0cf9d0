"""What ``pumpd store init`` asks of InfluxDB 2.x and 3.x, by their documents: no real one answers here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from pumpd.errors import StoreError
from pumpd.store.influx_init import make_store
from pumpd.store.influx_place import InfluxPlace

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-3")]
DAY_S = 86_400
BUCKET = {"id": "b-1", "name": "pumpd", "orgID": "o-1", "retentionRules": []}
WANTED = {"bucketID": "b-1", "database": "pumpd", "retention_policy": "autogen", "default": True}
MAPPING = {"id": "m-1", "orgID": "o-1", "virtual": False, **WANTED}


class _Influx(BaseHTTPRequestHandler):
    """Answers as the reference of each interface says, and keeps what it was asked to make."""

    version: ClassVar[str]
    made: ClassVar[list[tuple[str, Any]]]
    has_org: ClassVar[bool]

    def do_GET(self) -> None:
        made = dict(self.made)
        match urlsplit(self.path).path:
            case "/ping":
                self._say(204, None)
            case "/api/v2/orgs":
                self._say(200, {"orgs": [{"id": "o-1", "name": "clinic"}] if self.has_org else []})
            case "/api/v2/buckets":
                self._say(200, {"buckets": [BUCKET] if "/api/v2/buckets" in made else []})
            case "/api/v2/dbrps":
                self._say(200, {"content": [MAPPING] if "/api/v2/dbrps" in made else []})
            case _:
                self._say(404, {"message": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.made.append((self.path, body))
        self._say(201, {"/api/v2/buckets": BUCKET, "/api/v2/dbrps": MAPPING}.get(self.path, {}))

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
    _Influx.made, _Influx.has_org = [], True
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Influx)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield InfluxPlace(f"http://127.0.0.1:{server.server_address[1]}", "clinic", "pumpd", lambda: "t", 5.0)
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
