"""Every mutant there is, from the tables and from the code, in a stable order: kind after kind."""

from __future__ import annotations

from functools import cache

from tests.mutants.mutant import KINDS, ROOT, Mutant
from tests.mutants.register_map import map_mutants
from tests.mutants.syntax import mutants_of
from tests.mutants.tables import catalogue_mutants, limit_mutants, settled_mutants, transition_mutants

BESIDE_THE_CORE = (
    "pumpd/daemon/gate.py",
    "pumpd/daemon/restraint.py",
    "pumpd/protocols/registers_codec.py",
    "pumpd/protocols/registers_order.py",
    "pumpd/protocols/registers_units.py",
    "pumpd/drivers/register_reading.py",
)
"""Modules outside of the core that decide what a value is, or whether a pump is paused."""
FURTHER = {"constant", "arithmetic", "logic"}
"""Kinds that are judged on request only: what the tables, the limits and the comparisons do not say."""


def modules() -> list[str]:
    """Return the modules whose code is changed: the whole core, and what decides beside it."""
    core = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pumpd" / "core").glob("*.py"))
    # The catalogue has mutants by its meaning.
    return [file for file in core if "catalogue" not in file] + list(BESIDE_THE_CORE)


@cache
def all_mutants() -> tuple[Mutant, ...]:
    """Return every mutant; ValueError when two would have the same id."""
    made = [
        *catalogue_mutants(),
        *settled_mutants(),
        *transition_mutants(),
        *limit_mutants(),
        *map_mutants(),
        *(mutant for file in modules() for mutant in mutants_of(file)),
    ]
    ids = [mutant.id for mutant in made]
    if len(set(ids)) != len(ids):
        twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        raise ValueError(f"two mutants of one name: {twice}")
    return tuple(sorted(made, key=lambda mutant: list(KINDS).index(mutant.kind)))


def campaign_mutants() -> list[Mutant]:
    """Return the mutants that must all be found: those of every kind but the further ones."""
    return [mutant for mutant in all_mutants() if mutant.kind not in FURTHER]
