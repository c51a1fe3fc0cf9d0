"""The daemon tells what is wrong with its machine and with itself."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.daemon.node_watch import ThisMachine
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.stand import stand_daemon, stand_ward
from pumpd.qa.virtual_time import run_virtual

pytestmark = pytest.mark.requirement("NODE-1")


def test_a_task_that_ends_by_itself_is_told_and_started_again(tmp_path: Path) -> None:
    """Whatever part of the daemon ends, the node says which and why; a minute later it is well again."""

    async def play() -> None:
        async with stand_ward(tmp_path, MemoryBroker()) as ward, stand_daemon(ward) as daemon:
            app = daemon.hospital.app
            assert app is not None
            ends = iter([RuntimeError("gone")])

            async def part() -> None:
                for error in ends:
                    raise error
                await asyncio.Event().wait()

            app._supervisor.start("pumpd.part", part)
            await asyncio.sleep(2)
            alarm = app.ward.site_state.alarms[ConditionId.TASK_SILENT]
            assert alarm.title == "A part of pumpd stopped: pumpd.part: RuntimeError: gone"
            await asyncio.sleep(61)
            assert ConditionId.TASK_SILENT not in app.ward.site_state.alarms

    run_virtual(play())


@pytest.mark.real
async def test_this_machine_tells_its_disk_and_its_clock(tmp_path: Path) -> None:
    """The disk is the one that the folder is on; where nothing can be told, nothing is."""
    machine = ThisMachine(tmp_path, has_time_server=True)
    free = await machine.free_bytes()
    assert free is not None
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    assert await machine.synchronised() in {True, False, None}
    nowhere = ThisMachine(tmp_path / "nowhere", has_time_server=False)
    assert (await nowhere.free_bytes(), await nowhere.synchronised()) == (None, None)
