"""What every payload and every command has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pumpd.contract.roles import Role


class Payload(BaseModel):
    """What every payload has; readers pass over keys they do not know, so that minor additions are safe."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    v: Literal[1] = 1
    advisory: Literal[True] = True


class Part(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class HistoryPart(Part):
    """How the way to the history database is."""

    waiting: int
    """Readings that are not stored yet."""
    dropped: int
    """Readings that were given up since the start."""
    left_h: int | None = None
    """Whole hours that readings can still wait at the present rate; null where they wait in memory alone."""


_UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
"""Control characters, what turns the direction of writing, and what takes no room."""
SAID = f"^[^{_UNSEEN}]*$"
Said = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAID)]
"""What a person typed: no characters that nobody sees, and blanks around it do not count."""


def why(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, one of pydantic's ``errors()``, in words for who typed it."""
    unseen = problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] == SAID
    return "it holds a character that nobody sees: type it anew" if unseen else problem["msg"]


class CommandPayload(Payload):
    """``node/{node}/command/{verb}``: a request to the daemon; never retained."""

    id: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    """Chosen by the sender, unique for ever; sent again, it gets the same answer and has no second effect."""
    dashboard: Said = Field(min_length=1, max_length=64)
    user: Said = Field(min_length=1, max_length=64)
    """Who asks, by name."""
    role: Role
    """What that person is; the daemon knows who may ask for what."""
    wards: list[Said] = Field(default_factory=list, max_length=256)
    """The wards that person may act in; empty: every one."""
    boot_id: str = Field(max_length=64)
    """The boot id of the node that the sender saw."""
    expires_ms: int = Field(ge=0, lt=2**63)
    """On the node's monotonic clock, from the ``sent_ms`` the sender saw; at most 10 s ahead."""
