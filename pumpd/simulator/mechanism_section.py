"""What a ward file says about a pump's mechanism and traits, made into a ``PumpTraits``."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from pumpd.core.quantities import NS_PER_H, NS_PER_S
from pumpd.fields import Flow, Millilitres, Number, Whole, refused
from pumpd.simulator.mechanism import IDEAL, SYRINGE_SIZES_ML, Mechanism, MechanismKind, syringe, volumetric
from pumpd.simulator.power import BatteryTraits
from pumpd.simulator.timeline import WardPart
from pumpd.simulator.traits import OcclusionTraits, PumpTraits

_DRAWN_BIAS_PPM = {
    MechanismKind.IDEAL: 0,
    MechanismKind.SYRINGE: 10_000,
    MechanismKind.VOLUMETRIC: 25_000,
}
"""Half of what such a pump may be wrong by: 2 % (Perfusor compact) and 5 % (Infusomat Space)."""
_AS_MADE = PumpTraits()
Percent = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class MechanismSection(WardPart):
    """What moves the fluid of one channel. What is left out is as docs/physics.md says."""

    kind: MechanismKind
    """ideal, syringe or volumetric."""
    syringe_ml: Whole = 50
    """Which syringe: 10, 20, 30 or 50."""
    bias_percent: Percent | None = Field(default=None, ge=-50, le=50)
    """How much more flows than is set, -50 to 50; without it, drawn from the ward's seed."""
    pulsation_percent: Percent | None = Field(default=None, ge=0, lt=100)
    """How deep the flow swings in each revolution, 0 to below 100."""
    revolution: Millilitres | None = None
    """What one revolution moves, such as 0.25 mL."""
    slack: Millilitres | None = None
    """Free play after a syringe was put in, such as 0.2 mL."""
    slip: Millilitres | None = None
    """It moves in slips of this size, such as 0.002 mL."""
    compliance_ul_per_kpa: Annotated[float, Field(gt=0, le=1000)] | None = None
    """How much a blocked line swallows, above 0, up to 1000."""
    air_limit: Millilitres | None = None
    """The bubble that the detector stops at, such as 0.2 mL; volumetric pumps have one."""
    occlusion_kpa: Annotated[float, Field(ge=5, le=300)] = 100.0
    """The pressure at which the pump stops, 5 to 300."""
    restarts: Whole = Field(default=0, ge=0, le=9)
    """How often in ten minutes it starts again by itself after a blocked line came free, 0 to 9."""
    relief_left: Millilitres | None = None
    """On an occlusion alarm it draws back all but this, such as 0.05 mL; without it nothing."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> MechanismSection:
        if self.syringe_ml not in SYRINGE_SIZES_ML:
            sizes = ", ".join(map(str, SYRINGE_SIZES_ML))
            raise refused(f"there is no syringe of {self.syringe_ml} mL here", sizes, "write one of these")
        given = self.model_fields_set
        if self.kind is not MechanismKind.SYRINGE and "syringe_ml" in given:
            raise refused(f"a {self.kind.value} pump has no syringe", "kind: syringe", "leave syringe_ml out")
        if self.kind is MechanismKind.SYRINGE and "air_limit" in given:
            raise refused("a syringe pump has no air detector", "kind: volumetric", "leave air_limit out")
        if (self.pulsation_percent or 0) > 0 and self.kind is MechanismKind.IDEAL and self.revolution is None:
            raise refused("nobody says how long a revolution is", "revolution", "add revolution: 0.25 mL")
        return self

    def made(self, seeded: random.Random) -> Mechanism:
        """Return the mechanism; ``seeded`` draws where it stands, and its bias where none is given."""
        phase, drawn_ppm = seeded.random(), _DRAWN_BIAS_PPM[self.kind]
        bias_ppm = round(drawn_ppm * (2 * seeded.random() - 1))
        if self.bias_percent is not None:
            bias_ppm = round(self.bias_percent * 10_000)
        if self.kind is MechanismKind.SYRINGE:
            base = syringe(self.syringe_ml, bias_ppm)
        elif self.kind is MechanismKind.VOLUMETRIC:
            base = volumetric(bias_ppm)
        else:
            base = replace(IDEAL, bias_ppm=bias_ppm)
        changes: dict[str, Any] = {
            "pulsation_permille": self.pulsation_percent and int(10 * self.pulsation_percent),
            "revolution_nl": self.revolution and self.revolution.nl,
            "slack_nl": self.slack and self.slack.nl,
            "slip_nl": self.slip and self.slip.nl,
            "air_limit_nl": self.air_limit and self.air_limit.nl,
            "pa_per_ul": self.compliance_ul_per_kpa and max(1, round(1000 / self.compliance_ul_per_kpa)),
        }
        mechanism = replace(base, **{name: value for name, value in changes.items() if value is not None})
        return replace(mechanism, phase_nl=int(phase * mechanism.revolution_nl))

    def occlusion(self) -> OcclusionTraits:
        """Return what the pump does about a blocked line."""
        left_nl = self.relief_left.nl if self.relief_left else None
        return OcclusionTraits(round(1000 * self.occlusion_kpa), self.restarts, relief_left_nl=left_nl)


class TraitsSection(WardPart):
    """How one channel behaves. What is left out is as docs/physics.md says."""

    highest_rate: Flow | None = None
    """What it can be set to, such as 1200 mL/h."""
    kvo: Flow | None = None
    """The flow that keeps the vein open; 0 mL/h stops at the end instead."""
    bolus_rate: Flow | None = None
    """Such as 200 mL/h."""
    prime_rate: Flow | None = None
    """Such as 300 mL/h."""
    near_end: Millilitres | None = None
    """What is left when "near end" begins."""
    counter_step: Millilitres | None = None
    """The counter shows whole steps, such as 0.1 mL."""
    display_step: Flow | None = None
    """The flow on the display shows whole steps, such as 0.1 mL/h."""
    clock_ppm: Whole = Field(default=0, ge=-100_000, le=100_000)
    """How much too fast its own clock goes, -100000 to 100000 millionths."""
    battery_life_h: Annotated[float, Field(gt=0, le=1000)] = 4.0
    """How long a full battery runs the motor, above 0, up to 1000."""
    battery_idle_percent: Whole = Field(default=100, ge=0, le=100)
    """What it gives while nothing flows, of what it gives otherwise, 0 to 100."""
    battery_curve: tuple[tuple[int, int], ...] = ((0, 0), (100, 100))
    """Charge and what is shown for it, in percent, rising from [0, 0] to [100, 100]."""
    dies_after_min: Number = Field(default=0, ge=0, le=1440)
    """How long after "battery depleted" it still answers, off mains, 0 to 1440; 0: for ever."""
    self_test_s: Number = Field(default=0, ge=0, le=600)
    """How long the test after switching on takes, 0 to 600."""
    memory_h: Number = Field(default=4, ge=0, le=10_000)
    """How long settings and counters outlast a switch-off, 0 to 10000."""

    @model_validator(mode="after")
    def _battery_can_be(self) -> TraitsSection:
        try:
            self.battery()
        except ValueError as error:
            raise refused(str(error), "[[0, 0], [50, 80], [100, 100]]", "let both rise") from None
        return self

    def battery(self) -> BatteryTraits:
        """Return what its battery is like."""
        life_ns = round(self.battery_life_h * NS_PER_H)
        return BatteryTraits(life_ns, self.battery_idle_percent, curve=self.battery_curve)

    def made(self) -> PumpTraits:
        """Return the traits, with an ideal mechanism."""
        flows = {
            "highest_rate_nl_h": self.highest_rate,
            "kvo_nl_h": self.kvo,
            "bolus_nl_h": self.bolus_rate,
            "prime_nl_h": self.prime_rate,
            "display_step_nl_h": self.display_step
            if self.display_step and self.display_step.nl_per_h
            else None,
        }
        volumes = {"near_end_nl": self.near_end, "counter_step_nl": self.counter_step}
        changes: dict[str, Any] = {name: flow.nl_per_h for name, flow in flows.items() if flow is not None}
        changes |= {name: volume.nl for name, volume in volumes.items() if volume is not None}
        return replace(
            _AS_MADE,
            battery=self.battery(),
            clock_ppm=self.clock_ppm,
            dies_after_ns=round(self.dies_after_min * 60 * NS_PER_S),
            self_test_ns=round(self.self_test_s * NS_PER_S),
            memory_ns=round(self.memory_h * NS_PER_H),
            **changes,
        )


def made_traits(mechanism: MechanismSection | None, traits: TraitsSection, seed: str) -> PumpTraits:
    """Return what the sections say; the same ``seed`` draws the same pump, in every process."""
    made = traits.made()
    if mechanism is None:
        return made
    seeded = random.Random(seed)  # noqa: S311 - a simulation is to be repeated, not secret
    return replace(made, mechanism=mechanism.made(seeded), occlusion=mechanism.occlusion())
