"""The dashboard over TLS of its own: who gets in, from where, and what is refused."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dashboard import tls
from dashboard.app import create_app
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.errors import ConfigError
from pumpd.store.reader import SqliteHistoryReader
from tests.config.test_certificates import WITH_TLS, write
from tests.dashboard.client import TestClient
from tests.dashboard.people import PASSWORD, people, prepare
from tests.dashboard.served import PROGRAM, now_s, start
from tests.dashboard.test_api import settings
from tests.mosquitto import free_port
from tests.shown import NAME, show

MADE = datetime(2026, 4, 2, 12, tzinfo=UTC)
OPEN = f"host: 0.0.0.0, {WITH_TLS}, names: [{NAME}]"

pytestmark = pytest.mark.requirement("HTTPS-1")


@dataclass
class Secure:
    """A dashboard that speaks TLS, in a process of its own."""

    port: int
    context: ssl.SSLContext

    @property
    def origin(self) -> str:
        """What a browser says that opened the page under its name."""
        return f"https://{NAME}:{self.port}"

    def client(self) -> httpx.Client:
        """Return a client that trusts the authority of the test and opens the page under its name."""
        host = {"host": f"{NAME}:{self.port}", "origin": self.origin}
        return httpx.Client(base_url=f"https://127.0.0.1:{self.port}", verify=self.context, headers=host)

    def stream(self, cookie: str, host: str, origin: str) -> ClientConnection:
        """Return a page's WebSocket, over TLS, to ``host``."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        url = f"wss://{host}:{self.port}/stream"
        said = {"cookie": cookie}
        return connect(
            url,
            sock=plain,
            ssl=self.context,
            server_hostname=NAME,
            origin=Origin(origin),
            additional_headers=said,
            open_timeout=10,
        )


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """Yield one for the tests of this module."""
    folder = tmp_path_factory.mktemp("secure")
    show(folder)
    port = free_port()
    config = write(folder, f"{OPEN}, port: {port}")
    prepare(folder / "var")
    process = start("-c", PROGRAM, str(config))
    made = Secure(port, ssl.create_default_context(cafile=str(folder / "ca.pem")))
    deadline = now_s() + 30
    try:
        with made.client() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/healthz").status_code == 200:
                        break
                assert now_s() < deadline, "it does not answer"
                assert process.poll() is None, "it ended"
                time.sleep(0.05)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


