"""What a program may leave behind: processes, ports, files; and how to wait for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LISTENS, LOOPBACK, ANY = "0A", "0100007F", "00000000"
"""As the kernel writes them: state LISTEN, 127.0.0.1 and 0.0.0.0."""


def until(condition: Callable[[], T | None], within_s: float, what: str = "") -> T:
    """Return the first truthy value of ``condition``; AssertionError when there is none in time."""
    end_s = time.perf_counter() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.perf_counter() < end_s, f"not within {within_s} s: {what or condition}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def command_lines(holding: str) -> list[str]:
    """Return the command lines that hold ``holding``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if holding in line:
                found.append(line)
    return found


def listening(ports: Collection[int]) -> set[str]:
    """Return the inodes of the sockets that listen on these ports of the loopback.

    Another program may take a port the moment it is free; its socket is another one.
    """
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == LISTENS and address in {LOOPBACK, ANY} and int(port, 16) in ports:
            found.add(words[9])
    return found
