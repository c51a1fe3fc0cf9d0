"""One alarm for a dead line: it names all its pumps, and speaks for their own alarms of silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pumpd.core.alarms import Alarm, AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.inactivation import Suppress
from pumpd.core.site import Technical
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LinkState, LivePump, Ward

_STANDS = frozenset({AlarmSignal.ON, AlarmSignal.ACKNOWLEDGED})
_SILENT = frozenset({LinkState.CONNECTING, LinkState.DOWN})
"""A pump in any other state says something, if only that it is the wrong one: its line is not dead."""


class DeadLines:
    """Looks at every line with several pumps once a turn of the watchdog."""

    def __init__(
        self, ward: Ward, lines: Callable[[], Iterable[tuple[str, LivePump]]], pipeline: Pipeline
    ) -> None:
        """``lines`` returns all channels, each with the name of the line that it is on."""
        self._ward = ward
        self._pipeline = pipeline
        self._on_lines = lines
        self._lines: Mapping[str, Sequence[LivePump]] = {}
        self.learn()
        self._dead: frozenset[str] = frozenset()
        """The lines that were dead at the last look."""

    def learn(self) -> None:
        """Learn anew which channels are on which line; one that is alone on its line speaks for itself."""
        found: dict[str, list[LivePump]] = {}
        for line, live in self._on_lines():
            found.setdefault(line, []).append(live)
        several = {line: lives for line, lives in found.items() if len({live.pump for live in lives}) > 1}
        for line in found.keys() - several.keys():
            for live in found[line]:
                alarm = _own(live)
                if alarm is not None and alarm.suppressed_by:
                    self._pipeline.take(live, Suppress(""))
        self._lines = several

    def look(self) -> None:
        """Tell of lines of which no pump answers; a pump that is silent alone speaks for itself."""
        dead = {line: lives for line, lives in self._lines.items() if all(map(_silent, lives))}
        self._tell(dead)
        for line, lives in self._lines.items():
            if line in self._dead.difference(dead):
                continue  # just back: a pump that answers within a turn ends its silence, and says no more
            speaks = line if line in dead else ""
            for live in lives:
                alarm = _own(live)
                if alarm is not None and alarm.suppressed_by != speaks:
                    self._pipeline.take(live, Suppress(speaks))
        self._dead = frozenset(dead)

    def _tell(self, dead: Mapping[str, Sequence[LivePump]]) -> None:
        alarm = self._ward.site_state.alarms.get(ConditionId.LINE_LOST)
        if not dead and (alarm is None or alarm.signal not in _STANDS):
            return
        silent = [live for lives in dead.values() for live in lives]
        names = dict.fromkeys(_name(live) for live in silent)
        priority = max((own.priority for live in silent if (own := _own(live)) is not None), default=None)
        self._pipeline.take_site(
            Technical(
                ConditionId.LINE_LOST,
                present=bool(dead),
                detail=", ".join(names),
                allowed=", ".join(dead),
                priority=priority,
                causes=frozenset(dead),
            )
        )


def _own(live: LivePump) -> Alarm | None:
    return live.state.alarms.get(ConditionId.LINK_LOST)


def _silent(live: LivePump) -> bool:
    alarm = _own(live)
    return alarm is not None and alarm.signal in _STANDS and live.link.state in _SILENT


def _name(live: LivePump) -> str:
    return f"bed {live.place.bed} ({live.pump})" if live.place.bed else str(live.pump)
