"""Programs that share no code with the simulator read it over real wires."""

import asyncio
import re
import shutil

import pytest
from pymodbus.client import AsyncModbusTcpClient

from pumpd.core.telemetry import PumpStatus
from pumpd.simulator.stage import Stage
from tests.simulator.stages import open_stage

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-2", "SIM-3")]

VALUE = re.compile(r"\[(\d+)\]:\s+(\S+)")


def tcp_port(stage: Stage) -> int:
    return int(stage.pumps["TCP-1"].served.where.rpartition(":")[2])


async def mbpoll(*arguments: str) -> tuple[int, dict[int, str], str]:
    """Run mbpoll once; return its exit status, the values by register (0-based) and all it said."""
    program = shutil.which("mbpoll")
    assert program, "mbpoll is not installed; `make setup` installs it"
    process = await asyncio.create_subprocess_exec(
        program, "-0", "-1", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    text = said.decode()
    assert process.returncode is not None
    return process.returncode, {int(at): value for at, value in VALUE.findall(text)}, text


async def test_mbpoll_reads_a_pump_over_tcp(tmp_path):
    """libmodbus sees the status, both rates and the sentinel where the map puts them."""
    async with open_stage(tmp_path) as stage:
        port = str(tcp_port(stage))
        status, values, said = await mbpoll(
            "-m", "tcp", "-p", port, "-t", "3", "-r", "0", "-c", "14", "127.0.0.1"
        )
        assert status == 0, said
        assert values[0] == "2"
        assert (values[2], values[3]) == ("0", "1050")
        assert values[11] == "100"


async def test_mbpoll_is_refused_what_the_pump_does_not_have(tmp_path):
    """A register that the map does not name is an illegal data address."""
    async with open_stage(tmp_path) as stage:
        port = str(tcp_port(stage))
        status, _, said = await mbpoll("-m", "tcp", "-p", port, "-t", "3", "-r", "50", "-c", "1", "127.0.0.1")
        assert status != 0
        assert "Illegal data address" in said


async def test_mbpoll_reads_both_pumps_of_a_serial_line(tmp_path):
    """Over the pseudo-terminal at its stable path, by unit; a unit that is not there stays silent."""
    async with open_stage(tmp_path):
        for unit, rate in (("1", "2000"), ("2", "3000")):
            status, values, said = await mbpoll(
                *("-m", "rtu", "-b", "19200", "-P", "none", "-a", unit, "-t", "3", "-r", "0", "-c", "14"),
                str(tmp_path / "line-a"),
            )
            assert status == 0, said
            assert values[3] == rate
        status, _, said = await mbpoll(
            *(
                "-m",
                "rtu",
                "-b",
                "19200",
                "-P",
                "none",
                "-a",
                "3",
                "-t",
                "3",
                "-r",
                "0",
                "-c",
                "1",
                "-o",
                "0.2",
            ),
            str(tmp_path / "line-a"),
        )
        assert status != 0
        assert "timed out" in said


async def test_a_pymodbus_client_pauses_a_pump_and_is_refused_the_rest(tmp_path):
    """Coil 0 stops the pump; coil 0 off is an illegal value; coil 7 an illegal address; FC16 no function."""
    async with open_stage(tmp_path) as stage:
        client = AsyncModbusTcpClient("127.0.0.1", port=tcp_port(stage), retries=0, timeout=5)
        await client.connect()
        try:
            before = await client.read_input_registers(0, count=14, device_id=1)
            assert before.registers[0] == 2
            assert not (await client.write_coil(0, True, device_id=1)).isError()
            after = await client.read_input_registers(0, count=14, device_id=1)
            assert (after.registers[0], after.registers[4:6]) == (3, [0, 0])
            assert (await client.write_coil(0, False, device_id=1)).exception_code == 3
            assert (await client.write_coil(7, True, device_id=1)).exception_code == 2
            assert (await client.write_registers(0, [1, 2], device_id=1)).exception_code == 1
            assert (await client.read_holding_registers(0, count=1, device_id=1)).exception_code == 2
        finally:
            client.close()
        assert stage.pumps["TCP-1"].pump.face.models["1"].status is PumpStatus.PAUSED


async def test_the_start_that_only_the_simulator_knows_works_for_others(tmp_path):
    """Whoever may write coil 1 starts the pump: that is what pumpd's outgoing filter is there for."""
    async with open_stage(tmp_path) as stage:
        model = stage.pumps["TCP-1"].pump.face.models["1"]
        model.press_stop()
        client = AsyncModbusTcpClient("127.0.0.1", port=tcp_port(stage), retries=0, timeout=5)
        await client.connect()
        try:
            assert not (await client.write_coil(1, True, device_id=1)).isError()
        finally:
            client.close()
        assert model.status is PumpStatus.RUNNING


async def test_unplugged_and_plugged_in_again(tmp_path):
    """TCP: the connection breaks and none is taken. Serial: the port's path is gone. Then both are back."""
    async with open_stage(tmp_path) as stage:
        served, path = stage.pumps["TCP-1"].served, tmp_path / "line-a"
        host, port = "127.0.0.1", tcp_port(stage)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(bytes.fromhex("0001 0000 0006 01 04 0000 0001"))
        assert len(await asyncio.wait_for(reader.readexactly(11), 5)) == 11
        await served.unplug()
        assert await asyncio.wait_for(reader.read(1), 5) == b""
        writer.close()
        await writer.wait_closed()
        with pytest.raises(OSError):
            await asyncio.open_connection(host, port)
        await stage.pumps["RTU-1"].served.unplug()
        assert not path.is_symlink()
        await served.plug()
        await stage.pumps["RTU-2"].served.plug()
        assert tcp_port(stage) == port
        assert path.is_symlink()
        status, values, said = await mbpoll(
            *("-m", "rtu", "-b", "19200", "-P", "none", "-a", "2", "-t", "3", "-r", "0", "-c", "4"), str(path)
        )
        assert (status, values[3]) == (0, "3000"), said


async def test_a_port_that_is_something_else_is_left_alone(tmp_path):
    """A file at the path of a line is not replaced."""
    (tmp_path / "line-a").write_text("mine", encoding="utf-8")
    with pytest.raises(Exception, match="something else is there"):
        async with open_stage(tmp_path):
            pass
    assert (tmp_path / "line-a").read_text(encoding="utf-8") == "mine"
