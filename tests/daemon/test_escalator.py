"""Who is called when nobody has an alarm: on time, once, again when it failed, summed up in a flood."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pumpd.channels.base import Message
from pumpd.config_alarms import AlarmsSection
from pumpd.core.conditions import ConditionId
from pumpd.core.state import Acknowledge
from pumpd.daemon.events import alarm_parts
from pumpd.errors import TransportError
from tests.daemon.ward_scene import WardScene, play, pump

OVER, FAILING = ConditionId.OVER_HARD, ConditionId.ESCALATION_FAILING
TOO_FAST = 40_000_000

pytestmark = pytest.mark.requirement("LIFE-3")


@dataclass
class Phone:
    """A channel that writes down what it was given and when; ``broken`` says why it takes nothing."""

    taken: list[tuple[float, Message]] = field(default_factory=list)
    tries: int = 0
    broken: str = ""

    async def send(self, message: Message) -> None:
        self.tries += 1
        if self.broken:
            raise TransportError(self.broken)
        self.taken.append((asyncio.get_running_loop().time(), message))


def alarms(**escalation: Any) -> AlarmsSection:
    names = ["nurse", "doctor"]
    contacts = [{"name": name, "kind": "webhook", "url": "http://127.0.0.1:1/"} for name in names]
    plan = {"steps": [["nurse"], ["doctor"]], **escalation}
    return AlarmsSection.model_validate({"contacts": contacts, "escalation": plan})


def phones() -> dict[str, Phone]:
    return {"nurse": Phone(), "doctor": Phone()}


async def too_fast(scene: WardScene, number: int = 1) -> float:
    """Turn a pump up and return when its alarm was raised."""
    await asyncio.sleep(2)
    scene.model(number).turn_rate(TOO_FAST)
    await asyncio.sleep(5)
    return scene.outlet.raised(OVER)[0][0]


def told_of(phone: Phone, condition: str = "over-hard") -> list[float]:
    return [at for at, message in phone.taken if message.facts.get("condition") == condition]


ALARM_ONLY = [pump(1, enforcement="alarm", bed="3", label="A.B.")]


def test_each_step_calls_its_contact_on_time_and_once() -> None:
    """The nurse after a minute, the doctor after two, nobody a second time; all of it in the journal."""
    called = phones()

    async def story(scene: WardScene) -> None:
        raised_s = await too_fast(scene)
        await asyncio.sleep(400)
        (nurse_s,), (doctor_s,) = told_of(called["nurse"]), told_of(called["doctor"])
        assert 60 <= nurse_s - raised_s < 62.5
        assert 120 <= doctor_s - raised_s < 122.5
        for event, count in (("escalate", 2), ("told", 2), ("not-told", 0)):
            happened = [e.alarm.condition for _, e in scene.outlet.happened("alarm", event) if e.alarm]
            assert happened.count("over-hard") == count
        part = scene.live().told.alarms[OVER].climb
        assert part is not None
        assert part.told == ("nurse", "doctor")
        began = scene.live().told.alarms[OVER].since
        (shown,) = [p for p in alarm_parts(scene.live().told) if p.condition == "over-hard"]
        assert shown.escalation is not None
        told = [
            (c.contact, c.by, c.failed, round((c.at - began).total_seconds()) // 60)
            for c in shown.escalation.calls
        ]
        assert told == [("nurse", "webhook", "", 1), ("doctor", "webhook", "", 2)]

    play(story, ALARM_ONLY, alarms=alarms(), channels=called)


def test_nobody_is_called_for_what_somebody_has() -> None:
    """Acknowledged after half a minute: no call, then or later."""
    called = phones()

    async def story(scene: WardScene) -> None:
        await too_fast(scene)
        await asyncio.sleep(25)
        for condition, alarm in scene.live().state.alarms.items():
            scene.app.pipeline.take(scene.live(), Acknowledge(condition, alarm.revision, "Ada"))
        await asyncio.sleep(600)
        assert [phone.taken for phone in called.values()] == [[], []]

    play(story, ALARM_ONLY, alarms=alarms(), channels=called)


def test_a_message_names_bed_and_pump_and_no_patient() -> None:
    """It is marked as a demo, says what to do, and holds no label unless that is configured."""
    for show in (False, True):
        called = phones()

        async def story(scene: WardScene) -> None:
            await too_fast(scene)
            await asyncio.sleep(70)

        play(story, ALARM_ONLY, alarms=alarms(show_label=show), channels=called)
        (message,) = [m for _, m in called["nurse"].taken if m.facts["condition"] == "over-hard"]
        assert message.subject.startswith("DEMO, NO PATIENT: HIGH bed 3 (PUMP-01): TOO FAST")
        assert (message.facts["demo"], message.facts["advisory"]) == (True, True)
        assert "not a primary alarm" in message.text
        assert ("A.B." in f"{message.subject}{message.text}{message.facts}") is show


def test_a_call_that_fails_is_tried_again_and_is_an_alarm() -> None:
    """Each attempt is in the journal; the node alarms, and that ends with the first call that works."""
    called = phones()
    called["nurse"].broken = "connection refused"

    async def story(scene: WardScene) -> None:
        await too_fast(scene)
        await asyncio.sleep(300)
        failing = scene.app.ward.told.alarms[FAILING]
        assert "nurse (connection refused)" in failing.measured
        tries = called["nurse"].tries
        assert 5 < tries < 30
        assert len(scene.outlet.happened("alarm", "not-told")) == tries
        assert told_of(called["doctor"]), "the next step does not wait for the first"
        called["nurse"].broken = ""
        await asyncio.sleep(70)
        assert len(told_of(called["nurse"])) == 1
        assert FAILING not in scene.app.ward.told.alarms

    play(story, ALARM_ONLY, alarms=alarms(), channels=called)


@dataclass
class Hanging(Phone):
    """A channel that never ends until it is let go."""

    free: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0

    async def send(self, message: Message) -> None:
        self.tries += 1
        self.at_once += 1
        try:
            await self.free.wait()
        finally:
            self.at_once -= 1
        self.taken.append((asyncio.get_running_loop().time(), message))


def test_calls_that_hang_keep_nobody_else_and_do_not_pile_up() -> None:
    """Two of three hang: the third is told on time, both are told as failing, three calls hang at most."""
    nurse, doctor, chief = Hanging(), Hanging(), Phone()
    called: dict[str, Phone] = {"nurse": nurse, "doctor": doctor, "chief": chief}
    contacts = [{"name": name, "kind": "webhook", "url": "http://127.0.0.1:1/"} for name in called]
    plan = {"steps": [["nurse"], ["doctor"], ["chief"]]}
    section = AlarmsSection.model_validate({"contacts": contacts, "escalation": plan})

    async def story(scene: WardScene) -> None:
        raised_s = await too_fast(scene)
        await asyncio.sleep(3600)
        (chief_s,) = told_of(chief)
        assert 180 <= chief_s - raised_s < 182.5
        failing = scene.app.ward.told.alarms[FAILING]
        assert failing.measured == "doctor (3 calls hang); nurse (3 calls hang)"
        assert [(phone.tries, phone.at_once) for phone in (nurse, doctor)] == [(3, 3), (3, 3)]
        not_told = [e.detail for _, e in scene.outlet.happened("alarm", "not-told")]
        assert sum("no answer within 30 s" in detail for detail in not_told) == 6
        for phone in (nurse, doctor):
            phone.free.set()
        await asyncio.sleep(70)
        assert nurse.at_once == doctor.at_once == 0
        assert min(nurse.tries, doctor.tries) > 3, "they are called anew"
        assert FAILING not in scene.app.ward.told.alarms

    play(story, ALARM_ONLY, alarms=section, channels=called)


def test_a_daemon_that_stops_waits_for_no_call_that_hangs() -> None:
    """Nothing is left of it, and in the next run it is due again."""
    nurse = Hanging()

    async def story(scene: WardScene) -> None:
        await too_fast(scene)
        await asyncio.sleep(100)
        assert nurse.at_once > 0

    play(story, ALARM_ONLY, alarms=alarms(), channels=phones() | {"nurse": nurse})
    assert nurse.at_once == 0


def test_a_restart_neither_loses_nor_repeats_a_call(tmp_path: Path) -> None:
    """The nurse was told before; the doctor could not be, and is told after."""
    journal = tmp_path / "journal.db"
    before, after = phones(), phones()
    before["doctor"].broken = "no line"

    async def first(scene: WardScene) -> None:
        await too_fast(scene)
        await asyncio.sleep(130)

    async def second(scene: WardScene) -> None:
        await asyncio.sleep(30)

    play(first, ALARM_ONLY, alarms=alarms(), channels=before, journal_path=journal)
    assert (len(told_of(before["nurse"])), told_of(before["doctor"])) == (1, [])
    play(second, ALARM_ONLY, alarms=alarms(), channels=after, journal_path=journal, running="40")
    assert (told_of(after["nurse"]), len(told_of(after["doctor"]))) == ([], 1)


def test_a_flood_is_one_message_that_names_every_place() -> None:
    """Twelve pumps at once: one summary at each contact, and every alarm is on the screen as before."""
    called = phones()
    twelve = [pump(n, enforcement="alarm", bed=str(n)) for n in range(1, 13)]

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        for number in range(1, 13):
            scene.model(number).turn_rate(TOO_FAST)
        await asyncio.sleep(75)
        ((_, message),) = called["nurse"].taken
        assert message.facts["summary"] is True
        assert all(f"bed {n} (PUMP-{n:02})" in message.text for n in range(1, 13))
        assert [e.event for _, e in scene.outlet.happened("node") if "flood" in e.event] == ["flood-begins"]
        assert all(OVER in live.told.alarms for live in scene.app.ward.pumps.values())

    play(story, twelve, alarms=alarms(), channels=called)


def test_a_test_is_clearly_a_test_and_says_what_came_of_it() -> None:
    """The message is no alarm; a failure is the answer, and an alarm; an unknown name is refused."""
    called = phones()

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        assert scene.commands is not None
        await scene.commands.test_channel("nurse", "Eva", "command-01")
        ((_, message),) = called["nurse"].taken
        assert message.subject.startswith("TEST, NO ALARM: Eva")
        assert message.facts["test"] is True
        called["doctor"].broken = "no line"
        with pytest.raises(ValueError, match="no line"):
            await scene.commands.test_channel("doctor", "Eva", "command-02")
        await asyncio.sleep(1)
        assert FAILING in scene.app.ward.told.alarms
        with pytest.raises(ValueError, match="no contact 'chef'; known are nurse, doctor"):
            await scene.commands.test_channel("chef", "Eva", "command-03")
        await asyncio.sleep(0.1)
        tested = [e for _, e in scene.outlet.happened("command", "test-channel")]
        assert [(e.by, e.detail) for e in tested] == [("Eva", "nurse"), ("Eva", "doctor"), ("Eva", "chef")]

    play(story, alarms=alarms(), channels=called)
