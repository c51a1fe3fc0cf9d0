"""System calls of one whole daemon: no alarm is on its way to the broker before its data is on disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pumpd.simulator.server import TcpLine
from tests import proof
from tests.asking import signer_of
from tests.faults.kept import Kept
from tests.faults.test_kill9 import TOPICS, Story, Witness, is_online_again, pumps_on_sockets, write_config
from tests.faults.told_order import judged
from tests.mosquitto import Listener, missing, mosquitto
from tests.system_calls import calls, tracing
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CALLS = ("execve", "fdatasync", "fsync", "pwrite64", "pwritev", "write", "writev", "sendto", "sendmsg")
LONGEST_BYTES = 65_536
"""More than a page of the journal or any payload has."""
ONLINE_WITHIN_S = 60.0
pytestmark = pytest.mark.requirement("INV-4", "HIST-3")


def first_word(file: Path) -> str:
    """Return what a file begins with, up to the first space; empty while there is none."""
    with file.open() as opened:
        return opened.readline(20).partition(" ")[0]


@asynccontextmanager
async def traced_daemon(config: Path, trace: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``pumpd run`` under strace; stopped by SIGTERM at the end, the trace is then whole."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *tracing(str(trace), CALLS, LONGEST_BYTES),
            *(sys.executable, "-m", "pumpd.cli", "run", "-c", str(config)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
        )
    number = signal.SIGKILL
    try:
        yield process
        number = signal.SIGTERM
    finally:
        # strace passes no signal on: the first line of the trace is the daemon's own.
        if process.returncode is None and (pid := first_word(trace)):
            os.kill(int(pid), number)
        await process.wait()


@pytest.mark.real
@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_nothing_is_told_before_it_is_on_disk(tmp_path: Path) -> None:
    """From the sync of the log to the send: events and retained alarms of a ward in a storm of alarms."""
    count = proof.count("events traced from the disk to the broker by system call", small=30, full=1000)
    lines: list[TcpLine] = []
    trace, log = tmp_path / "trace", tmp_path / "log"
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, f"{TOPICS}/#", tmp_path / "heard")
        witness = Witness(listener)
        try:
            models = await pumps_on_sockets(lines)
            config = write_config(tmp_path, broker.port, lines)
            story = Story(random.Random(proof.SEED), models, witness, broker.port, signer_of(config))
            async with traced_daemon(config, trace, log) as process:
                await until(lambda: is_online_again(witness, ""), ONLINE_WITHIN_S)
                while len(witness.journalled()) < count:
                    await story.go_on_until_much_happened()
                await asyncio.gather(*story.publishing)
            assert process.returncode == 0, log.read_text()[-2000:]
            await until(lambda: witness.hear().state == "offline")
        finally:
            listener.stop()
            for line in lines:
                await line.unplug()
    verdict = judged(calls(trace.read_text()), broker.port)
    assert verdict.wrong == []
    # What the last moment wrote may wait in the outbox for the next run.
    assert witness.journalled() <= Kept.read(tmp_path / "data" / "journal.db").lines.keys()
    assert verdict.events >= len(witness.journalled()) >= count
    assert verdict.alarms >= count // 2
    print(f"{verdict.events} events and {verdict.alarms} standing alarms sent, each after its sync")


PORT = 1883
BROKER = f"TCP:[127.0.0.1:40000->127.0.0.1:{PORT}]"
WRITTEN = r'7  pwrite64(9</d/journal.db-wal>, "\r\0{\"id\":\"a-1\",\"v\":1}", 18, 24) = 18'
SYNCED = "7  fdatasync(9</d/journal.db-wal>) = 0"


def _sent(topic: str, payload: dict[str, object]) -> str:
    """Return how strace shows the sending of one publication with QoS 1."""
    name, text = topic.encode(), json.dumps(payload).encode()
    body = len(name).to_bytes(2, "big") + name + b"\0\1" + text
    packet = bytes([0x32, len(body) & 0x7F | 0x80, len(body) >> 7]) + body
    shown = "".join(f"\\{byte:03o}" for byte in packet)
    return f'5  sendto(4<{BROKER}>, "{shown}", {len(packet)}, 0, NULL, 0) = {len(packet)}'


ALARM = {"condition": "air", "revision": 1, "signal": "on", "journalled": True}
EVENT = _sent("n/event", {"id": "a-1", "pump": "P", "journalled": True, "alarm": ALARM})
MARKED = _sent("n/event", {"id": "a-1", "pump": "P", "journalled": False, "alarm": ALARM})
SNAPSHOT = _sent("p/snapshot", {"pump": "P", "alarms": [ALARM]})
STANDING = _sent("p/alarm/air", {"pump": "P", "alarm": ALARM})
EARLY_SNAPSHOT = _sent("p/snapshot", {"pump": "P", "alarms": [{**ALARM, "journalled": False}]})


@pytest.mark.parametrize(
    ("trace", "wrong"),
    [
        ([WRITTEN, SYNCED, EVENT, STANDING, SNAPSHOT], 0),
        ([WRITTEN, EVENT, SYNCED], 1),
        ([EVENT, WRITTEN, SYNCED], 1),
        ([SYNCED, WRITTEN, EVENT], 1),
        ([EVENT], 1),
        ([MARKED, EARLY_SNAPSHOT, WRITTEN, SYNCED, EVENT, SNAPSHOT], 0),
        ([WRITTEN, SNAPSHOT, STANDING, SYNCED, EVENT], 2),
        ([WRITTEN, SYNCED.replace("= 0", "= -1 EIO (Input/output error)"), EVENT], 1),
        (
            [WRITTEN, SYNCED.replace(") = 0", " <unfinished ...>"), EVENT, "7  <... fdatasync resumed>) = 0"],
            1,
        ),
        (
            [WRITTEN, SYNCED.replace(") = 0", " <unfinished ...>"), "7  <... fdatasync resumed>) = 0", EVENT],
            0,
        ),
        ([WRITTEN.replace(" = 18", " <unfinished ...>"), "8" + SYNCED[1:], EVENT], 1),
        ([WRITTEN, SYNCED.replace("journal.db-wal", "history.db-wal"), EVENT], 1),
    ],
)
def test_the_judge_sees_what_is_sent_too_early(trace: list[str], wrong: int) -> None:
    """Made-up traces: sent before the write, before or during its sync, after one that failed, or marked."""
    verdict = judged(calls("\n".join(trace)), PORT)
    assert len(verdict.wrong) == wrong
    assert verdict.events == 1


def test_the_judge_refuses_a_trace_that_is_cut_short() -> None:
    """Bytes that were not traced could have been anything."""
    with pytest.raises(ValueError, match=r"sendto at 0: only .* bytes"):
        judged(calls(EVENT.replace('", ', '"..., ').replace(r"\141", "")), PORT)
