"""Every door through which somebody outside can change something: none of them starts or speeds up a pump."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from dashboard.app import create_app
from pumpd.clock import SystemClock
from pumpd.contract.verbs import VERBS
from pumpd.drivers.registry import shipped
from pumpd.protocols.maps import shipped_map
from pumpd.protocols.wire import Permission
from pumpd.store.reader import SqliteHistoryReader
from pumpd.transports.outgoing import ControlPoint
from tests.dashboard.people import people
from tests.dashboard.test_api import settings
from tests.house.tree import ROOT, imports

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}


ABOUT_AN_ALARM = {"acknowledge", "pause-audio", "resume-audio", "shelve", "unshelve", "accept"}
"""What only concerns what people are told; no pump hears of it."""
ABOUT_PEOPLE = {"sign-in", "sign-out", "stay", "pin", "screen"}
"""What says who sits before the page; the daemon hears nothing of it."""
ABOUT_AN_INFUSION = {"begin", "change", "observe", "end", "swap", "transfer"}
"""What is written down of what was meant; no pump hears of it either."""
THE_REST = {"pause-pump", "off-line", "test-channel", "exchange-ports"}
"""A pause only reduces, and passes the gate; no pump hears of the other three."""


@pytest.mark.requirement("INV-1")
def test_the_network_may_ask_for_a_pause_of_alarms_and_of_infusions_and_nothing_else() -> None:
    """A new verb stops here, so that somebody asks whether it could start a pump or make it faster."""
    assert set(VERBS) == ABOUT_AN_ALARM | ABOUT_AN_INFUSION | THE_REST


@pytest.mark.requirement("INV-1")
def test_what_is_done_on_paper_can_not_reach_a_pump() -> None:
    """The modules that carry out what is asked of infusions know no driver, no line and no restraint."""
    desks = sorted((ROOT / "pumpd" / "daemon").glob("infusion_*.py"))
    assert len(desks) >= 3
    reach = ("pumpd.drivers", "pumpd.transports", "pumpd.protocols", "pumpd.daemon.restraint")
    assert [module for desk in desks for module in imports(desk) if module.startswith(reach)] == []


@pytest.mark.requirement("INV-1")
async def test_a_page_may_ask_for_a_pause_of_alarms_and_of_infusions_and_nothing_else(tmp_path) -> None:
    """Of all routes of the dashboard only these change something."""
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    who = people(tmp_path)
    routes = _routes(create_app(settings(), reader, SystemClock(), who).routes)
    await reader.close()
    who.store.close()
    assert len(routes) > 3
    assert {path for path, methods in routes if methods & CHANGES} == {
        *(f"/api/{verb}" for verb in ABOUT_AN_ALARM),
        *(f"/api/infusion/{verb}" for verb in ABOUT_AN_INFUSION),
        *(f"/api/{verb}" for verb in THE_REST),
        *(f"/api/{name}" for name in ABOUT_PEOPLE),
    }


def _routes(found: object) -> list[tuple[str, set[str]]]:
    """Return path and methods of every route, those of included routers too."""
    routes: list[tuple[str, set[str]]] = []
    assert isinstance(found, list)
    for route in found:
        if isinstance(route, APIRoute):
            routes.append((route.path, set(route.methods or ())))
        inner = getattr(route, "original_router", None)
        if inner is not None:
            routes += _routes(inner.routes)
    return routes


@pytest.mark.requirement("INV-1", "SIM-6")
@pytest.mark.parametrize("module", ["pumpd/cli_ward.py", "pumpd/simulator/control_client.py"])
def test_the_verb_that_presses_keys_can_speak_to_no_pump(module: str) -> None:
    """``pumpd ward`` presses keys, start among them: it knows no link, driver or daemon, and HTTP alone."""
    speaks = ("pumpd.transports", "pumpd.drivers", "pumpd.daemon", "pumpd.mqtt", "pymodbus", "serial")
    imported = imports(ROOT / module)
    assert imported
    assert not [name for name in imported if name.startswith(speaks)]


@pytest.mark.requirement("INV-1")
@pytest.mark.parametrize("driver", sorted(name for name, spec in shipped().items() if spec.register_map))
def test_a_shipped_driver_declares_no_write_that_its_map_never_sends(driver: str) -> None:
    """What the filter lets through is PAUSE and LOWER, and none of it is what the map knows as dangerous."""
    spec = shipped()[driver]
    points = [point for point in spec.controls if isinstance(point, ControlPoint)]
    assert points
    assert len(points) == len(spec.controls)
    assert {point.permission for point in points} <= {Permission.PAUSE, Permission.LOWER}
    register_map = shipped_map(spec.card.register_map)
    assert register_map.never_sent
    for write in register_map.never_sent.values():
        raw = 0xFF00 * write.value if write.function == 5 else write.value
        at = (write.function, register_map.pdu(write.address))
        same_place = [point for point in points if (point.function, point.at) == at]
        assert not [p for p in same_place if p.lowest <= raw <= p.highest]
