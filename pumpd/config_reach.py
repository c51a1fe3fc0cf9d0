"""What a line can carry: how often its pumps can be read, from bytes, baud rate, reply times and latency."""

from __future__ import annotations

from collections.abc import Iterable

from pumpd.drivers.registry import DriverSpec
from pumpd.transports.exchange import MOST_LATE_TIMEOUTS
from pumpd.transports.url import Framing, PumpUrl

_RTU_TIMEOUTS = 1 + MOST_LATE_TIMEOUTS
"""A question of RTU goes out again only after so many time-outs (see the decision on link discipline)."""
_PLAIN_BITS = 10
"""Bits of a byte behind a serial server, whose settings the URL does not tell: 8N1."""


def wire_s(url: PumpUrl, spec: DriverSpec) -> float:
    """Return how long the bytes of one reading take on the line; 0 where no baud rate is known."""
    settings = url.settings or url.com_port
    if settings is not None:
        return spec.cycle_rtu_bytes * settings.bits_per_byte / settings.baud
    return spec.cycle_rtu_bytes * _PLAIN_BITS / url.baud if url.baud else 0.0


def horizon_s(url: PumpUrl, spec: DriverSpec, latency_ms: int) -> float:
    """Return how long the same question to the same pump must wait; 0 where replies name their question."""
    if url.framing is Framing.MODBUS_TCP:
        return 0.0
    return _RTU_TIMEOUTS * (wire_s(url, spec) + (spec.card.reply_time_ms + latency_ms) / 1000)


def reach_s(members: Iterable[tuple[PumpUrl, DriverSpec]], latency_ms: int, *, slow: bool = False) -> float:
    """Return how long it takes until each pump of a line was read once more, if all reply as late as usual.

    ``slow``: as late as a pump whose card says that it may be slow.
    """
    round_s, longest_s = 0.0, 0.0
    for url, spec in members:
        late_ms = max(spec.card.reply_time_ms, spec.card.slow_reply_ms if slow else 0)
        round_s += wire_s(url, spec) + spec.n_questions * (late_ms + latency_ms) / 1000
        longest_s = max(longest_s, horizon_s(url, spec, latency_ms))
    return max(round_s, longest_s)


def load_told(
    members: Iterable[tuple[PumpUrl, DriverSpec, float]], latency_ms: int
) -> tuple[float, float] | None:
    """Return the share of a line's time that its bytes take, and that it takes if all answer late.

    None where no baud rate is known. ``members`` are the pumps with their poll intervals in seconds; late is
    the longest that a card allows.
    """
    by_bytes = by_late = 0.0
    for url, spec, interval_s in members:
        wire = wire_s(url, spec)
        if not wire:
            return None
        by_bytes += wire / interval_s
        by_late += (wire + spec.n_questions * (spec.card.reply_time_ms + latency_ms) / 1000) / interval_s
    return by_bytes, by_late
