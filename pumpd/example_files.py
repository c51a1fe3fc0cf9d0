"""The files that ship as examples: ``config/`` of a checkout, the same files inside of an installed pumpd."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from pumpd.errors import ConfigError, Problem

EXAMPLES: Final = (Path(__file__).parent / "examples").resolve()
SHIPPED: Final = (
    "*.yaml",
    "demo/*.yaml",
    "scenarios/*.yaml",
    "schemas/*.json",
    "grafana/*.json",
    "systemd/*.service",
)
"""What of them is in the wheel."""


def copy_examples(into: Path) -> list[Path]:
    """Copy every example below ``into``; return the copies, relative to it.

    ConfigError when one of them is there already: nothing of anybody's is written over.
    """
    files = sorted(file.relative_to(EXAMPLES) for pattern in SHIPPED for file in EXAMPLES.glob(pattern))
    taken = [file for file in files if (into / file).exists()]
    if taken:
        what = f"{taken[0]} is there already"
        raise ConfigError((Problem(str(into), 0, "DIR", what, "a new or empty folder", "name another one"),))
    for file in files:
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLES / file, into / file)
    return files
