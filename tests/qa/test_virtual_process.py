"""A killed program ends where it stands, and what it had not written is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpd.qa.virtual_process import ProcessLoop, VirtualProcess
from pumpd.qa.virtual_time import VirtualClock
from pumpd.store.journal_inline import InlineJournal
from tests.store.lines import durable, line


def _run(work) -> None:
    with asyncio.Runner(loop_factory=ProcessLoop) as runner:
        runner.run(work)


def test_tasks_and_timers_of_a_killed_program_end_and_others_go_on() -> None:
    """What it started, at any depth, does nothing more; what others started is not touched."""
    did: list[str] = []
    children: list[asyncio.Task[None]] = []

    async def tick(name: str) -> None:
        while True:
            await asyncio.sleep(1)
            did.append(name)

    async def program() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(5, did.append, "timer")
        children.append(loop.create_task(tick("child"), name="tested.child"))

    async def story() -> None:
        process = VirtualProcess()
        other = asyncio.get_running_loop().create_task(tick("other"), name="tested.other")
        await process.run(program(), "tested.program")
        await asyncio.sleep(2.5)
        await process.kill()
        await asyncio.sleep(5)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)

    _run(story())
    assert did.count("child") == 2
    assert did.count("other") == 7
    assert "timer" not in did


@pytest.mark.requirement("INV-4")
def test_a_journal_that_is_killed_keeps_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    """The line on disk is there when it is opened again; the one under way is not."""

    async def story() -> None:
        clock = VirtualClock(asyncio.get_running_loop())
        journal = InlineJournal.open(tmp_path / "journal.db", clock)
        await journal.append([line(1)], [durable(1)])
        journal.commit_after_s = 3.0
        lost = journal.append([line(2)], [durable(1)])
        journal.crash()
        await asyncio.sleep(10)
        assert not lost.done()
        again = InlineJournal.open(tmp_path / "journal.db", clock)
        assert again.restored.last_seq == 1
        await again.close()

    _run(story())
