"""The dead-man timer of New Era pumps: never armed, and never fed for somebody else."""

from __future__ import annotations

import pytest

from pumpd.core.telemetry import PumpStatus
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, ForbiddenFrameError
from pumpd.protocols.new_era import SetDeadMan
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time

pytestmark = pytest.mark.requirement("DIAL-2", "INV-1")


@pytest.mark.parametrize("safe", [False, True])
@in_virtual_time
async def test_the_outgoing_filter_holds_a_timer_back(safe):
    """SAFn is none of the driver's writes, as a line and as a packet."""
    spec = find("new-era")
    assert Permission.LINK not in spec.controls
    async with rig(subject_of(spec), subject_of(spec).framings[0]) as on:
        with pytest.raises(ForbiddenFrameError):
            await on.talk.ask(SetDeadMan(1, seconds=5, safe=safe))
        assert len(on.blocked) == 1


@in_virtual_time
async def test_a_pump_in_safe_mode_is_not_read_and_its_timer_is_not_fed():
    """Whoever armed it is gone: the driver is told why it gets nothing, and the pump stops by itself."""
    subject = subject_of(find("new-era"))
    async with rig(subject, subject.framings[0]) as on:
        on.start()
        on.face.answer(b"\x02SAF30")
        for _ in range(3):
            with pytest.raises(DeviceRefusedError, match="SAF"):
                await on.driver.read(on.talk)
            await on.rest()
        on.face.catch_up()
        assert on.models[0].status is PumpStatus.PAUSED
