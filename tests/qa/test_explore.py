"""Random hospitals hold the five invariants; what is drawn is wide, and stays within what is claimed."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.qa import happenings
from pumpd.qa.explore import Explorer, made_hospital
from pumpd.qa.explore_timeline import RTU_DELAYS_MS
from pumpd.qa.scenario import Scenario, load_scenario
from pumpd.qa.scenario_text import write_scenario
from pumpd.simulator import timeline
from tests import proof
from tests.qa.planted import PLANTED
from tests.qa.small import LIBRARY

STOPPED_ALONE = 224
"""A hospital of one pump, which stands still: the first one of which a start is seen at once."""


@cache
def drawn() -> tuple[Scenario, ...]:
    """Return hospitals as they are drawn, enough for everything that can happen."""
    return tuple(made_hospital(seed) for seed in range(400))


@pytest.mark.requirement("INV-1", "INV-2", "INV-3", "INV-4", "INV-5", "QA-6")
@pytest.mark.timeout(4800)
def test_explored_hospitals_hold_every_invariant() -> None:
    """No seed from the printed one on breaks an invariant, looked at after every step."""
    count = proof.count("explored hospitals, the first of this seed, the next ones of the next", 15, 1000)
    explored = Explorer(LIBRARY).explore(range(proof.SEED, proof.SEED + count), 1, lambda _: None)
    assert [each for each in explored if each.failures] == []
    assert len(explored) == count


@pytest.mark.requirement("QA-6")
def test_everything_that_can_happen_is_drawn() -> None:
    """Every action, one to six pumps, every kind of line and mechanism turn up."""
    actions = {event.action for hospital in drawn() for event in hospital.timeline}
    # The dates of certificates touch nothing that an invariant speaks of, no invariant can hold over what a
    # disk has lost, and pumps change their ports in a house with a fleet alone: scenarios play them.
    played = {"certificate-holds", "renew-certificate", "damage-record", "exchange-ports"}
    assert actions == {*happenings.TAKES, *timeline.TAKES} - played
    kinds = {e.kind for h in drawn() for e in h.timeline if isinstance(e, timeline.TimelineEvent) and e.kind}
    assert len(kinds) == 8
    assert {len(hospital.pumps) for hospital in drawn()} == {1, 2, 3, 4, 5, 6}
    pumps = [pump for hospital in drawn() for pump in hospital.pumps]
    assert {pump.url.partition("://")[0] for pump in pumps} == {"modbus-tcp", "modbus-rtu"}
    assert any(pump.url.endswith("/3") for pump in pumps)
    assert any(pump.real for pump in pumps)
    mechanisms = {
        start.mechanism and start.mechanism.kind.value
        for p in pumps
        for start in p.simulated.channels.values()
    }
    assert mechanisms == {None, "syringe", "volumetric"}


@pytest.mark.requirement("QA-6")
def test_what_is_drawn_stays_within_what_is_claimed() -> None:
    """On RTU no reply is later than three time-outs, whatever comes together; on TCP no reply is damaged."""
    for hospital in drawn():
        urls = {pump.id: pump.url for pump in hospital.pumps}
        late: dict[str, list[tuple[float, float]]] = {}
        for event in hospital.timeline:
            if not isinstance(event, timeline.TimelineEvent) or event.kind is None:
                continue
            url, kind = urls[event.pump], event.kind.value
            assert event.for_s is not None
            if url.startswith("modbus-tcp"):
                assert kind != "damage"
            elif kind in {"delay", "duplicate"}:
                line = url.rpartition("/")[0]
                assert event.delay_ms in RTU_DELAYS_MS
                late.setdefault(line, []).append((event.at_s, event.at_s + event.for_s))
        for spans in late.values():
            ordered = sorted(spans)
            assert all(ends_s <= begins_s for (_, ends_s), (begins_s, _) in pairwise(ordered))
    assert max(RTU_DELAYS_MS) + 50 < 4 * (50 + 20)


@pytest.mark.requirement("QA-6")
def test_a_seed_draws_the_same_and_what_it_draws_loads(tmp_path: Path) -> None:
    """A hospital written to a file is a scenario without a fault, and the same one."""
    for seed in (8, *range(0, 400, 20)):
        write_scenario(drawn()[seed], LIBRARY, tmp_path / "hospital.yaml")
        loaded: Scenario = load_scenario(tmp_path / "hospital.yaml").scenario
        as_drawn = {"library": drawn()[seed].library, "timeline": tuple(_beside(e) for e in loaded.timeline)}
        assert loaded.model_copy(update=as_drawn) == made_hospital(seed)


def _beside(event: happenings.Happening) -> happenings.Happening:
    """Return it naming its drug library as if that lay beside the hospital."""
    named = event.library if isinstance(event, happenings.SiteEvent) else None
    return event if named is None else event.model_copy(update={"library": Path(named).name})


@pytest.mark.requirement("QA-6", "QA-4")
def test_what_breaks_an_invariant_is_told_kept_and_plays_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 1, the seed, a short file, and the two commands that play it again."""
    monkeypatch.chdir(tmp_path)
    planted = PLANTED[0]
    assert planted.name == "wakes a pump to recognise it"
    planted.plant(monkeypatch)
    library = tmp_path / "library.yaml"
    library.write_bytes(LIBRARY.read_bytes())
    words = f"--runs 1 --seed {STOPPED_ALONE} --library {library}"
    ran = CliRunner().invoke(app, ["qa", "explore", *words.split(), "--keep", "found"])
    assert ran.exit_code == 1, ran.output
    assert (
        f"BROKEN  seed {STOPPED_ALONE}: INV-1: after a frame from pumpd a pump gave more: PUMP-01/1"
        in ran.stdout
    )
    assert f"again: pumpd qa explore {words}\n" in ran.stdout
    assert ran.stdout.endswith(
        f"1 hospitals, seeds {STOPPED_ALONE} to {STOPPED_ALONE}: 1 broke an invariant\n"
    )
    shrunk = re.search(r"shrunk: from \d+ lines? and \d+ s to 0 lines and \d s; pumpd (.*)", ran.stdout)
    assert shrunk, ran.stdout
    again = CliRunner().invoke(app, [*shrunk[1].split(), "--no-shrink"])
    assert again.exit_code == 1
    assert "INV-1: after a frame from pumpd a pump gave more: PUMP-01/1" in again.stdout


@pytest.mark.requirement("QA-6", "QA-4")
def test_the_shipped_library_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As documented, wherever it is typed; and so is the command that plays a broken hospital again."""
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["qa", "explore", "--runs", "1", "--seed", "1", "--workers", "1"])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    PLANTED[0].plant(monkeypatch)
    words = ["qa", "explore", "--runs", "1", "--seed", str(STOPPED_ALONE)]
    for asked in (words, [*words, "--library", str(LIBRARY)]):
        ran = CliRunner().invoke(app, [*asked, "--keep", "found"])
        assert f"again: pumpd {' '.join(words)}\n" in ran.stdout, (ran.output, ran.exception)


@pytest.mark.e2e
@pytest.mark.requirement("QA-6", "QA-4")
def test_two_processes_tell_what_one_tells(tmp_path: Path) -> None:
    """As it is typed: the seeds, and that all was well, whatever the number of processes."""
    asked = [sys.executable, "-m", "pumpd.cli", "qa", "explore", "--runs", "4", "--seed", "221"]
    asked += ["--library", str(LIBRARY), "--workers", "2"]
    ran = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stdout) == (
        0,
        "4 hospitals, seeds 221 to 224: every invariant held after every step\n",
    )
    assert list(tmp_path.iterdir()) == []
