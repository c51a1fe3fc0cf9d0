"""What turns a motor's movement into fluid: free play, rubber, sticking, pulsation, bias, a line that gives.

Every relation is between volumes, not between times, and a function of how far the motor has turned. So a
slow pump starts up slowly all by itself, and cutting time differently can change nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from pumpd.core.quantities import NL_PER_ML, NS_PER_S

_PPM = 1_000_000


class MechanismKind(Enum):
    """What moves the fluid."""

    IDEAL = "ideal"
    """What the motor moves is what flows."""
    SYRINGE = "syringe"
    """A screw pushes the plunger of a syringe."""
    VOLUMETRIC = "volumetric"
    """Fingers or rollers squeeze a tube that hangs from a bag or bottle."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What a pump's mechanism and its line are like; it does not change while the pump runs."""

    kind: MechanismKind = MechanismKind.IDEAL
    bias_ppm: int = 0
    """How much more flows than was set, in the mean."""
    revolution_nl: int = 0
    """What one revolution moves; 0: no pulsation."""
    pulsation_permille: int = 0
    """Depth: the flow swings by so much around its mean in each revolution; below 1000."""
    phase_nl: int = 0
    """Where in its revolution the mechanism stands at the beginning."""
    slip_nl: int = 1
    """It moves in slips of this size: motor steps, or a plunger that sticks."""
    slack_nl: int = 0
    """Free play that the motor runs through after a syringe was put in, before anything flows."""
    soft_nl: int = 0
    """How much the rubber gives: beyond the free play the flow comes near its mean as exp(-volume/soft)."""
    restart_slack_nl: int = 0
    """Free play after each standstill."""
    restart_soft_permille: int = 0
    """How much of the rubber's giving comes back after each standstill."""
    resting_pa: int = 2000
    pa_per_ml_h: int = 30
    """Back pressure of cannula and line."""
    pa_per_ul: int = 1000
    """How stiff a blocked line is, with what hangs on it: the inverse of its compliance."""
    release_ns: int = 0
    """Time constant with which a line lets go what it holds, once it is free; 0: at once."""
    upstream_nl: int = 100_000
    """What the motor moves over a blocked inlet until the pump notices."""
    air_limit_nl: int = 0
    """A single bubble of this size stops the pump; 0: no detector."""
    holds_nl: int = 0
    """The most that its reservoir can hold; 0: a bag of any size."""

    def __post_init__(self) -> None:
        if not 0 <= self.pulsation_permille < 1000 or self.slip_nl < 1 or self.pa_per_ul < 1:
            raise ValueError("pulsation 0 to 999 permille, slip from 1 nL, stiffness from 1 Pa/uL")

    @property
    def plain(self) -> bool:
        """True when fluid moves just as the motor does."""
        return not (self.bias_ppm or self.pulsation_permille or self.slack_nl or self.restart_slack_nl) and (
            self.slip_nl == 1 and not self.soft_nl
        )

    @property
    def compliance_nl_per_kpa(self) -> float:
        """How much a blocked line swallows for each kilopascal."""
        return NL_PER_ML / self.pa_per_ul

    def swept_nl(self, moved_nl: int) -> int:
        """Return what the mechanism has swept when the motor has moved ``moved_nl`` since it was made."""
        slipped_nl = moved_nl - moved_nl % self.slip_nl
        swept_nl = slipped_nl + slipped_nl * self.bias_ppm // _PPM
        if not self.revolution_nl:
            return swept_nl
        return swept_nl + round(self._wave_nl(slipped_nl + self.phase_nl) - self._wave_nl(self.phase_nl))

    def _wave_nl(self, moved_nl: int) -> float:
        """Return the integral of depth x sin over the revolution."""
        radius_nl = self.revolution_nl / math.tau
        angle = moved_nl % self.revolution_nl / radius_nl
        return -self.pulsation_permille / 1000 * radius_nl * math.cos(angle)


IDEAL = Mechanism()

_BARREL_MM = {10: 14.5, 20: 19.0, 30: 21.5, 50: 26.5}
"""Inner diameters of common plastic syringes, to half a millimetre: a scale, no maker's figure."""
SYRINGE_SIZES_ML = tuple(_BARREL_MM)


def syringe(size_ml: int = 50, bias_ppm: int = 8_000, phase_nl: int = 0) -> Mechanism:
    """Return a pump with a syringe of 10, 20, 30 or 50 mL, filled to a fifth above that at most.

    Made to lie within what was measured: free play and rubber as in Neff 2001, the alarm on a blocked line as
    in Doenmez 2005, accuracy within 2 % (Perfusor compact, instructions for use); docs/physics.md shows it.
    A plunger of a smaller area makes less of the same free play: all volumes go with the area.
    """
    share = (_BARREL_MM[size_ml] / _BARREL_MM[50]) ** 2
    return Mechanism(
        kind=MechanismKind.SYRINGE,
        bias_ppm=bias_ppm,
        revolution_nl=round(555_000 * share),
        pulsation_permille=30,
        phase_nl=phase_nl,
        slip_nl=max(1, round(2_000 * share)),
        slack_nl=round(200_000 * share),
        soft_nl=round(56_000 * share),
        restart_slack_nl=round(10_000 * share),
        restart_soft_permille=430,
        pa_per_ul=round(100 / share),
        release_ns=2 * NS_PER_S,
        holds_nl=size_ml * NL_PER_ML * 6 // 5,
    )


def volumetric(bias_ppm: int = -12_000, phase_nl: int = 0) -> Mechanism:
    """Return a volumetric pump: strong pulsation, a stiff line, an air detector, accuracy within 5 %.

    The accuracy is the Infusomat Space's (instructions for use); a bubble of 0.2 mL stops it (GIP 1.9.1).
    """
    return Mechanism(
        kind=MechanismKind.VOLUMETRIC,
        bias_ppm=bias_ppm,
        revolution_nl=250_000,
        pulsation_permille=300,
        phase_nl=phase_nl,
        slip_nl=1_000,
        restart_slack_nl=2_000,
        restart_soft_permille=0,
        soft_nl=0,
        pa_per_ul=400,
        release_ns=NS_PER_S,
        air_limit_nl=200_000,
    )
