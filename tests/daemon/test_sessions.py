"""Watching pumps: silence, wrong devices, crashes, shared lines, and any order of starting."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from pumpd.core.conditions import ConditionId
from pumpd.core.telemetry import ChannelId
from pumpd.daemon.seams import LinkState
from pumpd.drivers.base import ChannelReading, Conversation
from pumpd.drivers.register_map import RegisterMapDriver
from pumpd.protocols.modbus import WriteCoil
from pumpd.protocols.wire import Permission
from pumpd.simulator.faults import Fault, FaultKind
from tests.daemon.ward_scene import WardScene, play, pump

LOST, WRONG, CRASHED = ConditionId.LINK_LOST, ConditionId.WRONG_DEVICE, ConditionId.SESSION_CRASHED
RTU = "10.0.0.9:4001"


def rtu(number: int, unit: int) -> dict[str, object]:
    """Return a pump on a shared RTU line."""
    return pump(number) | {"url": f"modbus-rtu://{RTU}/{unit}?baud=19200", "poll_interval_s": 2}


@pytest.mark.requirement("DAE-2", "DAE-5", "INV-3")
def test_a_lost_line_is_an_alarm_that_worsens_and_ends_when_the_counter_accounts_for_it() -> None:
    """Stale after 3 s is MEDIUM, lost after 5 s is HIGH; accounted for it is over; logged once."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        await scene.wire().served.unplug()
        last_s = scene.readings()[-1]
        await asyncio.sleep(30)
        assert scene.readings()[-1] == last_s
        assert scene.live().link.state is LinkState.DOWN
        steps = [(at - last_s, e.event, e.alarm.priority) for at, e in scene.outlet.raised(LOST) if e.alarm]
        assert [step[1:] for step in steps] == [("raise", "MEDIUM"), ("worsen", "HIGH")]
        assert 3 < steps[0][0] < 4.2
        assert 5 < steps[1][0] < 6.2
        await scene.wire().served.plug()
        await asyncio.sleep(35)
        assert scene.readings()[-1] > scene.clock.loop.time() - 1.1
        assert LOST not in scene.live().told.alarms
        assert scene.live().link.state is LinkState.UP

    with capture_logs() as logs:
        play(story)
    said = [entry["event"] for entry in logs if entry["event"].startswith("line ")]
    assert said == ["line up", "line down", "line up"]


@pytest.mark.requirement("DAE-2")
def test_a_silent_pump_is_logged_once_each_way() -> None:
    """A pump that stops answering on a line that stays open: one line down, one line up, and it is back."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        scene.wire().simulated.faults.add(1, Fault(FaultKind.SILENCE))
        await asyncio.sleep(60)
        assert scene.live().told.alarms[LOST].signal.value == "on"
        scene.wire().simulated.faults.clear(1)
        await asyncio.sleep(8)
        assert scene.readings()[-1] > scene.clock.loop.time() - 1.1

    with capture_logs() as logs:
        play(story)
    said = [e["event"] for e in logs if e.get("pump") == "PUMP-01" and e["event"].startswith("pump ")]
    assert said == ["pump does not answer", "pump answers again"]


@pytest.mark.requirement("INV-2", "DAE-1")
def test_another_serial_number_is_refused() -> None:
    """A pump with another serial number than configured: WRONG_DEVICE, and none of its readings counts."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        assert scene.readings() == []
        assert scene.history.rows == []
        alarm = scene.live().told.alarms[WRONG]
        assert "SIM-01" in alarm.measured
        assert alarm.allowed == "serial number A-1"
        assert scene.live().link.state is LinkState.WRONG_DEVICE

    play(story, [pump(1, serial_number="A-1")])


@pytest.mark.requirement("INV-2", "DAE-1")
def test_a_pump_swapped_behind_its_port_is_noticed() -> None:
    """After a reconnect another pump answers: no reading of it is credited until the first is back."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        texts = scene.faces["PUMP-01"].texts
        await scene.wire().served.unplug()
        texts["serial_number"] = "SIM-99"
        await scene.wire().served.plug()
        await asyncio.sleep(10)
        before = len(scene.readings())
        assert scene.live().told.alarms[WRONG].signal.value == "on"
        await asyncio.sleep(10)
        assert len(scene.readings()) == before
        texts["serial_number"] = "SIM-01"
        await asyncio.sleep(10)
        assert len(scene.readings()) > before
        assert scene.live().told.alarms[WRONG].signal.value == "latched"

    play(story)


@pytest.mark.requirement("INV-2")
def test_a_reading_that_spans_a_reconnect_is_not_credited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts may come from two pumps: it is given up, and who answers is asked again first."""
    read = RegisterMapDriver.read
    scenes: list[WardScene] = []

    async def interrupted(driver: RegisterMapDriver, line: Conversation) -> tuple[ChannelReading, ...]:
        readings = await read(driver, line)
        if scenes:
            scene = scenes.pop()
            await scene.wire().served.unplug()
            await scene.wire().served.plug()
            await asyncio.sleep(2)
        return readings

    monkeypatch.setattr(RegisterMapDriver, "read", interrupted)

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        before = len(scene.readings())
        scenes.append(scene)
        await asyncio.sleep(2.9)
        assert scene.app._parts.lines[0].opening == 2
        assert len(scene.readings()) == before
        await asyncio.sleep(3)
        assert len(scene.readings()) > before

    play(story)


