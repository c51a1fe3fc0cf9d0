"""What is wrong with the node: each boundary, and what ends a little later than it began."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.node import NodeMust, NodeSeen, node_words
from tests.core.courses.bed import Node
from tests.core.courses.of_node import DAY, LEAST, TODAY, dated, looks, set_clock, stood

pytestmark = pytest.mark.requirement("NODE-1")


def _measured(node: Node, condition: ConditionId) -> str:
    alarm = node.alarm(condition)
    return "" if alarm is None else alarm.measured


@pytest.mark.parametrize(
    ("by_s", "words"),
    [(3600, "forward by 1:00:00"), (-5, "back by 0:00:05"), (2, ""), (-2, ""), (2.001, "forward by 0:00:02")],
)
def test_a_clock_that_is_set_is_told_either_way(by_s: float, words: str) -> None:
    """More than two seconds within one, forward or back; it is told for a minute."""
    node = Node()
    for act in (looks(3), set_clock(by_s), looks(1)):
        act(node)
    assert _measured(node, ConditionId.CLOCK_STEPPED) == words
    looks(59)(node)
    assert _measured(node, ConditionId.CLOCK_STEPPED) == words
    looks(1)(node)
    assert _measured(node, ConditionId.CLOCK_STEPPED) == ""


@pytest.mark.parametrize(("seconds", "words"), [(9, ""), (9.001, "all of it stood still for 10 s")])
def test_a_program_that_stood_still_says_so(seconds: float, words: str) -> None:
    """Ten seconds between two looks are still well; its clock did not step meanwhile."""
    node = Node()
    for act in (looks(2), stood(seconds), looks(1)):
        act(node)
    assert _measured(node, ConditionId.TASK_SILENT) == words
    assert _measured(node, ConditionId.CLOCK_STEPPED) == ""


def test_the_first_look_has_nothing_to_compare_with() -> None:
    """Whatever the clocks show at the start, nothing has stepped or stood still."""
    node = Node(now_ns=10**15, stepped=timedelta(days=400))
    looks(1)(node)
    assert not node.state.alarms


def test_a_task_that_ended_is_named() -> None:
    """The alarm names the task and why; the newest stands for those of one moment."""
    node = Node()
    looks(1, ended=("pumpd.journal: OSError: gone", "pumpd.recorder: KeyError: 1"))(node)
    assert _measured(node, ConditionId.TASK_SILENT) == "pumpd.recorder: KeyError: 1"


def test_a_disk_on_the_edge_does_not_chatter() -> None:
    """Told below what is wanted, it is well again with half as much more; unwatched it is never told."""
    must = NodeMust(LEAST)
    node = Node(must=must)
    seen = {free: NodeSeen(node.now, free_bytes=free) for free in (LEAST - 1, LEAST, LEAST * 3 // 2 - 1)}
    told = (ConditionId.DISK_LOW,)
    for free, words in seen.items():
        assert bool(node_words(node.memory, words, must, ())[ConditionId.DISK_LOW]) is (free < LEAST)
        assert node_words(node.memory, words, must, told)[ConditionId.DISK_LOW]
        assert not node_words(node.memory, words, NodeMust(), told)[ConditionId.DISK_LOW]
    well = NodeSeen(node.now, free_bytes=LEAST * 3 // 2)
    assert not node_words(node.memory, well, must, told)[ConditionId.DISK_LOW]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (TODAY, TODAY, ""),
        (TODAY + DAY, TODAY + 9 * DAY, "holds from 2026-01-02 on, and it is 2026-01-01"),
        (TODAY - 9 * DAY, TODAY - DAY, "was to be looked at again by 2025-12-31"),
    ],
)
def test_a_library_holds_on_its_first_and_its_last_day(first: object, last: object, words: str) -> None:
    """Before the one and after the other it is told."""
    node = Node()
    for act in (dated(first, last), looks(1)):  # type: ignore[arg-type]
        act(node)
    assert _measured(node, ConditionId.LIBRARY_DATE) == words
