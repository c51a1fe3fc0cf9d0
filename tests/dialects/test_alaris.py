"""Alaris / Asena: recorded frames, every mode and alarm, remote control, and infupy as a client."""

from __future__ import annotations

import contextlib
import queue
import threading

import pytest
import serial
from infupy.backends import alaris as infupy
from infupy.backends.common import CommandError

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpAlarm, PumpStatus, Validity
from pumpd.drivers.alaris import ALARMS, NO_ALARM, flow_of, meaning
from pumpd.drivers.framed import ONE
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, LinkTimeoutError
from pumpd.protocols import alaris, alaris_frame
from pumpd.protocols.alaris import Infusion, ReadInfusion, SetRate, judge
from pumpd.protocols.alaris_frame import code_of, frame_of
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import PeerPort, perform, tell

pytestmark = pytest.mark.requirement("DIAL-2")

RECORDED = [
    "!INF|4961",
    "!COMMS_PROTOCOL|E8DA",
    "!INST_SERIALNO|457D",
    "!REMOTE_CTRL^ENABLED^3CC1|B1F1",
    "!REMOTE_CTRL^ENABLED^9535|FB2F",
    "!INF_BOLUS^ENABLED|E288",
    "!INF_VTBI|8456",
    "!INF_VTBI^ACTIV^11.000^ml^STOP|4433",
    "!INF_VTBI^DEACT|D8C5",
    "!REMQUERY^DEACT|F295",
    "!REMOTE_CTRL^DISABLED|EF95",
    "!INF_START|38F3",
    "!INF_STOP|CD57",
    "!INST_SERIALNO^8002-51740|050B",
    "!INST_SERIALNO^8002-51733|ACFF",
    "!REMOTE_CTRL^ENABLED^****^PERMIT^0^ms|7BB0",
    "!REMOTE_CTRL^DISABLED^****^PERMIT^0^ms|3C5D",
    "!COMMS_RESPONSE_MAX|7E29",
    "!COMMS_RESPONSE_MAX^4000^ms|DFDF",
    "!SYRINGE_STATUS|4102",
    "!INF_RATE_MAX_SYRINGE|8F30",
    "!INF_RATE_MAX_SYRINGE^1200.00^ml/h|8575",
    "!INF_RATE^0.1^ml/h|B775",
    "!INF_RATE^0.10^ml/h|D407",
    "!INF_RATE^3.50^ml/h|3885",
    "!INF_VI_CLEAR|A706",
    "!SYRINGE_STATUS^BD PLASTIPAK^ 50^CONF|1CF8",
    "!SYRINGE_STATUS^BD PERFUSOR^ 50^CONF|4567",
    "!ALARM|50B2",
    "!REMQUERY^DEACT^^^^|E5C9",
    "!COMMS_PROTOCOL^Asena Rev 2.1.5|661A",
    "!ALARM^AL_NOALM^ ^ |C73B",
]
"""Literal frames in OpenICE, MDDT and their logs."""


@pytest.mark.parametrize("frame", RECORDED)
def test_recorded_frames(frame):
    """The CRC is of the body alone, in four capital digits."""
    assert frame_of(frame[1:-5].encode()) == frame.encode() + b"\r"


def test_codes_of_remote_control():
    """The CRC of the serial number's text."""
    for serial_number, code in alaris_frame.EXAMPLES:
        assert code_of(serial_number) == code


@pytest.mark.parametrize(
    ("mode", "rate", "flag", "status"),
    [
        ("SET", "3.50", "-", PumpStatus.RUNNING),
        ("SET", "0.00", "-", PumpStatus.STOPPED),
        ("HLD", "0.00", "-", PumpStatus.PAUSED),
        ("HLD", "0.00", "A", PumpStatus.ALARM),
        ("SET", "3.50", "A", PumpStatus.RUNNING),
        ("WHAT", "0.00", "-", PumpStatus.UNKNOWN),
        ("", "0.00", "-", PumpStatus.UNKNOWN),
    ],
)
def test_each_mode(mode, rate, flag, status):
    """Modes that were recorded, and others, which are UNKNOWN and never RUNNING."""
    reading = meaning(Infusion("x", flag, mode, rate, "0.969", "-50.00"), flow_of("3.50"), NO_ALARM)
    assert (reading.status, reading.raw_status) == (status, mode)
    assert (reading.volume.value.nl, reading.pressure_kpa_e1.value) == (969_000, -67)


@pytest.mark.parametrize("text", ["1200.01", "-1.00", "", "3,50", "3.5x", "12"])
def test_a_rate_that_can_not_be_is_no_number(text):
    """Beyond the recorded ceiling, below nothing, or no number."""
    assert (flow_of(text).validity, flow_of(text).raw) == (Validity.INVALID, text)


