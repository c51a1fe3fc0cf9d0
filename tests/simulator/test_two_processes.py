"""``pumpd simulate`` in one process, ``pumpd probe`` in another, a real wire between them."""

import asyncio

import pytest

from tests.simulator.programs import PROGRAM, simulated
from tests.simulator.stages import WARD

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-2")]


async def probe(*arguments) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "probe", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 40)
    return process.returncode, said.decode()


async def test_probe_reads_a_simulated_pump_over_tcp_and_over_a_serial_line(tmp_path):
    """Identity, a reading, round trips and bytes are told; a unit that is not there fails with advice."""
    async with simulated(tmp_path) as places:
        where, unit = places["TCP-1"]
        status, said = await probe(f"modbus-tcp://{where}/{unit}", "--driver", "reference-pump")
        assert status == 0, said
        assert "serial number SIM-0001" in said
        assert "SIMULATED" in said
        assert "set flow: 10.5 mL/h" in said
        assert "01 04 00 00 00 0e" in said
        assert "round trip" in said
        path, unit = places["RTU-2"]
        status, said = await probe(f"modbus-rtu://{path}/{unit}?baud=19200", "--driver", "reference-pump")
        assert status == 0, said
        assert "serial number SIM-0012" in said
        status, said = await probe(f"modbus-rtu://{path}/9?baud=19200", "--driver", "reference-pump")
        assert status == 1
        assert "what to do: nothing answers" in said
    assert not (tmp_path / "line-a").is_symlink()


async def test_hundreds_of_pumps_need_more_open_files_than_a_shell_allows(tmp_path):
    """With a soft limit of 128 open files, 300 pumps each listen on a port of their own and answer."""
    text = WARD.replace("modbus-tcp://127.0.0.1:0\n", "modbus-tcp://127.0.0.1:0\n    repeat: 300\n")
    few_files = ("sh", "-c", 'ulimit -Sn 128; exec "$@"', "sh")
    async with simulated(tmp_path, text, few_files) as places:
        assert len(places) == 302
        assert len({where for where, _ in places.values()}) == 301
        where, unit = places["TCP-1-300"]
        status, said = await probe(f"modbus-tcp://{where}/{unit}", "--driver", "reference-pump", "--quiet")
        assert status == 0, said
        assert "serial number SIM-0001-300" in said
