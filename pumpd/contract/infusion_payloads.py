"""What is asked and told of an infusion: none of it starts a pump or changes its rate, a nurse does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from pumpd.contract.parts import CommandPayload, Part, Said

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
"""A number of 0 or more with a decimal point, as text; a comma is refused."""
Name = Annotated[Said, Field(min_length=1, max_length=64)]
"""Somebody's name."""
Reason = Annotated[Said, Field(min_length=1, max_length=200)]


class OrderPart(Part):
    """What is ordered, as a nurse typed it; begins as a copy of a template."""

    drug: Said = Field(min_length=1, max_length=64)
    concentration: Said = Field(max_length=32, examples=["2 mg/mL"])
    care_area: Said = Field(min_length=1, max_length=64)
    form: Said = Field(default="", max_length=64)
    indication: Said = Field(default="", max_length=64)
    weight_kg: Digits | None = None
    dose: Digits
    """What to give now, within ``dose_min`` and ``dose_max``."""
    dose_min: Digits
    dose_max: Digits
    dose_unit: str = Field(max_length=16, examples=["mg/kg/h"])
    volume_ml: Digits | None = None
    duration_min: int | None = Field(default=None, ge=1, le=2880)


class AnswerPart(Part):
    """One question of the checklist, answered."""

    ask: Said = Field(max_length=200)
    """The question, word for word."""
    yes: bool
    second_person: Said = Field(default="", max_length=64)
    """Who else looked at a yes, where the library asks for it."""
    reason: Said = Field(default="", max_length=200)


class BeginPayload(CommandPayload):
    """Verb ``begin``: watch an infusion on this pump, which may run already; the pump is not touched."""

    pump: str
    channel: str
    label: Said = Field(min_length=1, max_length=32)
    """The patient's label: initials at most."""
    identifier: Said = Field(min_length=1, max_length=64)
    """A second mark of the patient, such as the case number; of all that is told, only a refusal names it."""
    order: OrderPart
    template: Said = Field(default="", max_length=64)
    """The template it began as."""
    checked_by: Said = Field(default="", max_length=64)
    """The second person who checked the order, where the library asks for one."""
    answers: list[AnswerPart] = Field(default_factory=list, max_length=50)
    accepted: Said = Field(default="", max_length=200)
    """Why a soft limit of the library may be passed; empty: it may not."""
    new_series: bool = False
    """What the patient had of this drug before is of another series."""
    another_patient: Said = Field(default="", max_length=200)
    """Why this is another patient than the one known here by this label and another second mark."""


class OfInfusion(CommandPayload):
    """What every request about an infusion has that is there already."""

    pump: str
    channel: str
    infusion: str = Field(max_length=64)
    """The ``id`` that was on the screen; refused when another one is there by now."""


class ChangePayload(OfInfusion):
    """Verb ``change``: another dose in the ordered range (a message), or another order (a new version).

    A new version, too, is the present order under the limits of a newer drug library.
    """

    version: int = Field(ge=1, lt=2**31)
    """The version that was on the screen; refused when there is a newer one."""
    dose_revision: int = Field(default=0, ge=0, lt=2**31)
    """The ``dose_revision`` that was on the screen.

    A dose, an order and limits are refused when somebody has set the dose since.
    """
    dose: Digits | None = None
    """Inside the ordered range, in its unit; null with ``order``, or with ``answers`` alone."""
    order: OrderPart | None = None
    reason: Said = Field(default="", max_length=200)
    """Must be there with ``order`` and with ``library_sha256``."""
    library_sha256: Said = Field(default="", max_length=64)
    """Take over the limits of the library that is in force, by its hash that was on the screen."""
    checked_by: Said = Field(default="", max_length=64)
    answers: list[AnswerPart] = Field(default_factory=list, max_length=50)
    """To questions that are still open."""
    accepted: Said = Field(default="", max_length=200)


class ObservePayload(OfInfusion):
    """Verb ``observe``: what somebody saw of the patient; also after the end. At least one thing."""

    pain: int | None = Field(default=None, ge=0, le=10)
    sedation: Said = Field(default="", max_length=64)
    systolic_mmhg: int | None = Field(default=None, ge=0, le=400)
    diastolic_mmhg: int | None = Field(default=None, ge=0, le=400)
    pulse_per_min: int | None = Field(default=None, ge=0, le=400)
    spo2_percent: int | None = Field(default=None, ge=0, le=100)
    side_effects: Said = Field(default="", max_length=200)


class EndPayload(OfInfusion):
    """Verb ``end``: watch it no more. The pump is not stopped; if it runs on, that is an alarm."""

    reason: Reason
    witness: Said = Field(default="", max_length=64)
    """Who saw what was left thrown away; must be there when ``to_waste`` was above 0, or ``given_up_to``."""


