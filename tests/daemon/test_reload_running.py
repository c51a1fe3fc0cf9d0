"""SIGHUP and ``pumpd reload`` to a daemon that runs: what it takes up, and what it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.contract.topics import Topics
from pumpd.qa.seeded_keys import seeded_signer
from tests.asking import signed
from tests.faults.nursery import Nursery
from tests.house.tree import ROOT
from tests.mosquitto import Listener, free_port, missing, mosquitto, publish, until_retained
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.requirement("KEY-1", "KEY-2"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.timeout(300),
]
OLD, NEW = seeded_signer("old"), seeded_signer("new")
TOPICS = Topics("clinic")
STATUS = TOPICS.node_status("ward-a")
TOPIC = TOPICS.command("ward-a", "test-channel")


def write(directory: Path, broker: int, pump: int, dashboards: str, more: str = "") -> Path:
    """Write the configuration, whole, in one step."""
    file = directory / "pumpd.yaml"
    (directory / "next").write_text(
        f"site: clinic\nnode: ward-a\ndata_dir: var\nmqtt: {{port: {broker}}}\n"
        f"library: {ROOT}/config/drug-library.yaml\nmachine: {{least_free_mib: 0, time_server: false}}\n"
        f"pumps:\n  - {{id: PUMP-01, url: 'modbus-tcp://127.0.0.1:{pump}/1', driver: reference-pump}}\n"
        f"{more}dashboards: {dashboards}\n"
    )
    (directory / "next").replace(file)
    return file


def listens_to(directory: Path) -> list[str]:
    """Return the lines of the journal about whom the daemon listens to."""
    with contextlib.closing(sqlite3.connect(f"file:{directory}/var/journal.db?mode=ro", uri=True)) as db:
        found = [str(row) for row in db.execute("SELECT * FROM line")]
    return [line for line in found if "listens-to" in line]


async def test_a_running_daemon_takes_up_keys_and_nothing_else(tmp_path: Path) -> None:
    """A new key opens and an old one does no more; a fault changes nothing; pumps that were added wait.

    Its files are its owner's alone, whatever the shell that started it would have.
    """
    pump, log = free_port(), tmp_path / "log"
    with mosquitto(tmp_path) as broker:
        trusts = {
            each.dashboard: f"[{{id: {each.dashboard}, keys: ['{each.public.text}']}}]" for each in (OLD, NEW)
        }
        file = write(tmp_path, broker.port, pump, trusts["old"])
        replies = Listener(broker.port, TOPICS.replies(), tmp_path / "replies")
        nursery = await Nursery.open(file, log)
        try:
            await nursery.start()
            (status,) = (await until_retained(broker.port, STATUS, bool)).values()
            boot_id, numbers = status["boot_id"], iter(range(100))

            def answers() -> dict[str, str]:
                """Return why, by the id of what was asked."""
                told = [json.loads(message["payload"]) for message in replies.heard()]
                return {each["id"]: each["reason"] for each in told}

            async def asked(signer: object) -> str:
                """Return why it was not done: of a contact that is not there where the key opens."""
                name, ident = ("old" if signer is OLD else "new"), f"command-{next(numbers):04}"
                now_ms = SystemClock().monotonic_ns() // 1_000_000
                command = {
                    "id": ident,
                    "user": "Eve",
                    "role": "engineer",
                    "wards": [],
                    "boot_id": boot_id,
                    "expires_ms": now_ms + 3000,
                    "contact": "nobody",
                    "dashboard": name,
                }
                publish(broker.port, TOPIC, signed(OLD if signer is OLD else NEW, TOPIC, command))
                await until(lambda: ident in answers())
                return answers()[ident]

            async def reload(done: str) -> None:
                before = log.read_text().count(done)
                os.kill(nursery.pid, signal.SIGHUP)
                await until(lambda: log.read_text().count(done) > before)

            async def verb() -> tuple[int, str]:
                words = ["-m", "pumpd.cli", "reload", "-c", str(file)]
                ran = await asyncio.to_thread(subprocess.run, [sys.executable, *words], capture_output=True)
                return ran.returncode, (ran.stdout + ran.stderr).decode()

            assert "no contact" in await asked(OLD)
            assert "does not know" in await asked(NEW)
            write(tmp_path, broker.port, pump, trusts["new"])
            assert await verb() == (0, f"the daemon listens to: new {NEW.public.id}\n")
            assert "not taken up" not in log.read_text()
            assert "no contact" in await asked(NEW)
            assert "does not know" in await asked(OLD)
            write(tmp_path, broker.port, pump, "nonsense")
            await reload("dashboards not read anew")
            assert (await verb())[0] == 2
            assert "no contact" in await asked(NEW)
            second = f"  - {{id: PUMP-02, url: 'modbus-tcp://127.0.0.1:{pump}/2', driver: reference-pump}}\n"
            write(tmp_path, broker.port, pump, trusts["old"], second)
            await reload("the rest of the file has changed")
            assert "no contact" in await asked(OLD)
            (status,) = (await until_retained(broker.port, STATUS, bool)).values()
            assert (status["pumps"], status["boot_id"]) == (["PUMP-01/1"], boot_id)
            made = {each.name: each.stat().st_mode & 0o077 for each in (tmp_path / "var").iterdir()}
            assert {name for name, others in made.items() if others} <= {"keys"}
            assert "journal.db" in made
            assert await nursery.end(signal.SIGTERM) == 0
            status, said = await verb()
            assert status == 1
            assert "no pumpd is to be seen" in said
        finally:
            replies.stop()
            await nursery.close()
    assert len(listens_to(tmp_path)) == 2
