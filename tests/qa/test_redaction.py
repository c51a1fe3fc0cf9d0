"""A redacted recording names nobody and no place, and replays to the same decisions."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.errors import StoreError
from pumpd.qa.comparison import Comparison, compare, decisions
from pumpd.qa.redaction import redacted
from pumpd.qa.replay import replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import Kind, Recording, parse_recording, read_recording, written
from tests.qa.recordings import SCENARIOS

LABEL, BED, PERSON = "Zoë Quist", "Q77", "Dr. Wunderlich"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return the recording of a titrated, paused and acknowledged pump, with names in every place."""
    start_log("critical")
    folder = tmp_path_factory.mktemp("named")
    text = (SCENARIOS / "ten-fold-rate.yaml").read_text().replace("../demo/", f"{SCENARIOS.parent}/demo/")
    text = text.replace('bed: "1"', f'bed: "{BED}"\n    label: {LABEL}').replace("B. Keller", PERSON)
    text = text.replace("ward: pain-clinic", "ward: tower-nine").replace("10.0.0.1", "192.168.77.41")
    extra = f"  - {{at_s: 200, action: pause-pump, pump: PUMP-01, by: {PERSON}}}\n"
    (folder / "named.yaml").write_text(text.replace("expect:\n", f"{extra}expect:\n"))
    run_scenario(load_scenario(folder / "named.yaml"), recordings=folder / "recordings")
    (file,) = (folder / "recordings").rglob("*.pumprec")
    return read_recording(file)


@pytest.mark.requirement("REC-5")
def test_no_byte_of_a_name_is_left(named: Recording) -> None:
    """Label, person, bed, ward, site's host: not as they are, not in hex, base64 letters or another case."""
    before = written(iter(named.records))
    after = redacted(named)
    for name in (LABEL, "Quist", PERSON, "Wunderlich", BED, "tower-nine", "192.168.77.41"):
        forms = (name.encode(), name.encode("utf-16-le"), name.encode().hex().encode())
        assert name.encode() in before
        for form in (*forms, *(form.lower() for form in forms)):
            assert form not in after.lower()
            assert form not in gzip.decompress(gzip.compress(after)).lower()
    assert b'"site":"site-1"' in after
    assert b'"node":"node-1"' in after
    assert b"config_sha256" in after
    assert named.head["config_sha256"].encode() not in after


@pytest.mark.requirement("REC-5", "REC-4")
def test_the_copy_replays_to_the_same_decisions(named: Recording) -> None:
    """What was taken out decides nothing; pumps, programme and wire are the same bytes."""
    copy = parse_recording(redacted(named), "copy")
    assert [d.what for d in decisions(copy)] == [d.what for d in decisions(named)]
    assert len(decisions(copy)) > 10
    now = decisions(replay(copy).recording)
    assert compare(decisions(copy), now, copy.ended_ns, 1e-6) == Comparison((), ())
    wires = ([(r.at_ns, r.payload) for r in side.of(Kind.OUT, Kind.IN)] for side in (named, copy))
    assert next(wires) == next(wires)
    assert copy.head["pumps"][0]["section"]["id"] == "PUMP-01"
    assert copy.head["pumps"][0]["section"]["label"] == "patient-1"


@pytest.mark.requirement("REC-5")
def test_a_name_that_stands_on_the_wire_is_not_handed_on(named: Recording) -> None:
    """A pump that tells its patient's name in its bytes: the copy is refused, with the record."""
    first = next(record for record in named.of(Kind.IN))
    told = [
        record if record is not first else type(record)(record.number, record.kind, record.at_ns, spoken)
        for spoken in (b"\x01\x04 zo\xc3\xab QUIST \x00",)
        for record in named.records
    ]
    spoken = parse_recording(written(iter(told)), "spoken")
    with pytest.raises(StoreError, match=rf"a patient still stands in record {first.number} \(IN\); nothing"):
        redacted(spoken)


@pytest.mark.requirement("REC-5")
def test_the_reason_a_person_gave_is_taken_out(tmp_path: Path) -> None:
    """What somebody typed as a reason may say anything about anybody."""
    text = (SCENARIOS / "nurse-asks-for-a-pause.yaml").read_text()
    file = tmp_path / "x.yaml"
    file.write_text(text.replace("../demo/", f"{SCENARIOS.parent}/demo/"))
    run_scenario(load_scenario(file), recordings=tmp_path / "recordings")
    (segment,) = (tmp_path / "recordings").rglob("*.pumprec")
    recording = read_recording(segment)
    reasons = [d.words for d in decisions(recording) if d.words.startswith("by a person: ")]
    assert reasons
    copy = redacted(recording)
    for reason in reasons:
        assert reason.removeprefix("by a person: ").encode() not in copy
    assert b"by a person: reason-1" in copy
