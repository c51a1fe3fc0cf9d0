"""A small scenario as text, for tests that change one thing in it."""

from __future__ import annotations

from pathlib import Path

from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import load_scenario

LIBRARY = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
SMALL = """\
title: A small one
duration_s: 60
library: {library}
pumps:
  - id: PUMP-01
    url: modbus-tcp://10.0.0.1:502/1
    driver: reference-pump
    enforcement: {enforcement}
    programme: {{drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,
                dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}}
    simulated:
      channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, running: true}}}}
timeline:
{timeline}
expect:
{expect}
"""


def _items(lines: tuple[str, ...]) -> str:
    return "\n".join(f"  - {{{line}}}" for line in lines) or "  []"


def written(
    folder: Path, *, timeline: tuple[str, ...] = (), expect: tuple[str, ...] = (), enforcement: str = "pause"
) -> Path:
    """Return the file of the small scenario with these items."""
    file = folder / "small.yaml"
    text = SMALL.format(
        library=LIBRARY, enforcement=enforcement, timeline=_items(timeline), expect=_items(expect)
    )
    file.write_text(text)
    return file


def played(
    folder: Path, *, timeline: tuple[str, ...] = (), expect: tuple[str, ...] = (), enforcement: str = "pause"
) -> Outcome:
    """Play the small scenario with these items."""
    return run_scenario(
        load_scenario(written(folder, timeline=timeline, expect=expect, enforcement=enforcement))
    )
