"""The part of ``pumpd.yaml`` about alarms: how long they may be quieted, and who is called."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pumpd.config_section import Section
from pumpd.core.climb import EscalationPlan
from pumpd.core.floods import BEGINS_OVER
from pumpd.core.inactivation import (
    HIGH_AUDIO_PAUSE_S,
    LONGEST_AUDIO_PAUSE_S,
    LONGEST_SHELF_S,
    InactivationLimits,
)
from pumpd.fields import Flag, Whole, refused

_NEEDS: dict[str, tuple[str, ...]] = {
    "smtp": ("host", "sender", "to"),
    "webhook": ("url",),
    "syslog": ("address",),
    "command": ("command",),
}
_MAY: dict[str, tuple[str, ...]] = {
    "smtp": ("port", "tls", "username", "secret_file", "ca_file"),
    "webhook": ("secret_file", "ca_file"),
    "syslog": (),
    "command": (),
}


class ContactSection(Section):
    """A named person, and the channel by which to reach them."""

    name: str = Field(
        min_length=1, max_length=64, description="who it is, as steps name them", examples=["charge nurse"]
    )
    kind: Literal["smtp", "webhook", "syslog", "command"] = Field(
        description="smtp, webhook, syslog or command", examples=["smtp"]
    )
    host: str = Field(default="", max_length=253, description="smtp: the mail server", examples=["127.0.0.1"])
    port: Whole = Field(default=25, ge=1, le=65535, description="smtp: its port, 1 to 65535", examples=[25])
    tls: Literal["none", "starttls", "tls"] = Field(
        default="none", description="smtp: none, starttls or tls", examples=["starttls"]
    )
    sender: str = Field(
        default="", max_length=254, description="smtp: whom it comes from", examples=["pumpd@ward-a.invalid"]
    )
    to: str = Field(
        default="", max_length=254, description="smtp: whom it goes to", examples=["nurse@ward-a.invalid"]
    )
    username: str = Field(default="", description="smtp: the account; empty for none", examples=["pumpd"])
    secret_file: str = Field(
        default="",
        description="a file with the password or token, readable by its owner only; relative to this file",
        examples=["mail-password"],
    )
    ca_file: str = Field(
        default="",
        description="smtp, webhook: a PEM file with the certificates that are trusted, relative to this file;"
        " empty for those of this machine",
        examples=["hospital-ca.pem"],
    )
    url: str = Field(
        default="",
        pattern=r"^(https?://[^\s]+)?$",
        description="webhook: where to POST, such as https://pager.invalid/pumpd",
        examples=["https://pager.invalid/pumpd"],
    )
    address: str = Field(
        default="",
        pattern=r"^(/[^\x00]{1,107}|\[?[A-Za-z0-9.:-]{1,253}\]?:[0-9]{1,5})?$",
        description="syslog: the path of its socket, or host:port for UDP",
        examples=["/dev/log"],
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="command: the program's absolute path and its arguments, as a list",
        examples=["[/usr/local/bin/page, ward-a]"],
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = self.model_fields_set - {"name", "kind"}
        missing = [key for key in _NEEDS[self.kind] if not getattr(self, key)]
        spare = sorted(given - {*_NEEDS[self.kind], *_MAY[self.kind]})
        if missing or spare:
            said = f"is missing {', '.join(missing)}" if missing else f"takes no {', '.join(spare)}"
            takes = ", ".join([*_NEEDS[self.kind], *_MAY[self.kind]])
            raise refused(f"{self.name}: {self.kind} {said}", takes, "give what this kind of channel needs")
        if self.command and not self.command[0].startswith("/"):
            raise refused(f"{self.command[0]} is no absolute path", "an absolute path", "write it whole")
        return self


class EscalationSection(Section):
    """Who is called when nobody says "I have it"."""

    high_after_s: Whole = Field(
        default=60,
        ge=10,
        le=600,
        description="seconds from one step to the next for HIGH, 10 to 600",
        examples=[60],
    )
    medium_after_s: Whole = Field(
        default=300,
        ge=30,
        le=3600,
        description="seconds from one step to the next for MEDIUM, 30 to 3600",
        examples=[300],
    )
    steps: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="one list of contacts a step, in order",
        examples=["[[charge nurse], [doctor on call]]"],
    )
    engineer_steps: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="the same for what only an engineer acts on",
        examples=["[[engineer]]"],
    )
    flood_over: Whole = Field(
        default=BEGINS_OVER,
        ge=5,
        le=1000,
        description="new alarms in 10 minutes above which contacts get one summary, 5 to 1000",
        examples=[10],
    )
    show_label: Flag = Field(
        default=False, description="true to send the patient label, too", examples=["false"]
    )

    def plan(self) -> EscalationPlan:
        """Return it as the core's value."""
        return EscalationPlan(self.steps, self.engineer_steps, self.high_after_s, self.medium_after_s)


class AlarmsSection(Section):
    """How long alarms may be quieted, and who is called."""

    audio_pause_s: Whole = Field(
        default=HIGH_AUDIO_PAUSE_S,
        ge=1,
        le=LONGEST_AUDIO_PAUSE_S,
        description="the longest audio pause in seconds, 1 to 600; of a HIGH alarm never more than 120",
        examples=[120],
    )
    shelf_min: Whole = Field(
        default=60,
        ge=1,
        le=LONGEST_SHELF_S // 60,
        description="the longest time in minutes that a LOW or MEDIUM alarm may be put off, 1 to 480",
        examples=[60],
    )
    contacts: Annotated[tuple[ContactSection, ...], Field(description="who can be called")] = ()
    escalation: EscalationSection = Field(
        default_factory=EscalationSection, description="who is called, and when"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [contact.name for contact in self.contacts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise refused(f"two contacts are called {twice[0]}", "names that are unique", "rename one")
        steps = (*self.escalation.steps, *self.escalation.engineer_steps)
        for name in (name for step in steps for name in step):
            if name not in names:
                known = ", ".join(names) or "none yet"
                raise refused(
                    f"there is no contact '{name}'", known, "name a contact, or add it under contacts"
                )
        if not all(steps):
            raise refused("a step without contacts", "one contact or more", "name one, or remove the step")
        return self

    def inactivation(self) -> InactivationLimits:
        """Return how long alarms may be quieted as the core's value."""
        return InactivationLimits(self.audio_pause_s, self.shelf_min * 60)
