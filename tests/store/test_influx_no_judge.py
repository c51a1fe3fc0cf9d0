"""Who refuses lines and names none may be a proxy before the database: what waits is not given up for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.core.telemetry import PumpId
from pumpd.store.influx_sender import LONGEST_RETRY_S, PROBES, REFUSED
from pumpd.store.journal import SqliteJournal
from pumpd.store.spool_account import read_account
from tests.store.doors import Line
from tests.store.lines import line as journal_line
from tests.store.readings import row

pytestmark = pytest.mark.requirement("INFLUX-3")
PROXY = "400: <html><h1>400 Bad request</h1> Your browser sent an invalid request."
EVERY_LINE = b""


def put(line: Line, numbers: range, pump: str = "P-1") -> None:
    line.intake.gather([row(n, pump=PumpId(pump)) for n in numbers], {})
    line.intake.settle()


@pytest.mark.parametrize("readings", [1, 300])
@pytest.mark.parametrize("taken_before", [False, True])
async def test_a_proxy_that_refuses_everything_costs_nothing(
    tmp_path: Path, readings: int, taken_before: bool
) -> None:
    """Readings and journal lines wait, it is told, and little is asked; once it is well all are stored."""
    line = Line(tmp_path)
    if taken_before:
        put(line, range(5))
        line.send_all()
        assert line.door.count() == 5
    put(line, range(5, 5 + readings))
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    await journal.append([journal_line(0)], [])
    line.door.poison, line.door.says = EVERY_LINE, PROXY
    for _ in range(10):
        asked = line.door.calls
        assert 0 < line.sender.step() <= LONGEST_RETRY_S
        assert line.door.calls - asked <= 1 + PROBES
    assert "everything is refused, and no point is named" in line.sender.failing
    assert "Your browser sent an invalid request" in line.sender.failing
    assert line.spool.waiting == readings
    assert not (tmp_path / "refused.lp").exists()
    line.door.poison = b"\x00"
    line.send_all()
    assert line.sender.failing == ""
    assert line.door.count() == readings + (5 if taken_before else 0)
    assert line.door.count("journal") == 1
    account = read_account(tmp_path / "spool.db", 0, 2**62)
    assert (account.read, account.spooled, account.dropped) == (line.door.count(), 0, {})
    await journal.close()
    line.close()


async def test_journal_lines_wait_too_where_no_reading_does(tmp_path: Path) -> None:
    """With every reading stored, a line of the journal that the proxy refuses is sent again."""
    line = Line(tmp_path)
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    await journal.append([journal_line(0)], [])
    line.door.poison, line.door.says = EVERY_LINE, PROXY
    assert line.sender.step() > 0
    assert line.sender.failing
    line.door.poison = b"\x00"
    line.send_all()
    assert line.door.count("journal") == 1
    await journal.close()
    line.close()


def test_a_server_that_names_points_is_believed_though_it_refuses_all(tmp_path: Path) -> None:
    """As InfluxDB says it: those points are set aside, also where nothing was taken before."""
    line = Line(tmp_path)
    put(line, range(10))
    dropped = line.spool.oldest(1)[0].line_count
    line.door.poison = EVERY_LINE
    line.door.says = f"400: partial write: points beyond retention policy dropped={dropped}"
    line.send_all()
    assert line.spool.waiting == 0
    assert read_account(tmp_path / "spool.db", 0, 2**62).dropped == {REFUSED: 10}
    line.close()


def test_bad_points_of_a_server_that_names_none_hold_up_nothing_once_a_good_one_came(tmp_path: Path) -> None:
    """Where all that waits is bad it is not known who is to blame; what comes behind shows it."""
    line = Line(tmp_path)
    put(line, range(3), "P-bad")
    line.door.poison, line.door.says = b"pump=P-bad,", "400: no"
    assert line.sender.step() > 0
    assert line.spool.waiting == 3
    put(line, range(20), "P-good")
    line.send_all()
    assert line.door.count() == 20
    assert read_account(tmp_path / "spool.db", 0, 2**62).dropped == {REFUSED: 3}
    line.close()
