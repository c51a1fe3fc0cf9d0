"""When a tap that says where a pump is changes nothing: refused in words, in a whole daemon."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pumpd.contract.ports import ExchangePortsPayload
from pumpd.contract.roles import Role
from pumpd.daemon.permission import NotAllowedError, Permission, TrustedDashboard
from tests.core.infusion_scene import LIBRARY
from tests.daemon.infusion_asks import Nurse
from tests.daemon.test_fleet import FREE
from tests.daemon.test_ports import EXCHANGED, HOUSE, asks, ports, tap, two
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("FLEET-5")


def _refused(
    story_serials: dict[str, str], why: str, pumps: list[dict[str, Any]] | None = None, **more: Any
) -> None:
    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        for count in (1, 2):  # a second tap changes nothing either
            with pytest.raises(ValueError, match=why):
                await tap(scene, count=count, **more)
        assert ports(scene) == {str(p["id"]): p["url"][len("modbus-tcp://") :] for p in pumps or two()}
        assert scene.outlet.happened("command") == []

    play(story, pumps or two(), serials=story_serials, drugs=LIBRARY, fleet=HOUSE)


@pytest.mark.parametrize(
    ("serials", "more", "why"),
    [
        ({}, {}, "^PUMP-02 does not answer in the place of PUMP-01 any more: look again$"),
        ({"PUMP-01": "SIM-03"}, {}, "^PUMP-02 does not answer in the place of PUMP-01"),
        ({"PUMP-01": "SIM-99"}, {}, "^PUMP-02 does not answer in the place of PUMP-01"),
        ({"PUMP-01": "SIM-03"}, {"found": 3}, "^PUMP-03/1: this node watches no such pump$"),
        (EXCHANGED, {"to_channel": "9"}, "^PUMP-02/9: this node watches no such pump$"),
        (EXCHANGED, {"channel": "9"}, "^PUMP-01/9: this node watches no such pump$"),
        (EXCHANGED, {"gone": 7}, "^PUMP-07/1: this node watches no such pump$"),
        (
            {"PUMP-01": "SIM-02"},
            {},
            r"^PUMP-02 answers at its own port, too: two pumps tell one serial number\. Look at their labels",
        ),
    ],
)
def test_nothing_moves_unless_it_is_sure_which_pump_is_there(
    serials: dict[str, str], more: dict[str, Any], why: str
) -> None:
    """Right pumps, a spare, a stranger, a pump of nobody, one that is there twice: refused in words."""
    _refused(serials, why, **more)


def test_a_pump_that_answers_in_two_places_is_nowhere_for_sure() -> None:
    """Two strangers tell the serial number of one pump."""
    pumps = [pump(at, **FREE | {"bed": str(at)}) for at in (1, 2, 3)]
    why = "^PUMP-02 answers in the place of PUMP-03, too: two pumps tell one serial number"
    _refused({"PUMP-01": "SIM-02", "PUMP-03": "SIM-02", "PUMP-02": "SIM-99"}, why, pumps)


@pytest.mark.parametrize("changes", [{"poll_interval_s": 2.0}, {"stale_after_s": 20.0}])
def test_ports_that_are_read_differently_are_for_the_engineer(changes: dict[str, Any]) -> None:
    """What is known of how old a pump's values get goes with its port."""
    pumps = [pump(1, **FREE), pump(2, **FREE | {"bed": "2"} | changes)]
    why = "^PUMP-01 and PUMP-02 are not read alike: an engineer exchanges their ports in the configuration$"
    _refused(EXCHANGED, why, pumps)


@pytest.mark.requirement("KEY-1")
def test_a_nurse_exchanges_no_port_of_another_ward() -> None:
    """Both pumps must be in a ward of hers, and of her dashboard's."""

    async def story(scene: WardScene) -> None:
        ward = scene.app.ward
        both = TrustedDashboard("d", ()), TrustedDashboard("d", (), wards=frozenset({"pain-clinic"}))
        for dashboard, wards in ((both[0], ["pain-clinic"]), (both[1], [])):
            for gone, found in ((1, 2), (2, 1)):
                command = ExchangePortsPayload.model_validate(asks(scene, gone, found, wards=wards))
                with pytest.raises(NotAllowedError, match=r"^PUMP-02 is in the ward icu, which"):
                    Permission.allow(dashboard, "exchange-ports", command, ward)
        for role in Role:
            command = ExchangePortsPayload.model_validate(asks(scene, role=role))
            if role in {Role.NURSE, Role.ENGINEER}:
                Permission.allow(both[0], "exchange-ports", command, ward)
            else:
                with pytest.raises(NotAllowedError, match="exchange-ports is not for the role"):
                    Permission.allow(both[0], "exchange-ports", command, ward)

    pumps = [pump(1, **FREE), pump(2, **FREE | {"bed": "2", "ward": "icu"})]
    play(story, pumps, serials=EXCHANGED, fleet=HOUSE)


def test_beds_with_an_order_or_an_infusion_are_not_exchanged() -> None:
    """A patient's infusion must not come to stand at another bed by a tap about cables; the port may."""
    ordered = [pump(1, bed="1", ward="pain-clinic"), pump(2, **FREE | {"bed": "2"})]
    why = "^the order of PUMP-01 stands in the configuration: an engineer mends it$"
    _refused(EXCHANGED, why, ordered, beds="exchange")

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        await Nurse(scene, 1).begin()
        for number, serial in ((1, "SIM-02"), (2, "SIM-01")):
            await scene.wire(number).served.unplug()
            scene.faces[f"PUMP-{number:02}"].texts["serial_number"] = serial
            await scene.wire(number).served.plug()
        await asyncio.sleep(12)
        with pytest.raises(ValueError, match=r"^PUMP-01 carries the infusion of B\.K\.: say that only"):
            await tap(scene, beds="exchange")
        await tap(scene, count=2)
        await asyncio.sleep(10)
        live = scene.live(1)
        assert (live.place.bed, live.place.label, live.link.state.value) == ("1", "B.K.", "up")
        assert live.home is not None
        assert live.home.url == live.place.url == "modbus-tcp://10.0.0.2:502/1"
        assert live.state.watch is not None
        assert live.state.watch.goes_on

    play(story, two(), drugs=LIBRARY, fleet=HOUSE)
