"""The drug library: which dose is meant to be given, where, and whether pausing is the safe state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Generic, TypeVar

from pumpd.core.amounts import AmountUnit, DrugAmount
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight
from pumpd.core.telemetry import Provenance

Q = TypeVar("Q", FlowRate, Volume, DrugAmount, int)


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
class Bounds(Generic[Q]):
    """Soft and hard bounds of anything else; None where there is no bound."""

    hard_min: Q | None = None
    soft_min: Q | None = None
    soft_max: Q | None = None
    hard_max: Q | None = None

    def __post_init__(self) -> None:
        rising = [q for q in (self.hard_min, self.soft_min, self.soft_max, self.hard_max) if q is not None]
        if len({unit(q) for q in rising}) > 1:
            raise ValueError("limits: all bounds of one quantity are in one unit")
        sizes = [size(q) for q in rising]
        if sizes != sorted(sizes):
            raise ValueError("limits: hard_min <= soft_min <= soft_max <= hard_max")


def unit(quantity: FlowRate | Volume | DrugAmount | int) -> AmountUnit | None:
    """Return the unit of an amount of drug; None for what is always in one unit."""
    return quantity.unit if isinstance(quantity, DrugAmount) else None


def size(quantity: FlowRate | Volume | DrugAmount | int) -> Fraction:
    """Return a quantity as a number, comparable with others of its kind and unit."""
    match quantity:
        case FlowRate():
            return Fraction(quantity.nl_per_h)
        case Volume():
            return Fraction(quantity.nl)
        case DrugAmount():
            return quantity.amount
        case _:
            return Fraction(quantity)


@dataclass(frozen=True, slots=True)
class BolusLimits:
    """What may be given at once."""

    amount: Bounds[DrugAmount]
    shortest_s: int
    """Over no less time than this."""
    apart_s: int
    """From the end of one to the beginning of the next, at least."""


class TotalOver(Enum):
    """Over what a total dose adds up."""

    INFUSION = "infusion"
    SERIES = "series"
    WINDOW = "window"
    """Any stretch of ``window_s``, wherever it begins."""


@dataclass(frozen=True, slots=True)
class TotalLimit:
    """What one patient may get of the drug in all."""

    over: TotalOver
    amount: Bounds[DrugAmount]
    window_s: int | None = None
    """For WINDOW, above 0; None for the others."""

    def __post_init__(self) -> None:
        if (self.over is TotalOver.WINDOW) is not (self.window_s is not None and self.window_s > 0):
            raise ValueError("total dose: a window has a length above 0, and nothing else has one")


@dataclass(frozen=True, slots=True)
class Titration:
    """How far and how soon the dose rate may be raised."""

    largest_step: DoseRate
    apart_s: int
    hard: bool = False
    """Nobody may ask for more; else it may be so with a reason."""


@dataclass(frozen=True, slots=True)
class Interval:
    """How often somebody looks at the patient."""

    every_s: int
    until_s: int | None = None
    """Since the beginning (or since the end, for those after it); None: on and on."""


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the checklist before the start."""

    ask: str
    """Answered with yes or no."""
    second_person: bool
    """A yes needs a second person's name and a reason."""


@dataclass(frozen=True, slots=True)
class DrugLimits:
    """One library entry: a drug in one form and concentration, in one care area, for one indication."""

    drug: str
    concentration: Concentration
    care_area: str
    unit: DoseUnit
    dose_rate: DoseLimits
    restrain: Restrain
    source: str
    """Where the numbers come from; an entry without a source is refused."""
    form: str = ""
    """Salt or isomer, where it matters."""
    indication: str = ""
    """What it is given for, where limits differ by it."""
    lightest: Weight | None = None
    heaviest: Weight | None = None
    flow: Bounds[FlowRate] = Bounds()
    bolus: BolusLimits | None = None
    """None: none is meant to be given."""
    totals: tuple[TotalLimit, ...] = ()
    duration_s: Bounds[int] = Bounds()
    volume: Bounds[Volume] = Bounds()
    titration: Titration | None = None
    during: tuple[Interval, ...] = ()
    """How often the patient is looked at while it runs; a later one holds when the one before is over."""
    after: tuple[Interval, ...] = ()
    """And after its end."""
    advisories: tuple[str, ...] = ()
    checklist: tuple[Question, ...] = ()
    second_check: bool = False
    """A second person checks the order before the start."""

    @property
    def by_weight(self) -> str:
        """Why an order must know the patient's weight, in words; empty where no limit asks for it.

        Limits that are for some weights only ask for it, whatever their unit. A bolus per kilogram does not:
        without a weight it is not judged.
        """
        units: list[DoseUnit | AmountUnit] = [self.unit]
        units += [
            b.unit for t in self.totals for b in (t.amount.soft_max, t.amount.hard_max) if b is not None
        ]
        return next((f"in {unit.value}" for unit in units if unit.per_kg), self._for_weights)

    @property
    def _for_weights(self) -> str:
        ends = (("from", self.lightest), ("up to", self.heaviest))
        words = " ".join(f"{end} {weight}" for end, weight in ends if weight is not None)
        return f"for patients {words}" if words else ""


@dataclass(frozen=True, slots=True)
class DrugLibrary:
    """A whole library, replaced only as a whole."""

    version: str
    sha256: str
    """Hash of the file it was read from, in hex."""
    entries: tuple[DrugLimits, ...]
    signed_for: frozenset[Provenance]
    """The kinds of pump the signatures cover; empty when unsigned."""
    valid_from: date | None = None
    review_by: date | None = None
    """From the day after, somebody must look at it again."""
    content_sha256: str = ""
    """Hash of what a signature is of (version, days, entries), however the file is laid out."""

    def matching(
        self, drug: str, concentration: Concentration, care_area: str, form: str = "", indication: str = ""
    ) -> Sequence[DrugLimits]:
        """Return every entry for this drug, concentration and care area; empty form or indication: any."""
        return [
            entry
            for entry in self.entries
            if (entry.drug, entry.concentration, entry.care_area) == (drug, concentration, care_area)
            and form in ("", entry.form)
            and indication in ("", entry.indication)
        ]

    def lookup(
        self, drug: str, concentration: Concentration, care_area: str, form: str = "", indication: str = ""
    ) -> DrugLimits | None:
        """Return the one entry that matches, or None: with several nobody knows which limits are meant."""
        found = self.matching(drug, concentration, care_area, form, indication)
        return found[0] if len(found) == 1 else None
