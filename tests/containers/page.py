"""The part of docs/containers.md that the trial writes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "containers.md"
FAILED = "FAILED"
BEGIN, END = "<!-- written by make compose-trial -->", "<!-- end of what make compose-trial wrote -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One step: what was done, and what was seen."""

    what: str
    seen: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the image is."""

    whole_mb: int
    below_mb: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that went through."""

    commit: str
    engine: str
    images: dict[str, str]
    sizes: Sizes
    rows: tuple[Row, ...]


def words(trial: Trial) -> str:
    """Return the trial as it stands between the marks."""
    own_mb = trial.sizes.whole_mb - trial.sizes.below_mb
    lines = [
        BEGIN,
        "",
        f"Commit {trial.commit}, Docker {trial.engine}. pumpd's image has {trial.sizes.whole_mb} MB:",
        f"{own_mb} MB are pumpd and its libraries, {trial.sizes.below_mb} MB the Python image below.",
        "",
        "| done | seen |",
        "|---|---|",
        *(f"| {row.what} | {row.seen} |" for row in trial.rows),
        "",
        END,
    ]
    return "\n".join(lines)


def rows() -> list[Row]:
    """Return the rows that stand on the page."""
    lines = between().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and " | " in line]
    return [Row(what, seen) for what, seen in cells if what != "done"]


def between() -> str:
    """Return what stands between the marks."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def write(trial: Trial) -> None:
    """Put the trial in the place of the last one."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + words(trial) + rest.partition(END)[2])
