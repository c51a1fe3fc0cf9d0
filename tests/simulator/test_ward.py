"""Ward files: what is refused, and that a timeline does to the pumps what it says."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.drivers.registry import shipped
from pumpd.errors import ConfigError
from pumpd.probe import probe
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.framed_list import kinds
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import MemoryLine
from pumpd.simulator.stage import Placed, Stage, make_pump
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.ward import load_ward
from pumpd.simulator.ward_pump import PumpSection
from pumpd.transports.memory import MemoryWire
from tests.simulator.stages import WARD, open_stage, written

TIMELINE = WARD + "timeline:\n  - {at_s: 1, pump: TCP-1, action: set-rate, rate: 60 mL/h}\n"
SYRINGE = """tcp://127.0.0.1:0
    pumps: [{id: SYRINGE, unit: 0, map: alaris, serial_number: SIM-A}]
  - listen: modbus-tcp://127.0.0.1:0
    pumps:
"""


def test_the_ward_of_these_tests_is_accepted(tmp_path):
    """What the other tests break is good."""
    assert len(load_ward(written(tmp_path, TIMELINE)).lines) == 2


@pytest.mark.requirement("INV-5", "CFG-1")
@pytest.mark.parametrize(
    ("good", "bad", "line", "words"),
    [
        ("serial_number: SIM-0001", "serial_number: 0001", 7, "Begins with SIM-"),
        ("modbus-tcp://127.0.0.1:0", "modbus-rtu+rfc2217://127.0.0.1:0?baud=9600", 3, "no serial server"),
        ("serial_number: SIM-0001", "serial_number: SIM-0001-IS-TOO-LONG", 3, "too long"),
        (
            "serial_number: SIM-0001",
            "serial_number: SIM-0001\n        device: {order: cdab}",
            5,
            "does not read order",
        ),
        (
            "serial_number: SIM-0001",
            "serial_number: SIM-0001\n        device: {units: {channels.1.flow: 1}}",
            5,
            "can not be 1",
        ),
        ("serial_number: SIM-0001", "serial_number: SIM-0001\n        firmware: 1.0.0-beta-3", 8, "8 plain"),
        ("map: reference-pump\n", "map: referenz-pump\n", 6, "no register map"),
        ("rate: 10.5 mL/h", "rate: 10.5", 8, "no unit"),
        ("modbus-tcp://127.0.0.1:0", "tcp://127.0.0.1:4001", 3, "modbus-tcp"),
        ("?baud=19200", "", 9, "baud"),
        ("id: RTU-2", "id: RTU-1", 12, "stands twice"),
        ("unit: 2", "unit: 1", 9, "same unit"),
        ("unit: 2", "unit: 0", 12, "0"),
        ("unit: 2", "unit: 248", 12, "1 to 247"),
        ("modbus-tcp://127.0.0.1:0\n    pumps:\n", SYRINGE, 4, "alaris has no unit 0"),
        ('channels: {"1": {rate: 20', 'channels: {"2": {rate: 20', 11, "no channel"),
        ("seed: 5", "seed: 5\nspeed: 2", 2, "speed"),
        ("action: set-rate", "action: set-speed", 14, "no action"),
        (", rate: 60 mL/h", "", 14, "rate is missing"),
        ("action: set-rate", "action: start", 14, "does not take rate"),
        ("pump: TCP-1", "pump: TCP-9", 14, "there is no pump"),
        ("action: set-rate, rate: 60 mL/h", "action: show, path: x, words: [1]", 14, "no place of the map"),
        (
            "action: set-rate, rate: 60 mL/h",
            "action: show, path: channels.1.flow, words: [1]",
            14,
            "1 words",
        ),
    ],
)
def test_a_broken_ward_is_refused_at_its_line(tmp_path, good, bad, line, words):
    """Each fault is named where it stands, with what is allowed and a remedy."""
    text = TIMELINE.replace(good, bad, 1)
    assert text != TIMELINE
    with pytest.raises(ConfigError) as refused:
        load_ward(written(tmp_path, text))
    found = [p for p in refused.value.problems if words in f"{p.path} {p.what} {p.allowed}"]
    assert found, refused.value.problems
    assert (found[0].line, bool(found[0].allowed), bool(found[0].remedy)) == (line, True, True)


@pytest.mark.parametrize("spec", [spec for spec in shipped().values() if spec.dialect], ids=lambda s: s.name)
def test_a_framed_pump_without_a_unit_stands_where_its_driver_looks(spec):
    """A ward and a configuration that name no address mean the same pump, and know the same addresses."""
    section = PumpSection(id="P", map=spec.dialect.name, serial_number="SIM-1")
    assert (section.address, section.addresses) == (spec.address(None), spec.dialect.addresses)


FRAMED = """\
lines:
  - listen: tcp://127.0.0.1:0
    pumps: [{id: P, map: NAME, serial_number: SERIAL, firmware: FIRMWARE}]
