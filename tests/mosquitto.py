"""A real Mosquitto on a free loopback port, to be started, frozen, killed and restarted empty in tests."""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

WAIT_S = 10.0


def free_port() -> int:
    """Return a TCP port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing() -> str:
    """Return why there is no Mosquitto to test with; empty when there is one."""
    if shutil.which("mosquitto") is None or shutil.which("mosquitto_sub") is None:
        return "mosquitto and mosquitto-clients are not installed (apt install mosquitto mosquitto-clients)"
    return ""


def _now_s() -> float:
    return time.monotonic()  # noqa: TID251 - real processes take real time


class Mosquitto:
    """One broker that keeps nothing on disk: restarted, it is empty."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self._config = directory / f"mosquitto-{self.port}.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "log_type error\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return once it accepts connections."""
        self._process = subprocess.Popen(
            [shutil.which("mosquitto") or "mosquitto", "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self._process.kill)  # when a test fails before it ends what it started
        deadline = _now_s() + WAIT_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if self._process.poll() is not None or _now_s() > deadline:
                raise RuntimeError(f"mosquitto did not start on port {self.port}")
            time.sleep(0.01)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def freeze(self) -> None:
        """Stop it in its tracks: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would (kill -9)."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            self.kill()


@contextmanager
def mosquitto(directory: Path) -> Iterator[Mosquitto]:
    """Yield a running broker and end it afterwards."""
    broker = Mosquitto(directory)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """mosquitto_sub in its own process, writing what it hears into a file: the outside witness."""

    def __init__(self, port: int, topic: str, log: Path, qos: int = 1) -> None:
        self._log = log
        self._file: IO[bytes] = log.open("wb")
        self._read_bytes = 0
        self._heard: list[dict[str, Any]] = []
        self._looked_at = 0
        self._payloads: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [
                "stdbuf",
                "-oL",
                "mosquitto_sub",
                "-d",
                "-p",
                str(port),
                "-t",
                topic,
                "-q",
                str(qos),
                "-F",
                "%j",
            ],
            stdout=self._file,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self._process.kill)
        deadline = _now_s() + WAIT_S
        while b"SUBACK" not in log.read_bytes():
            if self._process.poll() is not None or _now_s() > deadline:
                raise RuntimeError(f"mosquitto_sub did not subscribe on port {port}")
            time.sleep(0.005)

    def heard(self) -> list[dict[str, Any]]:
        """Return what it heard so far, in order: topic, qos, retain (0 or 1) and payload (text)."""
        with self._log.open("rb") as log:
            log.seek(self._read_bytes)
            complete = log.read().rpartition(b"\n")[0]
        if complete:
            self._read_bytes += len(complete) + 1
        self._heard += [json.loads(line) for line in complete.split(b"\n") if line.startswith(b"{")]
        return list(self._heard)

    def payloads(self) -> list[dict[str, Any]]:
        """Return the payloads heard so far as objects; empty payloads are left out."""
        for message in self.heard()[self._looked_at :]:
            self._looked_at += 1
            if message.get("payload"):
                self._payloads.append(json.loads(message["payload"]))
        return list(self._payloads)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._file.close()


def retained(port: int, topic: str) -> dict[str, Any]:
    """Return what the broker keeps below ``topic``: topic -> payload as an object."""
    found = subprocess.run(
        ["mosquitto_sub", "-p", str(port), "-t", topic, "-W", "1", "--retained-only", "-F", "%j"],
        capture_output=True,
        check=False,
    )
    messages = [json.loads(line) for line in found.stdout.decode().splitlines()]
    return {m["topic"]: json.loads(m["payload"]) for m in messages}


async def until_retained(
    port: int, topic: str, wanted: Callable[[dict[str, Any]], object], within_s: float = 60.0
) -> dict[str, Any]:
    """Return what the broker keeps below ``topic`` once it is as ``wanted``; TimeoutError if it is not."""
    async with asyncio.timeout(within_s):
        while True:
            found = await asyncio.to_thread(retained, port, topic)
            if wanted(found):
                return found


def publish(port: int, topic: str, payload: str, *extra: str) -> None:
    """Publish with mosquitto_pub: QoS 1, not retained unless ``-r`` is among ``extra``."""
    subprocess.run(
        ["mosquitto_pub", "-p", str(port), "-t", topic, "-q", "1", "-m", payload, *extra], check=True
    )
