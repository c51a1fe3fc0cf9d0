"""What goes wrong with a pump, one thing at a time, and what its counter says about it."""

from dataclasses import replace

import pytest

from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.mechanism import IDEAL, Mechanism, syringe, volumetric
from pumpd.simulator.traits import OcclusionTraits
from tests.simulator.physics_scene import running

pytestmark = pytest.mark.requirement("SIM-4")
MINUTE = 60 * NS_PER_S
STIFF = replace(IDEAL, pa_per_ul=1000, release_ns=2 * NS_PER_S)


def test_a_bias_is_the_patients_and_not_the_counters():
    """3 % more flows; the pump counts what it was set to."""
    model = running(Mechanism(bias_ppm=30_000), 60)
    model.advance(NS_PER_H)
    assert model.patient_nl == pytest.approx(1.03 * model.delivered_nl, rel=1e-6)


def test_pulsation_has_its_period_and_depth():
    """With 0.25 mL each revolution at 25 mL/h a period is 36 s; 30 % deep means 0.7 to 1.3 of the mean."""
    model = running(replace(volumetric(bias_ppm=0), slip_nl=1, restart_slack_nl=0), 25)
    model.advance(10 * MINUTE)
    flows, before_nl = [], model.patient_nl
    for _ in range(360):
        model.advance(NS_PER_S // 10)
        flows.append((model.patient_nl - before_nl) * 36_000 / NL_PER_ML)
        before_nl = model.patient_nl
    assert sum(flows) / 360 == pytest.approx(25, rel=1e-4)
    assert (min(flows), max(flows)) == pytest.approx((25 * 0.7, 25 * 1.3), rel=0.002)


def test_a_sticking_plunger_moves_in_slips():
    """At 1 mL/h and slips of 5 uL the patient gets all of it each 18 s and nothing between."""
    model = running(Mechanism(slip_nl=5_000), 1)
    gets = set()
    for _ in range(180):
        before_nl = model.patient_nl
        model.advance(NS_PER_S)
        gets.add(model.patient_nl - before_nl)
    assert gets == {0, 5_000}


def test_counter_and_display_show_whole_steps():
    """0.1 mL and 0.5 mL/h: between two steps the shown numbers stand still."""
    model = running(IDEAL, 10.7, counter_step_nl=100_000, display_step_nl_h=500_000)
    model.advance(MINUTE)
    assert model.delivered_nl == 100_000
    assert model.delivered_nl_ns_h // NS_PER_H == pytest.approx(178_333, abs=100)
    assert model.shown_flow_nl_h == 10_500_000


def test_a_freed_line_gives_what_it_held_as_a_bolus():
    """0.98 mL held by a 50 mL syringe at 100 kPa reach the patient in seconds; the counter is silent."""
    model = running(syringe(50), 5)
    model.advance(NS_PER_H)
    model.block()
    before_nl = model.patient_nl
    model.advance(20 * MINUTE)
    assert (model.status, model.patient_nl) == (PumpStatus.ALARM, before_nl)
    assert PumpAlarm.OCCLUSION in model.alarms
    counted_nl, held_nl = model.delivered_nl, model.account().line_nl
    assert held_nl == pytest.approx(980_000, rel=0.01)
    model.unblock()
    model.advance(2 * NS_PER_S)
    assert model.patient_nl - before_nl == pytest.approx(held_nl * 0.632, rel=0.01)
    model.advance(MINUTE)
    assert (model.patient_nl - before_nl, model.delivered_nl) == (held_nl, counted_nl)


def test_a_pump_that_draws_back_keeps_the_bolus_small():
    """GIP 1.10.7 allows 0.5 mL; this one leaves 0.05 mL in the line, and the rest is in the syringe again."""
    model = running(syringe(50), 5, occlusion=OcclusionTraits(relief_left_nl=50_000))
    model.block()
    model.advance(NS_PER_H)
    assert model.status is PumpStatus.ALARM
    before_nl = model.patient_nl
    model.unblock()
    model.advance(MINUTE)
    assert model.patient_nl - before_nl == 50_000


def test_it_starts_again_by_itself_as_often_as_it_may():
    """Alaris: 15 s of looking, a restart when the pressure fell below half; then the alarm."""
    model = running(STIFF, 60, occlusion=OcclusionTraits(restarts=2))
    seen = []
    for _ in range(3):
        model.block()
        model.advance(10 * NS_PER_S)
        seen.append(model.status)
        model.unblock()
        model.advance(14 * NS_PER_S)
        seen.append(model.status)
    paused, running_again = PumpStatus.PAUSED, PumpStatus.RUNNING
    assert seen == [paused, running_again, paused, running_again, PumpStatus.ALARM, PumpStatus.ALARM]
    assert PumpAlarm.OCCLUSION in model.alarms


def test_a_line_that_stays_blocked_is_told_after_the_look():
    """15 s later the pressure has not fallen: the alarm, and no restart."""
    model = running(STIFF, 60, occlusion=OcclusionTraits(restarts=9))
    model.block()
    model.advance(10 * NS_PER_S)
    assert (model.status, model.alarms) == (PumpStatus.PAUSED, set())
    model.advance(15 * NS_PER_S)
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.OCCLUSION})


