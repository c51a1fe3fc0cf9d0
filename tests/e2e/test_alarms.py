"""The daemon as a program on simulated pumps, real sockets, pseudo-terminals and a real Mosquitto."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pumpd.config import load
from pumpd.contract.envelope import digest_of
from pumpd.contract.payloads import ReplyPayload, SnapshotPayload
from pumpd.contract.topics import Topics
from pumpd.demo_files import DemoFiles, copied_demo
from tests.asking import signed, signer_of
from tests.mosquitto import Listener, Mosquitto, missing, publish, retained, until_retained
from tests.waiting import until
from tests.witness import hold_against_journal

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
ROOT = Path(__file__).parents[2]


class Program:
    """``pumpd VERB`` in a process of its own."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pumpd.cli", *arguments],
                stdout=sink,
                stderr=sink,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ends(self, within_s: float = 5.0) -> int:
        """Wait for its end and return its status."""
        return self._process.wait(within_s)

    def running(self) -> bool:
        """Return whether it has not ended."""
        return self._process.poll() is None


@contextmanager
def programs() -> Iterator[list[Program]]:
    """End whatever still runs."""
    started: list[Program] = []
    try:
        yield started
    finally:
        for program in started:
            if program.running():
                program.signal(signal.SIGCONT)
                program.signal(signal.SIGKILL)
                program.ends()


def snapshots(port: int, topics: Topics) -> dict[str, SnapshotPayload]:
    """Return the pumps' whole pictures as the broker keeps them, by pump."""
    kept = retained(port, topics.snapshot("+", "+"))
    return {payload["pump"]: SnapshotPayload.model_validate(payload) for payload in kept.values()}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoFiles]:
    """The shipped demo on free ports, claimed until the test ends."""
    with copied_demo(tmp_path) as files:
        yield files


INFUSING = ("PUMP-01", "PUMP-02")


@pytest.mark.requirement("INV-4", "MQTT-1", "MQTT-2", "MQTT-3")
@pytest.mark.timeout(300)
async def test_alarms_survive_the_broker_and_the_daemon(tmp_path, demo):
    """Pumps go silent, the broker is killed and comes back empty, a nurse acknowledges, the daemon is
    killed and comes back: the witness heard every journalled event, and the state is as it was.
    """
    config = load(demo.config)
    topics, port = Topics(config.site), config.mqtt.port
    broker = Mosquitto(tmp_path, port)
    count = len(config.pumps)

    def is_fresh(kept: dict[str, Any]) -> bool:
        return [p["freshness"] for p in kept.values()] == ["fresh"] * count

    def silent(kept: dict[str, Any]) -> bool:
        lost = {
            p["pump"]: a["priority"]
            for p in kept.values()
            for a in p["alarms"]
            if a["condition"] == "link-lost"
        }
        return len(lost) == count and all(lost[pump] == "HIGH" for pump in INFUSING)  # only HIGH latches

    with programs() as started:
        wards = Program(tmp_path / "simulate.log", "simulate", "-c", str(demo.ward))
        daemon = Program(tmp_path / "run.log", "run", "-c", str(demo.config))
        started += [wards, daemon]
        broker.start()  # last: the start order does not matter
        events = Listener(port, topics.node_event("+"), tmp_path / "events")
        replies = Listener(port, topics.replies(), tmp_path / "replies")
        try:
            await until_retained(port, topics.snapshot("+", "+"), is_fresh, 90)
            wards.signal(signal.SIGSTOP)
            await until_retained(port, topics.snapshot("+", "+"), silent, 90)
            broker.kill()
            broker.start()
            kept = await until_retained(port, topics.snapshot("+", "+"), silent, 90)
            for payload in kept.values():
                if payload["pump"] in INFUSING:  # these infused, so nobody may miss it
                    alarms = {alarm["condition"]: alarm["signal"] for alarm in payload["alarms"]}
                    assert alarms.get("link-lost") == "on"

            picture = snapshots(port, topics)["PUMP-01"]
            (lost,) = [a for a in picture.alarms if a.condition == "link-lost"]
            command = {
                "id": "e2e-00001",
                "user": "B. Keller",
                "boot_id": picture.boot_id,
                "expires_ms": picture.sent_ms + 9000,
                "pump": "PUMP-01",
                "channel": "1",
                "condition": lost.condition,
                "revision": lost.revision,
            }
            topic = topics.command(config.node, "acknowledge")
            sent = signed(signer_of(demo.config), topic, command)
            publish(port, topic, sent)
            await until(replies.payloads)
            publish(port, topic, sent)
            await until(lambda: len(replies.payloads()) == 2)
            accepted = ReplyPayload(id="e2e-00001", of=digest_of(sent.encode()), accepted=True)
            assert [ReplyPayload.model_validate(p) for p in replies.payloads()] == [accepted] * 2

            daemon.signal(signal.SIGKILL)
            daemon.ends()
            status = topics.node_status(config.node)
            await until_retained(port, status, lambda kept: kept[status]["state"] == "lost")
            daemon = Program(tmp_path / "run.log", "run", "-c", str(demo.config))
            started.append(daemon)
            await until_retained(port, status, lambda kept: kept[status]["state"] == "online")
            wards.signal(signal.SIGCONT)
            await until_retained(port, topics.snapshot("+", "+"), is_fresh, 90)
            after = snapshots(port, topics)
            assert "link-lost" not in [a.condition for a in after["PUMP-01"].alarms], "acknowledged, and over"
            assert "link-lost" in [a.condition for a in after["PUMP-02"].alarms], "nobody has it yet"
            assert after["PUMP-01"].boot_id != picture.boot_id
            daemon.signal(signal.SIGTERM)
            assert daemon.ends() == 0
            assert retained(port, status)[status]["state"] == "offline"
            wards.signal(signal.SIGTERM)
            assert wards.ends() == 0
        finally:
            events.stop()
            replies.stop()
            broker.stop()
    heard = hold_against_journal(events, config.data_dir)
    acknowledged = {e.id: e for e in heard if e.event == "acknowledge"}
    assert [(e.pump, e.by) for e in acknowledged.values()] == [("PUMP-01", "B. Keller")]
    log = (tmp_path / "run.log").read_text()
    assert "Traceback" not in log
    assert "Task exception" not in log
