"""docs/one-more-pump.md: the lines of each pump, counted: ``python -m tests.conformance.cost_page``."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from textwrap import wrap
from typing import Final

from pumpd.drivers.registry import DriverSpec, shipped
from tests.house.tree import ROOT

PAGE: Final = ROOT / "docs" / "one-more-pump.md"
AIM: Final = 130
"""Lines of code of a framed pump, as the design has them: see docs/decisions/framed-dialects.md."""
WIDTH: Final = 110
_PARTS: Final = ("protocols", "drivers", "simulator")
_NO_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)


def code_lines(text: str) -> int:
    """Count the lines of Python that hold code: no blank ones, comments and docstrings."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def yaml_lines(text: str) -> int:
    """Count the lines of YAML that are neither blank nor a comment."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines())


def _modules(spec: DriverSpec) -> Mapping[str, tuple[Path, ...]]:
    """Return the modules that a framed dialect is made of, by the part of the house they stand in."""
    dialect = spec.dialect
    assert dialect is not None, f"{spec.name} has no dialect"
    stem = type(spec.build(dialect.addresses[0])).__module__.rpartition(".")[2]
    return {
        part: tuple(sorted((ROOT / "pumpd" / part).glob(f"{stem}.py")))
        + tuple(sorted((ROOT / "pumpd" / part).glob(f"{stem}_*.py")))
        for part in _PARTS
    }


def framed() -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Return module name -> the drivers it carries, and its lines of code in each part of the house."""
    found: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    for name, spec in shipped().items():
        if spec.dialect is None:
            continue
        modules = _modules(spec)
        stem = modules["drivers"][0].stem
        counts = tuple(sum(code_lines(file.read_text()) for file in modules[part]) for part in _PARTS)
        found[stem] = ((*found.get(stem, ((), ()))[0], name), counts)
    return found


def page() -> str:
    """Return the whole page."""
    of_framed = framed()
    totals = [sum(counts) / len(names) for names, counts in of_framed.values()]
    over = sum(total > AIM for total in totals)
    return "\n".join(
        [
            "# What does one more pump cost?",
            "",
            *wrap(
                "Written by `python -m tests.conformance.cost_page`: lines that hold code, without blank "
                f"lines, comments and docstrings. The design aims at some {AIM} lines of code for a pump "
                "with a protocol of its own (a protocol module, and some 20 lines each for driver and "
                "simulator) and at none for a Modbus pump.",
                WIDTH,
            ),
            "",
            "## Pumps with a protocol of their own",
            "",
            "| module | drivers | protocol | driver | simulator | lines for each driver | the aim |",
            "|---|---|---:|---:|---:|---:|---:|",
            *(
                f"| `{stem}` | {', '.join(f'`{name}`' for name in names)} | {' | '.join(map(str, counts))} "
                f"| {sum(counts) / len(names):.0f} | {AIM} |"
                for stem, (names, counts) in sorted(of_framed.items())
            ),
            "",
            *wrap(
                f"The median is {median(totals):.0f} lines for each driver; {over} of {len(totals)} "
                "modules are over the aim. What they have beyond it is what their documents ask for: "
                "tables of every status, alarm and refusal, the vendor's examples, agreement of two "
                "replies where there is no check, and a simulator that can refuse.",
                WIDTH,
            ),
            "",
            "## Modbus pumps",
            "",
            "| map | lines of code | lines of YAML | of it examples |",
            "|---|---:|---:|---:|",
            *_maps(),
            "",
            "Each has a card beside its map, as every driver has. What all of them share is counted to none.",
            "",
        ]
    )


def _maps() -> list[str]:
    lines = []
    for name, spec in shipped().items():
        if spec.register_map is None:
            continue
        text = (ROOT / "pumpd" / "protocols" / "maps" / f"{spec.card.register_map}.yaml").read_text()
        examples = text[text.index("\nexamples:") :]
        lines.append(f"| `{name}` | 0 | {yaml_lines(text)} | {yaml_lines(examples)} |")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page())
