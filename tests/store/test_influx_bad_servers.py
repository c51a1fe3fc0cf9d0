"""Databases that answer late, not now, not at all or as somebody else: nothing of it is taken for stored."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pumpd.errors import StoreError
from pumpd.store import influx_sender
from pumpd.store.influx_client import InfluxDoor
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery
from pumpd.store.influx_sender import LaterError
from pumpd.store.spool_account import read_account
from tests.store.readings import row
from tests.store.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-2")]
TIMEOUT_S = 0.3
STORED = b"HTTP/1.1 204 No Content\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy"
MANY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: Fri, 01 Jan 2027 00:00:00 GMT\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\nsign in"
GARBAGE = b"\x00\xff\xfe\r\n\r\n"
LATE, CUT = b"late", b"cut"
"""Kept and never answered; the connection is cut in the middle of what is sent."""
DRIP = b"drip "
"""In front of an answer that comes byte by byte."""
DRIP_S = 0.05
"""A sixth of the time-out; a whole answer takes several times as long as that."""
ANSWER = b'{"results":[{"series":[{"columns":["time"],"values":[[1]]}]}]}'
FULL = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


class Scripted:
    """A server that treats one request after another as the script says, and then as a good one does."""

    def __init__(self, script: Sequence[bytes]) -> None:
        self._script = iter(script)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._open: list[socket.socket] = []
        self._hurry = threading.Event()
        self.kept: dict[bytes, int] = {}
        """Each line that was taken, and how often."""
        self.asked = 0
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread.start()

    def close(self) -> None:
        self._hurry.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for each in self._open:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        does = next(self._script, STORED)
        self.asked += 1
        if does == CUT:
            connection.recv(100)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
            return
        with connection.makefile("rb") as sent:
            length = 0
            while (head := sent.readline().strip()) != b"":
                if head.lower().startswith(b"content-length:"):
                    length = int(head.partition(b":")[2])
            lines = sent.read(length).split(b"\n")
        if does in {STORED, LATE}:
            for line in lines:
                self.kept[line] = self.kept.get(line, 0) + 1
        if does == LATE:
            self._open.append(connection)
            return
        answer = does.removeprefix(DRIP).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with connection:
            if not does.startswith(DRIP):
                connection.sendall(answer)
                return
            for at in range(len(answer)):
                connection.sendall(answer[at : at + 1])
                self._hurry.wait(DRIP_S)


@pytest.fixture
def scripted() -> Iterator[Callable[[Sequence[bytes]], Scripted]]:
    """Return what starts a server."""
    started: list[Scripted] = []

    def start(script: Sequence[bytes]) -> Scripted:
        started.append(Scripted(script))
        return started[-1]

    yield start
    for each in started:
        each.close()


def place_of(server: Scripted) -> InfluxPlace:
    return InfluxPlace(server.url, "clinic", "pumpd", lambda: "", TIMEOUT_S)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (BUSY, "503: busy"),
        (MANY, "429"),
        (PAGE, "answered 200"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "302"),
        (GARBAGE, "BadStatusLine"),
        (LATE, "ReadTimeoutError"),
        (CUT, "Connection"),
        (DRIP + STORED, "ReadTimeoutError"),
        (DRIP + BUSY, "ReadTimeoutError"),
    ],
    ids=["503", "429", "page", "redirect", "garbage", "late", "cut", "dripping", "dripping 503"],
)
def test_only_a_204_is_taken_for_stored(
    scripted: Callable[[Sequence[bytes]], Scripted], answer: bytes, words: str
) -> None:
    """Everything else is tried again later, and says what came."""
    server = scripted([answer])
    door = InfluxDoor(place_of(server))
    with pytest.raises(LaterError, match=words):
        door.write(b"reading f=1 1")
    door.write(b"reading f=1 1")
    door.close()
    assert server.asked == 2


@pytest.mark.parametrize(
    "answer",
    [DRIP + FULL, DRIP + BUSY, FULL[:-1], FULL[:20], GARBAGE, LATE, CUT],
    ids=["dripping", "dripping 503", "short", "half a head", "garbage", "late", "cut"],
)
def test_a_question_ends_in_time_and_with_words(
    scripted: Callable[[Sequence[bytes]], Scripted], answer: bytes
) -> None:
    """Whatever becomes of an answer on its way is told as the database's fault; the next one is taken."""
    server = scripted([answer, FULL])
    query = InfluxQuery(place_of(server))
    with pytest.raises(StoreError, match=server.url):
        query.ask("SHOW DATABASES")
    (series,) = query.ask("SHOW DATABASES")
    assert series.rows == ({"time": 1},)


async def test_a_database_that_fails_in_every_way_costs_nothing(
    scripted: Callable[[Sequence[bytes]], Scripted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All readings are stored in the end, each as itself however often it was sent; told once each way."""
    monkeypatch.setattr(influx_sender, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(influx_sender, "LONGEST_RETRY_S", 0.05)
    server = scripted([BUSY, MANY, CUT, LATE, PAGE, GARBAGE, LATE])
    with capture_logs() as logs:
        writer = InfluxHistoryWriter(
            SpoolPlace(tmp_path, 2**28), "clinic", lambda: InfluxDoor(place_of(server))
        )
        for n in range(50):
            writer.write(row(n))
        await until(lambda: writer.status().written == 50)
        await writer.close()
    readings = [line for line in server.kept if line.startswith(b"reading,")]
    assert len(readings) == 50
    times = [int(line.rsplit(b" ", 1)[1]) for line in readings]
    assert times == sorted(set(times))
    assert max(server.kept.values()) > 1
    assert [log["event"] for log in logs if log["event"].startswith("history.")] == [
        "history.down",
        "history.up",
    ]
    told = read_account(tmp_path / "spool.db", 0, 2**42 // 60_000 * 60_000)
    assert (told.read, told.spooled, told.dropped) == (50, 0, {})
