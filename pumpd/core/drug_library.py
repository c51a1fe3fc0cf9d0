"""The drug library: which dose is meant to be given, where, and whether pausing is the safe state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pumpd.core.quantities import Concentration, DoseRate, DoseUnit
from pumpd.core.telemetry import Provenance


class Restrain(Enum):
    """What the library allows pumpd to do to a pump that gives too much of this drug."""

    NONE = "none"
    CAP = "cap"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class DoseLimits:
    """Soft and hard bounds of a dose rate, all in the entry's unit; None where there is no bound."""

    hard_max: DoseRate
    soft_max: DoseRate | None = None
    soft_min: DoseRate | None = None
    hard_min: DoseRate | None = None

    def __post_init__(self) -> None:
        rising = [d for d in (self.hard_min, self.soft_min, self.soft_max, self.hard_max) if d is not None]
        if len({d.unit for d in rising}) != 1:
            raise ValueError("limits: all bounds of an entry are in one unit")
        amounts = [d.amount for d in rising]
        if amounts != sorted(amounts):
            raise ValueError("limits: hard_min <= soft_min <= soft_max <= hard_max")


@dataclass(frozen=True, slots=True)
class DrugLimits:
    """One library entry: a drug in one concentration in one care area."""

    drug: str
    concentration: Concentration
    care_area: str
    unit: DoseUnit
    dose_rate: DoseLimits
    restrain: Restrain
    source: str
    """Where the numbers come from; an entry without a source is refused."""


@dataclass(frozen=True, slots=True)
class DrugLibrary:
    """A whole library, replaced only as a whole."""

    version: str
    sha256: str
    """Hash of the file it was read from, in hex."""
    entries: tuple[DrugLimits, ...]
    signed_for: frozenset[Provenance]
    """The kinds of pump the signatures cover; empty when unsigned."""

    def lookup(self, drug: str, concentration: Concentration, care_area: str) -> DrugLimits | None:
        """Return the entry for exactly this drug, concentration and care area, or None."""
        for entry in self.entries:
            if (entry.drug, entry.concentration, entry.care_area) == (drug, concentration, care_area):
                return entry
        return None
