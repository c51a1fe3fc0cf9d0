"""The Grafana board that ships: every query asks for what daemon or dashboard serve."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboard.app import DashboardSettings, make_parts
from dashboard.health import DashboardMetrics
from pumpd.clock import SystemClock
from pumpd.core.quantities import FlowRate
from pumpd.daemon.metrics import NodeMetrics
from pumpd.exposition import Exposition
from pumpd.mqtt import Broker
from pumpd.qa.seeded_keys import seeded_signer
from tests.daemon.inside_scene import inside_of
from tests.daemon.orders import library
from tests.daemon.ward_scene import WardScene, play
from tests.house.promql import named
from tests.house.tree import ROOT

pytestmark = pytest.mark.requirement("OPS-3")
BOARD = json.loads((ROOT / "config" / "grafana" / "pumpd.json").read_text())
OF_PROMETHEUS = frozenset({"instance", "job", "le"})
"""Labels that Prometheus itself gives."""
ONLY_WHERE_THERE_IS_ONE = {
    "pumpd_spool_left_hours": "a spool",
    "pumpd_disk_free_bytes": "a disk that can be asked",
    "pumpd_clock_synchronised": "a time server that was promised",
    "pumpd_library_age_days": "a day from which the library holds",
    "pumpd_library_review_in_days": "a day by which it is looked at again",
}
"""Families that have a sample only where there is what they are of."""


@cache
def served() -> dict[str, set[str]]:
    """Return every name that is served with the labels it has, of a daemon with an alarm and a dashboard."""
    texts: list[bytes] = []

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model().turn_rate(FlowRate.parse("40").nl_per_h)
        await asyncio.sleep(6)
        texts.append(Exposition(NodeMetrics(inside_of(scene))).text())

    play(story, drugs=library())
    settings = DashboardSettings(
        "clinic", seeded_signer("desk"), "127.0.0.1", 8080, Broker("127.0.0.1", 1), ()
    )
    parts = make_parts(settings, SystemClock())
    texts.append(Exposition(DashboardMetrics(parts.pages, parts.hub)).text())
    found: dict[str, set[str]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            if family.name in ONLY_WHERE_THERE_IS_ONE:
                found.setdefault(family.name, set())
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def targets() -> list[tuple[str, str]]:
    """Return each query of the board with its legend."""
    panels: list[dict[str, Any]] = BOARD["panels"]
    return [(t["expr"], t["legendFormat"]) for panel in panels for t in panel.get("targets", ())]


@pytest.mark.parametrize(("expression", "legend"), targets())
def test_a_query_names_what_is_served(expression: str, legend: str) -> None:
    """Its metrics exist, and have the labels that it selects, groups and shows by."""
    said = named(expression)
    assert said.metrics
    assert said.metrics <= set(served())
    labels = set().union(*(served()[metric] for metric in said.metrics)) | OF_PROMETHEUS
    for metric, label in said.selected:
        assert label in served()[metric], (metric, label)
    shown = {part.partition("}}")[0].strip() for part in legend.split("{{")[1:]}
    assert said.grouped | shown <= labels


def test_every_figure_of_pumpd_stands_on_the_board() -> None:
    """What nobody looks at needs no counting; sums and counts of histograms stand with their buckets."""
    asked = set().union(*(named(expression).metrics for expression, _ in targets()))
    own = {name for name in served() if name.startswith("pumpd_") and not name.endswith("_created")}
    parts_of_histograms = {
        name.removesuffix("_bucket") + ending
        for name in asked
        if name.endswith("_bucket")
        for ending in ("_sum", "_count")
    }
    assert own - asked - parts_of_histograms == set()


def test_the_board_is_one_that_grafana_takes() -> None:
    """Each panel has an id and a place of its own, and asks the Prometheus that was chosen."""
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert all(p["datasource"]["uid"] == "${datasource}" for p in panels if p["type"] != "row")


@pytest.mark.parametrize("expression", ["sum(pumpd_alarms) # all", "pumpd_alarms{priority='high'} ~ 2"])
def test_what_is_not_understood_is_refused(expression: str) -> None:
    """The reader of expressions never passes over what it does not know."""
    with pytest.raises(ValueError, match="not understood"):
        named(expression)
