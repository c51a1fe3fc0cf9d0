"""When alarms come faster than a person can read them: then who is called gets one summary, not each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pumpd.core.quantities import NS_PER_S

WINDOW_S = 600
ENDS_BELOW = 5
"""A flood is over when fewer than 5 alarms came in 10 min (ISA-18.2, EEMUA 191)."""
BEGINS_OVER = 10
"""It begins with more than 10 new alarms in any 10 min (the same)."""


@dataclass(frozen=True, slots=True)
class Flood:
    """The new alarms of the last 10 minutes, and whether they are a flood."""

    raised: tuple[tuple[int, str], ...] = ()
    """When (monotonic, in ns) and whose, oldest first."""
    on: bool = False


def counted(
    flood: Flood, now_ns: int, new: Iterable[str], gone: Iterable[str] = (), most_count: int = BEGINS_OVER
) -> Flood:
    """Return the flood at ``now_ns`` with the alarms that are ``new``.

    Those ``gone`` count no more: another alarm speaks for them.
    """
    since_ns, no_more = now_ns - WINDOW_S * NS_PER_S, set(gone)
    raised = [(at_ns, whose) for at_ns, whose in flood.raised if at_ns > since_ns and whose not in no_more]
    raised += [(now_ns, whose) for whose in new]
    on = len(raised) >= ENDS_BELOW if flood.on else len(raised) > most_count
    return Flood(tuple(raised), on)
