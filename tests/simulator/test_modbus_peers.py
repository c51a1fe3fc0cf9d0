"""mbpoll and libmodbus against the simulated pumps of the vendor maps: every operation that both know."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

import pytest

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.stage import Stage
from tests.dialects.port import perform, tell
from tests.simulator.stages import open_stage
from tests.simulator.test_third_parties import mbpoll

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-2", "MAP-4")]

WARD = """\
seed: 5
lines:
  - listen: modbus-tcp://127.0.0.1:0
    pumps:
      - id: ISCO
        map: teledyne-isco
        serial_number: SIM-0001
        channels:
          "A": {rate: 10.5 mL/h, reservoir: 50 mL, running: true}
          "B": {rate: 10.5 mL/h}
          "C": {rate: 10.5 mL/h}
          "D": {rate: 10.5 mL/h}
  - listen: modbus-rtu://PATH?baud=38400
    pumps:
      - id: VINDUM
        unit: 1
        map: vindum-vp
        serial_number: SIM-0011
        channels: {"A": {rate: 20 mL/h, reservoir: 50 mL, running: true}, "B": {rate: 30 mL/h}}
      - id: PROMINENT
        unit: 20
        map: prominent-gamma-x
        serial_number: SIM-0012
        channels: {"1": {rate: 30 mL/h}}
"""


class Libmodbus:
    """A client of libmodbus, by its C interface: over TCP by a port's number, over RTU by a path."""

    def __init__(self, place: int | str) -> None:
        self._c = ctypes.CDLL("libmodbus.so.5", use_errno=True)
        self._c.modbus_new_tcp.restype = self._c.modbus_new_rtu.restype = ctypes.c_void_p
        self._c.modbus_strerror.restype = ctypes.c_char_p
        made = (
            self._c.modbus_new_tcp(b"127.0.0.1", place)
            if isinstance(place, int)
            else self._c.modbus_new_rtu(place.encode(), 38400, ctypes.c_char(b"N"), 8, 1)
        )
        self._line = ctypes.c_void_p(made)
        self._c.modbus_set_slave(self._line, 1)
        self._c.modbus_set_response_timeout(self._line, 0, 300_000)
        self._done(self._c.modbus_connect(self._line))

    def _done(self, count: int) -> int:
        if count < 0:
            raise OSError(self._c.modbus_strerror(ctypes.get_errno()).decode())
        return count

    def bits(self, function: str, start: int, count: int) -> list[int]:
        """Read coils (``bits``) or discrete inputs (``input_bits``)."""
        found = (ctypes.c_uint8 * count)()
        self._done(getattr(self._c, f"modbus_read_{function}")(self._line, start, count, found))
        return list(found)

    def registers(self, function: str, start: int, count: int) -> list[int]:
        """Read holding (``registers``) or input registers (``input_registers``)."""
        found = (ctypes.c_uint16 * count)()
        self._done(getattr(self._c, f"modbus_read_{function}")(self._line, start, count, found))
        return list(found)

    def write(self, function: str, at: int, value: int) -> int:
        """Write one coil (``bit``) or register (``register``)."""
        return self._done(getattr(self._c, f"modbus_write_{function}")(self._line, at, value))

    def write_many(self, function: str, at: int, *values: int) -> int:
        """Write several coils (``bits``) or registers (``registers``) in one request."""
        kind = ctypes.c_uint8 if function == "bits" else ctypes.c_uint16
        given = (kind * len(values))(*values)
        return self._done(getattr(self._c, f"modbus_write_{function}")(self._line, at, len(values), given))

    def close(self) -> None:
        """Let the line go."""
        self._c.modbus_close(self._line)
        self._c.modbus_free(self._line)


def operations(client: Libmodbus) -> dict[str, Callable[[], object]]:
    """Return everything that libmodbus offers and an ISCO knows, and what it does not know."""
    return {
        "read units": lambda: client.bits("bits", 84, 8),
        "read run coils": lambda: client.bits("bits", 0, 4),
        "read flow": lambda: client.registers("registers", 74, 2),
        "read inputs": lambda: client.bits("input_bits", 0, 4),
        "read input registers": lambda: client.registers("input_registers", 0, 2),
        "stop A": lambda: client.write("bit", 0, 0),
        "start A": lambda: client.write("bit", 0, 1),
        "write a register": lambda: client.write("register", 12, 1),
        **written_at_once(client),
    }


def written_at_once(client: Libmodbus) -> dict[str, Callable[[], object]]:
    """Return the requests that write several places; no map has them, so every pump refuses them."""
    return {
        "start both by one request": lambda: client.write_many("bits", 0, 1, 1),
        "write two registers": lambda: client.write_many("registers", 12, 1, 2),
    }


def tcp_port(stage: Stage) -> int:
    return int(stage.pumps["ISCO"].served.where.rpartition(":")[2])


