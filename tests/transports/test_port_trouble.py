"""Ports that are gone, forbidden or taken: what is said, and by which name an adapter is found again."""

import asyncio
import contextlib
import fcntl
import os
import pwd
import random
import shutil
import stat
import termios
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pumpd.errors import TransportError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.modbus import ReadRegisters
from pumpd.transports.bus import bus_for
from pumpd.transports.serial_line import SerialSettings, SerialTransport
from pumpd.transports.url import parse_url
from tests.transports.devices import answer
from tests.transports.loops import Heard
from tests.transports.terminals import terminal
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.requirement("LINK-9")]

NOBODY = 65534


def refused(path: str) -> str:
    """Return what is said of a port that can not be opened."""

    async def tried() -> str:
        port = SerialTransport("port", path, SerialSettings(9600))
        try:
            await port.open(Heard())
        except TransportError as error:
            return str(error)
        await port.close()
        return "opened"

    return asyncio.run(tried())


def as_nobody(path: str) -> str:
    """Return the same as a user without rights sees it."""
    pwd.getpwuid(NOBODY)  # read while it may be
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said = refused(path)
        except BaseException as error:  # noqa: BLE001 - whatever it was, the parent must not wait
            said = repr(error)
        os.write(tell, said.encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as words:
        said = words.read()
    os.waitpid(child, 0)
    print(said)
    return said


async def test_an_adapter_comes_back_under_another_name(tmp_path):
    """Unplugged and plugged in anew it is another device; by its stable name the line goes on by itself."""
    by_id = tmp_path / "by-id" / "usb-FTDI_FT232R_A1B2-if00-port0"
    by_id.parent.mkdir()
    framer, loop = RtuServerFramer(), asyncio.get_running_loop()

    def hear(device: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for question in framer.feed(os.read(device, 4096)):
                os.write(device, framer.encode(question, answer(question.payload)))

    with terminal() as (device, path, unplug), terminal() as (again, other_path, _):
        assert path != other_path
        by_id.symlink_to(path)
        bus = bus_for(
            parse_url(f"modbus-rtu://{by_id}/1?baud=115200"),
            latency_ms=100,
            seeded=random.Random(1),
            on_blocked=lambda *_: None,
        )
        with capture_logs() as logs:
            running = asyncio.create_task(bus.run(), name="bus under test")
            loop.add_reader(device, hear, device)
            await bus.until_up()
            pump = bus.conversation(1, 50)
            assert await pump.ask(ReadRegisters(1, 3, 5, 2)) == (105, 106)
            loop.remove_reader(device)
            unplug()
            by_id.unlink()
            await until(lambda: not bus.up)
            with pytest.raises(TransportError, match="the line is down"):
                await pump.ask(ReadRegisters(1, 3, 5, 2))
            await until(lambda: bus.attempts >= 2)
            by_id.symlink_to(other_path)
            loop.add_reader(again, hear, again)
            await until(lambda: bus.opening == 2)
            assert await pump.ask(ReadRegisters(1, 3, 5, 2)) == (105, 106)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            loop.remove_reader(again)
    said = [(entry["event"], entry.get("reason", "")) for entry in logs if entry["event"].startswith("line ")]
    assert said == [("line up", ""), ("line down", f"{by_id}: the port was unplugged"), ("line up", "")]


def test_a_port_that_is_gone_says_by_which_name_it_stays(tmp_path):
    """A kernel's name is another one after the next unplugging; the words lead to the one that stays."""
    said = refused(str(tmp_path / "ttyUSB0"))
    assert said == (
        "port: there is no such port; plug the adapter in, or look for its name with `pumpd ports`: "
        "one below /dev/serial/by-id stays with it"
    )


def test_what_is_no_serial_port_is_told_so():
    """A file or a folder that was named by mistake."""
    for path in ("/dev/null", "/dev"):
        assert refused(path) == "port: it is no serial port; `pumpd ports` lists those of this machine"


@pytest.mark.parametrize(
    ("mode", "group", "do"),
    [
        (0o060, "dialout", "add the user to that group (usermod -aG "),
        (0o060, "root", "a udev rule gives it GROUP=dialout, MODE=0660"),
        (0o000, "dialout", "a udev rule gives it GROUP=dialout, MODE=0660"),
    ],
)
def test_an_unprivileged_user_is_told_whose_port_it_is(mode, group, do):
    """Permission denied names user, owner and group, and what to do; nobody is led into root's group."""
    with terminal() as (_, path, _):
        if os.geteuid() == 0:
            shutil.chown(path, group=group)
        elif group == "root":
            pytest.skip("only root can give a port to root's group")
        owner = pwd.getpwuid(Path(path).stat().st_uid).pw_name
        Path(path).chmod(mode)
        said = as_nobody(path)
    user = pwd.getpwuid(NOBODY if os.geteuid() == 0 else os.geteuid()).pw_name
    assert said.startswith(f"port: the user {user} may not open the port, which is {owner}'s and group ")
    assert do in said


def test_a_port_that_another_program_has_locked_names_it():
    """Who holds the lock is found and named, though this process holds the far end of the line itself."""
    with terminal() as (_, path, _):
        ready, tell = os.pipe()
        over, end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(end)
            fcntl.flock(os.open(path, os.O_RDWR | os.O_NOCTTY), fcntl.LOCK_EX)
            os.write(tell, b"!")
            os.read(over, 1)
            os._exit(0)
        os.read(ready, 1)
        name = Path(f"/proc/{child}/comm").read_text().strip()
        said = refused(path)
        for descriptor in (end, over, ready, tell):
            os.close(descriptor)
        os.waitpid(child, 0)
        print(said)
        assert said == f"port: another program has the port open: {name}, process {child}; end it"
        assert refused(path) == "opened"


def test_a_port_of_which_another_user_is_the_only_one_is_told_to_be_taken():
    """``TIOCEXCL``, as terminal programs set it: whose it is only root sees, and the words say so."""
    if os.geteuid() != 0:
        pytest.skip("needs two users: root has it, and nobody may not")
    with terminal() as (_, path, _):
        Path(path).chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IROTH | stat.S_IWOTH)
        held = os.open(path, os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.ioctl(held, termios.TIOCEXCL)
            said = as_nobody(path)
        finally:
            os.close(held)
    taken = "port: another program has the port open, which only root can name"
    assert said == f"{taken} (fuser {path}); end it"


async def test_two_lines_of_one_configuration_are_told_apart_from_another_program():
    """The port that this very process has open is no other program's."""
    with terminal() as (_, path, _):
        first = SerialTransport("first", path, SerialSettings(9600))
        second = SerialTransport("second", path, SerialSettings(9600))
        await first.open(Heard())
        with pytest.raises(TransportError, match="has the port open: this one, on another line"):
            await second.open(Heard())
        await first.close()
