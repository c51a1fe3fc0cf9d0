"""``pumpd replay``: what it prints, and how it ends."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.errors import StoreError
from pumpd.store.recording import FILE_HEAD, Kind, Recording, encode, written
from tests.qa.recordings import recording_of

PAGE = (Path(__file__).parents[2] / "docs" / "recorder.md").read_text()


@pytest.fixture(scope="module")
def tenfold(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return the recording of a ten-fold rate."""
    return recording_of("ten-fold-rate", tmp_path_factory.mktemp("recorded"))


def said(*arguments: str) -> tuple[int, str]:
    """Return exit status and output of ``pumpd replay``; 1 for an error that ``main`` tells."""
    ended = CliRunner().invoke(app, ["replay", *arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        return 1, str(ended.exception)
    return ended.exit_code, ended.output


@pytest.mark.requirement("REC-6", "CFG-5")
def test_the_documented_replay_is_what_it_prints(tenfold: Recording, tmp_path: Path) -> None:
    """docs/recorder.md shows this very output, and equal decisions end with 0."""
    file = tmp_path / "00000001.pumprec"
    file.write_bytes(written(iter(tenfold.records)))
    status, output = said(str(file), "--compare")
    assert status == 0
    shown = re.search(r"\$ pumpd replay [^\n]*\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert output == shown[1].replace("of clinic", "of qa")


@pytest.mark.requirement("REC-6", "CFG-5")
def test_a_difference_ends_with_1_and_is_listed_on_its_side(tenfold: Recording, tmp_path: Path) -> None:
    """A library that allows the ten-fold rate: what was raised then and not now is listed with its time."""
    library = (Path(__file__).parents[2] / "config/demo/drug-library.yaml").read_text()
    loose = tmp_path / "library.yaml"
    wider, times = re.subn(r"(hard_max:\s+value: )1( mg/kg/h)", r"\g<1>9\2", library)
    assert times > 0
    loose.write_text(wider)
    file = tmp_path / "x.pumprec"
    file.write_bytes(written(iter(tenfold.records)))
    status, output = said(str(file), "--compare", "--library", str(loose))
    assert status == 1
    now, _, then = output.partition("decided then and not now: ")
    assert re.search(r"60\.\d+ s  PUMP-01/1  over-hard raised HIGH: TOO FAST", then)
    assert "nothing" in now.partition("decided now and not then: ")[2]
    assert "not possible now: PUMP-01: B. Keller, acknowledge: over-hard: no such alarm" in now
    assert said(str(file), "--library", str(loose))[0] == 0


@pytest.mark.requirement("REC-2", "CFG-5")
def test_damage_of_the_file_is_told_with_its_place(tenfold: Recording, tmp_path: Path) -> None:
    """A flipped bit in the file: which record, where, what to do; then it plays past it, when told to."""
    data = bytearray(written(iter(tenfold.records)))
    at = len(FILE_HEAD) + sum(len(encode(r.kind, r.at_ns, r.payload)) for r in tenfold.records[:500])
    data[at + 20] ^= 1
    hit = tenfold.records[500]
    n_bytes = len(encode(hit.kind, hit.at_ns, hit.payload))
    file = tmp_path / "x.pumprec"
    file.write_bytes(data)
    status, output = said(str(file))
    assert status == 1
    flat = " ".join(output.split())
    assert f"after record 500, {n_bytes} bytes from byte {at}" in flat
    assert "--skip-damaged" in flat
    status, output = said(str(file), "--skip-damaged")
    assert status == 0
    assert "it is damaged after record 500" in output


@pytest.mark.requirement("REC-2", "CFG-5")
def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    """Another file ends with 1 and says what it is not."""
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    assert said(str(other)) == (1, f"{other}: this is no recording: it does not begin with pumpdrec")


@pytest.mark.requirement("REC-4", "CFG-5")
@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf", "1e-300"])
def test_a_speed_that_can_not_be_is_refused(speed: str, tmp_path: Path) -> None:
    """Only max and numbers above 0."""
    status, _ = said(str(tmp_path / "x"), "--speed", speed)
    assert status == 2


@pytest.mark.requirement("REC-5")
def test_redact_writes_a_copy_and_says_what_it_still_holds(tenfold: Recording, tmp_path: Path) -> None:
    """The copy replays; nothing is replayed while it is written."""
    file, copy = tmp_path / "x.pumprec", tmp_path / "copy.pumprec"
    file.write_bytes(written(iter(tenfold.records)))
    status, output = said(str(file), "--redact", str(copy))
    assert status == 0
    assert "it still holds, on purpose:" in output
    assert "the bytes of the wire as they are" in output
    assert "replayed" not in output
    assert said(str(copy), "--compare")[0] == 0


@pytest.mark.requirement("REC-5")
@pytest.mark.parametrize("option", ["--redact", "--to-scenario"])
def test_what_is_read_is_never_written_over(option: str, tenfold: Recording, tmp_path: Path) -> None:
    """A recording is evidence: a copy onto itself is refused, also under another name of the same file."""
    file, library = tmp_path / "x.pumprec", tmp_path / "library.yaml"
    file.write_bytes(written(iter(tenfold.records)))
    library.write_text("version: x")
    before = file.read_bytes()
    (tmp_path / "link").symlink_to(file)
    for target in (file, tmp_path / "link", library):
        assert said(str(file), option, str(target), "--library", str(library))[0] == 2
    assert (file.read_bytes(), library.read_text()) == (before, "version: x")


@pytest.mark.requirement("REC-5", "CFG-5")
@pytest.mark.parametrize("option", ["--redact", "--to-scenario"])
def test_what_is_there_is_not_written_over(option: str, tenfold: Recording, tmp_path: Path) -> None:
    """Another's file stays as it is; where no folder is the name that was given is told, no draft's."""
    file, other = tmp_path / "x.pumprec", tmp_path / "notes"
    file.write_bytes(written(iter(tenfold.records)))
    other.write_text("mine")
    library = ("--library", str(Path(__file__).parents[2] / "config/demo/drug-library.yaml"))
    for target, told in (
        (other, f"{option}: {other} is there already, and nothing is written over"),
        (other / "below", f"{option}: there is no folder {other}"),
    ):
        status, output = said(str(file), option, str(target), *library)
        assert (status, told in output, "write another name" in output) == (1, True, True), output
    assert other.read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["notes", "x.pumprec"]


@pytest.mark.requirement("REC-2")
@pytest.mark.timeout(20)
def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    """A named pipe that nobody writes to, and files of gigabytes or of nothing but zeros, end at once."""
    pipe, sparse, zeros = (tmp_path / name for name in ("pipe", "sparse", "zeros"))
    os.mkfifo(pipe)
    for file, size in ((sparse, 3 << 30), (zeros, 100 << 20)):
        file.write_bytes(FILE_HEAD)
        os.truncate(file, size)
    assert said(str(pipe)) == (1, f"{pipe}: it can not be read: it is not a file")
    assert "no segment has more than" in said(str(sparse))[1]
    assert "its head is damaged" in said(str(zeros))[1]


@pytest.mark.requirement("REC-2")
@pytest.mark.parametrize("options", [(), ("--redact",)])
@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Kind.HEAD, b"[1]"),
        (Kind.HEAD, b"\xff"),
        (Kind.HEAD, b'{"pumps": 3}'),
        (Kind.HEAD, b'{"pumps": [{"section": {"url": "http://x"}}]}'),
        (Kind.CHANCE, b"short"),
        (Kind.WALL, b"\xff" * 40),
        (Kind.EVENT, b"{}"),
    ],
)
def test_good_records_of_bad_things_are_told_in_words(
    tenfold: Recording, tmp_path: Path, kind: Kind, payload: bytes, options: tuple[str, ...]
) -> None:
    """Whatever a file holds behind good checksums, the verb ends with an error of its own, or well."""
    file, copy = tmp_path / "x.pumprec", tmp_path / "copy"
    records = (replace(one, payload=payload) if one.kind is kind else one for one in tenfold.records)
    file.write_bytes(written(records))
    ended = CliRunner().invoke(
        app, ["replay", str(file), "--compare", *options, *([str(copy)] * len(options))]
    )
    assert isinstance(ended.exception, (StoreError, SystemExit, type(None)))
    if kind is Kind.HEAD and not (options and payload.startswith(b'{"pumps": 3')):
        assert "this pumpd can not make sense of it" in str(ended.exception)


@pytest.mark.requirement("REC-2")
def test_a_recording_of_a_century_is_refused(tenfold: Recording, tmp_path: Path) -> None:
    """Virtual time would pass without an end in sight."""
    file, last = tmp_path / "x.pumprec", tenfold.records[-1].number
    century_ns = 100 * 366 * 86_400 * 10**9
    late = (replace(r, at_ns=r.at_ns + century_ns) if r.number >= last - 1 else r for r in tenfold.records)
    file.write_bytes(written(late))
    assert "none is longer than a year" in said(str(file))[1]