@pytest.mark.parametrize(
    ("code", "alarm"),
    [
        *((code, PumpAlarm.END) for code in ("AL_EOIST", "AL_EOIKV", "AL_VTBIS", "AL_VTBIK", "AL_VTBIC")),
        *((code, PumpAlarm.BATTERY_LOW) for code in ("AL_LBTAC", "AL_LWBAT", "AL_ACDIS")),
        *((code, PumpAlarm.FAULT) for code in ("AL_DRDIS", "AL_SYRCO", "AL_FAULT")),
        ("AL_OCCLU", PumpAlarm.OCCLUSION),
        ("AL_NEOIN", PumpAlarm.NEAR_END),
        ("AL_EMBAT", PumpAlarm.BATTERY_DEPLETED),
        *((code, PumpAlarm.OTHER) for code in ("AL_PRDSC", "AL_COMTO", "AL_CALLB", "AL_RHIGH", "AL_LDSCN")),
        *((code, PumpAlarm.OTHER) for code in ("AL_TCITG", "AL_TITCA", "AL_TITNC", "AL_NEVER_SEEN")),
    ],
)
@in_virtual_time
async def test_each_alarm(code, alarm):
    """Through the simulated pump; what arrived is kept."""
    async with alaris_rig() as on:
        on.face.forced = {"alarm": code}
        reading = await on.read()
        assert (reading.alarms, reading.raw_alarms) == ({alarm}, (code,))
    assert ALARMS.get(code, PumpAlarm.OTHER) is alarm
    assert len(ALARMS) == 22


def alaris_rig():
    """Put the driver on a line with a simulated pump."""
    subject = subject_of(find("alaris"))
    return rig(subject, subject.framings[0])


@in_virtual_time
async def test_who_only_watches_never_takes_control():
    """Every question of identity and reading is a read; a pause takes control and gives it back at once."""
    async with alaris_rig() as on:
        asked = await on.questions()
        assert all(request.permission is Permission.READ for request in asked[:-5])
        watched = [judge(frame_of(request.to_bytes()))[1] for request in asked[:-5]]
        assert set(watched) == {Permission.READ}
        told = [request.to_bytes().decode().split("^")[:2] for request in asked[-5:]]
        assert told[2] == ["INF_STOP"]
        assert [fields[1] for fields in told[:2] + told[3:]] == ["ENABLED"] * 2 + ["DISABLED"] * 2
        assert vars(on.face)["_remote_until_ns"] == {}


@in_virtual_time
async def test_software_that_refuses_control_is_found_out_and_still_watched():
    """It is told as refused, nothing is done, control is given back, and readings go on."""
    async with alaris_rig() as on:
        vars(on.face)["permits"] = False
        on.start()
        with pytest.raises(DeviceRefusedError, match="not permitted"):
            await on.driver.pause(on.talk, ONE)
        assert on.models[0].status is PumpStatus.RUNNING
        await on.rest()
        with pytest.raises(DeviceRefusedError, match="not permitted"):
            await on.driver.lower_rate(on.talk, ONE, FlowRate(1_000_000), lambda: None)
        await on.rest()
        assert (await on.read()).status is PumpStatus.RUNNING


@in_virtual_time
async def test_a_rate_that_it_does_not_take_is_a_refusal():
    """It echoes the old one; silence is a time-out; neither is taken for done."""
    async with alaris_rig() as on:
        on.start()
        on.models[0].locked = True
        with pytest.raises(DeviceRefusedError, match=r"it kept 10\.00"):
            await on.driver.lower_rate(on.talk, ONE, FlowRate(5_000_000), lambda: None)
        await on.rest()
        on.line.faults.add(1, Fault(FaultKind.SILENCE))
        with pytest.raises(LinkTimeoutError):
            await on.driver.lower_rate(on.talk, ONE, FlowRate(5_000_000), lambda: None)
    assert SetRate(1, centi_ml_h=10).number == "0.10"


@pytest.mark.parametrize(("later_s", "lapses"), [(5, False), (5.1, True)])
def test_control_that_nobody_refreshes_ends_in_the_pumps_own_alarm(later_s, lapses):
    """AL_COMTO, which the card names."""
    port = PeerPort("alaris", 1)
    port.write(frame_of(f"REMOTE_CTRL^ENABLED^{code_of('SIM-0001')}".encode()))
    port.read(99)
    port.pass_s(later_s)
    port.write(frame_of(b"ALARM"))
    assert (b"AL_COMTO" in port.read(99)) is lapses
    assert "AL_COMTO" in " ".join(find("alaris").card.unverified)


def test_a_frame_that_the_pump_breaks_off_costs_nothing():
    """ESC ends it; the next one is found."""
    framer = alaris.AlarisFramer()
    framer.encode(ReadInfusion(1))
    good = alaris.EXAMPLES[3].received
    assert framer.feed(good[:20] + b"\x1b") is None
    assert framer.feed(good) == good[1:-6]


