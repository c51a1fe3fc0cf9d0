"""Metrics in Prometheus' text: what a program knows of itself, read at the moment it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from pumpd.tally import Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values, each with what it counts."""


class Families(Protocol):
    """What a program tells of itself."""

    def families(self) -> Iterable[Metric]:
        """Return every metric as it is now; label values never name a patient."""
        ...


class _Asked(Collector):
    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families.families()


class Exposition:
    """Writes what is told, with what the process itself takes of the machine."""

    def __init__(self, families: Families) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Asked(families))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all of it, as ``CONTENT_TYPE``."""
        return generate_latest(self._registry)


def gauge(name: str, told: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    """Return a metric that goes up and down."""
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def one(name: str, told: str, value: float) -> Metric:
    """Return a gauge of one value."""
    return gauge(name, told, (), [((), value)])


def counter(name: str, told: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    """Return a metric that only goes up, since the start of the program; Prometheus calls it NAME_total."""
    family = CounterMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def histogram(name: str, told: str, tally: Tally) -> Metric:
    """Return how long something took."""
    return HistogramMetricFamily(name, told, buckets=tally.buckets(), sum_value=tally.sum_s)


def info(name: str, told: str, said: Mapping[str, str]) -> Metric:
    """Return words about the program, as labels of a gauge that is always 1."""
    return gauge(name, told, tuple(said), [(tuple(said.values()), 1.0)])
