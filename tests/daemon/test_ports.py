"""A pump of the fleet at another port waits for one tap, in a whole daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pumpd.contract.ports import ExchangePortsPayload
from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import PumpId
from pumpd.drivers.fleet import Fleet
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.test_fleet import FREE, fleet
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("FLEET-5")
WRONG = ConditionId.WRONG_DEVICE
EXCHANGED = {"PUMP-01": "SIM-02", "PUMP-02": "SIM-01"}
"""Which serial number answers at the port of which pump, once two were plugged the wrong way round."""
HOUSE: Fleet = fleet("SIM-01", "SIM-02", "SIM-03")


def two(**changes: Any) -> list[dict[str, Any]]:
    """Return two pumps that are free, at two beds."""
    return [pump(at, **FREE | {"bed": str(at)} | changes) for at in (1, 2)]


def asks(scene: WardScene, gone: int = 1, found: int = 2, **more: Any) -> dict[str, Any]:
    """Return what a page sends to say that ``found`` is at the port of ``gone``."""
    return {
        "id": f"tap-{gone}-{found}-{more.pop('count', 1):04}",
        "dashboard": "d",
        "user": "A. Nurse",
        "role": "nurse",
        "boot_id": scene.app.ward.boot_id,
        "expires_ms": 0,
        "pump": f"PUMP-{gone:02}",
        "channel": "1",
        "to_pump": f"PUMP-{found:02}",
        "to_channel": "1",
        "beds": "stay",
        **more,
    }


async def tap(scene: WardScene, gone: int = 1, found: int = 2, **more: Any) -> str:
    """Say that ``found`` is at the port of ``gone``."""
    asked = asks(scene, gone, found, **more)
    return await scene.app.requests.exchange_ports(ExchangePortsPayload.model_validate(asked))


def ports(scene: WardScene) -> dict[str, str]:
    """Return the host of the port of each pump."""
    return {str(live.pump): live.place.url[len("modbus-tcp://") :] for live in scene.app.ward.pumps.values()}


AS_CONFIGURED = {"PUMP-01": "10.0.0.1:502/1", "PUMP-02": "10.0.0.2:502/1"}
AS_TAPPED = {"PUMP-01": "10.0.0.2:502/1", "PUMP-02": "10.0.0.1:502/1"}


@pytest.mark.requirement("INV-2")
def test_one_tap_reads_both_where_they_are() -> None:
    """Until the tap nothing is read; from then on each pump's own values stand under its own name.

    It is written down for both with the name of who said it. Their alarms are over, and nobody has them yet:
    where a pump is is no acknowledgement.
    """

    async def story(scene: WardScene) -> None:
        scene.model(1).turn_rate(20_000_000)  # what answers at port 1 is PUMP-02
        await asyncio.sleep(10)
        assert [scene.live(n).link.instead for n in (1, 2)] == ["PUMP-02", "PUMP-01"]
        assert scene.readings(1) == scene.readings(2) == []
        said = await tap(scene)
        assert said == "PUMP-01 is looked for at modbus-tcp://10.0.0.2:502/1"
        await asyncio.sleep(10)
        assert ports(scene) == AS_TAPPED
        for number, serial, flow in ((1, "SIM-01", 10_500_000), (2, "SIM-02", 20_000_000)):
            live = scene.live(number)
            assert live.identity is not None
            assert live.identity.serial_number == serial
            assert live.state.last is not None
            assert live.state.last.flow.value is not None
            assert live.state.last.flow.value.nl_per_h == flow
            assert (live.link.state.value, live.link.instead) == ("up", None)
            assert live.told.alarms[WRONG].signal.value == "latched"
            assert live.place.bed == str(number)
        assert scene.wire(1).frames[-1][0] > 15  # both ports are read
        noted = [(e.pump, e.by, e.detail) for _, e in scene.outlet.happened("command")]
        assert noted == [
            ("PUMP-02", "A. Nurse", "is read at modbus-tcp://10.0.0.1:502/1, as PUMP-01 was; at bed 2"),
            (
                "PUMP-01",
                "A. Nurse",
                "is looked for at modbus-tcp://10.0.0.2:502/1, where PUMP-02 was; at bed 1",
            ),
        ]
        assert all(not wire.writes() for wire in scene.wires.values())

    play(story, two(), serials=EXCHANGED, fleet=HOUSE)


def test_pumps_that_changed_places_change_beds() -> None:
    """Whoever taps says whether the pumps were carried to other beds or only cables changed."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await tap(scene, beds="exchange")
        assert [scene.live(n).place.bed for n in (1, 2)] == ["2", "1"]
        await asyncio.sleep(10)
        await Nurse(scene, 2).begin()
        watch = scene.live(2).state.watch
        assert watch is not None
        assert watch.infusion.carrier.bed == "1"

    play(story, two(), serials=EXCHANGED, drugs=LIBRARY, fleet=HOUSE)


