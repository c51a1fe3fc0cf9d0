"""What a page shows of a channel's infusion: which one, how it stands, and what it gave."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from pumpd.contract.infusion_payloads import InfusionPart

NONE = "none"
STATES = ("begun", "running", "standing", "ended", NONE)
PICO = {"mg": 10**9, "ug": 10**6, "U": 10**12}
"""Picograms (or pico-units) in each unit of an amount."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The infusion of one channel as its snapshot told it."""

    at_s: float
    state: str = NONE
    infusion: str = ""
    """Its id."""
    version: int = 0
    given_pg: Fraction = Fraction(0)
    """By this infusion, over all pumps that carried it."""
    up_to: bool = False
    """At most so much."""
    to_waste_pg: Fraction | None = None


def carried(at_s: float, part: InfusionPart) -> Carried:
    """Return what a snapshot tells at ``at_s``."""
    pico = PICO[part.amount_unit]
    waste = None if part.to_waste is None else Fraction(Decimal(part.to_waste)) * pico
    given = Fraction(Decimal(part.given)) * pico
    return Carried(at_s, part.state, part.id, part.version, given, part.given_up_to, waste)
