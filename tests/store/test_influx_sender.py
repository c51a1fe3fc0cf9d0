"""From spool to database: outages, refusals and wrong addresses, with a database in memory."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from pumpd.clock import SystemClock
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.store.influx_sender import LONGEST_RETRY_S, REFUSED
from pumpd.store.journal import SqliteJournal
from pumpd.store.spool import Batch, Slots
from pumpd.store.spool_account import read_account
from tests import proof
from tests.store.doors import Line, MemoryDoor
from tests.store.lines import T0_MS
from tests.store.lines import line as journal_line
from tests.store.readings import row

HOUR_S = 3600
OUTAGE_S = 13 * HOUR_S
PUMPS = [PumpId(f"P-{n}") for n in range(20)]


@pytest.mark.requirement("INFLUX-1", "INFLUX-4")
def test_nothing_is_lost_or_out_of_order_over_13_virtual_hours(tmp_path: Path) -> None:
    """20 pumps, no database for 13 h: afterwards every reading is stored, in order, and accounted for."""
    readings = proof.count("readings in a virtual outage of 13 h, 20 pumps", small=15_600, full=936_000)
    every_s = OUTAGE_S * len(PUMPS) // readings
    line = Line(tmp_path)
    line.door.down = "no route to host"
    retry_at_s = 0.0
    for second in range(0, OUTAGE_S, every_s):
        rows = [row(second // every_s, at_ms=T0_MS + second * 1000, pump=pump) for pump in PUMPS]
        line.intake.gather(rows, {})
        assert line.intake.settle() == 0
        while retry_at_s <= second:
            wait_s = line.sender.step()
            assert 0.75 <= wait_s <= LONGEST_RETRY_S
            retry_at_s = max(retry_at_s, second) + wait_s
    assert line.sender.failing == "no route to host"
    assert line.door.calls >= OUTAGE_S / max(every_s, LONGEST_RETRY_S)
    assert line.spool.waiting == readings
    line.door.down = ""
    line.intake.gather([], {}, last=True)
    line.intake.settle()
    line.send_all()
    assert line.sender.failing == ""
    account = read_account(tmp_path / "spool.db", T0_MS // 60_000 * 60_000, T0_MS + OUTAGE_S * 1000)
    assert (account.read, account.spooled, account.dropped) == (readings, 0, {})
    assert line.door.count() == readings
    times = line.door.times()
    assert len(times) == len(PUMPS)
    for of_pump in times.values():
        assert of_pump == sorted(of_pump)
    for level in ("rollup_10s", "rollup_300s"):
        told = line.door.fields(level)
        assert sum(float(f.split(b"flow_ml_h_n=")[1].split(b",")[0]) for f in told) == readings
    line.close()


@pytest.mark.requirement("INFLUX-4")
def test_what_is_put_in_while_the_sent_is_let_go_of_does_not_change_the_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other thread puts lines in at any moment: what was stored is counted from what was sent."""
    line = Line(tmp_path)
    line.intake.gather([row(n) for n in range(10)], {})
    line.intake.settle()
    let_go = line.spool.sent

    def beside(batches: Sequence[Batch], refused: Slots, reason: str) -> int:
        gone = let_go(batches, refused, reason)
        line.intake.gather([row(n) for n in range(10, 17)], {})
        line.intake.settle()
        return gone

    with monkeypatch.context() as patched:
        patched.setattr(line.spool, "sent", beside)
        line.sender.step()
    assert (line.sender.stored, line.spool.waiting) == (10, 7)
    line.send_all()
    assert line.sender.stored == 17
    line.close()


@pytest.mark.requirement("INFLUX-3", "INFLUX-4")
def test_poison_points_are_set_aside_with_the_servers_words(tmp_path: Path) -> None:
    """Of 1,000 readings the three that are refused stand in a file with the reason; the others are stored."""
    line = Line(tmp_path)
    line.intake.gather([row(n, pump=PumpId("P-1" if n in {3, 4, 900} else "P-2")) for n in range(1000)], {})
    line.intake.settle()
    line.door.poison = b"reading,site=clinic,ward=ward-1,pump=P-1,"
    line.send_all()
    assert line.door.count() == 997
    assert line.sender.stored == 997
    assert line.sender.refused == 3
    letters = (tmp_path / "refused.lp").read_text().splitlines()
    assert letters[::2] == ["# 400: field type conflict"] * 3
    assert [text.split()[-1] for text in letters[1::2]] == [
        str((T0_MS + n * 1000) * 1_000_000) for n in (3, 4, 900)
    ]
    assert (tmp_path / "refused.lp").stat().st_mode & 0o077 == 0
    assert "3 points refused by the database: 400: field type conflict" in line.sender.failing
    account = read_account(tmp_path / "spool.db", 0, 2**62)
    assert (account.read, account.spooled, account.dropped) == (1000, 0, {REFUSED: 3})
    line.intake.gather([row(1001, pump=PumpId("P-2"))], {})
    line.intake.settle()
    line.send_all()
    assert line.sender.failing == ""
    line.close()


