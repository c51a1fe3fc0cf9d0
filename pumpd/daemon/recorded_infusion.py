"""What people did to infusions, as the flight recorder keeps it: what came of it on each pump.

Kept is what came of it, not what was asked: a recording is of one line, and what was asked may have been
judged by what another line's pump gave, or have come from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pumpd.contract.payloads import EventPayload
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.seams import LivePump
from pumpd.store.values import read, written

AFRESH = frozenset({"begun", "swapped"})
"""From then on the pump is watched anew."""
WENT_ALONG = "went-along"
"""The patient went to another bed, and this pump with the one that was asked about."""


_COUNTED = (
    *("dose", "given_e6_p", "given_nl", "up_to", "account_ns", "counted_nl", "counter_nl", "credited_ns"),
    *("stepped_nl", "elsewhere_nl", "to_come_nl", "torn", "resumed"),
    *("taken_ns", "pace_nl_h", "top_nl_h", "flowed_from_ns", "flowed_ns", "standing_ns", "rate_nl_h"),
)
"""What readings and nothing else say."""


class RecordedInfusions:
    """Knows what of each pump's infusion is on the tapes already."""

    def __init__(self, lives: Mapping[tuple[PumpId, ChannelId], LivePump]) -> None:
        self._lives = lives
        self._told = {live: _mark(live.state.watch) for live in lives.values()}

    def changed(self, owner: LivePump, event: EventPayload) -> Iterator[tuple[PumpId, dict[str, Any]]]:
        """Yield what a person's ``event`` on ``owner`` changed: a swap changes two pumps."""
        for live in self._lives.values():
            watch, mark = live.state.watch, _mark(live.state.watch)
            # What moved along is known with the transfer, and said a moment later.
            said = live is owner and event.event == WENT_ALONG
            if watch is None or (mark == self._told[live] and not said):
                continue
            self._told[live] = mark
            told = {"pump": live.pump, "channel": live.channel, "watch": written(watch)}
            if live is owner:
                told |= {"event": event.event, "detail": event.detail, "by": event.by}
            yield live.pump, told


def changed_watch(told: Mapping[str, Any], before: InfusionWatch | None) -> InfusionWatch:
    """Return the watch once again changed as ``told``: what a replay counted meanwhile stays counted."""
    after = read(InfusionWatch, told["watch"])
    assert isinstance(after, InfusionWatch)
    if told.get("event") in AFRESH or before is None or before.infusion.id != after.infusion.id:
        return after
    return after._replace(**{name: getattr(before, name) for name in _COUNTED})


def _mark(watch: InfusionWatch | None) -> object:
    """Return what people change; ``accepted`` is said of an alarm, and comes again with it."""
    return None if watch is None else (watch.infusion, watch.bounds, watch.looked_ns, watch.left)
