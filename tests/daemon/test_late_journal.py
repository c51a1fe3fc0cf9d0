"""A journal that opens later keeps what it is given until then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpd.daemon.late_journal import OPEN_AGAIN_AFTER_S, LateJournal
from pumpd.errors import StoreError
from pumpd.qa.virtual_time import VirtualClock, run_virtual
from pumpd.store.base import NewLine, Restored
from pumpd.store.journal_inline import InlineJournal


def line(clock: VirtualClock, event_id: str) -> NewLine:
    return NewLine(event_id, clock.wall(), "node", None, None, "{}")


@pytest.mark.requirement("DAE-3", "INV-4")
def test_what_came_before_it_opened_is_written_first_and_in_order(tmp_path: Path) -> None:
    """Refused with the reason, kept, and written as soon as the file opens; then it is the journal itself."""

    async def story() -> None:
        clock = VirtualClock(asyncio.get_running_loop())
        problem = "no such device"
        told: list[Restored] = []

        def open_journal() -> InlineJournal:
            if problem:
                raise StoreError(problem)
            return InlineJournal.open(tmp_path / "journal.db", clock)

        journal = LateJournal(open_journal, told.append, clock, problem)
        trying = asyncio.create_task(journal.run(), name="pumpd.journal")
        for number in (1, 2):
            with pytest.raises(StoreError, match="no such device"):
                await journal.append([line(clock, f"event-{number}")], [], f"command-{number}")
        with pytest.raises(StoreError):
            await journal.recent(0)
        assert journal.oldest_unconfirmed_ns() == 0
        assert journal.command_seen("command-1")
        assert not journal.command_seen("command-3")
        await asyncio.sleep(2 * OPEN_AGAIN_AFTER_S + 1)
        assert told == []
        problem = ""
        await asyncio.sleep(OPEN_AGAIN_AFTER_S)
        assert [restored.last_seq for restored in told] == [0]
        assert journal.oldest_unconfirmed_ns() is None
        assert [(found.seq, found.event_id) for found in await journal.recent(0)] == [
            (1, "event-1"),
            (2, "event-2"),
        ]
        assert journal.command_seen("command-2")
        assert await journal.append([line(clock, "event-3")], []) == (3,)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        await journal.close()

    run_virtual(story())
