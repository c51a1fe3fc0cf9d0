"""The documentation of the configuration is the configuration's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.keys import TABLES, table

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_key_is_documented_as_the_model_says(name: str) -> None:
    """docs/configuration.md holds each group of keys with the model's own words and examples."""
    assert f"### {name}\n\n{table(TABLES[name])}\n" in TEXT
