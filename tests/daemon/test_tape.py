"""What is gathered on a tape reaches the disk whole, or the next segment says how much did not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pumpd.daemon.tape import MOST_GATHERED_BYTES, Tape
from pumpd.store.recording import Kind, read_recording
from pumpd.store.recording_ring import InlineReel, Rings


@dataclass(slots=True)
class _Clock:
    now_ns: int = 0
    boot_id: str = "boot"

    def monotonic_ns(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


def _tape(folder: Path) -> tuple[Tape, InlineReel]:
    reel = InlineReel(Rings(folder, keep_free_bytes=0))
    tape = Tape("PUMP-01", 1 << 24, _Clock(), reel)
    tape.begin(lambda: b"{}")
    return tape, reel


@pytest.mark.requirement("REC-3")
def test_a_gap_is_told_in_the_next_segment(tmp_path: Path) -> None:
    """While nothing can be written, records are given up; the segment after that says how many bytes."""
    tape, reel = _tape(tmp_path)
    tape.put(Kind.IN, b"before")
    tape.visit()
    reel.failing = "no space left on device"
    tape.put(Kind.IN, bytes(100))
    tape.visit()
    tape.put(Kind.IN, bytes(50))
    tape.visit()
    reel.failing = ""
    tape.visit()
    tape.put(Kind.IN, b"after")
    tape.end()
    first, second = (read_recording(path) for path in Rings.segments(tmp_path / "PUMP-01"))
    assert [record.payload for record in first.of(Kind.IN)] == [b"before"]
    assert [record.payload for record in second.of(Kind.IN)] == [b"after"]
    (gap,) = second.of(Kind.GIVEN_UP)
    assert gap.number_of() >= 150
    assert [*first.of(Kind.GIVEN_UP)] == []


@pytest.mark.requirement("REC-3")
def test_a_line_that_never_stops_talking_is_bounded_in_memory(tmp_path: Path) -> None:
    """Beyond the bound between two visits nothing more is kept, and the gap is told where it is."""
    tape, _ = _tape(tmp_path)
    n_pieces = MOST_GATHERED_BYTES // 1000 + 50
    for _ in range(n_pieces):
        tape.put(Kind.IN, bytes(1000))
    tape.visit()
    (file,) = Rings.segments(tmp_path / "PUMP-01")
    assert file.stat().st_size < MOST_GATHERED_BYTES + 3000
    recording = read_recording(file)
    kept = len([*recording.of(Kind.IN)])
    assert 0 < kept < n_pieces
    (gap,) = recording.of(Kind.GIVEN_UP)
    assert gap.number_of() >= (n_pieces - kept) * 1000
    assert gap.number > max(record.number for record in recording.of(Kind.IN))


@pytest.mark.requirement("REC-1")
def test_what_was_lost_behind_the_tapes_back_begins_another_segment(tmp_path: Path) -> None:
    """When the writer tells that a piece it had taken is lost, the next segment begins with a head."""
    tape, _ = _tape(tmp_path)
    tape.put(Kind.IN, b"one")
    tape.visit(lost_bytes=70)
    tape.end()
    _, second = (read_recording(path) for path in Rings.segments(tmp_path / "PUMP-01"))
    assert [record.number_of() for record in second.of(Kind.GIVEN_UP)] == [70]
    assert [record.payload for record in second.of(Kind.IN)] == [b"one"]
