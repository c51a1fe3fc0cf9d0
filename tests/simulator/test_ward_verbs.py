"""``pumpd ward`` acts on ``pumpd simulate --control`` in another process."""

import asyncio
import json
import socket
import threading

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.errors import PumpdError, TransportError
from pumpd.simulator.control_client import ask
from pumpd.simulator.control_place import ControlPlace
from tests.simulator.programs import PROGRAM, simulated

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-6")]
CONTROLLED = ("--control", "127.0.0.1:0")


async def in_a_process(verb, place, *words):
    """Run one verb as a person does; return its status and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *("ward", verb, "--at", place),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, said.decode()


async def ward(verb, place, *words):
    """Run one verb in this process; return what it said; PumpdError when it was refused."""
    ran = await asyncio.to_thread(CliRunner().invoke, app, ["ward", verb, "--at", place, *words])
    if ran.exception is not None:
        raise ran.exception
    return ran.output


async def read_registers(where):
    """Ask the pump itself for its first registers, over its own wire."""
    host, _, port = where.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(bytes.fromhex("0001 0000 0006 01 04 0000 000e"))
    reply = await asyncio.wait_for(reader.readexactly(9 + 28), 10)
    writer.close()
    await writer.wait_closed()
    return reply[9:]


async def test_a_ward_is_looked_at_and_acted_on_from_the_command_line(tmp_path):
    """State, a key, a value with a unit, a fault, and held time in which the pump still answers."""
    async with simulated(tmp_path, control=CONTROLLED) as places:
        place, pump = places["control"][0], places["TCP-1"][0]
        status, said = await in_a_process("act", place, "TCP-1", "set-rate", "rate=60 mL/h")
        assert (status, "running  set 60 mL/h" in said) == (0, True), said
        assert "stands still" in await ward("time", place, "pause")
        before = await read_registers(pump)
        await ward("time", place, "step", "600")
        after = await read_registers(pump)
        assert before != after
        assert await read_registers(pump) == after
        status, said = await in_a_process("show", place)
        assert status == 0
        assert "TCP-1/1  running  set 60 mL/h  flow 60 mL/h" in said
        assert "fault silence" in await ward(
            "act", place, "RTU-1", "fault", "kind=silence", "whole_line=true"
        )
        assert "at second 9000" in await ward("act", place, "TCP-1", "stop", "at_s=9000", "channel=1")
        assert json.loads(await ward("show", place, "TCP-1"))["channels"]["1"]["true"]["put_in_ml"] == "50"
        assert set(json.loads(await ward("show", place, "--json"))["pumps"]) == {"TCP-1", "RTU-1", "RTU-2"}


async def test_what_is_wrong_is_told(tmp_path):
    """2 for what must be typed otherwise, 1 for what the pump refuses now; never a traceback."""
    async with simulated(tmp_path, control=CONTROLLED) as places:
        place = places["control"][0]
        status, said = await in_a_process("act", place, "TCP-9", "stop")
        assert (status, "did you mean TCP-1?" in said, "Traceback" in said) == (2, True, False), said
        too_fast = ("act", place, "TCP-1", "square-bolus", "volume=1195 mL", "over_s=3600")
        status, said = await in_a_process(*too_fast)
        assert (status, "the pump refused" in said, "Traceback" in said) == (1, True, False), said
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            empty = f"127.0.0.1:{nobody.getsockname()[1]}"
            for words, told in (
                (("act", place, "TCP-1", "set-rate", "rate=60"), "60 has no unit"),
                (("act", place, "TCP-1", "set-rate", "60"), "KEY=VALUE"),
                (("act", place, "TCP-1", "set-rate"), "rate is missing; allowed: rate; give rate, too"),
                (("act", place, "TCP-1", "stop", "rate=60 mL/h"), "does not take rate; .*; leave rate out"),
                (("act", place, "TCP-1", "set-rate", "rate=[1"), "not YAML"),
                (("time", place, "step"), "by_s is missing"),
                (("time", place, "resume", "5"), "does not take by_s"),
                (("time", place, "stop"), "there is no action 'stop'"),
                (("show", place, "TCP-9"), "there is no pump"),
                (("show", "10.0.0.1:80"), "not this machine"),
                (("show", empty), "no simulated ward answers"),
            ):
                with pytest.raises(PumpdError, match=told):
                    await ward(*words)


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"problems": [1]}', b'{"problems": 3}', b"hello"])
def test_what_is_no_ward_is_named(answer: bytes) -> None:
    """Another program at that port, such as the dashboard, ends in words, whatever it answers."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:

        def serve() -> None:
            asked, _ = stranger.accept()
            with asked:
                asked.recv(4096)
                asked.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(TransportError, match="no simulated ward"):
            ask(ControlPlace("127.0.0.1", stranger.getsockname()[1]), "/act", {})
        serving.join()