@pytest.mark.requirement("DAE-3")
def test_pumps_may_come_after_the_daemon() -> None:
    """Nothing is plugged in at the start; readings begin when it is, and until then it is an alarm."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(10)
        assert scene.live().told.alarms[LOST].priority.name == "HIGH"
        assert scene.live().state.last is None
        await scene.wire().served.plug()
        await asyncio.sleep(35)
        assert scene.readings()
        assert scene.live().told.alarms[LOST].signal.value == "latched"

    play(story, plugged=False)


@pytest.mark.requirement("DAE-1")
def test_a_crashed_session_is_an_alarm_and_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pump's own alarm, no other pump's; it ends with the first reading after the restart."""
    broken: set[int] = set()
    read = RegisterMapDriver.read

    async def breaks(driver: RegisterMapDriver, line: Conversation) -> tuple[ChannelReading, ...]:
        if id(driver) in broken:
            raise RuntimeError("a fault in a driver")
        return await read(driver, line)

    monkeypatch.setattr(RegisterMapDriver, "read", breaks)

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        driver = scene.app._parts.watched[0].driver
        broken.add(id(driver))
        await asyncio.sleep(5)
        assert scene.live(1).told.alarms[CRASHED].measured == "RuntimeError: a fault in a driver"
        assert scene.live(1).link.state is LinkState.STOPPED
        assert CRASHED not in scene.live(2).told.alarms
        assert len(scene.readings(2)) >= 7
        broken.clear()
        await asyncio.sleep(16)
        assert CRASHED not in scene.live(1).told.alarms
        assert scene.live(1).link.state is LinkState.UP

    play(story, [pump(1), pump(2)])


@pytest.mark.requirement("DAE-1")
def test_a_dead_pump_on_a_shared_line_costs_the_others_nothing_but_its_time_out() -> None:
    """Three pumps on one RTU line, one of them dead: the others miss no poll, and are late by its silence."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(4)
        scene.wires[RTU].simulated.faults.add(2, Fault(FaultKind.SILENCE))
        before = {number: len(scene.readings(number)) for number in (1, 3)}
        await asyncio.sleep(120)
        assert len(scene.readings(2)) <= 2
        for number in (1, 3):
            times = scene.readings(number)
            assert len(times) - before[number] >= 60
            assert max(b - a for a, b in pairwise(times)) < 2.5
            assert LOST not in scene.live(number).state.alarms

    play(story, [rtu(1, 1), rtu(2, 2), rtu(3, 3)])


@pytest.mark.requirement("DAE-4")
def test_polls_are_spread_over_their_interval() -> None:
    """Forty pumps at 1 Hz: no two polls of a second closer than 5 ms, none further apart than 60 ms."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        second = sorted(at for at, _, _ in scene.outlet.readings if 3 <= at < 4)
        assert len(second) == 40
        gaps = [b - a for a, b in pairwise(second)]
        assert min(gaps) > 0.005
        assert max(gaps) < 0.06

    play(story, [pump(number) for number in range(1, 41)])


@pytest.mark.requirement("DAE-4")
def test_the_phase_of_a_pump_is_the_same_in_every_run() -> None:
    """Phases follow from the configuration, not from chance."""
    runs = []
    for _ in range(2):

        async def story(_scene: WardScene) -> None:
            await asyncio.sleep(3)

        scene = play(story, [pump(number) for number in range(1, 6)])
        runs.append([(at, live.pump) for at, live, _ in scene.outlet.readings])
    assert runs[0] == runs[1]


@pytest.mark.requirement("INV-1")
def test_a_frame_that_is_not_on_the_list_never_reaches_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that would start the pump instead of pausing it: held back, FRAME_BLOCKED, told louder."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        driver = scene.app._parts.watched[0].driver
        assert isinstance(driver, RegisterMapDriver)
        start = WriteCoil(1, 1, on=True, permission=Permission.PAUSE)
        monkeypatch.setitem(driver._pauses, ChannelId("1"), start)
        scene.model().turn_rate(40_000_000)
        await asyncio.sleep(4)
        assert scene.wire().writes() == []
        assert "not a declared control point" in scene.live().told.alarms[ConditionId.FRAME_BLOCKED].measured
        assert scene.live().told.alarms[ConditionId.RESTRAINT_FAILED].signal.value == "on"

    play(story)


@pytest.mark.requirement("MAP-1", "INV-3")
def test_a_reading_is_as_old_as_its_question_and_says_how_long_it_took() -> None:
    """A pump that answers 60 ms later: the age counts from the question, and the span holds the delay."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(5)
        usual = scene.live().state.last
        scene.wire().simulated.faults.add(None, Fault(FaultKind.DELAY, delay_s=0.06))
        await asyncio.sleep(5)
        late = scene.live().state.last
        assert usual is not None
        assert late is not None
        assert 0.06e9 <= late.span_ns - usual.span_ns < 0.07e9
        asked_s, _ = scene.wire().frames[-1]
        came_s = scene.readings()[-1]
        assert late.taken_ns + late.span_ns == pytest.approx(came_s * 1e9, abs=1e6)
        assert late.taken_ns == pytest.approx(asked_s * 1e9, abs=1e6)

    play(story)