@pytest.mark.parametrize("killed", ["before-the-disk", "on-disk", "later"])
@pytest.mark.parametrize("beds", ["stay", "exchange"])
def test_what_was_said_holds_in_the_next_run(tmp_path: Path, killed: str, beds: str) -> None:
    """Killed at any moment, the next run knows it of both pumps or of none; of none, it asks again."""

    async def first(scene: WardScene) -> None:
        await asyncio.sleep(10)
        scene.journal.commit_after_s = 0.5
        asked = asyncio.create_task(tap(scene, beds=beds), name="tap")
        await asyncio.sleep({"before-the-disk": 0.4, "on-disk": 0.6, "later": 10}[killed])
        assert ports(scene) == AS_TAPPED  # what a person said does not wait for the disk
        assert asked.done() is (killed != "before-the-disk")
        scene.journal.crash()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    async def second(scene: WardScene) -> None:
        tapped = killed != "before-the-disk"
        assert ports(scene) == (AS_TAPPED if tapped else AS_CONFIGURED)
        moved = tapped and beds == "exchange"
        assert [scene.live(n).place.bed for n in (1, 2)] == (["2", "1"] if moved else ["1", "2"])
        await asyncio.sleep(10)
        assert [bool(scene.readings(n)) for n in (1, 2)] == [tapped, tapped]
        assert [scene.live(n).link.instead is None for n in (1, 2)] == [tapped, tapped]

    more: dict[str, Any] = {"serials": EXCHANGED, "fleet": HOUSE, "journal_path": tmp_path / "journal.db"}
    play(first, two(), boot_id="first", **more)
    play(second, two(), boot_id="second", **more)


def test_the_configuration_holds_once_it_says_otherwise(tmp_path: Path) -> None:
    """An engineer gives a pump another port: what was tapped before is over, and stays over."""
    more: dict[str, Any] = {"serials": EXCHANGED, "fleet": HOUSE, "journal_path": tmp_path / "journal.db"}

    async def first(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await tap(scene)

    async def second(scene: WardScene) -> None:
        assert ports(scene) == {"PUMP-01": "10.0.0.3:502/1", "PUMP-02": "10.0.0.2:502/1"}
        assert scene.live(2).seat is None
        await asyncio.sleep(10)

    async def third(scene: WardScene) -> None:
        assert ports(scene) == AS_CONFIGURED

    play(first, two(), boot_id="first", **more)
    moved = [pump(1, "10.0.0.3:502", **FREE), pump(2, **FREE | {"bed": "2"})]
    play(second, moved, boot_id="second", **more)
    play(third, two(), boot_id="third", **more)


def test_exchanged_back_it_is_as_configured() -> None:
    """The cables are put right again: announced again, and one tap again."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await tap(scene)
        await asyncio.sleep(5)
        for number in (1, 2):
            await scene.wire(number).served.unplug()
            scene.faces[f"PUMP-{number:02}"].texts["serial_number"] = f"SIM-{number:02}"
            await scene.wire(number).served.plug()
        await asyncio.sleep(12)
        assert [scene.live(n).link.instead for n in (1, 2)] == ["PUMP-02", "PUMP-01"]
        await tap(scene, count=2)
        assert ports(scene) == AS_CONFIGURED
        assert [scene.live(n).seat for n in (1, 2)] == [None, None]
        await asyncio.sleep(5)
        assert [scene.live(n).link.state.value for n in (1, 2)] == ["up", "up"]

    play(story, two(), serials=EXCHANGED, fleet=HOUSE)


def test_the_same_tap_twice_has_one_effect() -> None:
    """A page sends it again, or two people tap at once: the ports do not go back."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        both = await asyncio.gather(tap(scene), tap(scene))
        assert both[0]
        assert ports(scene) == AS_TAPPED
        await tap(scene)
        assert ports(scene) == AS_TAPPED
        with pytest.raises(ValueError, match="any more: look again"):
            await tap(scene, count=2)

    play(story, two(), serials=EXCHANGED, fleet=HOUSE)


def test_a_pump_that_is_plugged_elsewhere_during_the_tap_is_recognised_again() -> None:
    """The cable is pulled at the moment of the tap and another pump put there: nothing of it is read."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await scene.wire(1).served.unplug()
        scene.faces["PUMP-01"].texts["serial_number"] = "SIM-99"
        await scene.wire(1).served.plug()
        await tap(scene)
        await asyncio.sleep(10)
        assert scene.readings(2) == []
        assert scene.live(2).link.state.value == "wrong-device"
        assert ConditionId.UNKNOWN_PUMP in scene.live(2).told.alarms
        assert scene.readings(1)  # the other one is where it was said to be

    play(story, two(), serials=EXCHANGED, fleet=HOUSE)


def test_a_pause_reaches_the_pump_where_it_is() -> None:
    """After the tap a nurse's pause goes out at the new port, and never at the old one."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await tap(scene)
        await asyncio.sleep(10)
        await Nurse(scene, 2).begin()
        await asyncio.sleep(3)
        live = scene.live(2)
        await scene.app.requests.pause_pump(
            PumpId("PUMP-02"), live.channel, "A. Nurse", "unwell", "pause-0001"
        )
        assert scene.wire(1).writes()
        assert not scene.wire(2).writes()
        assert scene.model(1).status.value == "paused"

    play(story, two(), serials=EXCHANGED, drugs=LIBRARY, fleet=HOUSE)
