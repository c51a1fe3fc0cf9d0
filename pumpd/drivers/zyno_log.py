"""What the event log of a Zyno pump says of its alarms; there is no other word on them.

Source: pyZynoUnifiedDrivers 0.0.9 (MIT, Zyno Medical), miva/module_miva.py, get_event_log_type and what it
calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pumpd.core.telemetry import PumpAlarm
from pumpd.drivers.base import Conversation
from pumpd.errors import WireError
from pumpd.protocols.zyno import RING, Event, ReadEvent

DATA, RUN, PAUSED, BATTERY, POWER_ON = 0, 1, 2, 13, 24
BEGIN, END = 1, 2
"""Sub-types of DATA, in its high byte; between the two stand 2 or 16 entries that are no events."""
ALARMS: Final = {
    3: PumpAlarm.EMPTY,  # cassette empty
    4: PumpAlarm.OTHER,  # most of an hour or interval reached
    9: PumpAlarm.OTHER,  # an occlusion that is neither of those below
    11: PumpAlarm.OTHER,  # its life or its service is due
    14: PumpAlarm.DOOR,  # cassette detached
    17: PumpAlarm.FAULT,  # firmware error
    18: PumpAlarm.FAULT,  # system error, sixteen bits
    19: PumpAlarm.FAULT,  # battery failure
    21: PumpAlarm.OTHER,  # unattended
    26: PumpAlarm.FAULT,  # system error 2, ten bits
    27: PumpAlarm.FAULT,  # end of its life: replace it
    28: PumpAlarm.BATTERY_DEPLETED,
    29: PumpAlarm.OTHER,  # programming incomplete
    30: PumpAlarm.BATTERY_LOW,
    31: PumpAlarm.BATTERY_DEPLETED,  # found so by a check
}
PARTS: Final = {
    (9, 1): PumpAlarm.OCCLUSION_UPSTREAM,
    (9, 2): PumpAlarm.OCCLUSION,
    (19, 2): PumpAlarm.BATTERY_DEPLETED,
    (POWER_ON, 3): PumpAlarm.BATTERY_LOW,
    (POWER_ON, 4): PumpAlarm.BATTERY_DEPLETED,  # critical
    (POWER_ON, 7): PumpAlarm.BATTERY_DEPLETED,
    (POWER_ON, 8): PumpAlarm.BATTERY_DEPLETED,
}
"""(kind, sub-type) -> alarm, where that says more than the kind."""
BATTERY_BITS: Final = {
    2: PumpAlarm.BATTERY_LOW,
    4: PumpAlarm.BATTERY_DEPLETED,
    128: PumpAlarm.FAULT,  # above its upper limit
    256: PumpAlarm.BATTERY_DEPLETED,  # empty
    512: PumpAlarm.BATTERY_DEPLETED,  # below its lower limit
}
WELL_BITS: Final = (1, 8, 16, 32, 64)
"""Medium, reset, mains, high, new."""
TELLING: Final = frozenset({DATA, RUN, PAUSED, 5, 6, 7, 8, 10, 12, 15, 16, 20, 22, 23, POWER_ON, 25})
"""Kinds that tell what was done, and no alarm."""
CLEARED: Final = frozenset({(4, 4), (9, 4)})
OF_BATTERY: Final = frozenset({BATTERY, POWER_ON, 28, 30, 31})
MOST: Final = 20
"""So many entries are looked at, at most, when the log has moved on or nothing is known of it."""


class EventLog:
    """What stands by the log of one pump."""

    def __init__(self, address: int) -> None:
        self.standing: dict[tuple[int, int], PumpAlarm] = {}
        """(kind, sub-type) or (battery, bit) -> alarm."""
        self.paused = False
        """True when it was last paused, and not run since."""
        self._address = address
        self._seen: int | None = None

    @property
    def stopped_by_alarm(self) -> bool:
        """True when an alarm stands with which such a pump does not go on."""
        return bool(set(self.standing.values()) - {PumpAlarm.BATTERY_LOW, PumpAlarm.OTHER})

    async def follow(self, line: Conversation, indices: str) -> None:
        """Take what is new between tail and head, sixteen digits; WireError when two looks differ."""
        tail, head = (int(part, 16) % RING for part in (indices[:8], indices[8:]))
        if head == self._seen:
            return
        fresh, seen = await self._look(line, tail, head)
        if (fresh, seen) != await self._look(line, tail, head):
            raise WireError("two looks at the event log differ, and nothing else tells which one is damaged")
        self._seen = seen
        for event in reversed(fresh):
            self.take(event)

    async def _look(self, line: Conversation, tail: int, head: int) -> tuple[list[Event], int]:
        """Return what is new, the newest first, and the entry up to which the log is whole."""
        found: list[Event] = []
        there = (head - tail) % RING + 1
        fresh = there if self._seen is None else min(there, (head - self._seen) % RING)
        back, seen = 0, head
        while back < fresh and len(found) < MOST:
            event = await line.ask(ReadEvent(self._address, (head - back) % RING))
            if _data(event, END):
                begin = await line.ask(ReadEvent(self._address, (head - back - 3) % RING))
                back += 4 if _data(begin, BEGIN) else 18
                continue
            back += 1
            if _data(event, BEGIN):  # the pump is still writing what follows it
                found, seen = [], (head - back) % RING
                continue
            found.append(event)
            if event.kind == POWER_ON:
                break
        return found, seen

    def take(self, event: Event) -> None:
        """Let one event happen: a run, a word on the battery and a clearing end what came before."""
        kind, sub = event.kind, event.sub
        if kind in {RUN, PAUSED, POWER_ON}:
            self.paused = kind == PAUSED
        if kind == RUN:
            self._keep(lambda was: was in OF_BATTERY)
        elif kind == POWER_ON:
            self.standing.clear()
        elif kind == BATTERY and sub:
            self._keep(lambda was: was not in OF_BATTERY)
            named = {bit: BATTERY_BITS.get(bit, PumpAlarm.OTHER) for bit in _bits(sub)}
            self.standing |= {(kind, bit): alarm for bit, alarm in named.items() if bit not in WELL_BITS}
        if (kind, sub) in CLEARED:
            self._keep(lambda was: was != kind)
        elif (kind, sub) in PARTS or kind not in TELLING | {BATTERY}:
            self.standing[kind, sub] = PARTS.get((kind, sub), ALARMS.get(kind, PumpAlarm.OTHER))

    def _keep(self, stays: Callable[[int], bool]) -> None:
        self.standing = {key: alarm for key, alarm in self.standing.items() if stays(key[0])}


def _data(event: Event, part: int) -> bool:
    return event.kind == DATA and event.sub >> 8 == part


def _bits(mask: int) -> list[int]:
    return [1 << at for at in range(16) if mask & 1 << at]
