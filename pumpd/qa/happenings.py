"""What happens in a scenario besides what a simulated ward knows: daemon, broker, stores, clock, people."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    ObservePayload,
    SwapPayload,
    TransferPayload,
)
from pumpd.contract.parts import CommandPayload
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.core.conditions import ConditionId
from pumpd.fields import Number, TopicId, refused
from pumpd.simulator.timeline import TAKES as AT_PUMP
from pumpd.simulator.timeline import TimelineEvent, WardPart

TYPED: dict[str, tuple[str, type[CommandPayload]]] = {
    "begin": ("begin", BeginPayload),
    "change": ("change", ChangePayload),
    "observe": ("observe", ObservePayload),
    "end": ("end", EndPayload),
    "transfer": ("transfer", TransferPayload),
    "swap-infusion": ("swap", SwapPayload),
    "exchange-ports": ("exchange-ports", ExchangePortsPayload),
}
"""What a person at a dashboard may ask with values of her own -> the command for it and its payload."""
_BY_THE_DESK = {
    "id": "qa-request",
    "dashboard": "qa",
    "user": "qa",
    "role": "nurse",
    "boot_id": "",
    "expires_ms": 0,
    "pump": "",
    "channel": "",
    "infusion": "",
    "version": 1,
}
"""What a page adds to what was typed."""
TAKES: dict[str, tuple[str, ...]] = {
    "swap": ("pump", "serial_number"),
    "reboot": ("pump", "for_s"),
    "broker-down": (),
    "broker-up": (),
    "broker-empty": (),
    "broker-freeze": (),
    "broker-thaw": (),
    "network-down": (),
    "network-up": (),
    "journal-fail": (),
    "journal-slow": ("commit_after_s",),
    "journal-well": (),
    "damage-record": ("pump",),
    "history-fail": (),
    "history-well": (),
    "kill-daemon": (),
    "start-daemon": (),
    "restart-daemon": (),
    "replace-library": ("library",),
    "step-clock": ("step_s",),
    "lose-time-server": (),
    "find-time-server": (),
    "fill-disk": (),
    "empty-disk": (),
    "certificate-holds": ("for_s",),
    "renew-certificate": (),
    "acknowledge": ("alarm", "by"),
    "pause-audio": ("alarm", "by", "for_s"),
    "resume-audio": ("alarm", "by"),
    "shelve": ("alarm", "by", "for_s"),
    "unshelve": ("alarm", "by"),
    "accept": ("pump", "alarm", "by"),
    "pause-pump": ("pump", "by"),
    "off-line": ("pump", "by", "for_s"),
    **dict.fromkeys(TYPED, ("pump", "by", "typed")),
}
"""Each action that is no simulated pump's own, and the keys that it needs."""
MAY_TAKE: dict[str, tuple[str, ...]] = {
    "damage-record": ("channel",),
    "acknowledge": ("pump", "channel", "name", "revisions_ago"),
    "pause-audio": ("pump", "channel", "name", "revisions_ago"),
    "resume-audio": ("pump", "channel", "name"),
    "shelve": ("pump", "channel", "name", "revisions_ago"),
    "unshelve": ("pump", "channel", "name"),
    "accept": ("channel", "name", "revisions_ago"),
    "pause-pump": ("channel", "name"),
    "off-line": ("channel", "name"),
    **dict.fromkeys(TYPED, ("channel", "name")),
}


def known_condition(value: str) -> str:
    """Return ``value`` when the catalogue has such a condition; refused otherwise."""
    known = [condition.value for condition in ConditionId]
    if value not in known:
        raise refused(f"there is no alarm '{value}'", ", ".join(known), "write one of these")
    return value


