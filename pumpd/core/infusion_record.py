"""One patient's course of one drug: what was ordered, what carried it, who looked, how it ended.

Nothing here touches a pump: a nurse sets the pump by hand, and these are the words about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType

from pumpd.core.drug_library import DrugLimits
from pumpd.core.field_error import FieldError
from pumpd.core.infusion import Programme
from pumpd.core.quantities import DoseRate
from pumpd.core.telemetry import ChannelId, Provenance, PumpId

InfusionId = NewType("InfusionId", str)
"""Unique for ever; the id of the command that began it."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Who gets it, by two marks: one can be read wrong."""

    label: str
    """Initials at most: it stands on screens."""
    identifier: str
    """A second one, such as the case number; never on a screen of the ward."""

    @property
    def marks(self) -> tuple[str, str]:
        """Both, as they were typed."""
        return self.label, self.identifier


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to one question of the checklist."""

    ask: str
    yes: bool
    second_person: str = ""
    """Who else looked at a yes, where the library asks for it."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be given, by whose word."""

    programme: Programme
    dose: DoseRate
    """What to set now, within the ordered range."""
    by: str
    reason: str = ""
    checked_by: str = ""
    """The second person who checked it."""
    accepted: str = ""
    """Why it may pass a soft limit of the library; empty: it may not."""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgrammeVersion:
    """One version of what was ordered."""

    number: int
    programme: Programme
    dose: DoseRate
    by: str
    at: datetime
    reason: str = ""
    """Why it was changed; empty for the first."""
    checked_by: str = ""
    accepted: str = ""
    dose_revision: int = 0
    """How often the dose was set anew inside this version's range."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A pump that carried it, from when to when, at which bed."""

    pump: PumpId
    channel: ChannelId
    bed: str
    ward: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What somebody saw of the patient: kept and shown, never interpreted."""

    by: str
    at: datetime
    pain: int | None = None
    """0 to 10, as the patient says."""
    sedation: str = ""
    """In the words of the ward's own scale."""
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    pulse_per_min: int | None = None
    spo2_percent: int | None = None
    side_effects: str = ""

    @property
    def says_something(self) -> bool:
        """True when at least one thing was seen."""
        numbers = (self.pain, self.systolic_mmhg, self.diastolic_mmhg, self.pulse_per_min, self.spo2_percent)
        return any(n is not None for n in numbers) or bool(self.sedation or self.side_effects)


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended."""

    by: str
    at: datetime
    reason: str
    given_e6_p: int
    """In millionths of a picogram (or pico-unit)."""
    up_to: bool
    """At most so much: part of it is not counted but reckoned."""
    wasted_e6_p: int | None
    """What was left and thrown away; None when the order had no volume."""
    witness: str = ""


@dataclass(frozen=True, slots=True)
class Infusion:
    """One patient's course of one drug."""

    id: InfusionId
    patient: Patient
    entry: DrugLimits
    """Of the library it was begun under: a newer one changes it only when a person takes it over."""
    library_version: str
    library_sha256: str
    versions: tuple[ProgrammeVersion, ...]
    carriers: tuple[Carrier, ...]
    answers: tuple[Answer, ...]
    signed_for: frozenset[Provenance]
    """The kinds of pump that its library was signed for."""
    attached: bool
    """The pump ran already when it was begun."""
    observations: tuple[Observation, ...] = ()
    ending: Ending | None = None
    template: str = ""

    @property
    def begun(self) -> ProgrammeVersion:
        """What was ordered first."""
        return self.versions[0]

    @property
    def ordered(self) -> ProgrammeVersion:
        """What is ordered now."""
        return self.versions[-1]

    @property
    def programme(self) -> Programme:
        """The programme that is ordered now."""
        return self.versions[-1].programme

    @property
    def carrier(self) -> Carrier:
        """The pump that carries it now, or carried it last."""
        return self.carriers[-1]

    @property
    def checklist_open(self) -> tuple[str, ...]:
        """The questions that nobody has answered yet."""
        answered = {answer.ask for answer in self.answers}
        return tuple(q.ask for q in self.entry.checklist if q.ask not in answered)


def _going_on(infusion: Infusion) -> None:
    if infusion.ending is not None:
        raise ValueError(f"this infusion was ended by {infusion.ending.by}; begin another")