"""


@pytest.mark.parametrize("spec", [spec for spec in shipped().values() if spec.dialect], ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("number", "firmware"),
    [*((digits, "1.0") for digits in (1, 4, 5, 34, 35, 60))]
    + [(4, firmware) for firmware in ("", "3", "a^b|c", "1;2,3>", "12345678", "v 1.2")],
)
@in_virtual_time
async def test_what_a_ward_accepts_its_driver_reads(tmp_path, spec, number, firmware):
    """A text that a dialect has no room or form for is refused: such a pump would seem to be silent."""
    text = FRAMED.replace("NAME", spec.dialect.name).replace("FIRMWARE", f"'{firmware}'")
    ward = None
    with suppress(ConfigError):
        ward = load_ward(written(tmp_path, text.replace("SERIAL", f"SIM-{'7' * number}")))
    if ward is None:
        assert number > 4 or firmware != "1.0"
        return
    (section,) = ward.lines[0].pumps
    wire = MemoryWire("line")
    pump = make_pump(section, "", {})
    kind = kinds()[section.map]
    served = MemoryLine(SimulatedLine([pump], Random(1)), wire, kind.server_framer)
    await served.plug()
    said: list[str] = []
    assert await probe("tcp://127.0.0.1:1", spec.name, said.append, readings=1, wire=wire.asking), said
    await served.unplug()
    identity = next(line for line in said if line.startswith("identity: "))
    if "serial_number" in kind.tells:
        assert f"serial number {section.serial_number}, " in identity
    if "firmware" in kind.tells:
        assert identity.endswith(f"{firmware.strip() or 'firmware not told'}")


def event(**kwargs) -> TimelineEvent:
    return TimelineEvent.model_validate({"at_s": 0, "pump": "TCP-1"} | kwargs)


class Standing:
    """A served line that only keeps its simulated line, for stages without a wire."""

    where = "nowhere"

    def __init__(self, line: SimulatedLine):
        self.line = line
        self.plugged = True

    async def plug(self):
        self.plugged = True

    async def unplug(self):
        self.plugged = False


@pytest.fixture
def ward(tmp_path):
    return load_ward(written(tmp_path, TIMELINE))


def stage_without_wires(ward) -> Stage:
    stage = Stage(ward)
    for section in ward.lines:
        pumps = [make_pump(pump, "", {}) for pump in section.pumps]
        served = Standing(SimulatedLine(pumps, Random(1)))
        stage.lines.append(served)
        for pump in pumps:
            stage.pumps[pump.name] = Placed(pump, served)
    return stage


@in_virtual_time
async def _played(ward, actions):
    """Play actions 10 s apart; return the model after each."""
    stage = stage_without_wires(ward)
    face = stage.pumps["TCP-1"].pump.face
    seen = []
    for action in actions:
        stage.play(event(**action))
        await asyncio.sleep(10)
        face.catch_up()
        model = face.models["1"]
        seen.append((model.status, model.flow_nl_h / NL_PER_ML, frozenset(model.alarms)))
    return seen


@pytest.mark.requirement("SIM-1")
@pytest.mark.parametrize(
    ("actions", "status", "rate_ml_h", "alarms"),
    [
        ([{"action": "set-rate", "rate": "60 mL/h"}], PumpStatus.RUNNING, 60, set()),
        ([{"action": "stop"}], PumpStatus.STOPPED, 0, set()),
        ([{"action": "stop"}, {"action": "start"}], PumpStatus.RUNNING, 10.5, set()),
        ([{"action": "stop"}, {"action": "prime"}], PumpStatus.PRIMING, 300, set()),
        ([{"action": "stop"}, {"action": "flush"}], PumpStatus.FLUSHING, 300, set()),
        ([{"action": "standby"}], PumpStatus.STANDBY, 0, set()),
        ([{"action": "alarm", "alarm": "air"}], PumpStatus.ALARM, 0, {PumpAlarm.AIR}),
        (
            [{"action": "alarm", "alarm": "door"}, {"action": "clear"}, {"action": "start"}],
            PumpStatus.RUNNING,
            10.5,
            set(),
        ),
        ([{"action": "programme", "volume": "0.01 mL"}], PumpStatus.KVO, 1, {PumpAlarm.END}),
        ([{"action": "change-reservoir", "volume": "0.01 mL"}], PumpStatus.ALARM, 0, {PumpAlarm.EMPTY}),
        ([{"action": "bolus", "volume": "1 mL"}], PumpStatus.BOLUS, 200, set()),
        (
            [{"action": "set-rate", "rate": "600 mL/h"}, {"action": "block"}],
            PumpStatus.ALARM,
            0,
            {PumpAlarm.OCCLUSION},
        ),
    ],
)
def test_an_action_does_what_it_says(ward, actions, status, rate_ml_h, alarms):
    """Keys and the world act on the model in its own present."""
    assert _played(ward, actions)[-1] == (status, rate_ml_h, alarms)


@pytest.mark.requirement("SIM-2")
@in_virtual_time
async def test_faults_plugs_and_forced_registers_come_from_the_timeline(ward):
    """A fault falls on its pump for its time, a plug on the line, and a forced register on the face."""
    stage = stage_without_wires(ward)
    placed = stage.pumps["RTU-1"]
    assert isinstance(placed.served, Standing)
    stage.play(event(pump="RTU-1", action="fault", kind="silence", for_s=5))
    line = placed.served.line
    assert [fault.kind for fault in line.faults.drawn(1, 4.9)] == [FaultKind.SILENCE]
    assert line.faults.drawn(2, 4.9) == []
    assert line.faults.drawn(1, 5.1) == []
    stage.play(event(pump="RTU-1", action="fault", kind="delay", delay_ms=300, whole_line=True))
    assert line.faults.drawn(2, 99)[0].delay_s == pytest.approx(0.3)
    stage.play(event(pump="RTU-1", action="end-faults"))
    assert line.faults.drawn(2, 99) == []
    stage.play(event(pump="RTU-1", action="unplug"))
    await asyncio.sleep(0.1)
    assert [placed.served.plugged] == [False]
    stage.play(event(pump="RTU-1", action="plug"))
    await asyncio.sleep(0.1)
    assert [placed.served.plugged] == [True]
    stage.play(event(action="show", path="channels.1.status", words=[99]))
    face = stage.pumps["TCP-1"].pump.face
    assert face.forced == {"channels.1.status": (99,)}
    stage.play(event(action="show-again", path="channels.1.status"))
    assert face.forced == {}


@pytest.mark.real
async def test_the_same_seed_makes_the_same_faults(tmp_path):
    """Two openings of one ward damage the same replies in the same way."""

    def hurt(stage):
        faults = stage.pumps["TCP-1"].served.line.faults
        faults.clear(None)
        faults.add(None, Fault(FaultKind.DAMAGE, hit_share=0.5))
        return [faults.on_the_way(bytes(range(30)), faults.drawn(1, 0.0), lambda: None) for _ in range(50)]

    async with open_stage(tmp_path) as stage:
        first = hurt(stage)
    async with open_stage(tmp_path) as stage:
        second = hurt(stage)
    assert first == second
    assert 10 < sum(arrivals != [(0.0, bytes(range(30)))] for arrivals in first) < 40
