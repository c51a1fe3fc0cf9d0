"""Pausing a pump: confirmed, gated, read back, told; never anywhere else."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Restrain
from pumpd.core.quantities import FlowRate
from pumpd.core.state import PauseNow, PumpInput, RestraintOutcome
from pumpd.core.telemetry import Provenance, PumpStatus
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.restraint import WITHIN_S, RestraintCounts
from pumpd.daemon.seams import LivePump
from pumpd.simulator.faults import Fault, FaultKind
from tests.daemon.orders import library
from tests.daemon.ward_scene import DeafModel, SlowToHear, WardScene, play, pump

OVER, RESTRAINED, FAILED = ConditionId.OVER_HARD, ConditionId.RESTRAINED, ConditionId.RESTRAINT_FAILED


def turn_up(scene: WardScene, ml_h: str, number: int = 1) -> None:
    """Do what a hand at the pump does: set another rate."""
    scene.model(number).turn_rate(FlowRate.parse(ml_h).nl_per_h)


@pytest.mark.requirement("RES-1", "RES-2", "CORE-6")
def test_a_pump_that_gives_too_much_is_paused_read_back_and_told() -> None:
    """The whole story: rate above the limit, confirmed by another reading, paused, read back, RESTRAINED."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.live().state.alarms == {}
        assert scene.wire().writes() == []
        turn_up(scene, "40")
        await asyncio.sleep(5)
        assert scene.model().status is PumpStatus.PAUSED
        assert scene.model().flow_nl_h == 0
        told = scene.live().told.alarms
        assert told[OVER].signal.value == "latched"
        assert told[RESTRAINED].measured == "1.143 mg/kg/h"
        assert FAILED not in told
        assert len(scene.wire().writes()) == 1
        steps = [event.event for _, event in scene.outlet.happened("restraint")]
        assert steps == ["asked", "pause-sent", "paused"]
        (timing,) = scene.app.restrainer.timings
        assert 0 <= timing.written_ns - timing.completed_ns < 5_000_000
        assert scene.app.restrainer.counts == RestraintCounts(asked_count=1, confirmed_count=1)
        await asyncio.sleep(20)
        assert len(scene.wire().writes()) == 1

    play(story)


@pytest.mark.requirement("RES-2")
def test_a_pump_on_a_shared_serial_line_is_paused_too() -> None:
    """Two pumps on one RTU line: the one that gives too much is paused within its 3 s, the other goes on."""
    line = "modbus-rtu://10.0.0.1:502/{}?baud=19200"

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(6)
        turn_up(scene, "40", number=2)
        await asyncio.sleep(8)
        assert scene.model(2).status is PumpStatus.PAUSED
        assert scene.model(1).status is PumpStatus.RUNNING
        ((asked_at, _),) = scene.outlet.happened("restraint", "asked")
        ((paused_at, _),) = scene.outlet.happened("restraint", "paused")
        assert paused_at - asked_at < WITHIN_S
        assert [frame[0] for _, frame in scene.wire().writes()] == [2]

    play(story, [pump(number) | {"url": line.format(number)} for number in (1, 2)])


@pytest.mark.requirement("RES-1", "INV-1")
@pytest.mark.parametrize(
    ("enforcement", "signed", "allows"),
    [
        combination
        for combination in itertools.product(("alarm", "cap", "pause"), (False, True), Restrain)
        if combination[0] == "alarm" or not combination[1] or combination[2] is Restrain.NONE
    ],
)
def test_without_all_parts_of_the_gate_nothing_is_written(
    enforcement: str, signed: bool, allows: Restrain
) -> None:
    """Configuration, signature and library entry in all combinations but the full one: an alarm, no write."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await asyncio.sleep(8)
        assert scene.live().told.alarms[OVER].signal.value == "on"
        assert RESTRAINED not in scene.live().told.alarms
        assert scene.wire().writes() == []
        assert scene.commands is not None
        with pytest.raises(ValueError, match="use the pump"):
            await scene.commands.pause_pump(
                scene.live().pump, scene.live().channel, "Ann", "drowsy", "command-1"
            )
        assert scene.wire().writes() == []

    drugs = library(restrain=allows, signed_for=(Provenance.DEMO,) if signed else ())
    play(story, [pump(1, enforcement=enforcement)], drugs=drugs)


@pytest.mark.requirement("RES-1")
def test_the_gate_is_looked_at_again_before_each_frame() -> None:
    """A pause that was decided, but is no longer allowed when it is to be written, is not written."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.app.restrainer.begin(scene.live(), PauseNow(OVER, "1.143 mg/kg/h", "1 mg/kg/h"))
        await asyncio.sleep(1)
        assert scene.wire().writes() == []
        ((_, verdict),) = scene.outlet.happened("restraint", "failed")
        assert verdict.detail == "the drug library is not signed for this pump"
        assert FAILED in scene.live().told.alarms

    play(story, drugs=library(signed_for=()))


