"""Metrics of pumps: what a biomedical engineer watches. Labels name pumps, never beds or patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client.core import Metric

from pumpd.core.alarms import Alarm, AlarmSignal
from pumpd.core.conditions import AlarmPriority
from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import ChannelId, PumpId, PumpStatus
from pumpd.daemon.parts import Watched
from pumpd.daemon.seams import LinkState, LivePump, Ward
from pumpd.exposition import Samples, counter, gauge
from pumpd.transports.exchange import Counters

PUMP = ("pump",)
CHANNEL = ("pump", "channel")
ERRORS: Mapping[str, str] = {
    "refused": "refused",
    "unusable": "unusable",
    "timed_out": "silence",
    "late": "late",
}
"""Counter of an address -> its kind of error."""

Lives = Mapping[tuple[PumpId, ChannelId], LivePump]


def lines(watched: tuple[Watched, ...]) -> Iterator[Metric]:
    """Yield what is known of each pump's line."""

    def each(name: str) -> Samples:
        return [((w.plan.pump,), float(getattr(w.talk.counters, name))) for w in watched]

    def times(name: str) -> Samples:
        counted: list[tuple[str, Counters]] = [(w.plan.pump, w.talk.counters) for w in watched]
        return [((pump,), getattr(c, name) / 1000) for pump, c in counted if c.answered]

    yield counter("pumpd_questions", "Frames sent to a pump, repeated ones included.", PUMP, each("asked"))
    yield counter("pumpd_answers", "Questions that a pump answered.", PUMP, each("answered"))
    yield counter(
        "pumpd_answer_errors",
        "Questions that brought no value, by kind: refused, unusable, silence; late ones came after all.",
        ("pump", "kind"),
        [
            ((w.plan.pump, kind), float(getattr(w.talk.counters, name)))
            for w in watched
            for name, kind in ERRORS.items()
        ],
    )
    yield counter(
        "pumpd_discarded_bytes",
        "Bytes that answered nothing: noise, damage, foreign and late frames.",
        PUMP,
        each("discarded_bytes"),
    )
    yield gauge(
        "pumpd_round_trip_seconds",
        "From the last answered question to its reply.",
        PUMP,
        times("round_trip_ms"),
    )
    yield gauge(
        "pumpd_longest_round_trip_seconds", "The longest since start.", PUMP, times("longest_round_trip_ms")
    )


def pumps(lives: Lives, now_ns: int) -> Iterator[Metric]:
    """Yield what is known of each pump's readings and link."""
    first = {live.pump: live for live in lives.values()}
    yield counter(
        "pumpd_readings",
        "Readings of a channel.",
        CHANNEL,
        [((live.pump, live.channel), float(live.sequence)) for live in lives.values()],
    )
    yield gauge(
        "pumpd_reading_age_seconds",
        "Age of a channel's last reading.",
        CHANNEL,
        [
            ((live.pump, live.channel), (now_ns - live.state.last.taken_ns) / NS_PER_S)
            for live in lives.values()
            if live.state.last is not None
        ],
    )
    yield counter(
        "pumpd_reading_errors",
        "Readings that did not come, whatever the reason.",
        PUMP,
        [((pump,), float(live.link.errors)) for pump, live in first.items()],
    )
    yield gauge(
        "pumpd_link_up",
        "1 while a pump answers.",
        PUMP,
        [((pump,), float(live.link.state is LinkState.UP)) for pump, live in first.items()],
    )
    links = Counter(live.link.state for live in first.values())
    yield gauge("pumpd_links", "Pumps by the state of their link.", ("state",), _all(LinkState, links))
    statuses = Counter(
        live.state.last.status if live.state.last is not None else PumpStatus.UNKNOWN
        for live in lives.values()
    )
    yield gauge(
        "pumpd_channels", "Channels by what their pump said last.", ("status",), _all(PumpStatus, statuses)
    )


def alarms(ward: Ward) -> Iterator[Metric]:
    """Yield how many alarms stand, and how many infusions go on."""
    standing: list[Alarm] = [*ward.site_state.alarms.values()]
    for live in ward.pumps.values():
        standing += live.state.alarms.values()
    counted = Counter((alarm.priority, alarm.signal) for alarm in standing)
    signals = [signal for signal in AlarmSignal if signal is not AlarmSignal.OFF]
    yield gauge(
        "pumpd_alarms",
        "Alarms by priority and signal.",
        ("priority", "signal"),
        [
            ((priority.name.lower(), signal.value), float(counted[priority, signal]))
            for priority, signal in product(AlarmPriority, signals)
        ],
    )
    conditions = Counter(
        alarm.condition.value for alarm in standing if alarm.signal is not AlarmSignal.LATCHED
    )
    yield gauge(
        "pumpd_conditions",
        "Conditions that are present, each with how many pumps have it.",
        ("condition",),
        [((condition,), float(count)) for condition, count in sorted(conditions.items())],
    )
    going_on = sum(live.state.watch is not None and live.state.watch.goes_on for live in ward.pumps.values())
    yield gauge("pumpd_infusions", "Infusions that are watched.", (), [((), float(going_on))])


def _all(kinds: type[LinkState | PumpStatus], counted: Counter[LinkState] | Counter[PumpStatus]) -> Samples:
    by_value = {kind.value: count for kind, count in counted.items()}
    return [((kind.value,), float(by_value.get(kind.value, 0))) for kind in kinds]
