"""Mutants from the tables of the core: the catalogue, the transitions, the limits as flows.

Each is a line or two at the end of the module that holds the table, so whatever a table comes to hold has its
mutants by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from pumpd.core.alarms import TRANSITIONS, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmCondition, AlarmPriority, ConditionId
from pumpd.core.infusion import FlowLimits
from tests.mutants.mutant import Mutant, appended

_CATALOGUE = "pumpd/core/catalogue.py"
_ALARMS = "pumpd/core/alarms.py"
_INFUSION = "pumpd/core/infusion.py"
AT_SEVERAL = {ConditionId.LINK_LOST: tuple(AlarmPriority)}
"""Conditions that are raised at other priorities than the catalogue's, too."""
LATE_S = 5


def catalogue_mutants() -> Iterator[Mutant]:
    """Yield, for every condition: each other priority, latching turned round, and each other delay."""
    for entry in CATALOGUE.values():
        for priority in AlarmPriority:
            if priority is not entry.priority:
                yield _entry(entry, "priority", "priority", f"AlarmPriority.{priority.name}")
        for latch_from in (None, *AlarmPriority):
            raised_at = AT_SEVERAL.get(entry.id, (entry.priority,))
            if any(_latches(latch_from, p) is not _latches(entry.latch_from, p) for p in raised_at):
                value = "None" if latch_from is None else f"AlarmPriority.{latch_from.name}"
                yield _entry(entry, "latch", "latch_from", value)
        if entry.delay_s:
            tenth = max(3, entry.delay_s // 10)
            for delay_s in (0, entry.delay_s - tenth, entry.delay_s + tenth):
                yield _entry(entry, "delay", "delay_s", str(delay_s))


def _latches(latch_from: AlarmPriority | None, priority: AlarmPriority) -> bool:
    return latch_from is not None and priority >= latch_from


def _entry(entry: AlarmCondition, kind: str, name: str, value: str) -> Mutant:
    id_ = f"ConditionId.{entry.id.name}"
    added = f"""

from dataclasses import replace

CATALOGUE[{id_}] = replace(CATALOGUE[{id_}], {name}={value})
"""
    was = getattr(entry, name)
    change = f"{name} {getattr(was, 'name', was)} -> {value.removeprefix('AlarmPriority.')}"
    return appended(kind, _CATALOGUE, entry.id.value, change, added, entry.id.value)


_SETTLE = '''

from types import FunctionType

_well_settled = FunctionType(settle.__code__, globals(), "settle", settle.__defaults__)
_first_seen: dict[object, datetime] = {}


def _settled_wrongly(alarms, findings, held, now, revision=0):
    """Settle, but for one condition."""
    wrong = ConditionId.%s
%s
    return _well_settled(alarms, findings, held, now, revision)


settle.__code__ = _settled_wrongly.__code__
'''
_WRONGS = {
    ("silent", "it is never raised"): "    findings = {c: f for c, f in findings.items() if c is not wrong}",
    ("stuck", "it never clears"): "    held = frozenset(held) | {wrong}",
    ("late", f"it is raised {LATE_S} s late"): f"""\
    if wrong not in findings:
        _first_seen.pop(wrong, None)
    elif (now - _first_seen.setdefault(wrong, now)).total_seconds() < {LATE_S} and wrong not in alarms:
        findings = {{c: f for c, f in findings.items() if c is not wrong}}""",
}


def settled_mutants() -> Iterator[Mutant]:
    """Yield, for every condition: it is never raised, it never clears, it is raised late."""
    for condition in ConditionId:
        for (kind, change), body in _WRONGS.items():
            added = _SETTLE % (condition.name, body)
            yield appended(kind, _ALARMS, condition.value, change, added, condition.value)


def transition_mutants() -> Iterator[Mutant]:
    """Yield each cell of the table of signals with each other signal in it."""
    for signal, row in TRANSITIONS.items():
        for event, cell in row.items():
            for latches, right in enumerate(cell):
                for wrong in AlarmSignal:
                    if wrong is right:
                        continue
                    pair = [f"AlarmSignal.{right_one.name}" for right_one in cell]
                    pair[latches] = f"AlarmSignal.{wrong.name}"
                    here, now = f"AlarmSignal.{signal.name}", f"AlarmEvent.{event.name}"
                    added = f"\nTRANSITIONS[{here}][{now}] = ({', '.join(pair)})\n"
                    where = f"{signal.name}, {event.name}, {'' if latches else 'not '}latching"
                    change = f"{right.name} -> {wrong.name}"
                    yield appended("transition", _ALARMS, where, change, added)


_FLOW_LIMITS = '''

from dataclasses import replace
from types import FunctionType

_well_worked_out = FunctionType(flow_limits.__code__, globals())


def _worked_out_wrongly(entry: DrugLimits, programme: Programme, step: FlowRate) -> FlowLimits:
    """Work the limits out, but for one."""
    limits = _well_worked_out(entry, programme, step)
    right = limits.%s
    return limits if right is None else replace(limits, %s=%s)


flow_limits.__code__ = _worked_out_wrongly.__code__
'''


def limit_mutants() -> Iterator[Mutant]:
    """Yield each limit as a flow one step of the pump higher, one lower, and not there."""
    for limit in fields(FlowLimits):
        wrongs = {
            "one step higher": "FlowRate(right.nl_per_h + step.nl_per_h)",
            "one step lower": "FlowRate(max(0, right.nl_per_h - step.nl_per_h))",
        }
        if "None" in str(limit.type):
            wrongs["not there"] = "None"
        for change, value in wrongs.items():
            added = _FLOW_LIMITS % (limit.name, limit.name, value)
            yield appended("limit", _INFUSION, limit.name, change, added)