@pytest.mark.requirement("INV-1")
def test_a_pause_ends_the_looking():
    """A pump that is paused while it looks does not start again by itself."""
    model = running(STIFF, 60, occlusion=OcclusionTraits(restarts=9))
    model.block()
    model.advance(10 * NS_PER_S)
    model.pause()
    model.unblock()
    model.advance(NS_PER_H)
    assert (model.status, model.flow_nl_h) == (PumpStatus.PAUSED, 0)


def test_air_stops_a_pump_that_has_a_detector_and_passes_one_that_has_none():
    """0.25 mL of air: at 0.2 mL the volumetric pump stops; a syringe pump gives it all to the patient."""
    sees, blind = running(volumetric(), 60), running(replace(syringe(50), slack_nl=0), 60)
    for model in (sees, blind):
        model.advance(5 * MINUTE)
        model.let_air_in(250_000)
        model.advance(MINUTE)
    assert (sees.status, sees.alarms) == (PumpStatus.ALARM, {PumpAlarm.AIR})
    assert sees.account().air_to_patient_nl == pytest.approx(200_000, abs=1_500)
    assert (blind.status, blind.account().air_to_patient_nl) == (PumpStatus.RUNNING, 250_000)
    sees.press_clear()
    sees.press_start()
    sees.advance(NS_PER_S)
    assert sees.status is PumpStatus.ALARM
    sees.press_clear()
    sees.prime()
    sees.advance(5 * NS_PER_S)
    sees.press_stop()
    sees.press_start()
    sees.advance(MINUTE)
    assert sees.account().air_to_patient_nl == pytest.approx(200_000, abs=2_500)
    assert sees.alarms == set()


def test_a_small_bubble_passes():
    """Below the limit nothing is told, and the patient has it."""
    model = running(volumetric(), 60)
    model.let_air_in(150_000)
    model.advance(MINUTE)
    assert (model.status, model.account().air_to_patient_nl) == (PumpStatus.RUNNING, 150_000)


def test_free_flow_empties_the_bag_behind_the_counter():
    """300 mL/h by gravity while the pump stands still; blocking the line or hanging nothing ends it."""
    model = running(volumetric(), 60)
    model.press_stop()
    counted_nl = model.delivered_nl
    model.let_run_free(300 * NL_PER_ML)
    model.advance(MINUTE)
    assert (model.patient_nl, model.delivered_nl) == (5 * NL_PER_ML, counted_nl)
    model.block()
    model.advance(MINUTE)
    assert model.patient_nl == 5 * NL_PER_ML
    model.unblock()
    model.advance(10 * NS_PER_H)
    assert (model.patient_nl, model.reservoir_left_nl) == (500 * NL_PER_ML, 0)


def test_a_step_back_takes_from_the_patient_and_the_counter():
    """0.1 mL back: blood in the line, the counter lower; never below what was given."""
    model = running(IDEAL, 60)
    model.advance(MINUTE)
    model.step_back(100_000)
    assert model.patient_nl == model.delivered_nl == pytest.approx(900_000, rel=0.01)
    model.step_back(5 * NL_PER_ML)
    assert (model.patient_nl, model.delivered_nl, model.reservoir_left_nl) == (0, 0, 500 * NL_PER_ML)


def test_a_blocked_inlet_is_told_and_gives_nothing():
    """The motor turns and the counter counts, but nothing comes, until the pump notices."""
    model = running(volumetric(), 60)
    model.advance(MINUTE)
    model.block_inlet()
    patient_nl, counted_nl = model.patient_nl, model.delivered_nl
    model.advance(MINUTE)
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.OCCLUSION_UPSTREAM})
    assert (model.patient_nl, model.delivered_nl - counted_nl) == (patient_nl, 100_000)


