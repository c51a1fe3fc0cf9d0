"""What a register that stands, a volume that stays away or a cable that is out must not hide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.alarms import AlarmChanged, AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.inactivation import TakeOffLine
from pumpd.core.infusion_begin import counted_from, no_dose_yet, watched
from pumpd.core.infusion_due import with_bounds
from pumpd.core.infusion_setup import under
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.quantities import NL_PER_ML, NS_PER_S, FlowRate, Volume
from pumpd.core.state import Acknowledge, Ordered
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests.core import infusion_scene as scene
from tests.core.situations import SETUP, Bedside

STEP_NL = 1_000
ORDERED = replace(SETUP, counter_step=Volume(STEP_NL))


class Ward:
    """One pump with a counter of its own that an infusion goes on at."""

    def __init__(self, *, begun: bool = True) -> None:
        self.bed = Bedside(ORDERED)
        self.delivered_nl = 0
        self.told: list[tuple[str, str]] = []
        if begun:
            infusion = scene.infusion()
            dose = no_dose_yet(infusion.patient, "ketamine", scene.LIBRARY)
            watch = with_bounds(watched(infusion, dose, self.bed.now_ns, new_series=False))
            self.bed.give(Ordered(under(ORDERED, watch), watch, True))

    @property
    def watch(self) -> InfusionWatch:
        """What is known of the infusion."""
        assert self.bed.state.watch is not None
        return self.bed.state.watch

    def run(
        self,
        seconds: int,
        ml_h: str,
        *,
        shown: str = "",
        counted: bool = True,
        back: bool = False,
        status: PumpStatus = PumpStatus.RUNNING,
    ) -> None:
        """Read it each second while ``ml_h`` flows and is set; ``shown`` stands on its display."""
        rate = FlowRate.parse(ml_h)
        for _ in range(seconds):
            self.bed.now_ns += NS_PER_S
            self.delivered_nl += rate.nl_per_h // 3600 * (-1 if back else 1)
            volume = Measured.valid(Volume(self.delivered_nl // STEP_NL * STEP_NL))
            self.bed.read(
                shown or ml_h,
                set_flow=Measured.valid(rate),
                volume=volume if counted else missing(),
                status=status,
            )
            for effect in self.bed.effects:
                if isinstance(effect, AlarmChanged):
                    self.told.append((effect.alarm.condition.value, effect.event.value))

    def acknowledge(self, condition: ConditionId) -> None:
        """Somebody has it."""
        alarm = self.bed.alarm(condition)
        assert alarm is not None
        self.bed.give(Acknowledge(condition, alarm.revision, "A. Nurse"))
        assert self.bed.signal(condition) is AlarmSignal.ACKNOWLEDGED


@pytest.mark.requirement("CORE-1")
@pytest.mark.parametrize(
    ("set_ml_h", "told"),
    [
        ("17.5", set()),
        ("18", {ConditionId.OVER_SOFT}),
        ("34", {ConditionId.OVER_SOFT}),
        ("36", {ConditionId.OVER_SOFT, ConditionId.OVER_HARD}),
        ("400", {ConditionId.OVER_SOFT, ConditionId.OVER_HARD, ConditionId.FLOW_CEILING}),
    ],
)
def test_a_display_that_stands_hides_no_rate(set_ml_h: str, told: set[ConditionId]) -> None:
    """Set rate and counter say what flows, and the flow that is shown stays at 10 mL/h."""
    ward = Ward(begun=False)
    ward.run(10, "10")
    ward.run(40, set_ml_h, shown="10")
    limits = {ConditionId.OVER_SOFT, ConditionId.OVER_HARD, ConditionId.FLOW_CEILING}
    # The soft maximum is not told beside the hard one.
    expected = told - {ConditionId.OVER_SOFT} if ConditionId.OVER_HARD in told else told
    assert limits & set(ward.bed.state.alarms) == expected


@pytest.mark.requirement("CORE-1")
def test_the_set_rate_of_a_pump_that_stands_is_no_flow() -> None:
    """It may be typed in while the pump stands, primes or keeps open: what flows then counts."""
    for status in (PumpStatus.PAUSED, PumpStatus.STOPPED, PumpStatus.KVO, PumpStatus.PRIMING):
        bed = Bedside(ORDERED)
        rate = Measured.valid(FlowRate.parse(400))
        bed.every_second(["0"] * 40, set_flow=rate, status=status)
        assert not {ConditionId.OVER_HARD, ConditionId.FLOW_CEILING} & set(bed.state.alarms)


@pytest.mark.requirement("TOTAL-1", "INV-3")
def test_a_volume_that_stays_away_stops_no_account() -> None:
    """It is told, what flows is credited at the rate and marked; nothing is credited twice afterwards."""
    ward = Ward()
    ward.run(60, "10.5")
    before = ward.watch
    ward.run(3600, "17.4", counted=False)
    assert ward.bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.ON
    assert (before.at_most, ward.watch.at_most) == (False, True)
    assert abs(ward.watch.given_nl - ward.delivered_nl) < NL_PER_ML // 100
    per_nl = ward.watch.infusion.programme.concentration.p_per_ml
    credited_nl = (ward.watch.dose.series_e6_p - before.dose.series_e6_p) // per_nl
    assert abs(credited_nl - 17.4 * NL_PER_ML) < NL_PER_ML // 100
    ward.run(600, "17.4")
    assert abs(ward.watch.given_nl - ward.delivered_nl) < NL_PER_ML // 100
    assert ward.bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.OFF


@pytest.mark.requirement("TOTAL-1")
def test_a_volume_that_is_missing_once_leaves_no_mark() -> None:
    """The next reading counts what flowed meanwhile: nothing is credited twice, and nothing is "up to"."""
    ward = Ward()
    for _ in range(30):
        ward.run(60, "17.4")
        ward.run(1, "17.4", counted=False)
    ward.run(60, "17.4")
    assert not ward.watch.at_most
    assert abs(ward.watch.given_nl - ward.delivered_nl) < 10 * STEP_NL
    assert ward.bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.OFF


@pytest.mark.requirement("TOTAL-1")
@pytest.mark.parametrize("known", [True, False])
def test_what_a_pump_counted_for_others_is_not_credited(known: bool) -> None:
    """Its first readings tell no volume: then it shows 60 mL, of which next to nothing is this patient's."""
    ward = Ward()
    ward.delivered_nl = 60 * NL_PER_ML
    if known:  # as the daemon does with a fresh reading of the pump
        volume = Measured.valid(Volume(ward.delivered_nl))
        last = ward.bed.reading("0", volume=volume, status=PumpStatus.STOPPED)
        ward.bed.state = replace(ward.bed.state, watch=counted_from(ward.watch, last))
    ward.run(3, "10.5", counted=False)
    ward.run(60, "10.5")
    given_nl = ward.delivered_nl - 60 * NL_PER_ML
    assert abs(ward.watch.given_nl - given_nl) < 10 * STEP_NL
    assert ConditionId.TOTAL_DOSE_HARD not in ward.bed.state.alarms


