"""Where a ward's control listens: on this machine only."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pumpd.errors import ConfigError, Problem

_ALLOWED = "127.0.0.1:PORT, localhost:PORT or [::1]:PORT"


@dataclass(frozen=True, slots=True)
class ControlPlace:
    """A loopback address and a port; 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def control_place(text: str, option: str) -> ControlPlace:
    """Return the place; ConfigError, naming ``option``, when it is none or not on this machine."""
    host, colon, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    if not (colon and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise _refused(option, text, f"{text!r} is no HOST:PORT")
    try:
        on_this_machine = ipaddress.ip_address(host).is_loopback
    except ValueError:
        on_this_machine = False
    if not on_this_machine:
        raise _refused(option, text, f"{host!r} is not this machine alone: anybody could press keys there")
    return ControlPlace(host, int(port))


def _refused(option: str, text: str, what: str) -> ConfigError:
    port = text.rpartition(":")[2]
    well = port.isascii() and port.isdigit() and int(port) <= 65535
    remedy = f"write {option} 127.0.0.1:{port if well else 5090}"
    return ConfigError((Problem("command line", 0, option, what, _ALLOWED, remedy),))
