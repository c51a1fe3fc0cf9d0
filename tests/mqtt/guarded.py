"""A Mosquitto with the shipped files, certificates and accounts made by pumpd, on a free port."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pumpd.broker_files import make_broker_files
from pumpd.certificates import Authority
from pumpd.clock import SystemClock
from pumpd.mqtt import BackOff, Broker, Incoming, MqttConnection
from pumpd.mqtt_client import Tls
from tests.house.tree import ROOT
from tests.mosquitto import free_port
from tests.waiting import until

SHIPPED = ROOT / "config" / "mosquitto"
PREFIX = "pumpd/v1/clinic"


@dataclass
class Guarded:
    """A running broker, and the files that its clients need."""

    port: int
    folder: Path
    log: Path

    def broker(self, account: str = "", *, ca: Path | None = None, host: str = "localhost") -> Broker:
        """Return how ``account`` reaches it; without one nobody in particular."""
        password = (self.folder / f"{account}.password").read_text().strip() if account else ""
        tls = Tls(str(ca or self.folder / "ca.pem"))
        return Broker(host, self.port, username=account, password=password, tls=tls)


@contextmanager
def guarded(
    directory: Path, *, hosts: tuple[str, ...] = ("localhost",), until_days: int = 30, extra: str = ""
) -> Iterator[Guarded]:
    """Start it with ``tls.conf`` and ``acl`` exactly as they are shipped, but for port and folder."""
    folder, port, log = directory / "broker", free_port(), directory / "broker.log"
    now = SystemClock().wall()
    make_broker_files(folder, "clinic", ["ward-a"], ["dashboard"], ["localhost"], now)
    assert (folder / "acl").read_text() == (SHIPPED / "acl").read_text()
    if hosts != ("localhost",) or until_days != 30:
        _serve_as(folder, hosts, now, until_days)
    text = (SHIPPED / "tls.conf").read_text()
    for shipped, here in (
        ("listener 8883", f"listener {port} 127.0.0.1"),
        ("/mosquitto/config", str(folder)),
        ("/mosquitto/data/", f"{directory}/"),
        ("persistence true", "persistence false"),
        ("log_dest stdout", f"log_dest file {log}\nuser root\n{extra.format(folder=folder)}"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    (directory / "tls.conf").write_text(text)
    program = subprocess.Popen(
        [shutil.which("mosquitto") or "mosquitto", "-c", str(directory / "tls.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _answers(port, program, log)
        yield Guarded(port, folder, log)
    finally:
        program.kill()
        program.wait()


def _serve_as(folder: Path, hosts: tuple[str, ...], now: datetime, until_days: int) -> None:
    """Let the broker show another certificate, of an authority that its clients trust."""
    authority = Authority.new("test", now - timedelta(days=100))
    start = now - timedelta(days=90)
    certificate, key = authority.vouch(hosts[0], hosts, start, now + timedelta(days=until_days))
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "server.pem").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)


def _answers(port: int, program: subprocess.Popen[bytes], log: Path) -> None:
    import time

    for _ in range(1000):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if program.poll() is not None:
            raise RuntimeError(log.read_text() if log.exists() else "mosquitto did not start")
        time.sleep(0.01)
    raise RuntimeError("mosquitto does not answer")


@dataclass
class Client:
    """A connection, and what it heard."""

    connection: MqttConnection
    heard: list[Incoming] = field(default_factory=list)

    async def publish(self, topic: str, text: str = "{}") -> None:
        await self.connection.publish(topic, text.encode())


@asynccontextmanager
async def client(broker: Broker, name: str, *topics: str) -> AsyncIterator[Client]:
    """Yield a client that is connected, or tries to."""
    heard: list[Incoming] = []
    connection = MqttConnection(
        broker,
        identifier=name,
        on_message=heard.append,
        subscriptions=[(topic, 1) for topic in topics],
        back_off=BackOff(0.05, 0.1),
    )

    async def stay() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(connection.run(stay), name=f"tested.{name}")
    try:
        yield Client(connection, heard)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def up(*clients: Client) -> None:
    """Wait until all of them are connected."""
    await until(lambda: all(each.connection.up for each in clients))