@pytest.mark.requirement("INFLUX-1")
def test_a_server_that_asks_for_patience_gets_it_up_to_the_longest_wait(tmp_path: Path) -> None:
    """Its Retry-After is kept, up to 30 s; other waits grow from one second and fall back after success."""
    line = Line(tmp_path)
    line.intake.gather([row(0)], {})
    line.intake.settle()
    line.door.down, line.door.wait_s = "503", 17.0
    assert line.sender.step() == 17.0
    line.door.wait_s = 3600.0
    assert line.sender.step() == LONGEST_RETRY_S
    line.door.wait_s = 0.0
    waits = [line.sender.step() for _ in range(8)]
    assert waits[-1] <= LONGEST_RETRY_S
    assert waits[-1] > waits[0]
    line.door.down = ""
    line.send_all()
    line.door.down = "away again"
    line.intake.gather([row(1)], {})
    line.intake.settle()
    assert line.sender.step() <= 1.0
    line.close()


@pytest.mark.requirement("INFLUX-1")
def test_what_was_sent_but_not_let_go_of_is_sent_again_and_is_there_once(tmp_path: Path) -> None:
    """A program killed between the database's yes and its own note sends the same points: nothing changes."""
    line = Line(tmp_path)
    line.intake.gather([row(n) for n in range(50)], {})
    line.intake.settle()
    batches = line.spool.oldest(1000)
    line.door.write(b"\n".join(batch.lines for batch in batches))
    before = {series: dict(points) for series, points in line.door.stored.items()}
    line.close()
    again = Line(tmp_path, door=line.door)
    again.send_all()
    assert again.door.stored == before
    assert read_account(tmp_path / "spool.db", 0, 2**62).spooled == 0
    again.close()


@pytest.mark.requirement("INFLUX-1", "HIST-2")
async def test_journal_lines_are_sent_once_each_from_where_the_last_run_ended(tmp_path: Path) -> None:
    """Lines of the journal go the same way, in order, over an outage and a restart."""
    journal = SqliteJournal.open(tmp_path / "journal.db", SystemClock())
    await journal.append([journal_line(n) for n in range(3)], [])
    line = Line(tmp_path)
    line.door.down = "away"
    line.sender.step()
    assert line.door.count("journal") == 0
    line.door.down = ""
    line.send_all()
    line.close()
    await journal.append([journal_line(n) for n in range(3, 5)], [])
    again = Line(tmp_path, door=MemoryDoor())
    again.send_all()
    again.close()
    await journal.close()
    said = again.door.fields("journal")
    assert line.door.count("journal") == 3
    assert [int(fields.split(b"sequence=")[1].split(b",")[0]) for fields in said] == [4, 5]


@pytest.mark.requirement("INFLUX-2", "INFLUX-4")
def test_what_memory_gave_up_is_in_the_account(tmp_path: Path) -> None:
    """Readings shed before they came to disk count as read and as dropped, each in its minute."""
    line = Line(tmp_path)
    line.intake.gather([row(0)], Counter({T0_MS // 60_000 * 60_000: 4}))
    line.intake.settle()
    account = read_account(tmp_path / "spool.db", 0, 2**62)
    assert (account.read, account.spooled, account.dropped) == (5, 1, {"memory was full": 4})
    line.close()


@pytest.mark.requirement("INFLUX-2")
def test_left_h_follow_from_the_rate_and_the_room(tmp_path: Path) -> None:
    """At a steady rate they fall as the spool fills, by about as much as time passed."""
    line = Line(tmp_path, limit_bytes=400_000)
    line.door.down = "away"
    left: list[float] = []
    for second in range(1200):
        line.intake.gather([row(second, pump=pump) for pump in PUMPS], {})
        line.intake.settle()
        hours = line.intake.left_h()
        if second and hours is not None:
            left.append(hours)
    assert all(later < earlier for earlier, later in itertools.pairwise(left[10::60]))
    assert left[100] - left[1000] == pytest.approx(0.25, rel=0.3)
    line.close()


def test_a_reading_that_has_no_form_costs_itself_alone(tmp_path: Path) -> None:
    """It is counted with its reason; the others of its second are stored."""
    line = Line(tmp_path)
    line.intake.gather([row(0), row(1, dose_unit="furlong"), row(2)], {})
    line.intake.settle()
    line.send_all()
    assert line.door.count() == 2
    account = read_account(tmp_path / "spool.db", 0, 2**62)
    assert (account.read, account.spooled) == (3, 0)
    assert account.dropped == {"it has no form as a point": 1}
    assert next(iter(line.door.times())).count(b",channel=" + ChannelId("1").encode()) == 1
    line.close()
