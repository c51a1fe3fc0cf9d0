"""kill -9 of a real daemon around the tap that says where a pump is: both pumps have moved, or neither."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from pumpd.config_fleet import COLUMNS
from pumpd.core.quantities import NL_PER_ML
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.maps import shipped_map
from pumpd.signing import Signer
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.server import TcpLine
from pumpd.simulator.ward_time import loop_ns
from pumpd.store.audit import verify_file
from tests import proof
from tests.asking import signed, signer_of
from tests.faults.kept import Kept
from tests.faults.nursery import Nursery
from tests.mosquitto import Listener, missing, mosquitto, publish
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.requirement("FLEET-5", "INV-4"),
]

LIBRARY: Final = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
SITE: Final = "pumpd/v1/clinic"
PUMPS: Final = ("PUMP-01", "PUMP-02")
RATES_ML_H: Final = {"PUMP-01": "10.5", "PUMP-02": "20"}
"""Each pump gives at a rate of its own: by it a reading tells whose it is."""
WITHIN_S: Final = 60.0
"""Far more than any of it takes; only a machine that stands still takes longer."""
CALLS: Final = ("pwrite64", "fdatasync")
POINTS: Final = tuple((call, nth) for call in CALLS for nth in range(1, 13))
"""Call of the thread that writes the journal, and which one since the tap: there it is killed.

Beyond the last call of the tap nothing comes in time, and the daemon is killed once it has answered.
"""
ALWAYS: Final = (POINTS[0], POINTS[-1])
"""Before anything of the tap is written, and once it is answered."""
LONGEST_TAP_S: Final = 0.05
"""From the broker's word that it has the tap to the daemon's answer, and some more."""
QUIET_S: Final = 1.5
"""So long after its last event the journal has written down that the broker has it, and writes no more."""


@dataclass(slots=True)
class Scene:
    """Two pumps, each at the other's port, and all that is heard of them."""

    listener: Listener
    port: int
    signer: Signer
    lines: dict[str, TcpLine]
    boot_id: str = ""
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Pump -> its last snapshot of this boot."""
    replies: dict[str, bool] = field(default_factory=dict)
    credited: list[tuple[str, str]] = field(default_factory=list)
    """Pump and rate of every reading that was ever told."""
    taps: int = 0
    _taken: int = 0

    def hear(self) -> Scene:
        """Take in what is new; return itself."""
        heard = self.listener.heard()
        for message in heard[self._taken :]:
            topic, payload = message["topic"].removeprefix(SITE), json.loads(message.get("payload") or "null")
            if topic == "/node/ward-a/status" and payload["state"] == "online":
                if self.boot_id != payload["boot_id"]:
                    self.shown = {}
                self.boot_id = payload["boot_id"]
            elif topic == "/node/ward-a/telemetry":
                self._credit(payload["readings"])
            elif topic.endswith("/snapshot"):
                self._credit([payload["reading"]] if payload["reading"] else [])
                if payload["boot_id"] == self.boot_id:
                    self.shown[payload["pump"]] = payload
            elif "/reply/" in topic:
                self.replies[payload["id"]] = payload["accepted"]
        self._taken = len(heard)
        return self

    def _credit(self, readings: list[dict[str, Any]]) -> None:
        self.credited += [(each["pump"], each["flow_ml_h"]) for each in readings]

    def links(self) -> list[tuple[str, str]]:
        """Return of both pumps the state of the link and who answers instead; empty before it is told."""
        self.hear()
        if len(self.shown) < len(PUMPS):
            return []
        return [(self.shown[p]["link"]["state"], self.shown[p]["link"]["instead"]) for p in PUMPS]

    def places(self) -> list[tuple[str, str]]:
        """Return port and bed of both pumps as this boot tells them."""
        return [(self.shown[p]["link"]["url"], self.shown[p]["bed"]) for p in PUMPS]

    async def announced(self) -> None:
        """Wait until each pump is told at the other's port."""
        wanted = [("wrong-device", "PUMP-02"), ("wrong-device", "PUMP-01")]
        await until(lambda: self.links() == wanted, WITHIN_S)

    async def settled(self, boot_id: str) -> bool:
        """Wait until another run than ``boot_id`` knows who answers; return whether both are read."""
        await until(lambda: self.hear().boot_id != boot_id and self._knows(), WITHIN_S)
        states = {state for state, _ in self.links()}
        assert len(states) == 1, f"one pump has moved and the other has not: {self.links()}"
        return states == {"up"}

    def _knows(self) -> bool:
        states = [state for state, _ in self.links()]
        read = all(each["reading"] is not None for each in self.shown.values())
        return bool(states) and set(states) <= {"up", "wrong-device"} and (read or "up" not in states)

    async def cross(self) -> None:
        """Plug each pump in where the other is."""
        one, other = self.lines.values()
        await one.unplug()
        await other.unplug()
        one.port, other.port = other.port, one.port
        await one.plug()
        await other.plug()

    async def tap(self) -> str:
        """Say that the pumps are where they answer, and return at once with the command's id."""
        self.taps += 1
        command = {
            "id": f"tap-{self.taps:05}",
            "user": "A. Nurse",
            "boot_id": self.boot_id,
            "expires_ms": time.monotonic_ns() // 1_000_000 + 5000,  # noqa: TID251 - the daemon's own clock
            "pump": "PUMP-01",
            "channel": "1",
            "to_pump": "PUMP-02",
            "to_channel": "1",
            "beds": ("stay", "exchange")[self.taps % 2],
        }
        topic = f"{SITE}/node/ward-a/command/exchange-ports"
        await asyncio.to_thread(publish, self.port, topic, signed(self.signer, topic, command))
        return str(command["id"])


