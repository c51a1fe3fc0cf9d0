"""What is wrong with the machine and the program that watch, from what they show once a second."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pumpd.core.certificates import Ends, certificate_words
from pumpd.core.conditions import ConditionId
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Now

BROKER_GONE_NS = 10 * NS_PER_S
"""Broker and network may blink for so long."""
STOOD_STILL_NS = 10 * NS_PER_S
"""Between two looks, a second apart, lay more than this: nothing was watched (GIP v1.0 3.5 allows 90 s)."""
STEPPED_NS = 2 * NS_PER_S
"""Time of day and monotonic time went apart by more than this within a second: somebody set the clock."""
UNSYNCHRONISED_NS = 300 * NS_PER_S
"""A time server is found within minutes of the start."""
SHOWN_NS = 60 * NS_PER_S
"""What happens in one moment is shown for so long."""
WELL_AGAIN = 3, 2
"""A disk is well again with 3/2 of what it must have free."""


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """What machine and program show at one moment."""

    at: Now
    free_bytes: int | None = None
    """Free on the disk of journal and history; None where nobody can tell."""
    synchronised: bool | None = None
    """Whether the time of day follows a time server; None where nobody can tell."""
    certificates: Sequence[Ends] = ()
    """What this node shows and trusts, as far as it can be read."""
    broker_up: bool = True
    ended: Sequence[str] = ()
    """Tasks that ended by themselves since the last look, each with the reason."""


@dataclass(frozen=True, slots=True)
class NodeMust:
    """What is asked of the machine."""

    least_free_bytes: int = 0
    """0: its disk is not watched."""
    library_from: date | None = None
    """The drug library's first day."""
    library_until: date | None = None
    """Its last day before it must be looked at again."""
    unreadable: tuple[str, ...] = ()
    """What was kept before this start and can not be read, in words."""


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """What is remembered from one look to the next; monotonic times are None while it is well."""

    at: Now | None = None
    broker_gone_ns: int | None = None
    unsynchronised_ns: int | None = None
    moment: tuple[tuple[ConditionId, int, str], ...] = ()
    """What happened in one moment: condition, when, and in words."""


def looked(memory: NodeMemory, seen: NodeSeen) -> NodeMemory:
    """Return what is remembered after this look."""
    now_ns = seen.at.mono_ns
    moment = [m for m in memory.moment if now_ns - m[1] < SHOWN_NS]
    moment += [(ConditionId.TASK_SILENT, now_ns, reason) for reason in seen.ended]
    if memory.at is not None:
        passed_ns = now_ns - memory.at.mono_ns
        if passed_ns > STOOD_STILL_NS:
            words = f"all of it stood still for {passed_ns // NS_PER_S} s"
            moment.append((ConditionId.TASK_SILENT, now_ns, words))
        off = seen.at.wall - memory.at.wall - timedelta(microseconds=passed_ns // 1000)
        if abs(off) > timedelta(microseconds=STEPPED_NS // 1000):
            way = "forward" if off > timedelta() else "back"
            moment.append((ConditionId.CLOCK_STEPPED, now_ns, f"{way} by {_span(abs(off))}"))
    return NodeMemory(
        seen.at,
        None if seen.broker_up else _since(memory.broker_gone_ns, now_ns),
        _since(memory.unsynchronised_ns, now_ns) if seen.synchronised is False else None,
        tuple(moment),
    )


def node_words(
    memory: NodeMemory, seen: NodeSeen, must: NodeMust, told: Collection[ConditionId]
) -> dict[ConditionId, str]:
    """Return each condition of the node judged here with what is wrong; empty words where nothing is.

    ``told`` are those that are told already, which end a little later than they began.
    """
    now_ns = seen.at.mono_ns
    words = dict.fromkeys(NODE_CONDITIONS, "")
    if memory.broker_gone_ns is not None and now_ns - memory.broker_gone_ns > BROKER_GONE_NS:
        words[ConditionId.BROKER_LOST] = f"for more than {BROKER_GONE_NS // NS_PER_S} s"
    if memory.unsynchronised_ns is not None and now_ns - memory.unsynchronised_ns > UNSYNCHRONISED_NS:
        words[ConditionId.CLOCK_UNSYNCHRONISED] = "the machine follows no time server"
    for condition, _, what in memory.moment:
        words[condition] = what
    times, per = WELL_AGAIN if ConditionId.DISK_LOW in told else (1, 1)
    if seen.free_bytes is not None and seen.free_bytes * per < must.least_free_bytes * times:
        words[ConditionId.DISK_LOW] = f"{_mib(seen.free_bytes)} free, wanted {_mib(must.least_free_bytes)}"
    words[ConditionId.STATE_UNREADABLE] = ", ".join(must.unreadable)
    words[ConditionId.LIBRARY_DATE] = _library(must, seen.at.wall.date())
    return words | certificate_words(seen.certificates, seen.at.wall)


NODE_CONDITIONS = (
    ConditionId.BROKER_LOST,
    ConditionId.CLOCK_STEPPED,
    ConditionId.CLOCK_UNSYNCHRONISED,
    ConditionId.DISK_LOW,
    ConditionId.LIBRARY_DATE,
    ConditionId.STATE_UNREADABLE,
    ConditionId.TASK_SILENT,
)
"""What is judged here; journal and history tell of themselves."""


def _library(must: NodeMust, today: date) -> str:
    if must.library_from is not None and today < must.library_from:
        return f"holds from {must.library_from} on, and it is {today}"
    if must.library_until is not None and today > must.library_until:
        return f"was to be looked at again by {must.library_until}"
    return ""


def _since(was_ns: int | None, now_ns: int) -> int:
    return now_ns if was_ns is None else was_ns


def _span(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))


def _mib(count: int) -> str:
    return f"{count // 2**20} MiB"
