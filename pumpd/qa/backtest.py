"""A drug library over recorded pumps: which of its limits would have alarmed, beside the library in force.

Both sides are played, so that only the library is another. Nothing is restrained in either: a pause that was
never given would leave the rest of the recording to a pump that nobody recorded.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pumpd.config_models import PumpSection
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.infusion_order import entry_for
from pumpd.core.infusion_record import Infusion
from pumpd.core.infusion_totals import bounds_of
from pumpd.core.quantities import NS_PER_S
from pumpd.core.restraint_gate import Enforcement
from pumpd.daemon.recording_head import library_of
from pumpd.qa.comparison import Decision, compare, decisions
from pumpd.qa.replay import replay
from pumpd.store.recording import Kind, Record, Recording, encode_json
from pumpd.store.values import read, written

LIMITS = (
    *(ConditionId.OVER_HARD, ConditionId.OVER_SOFT, ConditionId.UNDER_HARD, ConditionId.UNDER_SOFT),
    *(ConditionId.TOTAL_DOSE_HARD, ConditionId.TOTAL_DOSE_SOFT, ConditionId.BOLUS_HARD),
    *(ConditionId.BOLUS_SOFT, ConditionId.TITRATION, ConditionId.DURATION, ConditionId.LIBRARY_MISSING),
)
"""What a drug library says, and nothing else does."""
_RAISED = {f"{condition.value} raised": condition for condition in LIMITS}


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of one recording."""

    in_force: str
    """The version of the library that it was recorded under."""
    span_s: float
    pumps: tuple[str, ...]
    before: Counter[ConditionId]
    """How often each limit alarmed under the library in force."""
    after: Counter[ConditionId]
    """And under the other one."""
    lines: tuple[str, ...]
    """Each alarm that only one of them raises, with its time of day."""
    missing: tuple[str, ...]
    """Infusions for which the other one has no limits: theirs stayed."""


def backtest(recording: Recording, library: DrugLibrary) -> Backtest:
    """Play ``recording`` under its own library and under ``library``; errors as ``replay``."""
    judged, missing = under(recording, library)
    before = _alarms(replay(recording, pumps=_only_alarms).recording)
    after = _alarms(replay(judged, library=library, pumps=_only_alarms).recording)
    apart = compare(before, after, recording.ended_ns)
    began = datetime.fromisoformat(recording.head["wall"])
    in_force = library_of(recording.head).version
    sides = ((apart.only_then, in_force), (apart.only_now, library.version))
    told = sorted((one.at_ns, one, version) for side, version in sides for one in side)
    return Backtest(
        in_force,
        (recording.ended_ns - recording.began_ns) / NS_PER_S,
        tuple(pump["section"]["id"] for pump in recording.head["pumps"]),
        Counter(_condition(one) for one in before),
        Counter(_condition(one) for one in after),
        tuple(_line(one, version, began, recording.began_ns) for _, one, version in told),
        missing,
    )


def under(recording: Recording, library: DrugLibrary) -> tuple[Recording, tuple[str, ...]]:
    """Return the recording with its infusions under ``library``, and those that it has no limits for."""
    missing: dict[str, None] = {}
    records = tuple(_under(record, library, missing) for record in recording.records)
    return replace(recording, records=records), tuple(missing)


def _under(record: Record, library: DrugLibrary, missing: dict[str, None]) -> Record:
    if record.kind not in {Kind.HEAD, Kind.INFUSION, Kind.STATE}:
        return record
    told = copy.deepcopy(record.json())
    for watch in _watches(record.kind, told):
        infusion = read(Infusion, watch["infusion"])
        assert isinstance(infusion, Infusion)
        kept = replace(infusion.programme, form=infusion.entry.form, indication=infusion.entry.indication)
        try:
            entry = entry_for(library, kept)
        except ValueError as error:
            missing[str(error)] = None
            continue
        ruled = replace(infusion, entry=entry, library_version=library.version, library_sha256=library.sha256)
        watch["infusion"] = written(ruled)
        watch["bounds"] = written(bounds_of(entry, ruled.programme))
    return replace(record, payload=encode_json(told))


def _watches(kind: Kind, told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a record holds of infusions."""
    if kind is Kind.INFUSION:
        yield told["watch"]
        return
    states = [told["state"]] if kind is Kind.STATE else []
    if kind is Kind.HEAD:
        states = [state for pump in told["pumps"] for state in pump["channels"].values()]
    for state in states:
        watch = state["state"].get("watch")
        if watch is not None:
            yield watch


def _only_alarms(section: PumpSection) -> PumpSection:
    return section.model_copy(update={"enforcement": Enforcement.ALARM})


def _alarms(recording: Recording) -> list[Decision]:
    return [one for one in decisions(recording) if one.what.rpartition(" ")[0] in _RAISED]


def _condition(raised: Decision) -> ConditionId:
    return _RAISED[raised.what.rpartition(" ")[0]]


def _line(raised: Decision, version: str, began: datetime, began_ns: int) -> str:
    at = began + timedelta(microseconds=(raised.at_ns - began_ns) // 1000)
    condition = _condition(raised).value
    where = f"{at:%Y-%m-%d %H:%M:%S} {raised.pump}/{raised.channel}"
    return f"{where} {condition} only under {version}: {raised.words}"


def table(tests: Sequence[Backtest], version: str) -> Iterator[str]:
    """Yield in lines how often each limit alarmed, in force and under ``version``, over all of ``tests``."""
    before: Counter[ConditionId] = sum((one.before for one in tests), Counter())
    after: Counter[ConditionId] = sum((one.after for one in tests), Counter())
    hours = sum(one.span_s for one in tests) / 3600
    pumps = sorted({pump for one in tests for pump in one.pumps})
    in_force = ", ".join(sorted({one.in_force for one in tests}))
    yield f"{len(tests)} recordings, {hours:.2f} h of {', '.join(pumps)}, in force: {in_force}"
    yield f"    {'limit':18}{'in force':>10}{version:>14}"
    for condition in LIMITS:
        if before[condition] or after[condition]:
            yield f"    {condition.value:18}{before[condition]:10}{after[condition]:14}"
    if not before and not after:
        yield "    no limit alarmed under either"
