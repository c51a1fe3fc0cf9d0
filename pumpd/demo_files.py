"""The demo's files: the shipped ones, with free ports and a directory of their own."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pumpd.document import read_bounded
from pumpd.errors import ConfigError, Problem, TransportError
from pumpd.example_files import EXAMPLES

SHIPPED = EXAMPLES / "demo"
HOST = "127.0.0.1"
LINES = "/tmp/pumpd-demo"  # noqa: S108 - a name in the shipped files, replaced before anything is opened
"""Where the shipped files put the simulated serial lines."""
CONTROL_PORT = 5090
"""Where the simulated ward is acted on; the shipped files do not name it."""
STEP = 100
"""From a taken port to the next one tried: not a random one, which any connection may get meanwhile."""
OTHERS = 50
FILES = ("pumpd.yaml", "ward.yaml", "drug-library.yaml")
_PORT = re.compile(r"(?<=port: )\d+|(?<=127\.0\.0\.1:)\d+")


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Copies in a directory that goes away with the demo."""

    config: Path
    ward: Path
    control: str
    """Where the simulated ward is acted on, as host:port."""


@contextlib.contextmanager
def claimed_ports(wanted: Iterable[int]) -> Iterator[dict[int, int]]:
    """Hold for each wanted port itself where it is free on this machine, else one that is.

    Claims last as long as the context: two demos that start together do not choose the same ports.
    """
    with contextlib.ExitStack() as claims:
        with contextlib.ExitStack() as probes:
            found = {port: _claim(claims, probes, port) for port in sorted(wanted)}
        yield found


def _claim(claims: contextlib.ExitStack, probes: contextlib.ExitStack, port: int) -> int:
    """Return ``port`` or, where it is taken, one above it; TransportError when all of those are taken too."""
    for candidate in range(port, min(port + OTHERS * STEP, 65_536), STEP):
        probe = probes.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, candidate))
            probe.listen()
            if sys.platform.startswith("linux"):
                # An abstract name: seen by every process of this machine, and gone with ours.
                claim = claims.enter_context(socket.socket(socket.AF_UNIX))
                claim.bind(f"\0pumpd-demo-{candidate}")
        except OSError:
            continue
        return candidate
    raise TransportError(
        f"port {port} of {HOST} is taken, and so are {OTHERS} others: end what listens there"
    )


@contextlib.contextmanager
def copied_demo(directory: Path, shipped: Path = SHIPPED) -> Iterator[DemoFiles]:
    """Copy the shipped demo into ``directory``, on ports that are free; ConfigError when it is not there.

    The ports are claimed as long as the context lasts.
    """
    texts = {}
    for name in FILES:
        file = shipped / name
        try:
            texts[name] = read_bounded(file).decode()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            problem = Problem(
                str(file),
                0,
                "(file)",
                f"the demo's file can not be read: {reason}",
                "the files that ship with pumpd",
                "install pumpd anew, or give --files",
            )
            raise ConfigError((problem,)) from None
    wanted = {int(port) for text in texts.values() for port in _PORT.findall(text)}
    with claimed_ports(wanted | {CONTROL_PORT}) as ports:
        for name, text in texts.items():
            moved = _PORT.sub(lambda match: str(ports[int(match[0])]), text)
            moved = moved.replace(LINES, str(directory / "lines")).replace("../../var/demo", "data")
            (directory / name).write_text(moved, encoding="utf-8")
        (directory / "lines").mkdir()
        (directory / "data").mkdir()
        control = f"{HOST}:{ports[CONTROL_PORT]}"
        yield DemoFiles(directory / "pumpd.yaml", directory / "ward.yaml", control)