@pytest.mark.requirement("RES-1", "INV-5")
@pytest.mark.parametrize("real", [False, True])
def test_a_signature_for_simulated_pumps_covers_no_other(real: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers decides: a pump that is no simulator is not paused, whatever it is configured as."""
    monkeypatch.setattr("pumpd.drivers.base.Identity.simulated", property(lambda _self: False))

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await asyncio.sleep(8)
        assert scene.live().told.alarms[OVER].signal.value == "on"
        assert scene.wire().writes() == []
        last = scene.live().state.last
        assert last is not None
        assert last.provenance is (Provenance.REAL if real else Provenance.DEMO)

    play(story, [pump(1, real=real)])


@pytest.mark.requirement("INV-5")
def test_a_simulator_is_never_real() -> None:
    """A pump configured as real behind which a simulator answers delivers DEMO values only."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.history.rows
        assert {row.telemetry.provenance for row in scene.history.rows} == {Provenance.DEMO}

    play(story, [pump(1, real=True)])


@pytest.mark.requirement("RES-3")
def test_a_pump_that_a_person_restarts_is_not_paused_again() -> None:
    """Within 10 minutes it is only alarmed on, unless the flow is higher than before."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await asyncio.sleep(3)
        assert len(scene.wire().writes()) == 1
        scene.model().press_start()
        await asyncio.sleep(60)
        assert scene.model().status is PumpStatus.RUNNING
        assert scene.live().told.alarms[OVER].signal.value == "on"
        assert len(scene.wire().writes()) == 1
        turn_up(scene, "45")
        await asyncio.sleep(5)
        assert scene.model().status is PumpStatus.PAUSED
        assert len(scene.wire().writes()) == 2
        scene.model().press_start()
        await asyncio.sleep(595)
        assert len(scene.wire().writes()) == 2
        await asyncio.sleep(10)
        assert len(scene.wire().writes()) == 3

    play(story)


@pytest.mark.requirement("RES-2")
def test_a_pause_that_is_not_obeyed_is_told_louder() -> None:
    """A pump that says yes and goes on: RESTRAINT_FAILED within 3 s, at high priority."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await asyncio.sleep(2 + WITHIN_S)
        failed = scene.live().told.alarms[FAILED]
        assert (failed.priority.name, failed.signal.value) == ("HIGH", "on")
        assert RESTRAINED not in scene.live().told.alarms
        ((_, verdict),) = scene.outlet.happened("restraint", "failed")
        assert "read back: running, 40 mL/h" in verdict.detail
        ((asked_at, _),) = scene.outlet.happened("restraint", "asked")
        ((failed_at, _),) = scene.outlet.happened("restraint", "failed")
        assert failed_at - asked_at <= WITHIN_S + 0.1
        assert scene.app.restrainer.counts == RestraintCounts(asked_count=1, failed_count=1)

    play(story, model=DeafModel)


@pytest.mark.requirement("RES-2")
def test_a_pause_that_had_no_effect_is_written_again() -> None:
    """A pump that misses the first pause: written again after a second, obeyed, RESTRAINED."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await asyncio.sleep(4)
        assert scene.model().status is PumpStatus.PAUSED
        first, second = (at for at, _ in scene.wire().writes())
        assert 1.0 <= second - first < 1.5
        assert RESTRAINED in scene.live().told.alarms
        assert FAILED not in scene.live().told.alarms

    play(story, model=SlowToHear)


@pytest.mark.requirement("RES-2")
def test_a_line_lost_during_a_pause_is_told_louder() -> None:
    """Nobody can know whether the pump obeyed: that is a failed restraint."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.wire().simulated.faults.add(1, Fault(FaultKind.DELAY, delay_s=0.02))
        turn_up(scene, "40")
        await scene.wire().wrote.wait()
        await scene.wire().served.unplug()
        await asyncio.sleep(WITHIN_S + 0.5)
        assert scene.live().told.alarms[FAILED].signal.value == "on"
        assert RESTRAINED not in scene.live().told.alarms
        await asyncio.sleep(5)
        assert ConditionId.LINK_LOST in scene.live().told.alarms

    play(story)


@pytest.mark.requirement("RES-2")
def test_a_pump_that_refuses_is_told_louder_at_once() -> None:
    """A refusal is not asked again: one write, one read back, RESTRAINT_FAILED."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        turn_up(scene, "40")
        await scene.wire().wrote.wait()
        scene.wire().simulated.faults.add(
            1, Fault(FaultKind.EXCEPTION, until_s=asyncio.get_running_loop().time() + 0.002)
        )
        await asyncio.sleep(1)
        assert scene.live().told.alarms[FAILED].signal.value == "on"
        assert len(scene.wire().writes()) == 1

    play(story)


@pytest.mark.requirement("RES-2")
def test_a_pause_asked_at_the_very_end_of_another_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that is judged between an outcome and the end of its task begins an attempt of its own."""
    take = Pipeline.take
    again = [PauseNow(OVER, "1.143 mg/kg/h", "1 mg/kg/h")]

    async def story(scene: WardScene) -> None:
        def watched(self: Pipeline, live: LivePump, given: PumpInput, command_id: str | None = None) -> Any:
            if isinstance(given, RestraintOutcome) and again:
                asyncio.get_running_loop().call_soon(scene.app.restrainer.begin, live, again.pop())
            return take(self, live, given, command_id)

        monkeypatch.setattr(Pipeline, "take", watched)
        await asyncio.sleep(2)
        scene.app.restrainer.begin(scene.live(), again[0])
        await asyncio.sleep(1)
        assert len(scene.outlet.happened("restraint", "paused")) == 2

    play(story)


@pytest.mark.requirement("RES-1", "MQTT-3")
def test_a_nurse_may_ask_for_a_pause_once() -> None:
    """Under the same gate, read back before it is accepted; the same command has no second effect."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        assert scene.commands is not None
        live = scene.live()
        for _ in range(2):
            await scene.commands.pause_pump(live.pump, live.channel, "Ann", "drowsy", "command-1")
        assert scene.model().status is PumpStatus.PAUSED
        assert len(scene.wire().writes()) == 1
        await asyncio.sleep(0.1)
        assert "Ann asked: drowsy" in live.told.alarms[RESTRAINED].allowed
        ((_, asked),) = scene.outlet.happened("restraint", "asked")
        assert (asked.by, asked.detail) == ("Ann", "by a person: drowsy")
        with pytest.raises(ValueError, match="not delivering"):
            await scene.commands.pause_pump(live.pump, live.channel, "Ann", "drowsy", "command-2")

    play(story)


@pytest.mark.requirement("RES-2")
def test_a_nurse_is_told_when_the_pump_does_not_pause() -> None:
    """The command is refused with the reason, also when it is delivered a second time."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        assert scene.commands is not None
        live = scene.live()
        for _ in range(2):
            with pytest.raises(ValueError, match="stop it by hand"):
                await scene.commands.pause_pump(live.pump, live.channel, "Ann", "drowsy", "command-1")
        assert FAILED in live.state.alarms

    play(story, model=DeafModel)
