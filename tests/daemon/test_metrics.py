"""What a daemon tells in figures: that they are those of its parts, and that none is of a patient."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import FlowRate
from pumpd.daemon.metrics import NodeMetrics
from pumpd.exposition import Exposition
from pumpd.tally import Tally
from tests.daemon.inside_scene import inside_of, scraped, value
from tests.daemon.ward_scene import DeafModel, WardScene, play, pump

pytestmark = pytest.mark.requirement("OPS-2")
TOO_FAST = FlowRate.parse("40").nl_per_h


def test_figures_are_those_of_the_ward() -> None:
    """Readings, answers, links, alarms and restraints after a pump was paused and another fell silent."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        await asyncio.sleep(3)
        before = scraped(inside)
        assert value(before, "pumpd_link_up", pump="PUMP-01") == 1
        assert value(before, "pumpd_links", state="up") == 2
        assert value(before, "pumpd_restraints_total", step="asked") == 0
        scene.model(1).turn_rate(TOO_FAST)
        await scene.wire(2).served.unplug()
        await asyncio.sleep(20)
        after = scraped(inside)
        one, two = scene.live(1), scene.live(2)
        assert value(after, "pumpd_readings_total", pump="PUMP-01", channel="1") == one.sequence > 10
        assert value(after, "pumpd_link_up", pump="PUMP-02") == 0
        assert value(after, "pumpd_links", state="down") == 1
        assert value(after, "pumpd_reading_errors_total", pump="PUMP-02") == two.link.errors > 0
        assert two.state.last is not None
        age_s = (scene.clock.monotonic_ns() - two.state.last.taken_ns) / 1e9
        assert value(after, "pumpd_reading_age_seconds", pump="PUMP-02", channel="1") == pytest.approx(age_s)
        assert age_s > 15
        talk = next(w.talk for w in scene.parts.watched if w.plan.pump == "PUMP-01")
        assert value(after, "pumpd_answers_total", pump="PUMP-01") == talk.counters.answered
        assert value(after, "pumpd_round_trip_seconds", pump="PUMP-01") == pytest.approx(
            talk.counters.round_trip_ms / 1000
        )
        assert value(after, "pumpd_restraints_total", step="confirmed") == 1
        assert value(after, "pumpd_restraints_total", step="failed") == 0
        assert value(after, "pumpd_conditions", condition=ConditionId.LINK_LOST.value) == 1
        standing = sum(len(live.state.alarms) for live in (one, two)) + len(scene.app.ward.site_state.alarms)
        told = {labels: count for (name, labels), count in after.items() if name == "pumpd_alarms"}
        assert sum(told.values()) == standing > 2
        high_on = frozenset({("priority", "high"), ("signal", "on")})
        assert told[high_on] == sum(
            alarm.priority.name == "HIGH" and alarm.signal.value == "on"
            for live in (one, two)
            for alarm in live.state.alarms.values()
        )
        assert value(after, "pumpd_journal_last_sequence") == scene.app.ward.journal_seq > 0

    play(story, [pump(1), pump(2)])


def test_a_pump_that_does_not_obey_is_counted_as_failed() -> None:
    """A restraint that could not be confirmed by reading back is a failure."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        scene.model().turn_rate(TOO_FAST)
        await asyncio.sleep(8)
        samples = scraped(inside_of(scene))
        assert value(samples, "pumpd_restraints_total", step="failed") == 1
        assert value(samples, "pumpd_restraints_total", step="confirmed") == 0

    play(story, model=DeafModel)


def test_no_figure_is_of_a_patient() -> None:
    """Neither the label nor the bed stands anywhere in what Prometheus is told."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(2)
        text = Exposition(NodeMetrics(inside_of(scene))).text().decode()
        assert "PUMP-01" in text
        assert "Q.X." not in text
        assert "Window-7" not in text

    play(story, [pump(1, label="Q.X.", bed="Window-7")])


def test_counters_only_go_up_and_name_no_family_twice() -> None:
    """Between two looks no counter goes back, and each metric is told once."""

    async def story(scene: WardScene) -> None:
        inside = inside_of(scene)
        await asyncio.sleep(2)
        before = scraped(inside)
        await asyncio.sleep(5)
        after = scraped(inside)
        counted = [key for key in before if key[0].startswith("pumpd_") and key[0].endswith("_total")]
        assert len(counted) > 10
        assert all(after[key] >= before[key] for key in counted)
        names = [family.name for family in NodeMetrics(inside).families()]
        assert len(names) == len(set(names))

    play(story)


def test_before_the_start_it_tells_what_it_is() -> None:
    """A daemon that has not started yet already says which it is, and nothing that is not so."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(0)
        inside = inside_of_unstarted(scene)
        assert {family.name for family in NodeMetrics(inside).families()} == {"pumpd_build_info"}

    def inside_of_unstarted(scene: WardScene):
        from pumpd.daemon.inside import Inside

        return Inside(scene.app, scene.parts, scene.clock, Tally())

    play(story, start=False)


def test_a_tally_counts_each_duration_in_its_bucket() -> None:
    """At a bound it still counts below it; buckets add up, and the sum is of all."""
    tally = Tally((0.1, 1.0))
    for took_s in (0.0, 0.1, 0.100001, 1.0, 7.0):
        tally.add(took_s)
    assert tally.buckets() == [("0.1", 2.0), ("1", 4.0), ("+Inf", 5.0)]
    assert tally.sum_s == pytest.approx(8.200001)
