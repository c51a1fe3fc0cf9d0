"""``pumpd probe``: speak to one pump once and tell everything that was seen. It only reads."""

from __future__ import annotations

from typing import Final

from pumpd.bench_line import Tell, TracedTransport, bench_line, driver_called, silent, tell_rest, url_for
from pumpd.drivers.base import Driver, Identity
from pumpd.drivers.register_reading import describe
from pumpd.errors import DeviceRefusedError, LinkTimeoutError, PumpdError, TransportError, WireError
from pumpd.transports.base import Transport
from pumpd.transports.bus import LineConversation
from pumpd.transports.exchange import Counters
from pumpd.transports.url import Framing, PumpUrl

READINGS: Final = 5


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
    spec = driver_called(driver)
    url = url_for(url_text, spec.dialect)
    unit = spec.address(url.unit)
    tell_bytes = tell if show_bytes else silent
    async with bench_line(
        url,
        unit,
        spec.card.reply_time_ms,
        tell_bytes,
        dialect=spec.dialect,
        controls=spec.upkeep,
        slow_reply_ms=spec.card.slow_reply_ms,
        wire=wire,
    ) as line:
        tell(f"connecting to {spec.place(line.wire.name, unit)}, as {spec.card.make} {spec.card.model}")
        try:
            await line.open()
            tell_rest(url, spec, tell)
            await _look(spec.build(unit), line.talk, tell, readings)
            well = True
        except PumpdError as error:
            tell(f"failed: {error}")
            tell(f"what to do: {advice(error, url, line.wire)}")
            well = False
        _tell_counters(line.talk.counters, tell)
    return well


async def _look(driver: Driver, talk: LineConversation, tell: Tell, readings: int) -> None:
    tell_identity(await driver.identify(talk), tell)
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


def tell_identity(identity: Identity, tell: Tell) -> None:
    """Tell who answered."""
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


def advice(error: PumpdError, url: PumpUrl, wire: TracedTransport) -> str:
    """Return what a biomedical engineer does about a probe that failed."""
    serial = url.settings is not None
    called = "address" if url.framing is Framing.DIALECT else "unit"
    unit = "" if url.unit is None else f", and that its {called} is {url.unit}"
    if isinstance(error, LinkTimeoutError) and wire.only_echo:
        return (
            "only our own bytes came back: the adapter hears itself (echo), and nothing answers; "
            f"check that the pump is on, the two wires of RS-485, the baud rate{unit}"
        )
    if isinstance(error, LinkTimeoutError) and wire.received_bytes:
        return "bytes came, but no reply to our question: " + (
            "is it RTU over the network (modbus-rtu://HOST:PORT)?"
            if url.framing is Framing.MODBUS_TCP
            else "baud rate, parity, another master, another pump's address or another protocol"
        )
    if isinstance(error, LinkTimeoutError):
        where = "cable (are the two wires of RS-485 exchanged?), baud rate, parity" if serial else "network"
        return f"nothing answers: check that the pump is on, its {where}{unit}"
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
