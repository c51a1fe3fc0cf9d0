"""kill -9 of a real daemon under an infusion: order, account, what was seen and reminders are there after."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pumpd.signing import Signer
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import RegisterFace
from pumpd.simulator.server import TcpLine
from pumpd.store.audit import verify_file
from tests import proof
from tests.asking import signed, signer_of
from tests.faults.nursery import Nursery
from tests.faults.test_kill9 import pumps_on_sockets, write_config
from tests.mosquitto import Listener, missing, mosquitto, publish
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.requirement("INF-2", "INV-4"),
]

SITE = "pumpd/v1/clinic"
RATE_NL_H = 80_000_000
"""0.5 mg/kg/h of 1 mg/mL at 160 kg: as much as an order within the soft limits can give."""
TICK_NL = 1000
WITHIN_S = 30.0
"""Far more than any of it takes; only a machine that stands still takes longer."""
NEXT_LOOK_S = 2.0
WHY = "severe pain"
ORDER = {
    "drug": "ketamine",
    "concentration": "1 mg/mL",
    "care_area": "pain-clinic",
    "weight_kg": "160",
    "dose_min": "0.1",
    "dose_max": "0.5",
    "dose_unit": "mg/kg/h",
    "dose": "0.5",
    "volume_ml": "60",
    "duration_min": 120,
}
ASKS = (
    *("Uncontrolled high blood pressure, or heart disease?", "Fast heart rate now?", "Seizures in the past?"),
    *("Pregnant?", "Psychosis, now or in the past?", "Takes theophylline or aminophylline?"),
    *("Severe liver disease?", "Raised pressure in head or eye?", "Alcohol or drugs of abuse, now?"),
)
BEGIN = {
    "label": "B.K.",
    "identifier": "1234",
    "checked_by": "C. Second",
    "order": ORDER,
    "answers": [{"ask": ask, "yes": False} for ask in ASKS],
}


@dataclass(slots=True)
class Page:
    """A dashboard in the test: what it hears is all that it knows."""

    listener: Listener
    port: int
    signer: Signer
    boot_id: str = ""
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Pump -> its last snapshot."""
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int = 0
    _taken: int = 0

    def hear(self) -> Page:
        """Take in what is new; return itself."""
        heard = self.listener.heard()
        for message in heard[self._taken :]:
            topic, payload = message["topic"].removeprefix(SITE), json.loads(message.get("payload") or "null")
            if topic.endswith("/snapshot"):
                self.shown[payload["pump"]] = payload
            elif topic == "/node/ward-a/status" and payload["state"] == "online":
                self.boot_id = payload["boot_id"]
            elif "/reply/" in topic:
                self.replies[payload["id"]] = payload
        self._taken = len(heard)
        return self

    def is_another_than(self, boot_id: str) -> bool:
        """Return whether another run than ``boot_id`` has said online."""
        return self.hear().boot_id != boot_id

    def infusion(self, pump: str) -> dict[str, Any] | None:
        """Return what this boot shows of the pump's infusion once it has read the pump; else None."""
        seen = self.hear().shown.get(pump)
        if seen is None or seen["boot_id"] != self.boot_id or seen["reading"] is None:
            return None
        found: dict[str, Any] | None = seen["infusion"]
        return found

    def carrier(self) -> str:
        """Return the pump that shows the infusion: one of the two, and no more."""
        (pump,) = [pump for pump in ("PUMP-01", "PUMP-02") if self.infusion(pump)]
        return pump

    async def ask(self, verb: str, pump: str, **typed: Any) -> str:
        """Send a command and return its id, whatever comes of it."""
        self.count += 1
        shown = self.infusion(pump) or {}
        command = {
            "id": f"nurse-{self.count:05}",
            "user": "Ann",
            "boot_id": self.boot_id,
            "expires_ms": time.monotonic_ns() // 1_000_000 + 5000,  # noqa: TID251 - the daemon's own clock
            "pump": pump,
            "channel": "1",
            "infusion": shown.get("id", ""),
            "version": shown.get("version", 1),
            **({"dose_revision": shown.get("dose_revision", 0)} if verb == "change" else {}),
            **typed,
        }
        topic = f"{SITE}/node/ward-a/command/{verb}"
        await asyncio.to_thread(publish, self.port, topic, signed(self.signer, topic, command))
        return str(command["id"])

    async def done(self, command_id: str) -> None:
        """Wait until it is accepted."""
        assert await self.accepted(command_id), self.replies[command_id]

    async def accepted(self, command_id: str) -> bool:
        """Wait for the answer, and return whether it is yes."""
        await until(lambda: command_id in self.hear().replies, WITHIN_S)
        accepted: bool = self.replies[command_id]["accepted"]
        return accepted


