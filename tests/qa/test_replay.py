"""A recording replays through the real stack to the same decisions and to the same errors."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.core import catalogue
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.drug_library import DoseLimits
from pumpd.daemon import recorder, tape
from pumpd.daemon.recording_head import library_of
from pumpd.qa.comparison import Comparison, compare, decisions, troubles
from pumpd.qa.replay import Replayed, replay
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import load_scenario
from pumpd.store.recording import Kind, Recording, parse_recording, read_recording, written
from tests import proof
from tests.qa.recordings import QUESTIONS, SCENARIOS, flipped, recorded, recording_of, small

EXACT_S = 1e-6
FEW = (
    "acknowledge-too-late",
    "cable-pulled",
    "daemon-killed",
    "disk-full",
    "nurse-asks-for-a-pause",
    "pump-at-another-port",
    "pump-reboots",
    "ten-fold-rate",
    "ward-network-outage",
    "wire-damage",
    "wire-delay-serial",
    "wire-silence",
)
"""Every way in which a recording can differ from a quiet one: wire, line, people, ports, disk, restarts."""
ROUND_TRIP = tuple(sorted(file.stem for file in SCENARIOS.glob("*.yaml"))) if proof.FULL else FEW
"""All shipped scenarios in ``make proof``."""
WHEEL_S = 1.0
"""A silent pump is looked at once a second; when, depends on how many pumps the daemon has on other lines."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    start_log("critical")


def held_against(then: Recording, now: Replayed, within_s: float = EXACT_S) -> Comparison:
    """Return how the decisions differ."""
    return compare(decisions(then), decisions(now.recording), then.ended_ns, within_s)


