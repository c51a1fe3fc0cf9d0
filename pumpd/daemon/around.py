"""Tells pumps what no reading of theirs shows: how well their line carries, who else has the same drug.

And whether the drug library in force is tighter than the one under which their infusion began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from pumpd.core.conditions import ConditionId
from pumpd.core.line_quality import Quality, Sample, disturbance, sampled
from pumpd.core.newer_library import asked_of_nurse, newer_limits
from pumpd.core.same_drug import Given, mark, same_drug
from pumpd.core.told import ToldOfPump
from pumpd.daemon.lines import Talk
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LivePump, Ward

SAMPLED_EVERY_TURNS = 20
"""A line is judged over ten minutes: three times in one of them is often enough."""
_ALONE = ToldOfPump(ConditionId.SAME_DRUG, "")


class Around:
    """Looks once a turn of the watchdog, and tells only what is said for the first time."""

    def __init__(
        self,
        ward: Ward,
        talks: Callable[[], Iterable[tuple[Talk, Sequence[LivePump]]]],
        pipeline: Pipeline,
    ) -> None:
        """``talks`` returns the conversations of the node, each with the channels of its pump."""
        self._ward = ward
        self._pipeline = pipeline
        self._lives = tuple(ward.pumps.values())
        channels = Counter(live.pump for live in self._lives)
        self._several = {pump for pump, count in channels.items() if count > 1}
        self._talks = talks
        self._quality: dict[Talk, Quality] = {}
        self._turn = 0

    def look(self) -> None:
        """Look at all infusions, and now and then at all lines."""
        given = {live: one for live in self._lives if (one := self._given(live)) is not None}
        found = same_drug(given)
        for live in self._lives:
            for told in (found.get(live, _ALONE), self._asked(live)):
                if live.state.told.get(told.condition) != told:
                    self._pipeline.take(live, told)
        if self._turn % SAMPLED_EVERY_TURNS == 0:
            self._quality = {talk: self._heard(talk, lives) for talk, lives in self._talks()}
        self._turn += 1

    def _asked(self, live: LivePump) -> ToldOfPump:
        watch = live.state.watch
        if watch is None or not watch.goes_on:
            return asked_of_nurse(None)
        return asked_of_nurse(newer_limits(watch.infusion, self._ward.library))

    def _given(self, live: LivePump) -> Given | None:
        """Return what a channel is to give and to whom; None when nothing is ordered, or to nobody known.

        A configured programme is one order for the whole pump: of several channels it is for those that run.
        """
        programme, watch, place = live.state.setup.programme, live.state.watch, live.place
        if programme is None:
            return None
        if watch is None and live.pump in self._several:
            last = live.state.last
            if last is None or not last.status.delivers:
                return None
        marks = {mark(place.ward, "bed", place.bed)} if place.bed else set()
        if watch is not None:
            marks.add(mark(*watch.infusion.patient.marks))
        several = "" if live.channel == "1" else f"/{live.channel}"
        return Given(programme.drug, f"{live.pump}{several}", frozenset(marks))

    def _heard(self, talk: Talk, lives: Sequence[LivePump]) -> Quality:
        counters = talk.counters
        quality = self._quality.get(talk, ())
        quality = sampled(quality, Sample(self._pipeline.now().mono_ns, counters.asked, counters.marred))
        words = disturbance(quality)
        for live in lives:
            told = live.state.told.get(ConditionId.LINE_DISTURBED)
            if words is not None and (told is None or bool(told.words) is not bool(words)):
                self._pipeline.take(live, ToldOfPump(ConditionId.LINE_DISTURBED, words))
        return quality
