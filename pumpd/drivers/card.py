"""What is known of a driver and how it is known: the card that stands beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pumpd.document import parse_document
from pumpd.document_check import demand
from pumpd.fields import refused

CAPABILITIES = (
    "identity",
    "status",
    "flow",
    "volume",
    "set flow",
    "volume to be infused",
    "pressure",
    "battery",
    "alarms",
    "pause",
    "lower rate",
)
"""What a driver can be asked for; a card speaks of every one of them."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CardDocument(_Part):
    """What the driver was written from."""

    title: str = Field(min_length=1)
    revision: str = Field(min_length=1)
    pages: str = Field(min_length=1)


class Capability(_Part):
    """How far one capability has come."""

    state: Literal["done", "todo", "exempt"]
    comment: str = ""

    @model_validator(mode="after")
    def _exempt_has_a_reason(self) -> Capability:
        if self.state == "exempt" and not self.comment:
            raise refused("exempt without a reason", "exempt with a comment", "say why in comment:")
        return self


class Card(_Part):
    """One driver's card."""

    driver: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    """Its name in the configuration."""
    make: str = Field(min_length=1)
    model: str = Field(min_length=1)
    register_map: str = ""
    """The register map that it reads by; empty for the driver of a framed dialect."""
    documents: tuple[CardDocument, ...] = Field(min_length=1)
    verified: Literal["none", "simulator", "transcript", "hardware"]
    """On what its readings were seen to be right."""
    firmware_seen: tuple[str, ...] = ()
    human_use: bool
    """False for laboratory pumps: a real one can not begin an infusion."""
    integrity: str = Field(min_length=1)
    """The check that the wire puts on each frame, or ``no integrity check``."""
    reply_time_ms: int = Field(ge=1, le=10_000)
    """Longest time from the end of a request to the first byte of its reply."""
    slow_reply_ms: int = Field(default=0, ge=0, le=40_000)
    """The same of a pump that may be slow beyond that, now and then or always; 0 where none may."""
    silent_s: int = Field(default=0, ge=0, le=600)
    """How long a pump that is well may answer nothing at all; its readings are not stale before then."""
    pause_proven_on: Literal["none", "simulator", "hardware"]
    """On what the pause was tried and read back; with ``none`` an engineer must sign before it is used."""
    lower_proven_on: Literal["none", "simulator", "hardware"] = "none"
    """On what lowering the rate was tried and read back; with ``none`` an engineer must sign before."""
    lower_window_ms: int | None = Field(default=None, ge=1)
    """From the rate that the pump reports to its obeying a write made because of it: measured, the longest.

    A hand that turns it further down just then is undone, up to the rate that is written.
    """
    listen_only: bool = False
    """True where another master's questions and their answers can be followed without sending anything."""
    unverified: tuple[str, ...] = ()
    """What its documents leave open or one source alone says, each in a sentence."""
    writes: tuple[str, ...]
    """Everything it ever writes, in words."""
    capabilities: dict[str, Capability]

    @property
    def checks_identity(self) -> bool:
        """False where no serial number is told: another pump of the make may stand there unseen."""
        return "identity not checked" not in self.capabilities["identity"].comment

    @model_validator(mode="after")
    def _speaks_of_everything(self) -> Card:
        missing = [name for name in CAPABILITIES if name not in self.capabilities]
        unknown = [name for name in self.capabilities if name not in CAPABILITIES]
        if missing or unknown:
            raise refused(
                f"capabilities: missing {missing}, unknown {unknown}",
                ", ".join(CAPABILITIES),
                "say done, todo or exempt of each",
            )
        lowers = self.capabilities["lower rate"].state == "done"
        if (lowers or self.capabilities["pause"].state == "done") and not self.writes:
            raise refused(
                "pause, lower rate and writes do not agree",
                "writes: lists what they send",
                "say in writes: what travels",
            )
        if self.slow_reply_ms and not self.reply_time_ms < self.slow_reply_ms <= 4 * self.reply_time_ms:
            raise refused(
                f"slow_reply_ms: {self.slow_reply_ms} beside reply_time_ms: {self.reply_time_ms}",
                "more than reply_time_ms, and up to four times as long: so long no question is repeated",
                "raise reply_time_ms",
            )
        if lowers is (self.lower_window_ms is None) or (not lowers and self.lower_proven_on != "none"):
            raise refused(
                "lower rate, lower_window_ms and lower_proven_on do not agree",
                "lower_window_ms: measured where lower rate is done, neither where it is not",
                "measure how long a hand could be undone, and say so",
            )
        return self


def load_card(text: str, file: str) -> Card:
    """Return the card in ``text``; ConfigError names every problem at once, each with its line."""
    return demand(parse_document(text.encode(), file), Card)