@pytest.fixture(scope="module")
def tenfold(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return the recording of a ten-fold rate that is paused, acknowledged and mended."""
    return recording_of("ten-fold-rate", tmp_path_factory.mktemp("tenfold"))


@pytest.mark.requirement("REC-4")
@pytest.mark.parametrize("name", ROUND_TRIP)
def test_a_recording_replays_to_the_same_alarms_at_the_same_time(name: str, tmp_path: Path) -> None:
    """Every transition, restraint and failed reading comes again at its moment, and nothing else does."""
    files = recorded(name, tmp_path)
    for file in files:
        recording = read_recording(file)
        replayed = replay(recording)
        alone = len({other.parent for other in files}) == 1
        assert held_against(recording, replayed, EXACT_S if alone else WHEEL_S) == Comparison((), ())
        failed = compare(troubles(recording), troubles(replayed.recording), recording.ended_ns, EXACT_S)
        assert failed == Comparison((), ())
        assert not replayed.counts.unanswered
        assert replayed.hands == ()
        assert replayed.counts.asked >= len([*recording.of(Kind.OUT)])


@pytest.mark.requirement("REC-4")
def test_the_recording_holds_what_the_scenario_did(tenfold: Recording) -> None:
    """The round trip is no empty one: alarms, the pause and the acknowledgements stand in it."""
    whats = [decision.what for decision in decisions(tenfold)]
    for what in ("over-hard raised HIGH", "restraint pause-sent", "restraint paused", "over-hard ended HIGH"):
        assert what in whats
    assert sum("acknowledged" in what for what in whats) == 3


@pytest.mark.requirement("REC-4")
def test_each_later_segment_replays_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into segments of 16 KiB, each one begins with the state it needs and replays to the same alarms."""
    monkeypatch.setattr(recorder, "_MIB", 4096)
    files = recorded("ten-fold-rate", tmp_path)
    assert len(files) >= 3
    for file in files:
        recording = read_recording(file)
        assert file.stat().st_size < 20_000
        assert held_against(recording, replay(recording), within_s=2.0) == Comparison((), ())
    middle = read_recording(files[-2])
    assert middle.head["line_open"]
    assert [*middle.of(Kind.PREAMBLE)]


@pytest.mark.requirement("REC-2", "REC-4")
@pytest.mark.parametrize("share", [0.15, 0.4, 0.77])
def test_a_recording_that_was_cut_replays_as_far_as_it_reaches(tenfold: Recording, share: float) -> None:
    """After kill -9 what is there replays to the alarms that are there."""
    data = written(iter(tenfold.records))
    cut = parse_recording(data[: int(len(data) * share)], "cut")
    assert cut.cut_bytes > 0
    assert held_against(cut, replay(cut)) == Comparison((), ())


@pytest.mark.requirement("REC-4")
@pytest.mark.parametrize("line", ["modbus-tcp://10.0.0.1:502/1", "modbus-rtu:///dev/ttyUSB0/1?baud=19200"])
def test_one_damaged_byte_on_the_wire_replays_to_the_same_error(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever byte of a reply is damaged, the replay asks, fails and says just what the daemon did."""
    said: Counter[str] = Counter()
    for at in (0, 1, 5, 7, 8, 20, -1):
        with monkeypatch.context() as patch:
            _damage(patch, nth=7, at=at)
            live = small(tmp_path / str(at), line=line)
        now = replay(live).recording
        assert _wire(now) == _wire(live)
        assert [(t.what, t.words) for t in troubles(now)] == [(t.what, t.words) for t in troubles(live)]
        assert [d.what for d in decisions(now)] == [d.what for d in decisions(live)]
        said.update(trouble.what for trouble in troubles(live))
        said["asked again"] += len([*live.of(Kind.OUT)]) > QUESTIONS
    assert said["asked again"] > 0
    assert said["WireError"] > 0 or line.startswith("modbus-rtu")


def _damage(patch: pytest.MonkeyPatch, nth: int, at: int) -> None:
    """Flip a bit of the ``nth`` piece that arrives, before anybody has seen it."""
    pieces = iter(range(10**9))
    arrives = tape.RecordedTransport.data_received

    def damaged(self: tape.RecordedTransport, data: bytes) -> None:
        arrives(self, flipped(data, at, 4) if next(pieces) == nth else data)

    patch.setattr(tape.RecordedTransport, "data_received", damaged)


def _wire(recording: Recording) -> list[tuple[Kind, int, bytes]]:
    """Return what went over the wire, with its time to a microsecond."""
    return [(r.kind, round(r.at_ns, -3), r.payload) for r in recording.of(Kind.OUT, Kind.IN)]


def _short(recording: Recording) -> Recording:
    """Return the first 30 s of a recording."""
    ends_ns = recording.began_ns + 30 * 10**9
    return replace(recording, records=tuple(r for r in recording.records if r.at_ns <= ends_ns))


@pytest.mark.requirement("REC-6")
def test_another_priority_is_listed_and_nothing_else(
    tenfold: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that raises one alarm at another priority differs in just that alarm."""
    ceiling = ConditionId.FLOW_CEILING
    changed = replace(catalogue.CATALOGUE[ceiling], priority=AlarmPriority.MEDIUM)
    monkeypatch.setattr("pumpd.core.limits.CATALOGUE", {**catalogue.CATALOGUE, ceiling: changed})
    found = held_against(tenfold, replay(tenfold), within_s=2.0)
    assert {decision.what.split()[0] for decision in (*found.only_now, *found.only_then)} == {"flow-ceiling"}
    assert "flow-ceiling raised MEDIUM" in [decision.what for decision in found.only_now]
    assert "flow-ceiling raised HIGH" in [decision.what for decision in found.only_then]


@pytest.mark.requirement("REC-6")
def test_a_tighter_limit_is_listed_with_what_it_raises(tmp_path: Path) -> None:
    """Under a library with a lower limit the quiet infusion is alarmed on: that is told, and nothing else."""
    recording = small(tmp_path, enforcement="alarm")
    assert decisions(recording) == []
    library = library_of(recording.head)
    (entry,) = library.entries
    low = replace(entry.dose_rate.hard_max, amount=entry.dose_rate.hard_max.amount / 5)
    tight = replace(entry, dose_rate=DoseLimits(hard_max=low))
    found = held_against(recording, replay(recording, library=replace(library, entries=(tight,))))
    assert [decision.what for decision in found.only_now] == ["over-hard raised HIGH"]
    assert found.only_then == ()


@pytest.mark.requirement("REC-4")
def test_other_questions_are_counted_and_told(tenfold: Recording) -> None:
    """Where this version asks what the recording does not hold, no answer is made up."""
    moved = replay(
        tenfold, pumps=lambda section: section.model_copy(update={"url": section.url.replace("/1", "/2")})
    )
    assert moved.counts.as_recorded_count == 0
    assert moved.counts.unanswered.total() == moved.counts.asked > 0
    assert "link-lost worsened HIGH" in [d.what for d in held_against(tenfold, moved).only_now]


@pytest.mark.requirement("REC-4")
def test_speed_paces_the_replay(tenfold: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """At speed 60 the waits add up to a sixtieth of what was recorded; at full speed nothing waits."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    recording = _short(tenfold)
    span_s = (recording.ended_ns - recording.began_ns) / 1e9
    replay(recording)
    assert slept == []
    replay(recording, speed_factor=60)
    assert sum(slept) == pytest.approx(span_s / 60, rel=0.01)


@pytest.mark.requirement("REC-3")
@pytest.mark.parametrize("name", ["ten-fold-rate", "wire-silence"])
def test_recording_changes_nothing(name: str, tmp_path: Path) -> None:
    """With the recorder running, the lines of the scenario's event log are the same as without it."""
    loaded = load_scenario(SCENARIOS / f"{name}.yaml")
    without = run_scenario(loaded).record.log
    # One task more to end shuffles what is told at the very moment of the stop.
    assert sorted(run_scenario(loaded, recordings=tmp_path).record.log) == sorted(without)
