"""What a program may leave behind: processes, ports, files; and how to wait for a condition."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


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


def listening(port: int) -> bool:
    """Return whether anybody listens on 127.0.0.1:``port``."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
