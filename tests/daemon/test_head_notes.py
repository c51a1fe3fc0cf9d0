"""The journal's head is noted outside of the journal: in the node's status, and in syslog."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from pumpd.core.drug_library import DrugLibrary
from pumpd.daemon.head_notes import NOTE_EVERY_S, HeadNotes
from pumpd.daemon.publisher_state import gone, online
from pumpd.daemon.seams import Ward
from pumpd.qa.virtual_time import VirtualClock, run_virtual
from pumpd.store.base import Head
from pumpd.store.journal_inline import InlineJournal
from pumpd.syslog import Severity, Syslog
from tests.store.lines import SetClock, line

pytestmark = pytest.mark.requirement("AUDIT-2")


def ward() -> Ward:
    library = DrugLibrary("1", "0" * 64, (), frozenset())
    return Ward("clinic", "ward-a", "boot-1", "1.0", "0" * 64, library, {})


def test_noted_once_a_minute_while_it_moves() -> None:
    """A head is noted when it moved, not again, and after a syslog that was away."""

    async def story() -> None:
        journal = InlineJournal.open(None, VirtualClock(asyncio.get_running_loop()))
        said: list[str] = []
        away = False

        def say(text: str) -> None:
            if away:
                raise ConnectionRefusedError("nobody there")
            said.append(text)

        running = asyncio.create_task(HeadNotes(ward(), journal, say).run(), name="pumpd.head-notes")
        await asyncio.sleep(NOTE_EVERY_S + 1)
        assert said == [], "an empty journal has no head"
        await journal.append([line(1), line(2)], [])
        await asyncio.sleep(3 * NOTE_EVERY_S)
        assert said == [f"clinic/ward-a: journal head 2:{journal.head.hash}"]
        away = True
        await journal.append([line(3)], [])
        await asyncio.sleep(2 * NOTE_EVERY_S)
        assert len(said) == 1
        away = False
        await asyncio.sleep(NOTE_EVERY_S)
        assert said[1:] == [f"clinic/ward-a: journal head 3:{journal.head.hash}"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await journal.close()

    run_virtual(story())


def test_it_stands_in_the_status() -> None:
    """The node's status carries the head as the command line takes it; nothing without a journal."""
    watched = ward()
    assert online(watched, SetClock(), "").journal_head == ""
    watched.journal_seq, watched.journal_head = 2, Head(2, "ab" * 32)
    assert {online(watched, SetClock(), "").journal_head, gone(watched, None).journal_head} == {
        "2:" + "ab" * 32
    }


@pytest.mark.real
def test_syslog_over_a_socket_of_this_host(tmp_path: Path) -> None:
    """A local syslog gets priority (daemon, notice), program and one line; without one it is an OSError."""
    path = tmp_path / "log"
    with pytest.raises(FileNotFoundError):
        Syslog(str(path), SetClock()).say(Severity.NOTICE, "x")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        Syslog(str(path), SetClock()).say(Severity.NOTICE, "journal head\n1:ab")
        assert re.fullmatch(r"<29>pumpd\[\d+\]: journal head 1:ab", listener.recv(2048).decode())


@pytest.mark.real
@pytest.mark.parametrize(("family", "host", "named"), [(2, "127.0.0.1", "127.0.0.1"), (10, "::1", "[::1]")])
def test_syslog_over_udp(family: int, host: str, named: str) -> None:
    """A remote syslog gets one RFC 5424 datagram with the daemon's time."""
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind((host, 0))
        listener.settimeout(5)
        Syslog(f"{named}:{listener.getsockname()[1]}", SetClock()).say(Severity.ALERT, "é")
        said = listener.recv(2048).decode()
    assert re.fullmatch(r"<25>1 2026-03-01T08:00:00\.000\+00:00 \S+ pumpd \d+ - - é", said)


def fill(syslog: Syslog) -> None:
    for _ in range(100_000):
        syslog.say(Severity.NOTICE, "x" * 1000)


@pytest.mark.real
def test_a_full_syslog_is_not_waited_for(tmp_path: Path) -> None:
    """A syslog that reads nothing costs an error, not time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        syslog = Syslog(str(tmp_path / "log"), SetClock())
        with pytest.raises(BlockingIOError):
            fill(syslog)
