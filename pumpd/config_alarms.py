"""The part of ``pumpd.yaml`` about alarms."""

from __future__ import annotations

from pydantic import Field

from pumpd.config_section import Section
from pumpd.core.inactivation import (
    HIGH_AUDIO_PAUSE_S,
    LONGEST_AUDIO_PAUSE_S,
    LONGEST_SHELF_S,
    InactivationLimits,
)
from pumpd.fields import Whole


class AlarmsSection(Section):
    """How long alarms may be quieted."""

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

    def inactivation(self) -> InactivationLimits:
        """Return it as the core's value."""
        return InactivationLimits(self.audio_pause_s, self.shelf_min * 60)
