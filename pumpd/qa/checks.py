"""What a scenario expects, one line each."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator, model_validator

from pumpd.core.alarms import AlarmSignal
from pumpd.core.freshness import Freshness
from pumpd.core.quantities import decimal_text
from pumpd.core.telemetry import PumpStatus
from pumpd.fields import Millilitres, Number, TopicId, refused
from pumpd.qa.carried import PICO, STATES
from pumpd.qa.happenings import exactly, known_condition
from pumpd.simulator.timeline import WardPart

TAKES: dict[str, tuple[str, ...]] = {
    "raised": ("alarm", "priority", "within_s"),
    "never": ("alarm",),
    "signal": ("alarm", "at_s", "is"),
    "quiet": ("alarm", "at_s", "is"),
    "called": ("alarm", "contact", "within_s"),
    "status": ("pump", "at_s", "is"),
    "paused": ("pump", "within_s"),
    "volume": ("pump", "most"),
    "patient": ("pump", "most"),
    "dose": ("pump", "least_dose", "most_dose"),
    "shown": ("pump", "at_s", "is"),
    "infusion": ("pump", "at_s", "is"),
    "account": ("pump", "at_s", "least_dose", "most_dose"),
    "written": ("pump", "line", "says", "within_s"),
    "answer": ("request", "is"),
    "nothing-else": (),
}
"""Each check and the keys that it needs."""
MAY_TAKE: dict[str, tuple[str, ...]] = {
    "raised": ("pump", "channel", "after_s"),
    "never": ("pump", "channel"),
    "signal": ("pump", "channel"),
    "quiet": ("pump", "channel"),
    "called": ("pump", "channel", "after_s"),
    "status": ("channel",),
    "paused": ("channel", "after_s"),
    "volume": ("channel", "after_s", "at_s", "least"),
    "patient": ("channel", "after_s", "at_s", "least"),
    "dose": ("channel", "after_s", "at_s"),
    "shown": ("channel",),
    "infusion": ("channel", "version"),
    "account": ("channel",),
    "written": ("channel", "after_s", "by"),
}
WORDS: dict[str, tuple[str, ...]] = {
    "signal": tuple(signal.value for signal in AlarmSignal),
    "quiet": ("none", "audio-paused", "shelved", "suppressed"),
    "status": tuple(status.value for status in PumpStatus),
    "shown": (*(fresh.value for fresh in Freshness), "nothing"),
    "infusion": STATES,
    "answer": ("accepted", "refused", "nothing"),
}
"""What ``is`` may say for each check that has it."""
_AMOUNT = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?) (?P<unit>mg|ug|U)")


def _amount(value: object) -> Fraction:
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise refused(f"{value!r} is no amount of a drug", "an amount in mg, ug or U", "write it as 21 mg")
    return Fraction(match["number"]) * PICO[match["unit"]]


def _amount_text(picograms: Fraction) -> str:
    """Return an amount as it is written in a file, with as many decimals as it takes."""
    places = 0
    while (picograms * 10**places) % PICO["mg"]:
        places += 1
    return f"{decimal_text(int(picograms * 10**places / PICO['mg']), 10**places)} mg"


Amount = Annotated[
    Fraction,
    PlainValidator(_amount),
    PlainSerializer(_amount_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? (mg|ug|U)$"}),
]
"""An amount of a drug, in picograms (or pico-units)."""


class Check(WardPart):
    """One thing that must be so."""

    check: str
    """One of TAKES."""
    pump: TopicId | None = None
    """Which pump; without it the alarm is one of the node (raised, signal) or of anybody (never)."""
    channel: str = "1"
    """Which channel."""
    alarm: str | None = None
    """For raised, never, signal, quiet and called: which alarm."""
    priority: Literal["LOW", "MEDIUM", "HIGH"] | None = None
    """For raised."""
    after_s: Number = Field(default=0, ge=0)
    """From when on, in seconds after the daemon was started."""
    within_s: Annotated[float, Field(gt=0)] | None = None
    """For raised, called and paused: how long after after_s at most."""
    at_s: Annotated[float, Field(ge=0)] | None = None
    """When it is looked at; volume, patient and dose take the end without it."""
    is_: str | None = Field(default=None, alias="is")
    """What it must be then."""
    least: Millilitres | None = None
    """For volume: the pump counted at least so much since after_s; for patient: so much came. Or 0."""
    most: Millilitres | None = None
    """For volume and patient: at most so much."""
    least_dose: Amount | None = None
    """For dose: at least so much drug, by the concentration of the programme, such as 20.8 mg."""
    most_dose: Amount | None = None
    """For dose: at most so much drug."""
    contact: str | None = None
    """For called: who was told of it; each is told once."""
    request: str | None = None
    """For answer: the name of what a person asks in the timeline."""
    version: Annotated[int, Field(strict=True, ge=1)] | None = None
    """For infusion: which version of its order holds then."""
    line: str | None = None
    """For written: what happened to the infusion, such as begun, titrated, changed or ended."""
    says: str | None = None
    """For written: words of the journal's line, written once in that span."""
    by: str | None = None
    """For written: whose name stands there."""

    @field_validator("check")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TAKES:
            raise refused(f"there is no check '{value}'", ", ".join(TAKES), "write one of these")
        return value

    @field_validator("alarm")
    @classmethod
    def _known_alarm(cls, value: str | None) -> str | None:
        return value if value is None else known_condition(value)

    @model_validator(mode="after")
    def _complete(self) -> Check:
        needed = {
            check: tuple("is_" if key == "is" else key for key in keys) for check, keys in TAKES.items()
        }
        exactly(self, self.check, needed, MAY_TAKE, {"check"})
        words = WORDS.get(self.check)
        if words is not None and self.is_ not in words:
            raise refused(f"{self.check} can not be '{self.is_}'", ", ".join(words), "write one of these")
        return self

    @property
    def until_s(self) -> float:
        """The end of the span in which it must happen."""
        return self.after_s + (self.within_s or 0.0)

    def __str__(self) -> str:
        whom = f"{self.pump}: " if self.pump else ""
        match self.check:
            case "raised":
                when = f"within {self.within_s:g} s of {self.after_s:g} s"
                return f"{whom}{self.alarm} is raised at {self.priority} {when}"
            case "never":
                return f"{whom}{self.alarm} is never raised"
            case "signal":
                return f"{whom}{self.alarm} is {self.is_} at {self.at_s:g} s"
            case "quiet":
                return f"{whom}{self.alarm} is quieted by {self.is_} at {self.at_s:g} s"
            case "called":
                when = f"within {self.within_s:g} s of {self.after_s:g} s"
                return f"{whom}{self.contact} is told of {self.alarm} once, {when}"
            case "status":
                return f"{whom}the pump is {self.is_} at {self.at_s:g} s"
            case "paused":
                return f"{whom}the pump is paused within {self.within_s:g} s of {self.after_s:g} s"
            case "volume":
                return f"{whom}{self.least or 0} to {self.most} are given{self._span()}"
            case "patient":
                return f"{whom}the patient gets {self.least or 0} to {self.most}{self._span()}"
            case "dose":
                return f"{whom}{_mg(self.least_dose)} to {_mg(self.most_dose)} are given{self._span()}"
            case "shown":
                return f"{whom}its reading is {self.is_} at {self.at_s:g} s"
            case "infusion":
                order = f", version {self.version} of its order" if self.version else ""
                return f"{whom}the infusion is {self.is_}{order} at {self.at_s:g} s"
            case "account":
                said = f"{_mg(self.least_dose)} to {_mg(self.most_dose)}"
                return f"{whom}pumpd says that the infusion gave {said}{self._span()}"
            case "written":
                when = f"within {self.within_s:g} s of {self.after_s:g} s"
                by = f" by {self.by}" if self.by else ""
                return f"{whom}'{self.line}: {self.says}' is written once{by}, {when}"
            case "answer":
                return f"the answer to '{self.request}' is {self.is_}"
            case _:
                return "nothing else is raised"

    def _span(self) -> str:
        since = f" from {self.after_s:g} s" if self.after_s else ""
        return f"{since} by {self.at_s:g} s" if self.at_s is not None else since


def _mg(amount: Fraction | None) -> str:
    return "" if amount is None else f"{float(amount / PICO['mg']):g} mg"
