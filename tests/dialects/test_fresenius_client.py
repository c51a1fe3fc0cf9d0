"""infupy's Fresenius backend, the only open client, as the one that drives the simulated base and pump."""

from __future__ import annotations

import contextlib
import queue
import threading

import pytest
import serial
from infupy.backends import fresenius as infupy

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import PeerPort, perform, tell


class GoneError(Exception):
    """The port was closed; infupy's threads know no end of their own."""


class MemoryComm(infupy.FreseniusComm):
    """infupy's port on a simulated pump; its threads end once it is closed."""

    def __init__(self, peer: PeerPort) -> None:
        self.peer, self.gone, self.wire = peer, threading.Event(), queue.Queue[bytes]()
        self.threads: list[threading.Thread] = []
        super().__init__("nowhere")

    def read(self, size=1):
        while not self.gone.is_set():
            with contextlib.suppress(queue.Empty):
                return self.wire.get(timeout=0.02)
        raise GoneError

    def write(self, data):
        if self.gone.is_set():
            raise GoneError
        self.peer.write(data)
        while self.peer.in_waiting:
            self.wire.put(self.peer.read(1))

    def close(self):
        self.gone.set()
        self.cmdq.put(b"")
        for thread in self.threads:
            thread.join(20)

    def __del__(self):
        """There is no port to close."""


def opened(monkeypatch, peer: PeerPort) -> MemoryComm:
    """Return infupy's port, with threads that end."""
    monkeypatch.setattr(serial.Serial, "__init__", lambda self, **_: None)
    threads = []
    for kind in (infupy.RecvThread, infupy.SendThread):
        run = vars(kind)["run"]

        def work(thread, run=run):
            threads.append(thread)
            with contextlib.suppress(GoneError):
                run(thread)

        monkeypatch.setattr(kind, "run", work)
    comm = MemoryComm(peer)
    comm.threads = threads
    return comm


def operations(pump, base):
    """Return everything that infupy offers for a pump, and for the base."""
    told = {
        "connect": pump.connect,
        "readRate": pump.readRate,
        "readVolume": pump.readVolume,
        "readDrug": pump.readDrug,
        "readDeviceType": pump.readDeviceType,
        "remoteControl(True)": lambda: pump.remoteControl(True),
        "stopInfusion": pump.stopInfusion,
        "remoteControl(False)": lambda: pump.remoteControl(False),
        "registerEvent": lambda: pump.registerEvent(infupy.VarId.rate),
        "unregisterEvent": lambda: pump.unregisterEvent(infupy.VarId.rate),
        "clearEvents": pump.clearEvents,
        "resetVolume": pump.resetVolume,
        "setRate": lambda: pump.setRate(5),
        "index": lambda: pump.index,
    }
    if base is not None:
        told |= {"listModules": base.listModules, "connectSyringe": lambda: base.connectSyringe(1).index}
    return told


@pytest.mark.real
@pytest.mark.requirement("DIAL-2")
@pytest.mark.parametrize("name", ["fresenius-base", "fresenius-pilot"])
def test_infupy_does_all_that_it_offers(monkeypatch, name):
    """Before and after an alarm, a refusal and a silence."""
    peer = PeerPort(name, 1)
    comm = opened(monkeypatch, peer)
    try:
        base = infupy.FreseniusBase(comm, wait=False) if name == "fresenius-base" else None
        pump = infupy.FreseniusSyringe(comm, 1 if base else None)
        offered = {n for n in dir(infupy.FreseniusSyringe) if not n.startswith("_")}
        assert offered - {"execRawCommand", "execCommand", "disconnect"} == {
            n.split("(")[0] for n in operations(pump, None)
        }
        peer.model.press_start()
        peer.pass_s(60)
        well = perform(operations(pump, base))
        tell("infupy", f"{name}, well", well)
        assert (well["readRate"], well["readDrug"], well["stopInfusion"]) == ("10.0", "b'no drug'", "None")
        assert [n for n, said in well.items() if said.endswith("Error")] == ["setRate"], (
            "it offers it in name"
        )
        assert well.get("listModules", "[1]") == "[1]"
        assert peer.model.status is PumpStatus.PAUSED
        volume = float(well["readVolume"])
        assert volume == pytest.approx(10 / 60, rel=0.5)

        pump.registerEvent(infupy.VarId.rate)
        peer.model.press_start()
        peer.pass_s(60)
        assert pump.readRate() == 10.0
        if base is not None:  # infupy drops what a pump without an address says unasked
            assert comm.eventq.get(timeout=20)[2] == b"d0064"

        peer.model.raise_alarm(PumpAlarm.OCCLUSION)
        alarmed = perform(operations(pump, base))
        tell("infupy", f"{name}, after an alarm", alarmed)
        assert (alarmed["readRate"], alarmed["stopInfusion"]) == ("0.0", "CommandError")
        peer.model.press_clear()

        peer.line.faults.add(1, Fault(FaultKind.EXCEPTION, exception_code=0x03))
        refused = perform(operations(pump, base))
        tell("infupy", f"{name}, refused", refused)
        assert {said for n, said in refused.items() if n not in {"index", "setRate"}} == {"CommandError"}
        peer.line.faults.clear(1)

        peer.line.faults.add(1, Fault(FaultKind.SILENCE))
        silent = perform({"readRate": pump.readRate})
        tell("infupy", f"{name}, silent", silent)
        assert silent == {"readRate": "CommandError"}
        peer.line.faults.clear(1)

        again = perform(operations(pump, base))
        tell("infupy", f"{name}, again", again)
        assert [n for n, said in again.items() if said.endswith("Error")] == ["setRate"]
        pump.disconnect()
        assert perform({"readRate": lambda: pump.execCommand(infupy.Command.readdrug).value}) == {
            "readRate": repr(b"no drug")
        }, "it connects anew by itself"
        assert b"\x14" in peer.sent
    finally:
        comm.close()