class SiteEvent(WardPart):
    """One thing that happens to the daemon, its surroundings or its people."""

    at_s: Number = Field(ge=0)
    """Seconds after the daemon was started."""
    action: str
    """What happens."""
    pump: TopicId | None = None
    """Which pump; what is asked of an alarm without it is asked of the node's."""
    channel: str = "1"
    """Which channel."""
    serial_number: Annotated[str, Field(pattern=r"^SIM-[A-Za-z0-9-]{1,60}$")] | None = None
    """For swap: of the pump that stands there now, such as SIM-9001; it is stopped and set to nothing."""
    for_s: Annotated[float, Field(gt=0)] | None = None
    """For off-line, pause-audio and shelve: for how long.

    For reboot: how long it is off; it comes back stopped, with its counter at 0 and its rate kept.
    """
    commit_after_s: Annotated[float, Field(gt=0)] | None = None
    """For journal-slow: how long each write takes."""
    step_s: Number | None = None
    """For step-clock: by how much somebody sets the time of day; negative sets it back."""
    library: Annotated[str, Field(min_length=1)] | None = None
    """For replace-library: the file of the one that the daemon finds when it starts next."""
    alarm: str | None = None
    """For what is asked of an alarm: which one."""
    by: Annotated[str, Field(min_length=1)] | None = None
    """For all that a person asks: who does."""
    typed: dict[str, Any] | None = None
    """For what is asked of an infusion or a port: what was typed, with the keys of the command."""
    name: str | None = None
    """What a check calls this request."""
    revisions_ago: Annotated[int, Field(strict=True, ge=0)] | None = None
    """Name an older revision of the alarm, as a page does that has not seen the newest one."""

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TAKES:
            known = ", ".join([*AT_PUMP, *TAKES])
            raise refused(f"there is no action '{value}'", known, "write one of these")
        return value

    @field_validator("alarm")
    @classmethod
    def _known_alarm(cls, value: str | None) -> str | None:
        return value if value is None else known_condition(value)

    @model_validator(mode="after")
    def _complete(self) -> SiteEvent:
        exactly(self, self.action, TAKES, MAY_TAKE, {"at_s", "action"})
        if self.typed is not None:
            _can_be_sent(self.action, self.typed)
        return self


def _can_be_sent(action: str, typed: dict[str, Any]) -> None:
    """Refuse what no page could send: keys that the command does not have, values that it does not take."""
    payload = TYPED[action][1]
    keys = ", ".join(key for key in payload.model_fields if key not in {"v", "advisory", *_BY_THE_DESK})
    spare = ", ".join(sorted(set(typed) - set(payload.model_fields)))
    if spare:
        raise refused(f"{action}: nobody can type {spare}", keys, "write these keys")
    try:
        payload.model_validate(_BY_THE_DESK | typed)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in found["loc"]) or "typed"
        raise refused(f"{action}: {where}: {found['msg']}", keys, "write it as a page sends it") from None


def exactly(
    given: WardPart,
    what: str,
    needed: dict[str, tuple[str, ...]],
    allowed: dict[str, tuple[str, ...]],
    always: set[str],
) -> None:
    """Refuse ``given`` unless it has the keys that ``what`` needs and no others than it may have."""
    keys = given.model_fields_set - always
    missing = set(needed[what]) - keys
    spare = keys - set(needed[what]) - set(allowed.get(what, ()))
    if missing or spare:
        said = (
            f"is missing {', '.join(sorted(missing))}" if missing else f"takes no {', '.join(sorted(spare))}"
        )
        takes = ", ".join([*needed[what], *allowed.get(what, ())]) or "nothing more"
        raise refused(f"{what}: it {said}", takes, "give exactly what it needs")


def _kind(value: Any) -> str:
    action = value.get("action") if isinstance(value, dict) else getattr(value, "action", None)
    return "at-pump" if action in AT_PUMP else "at-site"


Happening = Annotated[
    Annotated[TimelineEvent, Tag("at-pump")] | Annotated[SiteEvent, Tag("at-site")], Discriminator(_kind)
]
"""One line of a scenario's timeline."""
