"""Where a person said that a pump is, since the configuration was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seat:
    """The port and the bed of one pump."""

    url: str
    """Of the port, as the configuration writes it at some pump."""
    bed: str
    ward: str
