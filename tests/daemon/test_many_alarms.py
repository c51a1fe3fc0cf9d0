"""Hundreds of alarms at once while those who are called hang: the loop goes on, HIGH is told in time."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from pumpd.config_alarms import AlarmsSection
from pumpd.core.climb import StepTold
from pumpd.core.conditions import ConditionId
from pumpd.core.state import FrameBlocked, PumpInput, SessionCrashed, WrongDevice
from pumpd.core.told import ToldOfPump
from pumpd.daemon.seams import LivePump
from tests import proof
from tests.daemon.test_escalator import TOO_FAST, Hanging, Phone
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("LIFE-3")
AT_ONCE = (
    WrongDevice("AP-1", "AP-2"),
    FrameBlocked("00 06"),
    SessionCrashed("a defect"),
    ToldOfPump(ConditionId.SAME_DRUG, "ketamine on PUMP-99", frozenset({"PUMP-99"})),
    ToldOfPump(ConditionId.LINE_DISTURBED, "3 of 10 asked again"),
)
GATHERED_S = 5.0
"""How long a summary waits for alarms that are due with the others."""


def test_hundreds_of_alarms_and_contacts_that_hang_hold_nothing_up() -> None:
    """Nurse and doctor hang: the chief is told on time, also of a HIGH that comes into the flood.

    What came of a call is written in a turn of the loop for each alarm, so that nothing else waits for
    hundreds of them; and a call that goes on failing writes each alarm's line once, not once a try.
    """
    pumps = proof.count("alarms raised at once", small=100, full=500) // len(AT_ONCE)
    nurse, doctor, chief = Hanging(), Hanging(), Phone()
    called: dict[str, Phone] = {"nurse": nurse, "doctor": doctor, "chief": chief}
    contacts = [{"name": name, "kind": "webhook", "url": "http://127.0.0.1:1/"} for name in called]
    plan = {"steps": [["nurse"], ["doctor"], ["chief"]]}
    section = AlarmsSection.model_validate({"contacts": contacts, "escalation": plan})

    async def story(scene: WardScene) -> None:
        loop, pipeline = asyncio.get_running_loop(), scene.app.pipeline
        turn, in_turn, take = 0, Counter[int](), pipeline.take

        def next_turn() -> None:
            nonlocal turn
            turn += 1

        def counted(live: LivePump, given: PumpInput, *more: object) -> object:
            if isinstance(given, StepTold):
                in_turn[turn] += 1
                loop.call_soon(next_turn)
            return take(live, given, *more)  # type: ignore[arg-type]

        pipeline.take = counted  # type: ignore[assignment,method-assign]
        await asyncio.sleep(3)
        for live in scene.app.ward.pumps.values():
            for given in AT_ONCE:
                pipeline.take(live, given)
        await asyncio.sleep(100)
        scene.model(7).turn_rate(TOO_FAST)
        await asyncio.sleep(300)
        raised = [at for at, event in scene.outlet.raised(ConditionId.OVER_HARD) if event.event == "raise"]
        first_s, then_s = (at for at, _ in chief.taken)
        assert 180 <= first_s - 3 < 182.5 + GATHERED_S
        assert 180 <= then_s - raised[0] < 182.5 + GATHERED_S
        assert "bed 7 (PUMP-07)" in chief.taken[1][1].text
        assert max(in_turn.values()) == 1
        assert (nurse.at_once, doctor.at_once) == (3, 3)
        not_told = Counter(
            (e.pump, e.alarm.condition, e.detail)
            for _, e in scene.outlet.happened("alarm", "not-told")
            if e.alarm is not None
        )
        assert len(not_told) >= 2 * pumps
        assert set(not_told.values()) == {1}

    ward = [pump(n, enforcement="alarm", bed=str(n)) for n in range(1, pumps + 1)]
    play(story, ward, alarms=section, channels=called)
