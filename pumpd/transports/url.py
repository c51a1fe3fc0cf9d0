"""Where a pump is: one URL names line, settings, framing and unit.

``modbus-tcp://host:port/UNIT``, ``modbus-rtu:///dev/ttyUSB0/UNIT?baud=19200&parity=E``,
``modbus-rtu://host:port/UNIT`` (RTU through a raw serial server), ``serial:///dev/ttyUSB0?baud=9600`` and
``tcp://host:port`` (framed dialects; ``address=3`` where several pumps share the line). A serial server that
sets its port as asked: ``rfc2217://host:port?baud=9600``, ``modbus-rtu+rfc2217://host:port/UNIT?baud=9600``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pumpd.protocols.modbus import check_unit
from pumpd.transports.base import Transport
from pumpd.transports.com_port import ComPortTransport
from pumpd.transports.serial_line import SerialSettings, SerialTransport
from pumpd.transports.tcp import TcpTransport


class Framing(Enum):
    """How messages are told apart on the line."""

    MODBUS_TCP = "modbus-tcp"
    MODBUS_RTU = "modbus-rtu"
    DIALECT = "dialect"
    """As the pump's own protocol does it."""


MODBUS_PORT: Final = 502
HIGHEST_ADDRESS: Final = 999
"""Of any framed dialect; each knows which of them its pumps can have."""
BAUDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
_FRAMINGS: Final = {
    "modbus-tcp": Framing.MODBUS_TCP,
    "modbus-rtu": Framing.MODBUS_RTU,
    "serial": Framing.DIALECT,
    "tcp": Framing.DIALECT,
    "rfc2217": Framing.DIALECT,
    "modbus-rtu+rfc2217": Framing.MODBUS_RTU,
}
"""By the URL's scheme."""
_COM_PORTS: Final = {"rfc2217", "modbus-rtu+rfc2217"}
_SERIAL_KEYS: Final = {"baud", "parity", "bits", "stop", "address"}


@dataclass(frozen=True, slots=True)
class PumpUrl:
    """One pump's place, read from its URL."""

    url: str
    framing: Framing
    line: str
    """Device path, or host:port: pumps with the same line share one bus."""
    unit: int | None
    """Modbus unit, 1 to 247; of a framed dialect the address, None where the URL names none."""
    settings: SerialSettings | None
    """None on a network line."""
    host: str = ""
    port: int = 0
    baud: int | None = None
    """Of the serial line behind a serial server, where the URL tells it."""
    com_port: SerialSettings | None = None
    """What a serial server is asked to set (RFC 2217); None for one that is set by hand."""

    def transport(self) -> Transport:
        """Return a transport, closed, for the line."""
        if self.settings is not None:
            return SerialTransport(self.line, self.line, self.settings)
        if self.com_port is not None:
            return ComPortTransport(self.line, self.host, self.port, self.com_port)
        return TcpTransport(self.line, self.host, self.port, self.baud)

    def agrees_with(self, other: PumpUrl) -> bool:
        """Return whether both can share one line: same settings and framing."""
        return (self.framing, self.settings, self.baud, self.com_port) == (
            other.framing,
            other.settings,
            other.baud,
            other.com_port,
        )