@dataclass(slots=True)
class Course:
    """One infusion on two pumps, and what must be there whatever happens to the daemon."""

    page: Page
    models: dict[str, tuple[PumpModel, RegisterFace]]
    chance: random.Random
    infusion: str = ""
    version: int = 1
    seen: int = 0
    """Observations that were accepted."""
    maybe: str = ""
    """The verb that was asked last, when its answer was not waited for."""
    due_at: datetime | None = None
    waiting: str = ""
    """The pump that carries it by now, and that nobody has started yet."""

    def model(self, pump: str) -> PumpModel:
        """Return a pump as it is now."""
        model, face = self.models[pump]
        face.catch_up()
        return model

    def given_nl(self) -> int:
        """Return what both pumps gave by now: they began with the infusion."""
        return sum(self.model(pump).delivered_nl for pump in ("PUMP-01", "PUMP-02"))

    async def begin(self) -> None:
        """Begin it on a pump that stands still, and start the pump by hand."""
        model = self.model("PUMP-01")
        model.reset_counter()
        command = await self.page.ask("begin", "PUMP-01", **BEGIN)
        await self.page.done(command)
        self.infusion = command
        self.waiting = "PUMP-01"
        await self.start()

    async def something_happens(self, *, waits: bool) -> None:
        """Let a nurse do one thing, and wait for the answer or not."""
        pump = self.page.carrier()
        verb = self.chance.choice(("observe", "dose", "order", "swap"))
        if verb == "swap":
            await self._swap(pump)
            if waits:
                await self.start()
            return
        typed: dict[str, dict[str, Any]] = {
            "observe": {"pain": self.chance.randrange(11)},
            "dose": {"dose": self.chance.choice(("0.1", "0.3", "0.5")), "accepted": WHY},
            "order": {"order": ORDER, "reason": "pain", "checked_by": "C. Second", "accepted": WHY},
        }
        said = "observe" if verb == "observe" else "change"
        command = await self.page.ask(said, pump, **typed[verb])
        if not waits:
            self.maybe = verb
            return
        while not await self.page.accepted(command):
            # Asked of a picture older than the last dose: she looks again, and asks again.
            assert "look again" in self.page.replies[command]["reason"], self.page.replies[command]
            await self._another_dose(pump)
            command = await self.page.ask(said, pump, **typed[verb])
        self.seen += verb == "observe"
        if verb == "order":
            self.version += 1
            # The next one is asked of what the page shows, and this comes a moment after the answer.
            await until(lambda: (self.page.infusion(pump) or {}).get("version") == self.version, WITHIN_S)

    async def _another_dose(self, pump: str) -> None:
        """Look until the page shows another revision of the dose."""
        before = (self.page.infusion(pump) or {}).get("dose_revision")
        await until(lambda: (self.page.infusion(pump) or {}).get("dose_revision") != before, WITHIN_S)

    async def _swap(self, pump: str) -> None:
        """Stop the pump, let the other one carry it on, and start that one."""
        other = {"PUMP-01": "PUMP-02", "PUMP-02": "PUMP-01"}[pump]
        self.model(pump).press_stop()
        await until(lambda: (self.page.infusion(pump) or {}).get("state") == "standing", WITHIN_S)
        await self.page.done(
            await self.page.ask("swap", pump, to_pump=other, to_channel="1", reason="pump fault")
        )
        self.waiting = other

    async def start(self) -> None:
        """Start the pump that waits for it, by hand, and see it run."""
        pump = self.press_start()
        await until(lambda: (self.page.infusion(pump) or {}).get("state") == "running", WITHIN_S)

    def press_start(self) -> str:
        """Start the pump that waits for it, whoever watches."""
        pump, self.waiting = self.waiting, ""
        if pump:
            model = self.model(pump)
            model.turn_rate(RATE_NL_H)
            model.press_start()
        return pump

    async def is_there(self, given_before_nl: int) -> None:
        """Check what the daemon shows that runs now against what was accepted, and against the pumps."""
        page = self.page
        await until(lambda: any(page.infusion(pump) for pump in self.models), WITHIN_S)
        shown = page.infusion(page.carrier())
        assert shown is not None
        assert (shown["id"], shown["state"], shown["given_up_to"]) == (self.infusion, "running", False)
        more = {"order": self.version + 1}.get(self.maybe, self.version)
        assert self.version <= shown["version"] <= more
        seen = len(shown["observations"])
        assert min(12, self.seen) <= seen <= min(12, self.seen + (self.maybe == "observe"))
        assert given_before_nl - 2 * TICK_NL <= _nl(shown["given_ml"]) <= self.given_nl()
        due_at = datetime.fromisoformat(shown["look_due_at"])
        if self.due_at is not None:
            assert abs((due_at - self.due_at).total_seconds()) < NEXT_LOOK_S
        self.version, self.due_at = shown["version"], due_at
        self.seen = max(self.seen, seen)
        self.maybe = ""


