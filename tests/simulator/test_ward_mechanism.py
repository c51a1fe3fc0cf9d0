"""Mechanisms and traits in ward files: what they make of a pump, and what is refused."""

import random

import pytest
import structlog

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import PumpStatus
from pumpd.errors import ConfigError
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.wire import Question
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.acts import act
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.mechanism import MechanismKind
from pumpd.simulator.stage import make_pump
from pumpd.simulator.timeline import KEYS, TAKES, WORLD, TimelineEvent
from pumpd.simulator.ward import load_ward
from tests.simulator.stages import WARD, written
from tests.simulator.test_ward import stage_without_wires

pytestmark = pytest.mark.requirement("SIM-4")
SECTION = """\
            mechanism: {kind: volumetric, bias_percent: 3, pulsation_percent: 20, revolution: 0.5 mL,
                        compliance_ul_per_kpa: 2.5, air_limit: 0.1 mL, occlusion_kpa: 60, restarts: 3,
                        relief_left: 0.05 mL}
            traits: {highest_rate: 999 mL/h, kvo: 0 mL/h, counter_step: 0.1 mL, display_step: 0.1 mL/h,
                     battery_life_h: 6, battery_curve: [[0, 0], [50, 80], [100, 100]], self_test_s: 5,
                     dies_after_min: 3, memory_h: 12, clock_ppm: -20}
"""
FULL = WARD.replace(
    'channels: {"1": {rate: 10.5 mL/h, reservoir: 50 mL, to_be_infused: 40 mL, running: true}}',
    f'channels:\n          "1":\n            rate: 10.5 mL/h\n            running: true\n{SECTION}',
)
TIMELINE = FULL + "timeline:\n  - {at_s: 1, pump: TCP-1, action: set-rate, rate: 60 mL/h}\n"


def test_a_ward_file_says_what_a_pump_is_like(tmp_path):
    """Every key arrives where it belongs."""
    section = load_ward(written(tmp_path, TIMELINE)).lines[0].pumps[0]
    traits = section.channels["1"].made_traits("1")
    mechanism = traits.mechanism
    assert (mechanism.kind, mechanism.bias_ppm) == (MechanismKind.VOLUMETRIC, 30_000)
    assert (mechanism.pulsation_permille, mechanism.revolution_nl) == (200, 500_000)
    assert (mechanism.pa_per_ul, mechanism.air_limit_nl) == (400, 100_000)
    assert 0 <= mechanism.phase_nl < 500_000
    occlusion = traits.occlusion
    assert (occlusion.alarm_pa, occlusion.restarts, occlusion.relief_left_nl) == (60_000, 3, 50_000)
    assert (traits.highest_rate_nl_h, traits.kvo_nl_h) == (999 * NL_PER_ML, 0)
    assert (traits.counter_step_nl, traits.display_step_nl_h) == (100_000, 100_000)
    assert (traits.battery.curve[1], traits.self_test_ns) == ((50, 80), 5 * NS_PER_S)
    assert traits.dies_after_ns == 180 * NS_PER_S
    assert (traits.memory_ns, traits.clock_ppm) == (12 * 3600 * NS_PER_S, -20)


@pytest.mark.requirement("CFG-1")
@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("kind: volumetric", "kind: rotary", "ideal"),
        ("kind: volumetric", "kind: volumetric, syringe_ml: 50", "has no syringe"),
        ("kind: volumetric", "kind: syringe", "no air detector"),
        ("kind: volumetric", "kind: volumetric, speed: 3", "kind, syringe_ml, bias_percent"),
        ("restarts: 3", "restarts: 10", "0 to 9"),
        ("pulsation_percent: 20", "pulsation_percent: 100", "below 100"),
        ("revolution: 0.5 mL", "revolution: 0.5", "no unit"),
        ("[50, 80]", "[50, 80], [40, 90]", "rises from"),
        ("restarts: 3", "restarts: 3, syringe_ml: 25", "10, 20, 30, 50"),
        ("highest_rate: 999 mL/h", "highest_rate: 5 mL/h", "can not be set to 10.5 mL/h"),
        ("rate: 60 mL/h", "rate: 1000 mL/h", "too fast"),
        ("action: set-rate, rate: 60 mL/h", "action: square-bolus, volume: 5 mL", "over_s is missing"),
        (
            "action: set-rate, rate: 60 mL/h",
            "action: square-bolus, volume: 5 mL, over_s: 1",
            "18000 mL/h is too fast",
        ),
        ("action: set-rate, rate: 60 mL/h", "action: air", "volume is missing"),
        ("action: set-rate, rate: 60 mL/h", "action: open-door, volume: 1 mL", "does not take volume"),
    ],
)
def test_what_a_pump_can_not_be_or_do_is_refused(tmp_path, good, bad, words):
    """Each with its line, what is allowed and a remedy."""
    text = TIMELINE.replace(good, bad, 1) if good not in SECTION else TIMELINE.replace(good, bad)
    assert text != TIMELINE
    with pytest.raises(ConfigError) as refused:
        load_ward(written(tmp_path, text))
    found = [p for p in refused.value.problems if words in f"{p.path} {p.what} {p.allowed}"]
    assert found, refused.value.problems
    assert (found[0].line > 0, bool(found[0].allowed), bool(found[0].remedy)) == (True, True, True)