def parse_url(url: str) -> PumpUrl:
    """Return what ``url`` says; ValueError naming what is wrong and what is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in _FRAMINGS:
        raise ValueError(f"{url!r} begins with none of {', '.join(f'{s}://' for s in _FRAMINGS)}")
    options = _options(url, parts.query, _FRAMINGS[parts.scheme])
    if parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r}: no user name and no '#' belong in a pump's URL")
    path, unit = parts.path, None
    framing = _FRAMINGS[parts.scheme]
    if framing is not Framing.DIALECT:
        path, unit = _unit(url, parts.path)
        if "address" in options:
            raise ValueError(f"{url!r}: a Modbus pump has a unit, at the end of the path, and no address")
    elif "address" in options:
        unit = _number(url, options, "address", range(HIGHEST_ADDRESS + 1))
    if not parts.netloc:
        if parts.scheme in {"modbus-tcp", "tcp"} | _COM_PORTS:
            raise ValueError(f"{url!r}: write {parts.scheme}://host:port")
        if not path.startswith("/") or path == "/":
            raise ValueError(f"{url!r}: write {parts.scheme}:///dev/... with three slashes")
        settings = _settings(url, framing, options)
        return PumpUrl(url, framing, path, unit, settings)
    if parts.scheme == "serial":
        raise ValueError(
            f"{url!r}: write serial:///dev/... with three slashes; a network line is tcp://host:port"
        )
    if path not in {"", "/"}:
        raise ValueError(f"{url!r}: nothing but the unit follows host:port, got {path!r}")
    return _network(url, framing, unit, options)


def _network(url: str, framing: Framing, unit: int | None, options: dict[str, str]) -> PumpUrl:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r}: the port is 1 to 65535") from error
    if port is None and framing is Framing.MODBUS_TCP:
        port = MODBUS_PORT
    if not port or not parts.hostname:
        raise ValueError(f"{url!r}: write host and port, such as {parts.scheme}://10.0.0.5:4001")
    allowed = set() if framing is Framing.MODBUS_TCP else {"baud"}
    allowed |= {"address"} if framing is Framing.DIALECT else set()
    com_port = parts.scheme in _COM_PORTS
    if not com_port and (extra := sorted(set(options) - allowed)):
        may = f"only {' and '.join(sorted(allowed, reverse=True))}" if allowed else "no option"
        raise ValueError(f"{url!r}: {', '.join(extra)}: a network line takes {may}")
    host = parts.hostname
    line = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if com_port:
        settings = _settings(url, framing, options)
        return PumpUrl(url, framing, line, unit, None, host, port, settings.baud, settings)
    baud = _number(url, options, "baud", BAUDS) if "baud" in options else None
    return PumpUrl(url, framing, line, unit, None, host, port, baud)


def _options(url: str, query: str, framing: Framing) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise ValueError(f"{url!r}: write options as ?baud=9600&parity=E") from error
    options = dict(pairs)
    if len(options) != len(pairs):
        raise ValueError(f"{url!r}: an option stands twice")
    if extra := sorted(set(options) - _SERIAL_KEYS):
        address = ", address" if framing is Framing.DIALECT else ""
        raise ValueError(f"{url!r}: unknown {', '.join(extra)}; allowed baud, parity, bits, stop{address}")
    return options


def _unit(url: str, path: str) -> tuple[str, int]:
    rest, _, last = path.rpartition("/")
    if not (last.isascii() and last.isdigit()):
        raise ValueError(f"{url!r}: the Modbus unit (1 to 247) stands at the end, such as .../1")
    try:
        check_unit(int(last))
    except ValueError as error:
        raise ValueError(f"{url!r}: {error}") from error
    return rest, int(last)


def _number(url: str, options: dict[str, str], key: str, allowed: Sequence[int]) -> int:
    text = options[key]
    if not (text.isascii() and text.isdigit()) or int(text) not in allowed:
        told = (
            f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else ", ".join(map(str, allowed))
        )
        raise ValueError(f"{url!r}: {key}={text}; allowed {told}")
    return int(text)


def _settings(url: str, framing: Framing, options: dict[str, str]) -> SerialSettings:
    full = {"baud": "9600", "bits": "8", "stop": "1", "parity": "N"} | options
    if "baud" not in options:
        raise ValueError(f"{url!r}: say how fast, such as ?baud=9600")
    if full["parity"] not in {"N", "E", "O"}:
        raise ValueError(f"{url!r}: parity={full['parity']}; allowed N, E, O")
    bits = _number(url, full, "bits", (7, 8))
    if framing is Framing.MODBUS_RTU and bits != 8:
        raise ValueError(f"{url!r}: bits={bits}; Modbus RTU needs 8")
    return SerialSettings(
        _number(url, full, "baud", BAUDS),
        full["parity"],
        bits,
        _number(url, full, "stop", (1, 2)),
    )
