"""The infusion in JSON by hand is what the payload model says, whatever happened since the last time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pumpd.contract.infusion_payloads import InfusionPart
from pumpd.core.acceptance import Accept
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpId
from pumpd.daemon.publisher_infusion import InfusionWriter, infusion_part
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import ANSWERS, ORDER, Nurse
from tests.daemon.orders import CHANNEL
from tests.daemon.test_newer_library import LESS, SO, STRICT
from tests.daemon.ward_scene import WardScene, play, pump

OVER = ConditionId.OVER_SOFT
FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
pytestmark = pytest.mark.requirement("INF-2")


class Screens:
    """Writes both pumps' infusions every second, and holds each against the model."""

    def __init__(self, scene: WardScene) -> None:
        self.scene = scene
        self.writers = {number: InfusionWriter(scene.live(number), scene.clock) for number in (1, 2)}
        self.said: set[str] = set()

    def look(self) -> None:
        """Hold what is written now against the model."""
        library = self.scene.app.ward.library
        for number, writer in self.writers.items():
            expected = infusion_part(self.scene.live(number), self.scene.clock, library)
            written = writer.write(library)
            if expected is None:
                assert written == "null"
                continue
            assert InfusionPart.model_validate_json(written) == expected
            self.said |= {expected.state, f"{expected.agrees}", f"up to {expected.given_up_to}"}

    async def wait(self, seconds: int) -> None:
        """Look once a second for so long."""
        self.look()
        for _ in range(seconds):
            await asyncio.sleep(1)
            self.look()


def test_what_is_written_is_what_the_model_says(tmp_path: Path) -> None:
    """Each second from the beginning to the end, over a swap, a silence, a restart and a tighter library."""

    async def before(scene: WardScene) -> None:
        nurse, screens = Nurse(scene), Screens(scene)
        scene.model(2).press_stop()
        await screens.wait(3)
        await nurse.begin(answers=ANSWERS[:1])
        await screens.wait(10)
        await nurse.change(answers=ANSWERS[1:])
        await screens.wait(2)
        scene.model().turn_rate(FlowRate.parse("14").nl_per_h)
        await screens.wait(20)
        await nurse.observe(pain=3, sedation="awake", side_effects='"odd" taste \\ größer')
        await screens.wait(5)
        scene.model().turn_rate(FlowRate.parse("18").nl_per_h)
        await screens.wait(60)
        revision = scene.live().state.alarms[OVER].revision
        accept = Accept(OVER, revision, "Ada", "pain is severe")
        await scene.app.requests.say(PumpId("PUMP-01"), CHANNEL, accept, "accept-0001")
        await screens.wait(5)
        more = ORDER | {"dose_max": "0.6", "dose": "0.55", "duration_min": 100}
        await nurse.change(order=more, checked_by="C. Second", accepted="pain", reason="pain")
        await screens.wait(5)
        scene.model(1).press_stop()
        await screens.wait(5)
        await nurse.swap(2)
        await screens.wait(2)
        scene.model(2).press_start()
        await screens.wait(20)
        assert {"running", "standing", "True", "False", "None", "up to False"} <= screens.said

    async def after(scene: WardScene) -> None:
        screens, nurse = Screens(scene), Nurse(scene, 2)
        await screens.wait(10)
        nurse.count = 10
        await nurse.change(**SO, order=LESS, version=2)
        await screens.wait(10)
        await nurse.end()
        await screens.wait(5)
        scene.model(2).press_stop()
        await screens.wait(10)
        assert {"running", "ended", "up to True"} <= screens.said

    path = tmp_path / "journal.db"
    play(before, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY, journal_path=path)
    play(after, [pump(1, **FREE), pump(2, **FREE)], drugs=STRICT, journal_path=path)
