"""The InfluxDB 2.x or 3.x that the environment names, in the place of Debian's 1.6."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from pumpd.store.influx_init import make_store
from pumpd.store.influx_place import InfluxPlace
from tests.mosquitto import free_port
from tests.store.influx import DATABASE, Influx, influx, missing
from tests.store.influx_proxy import LOOPBACK, ProxyServer

URL = os.environ.get("PUMPD_INFLUXDB2_URL", "").rstrip("/")
"""``http://HOST:PORT``; empty when none is named."""
ORG = os.environ.get("PUMPD_INFLUXDB2_ORG", "pumpd")
TOKEN_FILE = os.environ.get("PUMPD_INFLUXDB2_TOKEN_FILE", "")
MISSING = "" if URL else missing()
"""Why there is neither; empty when there is one to test with."""
_made = itertools.count(1)


def token() -> str:
    """Return the token of the server that is named."""
    return Path(TOKEN_FILE).read_text().strip()


def place_at(url: str, bucket: str) -> InfluxPlace:
    """Return how pumpd is to find the server that stands behind ``url``, whichever it is."""
    return InfluxPlace(url, ORG if URL else "", bucket, token if URL else str, 10.0)


class _Line:
    """In the place of a ``Server``: it is not ours to kill, so its line is cut and put back."""

    def __init__(self, proxy: ProxyServer) -> None:
        self.port = proxy.behind_port
        self._proxy = proxy

    def start(self) -> None:
        """Put the line back."""
        self._proxy.behind_port = self.port
        self._proxy.host = str(urlsplit(URL).hostname)

    def kill(self) -> None:
        """Cut it: connections are refused."""
        self._proxy.behind_port, self._proxy.host = free_port(), LOOPBACK


class NamedInflux(Influx):
    """The server that is named, behind a proxy that passes all on; each bucket has a name of its own."""

    def __init__(self, proxy: ProxyServer) -> None:
        super().__init__(_Line(proxy), proxy)
        self._buckets: dict[str, str] = {}

    def bucket(self, name: str) -> str:
        """Return its name on the server, where others may test too."""
        return self._buckets.setdefault(name, f"{name}-{os.getpid()}-{next(_made)}")

    def place(self, bucket: str = DATABASE, token: str = "") -> InfluxPlace:
        """Return how pumpd is to find it."""
        assert not token, "it has its own"
        return place_at(self.url, self.bucket(bucket))

    def kept_h(self, bucket: str) -> int:
        """Return what the bucket says (2.x): InfluxQL says 0s of any in 2.7."""
        path = "/api/v2/buckets?" + urlencode({"org": ORG, "name": self.bucket(bucket)})
        (found,) = self._asked("GET", path)
        return sum(int(rule["everySeconds"]) for rule in found["retentionRules"]) // 3600

    def make(self, bucket: str = DATABASE) -> InfluxPlace:
        """Make an empty bucket, and return how to find it."""
        self._remove(self._buckets.pop(bucket, ""))
        place = self.place(bucket)
        make_store(place, 0)
        return place

    def settings(self, bucket: str = DATABASE) -> dict[str, str]:
        """Return what a configuration must say of it."""
        of_server = {"org": ORG, "token_file": str(Path(TOKEN_FILE).resolve())}
        return {**super().settings(self.bucket(bucket)), **of_server}

    def remove(self) -> None:
        """Take the buckets away again (2.x)."""
        for name in self._buckets.values():
            self._remove(name)

    def _remove(self, name: str) -> None:
        if not name:
            return
        for found in self._asked("GET", "/api/v2/buckets?" + urlencode({"org": ORG, "name": name})):
            self._asked("DELETE", f"/api/v2/buckets/{found['id']}")

    def _asked(self, method: str, path: str) -> list[dict[str, Any]]:
        server = urlsplit(URL)
        asked = HTTPConnection(str(server.hostname), server.port, timeout=30)
        asked.request(method, path, headers={"Authorization": f"Token {token()}"})
        answer = asked.getresponse()
        said = answer.read()
        asked.close()
        found: list[dict[str, Any]] = json.loads(said)["buckets"] if answer.status == 200 else []
        return found


@contextmanager
def any_influx(directory: Path) -> Iterator[Influx]:
    """Yield the server that is named, or an InfluxDB 1.6 of our own, behind a proxy."""
    if not URL:
        with influx(directory) as served:
            yield served
        return
    server = urlsplit(URL)
    proxy = ProxyServer(server.port or 8086, host=str(server.hostname))
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), name="influx-proxy")
    thread.start()
    named = NamedInflux(proxy)
    try:
        yield named
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
        named.remove()
