"""A line that gives back what is sent on it: no driver reads, pauses or says anything else because of it."""

import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from pumpd.drivers.registry import shipped
from pumpd.errors import LinkTimeoutError
from pumpd.protocols.modbus import ReadRegisters, WriteRegister
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import Rig, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import in_virtual_time, run_virtual
from pumpd.transports.echo import Echo
from pumpd.transports.outgoing import ControlPoint
from tests import proof
from tests.transports.lines import line

pytestmark = pytest.mark.requirement("LINK-9")

SERIAL = [
    (name, framing.name)
    for name, spec in sorted(shipped().items())
    for framing in subject_of(spec).framings
    if framing.baud is not None
]
REPLY = b"\x01\x03\x04\x00\x01\x00\x02"


def echoing(on: Rig, seeded: random.Random) -> None:
    """Let the rig's wire give back, in two pieces, whatever is written to it."""
    link, loop = on.bus.link, asyncio.get_running_loop()
    wire = link._transport
    write = wire.write

    def written(data: bytes) -> None:
        cut = seeded.randrange(len(data) + 1)
        loop.call_soon(link.data_received, data[:cut])
        loop.call_soon(link.data_received, data[cut:])
        write(data)

    wire.write = written  # type: ignore[method-assign]


async def told(name: str, framing_name: str, *, echo: bool) -> tuple[list[object], bool]:
    """Identify, read, pause everything and read again; return what was told, and whether the line echoes."""
    subject = subject_of(shipped()[name])
    framing = next(f for f in subject.framings if f.name == framing_name)
    async with rig(subject, framing) as on:
        if echo:
            echoing(on, random.Random(proof.SEED))
        on.start()
        heard: list[object] = [await on.driver.identify(on.talk), await on.driver.read(on.talk)]
        await on.rest()
        for channel in sorted(on.spec.pausable):
            await on.driver.pause(on.talk, channel)
            await on.rest()
        return [*heard, await on.driver.read(on.talk)], on.bus.link.echo.known


@pytest.mark.parametrize(("name", "framing"), SERIAL)
def test_an_echo_changes_nothing_that_a_driver_does(name, framing):
    """Identity, readings and pauses are the same with and without; a line without is never taken for one."""
    plain, without = run_virtual(told(name, framing, echo=False))
    with capture_logs() as logs:
        echoed, known = run_virtual(told(name, framing, echo=True))
    assert repr(echoed) == repr(plain)
    assert (without, known) == (False, True)
    assert [e["event"] for e in logs].count("the line echoes what is sent: dropped") == 1


POINT = ControlPoint(6, 9, 0, 500, Permission.PAUSE)


@in_virtual_time
async def test_a_command_that_only_its_echo_answers_is_not_confirmed():
    """Once a line is known to echo, a dead pump confirms nothing; Modbus answers a write by repeating it."""
    async with line("modbus-rtu", baud=19200) as on:
        pump, loop, link = on.bus.conversation(1, 50, [POINT]), asyncio.get_running_loop(), on.bus.link
        write = on.wire.asking.write

        def written(data: bytes) -> None:
            loop.call_soon(link.data_received, data)
            write(data)

        on.wire.asking.write = written  # type: ignore[method-assign]
        assert await pump.ask(ReadRegisters(1, 3, 5, 2)) == (105, 106)
        on.device.mute = True
        with pytest.raises(LinkTimeoutError):
            await pump.ask(WriteRegister(1, 9, 0, Permission.PAUSE))
        on.device.mute = False
        await asyncio.sleep(1)
        await pump.ask(WriteRegister(1, 9, 0, Permission.PAUSE))
        on.wire.asking.write = write  # type: ignore[method-assign]
        await asyncio.sleep(1)
        assert await pump.ask(ReadRegisters(1, 3, 5, 2)) == (105, 106)
        assert not link.echo.known
        await pump.ask(WriteRegister(1, 9, 0, Permission.PAUSE))


@given(
    frame=st.binary(min_size=1, max_size=12), rest=st.binary(max_size=12), cuts=st.lists(st.integers(0, 24))
)
def test_what_is_no_echo_is_never_lost(frame, rest, cuts):
    """Cut anywhere, a known line's echo is taken away once; whatever differs from it passes whole."""
    echo = Echo("line")
    echo.sent(frame, Permission.READ)
    assert echo.without(frame) == frame
    for arriving, expected in ((frame + rest, rest), (rest, rest)):
        echo.known = True
        echo.sent(frame, Permission.PAUSE)
        bounds = sorted({0, len(arriving), *(cut % (len(arriving) + 1) for cut in cuts)})
        got = b"".join(echo.without(arriving[a:b]) for a, b in itertools.pairwise(bounds))
        if arriving.startswith(frame) or not frame.startswith(arriving):
            assert got == (arriving[len(frame) :] if arriving.startswith(frame) else expected)


def test_a_line_is_known_by_questions_to_read_alone():
    """The answer to a command may be that command; and an opening forgets what was known."""
    echo, known = Echo("line"), []
    echo.sent(b"stop", Permission.PAUSE)
    assert echo.without(b"stop") == b"stop"
    known.append(echo.known)
    echo.sent(b"read", Permission.READ)
    assert echo.without(b"re") + echo.without(b"ad") == b"read"
    known.append(echo.known)
    echo.sent(b"stop", Permission.PAUSE)
    assert echo.without(b"stop" + REPLY) == REPLY
    echo.sent(b"read", Permission.READ)
    assert echo.without(b"re") == b""
    assert echo.without(b"ply") == b"reply"
    known.append(echo.known)
    echo.sent(b"read", Permission.READ)
    echo.without(b"read")
    known.append(echo.known)
    echo.opened()
    known.append(echo.known)
    assert known == [False, True, False, True, False]
