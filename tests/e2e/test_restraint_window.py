"""How long an over-dose stays on the wire: daemon and pump as programs, with a real socket between."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pumpd.simulator.control_client import ask
from pumpd.simulator.control_place import ControlPlace
from tests.e2e.test_alarms import Program, programs
from tests.house.latency_page import EXCESS_TO_STOP_S
from tests.mosquitto import free_port
from tests.simulator.programs import simulated
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.e2e, pytest.mark.requirement("INV-1", "RES-1")]
LIBRARY = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
WARD = """\
lines:
  - listen: modbus-tcp://127.0.0.1:0
    pumps:
      - id: PUMP-01
        unit: 1
        map: reference-pump
        serial_number: SIM-0001
        channels: {"1": {rate: 10.5 mL/h, reservoir: 50 mL, running: true}}
"""
EXCESS = (6000).to_bytes(4, "big")
"""60 mL/h as the pump's registers say it: 1.7 mg/kg/h, where 1 is the hard limit."""
FUNCTION_AT, WRITES = 7, frozenset({5, 6, 15, 16})
PAUSE = bytes.fromhex("05 0000 ff00")


@dataclass
class Witness:
    """A relay on the way: what passed, and when it passed here."""

    behind_port: int
    port: int = 0
    open_count: int = 0
    asked: list[tuple[float, bytes]] = field(default_factory=list)
    answered: list[tuple[float, bytes]] = field(default_factory=list)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pump_reader, pump_writer = await asyncio.open_connection("127.0.0.1", self.behind_port)
        now = asyncio.get_running_loop().time

        async def carry(
            source: asyncio.StreamReader, sink: asyncio.StreamWriter, passed: list[tuple[float, bytes]]
        ) -> None:
            try:
                while data := await source.read(4096):
                    passed.append((now(), data))
                    sink.write(data)
                    await sink.drain()
            finally:
                sink.close()

        self.open_count += 1
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(carry(reader, pump_writer, self.asked), name="relay.asked")
                both.create_task(carry(pump_reader, writer, self.answered), name="relay.answered")
        finally:
            self.open_count -= 1

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Stand on the way until the end."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await until(lambda: not self.open_count)

    def writes(self) -> list[tuple[float, bytes]]:
        """Return every question that writes, without its header."""
        return [(at, data[FUNCTION_AT:]) for at, data in self.asked if data[FUNCTION_AT] in WRITES]


def _configured(folder: Path, port: int) -> Path:
    file = folder / "pumpd.yaml"
    file.write_text(
        f"site: clinic\nnode: ward-a\ndata_dir: data\nlibrary: {LIBRARY}\n"
        f"mqtt: {{host: 127.0.0.1, port: {free_port()}}}\npumps:\n"
        f"  - id: PUMP-01\n    url: modbus-tcp://127.0.0.1:{port}/1\n    driver: reference-pump\n"
        "    enforcement: pause\n"
        "    programme: {drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,\n"
        "                dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}\n"
    )
    return file


@pytest.mark.timeout(300)
async def test_an_over_dose_on_the_wire_is_followed_by_the_stop_on_the_wire(tmp_path: Path) -> None:
    """Seen, confirmed by another reading and stopped within the bound of the page; no other write."""
    async with simulated(tmp_path, WARD, control=("--control", "127.0.0.1:0")) as places:
        witness = Witness(int(places["PUMP-01"][0].rpartition(":")[2]))
        host, _, port = places["control"][0].rpartition(":")
        async with witness.listening():
            with programs() as started:
                config = _configured(tmp_path, witness.port)
                started.append(Program(tmp_path / "run.log", "run", "-c", str(config)))
                await until(lambda: len(witness.answered) >= 20, 90)
                assert witness.writes() == []
                body = {"pump": "PUMP-01", "action": "set-rate", "rate": "60 mL/h"}
                await asyncio.to_thread(ask, ControlPlace(host, int(port)), "/act", body)
                await until(witness.writes, 90)
                started[0].signal(signal.SIGTERM)
                assert await asyncio.to_thread(started[0].ends, 15) == 0
    seen_s = next(at for at, data in witness.answered if EXCESS in data)
    stopped_s, stop = witness.writes()[0]
    shown = [at for at, data in witness.answered if EXCESS in data and at < stopped_s]
    assert stop == PAUSE
    assert len(shown) >= 2, "one reading is not enough"
    assert {frame for _, frame in witness.writes()} == {PAUSE}
    took_s = stopped_s - seen_s
    assert took_s <= EXCESS_TO_STOP_S
    print(f"from the excess on the wire to the stop on the wire: {took_s * 1000:.0f} ms")
