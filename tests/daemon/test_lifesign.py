"""What the daemon tells the service manager that started it, on a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pumpd.daemon.lifesign import Lifesign
from pumpd.daemon.session import Session
from pumpd.notify import ServiceManager
from tests.daemon.inside_scene import inside_of
from tests.daemon.ward_scene import WardScene, play, pump
from tests.faults.nursery import Nursery
from tests.mosquitto import free_port
from tests.waiting import until

pytestmark = pytest.mark.requirement("NOTIFY-1")
LIBRARY = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"


@contextmanager
def told_on(address: str) -> Iterator[Callable[[], list[str]]]:
    """Yield what tells which datagrams came to ``address`` since it was last asked."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + address[1:] if address.startswith("@") else address)
        receiver.setblocking(False)

        def told() -> list[str]:
            found = []
            while True:
                try:
                    found.append(receiver.recv(4096).decode())
                except BlockingIOError:
                    return found

        yield told


def followed(
    tmp_path: Path,
    story: Callable[[WardScene, Callable[[], list[str]]], Awaitable[None]],
    *,
    plugged: bool = True,
) -> None:
    """Play ``story`` with a daemon that tells a socket of the test, with a watchdog of 15 s."""

    async def whole(scene: WardScene) -> None:
        with told_on(str(tmp_path / "notify")) as told:
            manager = ServiceManager(str(tmp_path / "notify"), 15)
            life = Lifesign(inside_of(scene))
            telling = asyncio.create_task(
                manager.keep_told(life.ready, life.well, life.words), name="telling"
            )
            await story(scene, told)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    play(whole, [pump(1), pump(2)], plugged=plugged)


def test_it_is_ready_once_every_pump_was_looked_at_and_pings_from_then(tmp_path: Path) -> None:
    """Not before the watchdog's first turn; then three pings in the time that the manager gives."""

    async def story(_scene: WardScene, told: Callable[[], list[str]]) -> None:
        await asyncio.sleep(0.9)
        assert told() == []
        await asyncio.sleep(0.4)
        assert told() == ["READY=1", "WATCHDOG=1", "STATUS=2 of 2 channels read"]
        await asyncio.sleep(30)
        assert told() == ["WATCHDOG=1"] * 6

    followed(tmp_path, story)


@pytest.mark.requirement("DAE-5")
def test_the_ping_stops_when_no_pump_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop and the watchdog go round, no session polls: no ping after half a minute."""

    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    async def story(scene: WardScene, told: Callable[[], list[str]]) -> None:
        await asyncio.sleep(10)
        assert "WATCHDOG=1" in told()
        monkeypatch.setattr(Session, "_until_due", for_ever)
        await asyncio.sleep(29)
        assert "WATCHDOG=1" in told()
        await asyncio.sleep(5)
        told()
        turned_ns = scene.app.watchdog.turned_ns
        await asyncio.sleep(300)
        assert scene.app.watchdog.turned_ns != turned_ns
        assert "WATCHDOG=1" not in told()

    followed(tmp_path, story)


def test_one_pump_that_is_asked_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that hangs is an alarm about its pump; it does not end the watching of the others."""
    until_due = Session._until_due

    async def story(scene: WardScene, told: Callable[[], list[str]]) -> None:
        async def but_one(self: Session, interval_s: float) -> None:
            if self._plan.pump == "PUMP-01":
                await asyncio.Event().wait()
            await until_due(self, interval_s)

        monkeypatch.setattr(Session, "_until_due", but_one)
        await asyncio.sleep(100)
        told()
        await asyncio.sleep(30)
        assert told().count("WATCHDOG=1") == 6

    followed(tmp_path, story)


@pytest.mark.parametrize("plugged", [True, False])
def test_a_ward_that_is_switched_off_is_well_watched(tmp_path: Path, plugged: bool) -> None:
    """Pumps that say nothing, and lines that can not be opened: a new start would help neither."""

    async def story(scene: WardScene, told: Callable[[], list[str]]) -> None:
        if plugged:
            for wire in scene.wires.values():
                wire.memory.asking.on_the_way = lambda _data: ()
        await asyncio.sleep(200)
        told()
        await asyncio.sleep(30)
        assert told().count("WATCHDOG=1") == 6

    followed(tmp_path, story, plugged=plugged)


def test_the_ping_stops_when_the_watchdog_does_not_go_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pumps are asked, but nobody looks whether they answer: no ping."""

    def hang(_pumps: object) -> None:
        raise RuntimeError("it looks at nobody")

    async def story(scene: WardScene, told: Callable[[], list[str]]) -> None:
        await asyncio.sleep(5)
        monkeypatch.setattr(scene.app.watchdog, "_look_at", hang)
        await asyncio.sleep(20)
        told()
        await asyncio.sleep(60)
        assert "WATCHDOG=1" not in told()

    followed(tmp_path, story)


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "15000000"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "42"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_is_named(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    """A process that inherits the variables of another feeds no watchdog with them."""
    assert ServiceManager.of(environment, "42") == ServiceManager("", watchdog_s)


def test_an_abstract_name_and_a_manager_that_is_gone(tmp_path: Path) -> None:
    """A name with @ is no path; a manager that does not listen, or whose queue is full, stops nothing."""
    name = f"@pumpd-test-{os.getpid()}"
    with told_on(name) as told:
        assert ServiceManager(name).say("READY=1")
        assert told() == ["READY=1"]
        sent = 0
        while ServiceManager(name).say("WATCHDOG=1"):
            sent += 1
            assert sent < 10_000
    assert not ServiceManager(str(tmp_path / "nobody")).say("READY=1")
    assert not ServiceManager().say("READY=1")


@pytest.mark.real
async def test_a_real_daemon_tells_a_real_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY, pings while it runs, none while it is frozen, RELOADING, STOPPING; needs no broker."""
    config = tmp_path / "pumpd.yaml"
    config.write_text(
        "site: clinic\nnode: ward-a\ndata_dir: var\n"
        f"mqtt: {{port: {free_port()}}}\nlibrary: {LIBRARY}\n"
        "machine: {least_free_mib: 0, time_server: false}\n"
        f"pumps: [{{id: PUMP-01, url: 'modbus-tcp://127.0.0.1:{free_port()}/1', driver: reference-pump}}]\n"
    )
    heard: list[str] = []
    with told_on(str(tmp_path / "notify")) as told:

        def came(what: str) -> bool:
            heard.extend(told())
            return what in "\n".join(heard).splitlines()

        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "900000")
        nursery = await Nursery.open(config, tmp_path / "log")
        try:
            await nursery.start()
            await until(lambda: came("READY=1"), 60)
            for _ in range(3):
                heard.clear()
                await until(lambda: came("WATCHDOG=1"))
            os.kill(nursery.pid, signal.SIGSTOP)
            await asyncio.sleep(0.1)
            told()
            heard.clear()
            with pytest.raises(TimeoutError):
                await until(lambda: came("WATCHDOG=1"), 1.0)
            os.kill(nursery.pid, signal.SIGCONT)
            await until(lambda: came("WATCHDOG=1"))
            heard.clear()
            os.kill(nursery.pid, signal.SIGHUP)
            await until(lambda: came("READY=1"))
            (reloading,) = [each for each in heard if each.startswith("RELOADING=1\nMONOTONIC_USEC=")]
            assert heard.index(reloading) < heard.index("READY=1")
            assert await nursery.end(signal.SIGTERM) == 0, (tmp_path / "log").read_text()[-2000:]
            assert came("STOPPING=1")
        finally:
            await nursery.close()
