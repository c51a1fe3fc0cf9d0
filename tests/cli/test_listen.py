"""``pumpd trace --listen``: beside another master, which here is pumpd's own driver on the same line."""

import asyncio
import os
import pathlib
import re
import threading
import tty

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.core.quantities import NL_PER_ML
from pumpd.drivers.registry import find, shipped
from pumpd.errors import ConfigError, LinkTimeoutError
from pumpd.listen import listen
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer, frame_of
from pumpd.protocols.modbus import ReadRegisters
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.trace import trace
from pumpd.transports.base import Receiver, Transport
from pumpd.transports.memory import MemoryEnd, MemoryWire
from pumpd.transports.tap import Tap
from tests.bench import on_the_bench
from tests.transports.devices import answer
from tests.transports.terminals import terminal

FOLLOWED = [
    name for name, spec in shipped().items() if spec.dialect is None or spec.dialect.questions is not None
]


class Overheard:
    """The other master's wire, and beside it whoever listens; a transport."""

    def __init__(self, wire: Transport, beside: MemoryEnd) -> None:
        self._wire, self._beside = wire, beside
        self._receiver: Receiver
        self.name, self.baud, self.bits_per_byte = wire.name, wire.baud, wire.bits_per_byte

    async def open(self, receiver):
        self._receiver = receiver
        await self._wire.open(self)

    def write(self, data):
        self._beside.write(data)
        self._wire.write(data)

    async def close(self):
        await self._wire.close()

    def data_received(self, data):
        self._beside.write(data)
        self._receiver.data_received(data)

    def connection_lost(self, error):
        self._receiver.connection_lost(error)


@pytest.mark.requirement("ENG-2", "INV-1")
@pytest.mark.parametrize("name", FOLLOWED)
@in_virtual_time
async def test_whoever_listens_reads_what_the_other_master_reads(name):
    """Every dialect that can be followed: the pump's own flow, and not one byte on the line."""
    framing = subject_of(find(name)).framings[-1]
    beside = MemoryWire("tapped")
    await beside.answering.open(Silent())
    said: list[str] = []
    async with on_the_bench(name, framing) as bench:
        for model in bench.models:
            model.turn_rate(10 * NL_PER_ML)
            model.press_start()
        polled = trace(
            bench.url, name, lambda _: None, every_s=1.0, wire=Overheard(bench.wire, beside.answering)
        )
        master = asyncio.create_task(polled, name="the other master")
        assert await listen(bench.url, name, said.append, for_s=90, wire=beside.asking)
        master.cancel()
        await asyncio.gather(master, return_exceptions=True)
    text = "\n".join(said)
    flows = re.findall(r"^channel \S+: status running; flow ([\d.]+) mL/h", text, re.MULTILINE)
    assert len(flows) >= 3, text
    assert all(float(flow) == pytest.approx(10, abs=0.06) for flow in flows)
    assert "nothing is sent" in said[0]
    assert not re.search(r" ms > ", text)
    assert " awaits   " in text
    assert " asks   " not in text, "a listener asks nobody"


@pytest.mark.requirement("ENG-2")
@in_virtual_time
async def test_a_line_on_which_nothing_is_heard_is_no_success():
    """A receiver on the wrong wires, or no other master: it is said, with what to look at."""
    said: list[str] = []
    wire = MemoryWire("tapped").asking
    assert not await listen("tcp://127.0.0.1:1", "new-era", said.append, for_s=5, wire=wire)
    assert said[-2] == "nothing was heard"
    assert said[-1].startswith("what to do: check that another master asks on this line")


class Silent:
    """A receiver at the far end of the tap, where nothing may ever arrive."""

    def data_received(self, data):
        raise AssertionError(f"a listener sent {data.hex(' ')}")

    def connection_lost(self, error):
        """The listener has gone."""


@pytest.mark.requirement("ENG-2", "INV-2")
@in_virtual_time
async def test_an_answer_to_another_question_is_never_taken():
    """The question stays without an answer, and one of the same shape follows: what that gets is not ours."""
    tap = Tap(RtuFramer, RtuServerFramer, 5.0)
    wanted, other = bytes((1, 3, 0, 5, 0, 2)), bytes((1, 3, 0, 9, 0, 2))
    asking = asyncio.create_task(tap.ask(ReadRegisters(1, 3, 5, 2)), name="a listener's question")
    await asyncio.sleep(0)
    tap.data_received(frame_of(wanted))
    tap.data_received(frame_of(other) + frame_of(answer(other)))
    await asyncio.sleep(1)
    assert not asking.done()
    whole = b"\x00\xff" + frame_of(wanted) + frame_of(wanted) + frame_of(answer(wanted)) + frame_of(other)
    for at in range(len(whole)):
        tap.data_received(whole[at : at + 1])
    assert await asking == (105, 106)
    with pytest.raises(LinkTimeoutError, match="no other master put ReadRegisters"):
        await tap.ask(ReadRegisters(1, 3, 70, 2))


@pytest.mark.requirement("ENG-2")
@pytest.mark.parametrize(
    ("url", "driver", "words"),
    [
        ("tcp://127.0.0.1:1", "bbraun-bcc", "B. Braun Space rack can not be followed"),
        ("tcp://127.0.0.1:1", "neurowave-ap4000", "can not be followed"),
        ("tcp://127.0.0.1:1", "fresenius-base", "can not be followed"),
        ("modbus-tcp://127.0.0.1:1/1", "reference-pump", "brings answers to our own questions alone"),
    ],
)
def test_what_can_not_be_followed_is_refused(url, driver, words):
    """Sessions, stuffing found out and block numbers, or a socket of one's own: the operator is told."""
    ran = CliRunner().invoke(app, ["trace", url, "--driver", driver, "--listen"])
    assert isinstance(ran.exception, ConfigError)
    assert words in ran.exception.problems[0].what


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_card_says_whether_it_can_be_followed(name):
    """The card and the dialect agree."""
    assert find(name).card.listen_only is (name in FOLLOWED)


@pytest.mark.requirement("ENG-2", "INV-1")
@pytest.mark.real
def test_a_real_port_is_listened_to_and_nothing_is_written():
    """By the command line, on a pseudo-terminal on which another master asks and a pump answers."""
    asked = bytes((1, 4, 0, 0, 0, 14))
    words = (2, 20, 0, 1000, 0, 1000, 0, 5, 0, 39994, 23, 100, 0, 0)
    reply = bytes((1, 4, 28)) + b"".join(word.to_bytes(2) for word in words)
    over = threading.Event()

    def talk():
        while not over.wait(0.1):
            os.write(device, frame_of(asked))
            over.wait(0.05)
            os.write(device, frame_of(reply))

    with terminal() as (device, path, _):
        with pathlib.Path(path).open("rb", buffering=0) as port:
            tty.setraw(port.fileno())
        talking = threading.Thread(target=talk, name="another master")
        talking.start()
        try:
            url = f"modbus-rtu://{path}/1?baud=19200"
            ran = CliRunner().invoke(
                app, ["trace", url, "--driver", "reference-pump", "--listen", "--for", "1.5"]
            )
        finally:
            over.set()
            talking.join()
        with pytest.raises(BlockingIOError):
            os.read(device, 1)
    assert ran.exit_code == 0, ran.output
    assert "channel 1: status running; flow 10 mL/h" in ran.output
