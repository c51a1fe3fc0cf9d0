"""Health of a daemon: what is not well, why, and whether it still does its work."""

from __future__ import annotations

import asyncio
import json

import pytest

from pumpd.daemon.inside import Inside
from pumpd.daemon.node_health import node_health
from pumpd.daemon.operation import Operation
from pumpd.health import MOST_TOLD, Health, Unwell
from pumpd.tally import Tally
from tests.daemon.inside_scene import Connected, inside_of
from tests.daemon.ward_scene import WardScene, play, pump

pytestmark = pytest.mark.requirement("OPS-1")


def asked(inside: Inside, path: str) -> tuple[int, dict[str, object]]:
    """Return status and JSON of one page."""
    status, _, body = Operation(inside).page("GET", path)
    return status, json.loads(body)


def parts(inside: Inside) -> dict[str, Unwell]:
    return {each.part: each for each in node_health(inside).unwell}


def test_a_well_daemon_is_alive_and_ready() -> None:
    """With broker, journal and a fresh reading nothing is wrong; before the first turn it is not ready."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        assert asked(inside, "/readyz")[0] == 503
        await asyncio.sleep(3)
        assert asked(inside, "/readyz") == (200, {"status": "ok", "ready": True, "not_well": [], "more": 0})
        assert asked(inside, "/healthz")[0] == 200

    play(story)


def test_before_it_has_started_it_lives_and_is_not_ready() -> None:
    """The page answers while stores are opened, and says so."""

    async def story(scene: WardScene) -> None:
        inside = Inside(scene.app, scene.parts, scene.clock, Tally())
        assert asked(inside, "/healthz")[0] == 200
        status, body = asked(inside, "/readyz")
        assert status == 503
        assert "starting" in str(body["not_well"])

    play(story, start=False)


def test_without_a_broker_it_lives_and_is_not_ready() -> None:
    """At once, before the alarm about it is due."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        assert isinstance(inside.publisher, Connected)
        await asyncio.sleep(3)
        inside.publisher.has_broker = False
        assert parts(inside) == {"broker": Unwell("broker", "not connected", blocks=True)}
        assert asked(inside, "/readyz")[0] == 503
        assert asked(inside, "/healthz")[0] == 200

    play(story)


def test_a_journal_that_can_not_be_written_is_told_with_its_reason() -> None:
    """The condition that is present at the node is what health says, in its words."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        await asyncio.sleep(3)
        found = parts(inside)["journal-late"]
        assert found.blocks
        assert "the disk is not there" in found.why
        assert asked(inside, "/readyz")[0] == 503

    play(story, journal_fails=lambda: "the disk is not there")


def test_one_silent_pump_is_told_and_all_of_them_block() -> None:
    """A dead pump is named and blocks nothing; with no fresh reading at all the daemon is not ready."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        await asyncio.sleep(3)
        await scene.wire(2).served.unplug()
        await asyncio.sleep(20)
        found = parts(inside)
        assert not found["pump PUMP-02"].blocks
        assert "down" in found["pump PUMP-02"].why
        assert asked(inside, "/readyz")[0] == 200
        await scene.wire(1).served.unplug()
        await asyncio.sleep(20)
        assert parts(inside)["pumps"].blocks
        assert asked(inside, "/readyz")[0] == 503
        assert asked(inside, "/healthz")[0] == 200

    play(story, [pump(1), pump(2)])


def test_a_watchdog_that_stands_still_is_a_stuck_daemon() -> None:
    """Only then a restart helps, so only then /healthz says 503."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        await asyncio.sleep(3)
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "pumpd.watchdog"]
        task.cancel()
        turned_ns = scene.app.watchdog.turned_ns
        assert turned_ns is not None
        await asyncio.sleep(10 - (scene.clock.monotonic_ns() - turned_ns) / 1e9)
        assert asked(inside, "/healthz")[0] == 200
        await asyncio.sleep(0.001)
        status, body = asked(inside, "/healthz")
        assert (status, body["status"], body["ready"]) == (503, "stuck", False)

    play(story)


def test_only_reading_is_allowed_and_other_places_are_told() -> None:
    """Another method or path is refused in words."""

    async def story(scene: WardScene) -> None:
        operation = Operation(inside_of(scene))
        assert operation.page("POST", "/healthz")[0] == 405
        status, _, words = operation.page("GET", "/")
        assert (status, b"/readyz" in words) == (404, True)
        await asyncio.sleep(0)

    play(story)


def test_what_blocks_is_told_first_and_many_are_counted() -> None:
    """A thousand dead pumps make no page of a thousand lines, and hide nothing that blocks."""
    many = [Unwell(f"pump {number}", "down") for number in range(1000)]
    body = Health((*many, Unwell("broker", "gone", blocks=True))).body()
    assert body["not_well"][0]["part"] == "broker"
    assert len(body["not_well"]) == MOST_TOLD
    assert body["more"] == 1001 - MOST_TOLD
