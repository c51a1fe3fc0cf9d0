"""The demo's files: the shipped ones, with free ports and a directory of their own."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from pumpd.errors import ConfigError, Problem

SHIPPED = Path(__file__).parents[1] / "config" / "demo"
HOST = "127.0.0.1"
LINES = "/tmp/pumpd-demo"  # noqa: S108 - a name in the shipped files, replaced before anything is opened
"""Where the shipped files put the simulated serial lines."""
FILES = ("pumpd.yaml", "ward.yaml", "drug-library.yaml")
_PORT = re.compile(r"(?<=port: )\d+|(?<=127\.0\.0\.1:)\d+")


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Copies in a directory that goes away with the demo."""

    config: Path
    ward: Path


def free_ports(wanted: set[int]) -> dict[int, int]:
    """Return for each wanted port itself where it is free on this machine, else one that is."""
    found: dict[int, int] = {}
    with contextlib.ExitStack() as held:
        for port in sorted(wanted):
            found[port] = _bound(held, port) or _bound(held, 0)
    return found


def _bound(held: contextlib.ExitStack, port: int) -> int:
    """Return the port bound, held until the stack ends so that none is given twice; 0 when taken."""
    listener = held.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        return 0
    return int(listener.getsockname()[1])


def copy_demo(directory: Path, shipped: Path = SHIPPED) -> DemoFiles:
    """Copy the shipped demo into ``directory``, on ports that are free; ConfigError when it is not there."""
    texts = {}
    for name in FILES:
        file = shipped / name
        try:
            texts[name] = file.read_text(encoding="utf-8")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            problem = Problem(
                str(file),
                0,
                "(file)",
                f"the demo's file can not be read: {reason}",
                "the files that ship with pumpd",
                "run the demo from a checkout, or give --files",
            )
            raise ConfigError((problem,)) from None
    ports = free_ports({int(port) for text in texts.values() for port in _PORT.findall(text)})
    for name, text in texts.items():
        moved = _PORT.sub(lambda match: str(ports[int(match[0])]), text)
        moved = moved.replace(LINES, str(directory / "lines")).replace("../../var/demo", "data")
        (directory / name).write_text(moved, encoding="utf-8")
    (directory / "lines").mkdir()
    (directory / "data").mkdir()
    return DemoFiles(directory / "pumpd.yaml", directory / "ward.yaml")
