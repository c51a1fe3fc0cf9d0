"""ser2net, the serial server of many hospitals' racks, between a socket and a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ACCEPTERS = {"raw": "tcp", "rfc2217": "telnet(rfc2217=true),tcp"}


@dataclass(frozen=True, slots=True)
class SerialServer:
    """A running one."""

    port: int
    device: int
    """The far end of its serial port, where a pump would be."""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _listens(port: int) -> bool:
    """Return whether somebody listens, without connecting: a connection would be the one client."""
    wanted = f"0100007F:{port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1] == wanted and row[3] == "0A" for row in rows)


@contextlib.contextmanager
def serial_server(kind: str, folder: Path, serial_path: str | None = None) -> Iterator[SerialServer]:
    """Run ser2net on ``serial_path``, or on a new pseudo-terminal whose far end the test has."""
    program = shutil.which("ser2net")
    if program is None:
        pytest.skip("needs ser2net")
    device, ours = os.openpty()
    tty.setraw(ours)
    os.set_blocking(device, False)
    port = free_port()
    config = folder / "ser2net.yaml"
    config.write_text(
        "%YAML 1.1\n---\nconnection: &pump\n"
        f"  accepter: {ACCEPTERS[kind]},127.0.0.1,{port}\n"
        f"  connector: serialdev,{serial_path or os.ttyname(ours)},9600n81,local\n"
    )
    with (folder / "ser2net.log").open("wb") as told:
        process = subprocess.Popen([program, "-n", "-c", config], stdout=told, stderr=told)
    try:
        for _ in range(750):
            if _listens(port):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
                pytest.fail(f"ser2net ended: {(folder / 'ser2net.log').read_text()}")
        yield SerialServer(port, device)
    finally:
        process.kill()
        process.wait()
        os.close(device)
        os.close(ours)
