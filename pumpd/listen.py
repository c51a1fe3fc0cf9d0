"""``pumpd trace --listen``: what another master asks and what the pump answers. It sends nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from pumpd.bench_line import Tell, TracedTransport, driver_called, url_for
from pumpd.drivers.registry import DriverSpec, installed
from pumpd.errors import ConfigError, DeviceRefusedError, Problem, PumpdError, TransportError, WireError
from pumpd.protocols.framing_rtu import RtuFramer, RtuServerFramer
from pumpd.protocols.wire import Framer, ServerFramer
from pumpd.transports.base import Transport
from pumpd.transports.tap import Tap
from pumpd.transports.url import Framing, PumpUrl
from pumpd.wire_words import TalkedAloud, in_a_line

PATIENCE_S: Final = 30.0
"""Longer than any master leaves its pumps alone."""


async def listen(
    url_text: str, driver: str, tell: Tell, *, for_s: float | None = None, wire: Transport | None = None
) -> bool:
    """Tell every byte, and each reading for which another master asks.

    Return whether the line lasted and brought anything, which is looked at when ``for_s`` is over.

    ConfigError when URL or driver name is wrong, or its protocol can not be followed.
    """
    spec = driver_called(driver)
    url = url_for(url_text, spec.dialect)
    framer, questions = followed(spec, url)
    unit = spec.address(url.unit)
    tap = Tap(framer, questions, PATIENCE_S)
    line = TracedTransport(wire or url.transport(), tell)
    tell(
        f"listening on {spec.place(line.name, unit)}, as {spec.card.make} {spec.card.model}: nothing is sent"
    )
    tell("identity not checked: who listens asks nobody")
    try:
        await line.open(tap)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await _watch(spec, unit, TalkedAloud(tap, tell, begins="awaits"), tell)
    except PumpdError as error:
        tell(f"failed: {error}")
        return False
    finally:
        await line.close()
    if not line.received_bytes:
        tell("nothing was heard")
        tell("what to do: check that another master asks on this line, both wires of the receiver, the speed")
        return False
    return True


async def _watch(spec: DriverSpec, unit: int, talk: TalkedAloud, tell: Tell) -> None:
    """Go on for as long as the line lasts; TransportError when it does not."""
    driver = spec.build(unit)
    while True:
        try:
            for reading in await driver.read(talk):
                tell(in_a_line(reading))
        except TransportError:
            raise
        except (WireError, DeviceRefusedError) as error:
            tell(f"no reading: {error}")


def followed(spec: DriverSpec, url: PumpUrl) -> tuple[Callable[[], Framer], Callable[[], ServerFramer]]:
    """Return what finds answers and questions of a pump; ConfigError where nobody can follow them."""
    if url.framing is Framing.MODBUS_RTU:
        return RtuFramer, RtuServerFramer
    if spec.dialect is not None and spec.dialect.questions is not None:
        return spec.dialect.framer, spec.dialect.questions
    if url.framing is Framing.MODBUS_TCP:
        what = "a socket of Modbus TCP brings answers to our own questions alone"
        allowed = "modbus-rtu:///dev/PORT/UNIT?baud=9600, a serial line on which the other master asks"
    else:
        what = (
            f"what travels between another master and {spec.card.make} {spec.card.model} can not be followed"
        )
        can = [n for n, s in installed().items() if s.dialect is None or s.dialect.questions is not None]
        allowed = ", ".join(can)
    remedy = "ask the pump yourself, without --listen"
    raise ConfigError((Problem("(command line)", 0, "--listen", what, allowed, remedy),))