async def test_libmodbus_does_all_that_it_offers_to_an_isco(tmp_path):
    """Well, with an alarm, refused, silent, and well again: values, exceptions and time-outs."""
    async with open_stage(tmp_path, WARD) as stage:
        staged = stage.pumps["ISCO"]
        faults = staged.served.line.faults
        client = await asyncio.to_thread(Libmodbus, tcp_port(stage))
        found = {}
        for when, kind in (("well", None), ("alarm", None), ("refused", 6), ("silent", 0), ("again", None)):
            if when == "alarm":
                staged.pump.face.models["B"].raise_alarm(PumpAlarm.OCCLUSION)
            if kind is not None:
                what = FaultKind.EXCEPTION if kind else FaultKind.SILENCE
                faults.add(1, Fault(what, exception_code=kind))
            found[when] = await asyncio.to_thread(perform, operations(client))
            tell("libmodbus", when, found[when])
            faults.clear(1)
        alarm = await asyncio.to_thread(client.bits, "bits", 118, 1)
        await asyncio.to_thread(client.close)
    for when in ("well", "alarm", "again"):
        assert found[when]["read units"] == "[1, 0, 0, 0, 1, 0, 0, 0]"
        assert found[when]["stop A"] == found[when]["start A"] == "1"
        unasked = ("read inputs", "read input registers", "write a register", *written_at_once(client))
        unknown = {found[when][name] for name in unasked}
        assert unknown == {"OSError"}
    assert set(found["refused"].values()) == set(found["silent"].values()) == {"OSError"}
    assert alarm == [1]
    assert staged.pump.face.models["A"].status is PumpStatus.RUNNING


async def test_libmodbus_does_all_that_it_offers_over_a_serial_line(tmp_path):
    """A Vindum over RTU: well, alarmed, refused, silent and well again; requests for many are refused."""
    async with open_stage(tmp_path, WARD) as stage:
        staged = stage.pumps["VINDUM"]
        models, faults = staged.pump.face.models, staged.served.line.faults
        client = await asyncio.to_thread(Libmodbus, str(tmp_path / "line-a"))
        asked: dict[str, Callable[[], object]] = {
            "read order": lambda: client.bits("bits", 28, 1),
            "read what runs": lambda: client.bits("input_bits", 0, 2),
            "read set flow": lambda: client.registers("registers", 5, 2),
            "read flow": lambda: client.registers("input_registers", 7, 2),
            "stop B": lambda: client.write("bit", 20, 1),
            "write a register": lambda: client.write("register", 5, 1),
            **written_at_once(client),
        }
        found = {}
        for when, kind in (("well", None), ("alarm", None), ("refused", 6), ("silent", 0), ("again", None)):
            if when == "alarm":
                models["B"].raise_alarm(PumpAlarm.OCCLUSION)
            if kind is not None:
                what = FaultKind.EXCEPTION if kind else FaultKind.SILENCE
                faults.add(1, Fault(what, exception_code=kind))
            found[when] = await asyncio.to_thread(perform, asked)
            tell("libmodbus, RTU", when, found[when])
            faults.clear(1)
        await asyncio.to_thread(client.close)
    for when in ("well", "alarm", "again"):
        assert found[when]["read order"] == "[1]"
        assert found[when]["read what runs"] == "[1, 0]"
        assert found[when]["read set flow"] == found[when]["read flow"] != "OSError"
        assert found[when]["stop B"] == "1"
        assert {found[when][name] for name in ("write a register", *written_at_once(client))} == {"OSError"}
    assert set(found["refused"].values()) == set(found["silent"].values()) == {"OSError"}
    assert models["A"].status is PumpStatus.RUNNING
    assert models["B"].status is not PumpStatus.RUNNING


async def test_mbpoll_reads_and_stops_the_pumps_of_a_serial_line(tmp_path):
    """Vindum's coil of byte order, floats and stop; ProMinent's constant, and a register that it has not."""
    async with open_stage(tmp_path, WARD) as stage:
        line = str(tmp_path / "line-a")
        serial = ("-m", "rtu", "-b", "38400", "-P", "none")

        async def polled(unit: str, *asked: str, write: str = "") -> tuple[int, dict[int, str], str]:
            tail = (line, write) if write else (line,)
            return await mbpoll(*serial, "-a", unit, *asked, *tail)

        status, order, said = await polled("1", "-t", "0", "-r", "28", "-c", "1")
        assert (status, order[28]) == (0, "1"), said
        _, flow, _ = await polled("1", "-t", "3:float", "-B", "-r", "7", "-c", "1")
        assert float(flow[7]) == pytest.approx(20 / 60, abs=0.002)
        _, running, _ = await polled("1", "-t", "1", "-r", "0", "-c", "2")
        assert (running[0], running[1]) == ("1", "0")
        status, _, said = await polled("1", "-t", "0", "-r", "19", write="1")
        assert status == 0, said
        assert stage.pumps["VINDUM"].pump.face.models["A"].status is PumpStatus.PAUSED
        _, constant, _ = await polled("20", "-t", "4:hex", "-r", "63", "-c", "2")
        assert [value.upper() for value in constant.values()] == ["0XAABB", "0XCCDD"]
        status, _, said = await polled("20", "-t", "4", "-r", "900", "-c", "1")
        assert status != 0
        assert "Illegal data address" in said
        stage.pumps["VINDUM"].served.line.faults.add(1, Fault(FaultKind.SILENCE))
        status, _, said = await polled("1", "-t", "0", "-r", "28", "-c", "1", "-o", "0.2")
        assert status != 0
        assert "timed out" in said
