"""What a reading adds to an infusion is held against the step of the pump's own counter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pumpd.core import infusion_seen
from pumpd.core.infusion_due import with_bounds
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.state import Ordered
from pumpd.core.telemetry import Measured, missing
from pumpd.core.total_dose import DoseAccount
from tests.core.infusion_scene import FULL_ENTRY, PATIENT, PROGRAMME, infusion
from tests.core.situations import SETUP, Bedside

TICK_NL = 10_000


@pytest.mark.requirement("DELIVERY-4")
@pytest.mark.parametrize(("volume", "step_nl"), [(Measured.valid(Volume(0)), TICK_NL), (missing(), 0)])
def test_the_step_is_that_of_the_counter_and_0_while_nothing_was_counted(
    monkeypatch: pytest.MonkeyPatch, volume: Measured[Volume], step_nl: int
) -> None:
    """The declared step from the first count on; without a count there is no step."""
    steps: list[object] = []
    advanced: Callable[..., InfusionWatch] = infusion_seen.advanced

    def noted(*given: object) -> InfusionWatch:
        steps.append(given[-1])
        return advanced(*given)

    monkeypatch.setattr(infusion_seen, "advanced", noted)
    setup = replace(SETUP, programme=PROGRAMME, flow_step=FlowRate(100_000), counter_step=Volume(TICK_NL))
    bed = Bedside(setup)
    dose = PatientDose(PATIENT, "ketamine", DoseAccount(24 * NS_PER_H))
    bed.give(Ordered(setup, with_bounds(InfusionWatch(infusion(FULL_ENTRY), bed.now_ns, dose)), afresh=True))
    for _ in range(3):
        bed.now_ns += NS_PER_S
        bed.read("10", volume=volume)
    assert steps == [step_nl] * 3