class GoneError(Exception):
    """The port was closed; infupy's threads know no end of their own."""


def until_gone(run):
    """Return a thread's work that ends when the port is closed."""

    def work(thread):
        with contextlib.suppress(GoneError):
            run(thread)

    return work


class MemoryComm(infupy.AlarisComm):
    """infupy's port on a simulated pump; its threads end once ``gone`` is set."""

    def __init__(self, peer: PeerPort) -> None:
        self.peer, self.gone, self.wire = peer, threading.Event(), queue.Queue[bytes]()
        super().__init__("nowhere")

    def read(self, size=1):
        try:
            return self.wire.get(timeout=0.05)
        except queue.Empty:
            if self.gone.is_set():
                raise GoneError from None
            return b""

    def write(self, data):
        if self.gone.is_set():
            raise GoneError
        self.peer.write(data)
        while self.peer.in_waiting:
            self.wire.put(self.peer.read(1))

    def close(self):
        self.gone.set()
        self.cmdq.put(b"")
        for thread in threading.enumerate():
            if isinstance(thread, (infupy.RecvThread, infupy.SendThread)):
                thread.join(20)

    def __del__(self):
        """There is no port to close."""


@pytest.mark.real
def test_infupy_does_all_that_it_offers(monkeypatch):
    """Before and after an alarm, a refusal and a silence; its keep-alive takes control and gives it back."""
    monkeypatch.setattr(serial.Serial, "__init__", lambda self, **_: None)
    for thread in (infupy.RecvThread, infupy.SendThread):
        monkeypatch.setattr(thread, "run", until_gone(thread.run))
    peer = PeerPort("alaris", 1)
    comm = MemoryComm(peer)
    pump = infupy.AlarisSyringe(comm)
    named = {name: getattr(infupy.Command, name) for name in infupy.Command.__members__}
    operations = {
        "securitycode": lambda: pump.securitycode,
        "readRate": pump.readRate,
        "readVolume": pump.readVolume,
        "setRate": lambda: pump.setRate("12.00"),
        **{
            f"execCommand {name}": (lambda c=command: pump.execCommand(c).value)
            for name, command in named.items()
        },
        "registerEvent": lambda: pump.registerEvent("x"),
        "unregisterEvent": lambda: pump.unregisterEvent("x"),
        "clearEvents": pump.clearEvents,
    }
    told = {name for name in dir(infupy.AlarisSyringe) if not name.startswith("_")}
    told -= {"launchKeepAlive", "stopKeepAlive", "execRawCommand"}
    assert told == {name.split(" ")[0] for name in operations}
    pump.stopKeepAlive()  # it gives control back; its replies would be taken for those of others
    for thread in threading.enumerate():
        if isinstance(thread, infupy.Looper):
            thread.join(20)
    assert peer.sent[-1] == frame_of(b"REMOTE_CFG^DISABLED")
    keep_alive = infupy.Looper(pump, 1, threading.Event())
    try:
        keep_alive.enable()
        well = perform(operations)
        tell("infupy", "well", well)
        assert well["readRate"] == "b'10.00 ml/h'"
        assert well["readVolume"] == "b'0.000 ml'"
        assert well["setRate"] == "b'12.00 ml/h'"
        assert well["securitycode"] == repr(code_of("SIM-0001").encode())
        assert peer.model.set_rate_nl_h == 12_000_000
        peer.model.press_start()
        peer.model.raise_alarm(PumpAlarm.OCCLUSION)
        alarmed = perform(operations)
        tell("infupy", "after an alarm", alarmed)
        assert alarmed["readRate"] == "b'12.00 ml/h'"
        assert peer.model.status is PumpStatus.ALARM
        peer.model.press_clear()
        vars(peer.face)["permits"] = False
        vars(peer.face)["_remote_until_ns"].clear()
        refused = perform({"readRate": pump.readRate, "setRate": lambda: pump.setRate("50.00")})
        tell("infupy", "refused", refused)
        assert refused == {"readRate": "b'12.00 ml/h'", "setRate": "b'12.00 ml/h'"}
        vars(peer.face)["permits"] = True
        peer.line.faults.add(1, Fault(FaultKind.SILENCE))
        silent = perform({"readRate": pump.readRate})
        tell("infupy", "silent", silent)
        assert silent == {"readRate": CommandError.__name__}
        peer.line.faults.clear(1)
        again = perform({"readRate": pump.readRate, "readVolume": pump.readVolume})
        tell("infupy", "again", again)
        assert again["readRate"] == "b'12.00 ml/h'"
        keep_alive.disable()
        assert vars(peer.face)["_remote_until_ns"] == {}
    finally:
        comm.close()
