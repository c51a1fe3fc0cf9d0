"""The shape of a drug library's file: every number stands beside the place where it was published."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pumpd.config_section import Section
from pumpd.core.drug_library import Restrain, TotalOver
from pumpd.fields import (
    Amount,
    BodyWeight,
    Day,
    Dose,
    DrugConcentration,
    Flag,
    Flow,
    Millilitres,
    Whole,
    refused,
)

_SOURCE = "where the number was published; a number without a source is refused"
_SOURCE_EXAMPLE = '"Journal 2020;1:2-3, table 4"'
BOUNDS = ("hard_min", "soft_min", "soft_max", "hard_max")
"""From the lowest to the highest."""


def _said(text: str) -> str:
    if len(text.strip()) < 8:
        raise refused(f"{text!r} is no source", _SOURCE, f"write source: {_SOURCE_EXAMPLE}")
    return text


Source = Annotated[str, AfterValidator(_said)]


class Sourced(Section):
    """What was published somewhere."""

    source: Source = Field(description=_SOURCE, examples=[_SOURCE_EXAMPLE])


class Bound(Sourced):
    """One limit of a dose rate."""

    value: Dose = Field(description="a dose rate such as 0.5 mg/kg/h", examples=["0.5 mg/kg/h"])


class FlowBound(Sourced):
    """One limit of the flow."""

    value: Flow = Field(description="a flow such as 60 mL/h", examples=["60 mL/h"])


class AmountBound(Sourced):
    """One limit of an amount of drug."""

    value: Amount = Field(description="an amount such as 1.5 mg/kg or 80 mg", examples=["1.5 mg/kg"])


class VolumeBound(Sourced):
    """One limit of the volume."""

    value: Millilitres = Field(description="a volume such as 50 mL", examples=["50 mL"])


class MinutesBound(Sourced):
    """One limit of a time."""

    value: Whole = Field(ge=1, le=43_200, description="minutes, 1 to 43200", examples=[120])


class WeightBound(Sourced):
    """One limit of the patient's weight."""

    value: BodyWeight = Field(description="a body weight such as 70 kg", examples=["70 kg"])


class Strength(Sourced):
    """One concentration in which the drug is given."""

    value: DrugConcentration = Field(description="a concentration such as 2 mg/mL", examples=["2 mg/mL"])


class Bounded(Section):
    """Bounds of one quantity: hard_min <= soft_min <= soft_max <= hard_max."""

    def bounds(self) -> dict[str, Any]:
        """Return the bounds that there are, from the lowest to the highest."""
        named = {name: getattr(self, name, None) for name in BOUNDS}
        return {name: bound for name, bound in named.items() if bound is not None}


class DoseRateSection(Bounded):
    """The bounds of an entry: hard_min <= soft_min <= soft_max <= hard_max, all in one unit."""

    hard_max: Bound = Field(description="the dose rate that must never be exceeded: value and source")
    soft_max: Bound | None = Field(default=None, description="above it somebody should look")
    soft_min: Bound | None = Field(default=None, description="below it somebody should look")
    hard_min: Bound | None = Field(default=None, description="below it the infusion has no use")


class FlowSection(Bounded):
    """Bounds of the flow itself; whichever of dose rate and flow is tighter holds."""

    hard_max: FlowBound | None = Field(default=None, description="the flow that must never be exceeded")
    soft_max: FlowBound | None = Field(default=None, description="above it somebody should look")
    soft_min: FlowBound | None = Field(default=None, description="below it somebody should look")
    hard_min: FlowBound | None = Field(default=None, description="below it the infusion has no use")


class AmountSection(Bounded):
    """Bounds of an amount of drug."""

    hard_max: AmountBound | None = Field(default=None, description="the amount that must never be exceeded")
    soft_max: AmountBound | None = Field(default=None, description="above it somebody should look")


class VolumeSection(Bounded):
    """Bounds of the volume of one infusion."""

    hard_max: VolumeBound | None = Field(default=None, description="the volume that must never be exceeded")
    soft_max: VolumeBound | None = Field(default=None, description="above it somebody should look")
    soft_min: VolumeBound | None = Field(default=None, description="below it somebody should look")
    hard_min: VolumeBound | None = Field(default=None, description="below it the infusion has no use")


class DurationSection(Bounded):
    """Bounds of how long one infusion runs, in minutes."""

    hard_max: MinutesBound | None = Field(default=None, description="the time that must never be exceeded")
    soft_max: MinutesBound | None = Field(default=None, description="above it somebody should look")
    soft_min: MinutesBound | None = Field(default=None, description="below it somebody should look")
    hard_min: MinutesBound | None = Field(default=None, description="below it the infusion has no use")


class BolusSection(Section):
    """What may be given at once; without it no bolus is meant to be given."""

    amount: AmountSection = Field(description="limits of one bolus")
    shortest_min: MinutesBound = Field(description="over no fewer minutes than this")
    apart_min: MinutesBound = Field(description="minutes from the end of one to the next, at least")


