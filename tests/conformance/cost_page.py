"""docs/one-more-pump.md: the lines of each pump, counted: ``python -m tests.conformance.cost_page``."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
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
_WHAT_IT_WOULD_TAKE: Final = (
    "The aim was set for a pump that is asked and answers. What these have beyond it: every status, alarm "
    "and refusal of their documents with its meaning, and the documents' examples; agreement of two replies "
    "where there is no check, or a weak one; a pause, and where there is one a lower rate, decided on in the "
    "turn of the write; and a simulator that refuses and alarms as the pump does ({simulator:.0%} of the "
    "lines). Two things were taken out of all seven, and are counted to none: seeking, late and foreign "
    "replies (`protocols/framed.py`), and the agreement of replies and the rule of lowering "
    "(`drivers/agreement.py`, `drivers/lowering.py`). A driver without tables and without a simulator of its "
    "own would come near the aim, and nobody would have seen it refused anything."
)
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


def kinds_of_lines(text: str) -> tuple[int, int, int]:
    """Count the lines of code that import, that are tables and examples, and that do something."""
    imports, tables = 0, 0
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        count = code_lines("".join(lines[node.lineno - 1 : node.end_lineno]))
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += count
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            tables += count
    return imports, tables, code_lines(text) - imports - tables


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


@dataclass(frozen=True, slots=True)
class Cost:
    """What one module of a framed dialect costs, for all of its drivers."""

    names: tuple[str, ...]
    """The drivers it carries."""
    parts: tuple[int, ...]
    """Lines of code in each part of the house."""
    kinds: tuple[int, ...]
    """Lines that import, tables and examples, lines that do something."""

    @property
    def each(self) -> float:
        """Lines of code for each driver."""
        return sum(self.parts) / len(self.names)


def framed() -> dict[str, Cost]:
    """Return module name -> what it costs."""
    found: dict[str, Cost] = {}
    for name, spec in shipped().items():
        if spec.dialect is None:
            continue
        modules = _modules(spec)
        stem = modules["drivers"][0].stem
        counts = tuple(sum(code_lines(file.read_text()) for file in modules[part]) for part in _PARTS)
        kinds = [kinds_of_lines(file.read_text()) for part in _PARTS for file in modules[part]]
        before = found[stem].names if stem in found else ()
        found[stem] = Cost((*before, name), counts, tuple(map(sum, zip(*kinds, strict=True))))
    return found


def page() -> str:
    """Return the whole page."""
    of_framed = framed()
    totals = [cost.each for cost in of_framed.values()]
    over = sum(total > AIM for total in totals)
    of_parts = [sum(counts) for counts in zip(*(cost.parts for cost in of_framed.values()), strict=True)]
    simulator = of_parts[-1] / sum(of_parts)
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
                f"| `{stem}` | {', '.join(f'`{name}`' for name in cost.names)} "
                f"| {' | '.join(map(str, cost.parts))} | {cost.each:.0f} | {AIM} |"
                for stem, cost in sorted(of_framed.items())
            ),
            "",
            f"Median: {median(totals):.0f} lines for each driver; {over} of {len(totals)} are over the aim.",
            "",
            "### Where the lines are",
            "",
            "| module | imports | tables and examples | what does something | of it for each driver |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| `{stem}` | {' | '.join(map(str, cost.kinds))} | {cost.kinds[-1] / len(cost.names):.0f} |"
                for stem, cost in sorted(of_framed.items())
            ),
            "",
            *wrap(_WHAT_IT_WOULD_TAKE.format(simulator=simulator), WIDTH),
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
