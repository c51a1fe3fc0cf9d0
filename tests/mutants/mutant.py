"""One mutant: the product with a single thing changed, in a file's text and never in a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = {
    "priority": "a condition at another priority",
    "latch": "a condition that latches and should not, or the other way round",
    "delay": "a condition's delay gone, a tenth shorter, a tenth longer",
    "limit": "a limit one step higher or lower, or not there",
    "transition": "another signal in one cell of the table of signals",
    "scale": "a scale, unit or type of a register or quantity",
    "word order": "a register map in another byte order",
    "silent": "a condition that is never raised",
    "stuck": "a condition that never clears",
    "late": "a condition that is raised 5 s late",
    "comparison": "a comparison with its boundary moved, or turned round",
    "address": "a value read from its neighbour's place",
    "code": "a status, alarm bit or missing value with another meaning, or none",
    "control": "another value written to pause",
    "table": "a table without one of its entries, or with a neighbour's value",
    "logic": "and for or, a part left out, a condition turned round",
    "constant": "a number one more or one less, a flag turned round",
    "arithmetic": "a sum, product or extreme reckoned otherwise",
}
"""What is changed, in the order of judging."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file of the product with one thing changed in it."""

    kind: str
    """Which kind of change: limit, comparison, delay, latch, priority, transition, scale, word order ..."""
    file: str
    """The changed file, relative to the root."""
    where: str
    """The function, table or condition that it changes."""
    change: str
    """What stood there, and what stands there instead."""
    text: str
    """The whole file as changed."""
    lines: range = range(0)
    """Lines of the changed statement; empty where every line of the file may show it."""
    added: str = ""
    """What ``text`` has at its end more than the file, where it is that alone."""
    condition: str = ""
    """The alarm condition that it is about, if it is about one."""

    @property
    def id(self) -> str:
        """What it is called: the same as long as the changed code is the same."""
        return f"{self.kind}: {self.file.removeprefix('pumpd/')}: {self.where}: {self.change}"

    @property
    def how(self) -> str:
        """How it comes into a process with the product loaded: see ``tests.mutants.substitute.change``."""
        return "added" if self.added else "functions" if self.lines else "import"


def appended(kind: str, file: str, where: str, change: str, added: str, condition: str = "") -> Mutant:
    """Return the mutant that runs ``added`` at the end of ``file``."""
    return Mutant(kind, file, where, change, source(file) + added, added=added, condition=condition)


def source(file: str) -> str:
    """Return the text of a file of the product."""
    return (ROOT / file).read_text(encoding="utf-8")
