"""The recording's file: every record checked, damage named where it is, a cut tail dropped and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import StoreError
from pumpd.store.recording import (
    FILE_HEAD,
    Kind,
    encode,
    encode_draw,
    encode_json,
    parse_recording,
    read_recording,
    split,
)

_HEAD = encode(Kind.HEAD, 5, encode_json({"site": "clinic"}))
_RECORDS = st.lists(
    st.tuples(st.sampled_from(list(Kind)), st.integers(0, 2**63), st.binary(max_size=60)),
    min_size=1,
    max_size=12,
)


@pytest.mark.requirement("REC-2")
@given(_RECORDS)
def test_what_is_written_is_read_back(told: list[tuple[Kind, int, bytes]]) -> None:
    """Kinds, times and payloads come back as they were put, numbered from 1."""
    records, damages, cut = split(b"".join(encode(*record) for record in told))
    assert [(r.kind, r.at_ns, r.payload) for r in records] == told
    assert [r.number for r in records] == list(range(1, len(told) + 1))
    assert (damages, cut) == ([], 0)


@pytest.mark.requirement("REC-2")
@given(_RECORDS, st.data())
def test_a_damaged_byte_costs_one_record_and_is_named(
    told: list[tuple[Kind, int, bytes]], data: st.DataObject
) -> None:
    """Whichever byte of the file is damaged, all records but one are read, and the place is told."""
    parts = [encode(*record) for record in told]
    whole = bytearray(b"".join(parts))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    records, damages, cut = split(bytes(whole))
    hit = next(n for n in range(len(parts)) if at < len(b"".join(parts[: n + 1])))
    kept = told[:hit] + told[hit + 1 :]
    assert [(r.kind, r.at_ns, r.payload) for r in records] == kept
    if cut:  # a length that points beyond the end looks like a record that was never finished
        assert hit == len(told) - 1
    else:
        (damage,) = damages
        assert damage.records_count == hit
        assert damage.offset_bytes == len(b"".join(parts[:hit]))
        assert damage.n_bytes == len(parts[hit])


@pytest.mark.requirement("REC-2")
def test_a_file_cut_at_any_byte_keeps_every_whole_record() -> None:
    """kill -9 amid a write costs the unfinished record only; it is counted and not called damage."""
    whole = FILE_HEAD + _HEAD + encode(Kind.OUT, 6, b"\x01\x03") + encode(Kind.IN, 7, b"\x01\x03\x02\x00\x05")
    ends = [len(FILE_HEAD + _HEAD), len(FILE_HEAD + _HEAD) + 19, len(whole)]
    for size in range(ends[0], len(whole) + 1):
        recording = parse_recording(whole[:size], "cut")
        assert len(recording.records) == sum(end <= size for end in ends)
        assert recording.damages == ()
        assert recording.cut_bytes == size - max(end for end in ends if end <= size)


@pytest.mark.requirement("REC-2")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "this is no recording"),
        (b"title: a scenario\n", "this is no recording"),
        (
            b"pumpdrec\x00\x63" + _HEAD,
            "format 99, and this pumpd reads format 1; use the pumpd that wrote it",
        ),
        (FILE_HEAD, "its head is damaged or missing"),
        (FILE_HEAD + bytes([_HEAD[0], 255]) + _HEAD[2:], "take the next segment"),
    ],
)
def test_what_can_not_be_a_recording_is_refused_in_words(data: bytes, said: str) -> None:
    """Another file, a newer format and a file without a head each say what they are and what to do."""
    with pytest.raises(StoreError, match=said):
        parse_recording(data, "x.pumprec")


@pytest.mark.requirement("REC-2")
def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    """The message names the file and the reason."""
    with pytest.raises(StoreError, match=r"absent\.pumprec: it can not be read: No such file"):
        read_recording(tmp_path / "absent.pumprec")


@pytest.mark.requirement("REC-2")
@given(st.integers(0, 255), st.sampled_from("fi"), st.integers(0, 2**64 - 1))
def test_a_draw_of_chance_is_kept_exactly(who: int, how: str, bits: int) -> None:
    """Who drew, how, and all 64 bits."""
    (record,), _, _ = split(encode(Kind.CHANCE, 1, encode_draw(who, how, bits)))
    assert record.draw() == (who, how, bits)