class SwapPayload(OfInfusion):
    """Verb ``swap``: another pump carries it on; the account goes with it."""

    to_pump: str
    to_channel: str
    reason: Reason


class TransferPayload(OfInfusion):
    """Verb ``transfer``: the patient goes to another bed, with every pump of this patient."""

    bed: Said = Field(min_length=1, max_length=32)
    ward: Said = Field(default="", max_length=64)
    """Empty: the same ward."""
    reason: Reason


InfusionCommand = BeginPayload | ChangePayload | ObservePayload | EndPayload | SwapPayload | TransferPayload
"""Whatever may be asked of an infusion."""


class VersionPart(Part):
    """One version of the order."""

    number: int
    dose_min: str
    dose_max: str
    dose_unit: str
    volume_ml: str | None = None
    duration_s: int | None = None
    by: str
    at: AwareDatetime
    reason: str = ""
    checked_by: str = ""


class ObservationPart(Part):
    """What somebody saw."""

    by: str
    at: AwareDatetime
    pain: int | None = None
    sedation: str = ""
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    pulse_per_min: int | None = None
    spo2_percent: int | None = None
    side_effects: str = ""


class TotalPart(Part):
    """One of the library's limits of the total dose, for this patient, in ``amount_unit`` of the infusion."""

    over: Literal["infusion", "series", "window"]
    window_h: int | None = None
    given: str
    soft_max: str | None = None
    hard_max: str | None = None


class AcceptancePart(Part):
    """A soft limit that was passed on purpose, under the present order."""

    condition: str
    words: str
    """What was accepted, in whole words."""
    by: str
    at: AwareDatetime
    reason: str


class NewerLibraryPart(Part):
    """The library in force, where it is tighter than the one that this infusion was begun under."""

    version: str
    sha256: str
    tighter: list[str]
    """Each limit that is narrower or was not there, in whole words."""
    problem: str = ""
    """Why the present order can not stand under it; empty when it can."""


class InfusionPart(Part):
    """The infusion on this channel, or the last one while somebody still looks at the patient."""

    id: str
    state: Literal["begun", "running", "standing", "ended"]
    """``begun``: set up, has not run yet; ``standing``: it ran and does not now."""
    drug: str
    concentration: str
    form: str = ""
    """Salt or isomer of the library's entry it was begun under."""
    care_area: str = ""
    indication: str = ""
    """What it is given for, as the library's entry says."""
    begun_by: str
    begun_at: AwareDatetime
    attached: bool
    """The pump ran already when it was begun: what it gave before is not known."""
    template: str = ""
    ended_by: str = ""
    ended_at: AwareDatetime | None = None
    version: int
    versions: list[VersionPart]
    dose: str
    """What is to be given now, in ``dose_unit``."""
    dose_revision: int = 0
    """Grows with each dose that is set inside the order; begins at 0 with each version."""
    dose_unit: str
    set_ml_h: str
    """What to set on the pump for it: rounded down to the pump's step."""
    agrees: bool | None = None
    """The pump is set to it; null while that can not be known."""
    amount_unit: Literal["mg", "U"]
    given: str
    """By this infusion, over all pumps that carried it."""
    given_up_to: bool
    """At most so much: part of it could not be counted, and is reckoned at the highest rate.

    What is left is then at least so much.
    """
    given_ml: str
    remaining_ml: str | None = None
    """Of the ordered volume; null without one."""
    remaining_s: int | None = None
    """Of the ordered time, by how long it has flowed; null without one."""
    to_waste: str | None = None
    """The same as an amount: what is left if it ended now."""
    totals: list[TotalPart] = Field(default_factory=list)
    looked_at: AwareDatetime | None = None
    look_due_at: AwareDatetime | None = None
    """When somebody should look at the patient next; null when no more are due."""
    observations: list[ObservationPart] = Field(default_factory=list)
    """The last twelve, newest first."""
    checklist_open: list[str] = Field(default_factory=list)
    """Questions that nobody has answered yet."""
    second_check: bool = False
    """The library asks for a second person."""
    checked_by: str = ""
    accepted: list[AcceptancePart] = Field(default_factory=list)
    """Soft limits passed on purpose since it was ordered so; they are told no more at that value."""
    pumps: list[str]
    """``pump/channel`` of every pump that carried it, the present one last."""
    library_version: str
    library_sha256: str
    newer_library: NewerLibraryPart | None = None
    """What the nurse is asked to take over; null where nothing is tighter."""
    advisories: list[str] = Field(default_factory=list)
