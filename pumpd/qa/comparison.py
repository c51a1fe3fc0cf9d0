"""What a recording decided held against what this version decides from the same bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pumpd.contract.payloads import EventPayload
from pumpd.core.quantities import NS_PER_S
from pumpd.store.recording import Kind, Recording

WITHIN_S = 2.0
"""How far apart the same decision may be: a real loop asks some milliseconds beside its grid, and a finding
that just misses one reading shows in the next."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided, or one reading that did not come."""

    at_ns: int
    pump: str
    channel: str
    what: str
    """Such as ``over-hard raised HIGH``, ``restraint paused`` or ``LinkTimeoutError``."""
    words: str
    """The title of the alarm, or what was said of the step."""

    def told(self, began_ns: int) -> str:
        """Return it as a line, with the seconds since the beginning."""
        at_s = (self.at_ns - began_ns) / NS_PER_S
        where = f"{self.pump}/{self.channel}" if self.channel else self.pump
        return f"{at_s:10.3f} s  {where}  {self.what}" + (f": {self.words}" if self.words else "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What stands on one side only."""

    only_now: tuple[Decision, ...]
    """What this version decides and the recording did not."""
    only_then: tuple[Decision, ...]
    """What the recording decided and this version does not."""

    @property
    def equal(self) -> bool:
        """True when nothing does."""
        return not self.only_now and not self.only_then


_EVENTS = {
    "raise": "raised",
    "worsen": "worsened",
    "clear": "ended",
    "acknowledge": "acknowledged",
    "pause-audio": "audio paused",
    "resume-audio": "audio resumed",
    "shelve": "shelved",
    "unshelve": "unshelved",
    "suppress": "suppressed",
    "unsuppress": "unsuppressed",
}


_CALLS = {"escalate", "told", "not-told"}
"""Who was called is no decision about a pump, and a replay calls nobody."""


def decisions(recording: Recording) -> list[Decision]:
    """Return every transition of an alarm and every step of a restraint, in order."""
    found = []
    for record in recording.of(Kind.EVENT):
        event = EventPayload.model_validate_json(record.payload)
        if event.event in _CALLS:
            continue
        if event.alarm is not None:
            alarm = event.alarm
            what = f"{alarm.condition} {_EVENTS[event.event]} {alarm.priority}"
            words = f"by {event.by}" if event.by else alarm.title if event.event != "clear" else ""
        else:
            what, words = f"{event.kind} {event.event}", event.detail
        found.append(Decision(record.at_ns, event.pump or "", event.channel or "", what, words))
    return found


def troubles(recording: Recording) -> list[Decision]:
    """Return every reading that did not come, with the kind and words of its error, in order."""
    told = [(record.at_ns, json.loads(record.payload)) for record in recording.of(Kind.TROUBLE)]
    return [Decision(at_ns, t["pump"], "", t["error"], t["words"]) for at_ns, t in told]


def compare(
    then: Sequence[Decision], now: Sequence[Decision], until_ns: int, within_s: float = WITHIN_S
) -> Comparison:
    """Return what stands on one side only, as far as the recording reaches, which is ``until_ns``.

    The words of an alarm are not compared: they carry numbers, and another number is another reading.
    """
    sides: dict[tuple[str, str, str], tuple[list[Decision], list[Decision]]] = defaultdict(lambda: ([], []))
    for side, decided in enumerate((then, now)):
        for decision in (one for one in decided if one.at_ns <= until_ns):
            sides[decision.pump, decision.channel, decision.what][side].append(decision)
    only_then: list[Decision] = []
    only_now: list[Decision] = []
    for old, new in sides.values():
        left_old, left_new = _unpaired(old, new, round(within_s * NS_PER_S))
        only_then += left_old
        only_now += left_new
    return Comparison(_in_order(only_now), _in_order(only_then))


def _unpaired(
    old: Sequence[Decision], new: Sequence[Decision], within_ns: int
) -> tuple[list[Decision], list[Decision]]:
    left_old: list[Decision] = []
    left_new: list[Decision] = []
    at_old = at_new = 0
    while at_old < len(old) and at_new < len(new):
        apart_ns = new[at_new].at_ns - old[at_old].at_ns
        if abs(apart_ns) <= within_ns:
            at_old, at_new = at_old + 1, at_new + 1
        elif apart_ns > 0:
            left_old.append(old[at_old])
            at_old += 1
        else:
            left_new.append(new[at_new])
            at_new += 1
    return [*left_old, *old[at_old:]], [*left_new, *new[at_new:]]


def _in_order(decided: Iterable[Decision]) -> tuple[Decision, ...]:
    return tuple(sorted(decided, key=lambda decision: (decision.at_ns, decision.what)))
