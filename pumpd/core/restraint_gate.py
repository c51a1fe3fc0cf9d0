"""The three things that must agree before pumpd restrains a pump."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pumpd.core.drug_library import Restrain


class Enforcement(Enum):
    """What the configuration allows pumpd to do to a pump."""

    ALARM = "alarm"
    CAP = "cap"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class RestraintGate:
    """The three things that must agree before pumpd pauses a pump; see ``may_pause``."""

    enforcement: Enforcement = Enforcement.ALARM
    library_signed: bool = False
    """The library is signed for this pump's provenance."""
    library_allows: Restrain = Restrain.NONE
    pause_proven: bool = False
    """The driver's card says that pausing was tried on such a pump, or an engineer signed for it."""
    lower_proven: bool = False
    """The same of lowering its rate."""

    @property
    def may_pause(self) -> bool:
        """True when configuration, drug library and driver card all allow a pause."""
        return (
            self.enforcement is Enforcement.PAUSE
            and self.library_signed
            and self.library_allows is Restrain.PAUSE
            and self.pause_proven
        )

    @property
    def may_lower(self) -> bool:
        """True when all three allow lowering the rate; who allows a pause allows that, too."""
        asked = self.enforcement is not Enforcement.ALARM and self.library_allows is not Restrain.NONE
        return asked and self.library_signed and self.lower_proven