@pytest.mark.real
def test_people_sign_in_and_watch_over_tls(secure):
    """Cookies are Secure and of this host, TLS is asked for from then on, the page's stream runs over wss."""
    with secure.client() as client:
        answer = client.post("/api/sign-in", json={"name": "Ann", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        cookie, *parts = answer.headers["set-cookie"].split("; ")
        assert cookie.startswith("__Host-pumpd-session=")
        assert "Secure" in parts
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert client.get("/api/session", headers={"cookie": cookie}).json()["user"] == "Ann"
    with secure.stream(cookie, NAME, secure.origin) as page:
        assert json.loads(page.recv(timeout=10))


@pytest.mark.real
def test_a_foreign_name_or_page_gets_nothing_over_tls_either(secure):
    """By its Host, and a WebSocket by its Origin, also of the same name in the clear."""
    with secure.client() as client:
        for host in ("evil.example", f"evil.{NAME}", "10.0.0.5"):
            assert client.get("/healthz", headers={"host": host}).status_code == 403
        assert client.get("/healthz", headers={"host": "127.0.0.1"}).status_code == 200
    for host, origin in (("evil.example", secure.origin), (NAME, f"http://{NAME}:{secure.port}")):
        with pytest.raises(InvalidStatus), secure.stream("", host, origin):
            pass


@pytest.mark.real
def test_plain_http_on_that_port_gets_nothing(secure):
    """Not even a redirect: what was sent in the clear is not answered."""
    with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while part := plain.recv(4096):
                said += part
    assert b"HTTP" not in said
    assert len(said) <= 7, "more than one alert of TLS"


@pytest.mark.real
@pytest.mark.parametrize(("newest", "good"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_nothing_older_than_tls_1_2_is_spoken(secure, newest, good):
    """A browser that offers less is turned away in the handshake (RFC 8996)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(
        cadata="".join(ssl.DER_cert_to_PEM_cert(der) for der in secure.context.get_ca_certs(binary_form=True))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what is tried is what is deprecated
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion[newest]
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    # The server hangs up, with the alert or before it is out; what this side can not offer says otherwise.
    hung_up = r"(?i)alert protocol version|eof occurred|reset by peer"
    away = pytest.raises((ssl.SSLError, ConnectionError), match=hung_up)
    refused = contextlib.nullcontext() if good else away
    plain = socket.create_connection(("127.0.0.1", secure.port), timeout=10)
    with plain, refused, context.wrap_socket(plain, server_hostname=NAME) as spoken:
        assert spoken.version() == newest.replace("_", ".")


def test_the_oldest_tls_is_1_2(tmp_path):
    """Whatever this machine's OpenSSL would still speak."""
    show(tmp_path)
    context = tls.context_of(load(write(tmp_path, OPEN)), SystemClock().wall())
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls.context_of(load(write(tmp_path, "")), SystemClock().wall()) is None


def test_a_certificate_is_shown_only_while_it_holds(tmp_path):
    """On its first and its last second it does; one before and one after, the file and the date are told."""
    show(tmp_path, now=MADE)
    config = load(write(tmp_path, OPEN))
    first, last = MADE - timedelta(days=99, hours=1), MADE + timedelta(days=90)
    second = timedelta(seconds=1)
    assert tls.context_of(config, first)
    assert tls.context_of(config, last)
    with pytest.raises(ConfigError, match=r"desk.pem begins to hold on 2025-12-24 11:00 UTC"):
        tls.context_of(config, first - second)
    with pytest.raises(ConfigError, match=r"desk.pem ended on 2026-07-01 12:00 UTC"):
        tls.context_of(config, last + second)


def test_a_certificate_that_is_taken_away_is_told(tmp_path):
    """Between the check of the file and the start it may go; that is told in words too."""
    show(tmp_path)
    config = load(write(tmp_path, OPEN))
    (tmp_path / "desk.pem").unlink()
    with pytest.raises(ConfigError, match=r"desk.pem can not be used with"):
        tls.context_of(config, SystemClock().wall())


@contextlib.contextmanager
def opened(folder: Path, base: str, names: tuple[str, ...]) -> Iterator[TestClient]:
    """Yield the client of a dashboard that is opened under ``names``."""
    reader = SqliteHistoryReader(folder / "history.db", folder / "journal.db")
    app = create_app(replace(settings(), names=names), reader, SystemClock(), people(folder))
    with TestClient(app, base_url=base) as client:
        yield client


def test_only_under_its_own_names_it_answers(tmp_path):
    """In any case of letters, at any port; no part of a name, none with more behind it, no other address."""
    with opened(tmp_path, f"https://{NAME}", ("Ward.Example", "fd00::7")) as client:
        for good in (NAME, NAME.upper(), f"{NAME}:8443", "localhost", "127.0.0.1", "[fd00::7]:8443"):
            assert client.get("/healthz", headers={"host": good}).status_code == 200, good
        for bad in ("evil.example", f"{NAME}.evil.example", "example", "10.0.0.5", "", f"a.{NAME}"):
            assert client.get("/healthz", headers={"host": bad}).status_code == 403, bad


def test_over_tls_a_page_in_the_clear_is_another_sites(tmp_path):
    """Who sits on the network writes http pages of any name; what they ask for is refused."""
    with opened(tmp_path, f"https://{NAME}", (NAME,)) as client:
        body = {"name": "Ann", "password": PASSWORD}
        for origin, status in ((f"http://{NAME}", 403), (f"https://{NAME}", 200)):
            answer = client.post("/api/sign-in", json=body, headers={"origin": origin})
            assert answer.status_code == status, origin


@pytest.mark.real
def test_a_certificate_that_ended_is_told_at_the_start(tmp_path):
    """Exit status 2: the operator must do something; no page is served."""
    show(tmp_path, days=-1)
    ended = start("-m", "pumpd.cli", "dashboard", "-c", str(write(tmp_path, f"{OPEN}, port: {free_port()}")))
    assert ended.wait(timeout=60) == 2
