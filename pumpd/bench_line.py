"""One pump on a line of its own, as an engineer's verbs speak to it: every byte can be told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from pumpd.config_reach import horizon_s
from pumpd.drivers.registry import DriverSpec, installed
from pumpd.errors import ConfigError, Problem, TransportError
from pumpd.protocols.wire import Dialect
from pumpd.transports.base import Receiver, Transport
from pumpd.transports.bus import Bus, LineConversation, bus_for
from pumpd.transports.outgoing import Control
from pumpd.transports.url import Framing, PumpUrl, parse_url

Tell = Callable[[str], None]

LATENCY_MS: Final = 50
"""More patience than a daemon has: a probe may go through a serial server at the other end of a house."""
_CONNECT_S: Final = 10.0
_REMEMBERED_BYTES: Final = 4096
_LONG_REST_S: Final = 2.0


class TracedTransport:
    """A transport that tells every byte in hex, with the milliseconds since it was made."""

    def __init__(self, wire: Transport, tell: Tell) -> None:
        self.received_bytes = 0
        self._wire = wire
        self._tell = tell
        self._began_s = asyncio.get_running_loop().time()
        self._receiver: Receiver | None = None
        self._sent = bytearray()
        self._received = bytearray()

    @property
    def name(self) -> str:
        """The wire's own name."""
        return self._wire.name

    @property
    def baud(self) -> int | None:
        """The wire's own speed."""
        return self._wire.baud

    @property
    def bits_per_byte(self) -> int:
        """The wire's own bits."""
        return self._wire.bits_per_byte

    @property
    def only_echo(self) -> bool:
        """Whether all that came was what we had sent: an RS-485 adapter that hears itself."""
        return bool(self._received) and self._sent.startswith(self._received)

    async def open(self, receiver: Receiver) -> None:
        """Open the wire and listen along."""
        self._receiver = receiver
        await self._wire.open(self)

    def write(self, data: bytes) -> None:
        """Tell and send."""
        self._say(">", data)
        self._keep(self._sent, data)
        self._wire.write(data)

    async def close(self) -> None:
        """Close the wire."""
        await self._wire.close()

    def data_received(self, data: bytes) -> None:
        """Tell and hand on."""
        self.received_bytes += len(data)
        self._keep(self._received, data)
        self._say("<", data)
        if self._receiver is not None:
            self._receiver.data_received(data)

    def connection_lost(self, error: TransportError) -> None:
        """Hand on."""
        if self._receiver is not None:
            self._receiver.connection_lost(error)

    @staticmethod
    def _keep(kept: bytearray, data: bytes) -> None:
        kept += data[: _REMEMBERED_BYTES - len(kept)]

    def _say(self, way: str, data: bytes) -> None:
        at_ms = (asyncio.get_running_loop().time() - self._began_s) * 1000
        self._tell(f"{at_ms:9.1f} ms {way} {data.hex(' ')}")


@dataclass(frozen=True, slots=True)
class BenchLine:
    """What a verb has in hand."""

    wire: TracedTransport
    bus: Bus
    talk: LineConversation

    async def open(self) -> None:
        """Connect; TransportError when it can not be done."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self.bus.link.open()
        except TimeoutError:
            raise TransportError(f"{self.bus.name}: no connection within {_CONNECT_S:.0f} s") from None


@asynccontextmanager
async def bench_line(
    url: PumpUrl,
    unit: int,
    reply_time_ms: int,
    tell_bytes: Tell,
    *,
    dialect: Dialect | None = None,
    controls: Iterable[Control] = (),
    slow_reply_ms: int = 0,
    wire: Transport | None = None,
) -> AsyncIterator[BenchLine]:
    """Give a line, not open yet, and close it; nothing but reads and ``controls`` can leave it.

    ``wire`` stands in for the URL's own.
    """
    traced = TracedTransport(wire or url.transport(), tell_bytes)
    seeded = random.Random(0)  # noqa: S311 - the first transaction id, which protects nothing here
    bus = bus_for(
        url,
        latency_ms=LATENCY_MS,
        seeded=seeded,
        on_blocked=_raised_to_who_asked,
        transport=traced,
        dialect=dialect,
    )
    try:
        talk = bus.conversation(unit, reply_time_ms, controls, slow_reply_ms=slow_reply_ms)
        yield BenchLine(traced, bus, talk)
    finally:
        await bus.link.close(TransportError(f"{traced.name}: closed by who opened it"))


def url_for(url_text: str, dialect: Dialect | None) -> PumpUrl:
    """Return the URL of a pump that speaks ``dialect``, or Modbus; ConfigError when it is no such one."""
    modbus = "modbus-tcp://HOST:PORT/UNIT or modbus-rtu:///dev/PORT/UNIT?baud=9600"
    allowed = modbus if dialect is None else "serial:///dev/PORT?baud=9600 or tcp://HOST:PORT"
    try:
        url = parse_url(url_text)
    except ValueError as error:
        raise ConfigError(
            (Problem("(command line)", 0, "URL", str(error), allowed, "mend the URL"),)
        ) from None
    if dialect is None and url.framing is Framing.DIALECT:
        what = f"{url_text!r} names no Modbus unit"
        raise ConfigError((Problem("(command line)", 0, "URL", what, allowed, "write a Modbus URL"),))
    if dialect is not None and url.framing is not Framing.DIALECT:
        what = f"{url_text!r} is one of Modbus, and the pump speaks a protocol of its own"
        raise ConfigError((Problem("(command line)", 0, "URL", what, allowed, "write such a URL"),))
    if dialect is not None and url.unit is not None and url.unit not in dialect.addresses:
        known = dialect.addresses
        what = f"no {dialect.name} is ever at address {url.unit}"
        allowed = f"{known[0]} to {known[-1]}" if dialect.addressed else "no address"
        raise ConfigError((Problem("(command line)", 0, "URL", what, allowed, "mend address="),))
    return url


def driver_called(name: str) -> DriverSpec:
    """Return a driver by its name; ConfigError names the known ones."""
    specs = installed()
    if name not in specs:
        what = f"there is no driver '{name}'"
        raise ConfigError(
            (Problem("(command line)", 0, "--driver", what, ", ".join(specs), "use one of these"),)
        )
    return specs[name]


def tell_rest(url: PumpUrl, spec: DriverSpec, tell: Tell) -> None:
    """Tell how long nothing is asked on a line that was just opened, where somebody could wonder."""
    rest_s = horizon_s(url, spec, LATENCY_MS)
    if rest_s >= _LONG_REST_S:
        tell(f"asks in about {rest_s:.0f} s: what somebody else asked before may still be answered till then")


def silent(_: str) -> None:
    """Tell nothing."""


def _raised_to_who_asked(unit: int | None, frame: bytes, reason: str) -> None:
    """Say nothing more: the filter raises, and whoever asked tells it."""
    del unit, frame, reason