@pytest.mark.parametrize("action", ["open-door", "close-door", "block-inlet", "unblock-inlet"])
def test_a_syringe_pump_has_no_door_and_no_inlet(tmp_path, action):
    """Such an action is refused when the file is read, not when its time has come."""
    text = WARD.replace("running: true", "running: true, mechanism: {kind: syringe}")
    text += f"timeline:\n  - {{at_s: 1, pump: TCP-1, action: {action}}}\n"
    with pytest.raises(ConfigError) as refused:
        load_ward(written(tmp_path, text))
    assert "a syringe pump has no" in refused.value.problems[0].what
    assert refused.value.problems[0].line == 14


@in_virtual_time
async def _made(section, seed):
    return make_pump(section, "", {}, seed).face.models["1"]


def test_the_seed_draws_bias_and_phase(tmp_path):
    """The same seed makes the same pump in every process; another seed or name makes another one."""
    text = WARD.replace("running: true", "running: true, mechanism: {kind: syringe}")
    section = load_ward(written(tmp_path, text)).lines[0].pumps[0]
    other = section.model_copy(update={"id": "TCP-9"})
    drawn = [_made(section, 1), _made(section, 1), _made(section, 2), _made(other, 1)]
    kinds = [model.traits.mechanism for model in drawn]
    assert kinds[0] == kinds[1]
    assert len(set(kinds)) == 3
    assert all(abs(kind.bias_ppm) <= 10_000 for kind in kinds)
    assert (kinds[0].bias_ppm, kinds[0].phase_nl) == (3208, 401_393)


@in_virtual_time
async def _asked(section):
    pump = make_pump(section, "", {}, 1)
    line = SimulatedLine([pump], random.Random(1))
    question, framer = Question(bytes.fromhex("01 04 0000 000e"), 1), MbapServerFramer()
    found = [len(line.replies(question, framer))]
    for action in ("switch-off", "switch-on"):
        for model in pump.face.models.values():
            act(model, TimelineEvent.model_validate({"at_s": 0, "pump": "TCP-1", "action": action}))
        found.append(len(line.replies(question, framer)))
    return found, pump.face.models["1"].status


def test_a_pump_that_is_off_answers_nothing(tmp_path):
    """Silence while it is off; then it answers, and stands still."""
    section = load_ward(written(tmp_path)).lines[0].pumps[0]
    assert _asked(section) == ([1, 0, 1], PumpStatus.STOPPED)


@pytest.mark.parametrize(
    ("start", "event", "words"),
    [
        ("reservoir: 13 mL, mechanism: {kind: syringe, syringe_ml: 10}", "action: stop", "not hold 13 mL"),
        (
            "reservoir: 12 mL, mechanism: {kind: syringe, syringe_ml: 10}",
            "action: change-reservoir, volume: 50 mL",
            "not hold 50 mL",
        ),
    ],
)
def test_a_syringe_holds_what_it_holds(tmp_path, start, event, words):
    """A fifth above its mark and no more, at the beginning and when it is changed."""
    text = WARD.replace("reservoir: 50 mL, to_be_infused: 40 mL", start)
    text += f"timeline:\n  - {{at_s: 1, pump: TCP-1, {event}}}\n"
    with pytest.raises(ConfigError) as refused:
        load_ward(written(tmp_path, text))
    (problem,) = refused.value.problems
    assert words in problem.what
    assert problem.allowed == "up to 12 mL"


@in_virtual_time
async def _too_fast(ward):
    stage = stage_without_wires(ward)
    model = stage.pumps["TCP-1"].pump.face.models["1"]
    values: list[dict[str, object]] = [
        {"action": "set-rate", "rate": "1000 mL/h"},
        {"action": "square-bolus", "volume": "5 mL", "over_s": 60},
        {"action": "stop"},
    ]
    with structlog.testing.capture_logs() as logged:
        for value in values:
            stage.play(TimelineEvent.model_validate({"at_s": 0, "pump": "TCP-1"} | value))
    return model.status, [entry for entry in logged if entry["log_level"] == "warning"]


def test_what_the_pump_refuses_at_the_moment_is_said_and_the_story_goes_on(tmp_path):
    """A square bolus too fast on top of the present rate: a warning with the reason, then what follows."""
    status, (warning,) = _too_fast(load_ward(written(tmp_path)))
    assert status is PumpStatus.STOPPED
    assert (warning["pump"], warning["action"]) == ("TCP-1", "square-bolus")
    assert "allowed up to" in warning["reason"]


VALUES = {"rate": "60 mL/h", "volume": "1 mL", "over_s": 60, "alarm": "air", "bit": 3}


@pytest.mark.parametrize(
    "action", [*KEYS, *WORLD, *(a for a, keys in TAKES.items() if set(keys) & set(VALUES))]
)
def test_every_action_at_a_pump_changes_it(tmp_path, action):
    """No action of the timeline is without effect on a pump in the state that it is meant for."""
    before = {
        "start": "stop",
        "clear": "standby",
        "prime": "stop",
        "flush": "stop",
        "switch-on": "switch-off",
        "close-door": "open-door",
        "unblock": "block",
        "unblock-inlet": "block-inlet",
        "connect": "disconnect",
        "unlock": "lock",
        "mains-on": "mains-off",
        "end-free-flow": "free-flow",
    }

    def event(name):
        values = {key: VALUES[key] for key in TAKES[name]}
        return TimelineEvent.model_validate({"at_s": 0, "pump": "TCP-1", "action": name} | values)

    pumps = [_made(load_ward(written(tmp_path)).lines[0].pumps[0], 1) for _ in range(2)]
    for model in pumps:
        if action == "clear":
            act(model, event("alarm"))
        elif action in before:
            act(model, event(before[action]))
        model.advance(NS_PER_S)
    act(pumps[0], event(action))
    for model in pumps:
        model.advance(NS_PER_S)
    assert pumps[0] != pumps[1]
