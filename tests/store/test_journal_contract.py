"""What every journal promises, held against the one on disk and its in-line twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from pumpd.core.telemetry import PumpId
from pumpd.errors import StoreError
from pumpd.store.base import Journal
from pumpd.store.journal import SqliteJournal
from pumpd.store.journal_inline import InlineJournal
from tests.store.lines import PUMP, T0_MS, SetClock, durable, line

Open = Callable[[], Journal]
pytestmark = pytest.mark.requirement("INV-4")


@pytest.fixture(params=[SqliteJournal, InlineJournal])
def journal_type(request: pytest.FixtureRequest) -> type[SqliteJournal | InlineJournal]:
    """Both kinds."""
    assert get_args(SqliteJournal | InlineJournal) == (SqliteJournal, InlineJournal)
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def reopen(journal_type: type[SqliteJournal | InlineJournal], tmp_path: Path, clock: SetClock) -> Open:
    """Opens the same journal again and again."""
    return lambda: journal_type.open(tmp_path / "data" / "journal.db", clock)


async def test_lines_are_numbered_in_call_order(reopen: Open) -> None:
    """Numbers are 1, 2, 3 ... in call order, over several appends and over a restart."""
    journal = reopen()
    assert journal.restored.last_seq == 0
    futures = [journal.append([line(n), line(f"{n}b")], []) for n in range(40)]
    assert await asyncio.gather(*futures) == [(2 * n + 1, 2 * n + 2) for n in range(40)]
    await journal.close()
    journal = reopen()
    assert journal.restored.last_seq == 80
    assert await journal.append([line("next")], []) == (81,)
    await journal.close()


async def test_the_same_event_is_written_once(reopen: Open) -> None:
    """An event appended again keeps its number, and what was stored with it does not go back."""
    journal = reopen()
    assert await journal.append([line(1)], [durable(1)]) == (1,)
    assert await journal.append([line(2)], [durable(2)]) == (2,)
    assert await journal.append([line(1)], [durable(1)]) == (1,)
    assert await journal.append([line(2), line(3), line(3)], [durable(3)]) == (2, 3, 3)
    await journal.close()
    journal = reopen()
    assert [each.event_id for each in journal.restored.unsent] == ["boot-1", "boot-2", "boot-3"]
    assert journal.restored.durables == (durable(3),)
    await journal.close()


async def test_durables_and_payloads_come_back_equal(reopen: Open) -> None:
    """Alarms, restraint records and payloads survive a restart to the last microsecond and letter."""
    journal = reopen()
    await journal.append([line(1, None, kind="node")], [durable(1), durable(7, None)])
    await journal.append([], [durable(5, PumpId("P-2"))])
    await journal.append([line(2)], [durable(2)])
    await journal.close()
    journal = reopen()
    stored = {each.pump: each for each in journal.restored.durables}
    assert stored == {PUMP: durable(2), None: durable(7, None), "P-2": durable(5, PumpId("P-2"))}
    assert [each.payload for each in journal.restored.unsent] == [line(1).payload, line(2).payload]
    assert journal.restored.unreadable == ()
    await journal.close()


async def test_only_what_the_broker_lacks_is_unsent(reopen: Open) -> None:
    """What was marked sent stays sent over a restart, and a mark never goes back."""
    journal = reopen()
    await journal.append([line(n) for n in range(1, 6)], [])
    journal.mark_sent(3)
    journal.mark_sent(2)
    await journal.close()
    journal = reopen()
    assert [each.seq for each in journal.restored.unsent] == [4, 5]
    await journal.close()


async def test_recent_returns_sent_and_unsent_lines(reopen: Open, clock: SetClock) -> None:
    """After a broker is lost, lines since a time come back in order, and unsent ones whatever the time."""
    journal = reopen()
    await journal.append([line(1)], [])
    clock.at += timedelta(seconds=10)
    await journal.append([line(2)], [])
    clock.at += timedelta(seconds=10)
    await journal.append([line(3)], [])
    journal.mark_sent(2)
    assert [each.seq for each in await journal.recent(T0_MS + 10_000)] == [2, 3]
    assert [each.committed_ms for each in await journal.recent(T0_MS)] == [
        T0_MS,
        T0_MS + 10_000,
        T0_MS + 20_000,
    ]
    assert [each.seq for each in await journal.recent(T0_MS + 20_001)] == [3]
    journal.mark_sent(3)
    assert await journal.recent(T0_MS + 20_001) == ()
    await journal.close()


async def test_a_command_is_known_at_once_and_after_a_restart(reopen: Open) -> None:
    """A command id is known from the call on, also when the same command comes before the disk is done."""
    journal = reopen()
    assert not journal.command_seen("c-1")
    future = journal.append([line(1)], [durable(1)], "c-1")
    assert journal.command_seen("c-1")
    await future
    await journal.append([], [], "c-refused")
    await journal.close()
    journal = reopen()
    assert journal.command_seen("c-1")
    assert journal.command_seen("c-refused")
    assert not journal.command_seen("c-2")
    await journal.close()


async def test_the_oldest_unconfirmed_append_is_known(reopen: Open, clock: SetClock) -> None:
    """The 1 s rule needs the time of the oldest append that is not on disk, and None when all is."""
    journal = reopen()
    assert journal.oldest_unconfirmed_ns() is None
    clock.mono_ns = 5
    first = journal.append([line(1)], [])
    clock.mono_ns = 9
    second = journal.append([line(2)], [])
    assert journal.oldest_unconfirmed_ns() == 5
    await asyncio.gather(first, second)
    assert journal.oldest_unconfirmed_ns() is None
    await journal.close()


async def test_garbled_text_does_not_block_the_journal(reopen: Open) -> None:
    """A lone surrogate from a garbled reply is stored as its JSON escape, and what follows is stored too."""
    journal = reopen()
    broken = line(1)
    object.__setattr__(broken, "payload", '{"raw":"\udc80"}')
    assert await journal.append([broken], []) == (1,)
    assert await journal.append([line(2)], []) == (2,)
    assert (await journal.recent(0))[0].payload == r'{"raw":"\udc80"}'
    await journal.close()


async def test_close_commits_what_has_gathered(reopen: Open) -> None:
    """An append just before closing is on disk, and its future tells so."""
    journal = reopen()
    future = journal.append([line(1)], [])
    await journal.close()
    assert await future == (1,)
    await journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.append([line(2)], [])
    journal.mark_sent(1)
    journal = reopen()
    assert journal.restored.last_seq == 1
    await journal.close()


async def test_one_daemon_per_journal(reopen: Open) -> None:
    """A second daemon on the same directory is refused, with what to do."""
    journal = reopen()
    with pytest.raises(StoreError, match="another pumpd"):
        reopen()
    await journal.close()
    await reopen().close()
