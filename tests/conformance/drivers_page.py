"""docs/drivers.md and the table in README.md: ``python -m tests.conformance.drivers_page``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Final

from pumpd.drivers.registry import DriverSpec, shipped
from pumpd.qa.conformance.score import points_of
from tests.conformance.cost_page import WIDTH
from tests.house.tree import ROOT

PAGE: Final = ROOT / "docs" / "drivers.md"
README: Final = ROOT / "README.md"
_TABLE: Final = re.compile(r"(?<=<!-- drivers: begin -->\n).*(?=<!-- drivers: end -->)", re.DOTALL)

VERIFIED: Final[Mapping[str, str]] = {
    "none": "nothing",
    "simulator": "the simulator",
    "transcript": "a recording of a pump",
    "hardware": "a pump",
}


def score(spec: DriverSpec) -> tuple[int, int]:
    """Return how many points of the suite a shipped driver reaches, and how many there are.

    ``tests/conformance/test_suite.py`` tries each that can be tried, and fails where one is not reached.
    """
    points = points_of(spec)
    return sum(not point.missing for point in points), len(points)


def table() -> str:
    """Return the table of README.md."""
    lines = [
        "| driver | pump | for people | readings seen right on | pause tried on | suite | unverified |",
        "|---|---|---|---|---|---:|---:|",
    ]
    for name, spec in shipped().items():
        card = spec.card
        pause = VERIFIED[card.pause_proven_on] if spec.pausable else "no pause"
        people = "yes" if card.human_use else "no"
        reached, points = score(spec)
        lines.append(
            f"| [`{name}`](docs/drivers.md#{name}) | {card.make} {card.model} | {people} "
            f"| {VERIFIED[card.verified]} | {pause} | {reached} of {points} | {len(card.unverified)} |"
        )
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the whole page."""
    parts = [
        "# Which pumps can pumpd talk to, and how well is that known?",
        "",
        *wrap(
            "Written by `python -m tests.conformance.drivers_page` from the cards and the conformance "
            "suite ([pytest.md](pytest.md)). Every driver that ships is tried on every point that it can "
            "be tried on, at each run of the tests, and a point that fails fails the run. `pumpd drivers "
            f"list` and `show` tell the same of what is installed. {_on_pumps()} `pumpd drivers verify` "
            "leads an engineer with a pump, and without a patient, through that.",
            WIDTH,
        ),
        "",
        table().replace("](docs/drivers.md#", "](#").rstrip("\n"),
        "",
    ]
    for name, spec in shipped().items():
        parts += [*_of(name, spec), ""]
    return "\n".join(parts)


def _on_pumps() -> str:
    seen = [name for name, spec in shipped().items() if spec.card.verified == "hardware"]
    return f"Verified on a pump: {', '.join(seen)}." if seen else "None was verified on a pump so far."


def _of(name: str, spec: DriverSpec) -> Iterator[str]:
    card = spec.card
    yield f"## {name}"
    yield ""
    yield f"{card.make} {card.model}. Integrity: {card.integrity}."
    yield f"Writes: {'; '.join(card.writes) or 'nothing'}."
    can = "can" if card.listen_only else "can not"
    yield f"Beside another master it {can} be followed (`pumpd trace --listen`)."
    yield ""
    yield "Unverified:" if card.unverified else "Unverified: nothing that its documents leave open."
    if card.unverified:
        yield ""
    yield from (f"- {what}" for what in card.unverified)
    missing = Counter(point.missing for point in points_of(spec) if point.missing)
    if missing:
        yield ""
        yield "Not tried:"
        yield ""
        for reason, count in missing.items():
            yield f"- {count} point{'s' * (count > 1)}: {reason}"


def readme() -> str:
    """Return README.md with the table of now."""
    text, count = _TABLE.subn(lambda _: table(), README.read_text())
    if count != 1:
        raise ValueError("README.md has no place for the table of drivers")
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
    README.write_text(readme())
