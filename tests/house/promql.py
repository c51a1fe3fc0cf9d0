"""Reads of an expression in Prometheus' language which metrics and labels it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

STRING = r'"(?:[^"\\]|\\.)*"'
TOKEN = re.compile(
    rf"(?P<selector>\{{[^}}]*\}})|(?P<string>{STRING})|(?P<range>\[[^\]]*\])"
    r"|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<number>[0-9][0-9.a-z]*)|(?P<sign>[-+*/%^()<>=!,])|(?P<space>\s+)"
)
GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
OPERATORS = frozenset({"and", "or", "unless", "bool", "offset"})
FUNCTIONS = frozenset(
    {"sum", "count", "min", "max", "avg", "topk", "rate", "increase", "deriv", "histogram_quantile"}
)


@dataclass(frozen=True, slots=True)
class Named:
    """What an expression names."""

    metrics: frozenset[str]
    selected: frozenset[tuple[str, str]]
    """Metric and label of each condition in braces."""
    grouped: frozenset[str]
    """Labels that are grouped or joined by."""


def named(expression: str) -> Named:
    """Return what ``expression`` names; ValueError for what is not understood."""
    metrics: list[str] = []
    selected: set[tuple[str, str]] = set()
    grouped: set[str] = set()
    at, grouping = 0, False
    while at < len(expression):
        found = TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"{expression}: not understood from {expression[at:]!r} on")
        at, kind, text = found.end(), found.lastgroup, found.group()
        if kind == "selector":
            selected |= {(metrics[-1], label) for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", text)}
        elif kind == "sign" and text == ")":
            grouping = False
        elif kind == "word" and grouping:
            grouped.add(text)
        elif kind == "word" and text in GROUPING:
            grouping = expression[at:].lstrip().startswith("(")
        elif kind == "word" and text in FUNCTIONS:
            continue
        elif kind == "word" and text not in OPERATORS:
            metrics.append(text)
    return Named(frozenset(metrics), frozenset(selected), frozenset(grouped))
