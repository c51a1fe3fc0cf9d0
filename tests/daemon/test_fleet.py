"""Who may answer at a port when the house's pumps are known: by the fleet, in a whole daemon."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpId
from pumpd.drivers.fleet import Fleet, FleetPump
from pumpd.drivers.registry import DriverSpec, find
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, play, pump

WRONG, UNKNOWN = ConditionId.WRONG_DEVICE, ConditionId.UNKNOWN_PUMP
FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}


def fleet(*serials: str, model: str = "REF-1") -> Fleet:
    """Return PUMP-01 and so on with these serial numbers."""
    return Fleet(
        FleetPump(PumpId(f"PUMP-{at:02}"), "pumpd project", model, serial)
        for at, serial in enumerate(serials, 1)
    )


@pytest.mark.requirement("FLEET-2")
def test_the_pump_of_the_fleet_is_read() -> None:
    """Without a serial number in the configuration: the asset number leads to it."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        assert len(scene.readings()) > 3
        assert not {WRONG, UNKNOWN} & scene.live().state.alarms.keys()

    play(story, fleet=fleet("SIM-01"))


@pytest.mark.requirement("FLEET-2", "INV-2")
def test_an_unknown_pump_is_refused_until_an_engineer_adds_it() -> None:
    """Nothing of it is shown or kept; the nurse and the engineer hear of it; once it is added it is read."""
    known = fleet("SIM-01")

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(20)
        live = scene.live()
        assert (scene.readings(), scene.history.rows, live.state.last) == ([], [], None)
        assert live.link.state.value == "wrong-device"
        said = "pumpd project REF-1 SIM-99, not in the fleet"
        assert live.link.detail == f"{said} answers, expected serial number SIM-01"
        wrong, unknown = live.told.alarms[WRONG], live.told.alarms[UNKNOWN]
        assert (wrong.measured, wrong.allowed) == (said, "serial number SIM-01")
        assert (unknown.measured, unknown.priority.name) == ("pumpd project REF-1 SIM-99", "LOW")
        assert len(scene.outlet.raised(UNKNOWN)) == 1
        known.take_up(fleet("SIM-99"))
        await asyncio.sleep(10)
        assert len(scene.readings()) > 3
        assert UNKNOWN not in live.told.alarms
        assert live.told.alarms[WRONG].signal.value == "latched"
        assert live.link.state.value == "up"

    play(story, [pump(1, bed="1")], serials={"PUMP-01": "SIM-99"}, fleet=known)


@pytest.mark.requirement("FLEET-2", "INV-2")
def test_a_pump_of_the_fleet_at_another_port_is_named() -> None:
    """Two pumps were plugged the wrong way round: neither is read, each is told by its asset number."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        for number, other in ((1, 2), (2, 1)):
            assert scene.readings(number) == []
            alarm = scene.live(number).told.alarms[WRONG]
            assert alarm.measured == f"PUMP-0{other}"
            assert alarm.allowed == f"PUMP-0{number}"
            assert scene.live(number).link.detail == f"PUMP-0{other} answers, expected PUMP-0{number}"
            assert UNKNOWN not in scene.live(number).state.alarms

    swapped = {"PUMP-01": "SIM-02", "PUMP-02": "SIM-01"}
    play(story, [pump(1), pump(2)], serials=swapped, fleet=fleet("SIM-01", "SIM-02"))


@pytest.mark.requirement("FLEET-2")
def test_another_model_is_refused() -> None:
    """The serial number is right and the model is not: another pump, and not in the fleet."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        assert scene.readings() == []
        assert scene.live().told.alarms[WRONG].allowed == "model REF-2"
        assert UNKNOWN in scene.live().told.alarms

    play(story, fleet=fleet("SIM-01", model="REF-2"))


@pytest.mark.requirement("FLEET-3")
def test_a_pump_that_can_not_tell_its_serial_number_is_read_and_known_by_no_number() -> None:
    """Nothing is held against it, and its number stays empty: the page says "identity not checked".

    Once one of that place told a number, one that tells none is another pump.
    """

    async def story(scene: WardScene) -> None:
        scene.faces["PUMP-01"].texts["serial_number"] = ""
        await scene.wire().served.plug()
        await asyncio.sleep(8)
        identity = scene.live().identity
        assert identity is not None
        assert identity.serial_number == ""
        before = len(scene.readings())
        assert before > 3
        for serial, read in (("SIM-01", True), ("", False)):
            await scene.wire().served.unplug()
            scene.faces["PUMP-01"].texts["serial_number"] = serial
            await scene.wire().served.plug()
            before = len(scene.readings())
            await asyncio.sleep(12)
            assert (len(scene.readings()) > before) is read

    play(story, plugged=False, fleet=fleet("SIM-01"))


@pytest.fixture
def laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the reference pump for one that is not for people."""

    def found(name: str) -> DriverSpec:
        spec = find(name)
        return replace(spec, card=spec.card.model_copy(update={"human_use": False}))

    monkeypatch.setattr("pumpd.daemon.wiring.find", found)


@pytest.mark.requirement("FLEET-4")
@pytest.mark.usefixtures("laboratory")
@pytest.mark.parametrize("answers", [True, False])
def test_a_real_laboratory_pump_begins_no_infusion_and_takes_none_over(answers: bool) -> None:
    """Whatever a dashboard sends, the daemon refuses it in words; also before anybody answered there."""
    real = pump(1, **FREE, real=True)
    training = pump(2, **FREE | {"bed": "2"})

    async def story(scene: WardScene) -> None:
        scene.faces["PUMP-01"].texts["serial_number"] = "A-1"  # no simulator's
        if answers:
            await scene.wire(1).served.plug()
        await scene.wire(2).served.plug()
        await asyncio.sleep(35)
        assert (scene.live(1).identity is not None) is answers
        assert scene.live(1).state.setup.provenance.value == "real"
        with pytest.raises(ValueError, match=r"^PUMP-01 is a laboratory pump: it is not for people$"):
            await Nurse(scene, 1).begin()
        await Nurse(scene, 2).begin(id="training-begins")  # a simulated one: nobody is connected
        with pytest.raises(ValueError, match=r"^PUMP-01 is a laboratory pump: it is not for people$"):
            await Nurse(scene, 2).swap(1, id="training-moves")
        assert scene.live(1).state.watch is None
        begun = [e.pump for _, e in scene.outlet.happened("infusion")]
        assert begun == ["PUMP-02"]

    play(story, [real, training], drugs=LIBRARY, plugged=False)
