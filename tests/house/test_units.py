"""Units stand in names: a number whose name does not say what it counts is refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.tree import name, parsed, python

UNIT = re.compile(
    r"_(s|ms|us|ns|h|min|minutes|ml|nl|ml_h|nl_per_h|ml_per_h|nl_ns_per_h|grains|p_per_ml|p_per_h|g|kg|mg|kpa|mmhg|per_min|kpa_e1|kpa_e4|e6_p|pa|per_ul|per_kpa|percent|permille|ppm|bytes|bits"
    r"|words|registers|hz|count|lines|rows|readings|ratio|share|factor|tries|index)$"
    r"|^(nl|ml|g|kg|baud|ns|seconds|places|factor|count|size|per)$|^(max|min|n)_[a-z_]+s$"
)
"""How a name ends that says its unit."""

PLAIN = {
    "numbers of processes": "parent_pid",
    "codes of a protocol": "address address_base bit bits bits_per_byte code coil exception_code kind sub "
    "first_transaction_id function pattern port qos register reply transaction_id unit value word",
    "positions in a sequence": "at attempt degree era highest journal_seq last_seq line lowest number phase "
    "revision seed sent_seq seq sequence start",
    "counts of what the name says": "accepted answered asked buckets counts dropped errors largest_read late "
    "length limit marred most pages read readable_gap readings refused restarts rows spooled stored "
    "timed_out unusable waiting width written",
    "how far a limit is passed, in the unit of its condition": "soft up_to",
    "days of keeping": "five_minutes_days readings_days retention_days ten_seconds_days",
    "what a person counts or says by a scale without a unit": "pain",
    "versions": "dose_revision version",
    "a chart's values, whose unit stands in the field beside them": "dose high low mean",
}
"""Numbers that need no unit, and why."""
EXPLAINED = frozenset(name for names in PLAIN.values() for name in names.split())
NUMBERS = {"int", "float", "Decimal", "int | None", "float | None", "Decimal | None"}


def _fields(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for top in tree.body:
        if isinstance(top, ast.ClassDef) and not top.name.startswith("_"):
            for node in top.body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    if ast.unparse(node.annotation) in NUMBERS:
                        yield node.lineno, node.target.id
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _parameters(node)
        elif isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _parameters(top)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    if function.name.startswith("_") and function.name != "__init__":
        return
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        if argument.annotation is not None and ast.unparse(argument.annotation) in NUMBERS:
            yield argument.lineno, argument.arg


@pytest.mark.requirement("HOUSE-UNITS")
def test_every_public_number_says_its_unit() -> None:
    """Fields and parameters that are numbers end in their unit, or are counted among the explained ones."""
    unsaid: dict[str, list[str]] = {}
    for path in python("pumpd", "dashboard"):
        for line, field in _fields(parsed(path)):
            if field.startswith("_") or UNIT.search(field) or field in EXPLAINED:
                continue
            unsaid.setdefault(field, []).append(f"{name(path)}:{line}")
    assert unsaid == {}


@pytest.mark.requirement("HOUSE-UNITS")
@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("rate_ml_h", True),
        ("poll_interval_s", True),
        ("age_ns", True),
        ("rate", False),
        ("timeout", False),
        ("ns", True),
    ],
)
def test_what_counts_as_a_unit(field: str, says: bool) -> None:
    """A rate or a time-out without a unit is caught."""
    assert bool(UNIT.search(field) or field in EXPLAINED) is says
