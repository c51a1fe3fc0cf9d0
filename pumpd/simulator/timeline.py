"""What happens in a simulated ward, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pumpd.core.telemetry import PumpAlarm
from pumpd.fields import Flag, Flow, Millilitres, Number, TopicId, Whole, refused
from pumpd.protocols.registers_fields import Word
from pumpd.simulator.faults import FaultKind

KEYS: tuple[str, ...] = (
    *("start", "stop", "clear", "standby", "prime", "flush"),
    *("switch-off", "switch-on", "open-door", "close-door", "reset-counter", "lock", "unlock"),
)
"""Keys that a person presses at a pump."""
WORLD: tuple[str, ...] = (
    *("block", "unblock", "block-inlet", "unblock-inlet", "disconnect", "connect"),
    *("mains-off", "mains-on", "end-free-flow", "fail-self-test"),
)
"""What the world around it does."""
TAKES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*KEYS, *WORLD), ()),
    "set-rate": ("rate",),
    "bolus": ("volume",),
    "square-bolus": ("volume", "over_s"),
    "programme": ("volume",),
    "change-reservoir": ("volume",),
    "air": ("volume",),
    "step-back": ("volume",),
    "free-flow": ("rate",),
    "alarm": ("alarm",),
    "unnamed-alarm": ("bit",),
    "show": ("path", "words"),
    "show-again": ("path",),
    "fault": ("kind",),
    "end-faults": (),
    "unplug": (),
    "plug": (),
}
"""Each action of a timeline and the keys that it needs."""
MAY_TAKE: dict[str, tuple[str, ...]] = {
    "fault": ("for_s", "share", "delay_ms", "exception_code", "whole_line")
}
_ACTIONS = tuple(TAKES)
LATEST_S = 366 * 86_400
"""A loop's clock does not reach every number; no ward is watched for a year."""


class WardPart(BaseModel):
    """A part of a ward file: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, arbitrary_types_allowed=True
    )


class TimelineEvent(WardPart):
    """One thing that happens."""

    at_s: Number = Field(ge=0, le=LATEST_S)
    """Seconds after the ward opened."""
    pump: TopicId
    """To which pump; line faults befall its line."""
    channel: str = "1"
    """To which channel."""
    action: str
    """What happens."""
    rate: Flow | None = None
    """For set-rate and free-flow, such as 60 mL/h."""
    volume: Millilitres | None = None
    """For a bolus, programme, change-reservoir, air and step-back, such as 50 mL; 0.05 mL is 50 uL of air."""
    over_s: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """For square-bolus: in how many seconds."""
    alarm: PumpAlarm | None = None
    """For alarm: which one."""
    bit: Whole | None = Field(default=None, ge=0, le=31)
    """For unnamed-alarm: which bit."""
    path: str | None = None
    """For show: a place of the map, such as channels.1.status."""
    words: tuple[Word, ...] | None = None
    """For show: the raw registers shown instead of the pump's own."""
    kind: FaultKind | None = None
    """For fault: which one."""
    for_s: Annotated[float, Field(gt=0)] | None = None
    """For fault: how long; without it for ever."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """For fault: the share of replies that it hits."""
    delay_ms: Annotated[float, Field(ge=0)] | None = None
    """For fault delay and duplicate: how late, in milliseconds."""
    exception_code: Annotated[int, Field(ge=1, le=255)] | None = None
    """For fault exception: which code."""
    whole_line: Flag | None = None
    """For fault: true when it befalls every pump of the line."""

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TAKES:
            raise refused(f"there is no action '{value}'", ", ".join(_ACTIONS), "write one of these")
        return value

    @model_validator(mode="after")
    def _complete(self) -> TimelineEvent:
        given = self.model_fields_set - {"at_s", "pump", "channel", "action"}
        needed = set(TAKES[self.action])
        spare = given - needed - set(MAY_TAKE.get(self.action, ()))
        if needed - given or spare:
            allowed = ", ".join([*TAKES[self.action], *MAY_TAKE.get(self.action, ())]) or "nothing more"
            missing, more = ", ".join(sorted(needed - given)), ", ".join(sorted(spare))
            what = f"{missing} is missing" if missing else f"it does not take {more}"
            remedy = f"give {missing}, too" if missing else f"leave {more} out"
            raise refused(f"{self.action}: {what}", allowed, remedy)
        return self
