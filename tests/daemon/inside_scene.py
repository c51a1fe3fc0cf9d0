"""A daemon in virtual time seen from the side of whoever looks after it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from pumpd.daemon.inside import Inside
from pumpd.daemon.metrics import NodeMetrics
from pumpd.daemon.permission import Permission
from pumpd.daemon.publisher import NodePublisher
from pumpd.exposition import Exposition
from pumpd.mqtt import Broker
from pumpd.tally import Tally
from tests.daemon.ward_scene import WardScene

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Connected(NodePublisher):
    """A publisher that says that it has a broker."""

    has_broker = True

    @property
    def up(self) -> bool:
        return self.has_broker


def inside_of(scene: WardScene) -> Inside:
    """Return what the scene's daemon shows of itself, with a publisher that is never run."""
    assert scene.commands is not None
    broker = Broker("127.0.0.1", 1)
    ward, journal = scene.app.ward, scene.app.journal
    publisher = Connected(broker, ward, journal, scene.commands, scene.clock, permission=Permission(()))
    return Inside(scene.app, scene.parts, scene.clock, Tally(), publisher)


def scraped(inside: Inside) -> Samples:
    """Return every sample of the exposition, by name and labels."""
    text = Exposition(NodeMetrics(inside)).text().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[name, frozenset(labels.items())]