async def pumps(lines: dict[str, TcpLine]) -> None:
    """Plug in both pumps, each on a line of its own."""
    builder = FaceBuilder(shipped_map("reference-pump"))
    for number, pump in enumerate(PUMPS, 1):
        model = PumpModel(reservoir_nl=10**12)
        model.turn_rate(int(float(RATES_ML_H[pump]) * NL_PER_ML))
        model.press_start()
        face = RegisterFace(builder, {"1": model}, f"SIM-{number:02}", "1.0", loop_ns)
        line = SimulatedLine([SimulatedPump(pump, 1, face)], random.Random(number))
        lines[pump] = TcpLine(line, "127.0.0.1", 0, MbapServerFramer)
        await lines[pump].plug()


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[tuple[Scene, Nursery]]:
    """Yield two pumps that were plugged in the wrong way round, and who starts their daemon."""
    lines: dict[str, TcpLine] = {}
    with mosquitto(directory) as broker:
        listener = Listener(broker.port, f"{SITE}/#", directory / "heard")
        nursery = None
        try:
            await pumps(lines)
            config = directory / "pumpd.yaml"
            entries = "".join(
                f"  - {{id: {pump}, url: 'modbus-tcp://{line.where}/1', driver: reference-pump, "
                f"bed: '{at}', ward: icu, poll_interval_s: 0.1}}\n"
                for at, (pump, line) in enumerate(lines.items(), 1)
            )
            config.write_text(
                f"site: clinic\nnode: ward-a\ndata_dir: data\nlibrary: {LIBRARY}\nfleet: fleet.csv\n"
                f"mqtt: {{host: 127.0.0.1, port: {broker.port}}}\npumps:\n{entries}"
            )
            rows = [f"{pump},pumpd project,REF-1,SIM-{at:02},1.0" for at, pump in enumerate(PUMPS, 1)]
            (directory / "fleet.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
            nursery = await Nursery.open(config, directory / "log")
            made = Scene(listener, broker.port, signer_of(config), lines)
            await made.cross()
            yield made, nursery
        finally:
            if nursery is not None:
                await nursery.close()
            listener.stop()
            for line in lines.values():
                await line.unplug()


async def killed_at(made: Scene, nursery: Nursery, journal: Path, call: str, nth: int) -> str:
    """Tap, with the daemon killed as it enters its ``nth`` ``call`` since; return the command's id."""
    await _quiet(journal.with_name(f"{journal.name}-wal"))
    tracer = await asyncio.create_subprocess_exec(
        *("strace", "-f", "-p", str(nursery.pid), "-e", f"trace={call}", "-o", os.devnull),
        *("-e", f"inject={call}:signal=KILL:when={nth}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _all_traced(nursery.pid), WITHIN_S)
        command = await made.tap()
        await until(lambda: _is_dead(nursery.pid) or command in made.hear().replies, WITHIN_S)
    finally:
        await _end(nursery)
        await tracer.wait()
    return command


async def killed_after(made: Scene, nursery: Nursery, seconds: float) -> str:
    """Tap, and kill the daemon so long after the broker has the tap; return the command's id."""
    command = await made.tap()
    await asyncio.sleep(seconds)
    await _end(nursery)
    return command


async def _quiet(log: Path) -> None:
    """Wait until nothing was written to the log for ``QUIET_S``."""
    written, since_s = -1, 0.0

    def is_quiet() -> bool:
        nonlocal written, since_s
        now_s = asyncio.get_running_loop().time()
        if log.stat().st_mtime_ns != written:
            written, since_s = log.stat().st_mtime_ns, now_s
        return now_s - since_s > QUIET_S

    await until(is_quiet, WITHIN_S)


async def _end(nursery: Nursery) -> None:
    assert await nursery.end(signal.SIGKILL) == -signal.SIGKILL


def _status(process: Path) -> dict[str, str]:
    lines = (process / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _all_traced(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all(_status(thread)["TracerPid"] != "0" for thread in threads)


def _is_dead(pid: int) -> bool:
    return _status(Path(f"/proc/{pid}"))["State"].startswith("Z")


@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_both_pumps_have_moved_or_neither_after_kill_9(tmp_path: Path) -> None:
    """Killed at each write and sync of the tap, and at seeded moments: the next run has both or none.

    Whoever was told "accepted" finds it so. The journal holds together, and no reading ever stood under
    another pump's name.
    """
    count = proof.count("daemons killed with -9 around a tap about ports", small=5, full=300)
    chance = random.Random(proof.SEED)
    points = list(POINTS) if proof.FULL else [*ALWAYS, *chance.sample(POINTS[1:-1], count // 2)]
    kills: list[tuple[str, int] | float] = [*points]
    kills += [chance.uniform(0, LONGEST_TAP_S) for _ in range(count - len(points))]
    moved, journal = 0, tmp_path / "data" / "journal.db"
    async with scene(tmp_path) as (made, nursery):
        await nursery.start()
        for kill in kills:
            await made.announced()
            boot_id, before = made.boot_id, made.places()
            if isinstance(kill, tuple):
                command = await killed_at(made, nursery, journal, *kill)
            else:
                command = await killed_after(made, nursery, kill)
            assert verify_file(journal, []).broken is None
            kept = Kept.read(journal)
            await nursery.start()
            read = await made.settled(boot_id)
            beds = [bed for _, bed in before]
            beds = beds[::-1] if read and made.taps % 2 else beds
            urls = [url for url, _ in before]
            assert made.places() == list(zip(urls[::-1] if read else urls, beds, strict=True)), kill
            assert read is (command in kept.commands), "the command and its effect are kept together"
            assert read or not made.replies.get(command), "told as accepted"
            moved += read
            if read:
                await made.cross()
        assert await nursery.end(signal.SIGTERM) == 0, (tmp_path / "log").read_text()[-2000:]
        made.hear()
    assert verify_file(journal, []).broken is None
    assert set(made.credited) <= set(RATES_ML_H.items())
    print(f"{len(kills)} kills around a tap: both had moved {moved} times, neither {len(kills) - moved}")
    assert 0 < moved < len(kills), "kills before and after it was kept"