def test_what_is_primed_or_disconnected_is_lost_to_the_patient():
    """Priming goes into a dish, a line at nobody's arm onto the floor; the counter counts both."""
    model = running(IDEAL, 60)
    model.press_stop()
    model.prime()
    model.advance(10 * NS_PER_S)
    model.press_stop()
    primed_nl = model.delivered_nl
    assert (model.patient_nl, model.account().lost_nl) == (0, primed_nl)
    model.press_start()
    model.disconnect()
    model.advance(MINUTE)
    model.connect()
    assert (model.status, model.patient_nl) == (PumpStatus.RUNNING, 0)
    assert model.account().lost_nl == model.delivered_nl > primed_nl
    model.press_stop()
    model.flush()
    model.advance(NS_PER_S)
    assert model.patient_nl > 0


def test_a_square_bolus_is_spread_evenly_on_top_of_the_rate():
    """1 mL over 10 min on top of 10 mL/h: 16 mL/h for 10 min, then 10 again."""
    model = running(IDEAL, 10)
    model.advance(NS_PER_S)
    before_nl = model.delivered_nl
    model.give_square_bolus(NL_PER_ML, 10 * MINUTE)
    model.advance(5 * MINUTE)
    assert (model.status, model.flow_nl_h) == (PumpStatus.BOLUS, 16 * NL_PER_ML)
    model.advance(6 * MINUTE)
    assert (model.status, model.flow_nl_h) == (PumpStatus.RUNNING, 10 * NL_PER_ML)
    assert model.delivered_nl - before_nl == pytest.approx(10 * NL_PER_ML * 11 / 60 + NL_PER_ML, abs=2)


def test_a_normal_bolus_goes_before_a_square_one_and_the_square_one_goes_on():
    """GIP 1.4: the normal bolus pre-empts, the square one resumes, and all of both is given."""
    model = running(IDEAL, 10)
    model.advance(NS_PER_S)
    before_nl = model.delivered_nl
    model.give_square_bolus(NL_PER_ML, 10 * MINUTE)
    model.advance(MINUTE)
    model.give_bolus(NL_PER_ML // 2)
    model.advance(2 * NS_PER_S)
    assert model.flow_nl_h == 200 * NL_PER_ML
    model.advance(15 * NS_PER_S)
    assert (model.status, model.flow_nl_h) == (PumpStatus.BOLUS, 16 * NL_PER_ML)
    model.advance(20 * MINUTE)
    assert model.status is PumpStatus.RUNNING
    base_nl = 10 * NL_PER_ML * (21 * 60 + 17) / 3600
    assert model.delivered_nl - before_nl == pytest.approx(base_nl + 1.5 * NL_PER_ML, rel=0.01)


def test_a_square_bolus_that_is_too_fast_is_refused_aloud():
    """The combined rate stays below what the pump can do."""
    model = running(IDEAL, 1000)
    with pytest.raises(ValueError, match="allowed up to"):
        model.give_square_bolus(10 * NL_PER_ML, MINUTE)


def test_a_door_stops_the_pump_and_keeps_it_stopped():
    """Opened while running: alarm; clearing does not help while it is open."""
    model = running(volumetric(), 60)
    model.open_door()
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.DOOR})
    model.press_clear()
    model.press_start()
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.DOOR})
    model.close_door()
    model.press_clear()
    model.press_start()
    assert model.status is PumpStatus.RUNNING


def test_a_slip_beyond_the_end_moves_nothing():
    """With 1 nL left, a slip of 1 uL brings that 1 nL and no more, and the pump says that it is empty."""
    model = running(Mechanism(slip_nl=1_000), 60)
    model.change_reservoir(1)
    model.advance(MINUTE)
    account = model.account()
    assert (account.reservoir_nl, account.patient_nl) == (0, 1)
    assert (model.status, model.alarms) == (PumpStatus.ALARM, {PumpAlarm.EMPTY})


def test_a_reset_counter_begins_at_nothing_and_the_patient_keeps_what_he_has():
    """The two books part: the counter is 0, the account is not."""
    model = running(IDEAL, 60)
    model.advance(MINUTE)
    model.reset_counter()
    assert (model.delivered_nl, model.patient_nl > 900_000) == (0, True)