def _nl(digits: str) -> int:
    whole, _, rest = digits.partition(".")
    return int(whole) * 10**6 + int(rest.ljust(6, "0"))


@asynccontextmanager
async def _course(directory: Path) -> AsyncIterator[tuple[Course, Nursery]]:
    lines: list[TcpLine] = []
    with mosquitto(directory) as broker:
        listener = Listener(broker.port, f"{SITE}/#", directory / "heard")
        nursery = None
        try:
            models = await pumps_on_sockets(lines)
            config = write_config(directory, broker.port, lines)
            nursery = await Nursery.open(config, directory / "log")
            named = {f"PUMP-{at:02}": each for at, each in enumerate(models[:2], 1)}
            for model, face in named.values():
                face.catch_up()
                model.press_stop()
                model.reset_counter()
            page = Page(listener, broker.port, signer_of(config))
            yield Course(page, named, random.Random(proof.SEED)), nursery
        finally:
            if nursery is not None:
                await nursery.close()
            listener.stop()
            for line in lines:
                await line.unplug()


@pytest.mark.timeout(1800)
async def test_an_infusion_is_there_after_kill_9(tmp_path: Path) -> None:
    """Seeded kills: nothing accepted is lost, nothing given is lost or counted twice, the reminder stays."""
    kills = proof.count("daemons killed with -9 under a running infusion", small=6, full=200)
    async with _course(tmp_path) as (course, nursery):
        page, chance = course.page, course.chance
        await nursery.start()
        await until(lambda: page.hear().boot_id and "PUMP-01" in page.shown, WITHIN_S)
        await course.begin()
        for _ in range(kills):
            for _ in range(chance.randrange(3)):
                await course.something_happens(waits=True)
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            if chance.random() < 0.5:
                await course.something_happens(waits=False)
            boot_id = page.boot_id
            assert await nursery.end(signal.SIGKILL) == -signal.SIGKILL
            course.press_start()
            given_nl = course.given_nl()
            await nursery.start()
            await until(partial(page.is_another_than, boot_id), WITHIN_S)
            await course.is_there(given_nl)
        pump = page.carrier()
        course.model(pump).press_stop()
        await until(lambda: (page.infusion(pump) or {}).get("state") == "standing", WITHIN_S)
        shown = page.infusion(pump)
        assert shown is not None
        assert abs(_nl(shown["given_ml"]) - course.given_nl()) <= 2 * TICK_NL, "none lost, none twice"
        await page.done(await page.ask("end", pump, reason="pain eased", witness="C. Second"))
        assert await nursery.end(signal.SIGTERM) == 0, (tmp_path / "log").read_text()[-2000:]
        print(f"{kills} kills, {page.count} commands, {shown['given_ml']} mL, version {course.version}")
    assert verify_file(tmp_path / "data" / "journal.db", []).broken is None
