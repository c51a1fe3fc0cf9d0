"""What a card says of a pump holds in the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pumpd.config_lines import driver_problems
from pumpd.config_models import ConfigSection
from pumpd.document import parse_document
from pumpd.document_check import demand
from pumpd.drivers.registry import find

TEXT = (Path(__file__).parents[2] / "config" / "pumpd.yaml").read_text()


@pytest.mark.parametrize(("real", "told"), [(True, ["pumps[0].programme"]), (False, [])])
def test_a_real_laboratory_pump_carries_no_infusion(real: bool, told: list[str]) -> None:
    """A pump whose card says no human use gets no programme when it is real; a simulated one may."""
    text = TEXT.replace("    poll_interval_s: 1\n", f"    real: {str(real).lower()}\n", 1)
    document = parse_document(text.encode(), "pumpd.yaml")
    section = demand(document, ConfigSection)
    spec = find("reference-pump")
    laboratory = replace(spec, card=spec.card.model_copy(update={"human_use": False}))
    pumps = [(("pumps", 0), section.pumps[0])]
    problems = driver_problems(document, pumps, {"reference-pump": laboratory})
    assert [problem.path for problem in problems] == told