def named(by: str, what: str) -> None:
    """ValueError unless somebody's name stands there."""
    if not by.strip():
        raise FieldError("user", f"{what} needs the name of who does it")


def same_person(one: str, other: str) -> bool:
    """Return whether two names are one person's, however they were typed."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def changed(infusion: Infusion, order: Order, at: datetime) -> Infusion:
    """Return it with ``order``, which fits the library, as its next version.

    ValueError without a reason, or when it is another drug: that is another infusion.
    """
    _going_on(infusion)
    named(order.by, "a change")
    if not order.reason.strip():
        raise FieldError("reason", "say why the order changes")
    before, after = infusion.programme, order.programme
    for name in ("drug", "concentration", "form", "care_area", "indication"):
        # A form or indication that nobody names is the one of the entry it was begun under.
        was = getattr(before, name) or getattr(infusion.entry, name)
        is_now = getattr(after, name) or was
        if was != is_now:
            what = name.replace("_", " ")
            raise ValueError(f"{what} {is_now} for {was}: end this infusion and begin another")
    version = ProgrammeVersion(
        infusion.ordered.number + 1,
        after,
        order.dose,
        order.by,
        at,
        order.reason,
        order.checked_by,
        order.accepted,
    )
    return replace(infusion, versions=(*infusion.versions, version))


def aimed(infusion: Infusion, dose: DoseRate) -> Infusion:
    """Return it with another dose to give, inside the ordered range: a message, and no new version.

    ValueError when it is outside of it.
    """
    _going_on(infusion)
    low, high = infusion.programme.dose_min, infusion.programme.dose_max
    if dose.unit is not low.unit or not low.amount <= dose.amount <= high.amount:
        raise FieldError("dose", f"{dose} is outside the ordered {low} to {high}: order anew, with a reason")
    before = infusion.ordered
    version = replace(before, dose=dose, dose_revision=before.dose_revision + 1)
    return replace(infusion, versions=(*infusion.versions[:-1], version))


def answered(infusion: Infusion, answers: Sequence[Answer]) -> Infusion:
    """Return it with ``answers`` to questions that were open; ValueError for one that was not."""
    _going_on(infusion)
    for answer in answers:
        if answer.ask not in infusion.checklist_open:
            raise FieldError("answers", f"'{answer.ask}' is not an open question of the checklist")
    return replace(infusion, answers=(*infusion.answers, *answers))


def observed(infusion: Infusion, observation: Observation) -> Infusion:
    """Return it with what somebody saw, also after its end; ValueError when nothing was written down."""
    named(observation.by, "an observation")
    if not observation.says_something:
        raise ValueError("nothing is written down: fill in what you saw")
    return replace(infusion, observations=(*infusion.observations, observation))


def to_waste_e6_p(infusion: Infusion, given_e6_p: int) -> int | None:
    """Return what is left of the ordered volume, in millionths of a picogram; None without a volume."""
    programme = infusion.programme
    if programme.volume is None:
        return None
    return max(0, programme.volume.nl * programme.concentration.p_per_ml - given_e6_p)


def ended(infusion: Infusion, ending: Ending) -> Infusion:
    """Return it ended; ValueError without a reason, or when drug is thrown away without a witness."""
    _going_on(infusion)
    named(ending.by, "the end of an infusion")
    if not ending.reason.strip():
        raise FieldError("reason", "say why it ends")
    # What was given at most leaves that much at least: also of nothing somebody must see it.
    if ending.wasted_e6_p or (ending.up_to and ending.wasted_e6_p is not None):
        if not ending.witness.strip():
            raise FieldError("witness", "what is thrown away needs a witness")
        if same_person(ending.by, ending.witness):
            raise FieldError("witness", "the witness is a second person")
    last = replace(infusion.carrier, until=ending.at)
    return replace(infusion, ending=ending, carriers=(*infusion.carriers[:-1], last))


def carried_on(infusion: Infusion, carrier: Carrier) -> Infusion:
    """Return it on another pump or at another bed; ValueError when it is there already."""
    _going_on(infusion)
    last = infusion.carrier
    if (last.pump, last.channel, last.bed, last.ward) == (
        carrier.pump,
        carrier.channel,
        carrier.bed,
        carrier.ward,
    ):
        raise ValueError("it is there already")
    left = replace(last, until=carrier.since)
    return replace(infusion, carriers=(*infusion.carriers[:-1], left, carrier))
