"""Secrets and patients: in no log, error, tag or address, whatever a server says."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from structlog.testing import capture_logs

from pumpd.config import load
from pumpd.errors import StoreError
from pumpd.histories import influx_place, open_writer
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.influx_sender import LaterError, LinesRefusedError
from tests.cli.test_history_verbs import configured
from tests.mosquitto import free_port
from tests.store.influx import Influx, influx, missing
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-5")]
TOKEN = "hush-hush-token"
LABEL = "Q.Z. Patient"
NEEDS_INFLUXD = pytest.mark.skipif(bool(missing()), reason=missing())


class _Telltale(BaseHTTPRequestHandler):
    """A server that says back everything it was told, with the status that stands in the path's bucket."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.headers['Authorization']} {unquote(self.path)}".encode() + body[:20]
        self.send_response(int(self.path.split("bucket=")[1][:3]) if "bucket=" in self.path else 500)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def telltale() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Telltale)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", ["400", "401", "413", "422", "429", "500", "503"])
def test_a_token_that_a_server_says_back_is_blotted_out(telltale: str, status: str) -> None:
    """Errors hold the server's words without the secret; what blames the lines is told apart."""
    door = InfluxDoor(InfluxPlace(telltale, "clinic", status, lambda: TOKEN, 5.0))
    with pytest.raises(StoreError) as caught:
        door.write(b"reading f=1 1")
    door.close()
    assert TOKEN not in str(caught.value)
    assert "***" in str(caught.value)
    assert isinstance(caught.value, LinesRefusedError) == (status in {"400", "413", "422"})
    if isinstance(caught.value, LaterError):
        assert caught.value.wait_s == 7.0
    assert caught.value.__cause__ is None


def test_a_query_that_fails_says_no_token(telltale: str) -> None:
    """The reader blots it out too."""
    query = InfluxQuery(InfluxPlace(telltale, "clinic", "pumpd", lambda: TOKEN, 5.0))
    with pytest.raises(StoreError) as caught:
        query.ask("SHOW DATABASES")
    assert TOKEN not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    """Both ways say where nobody answers."""
    place = InfluxPlace(f"http://127.0.0.1:{free_port()}", "clinic", "pumpd", lambda: TOKEN, 5.0)
    with pytest.raises(LaterError, match=place.url):
        InfluxDoor(place).write(b"reading f=1 1")
    with pytest.raises(StoreError, match=place.url):
        InfluxQuery(place).ask("SHOW DATABASES")


@NEEDS_INFLUXD
async def test_no_patient_and_no_token_is_in_a_tag_an_address_or_a_log(tmp_path: Path) -> None:
    """The label is a field of one measurement; the server's addresses and every log line are without it."""
    (tmp_path / "db").mkdir()
    with influx(tmp_path / "db") as served, capture_logs() as logs:
        served.make()
        await _outage(served, tmp_path)
        query = InfluxQuery(served.place())
        (labels,) = query.ask('SELECT "label" FROM "patient" WHERE "label" != \'\'')
        tags = query.ask("SHOW SERIES")
    assert {found["label"] for found in labels.rows} == {LABEL}
    keys = [str(found["key"]) for series in tags for found in series.rows]
    assert keys
    assert not any("Patient" in key for key in keys)
    assert served.proxy.asked
    assert not any("Patient" in path or TOKEN in path for path, _ in served.proxy.asked)
    assert {said for _, said in served.proxy.asked if said} == {f"Token {TOKEN}"}
    assert {entry["event"] for entry in logs} == {"history.down", "history.up"}
    assert TOKEN not in str(logs)
    assert "Patient" not in str(logs)


async def _outage(served: Influx, directory: Path) -> None:
    place = served.place(token=TOKEN)
    served.server.kill()
    writer = InfluxHistoryWriter(SpoolPlace(directory, 2**24), "clinic", lambda: InfluxDoor(place))
    for n in range(20):
        writer.write(row(n, label=LABEL if n < 10 else ""))
    await until(lambda: writer.status().failing)
    served.server.start()
    await until(lambda: writer.status().written == 20)
    await writer.close()


@NEEDS_INFLUXD
async def test_a_token_that_can_not_be_read_is_told_and_read_again(tmp_path: Path) -> None:
    """Its file gone, readings wait and the reason names the file; once it is back they are sent."""
    (tmp_path / "db").mkdir()
    with influx(tmp_path / "db") as served:
        served.make()
        file = configured(tmp_path, served.url, bucket="pumpd", token_file="token")
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "token").chmod(0o600)
        config = load(file)
        (tmp_path / "token").unlink()
        writer = open_writer(config)
        writer.write(row(0))
        await until(lambda: writer.status().failing)
        assert writer.status().failing == "token can not be read: no such file or directory"
        with pytest.raises(StoreError, match="token can not be read"):
            InfluxQuery(influx_place(config)).ask("SHOW DATABASES")
        (tmp_path / "token").write_text(TOKEN)
        await until(lambda: writer.status().written == 1)
        await writer.close()
        assert {said for _, said in served.proxy.asked if said} == {f"Token {TOKEN}"}


@pytest.mark.parametrize(
    "written", ["hush-1\nhush-2", "hush-1\r\nX-Hush: 2", "hush-1 hush-2", "hush\x00-1", "hüsh"]
)
async def test_a_file_that_holds_no_token_is_told_without_a_word_of_it(tmp_path: Path, written: str) -> None:
    """Libraries quote a header that they can not send; writer, reader and their log name the file instead."""
    file = configured(tmp_path, f"http://127.0.0.1:{free_port()}", bucket="pumpd", token_file="token")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    config = load(file)
    (tmp_path / "token").write_text(written, encoding="utf-8")
    with capture_logs() as logs:
        writer = open_writer(config)
        writer.write(row(0))
        await until(lambda: writer.status().failing)
        failing = writer.status().failing
        await writer.close()
    with pytest.raises(StoreError, match="token holds no token") as caught:
        InfluxQuery(influx_place(config)).ask("SHOW DATABASES")
    assert failing == "token holds no token: one line without spaces, in ASCII"
    told = f"{failing} {caught.value} {logs}".lower()
    assert not {"hush", "hüsh"} & set(re.findall(r"\w+", told))