@pytest.mark.requirement("TOTAL-1")
def test_a_pump_that_stands_gives_nothing_while_its_volume_stays_away() -> None:
    """Nothing is credited for it, and a pump that never told a volume is not asked for one."""
    ward = Ward()
    ward.run(60, "10.5")
    given_nl = ward.watch.given_nl
    ward.run(2, "0", counted=False, status=PumpStatus.PAUSED)
    ward.run(600, "0", counted=False, status=PumpStatus.PAUSED)
    assert ward.watch.given_nl - given_nl < 10 * STEP_NL
    assert ward.bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.OFF
    never = Ward()
    never.run(60, "10.5", counted=False)
    assert never.bed.signal(ConditionId.INVALID_VALUE) is AlarmSignal.OFF


@pytest.mark.requirement("DELIVERY-1")
def test_a_pump_that_goes_on_backwards_is_told_while_it_does() -> None:
    """By the third reading; acknowledged, it is told again by the tenth and not by the step."""
    ward = Ward()
    ward.run(3600, "17.4")
    assert ward.bed.signal(ConditionId.REVERSE_FLOW) is AlarmSignal.OFF
    ward.run(3, "29", back=True)
    assert ward.bed.signal(ConditionId.REVERSE_FLOW) is AlarmSignal.ON
    ward.run(300, "29", back=True)
    ward.acknowledge(ConditionId.REVERSE_FLOW)
    ward.told.clear()
    ward.run(20, "29", back=True)
    assert ward.bed.signal(ConditionId.REVERSE_FLOW) is AlarmSignal.ACKNOWLEDGED
    ward.run(20, "29", back=True)
    assert ward.told.count((ConditionId.REVERSE_FLOW.value, "worsen")) == 1


@pytest.mark.requirement("INV-4", "TOTAL-1")
@pytest.mark.parametrize("condition", [ConditionId.TOTAL_DOSE_HARD, ConditionId.VOLUME_EXCEEDED])
def test_an_acknowledgement_holds_for_a_tenth_more(condition: ConditionId) -> None:
    """Too much in all goes on: whoever took it is told again, by the tenth."""
    ward = Ward()
    for _ in range(200):
        ward.run(60, "34.5")
        if ward.bed.alarm(condition):
            break
    ward.acknowledge(condition)
    ward.told.clear()
    for _ in range(30):
        ward.run(60, "34.5")
    told = ward.told.count((condition.value, "worsen"))
    assert ward.bed.signal(condition) is AlarmSignal.ON
    assert 1 <= told <= 6


@pytest.mark.requirement("INV-3")
@pytest.mark.parametrize(("begun", "priority"), [(True, AlarmPriority.MEDIUM), (False, AlarmPriority.LOW)])
def test_a_link_lost_in_the_midst_of_an_infusion_is_told_though_the_pump_stood(
    begun: bool, priority: AlarmPriority
) -> None:
    """It is about to be started again."""
    ward = Ward(begun=begun)
    ward.run(60, "10.5")
    ward.run(10, "0", status=PumpStatus.PAUSED)
    ward.bed.wait(60)
    lost = ward.bed.alarm(ConditionId.LINK_LOST)
    assert lost is not None
    assert lost.priority is priority


@pytest.mark.requirement("INV-3")
def test_a_pump_that_ran_its_infusion_is_not_put_off_the_line_unseen() -> None:
    """Nobody knows that it stands; one that stood may be, and one that carries nothing."""
    take = TakeOffLine("A. Nurse", 3600, "it goes to the workshop")
    ward = Ward()
    ward.run(60, "10.5")
    ward.bed.wait(60)
    with pytest.raises(ValueError, match="end or move"):
        ward.bed.give(take)
    ward.run(10, "0", status=PumpStatus.PAUSED)
    ward.bed.wait(60)
    ward.bed.give(take)
    assert ConditionId.OFF_LINE in ward.bed.state.alarms
    other = Ward(begun=False)
    other.run(60, "10.5")
    other.bed.wait(60)
    other.bed.give(take)
    assert ConditionId.OFF_LINE in other.bed.state.alarms
