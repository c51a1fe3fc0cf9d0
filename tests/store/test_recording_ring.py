"""Rings of segments: bounded, private, given up before the disk is full, and never waited for."""

from __future__ import annotations

import asyncio
import shutil
import stat
import threading
from pathlib import Path

import pytest

from pumpd.store.recording import Kind, encode, read_recording
from pumpd.store.recording_ring import SEGMENTS, Piece, Rings, ThreadReel

HEAD = encode(Kind.HEAD, 1, b"{}")
MOST = 40_000


def piece(ring: str = "PUMP-01", n_bytes: int = 1000, *, begins: bool = False) -> Piece:
    """Return whole records of about that size."""
    return Piece(ring, (HEAD if begins else b"") + encode(Kind.IN, 2, bytes(n_bytes)), begins, MOST)


@pytest.mark.requirement("REC-1")
def test_a_ring_never_holds_more_than_it_may_and_keeps_the_newest(tmp_path: Path) -> None:
    """Through 50 segments the folder stays below its bound, and at least half of it is there."""
    rings = Rings(tmp_path, keep_free_bytes=0)
    for segment in range(1, 51):
        for part in range(10):
            rings.write(piece(begins=part == 0, n_bytes=MOST // SEGMENTS // 10 - 40))
            held = [path.stat().st_size for path in Rings.segments(tmp_path / "PUMP-01")]
            assert sum(held) <= MOST
        assert segment < SEGMENTS or sum(held) > MOST // 2
    newest = Rings.segments(tmp_path / "PUMP-01")[-1]
    assert newest.name == "00000050.pumprec"
    assert len(read_recording(newest).records) == 11


@pytest.mark.requirement("REC-1")
def test_another_run_goes_on_counting_and_other_rings_are_left_alone(tmp_path: Path) -> None:
    """A restart begins the next number; what one pump records never pushes another's out."""
    Rings(tmp_path, keep_free_bytes=0).write(piece("PUMP-02", begins=True))
    for _ in range(9):
        Rings(tmp_path, keep_free_bytes=0).write(piece(begins=True, n_bytes=MOST // SEGMENTS))
    assert Rings.segments(tmp_path / "PUMP-01")[-1].stem == "00000009"
    assert [path.stem for path in Rings.segments(tmp_path / "PUMP-02")] == ["00000001"]


@pytest.mark.requirement("REC-5")
def test_only_the_daemons_own_user_can_read_a_recording(tmp_path: Path) -> None:
    """Folder and file hold patients' labels: nobody else may read them."""
    Rings(tmp_path / "recordings", keep_free_bytes=0).write(piece(begins=True))
    ring = tmp_path / "recordings" / "PUMP-01"
    assert stat.S_IMODE(ring.stat().st_mode) == 0o700
    assert stat.S_IMODE((ring / "00000001.pumprec").stat().st_mode) == 0o600


@pytest.mark.requirement("REC-3")
def test_the_last_of_a_disk_is_left_to_alarms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short of space, the oldest finished segments go first, and then nothing more is written."""
    rings = Rings(tmp_path, keep_free_bytes=50_000)
    for _ in range(3):
        rings.write(piece(begins=True))

    def usage(_: Path) -> object:
        held = sum(path.stat().st_size for path in tmp_path.rglob("*.pumprec"))
        return shutil._ntuple_diskusage(0, 0, 52_500 - held)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    rings.write(piece(n_bytes=500))
    assert [path.stem for path in Rings.segments(tmp_path / "PUMP-01")] == ["00000003"]
    with pytest.raises(OSError, match="less than 0 MiB are free"):
        rings.write(piece(n_bytes=2000))


class _HeldUp(Rings):
    """Rings on a disk that hangs until it is let go, and then fails as often as it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, keep_free_bytes=0)
        self.go_on = threading.Event()
        self.fails = 0

    def write(self, piece: Piece) -> None:
        self.go_on.wait(10)
        if self.fails:
            self.fails -= 1
            raise OSError("no space left on device")
        super().write(piece)


@pytest.mark.requirement("REC-3")
async def test_a_disk_that_hangs_costs_recordings_and_nothing_else(tmp_path: Path) -> None:
    """``put`` returns at once and says what it gives up; when the disk moves again, writing goes on."""
    rings = _HeldUp(tmp_path)
    reel = ThreadReel(rings, most_waiting_bytes=5000)
    taken = [reel.put(piece(begins=n == 0)) for n in range(10)]
    assert taken == [True] * 4 + [False] * 6
    rings.go_on.set()
    await asyncio.get_running_loop().run_in_executor(None, _until_empty, reel)
    assert reel.put(piece(begins=True))
    await reel.close()
    first, second = (read_recording(path) for path in Rings.segments(tmp_path / "PUMP-01"))
    assert (len(first.records), len(second.records)) == (5, 2)


@pytest.mark.requirement("REC-3")
async def test_nothing_is_written_behind_a_gap(tmp_path: Path) -> None:
    """After a failed write the loss is told, and the ring waits for a segment that begins anew."""
    rings = _HeldUp(tmp_path)
    rings.fails = 1
    reel = ThreadReel(rings)
    lost = len(piece().data)
    for ring, begins in (("PUMP-01", True), ("PUMP-01", False), ("PUMP-02", True)):
        assert reel.put(piece(ring, begins=begins))
    rings.go_on.set()
    await asyncio.get_running_loop().run_in_executor(None, _until_empty, reel)
    assert reel.lost_bytes() == {"PUMP-01": 2 * lost + len(HEAD)}
    assert reel.lost_bytes() == {}
    assert reel.put(piece(begins=True))
    await reel.close()
    first, second = (Rings.segments(tmp_path / ring)[-1] for ring in ("PUMP-01", "PUMP-02"))
    assert (len(read_recording(first).records), len(read_recording(second).records)) == (2, 2)


def _until_empty(reel: ThreadReel) -> None:
    """Return when the thread has taken everything; the test's own time limit bounds it."""
    pause = threading.Event()
    while reel.waiting_bytes:
        pause.wait(0.002)
