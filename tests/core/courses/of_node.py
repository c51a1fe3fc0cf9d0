"""Courses of the conditions of the node: what machine and program show, once a second."""

from __future__ import annotations

from datetime import date, timedelta

from pumpd.core.conditions import ConditionId
from pumpd.core.node import NodeMust, NodeSeen
from tests.core.courses.bed import Node, NodeAct, NodeCourse
from tests.core.situations import START

LEAST = 1000
TODAY = START.date()
DAY = timedelta(days=1)


def looks(seconds: int, **shows: object) -> NodeAct:
    """Return: the daemon looks once a second, and sees this."""

    def act(node: Node) -> None:
        for _ in range(seconds):
            node.wait(1)
            node.look(NodeSeen(node.now, **shows))  # type: ignore[arg-type]

    return act


def must(**asked: object) -> NodeAct:
    """Return: this is asked of the machine from now on."""

    def act(node: Node) -> None:
        node.must = NodeMust(**asked)  # type: ignore[arg-type]

    return act


def set_clock(seconds: float) -> NodeAct:
    """Return: somebody sets the time of day ahead, or back."""

    def act(node: Node) -> None:
        node.stepped += timedelta(seconds=seconds)

    return act


def stood(seconds: float) -> NodeAct:
    """Return: nothing of the program runs."""

    def act(node: Node) -> None:
        node.wait(seconds)

    return act


def dated(first: date, last: date) -> NodeAct:
    """Return: the drug library holds from ``first`` to ``last``."""
    return must(library_from=first, library_until=last)


def certificate(left: timedelta) -> NodeAct:
    """Return: one look at a certificate that holds for so long from then on."""

    def act(node: Node) -> None:
        node.wait(1)
        node.look(NodeSeen(node.now, certificates=(("node.pem", node.now.wall + left),)))

    return act


INSTANT = timedelta(microseconds=1)
WELL = looks(5)
NODE_COURSES = {
    ConditionId.BROKER_LOST: NodeCourse(
        (looks(12, broker_up=False),), (looks(11, broker_up=False), looks(1)), (looks(1),)
    ),
    ConditionId.TASK_SILENT: NodeCourse(
        (looks(1, ended=("pumpd.line: it ended by itself",)),), (stood(9), looks(1)), (looks(60),)
    ),
    ConditionId.CLOCK_STEPPED: NodeCourse(
        (WELL, set_clock(2.1), looks(1)),
        (WELL, set_clock(2), looks(5), set_clock(-2), looks(60), stood(9), looks(1)),
        (looks(60),),
    ),
    ConditionId.CLOCK_UNSYNCHRONISED: NodeCourse(
        (looks(302, synchronised=False),),
        (looks(301, synchronised=False), looks(1), looks(301, synchronised=False)),
        (looks(1, synchronised=True),),
    ),
    ConditionId.DISK_LOW: NodeCourse(
        (looks(1, free_bytes=LEAST - 1),),
        (looks(5, free_bytes=LEAST), looks(5)),
        (looks(1, free_bytes=LEAST * 3 // 2),),
        before=(must(least_free_bytes=LEAST), WELL),
    ),
    ConditionId.STATE_UNREADABLE: NodeCourse(
        (must(unreadable=("what PUMP-01/1 carried",)), looks(1)),
        (must(unreadable=()), looks(60)),
        (must(unreadable=()), looks(1)),
    ),
    ConditionId.LIBRARY_DATE: NodeCourse(
        (dated(TODAY - 9 * DAY, TODAY - DAY), looks(1)),
        (dated(TODAY, TODAY), looks(60)),
        (dated(TODAY - DAY, TODAY + DAY), looks(1)),
    ),
    ConditionId.CERTIFICATE_SOON: NodeCourse(
        (certificate(30 * DAY),), (certificate(30 * DAY + INSTANT),), (certificate(30 * DAY + INSTANT),)
    ),
    ConditionId.CERTIFICATE_ENDS: NodeCourse(
        (certificate(7 * DAY),),
        (certificate(7 * DAY + INSTANT),),
        (certificate(30 * DAY + INSTANT),),
        beside=frozenset({ConditionId.CERTIFICATE_SOON}),
    ),
}
