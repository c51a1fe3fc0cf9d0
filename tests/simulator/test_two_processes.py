"""``pumpd simulate`` in one process, ``pumpd probe`` in another, a real wire between them."""

import asyncio

import pytest

from pumpd.errors import TransportError
from pumpd.simulator.run import run
from tests import proof
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


@pytest.mark.requirement("CFG-5")
async def test_a_second_ward_at_the_same_place_is_told_what_may_run_there(tmp_path):
    """The place, the file that names it, and that another ward or a demo may be there."""
    async with simulated(tmp_path) as places:
        port = str(places["TCP-1"][0]).rpartition(":")[2]
        second = tmp_path / "second.yaml"
        second.write_text(
            WARD.partition("  - listen: modbus-rtu")[0].replace("127.0.0.1:0", f"127.0.0.1:{port}")
        )
        with pytest.raises(
            TransportError, match=rf"127\.0\.0\.1:{port}: can not listen: .* in use"
        ) as caught:
            await run(second, lambda _: None)
    assert str(caught.value).endswith(
        f"choose another port in {second}, or end the ward or demo that may run there"
    )


async def serial_number(where) -> bytes:
    """Connect, ask for registers 108 to 115, and return the text that stands there."""
    host, _, port = where.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(bytes.fromhex("0001 0000 0006 01 04 006c 0008"))
    reply = await reader.readexactly(9 + 16)
    writer.close()
    await writer.wait_closed()
    return reply[9:].rstrip(b"\0")


async def test_hundreds_of_pumps_in_one_process_each_answer(tmp_path):
    """With a soft limit of 128 open files, each listens on a port of its own and tells its own number."""
    n_pumps = proof.count("simulated pumps in one process, each answering on TCP", small=200, full=500)
    text = WARD.replace("modbus-tcp://127.0.0.1:0\n", f"modbus-tcp://127.0.0.1:0\n    repeat: {n_pumps}\n")
    few_files = ("sh", "-c", 'ulimit -Sn 128; exec "$@"', "sh")
    async with simulated(tmp_path, text, few_files) as places:
        assert len(places) == n_pumps + 2
        async with asyncio.timeout(40):
            names = [f"TCP-1-{at + 1}" for at in range(n_pumps)]
            answers = await asyncio.gather(*(serial_number(places[name][0]) for name in names))
    assert answers == [f"SIM-0001-{at + 1}".encode() for at in range(n_pumps)]
