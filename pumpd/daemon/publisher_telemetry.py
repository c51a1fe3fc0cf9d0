"""Readings on their way to the network: many in one payload, put into JSON by hand.

This is the one path that every reading of every pump takes, so it is written for speed; a test holds it
equal to the payload models.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from json.encoder import encode_basestring_ascii as quoted

from pumpd.clock import Clock
from pumpd.core.infusion import Programme
from pumpd.core.quantities import NL_PER_ML, FlowRate, decimal_text
from pumpd.core.telemetry import ChannelId, PumpId, Telemetry, Validity
from pumpd.daemon.seams import LivePump, Ward

NS_PER_MS = 1_000_000
TELEMETRY_EVERY_S = 0.25
SILENT_TELEMETRY_EVERY_S = 1.0
"""Without readings a payload goes out all the same: it says that the node is there."""
ROUNDING = 1e-6
"""A moment that is missed by so small a part of the interval is not missed: floats are coarse."""
FLOWS_REMEMBERED = 32


def _age_ms(reading: Telemetry, now_ns: int) -> int:
    """Return the age rounded up: a reading is never told younger than it is."""
    return -((reading.taken_ns - now_ns) // NS_PER_MS)


class ReadingWriter:
    """Puts the readings of one channel into JSON; remembers what stays the same from one to the next."""

    def __init__(self, pump: PumpId, channel: ChannelId) -> None:
        self._head = f'{{"pump":{quoted(pump)},"channel":{quoted(channel)},"seq":'
        self._programme: Programme | None = None
        self._said: dict[int, str] = {}
        """Flow and dose in JSON by flow in nL/h: a dose is a fraction, and a pump uses few flows."""
        self._set: tuple[int, str] = (-1, "")
        """The set flow last written, in nL/h and in JSON."""
        self._pressure: tuple[int | None, str] = (None, "")
        """The same of the pressure, in tenths of a kilopascal."""

    def _flow_and_dose(self, nl_per_h: int, programme: Programme | None) -> str:
        if programme is not self._programme or len(self._said) > FLOWS_REMEMBERED:
            self._programme = programme
            self._said.clear()
        said = self._said.get(nl_per_h)
        if said is None:
            said = f',"flow_ml_h":"{decimal_text(nl_per_h, NL_PER_ML)}"'
            if programme is not None:
                said += f',"dose":{quoted(programme.dose(FlowRate(nl_per_h)).digits(6))}'
            self._said[nl_per_h] = said
        return said

    def write(self, reading: Telemetry, programme: Programme | None, now_ns: int) -> str:
        """Return the ``ReadingPart`` of a reading as it is at ``now_ns``."""
        head = (
            f'{self._head}{reading.sequence},"age_ms":{_age_ms(reading, now_ns)}'
            f',"status":"{reading.status.value}","provenance":"{reading.provenance.value}"'
        )
        parts, invalid = [head], []
        if (flow := reading.flow).value is not None:
            parts.append(self._flow_and_dose(flow.value.nl_per_h, programme))
        elif flow.validity is Validity.INVALID:
            invalid.append("flow_ml_h")
        if (volume := reading.volume).value is not None:
            parts.append(f',"volume_ml":"{decimal_text(volume.value.nl, NL_PER_ML)}"')
        elif volume.validity is Validity.INVALID:
            invalid.append("volume_ml")
        if (set_flow := reading.set_flow).value is not None:
            if set_flow.value.nl_per_h != self._set[0]:
                nl_per_h = set_flow.value.nl_per_h
                self._set = nl_per_h, f',"set_flow_ml_h":"{decimal_text(nl_per_h, NL_PER_ML)}"'
            parts.append(self._set[1])
        elif set_flow.validity is Validity.INVALID:
            invalid.append("set_flow_ml_h")
        if (vtbi := reading.volume_to_be_infused).value is not None:
            parts.append(f',"vtbi_ml":"{decimal_text(vtbi.value.nl, NL_PER_ML)}"')
        elif vtbi.validity is Validity.INVALID:
            invalid.append("vtbi_ml")
        if (pressure := reading.pressure_kpa_e1).value is not None:
            if pressure.value != self._pressure[0]:
                self._pressure = pressure.value, f',"pressure_kpa":"{decimal_text(pressure.value, 10)}"'
            parts.append(self._pressure[1])
        elif pressure.validity is Validity.INVALID:
            invalid.append("pressure_kpa")
        if (battery := reading.battery_percent).value is not None:
            parts.append(f',"battery_percent":{battery.value}')
        elif battery.validity is Validity.INVALID:
            invalid.append("battery_percent")
        if invalid:
            parts.append(',"invalid":["' + '","'.join(invalid) + '"]')
        return "".join(parts) + "}"


class TelemetryWriter:
    """Numbers and writes the payloads of ``node/{node}/telemetry``."""

    def __init__(self, ward: Ward) -> None:
        self._head = (
            f'{{"v":1,"advisory":true,"node":{quoted(ward.node)},"boot_id":{quoted(ward.boot_id)},"seq":'
        )
        self._writers: dict[tuple[PumpId, ChannelId], ReadingWriter] = {}
        self.sent = 0
        """Payloads numbered so far."""

    def reading(self, live: LivePump, now_ns: int) -> str | None:
        """Return the newest reading of a channel as JSON, None before the first."""
        reading = live.state.last
        if reading is None:
            return None
        key = (reading.pump, reading.channel)
        writer = self._writers.get(key)
        if writer is None:
            writer = self._writers[key] = ReadingWriter(*key)
        return writer.write(reading, live.state.setup.programme, now_ns)

    def payload(self, pumps: Iterable[LivePump], now_ns: int) -> bytes:
        """Return the next payload; ``confirm`` it once it is sent, or its number is used again."""
        readings = [text for live in pumps if (text := self.reading(live, now_ns)) is not None]
        return (
            f'{self._head}{self.sent + 1},"sent_ms":{now_ns // NS_PER_MS},"readings":[{",".join(readings)}]}}'
        ).encode()

    def confirm(self) -> None:
        """The last payload has gone out."""
        self.sent += 1


class TelemetryLane:
    """Lets readings out, together: at fixed moments, those that have one since the last payload."""

    def __init__(
        self, writer: TelemetryWriter, clock: Clock, offer: Callable[[bytes], Awaitable[bool]]
    ) -> None:
        """``offer`` returns whether the broker took a payload; what it did not take goes into the next."""
        self._writer = writer
        self._clock = clock
        self._offer = offer
        self._fresh: dict[LivePump, None] = {}
        self._wake = asyncio.Event()

    def reading(self, live: LivePump) -> None:
        """Take note that ``live.state.last`` is new."""
        if not self._fresh:
            self._wake.set()
        self._fresh[live] = None

    async def run(self) -> None:
        """Send over a connection that has just been made, until cancelled."""
        loop = asyncio.get_running_loop()
        sent_s = due_s = loop.time()
        await self._send()
        while True:
            self._wake.clear()
            if not self._fresh:
                timer = loop.call_at(sent_s + SILENT_TELEMETRY_EVERY_S, self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    timer.cancel()
            passed = math.ceil((loop.time() - due_s) / TELEMETRY_EVERY_S - ROUNDING)
            due_s += TELEMETRY_EVERY_S * max(1, passed)
            await asyncio.sleep(due_s - loop.time())
            if await self._send():
                sent_s = due_s

    async def _send(self) -> bool:
        fresh, self._fresh = self._fresh, {}
        sent = False
        try:
            sent = await self._offer(self._writer.payload(fresh, self._clock.monotonic_ns()))
        finally:
            if sent:
                self._writer.confirm()
            else:
                self._fresh = fresh | self._fresh
        return sent
