"""Short scenarios for real time: each touches other parts that virtual time has twins for."""

from __future__ import annotations

from pathlib import Path

from pumpd.qa.runner import Outcome
from pumpd.qa.scenario import LoadedScenario, load_scenario

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "config" / "demo" / "drug-library.yaml"
_TCP = "modbus-tcp://10.0.0.1:502/1"
_SERIAL = "modbus-rtu:///dev/ttyUSB0/{unit}?baud=19200&parity=E"
_PUMP = """\
  - id: {id}
    url: {url}
    driver: reference-pump
    enforcement: {enforcement}
    programme: {{drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,
                dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}}
    simulated:
      channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, running: true}}}}
"""
FAST = "at_s: 3, pump: PUMP-01, action: set-rate, rate: 42 mL/h"
HIGH = "check: raised, pump: PUMP-01, alarm: over-hard, priority: HIGH, after_s: 3, within_s: 4"
RESTRAINED = "check: raised, pump: PUMP-01, alarm: restrained, priority: MEDIUM, after_s: 3, within_s: 4"
NOTHING = "check: nothing-else"


def _pump(identifier: str, url: str, enforcement: str = "pause") -> str:
    return _PUMP.format(id=identifier, url=url, enforcement=enforcement)


def _text(duration_s: int, pumps: str, timeline: tuple[str, ...], expect: tuple[str, ...]) -> str:
    lines = "\n".join(f"  - {{{line}}}" for line in timeline)
    checks = "\n".join(f"  - {{{line}}}" for line in expect)
    return (
        f"title: A short one\nduration_s: {duration_s}\nlibrary: {LIBRARY}\npumps:\n{pumps}"
        f"timeline:\n{lines}\nexpect:\n{checks}\n"
    )


def _acknowledged(at_s: int) -> str:
    return f"at_s: {at_s}, action: acknowledge, pump: PUMP-01, alarm: over-hard, by: B. Keller, name: taken"


SHORT = {
    "paused-and-acknowledged": _text(
        16,
        _pump("PUMP-01", _TCP),
        (FAST, _acknowledged(10)),
        (
            HIGH,
            RESTRAINED,
            "check: paused, pump: PUMP-01, after_s: 3, within_s: 3",
            "check: answer, request: taken, is: accepted",
            "check: shown, pump: PUMP-01, at_s: 14, is: fresh",
            "check: volume, pump: PUMP-01, least: 0.005 mL, most: 0.06 mL",
            "check: patient, pump: PUMP-01, least: 0.005 mL, most: 0.06 mL",
            NOTHING,
        ),
    ),
    "killed-with-broker-and-disk-in-trouble": _text(
        34,
        _pump("PUMP-01", _TCP, enforcement="alarm"),
        (
            FAST,
            "at_s: 6, action: broker-empty",
            "at_s: 8, action: kill-daemon",
            "at_s: 9, action: start-daemon",
            "at_s: 24, action: journal-fail",
            _acknowledged(25),
            "at_s: 28, action: journal-well",
        ),
        (
            HIGH,
            "check: shown, pump: PUMP-01, at_s: 8.5, is: nothing",
            "check: shown, pump: PUMP-01, at_s: 23, is: fresh",
            "check: raised, alarm: journal-late, priority: MEDIUM, after_s: 24, within_s: 5",
            "check: answer, request: taken, is: accepted",
            'check: signal, pump: PUMP-01, alarm: over-hard, at_s: 33, is: "acknowledged"',
            NOTHING,
        ),
    ),
    "serial-cable-pulled": _text(
        24,
        _pump("PUMP-01", _SERIAL.format(unit=1)) + _pump("PUMP-02", _SERIAL.format(unit=2)),
        (
            "at_s: 2, pump: PUMP-02, action: fault, kind: silence, for_s: 1",
            "at_s: 4, pump: PUMP-01, action: unplug",
            "at_s: 14, pump: PUMP-01, action: plug",
        ),
        (
            "check: raised, pump: PUMP-01, alarm: link-lost, priority: HIGH, after_s: 4, within_s: 8",
            "check: raised, pump: PUMP-02, alarm: link-lost, priority: HIGH, after_s: 4, within_s: 8",
            "check: raised, alarm: line-lost, priority: MEDIUM, after_s: 4, within_s: 8",
            "check: raised, alarm: line-lost, priority: HIGH, after_s: 4, within_s: 8",
            "check: shown, pump: PUMP-01, at_s: 13, is: lost",
            "check: shown, pump: PUMP-01, at_s: 22, is: fresh",
            'check: signal, pump: PUMP-02, alarm: link-lost, at_s: 23, is: "off"',
            NOTHING,
        ),
    ),
    "expects-what-is-not-so": _text(
        12,
        _pump("PUMP-01", _TCP),
        (FAST,),
        (
            HIGH.replace("HIGH", "LOW"),
            RESTRAINED,
            "check: status, pump: PUMP-01, at_s: 10, is: running",
            "check: never, alarm: link-lost",
        ),
    ),
}
"""Name -> file; the last one fails in any world, for two reasons."""
MOST_S = 300
"""Longer ones are not waited for."""


def short(folder: Path) -> list[LoadedScenario]:
    """Return the short ones, as files in ``folder``."""
    for name, text in SHORT.items():
        (folder / f"{name}.yaml").write_text(text)
    return [load_scenario(folder / f"{name}.yaml") for name in SHORT]


def shipped() -> list[LoadedScenario]:
    """Return what ships and does not take too long."""
    loaded = [load_scenario(file) for file in sorted((REPOSITORY / "config" / "scenarios").glob("*.yaml"))]
    return [each for each in loaded if each.scenario.duration_s <= MOST_S]


def verdict(outcome: Outcome) -> tuple[str, ...]:
    """Return which expectations did not hold; what happened instead may differ in its times."""
    return tuple(failure.partition("; ")[0] for failure in outcome.failures)
