"""kill -9 of a real daemon: what was raised, acknowledged or given is there after."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.telemetry import PumpAlarm
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.maps import shipped_map
from pumpd.signing import Signer
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.server import TcpLine
from pumpd.simulator.ward_time import loop_ns
from pumpd.store.audit import verify_file
from pumpd.store.base import Head
from tests import proof
from tests.asking import signed, signer_of
from tests.faults.kept import Kept, broken_threads
from tests.faults.nursery import Nursery
from tests.faults.steady import TICK_NL, Steady
from tests.mosquitto import Listener, missing, mosquitto, publish
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.requirement("INV-4"),
]

PUMPS = 5
STEADY = "PUMP-05"
"""The one that nothing happens to but its infusion."""
SNAPSHOT = f"pumpd/v1/clinic/pump/{STEADY}/1/snapshot"
TOPICS = "pumpd/v1/clinic/node/ward-a"
SHOWN = (PumpAlarm.OCCLUSION, PumpAlarm.AIR, PumpAlarm.DOOR, PumpAlarm.FAULT, PumpAlarm.BATTERY_LOW)
LIBRARY = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
SHORTEST_S, LONGEST_S = 0.02, 0.6
"""The kill comes so long after the node is online, or after much has happened."""
EVENTS_IN_A_STORY = 20
LONGEST_STORY_S = ONLINE_WITHIN_S = TOLD_WITHIN_S = 30.0
"""Far more than any of it takes; only a machine that stands still takes longer."""


@dataclass(slots=True)
class Witness:
    """What an outside listener heard, sorted out as it comes."""

    listener: Listener
    events: list[dict[str, Any]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    online: str = ""
    """Boot id of the node that last said online."""
    state: str = ""
    """What the node last said of itself."""
    heads: list[Head] = field(default_factory=list)
    """The heads of its journal that it told."""
    _taken: int = 0

    def hear(self) -> Witness:
        """Take in what is new; return itself."""
        heard = self.listener.heard()
        for message in heard[self._taken :]:
            topic = message["topic"].removeprefix(TOPICS)
            if not message.get("payload"):
                continue
            payload = json.loads(message["payload"])
            if topic == "/event":
                self.events.append(payload)
            elif topic == "/status":
                self.state = payload["state"]
                if payload["journal_head"]:
                    number, _, digest = payload["journal_head"].partition(":")
                    self.heads.append(Head(int(number), digest))
                if self.state == "online":
                    self.online = payload["boot_id"]
            elif topic.startswith("/reply/"):
                if payload["accepted"]:
                    self.accepted.add(payload["id"])
                else:
                    self.refused[payload["id"]] = payload["reason"]
        self._taken = len(heard)
        return self

    def journalled(self) -> set[str]:
        """Return the ids of the events told as journalled so far."""
        return {event["id"] for event in self.events if event["journalled"]}


@dataclass(slots=True)
class Story:
    """Pumps that alarm, and a nurse who acknowledges, until the daemon is killed."""

    chance: random.Random
    models: list[tuple[PumpModel, RegisterFace]]
    witness: Witness
    port: int
    signer: Signer
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    publishing: set[asyncio.Task[None]] = field(default_factory=set)

    async def go_on(self, seconds: float) -> None:
        """Let things happen for so long."""
        end_s = asyncio.get_running_loop().time() + seconds
        await self._go_on(lambda: asyncio.get_running_loop().time() >= end_s)

    async def go_on_until_much_happened(self) -> None:
        """Let things happen, for as long as a loaded machine takes, until enough of this run was heard."""
        taken, told = len(self.witness.accepted), len(self.witness.journalled())
        async with asyncio.timeout(LONGEST_STORY_S):
            await self._go_on(
                lambda: (
                    len(self.witness.accepted) > taken
                    and len(self.witness.journalled()) >= told + EVENTS_IN_A_STORY
                )
            )

    async def _go_on(self, is_over: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        next_nurse_s = loop.time()
        while not is_over():
            now_s = loop.time()
            self._something_happens()
            if now_s >= next_nurse_s:
                self.witness.hear()
                self._nurse()
                next_nurse_s = now_s + 0.05
            await asyncio.sleep(0.01)

    def _something_happens(self) -> None:
        model, face = self.chance.choice(self.models)
        face.catch_up()
        if model.alarms or model.flow_nl_h == 0:
            model.press_clear()
            model.turn_rate(self.chance.choice((10_500_000, 10_500_000, 45_000_000)))
            model.press_start()
        else:
            model.raise_alarm(self.chance.choice(SHOWN))

    def _nurse(self) -> None:
        """Acknowledge the newest alarm of this boot that is on."""
        for event in reversed(self.witness.events[-20:]):
            alarm = event["alarm"]
            if (
                not alarm
                or event["boot_id"] != self.witness.online
                or alarm["signal"] not in {"on", "latched"}
            ):
                continue
            command = {
                "id": f"command-{len(self.asked)}",
                "user": "Ann",
                "boot_id": self.witness.online,
                "expires_ms": time.monotonic_ns() // 1_000_000 + 5000,  # noqa: TID251 - the daemon's own clock
                "pump": event["pump"],
                "channel": event["channel"],
                "condition": alarm["condition"],
                "revision": alarm["revision"],
            }
            self.asked[command["id"]] = command
            topic = f"{TOPICS}/command/acknowledge"
            publishing = asyncio.create_task(
                asyncio.to_thread(publish, self.port, topic, signed(self.signer, topic, command)),
                name="nurse",
            )
            self.publishing.add(publishing)
            publishing.add_done_callback(self.publishing.discard)
            return


def hold(witness: Witness, kept: Kept, asked: dict[str, dict[str, Any]]) -> None:
    """Check that all that was told as journalled or accepted is in the journal, as it was told."""
    for event in witness.events:
        if event["journalled"]:
            seq, payload = kept.lines[event["id"]]
            assert (seq, payload["event"], payload["before"]) == (
                event["seq"],
                event["event"],
                event["before"],
            )
    acknowledged = {
        (payload["pump"], payload["alarm"]["condition"], payload["alarm"]["revision"])
        for _, payload in kept.lines.values()
        if payload["event"] == "acknowledge"
    }
    for command_id in witness.accepted & asked.keys():
        command = asked[command_id]
        assert command_id in kept.commands
        assert (command["pump"], command["condition"], command["revision"]) in acknowledged


def is_online_again(witness: Witness, boot_id: str) -> bool:
    """Return whether another run than ``boot_id`` has said online."""
    return witness.hear().online != boot_id


async def pumps_on_sockets(lines: list[TcpLine]) -> list[tuple[PumpModel, RegisterFace]]:
    """Plug in simulated pumps, each on a port of its own, and return their physics."""
    builder = FaceBuilder(shipped_map("reference-pump"))
    models = []
    for number in range(1, PUMPS + 1):
        model = PumpModel(reservoir_nl=10**12)
        model.turn_rate(10_500_000)
        model.press_start()
        face = RegisterFace(builder, {"1": model}, f"SIM-{number:02}", "1.0", loop_ns)
        line = SimulatedLine([SimulatedPump(f"PUMP-{number:02}", 1, face)], random.Random(number))
        lines.append(TcpLine(line, "127.0.0.1", 0, MbapServerFramer))
        await lines[-1].plug()
        models.append((model, face))
    return models


def write_config(directory: Path, broker_port: int, lines: list[TcpLine]) -> Path:
    """Write the configuration of a daemon that polls ten times a second and may pause."""
    pumps = "".join(
        f"""
  - id: PUMP-{number:02}
    url: modbus-tcp://{line.where}/1
    driver: reference-pump
    poll_interval_s: 0.1
    enforcement: pause
    programme: {{drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,
                dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}}"""
        for number, line in enumerate(lines, 1)
    )
    file = directory / "pumpd.yaml"
    file.write_text(
        f"site: clinic\nnode: ward-a\ndata_dir: data\nlibrary: {LIBRARY.name}\n"
        f"mqtt: {{host: 127.0.0.1, port: {broker_port}}}\npumps:{pumps}\n"
    )
    (directory / LIBRARY.name).write_bytes(LIBRARY.read_bytes())
    return file


def status(shown: Listener) -> str:
    """Return what the pump whose snapshots are heard does, empty before its first reading."""
    reading = shown.payloads()[-1]["reading"]
    return str(reading["status"]) if reading else ""


async def accepted(witness: Witness, command_id: str) -> None:
    """Wait until the daemon has accepted a command."""
    await until(lambda: command_id in witness.hear().accepted | witness.refused.keys(), TOLD_WITHIN_S)
    assert command_id in witness.accepted, witness.refused[command_id]


@pytest.mark.timeout(1800)
async def test_what_was_raised_or_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    """Seeded kills: nothing told as journalled or accepted is missing, each run goes on from the last.

    An infusion that flows through all of them has, at its end, given just what its pump counted.
    """
    kills = proof.count("daemons killed with -9 during alarms and acknowledgements", small=20, full=300)
    chance = random.Random(proof.SEED)
    lines: list[TcpLine] = []
    journal = tmp_path / "data" / "journal.db"
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, f"{TOPICS}/#", tmp_path / "heard")
        shown = Listener(broker.port, SNAPSHOT, tmp_path / "shown")
        witness = Witness(listener)
        nursery = None
        given_nl = 0
        try:
            models = await pumps_on_sockets(lines)
            config = write_config(tmp_path, broker.port, lines)
            signer = signer_of(config)
            steady = Steady(*models.pop(), STEADY, broker.port, TOPICS, signer)
            steady.stop()
            base_nl = steady.counted_nl()
            nursery = await Nursery.open(config, tmp_path / "log")
            story = Story(chance, models, witness, broker.port, signer)
            for number in range(kills):
                before = witness.online
                await nursery.start()
                await until(partial(is_online_again, witness, before), ONLINE_WITHIN_S)
                if number == 0:
                    await accepted(witness, await steady.begin(config, witness.online))
                    steady.start()
                if number % 2:
                    await story.go_on_until_much_happened()
                await story.go_on(chance.uniform(SHORTEST_S, LONGEST_S))
                assert await nursery.end(signal.SIGKILL) == -signal.SIGKILL
                await asyncio.gather(*story.publishing)
                witness.hear()
                hold(witness, Kept.read(journal), story.asked)
                assert verify_file(journal, witness.heads).broken is None
                was_nl, given_nl = given_nl, steady.kept(journal)["given_nl"]
                assert was_nl <= given_nl <= steady.counted_nl() - base_nl
            before, last = witness.online, Kept.read(journal)
            await nursery.start()
            await until(partial(is_online_again, witness, before), ONLINE_WITHIN_S)
            await until(lambda: last.lines.keys() <= witness.hear().journalled(), TOLD_WITHIN_S)
            await until(lambda: steady.counted_nl() - base_nl > 100 * TICK_NL, TOLD_WITHIN_S)
            steady.stop()
            await until(lambda: status(shown) == "stopped", TOLD_WITHIN_S)
            await accepted(witness, await steady.end(journal, witness.online))
            assert await nursery.end(signal.SIGTERM) == 0, (tmp_path / "log").read_text()[-2000:]
            witness.hear()
        finally:
            if nursery is not None:
                await nursery.close()
            listener.stop()
            shown.stop()
            for line in lines:
                await line.unplug()
    kept, account = Kept.read(journal), steady.kept(journal)
    hold(witness, kept, story.asked)
    flowed_nl = steady.counted_nl() - base_nl
    assert (account["up_to"], abs(account["given_nl"] - flowed_nl) <= TICK_NL) == (False, True)
    assert verify_file(journal, witness.heads).broken is None
    assert len(witness.heads) >= kills
    assert list(broken_threads(kept)) == []
    assert last.lines.keys() <= witness.journalled() <= kept.lines.keys(), "none lost, none invented"
    assert len(kept.lines) >= kills // 2 * EVENTS_IN_A_STORY
    assert len(witness.accepted) >= kills // 2
    told = f"{len(witness.accepted)} of {len(story.asked)} accepted, {flowed_nl} nL given"
    print(f"{kills} kills, {len(kept.lines)} lines, {told}")
