"""``pumpd trace``: a pump's line as it goes, each byte in hex and what it means. It only reads."""

from __future__ import annotations

import asyncio
import contextlib

from pumpd.bench_line import Tell, bench_line, driver_called, tell_rest, url_for
from pumpd.drivers.base import Conversation, Driver
from pumpd.errors import DeviceRefusedError, PumpdError, TransportError, WireError
from pumpd.probe import advice, tell_identity
from pumpd.transports.base import Transport
from pumpd.wire_words import TalkedAloud, in_a_line


async def trace(
    url_text: str,
    driver: str,
    tell: Tell,
    *,
    every_s: float = 1.0,
    for_s: float | None = None,
    wire: Transport | None = None,
) -> bool:
    """Read a pump every ``every_s`` until ``for_s`` is over and tell all of it; for ever without.

    Return whether the line lasted. ConfigError when URL or driver name is wrong; ``wire`` stands in for the
    URL's own.
    """
    spec = driver_called(driver)
    url = url_for(url_text, spec.dialect)
    unit, wait_ms = spec.address(url.unit), spec.card.reply_time_ms
    async with bench_line(
        url,
        unit,
        wait_ms,
        tell,
        dialect=spec.dialect,
        controls=spec.upkeep,
        slow_reply_ms=spec.card.slow_reply_ms,
        wire=wire,
    ) as line:
        tell(f"tracing {spec.place(line.wire.name, unit)}, as {spec.card.make} {spec.card.model}")
        try:
            await line.open()
            tell_rest(url, spec, tell)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await _watch(spec.build(unit), TalkedAloud(line.talk, tell), tell, every_s)
        except PumpdError as error:
            tell(f"failed: {error}")
            tell(f"what to do: {advice(error, url, line.wire)}")
            return False
    return True


async def _watch(driver: Driver, talk: Conversation, tell: Tell, every_s: float) -> None:
    """Go on for as long as the line lasts; TransportError when it does not."""
    known = False
    while True:
        try:
            if not known:
                tell_identity(await driver.identify(talk), tell)
                known = True
            for reading in await driver.read(talk):
                tell(in_a_line(reading))
        except TransportError:
            raise
        except (WireError, DeviceRefusedError):
            known = False  # told already; whoever answers next may be another
        await asyncio.sleep(every_s)
