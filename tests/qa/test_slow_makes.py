"""What a make may need is no alarm: limits of age follow the slowest that its card allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import load_scenario

CONFIG = Path(__file__).parents[2] / "config"
QUIET = "{check: never, alarm: link-lost}"


def with_faults(folder: Path, scenario: str, faults: list[str], expect: list[str]) -> Outcome:
    """Play the pumps of a shipped scenario for six minutes, with other faults and expectations."""
    text = (CONFIG / "scenarios" / f"{scenario}.yaml").read_text(encoding="utf-8")
    pumps = re.sub(r"duration_s: \d+", "duration_s: 360", text[: text.index("timeline:")])
    lines = [pumps.replace("../demo/", f"{CONFIG}/demo/"), "timeline:"]
    lines += [f"  - {{action: fault, {fault}}}" for fault in faults]
    lines += ["expect:", *(f"  - {one}" for one in expect)]
    file = folder / "slow.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run_scenario(load_scenario(file))


@pytest.mark.requirement("LINK-10")
def test_an_alaris_may_answer_after_4_s(tmp_path: Path) -> None:
    """Every twenty seconds one takes 3.9 s: it is waited for, and nothing sounds or is shown as old."""
    at = range(60, 340, 20)
    faults = [f"at_s: {at_s}, pump: PUMP-01, kind: delay, delay_ms: 3900, for_s: 4.5" for at_s in at]
    fresh = [f"{{check: shown, pump: PUMP-01, at_s: {at_s + 10}, is: fresh}}" for at_s in at]
    assert with_faults(tmp_path, "syringe-pump-alaris", faults, [QUIET, *fresh]).failures == ()


@pytest.mark.requirement("LINK-10")
@pytest.mark.parametrize("delay_ms", [1500, 3000, 3900])
@pytest.mark.parametrize("from_s", [1, 60])
def test_an_alaris_may_always_take_so_long(tmp_path: Path, delay_ms: int, from_s: int) -> None:
    """Every reply comes so late: it is read all the same, and nothing sounds."""
    slow = f"at_s: {from_s}, pump: PUMP-01, kind: delay, delay_ms: {delay_ms}, for_s: 280"
    fresh = [f"{{check: shown, pump: PUMP-01, at_s: {at_s}, is: fresh}}" for at_s in range(90, 360, 9)]
    assert with_faults(tmp_path, "syringe-pump-alaris", [slow], [QUIET, *fresh]).failures == ()


@pytest.mark.requirement("LINK-10")
@pytest.mark.parametrize(
    ("fault", "within_s"),
    [("kind: delay, delay_ms: 4400", 85), ("kind: silence", 85), ("kind: silence, slow: 0", 30)],
)
def test_an_alaris_that_takes_longer_is_told(tmp_path: Path, fault: str, within_s: int) -> None:
    """Beyond 4 s nothing is known of it: an alarm and no frozen number, the sooner the faster it was."""
    always = "at_s: 60, pump: PUMP-01, kind: delay, delay_ms: 3900, for_s: 60"
    faults = [] if "slow: 0" in fault else [always]
    faults.append(f"at_s: 120, pump: PUMP-01, {fault.removesuffix(', slow: 0')}, for_s: 150")
    lost = f"priority: HIGH, after_s: 120, within_s: {within_s}"
    told = [
        f"{{check: raised, pump: PUMP-01, alarm: link-lost, {lost}}}",
        "{check: shown, pump: PUMP-01, at_s: 350, is: fresh}",
    ]
    assert with_faults(tmp_path, "syringe-pump-alaris", faults, told).failures == ()


@pytest.mark.requirement("LINK-10")
def test_a_rack_takes_seconds(tmp_path: Path) -> None:
    """Each block of its long answers begins 0.9 s late: two pumps are read, and nothing sounds."""
    slow = 'at_s: 60, pump: RACK-01, channel: "11", kind: delay, delay_ms: 900, for_s: 300'
    fresh = [
        f'{{check: shown, pump: RACK-01, channel: "{channel}", at_s: {at_s}, is: fresh}}'
        for channel in (11, 12)
        for at_s in range(60, 360, 30)
    ]
    assert with_faults(tmp_path, "rack-bbraun", [slow], [QUIET, *fresh]).failures == ()


@pytest.mark.requirement("LINK-10")
@pytest.mark.parametrize(("silent_s", "sounds"), [(121, False), (150, True)])
def test_an_isco_may_be_silent_for_121_s(tmp_path: Path, silent_s: int, sounds: bool) -> None:
    """So long its last values stand, each with its age; what lasts longer is told."""
    silence = f'at_s: 60, pump: PUMP-01, channel: "A", kind: silence, for_s: {silent_s}'
    failures = with_faults(tmp_path, "laboratory-isco", [silence], [QUIET]).failures
    assert bool(failures) is sounds, failures
