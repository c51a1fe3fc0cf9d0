"""A real InfluxDB 1.6 on a free loopback port, and the small proxy that gives it the write path of 2.x."""

from __future__ import annotations

import atexit
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Protocol

from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery, name
from tests.mosquitto import free_port
from tests.store.influx_proxy import ProxyServer

WAIT_S = 30.0
DATABASE = "pumpd"
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{dir}/meta"
[data]
  dir = "{dir}/data"
  wal-dir = "{dir}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


def missing(program: str = "influxd", package: str = "influxdb") -> str:
    """Return why there is no such server to test with; empty when there is one."""
    return "" if shutil.which(program) else f"{program} is not installed (apt install {package})"


def _now_s() -> float:
    return time.monotonic()  # noqa: TID251 - real processes take real time


class Server:
    """A database server in a process of its own, which can be killed and started again on its files."""

    def __init__(self, port: int, words: list[str], ready: str) -> None:
        self.port = port
        self._words = words
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return once it answers."""
        self._process = subprocess.Popen(
            self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        atexit.register(self._process.kill)  # when a test fails before it ends what it started
        deadline = _now_s() + WAIT_S
        while True:
            with suppress(OSError, HTTPException):
                asked = HTTPConnection("127.0.0.1", self.port, timeout=2)
                asked.request("GET", self._ready)
                status = asked.getresponse().status
                asked.close()
                if status < 300:
                    return
            if self._process.poll() is not None or _now_s() > deadline:
                raise RuntimeError(f"{self._words[0]} did not start on port {self.port}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash would (kill -9)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Stoppable(Protocol):
    """What can be away for a while."""

    port: int

    def start(self) -> None:
        """Be there again, and return once it answers."""
        ...

    def kill(self) -> None:
        """Be away at once."""
        ...


class Influx:
    """The database behind its proxy."""

    def __init__(self, server: Stoppable, proxy: ProxyServer) -> None:
        self.server = server
        self.proxy = proxy
        self.url = f"http://127.0.0.1:{proxy.server_address[1]}"

    def place(self, bucket: str = DATABASE, token: str = "") -> InfluxPlace:
        """Return how pumpd is to find it."""
        return InfluxPlace(self.url, "", bucket, lambda: token, 10.0)

    def settings(self, bucket: str = DATABASE) -> dict[str, str]:
        """Return what a configuration must say of it."""
        return {"url": self.url, "bucket": bucket}

    def kept_h(self, bucket: str) -> int:
        """Return for how many hours it keeps what is in a bucket, 0 for ever."""
        show = f"SHOW RETENTION POLICIES ON {name(bucket)}"
        (policies,) = InfluxQuery(self.place()).ask(show, database=False)
        (policy,) = policies.rows
        return int(str(policy["duration"]).partition("h")[0].removesuffix("0s") or 0)

    def make(self, bucket: str = DATABASE) -> InfluxPlace:
        """Make an empty database, and return how to find it."""
        place = self.place(bucket)
        query = InfluxQuery(place)
        query.ask(f"DROP DATABASE {name(bucket)}", database=False)
        query.ask(f"CREATE DATABASE {name(bucket)}", database=False)
        return place


def influxd(directory: Path) -> Server:
    """Return a server that is not started, with its files in ``directory``."""
    port = free_port()
    config = directory / "influxdb.conf"
    config.write_text(CONFIG.format(dir=directory, port=port))
    return Server(port, [shutil.which("influxd") or "influxd", "run", "-config", str(config)], "/ping")


@contextmanager
def influx(directory: Path) -> Iterator[Influx]:
    """Yield a running InfluxDB behind its proxy and end both afterwards."""
    server = influxd(directory)
    server.start()
    proxy = ProxyServer(server.port)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), name="influx-proxy")
    thread.start()
    try:
        yield Influx(server, proxy)
    finally:
        proxy.shutdown()
        thread.join()
        server.kill()  # first, so that no connection of the proxy waits for it
        proxy.server_close()