class TotalSection(AmountSection):
    """What one patient may get in all, over one infusion, a series or any window of time."""

    over: TotalOver = Field(description="infusion, series or window", examples=["infusion"])
    window_h: Whole | None = Field(
        default=None, ge=1, le=744, description="for window: its length in hours, 1 to 744", examples=[24]
    )


class WeightSection(Section):
    """For whom the limits are meant."""

    min: WeightBound | None = Field(default=None, description="the lightest patient")
    max: WeightBound | None = Field(default=None, description="the heaviest patient")


class TitrationSection(Sourced):
    """How far and how soon the dose rate may be raised."""

    largest_step: Dose = Field(description="the largest raise at once", examples=["0.1 mg/kg/h"])
    apart_min: Whole = Field(ge=1, le=1440, description="minutes between raises, at least", examples=[15])
    hard: Flag = Field(
        default=False,
        description="true when nobody may ask for more; else it may be so with a reason",
        examples=["false"],
    )


class IntervalSection(Section):
    """How often the patient is looked at, up to when."""

    every_min: Whole = Field(ge=1, le=1440, description="minutes between two looks", examples=[15])
    until_min: Whole | None = Field(
        default=None, ge=1, le=10_080, description="up to this minute; without it on and on", examples=[60]
    )


class ObservationSection(Sourced):
    """The library's clock of observations."""

    during: tuple[IntervalSection, ...] = Field(description="while it runs, counted from its beginning")
    after: tuple[IntervalSection, ...] = Field(default=(), description="counted from its end")


class AdvisorySection(Sourced):
    """What whoever begins the infusion should know."""

    text: str = Field(
        min_length=4, max_length=300, description="the advice", examples=["Blood pressure may rise."]
    )


class QuestionSection(Sourced):
    """One line of the checklist before the start."""

    ask: str = Field(
        min_length=4,
        max_length=120,
        description="a question that yes or no answers",
        examples=["Is she pregnant?"],
    )
    second_person: Flag = Field(
        default=False, description="true when a yes needs a second person and a reason", examples=["true"]
    )


class EntrySection(Section):
    """One drug in one care area, in the concentrations that may be used there."""

    drug: str = Field(
        min_length=1, description="the drug's name, as programmes spell it", examples=["ketamine"]
    )
    form: str = Field(default="", description="salt or isomer, where it matters", examples=["racemic"])
    care_area: str = Field(min_length=1, description="where it is given", examples=["pain-clinic"])
    indication: str = Field(default="", description="what it is given for", examples=["chronic pain"])
    concentrations: tuple[Strength, ...] = Field(description="a list of concentrations: value and source")
    weight: WeightSection = Field(default_factory=WeightSection, description="for which body weights")
    dose_rate: DoseRateSection = Field(description="limits of the dose rate")
    flow: FlowSection = Field(default_factory=FlowSection, description="limits of the flow")
    bolus: BolusSection | None = Field(default=None, description="limits of a bolus")
    total_dose: tuple[TotalSection, ...] = Field(default=(), description="a list of limits of the total dose")
    duration: DurationSection = Field(
        default_factory=DurationSection, description="limits of the time, in minutes"
    )
    volume: VolumeSection = Field(default_factory=VolumeSection, description="limits of the volume")
    titration: TitrationSection | None = Field(default=None, description="limits of raising the dose rate")
    observations: ObservationSection | None = Field(
        default=None, description="how often the patient is looked at"
    )
    advisories: tuple[AdvisorySection, ...] = Field(default=(), description="a list of advice: text, source")
    checklist: tuple[QuestionSection, ...] = Field(
        default=(), description="a list of questions before the start: ask, source"
    )
    second_check: Flag = Field(
        default=False,
        description="true when a second person checks the order before the start",
        examples=["true"],
    )
    restraint: Restrain = Field(
        description="what pumpd may do to a pump that gives too much: none, cap or pause", examples=["none"]
    )


class Signature(Section):
    """A person who answers for the numbers."""

    name: str = Field(min_length=3, description="the person's name", examples=["B. Keller"])
    role: str = Field(min_length=3, description="the person's role", examples=["pharmacist"])
    date: Day = Field(description="the day, as YYYY-MM-DD", examples=['"2026-01-31"'])
    of: str = Field(
        default="",
        pattern="^([0-9a-f]{64})?$",
        description="what was signed, as `pumpd library check` prints it; a change after that shows",
        examples=['""'],
    )


class LibrarySection(Section):
    """The whole file."""

    version: str = Field(min_length=1, description="the library's version, as text", examples=['"2026-1"'])
    valid_from: Day | None = Field(
        default=None, description="the first day it holds, in UTC, as YYYY-MM-DD", examples=['"2026-01-31"']
    )
    review_by: Day | None = Field(
        default=None,
        description="the last day, in UTC, before it must be looked at again",
        examples=['"2027-01-31"'],
    )
    signed_for: tuple[Literal["demo", "real"], ...] = Field(
        default=(), description="the kinds of pump the signatures cover: demo, real", examples=["[demo]"]
    )
    signatures: tuple[Signature, ...] = Field(default=(), description="who signed: name, role, date")
    entries: tuple[EntrySection, ...] = Field(description="a list of drugs: drug, care_area, dose_rate ...")
