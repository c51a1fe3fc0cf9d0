"""``pumpd probe``: speak to one pump once and tell everything that was seen. It only reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from pumpd.drivers.base import Driver, Identity
from pumpd.drivers.register_reading import describe
from pumpd.drivers.registry import DriverSpec, installed
from pumpd.errors import (
    ConfigError,
    DeviceRefusedError,
    LinkTimeoutError,
    Problem,
    PumpdError,
    TransportError,
    WireError,
)
from pumpd.transports.base import Receiver, Transport
from pumpd.transports.bus import Bus, LineConversation, bus_for
from pumpd.transports.exchange import Counters
from pumpd.transports.url import Framing, PumpUrl, parse_url

Tell = Callable[[str], None]

READINGS: Final = 5
LATENCY_MS: Final = 50
"""More patience than a daemon has: a probe may go through a serial server at the other end of a house."""
_CONNECT_S: Final = 10.0


class TracedTransport:
    """A transport that tells every byte in hex, with the milliseconds since the probe began."""

    def __init__(self, wire: Transport, tell: Tell) -> None:
        self.received_bytes = 0
        self._wire = wire
        self._tell = tell
        self._began_s = asyncio.get_running_loop().time()
        self._receiver: Receiver | None = None

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

    async def open(self, receiver: Receiver) -> None:
        """Open the wire and listen along."""
        self._receiver = receiver
        await self._wire.open(self)

    def write(self, data: bytes) -> None:
        """Tell and send."""
        self._say(">", data)
        self._wire.write(data)

    async def close(self) -> None:
        """Close the wire."""
        await self._wire.close()

    def data_received(self, data: bytes) -> None:
        """Tell and hand on."""
        self.received_bytes += len(data)
        self._say("<", data)
        if self._receiver is not None:
            self._receiver.data_received(data)

    def connection_lost(self, error: TransportError) -> None:
        """Hand on."""
        if self._receiver is not None:
            self._receiver.connection_lost(error)

    def _say(self, way: str, data: bytes) -> None:
        at_ms = (asyncio.get_running_loop().time() - self._began_s) * 1000
        self._tell(f"{at_ms:9.1f} ms {way} {data.hex(' ')}")


async def probe(
    url_text: str,
    driver: str,
    tell: Tell,
    *,
    readings: int = READINGS,
    show_bytes: bool = True,
    wire: Transport | None = None,
) -> bool:
    """Connect, ask who is there, read ``readings`` times; return whether everything was answered well.

    ``wire`` stands in for the URL's own. ConfigError when URL or driver name is wrong; whatever the pump
    does is told, with what to do about it, and raises nothing.
    """
    spec = _found(driver)
    url = _parsed(url_text, of_modbus=spec.dialect is None)
    unit = 1 if url.unit is None else url.unit
    traced = TracedTransport(wire or url.transport(), tell if show_bytes else _silent)
    seeded = random.Random(0)  # noqa: S311 - the first transaction id, which protects nothing here
    bus = bus_for(
        url,
        latency_ms=LATENCY_MS,
        seeded=seeded,
        on_blocked=_unexpected,
        transport=traced,
        dialect=spec.dialect,
    )
    talk = bus.conversation(unit, spec.card.reply_time_ms)
    tell(f"connecting to {traced.name}, unit {unit}, as {spec.card.make} {spec.card.model}")
    try:
        await _open(bus)
        await _look(spec.build(unit), talk, tell, readings)
        well = True
    except PumpdError as error:
        tell(f"failed: {error}")
        tell(f"what to do: {advice(error, url, traced.received_bytes)}")
        well = False
    finally:
        await bus.link.close(TransportError(f"{traced.name}: the probe has ended"))
    _tell_counters(talk.counters, tell)
    return well


async def _open(bus: Bus) -> None:
    try:
        async with asyncio.timeout(_CONNECT_S):
            await bus.link.open()
    except TimeoutError:
        raise TransportError(f"{bus.name}: no connection within {_CONNECT_S:.0f} s") from None


async def _look(driver: Driver, talk: LineConversation, tell: Tell, readings: int) -> None:
    _tell_identity(await driver.identify(talk), tell)
    trips_ms = []
    for _ in range(readings):
        channels = await driver.read(talk)
        trips_ms.append(talk.counters.round_trip_ms)
    for reading in channels:
        tell(f"channel {reading.channel}:")
        for name, value in describe(reading).items():
            text = value if isinstance(value, str) else ", ".join(value) or "none"
            tell(f"  {name.replace('_', ' ')}: {text}")
        if reading.raw_alarms:
            tell(f"  alarms as they came: {', '.join(reading.raw_alarms)}")
    tell(
        f"{readings} readings, round trip {min(trips_ms):.1f} to {max(trips_ms):.1f} ms, "
        f"mean {sum(trips_ms) / len(trips_ms):.1f} ms"
    )


def _tell_identity(identity: Identity, tell: Tell) -> None:
    serial = identity.serial_number or "not told"
    firmware = identity.firmware or "not told"
    tell(f"identity: {identity.make} {identity.model}, serial number {serial}, firmware {firmware}")
    if identity.simulated:
        tell("this is a SIMULATED pump: its values are never shown as real")


def _tell_counters(counters: Counters, tell: Tell) -> None:
    tell(
        f"asked {counters.asked}, answered {counters.answered}, refused {counters.refused}, "
        f"timed out {counters.timed_out}, late {counters.late}, unusable {counters.unusable}, "
        f"bytes dropped {counters.discarded_bytes}"
    )


def advice(error: PumpdError, url: PumpUrl, received_bytes: int) -> str:
    """Return what a biomedical engineer does about a probe that failed."""
    serial = url.settings is not None
    if isinstance(error, LinkTimeoutError) and received_bytes:
        return (
            "bytes came, but no reply to our question: baud rate, parity or another protocol"
            if serial
            else "bytes came, but no reply to our question: is it RTU over the network (modbus-rtu://HOST:PORT)?"
        )
    if isinstance(error, LinkTimeoutError):
        where = "cable (are the two wires of RS-485 exchanged?), baud rate, parity" if serial else "network"
        return f"nothing answers: check that the pump is on, its {where}, and that its unit is {url.unit}"
    if isinstance(error, TransportError):
        return (
            "check that the port exists, that this user may open it and that no other program has it"
            if serial
            else "check address and port, that the pump or serial server is on, and what stands between"
        )
    if isinstance(error, DeviceRefusedError) and error.code in {1, 2}:
        return "it answers, but has no such registers: another model, or a map whose address base is wrong"
    if isinstance(error, DeviceRefusedError):
        return "the pump is there and says no: look at its display, and ask again in a minute"
    if isinstance(error, WireError):
        return "it answers, but not as this driver expects: check make and model against `pumpd drivers list`"
    return "look at the pump"


def _parsed(url_text: str, *, of_modbus: bool) -> PumpUrl:
    allowed = "modbus-tcp://HOST:PORT/UNIT or modbus-rtu:///dev/PORT/UNIT?baud=9600"
    try:
        url = parse_url(url_text)
    except ValueError as error:
        raise ConfigError(
            (Problem("(command line)", 0, "URL", str(error), allowed, "mend the URL"),)
        ) from None
    if of_modbus and url.unit is None:
        what = f"{url_text!r} names no Modbus unit"
        raise ConfigError((Problem("(command line)", 0, "URL", what, allowed, "write a Modbus URL"),))
    if not of_modbus and url.framing is not Framing.DIALECT:
        what = f"{url_text!r} is one of Modbus, and the pump speaks a protocol of its own"
        allowed = "serial:///dev/PORT?baud=9600 or tcp://HOST:PORT"
        raise ConfigError((Problem("(command line)", 0, "URL", what, allowed, "write such a URL"),))
    return url


def _found(driver: str) -> DriverSpec:
    specs = installed()
    if driver not in specs:
        what = f"there is no driver '{driver}'"
        raise ConfigError(
            (Problem("(command line)", 0, "--driver", what, ", ".join(specs), "use one of these"),)
        )
    return specs[driver]


def _silent(_: str) -> None:
    """Tell nothing."""


def _unexpected(unit: int | None, frame: bytes, reason: str) -> None:
    """A probe declares no control, so nothing but reads leaves it; the error itself is told by ``probe``."""
    del unit, frame, reason
