"""Where every nanolitre is: reservoir, line, patient or lost. The pump does not know it; a test asks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum


class Sink(Enum):
    """Where what comes out of the pump goes."""

    PATIENT = "patient"
    LINE = "line"
    """The line is blocked: it swells."""
    LOST = "lost"
    """Into a dish while the line is filled, or out of a line that nobody is connected to."""


@dataclass(slots=True)
class Fluid:
    """The account at ``since_ns``, when ``out_from_nl`` had come out; ``at`` tells it for any later time.

    What was put in equals reservoir + line + patient + lost; none is ever below 0.
    """

    put_in_nl: int
    reservoir_nl: int
    line_nl: int = 0
    """What a blocked line holds above its rest."""
    patient_nl: int = 0
    lost_nl: int = 0
    air_ahead_nl: int = 0
    """Air on its way to the detector."""
    air_seen_nl: int = 0
    """How much of this bubble has passed the detector."""
    air_to_patient_nl: int = 0
    sink: Sink = Sink.PATIENT
    release_ns: int = 0
    since_ns: int = 0
    out_from_nl: int = 0

    def at(self, out_nl: int, now_ns: int) -> Fluid:
        """Return the account when ``out_nl`` have come out and it is ``now_ns``."""
        later = replace(self)
        later.settle(out_nl, now_ns, self.sink)
        return later

    def settle(self, out_nl: int, now_ns: int, sink: Sink) -> None:
        """Bring the account up to date, and let what follows go to ``sink``."""
        came_nl = self._came_nl(out_nl)
        if self.sink is Sink.LINE:
            self.line_nl += came_nl
            self.reservoir_nl -= came_nl
        else:
            air_nl = min(self.air_ahead_nl, came_nl)
            released_nl = self.line_nl - self._held_nl(now_ns)
            self.air_ahead_nl -= air_nl
            self.air_seen_nl += air_nl
            self.reservoir_nl -= came_nl - air_nl
            self.line_nl -= released_nl
            if self.sink is Sink.PATIENT:
                self.patient_nl += came_nl - air_nl + released_nl
                self.air_to_patient_nl += air_nl
            else:
                self.lost_nl += came_nl - air_nl + released_nl
        self.out_from_nl, self.since_ns, self.sink = out_nl, now_ns, sink

    def _came_nl(self, out_nl: int) -> int:
        """Return what has come since the account; a slip beyond what is there moves nothing."""
        there_nl = self.reservoir_nl + (0 if self.sink is Sink.LINE else self.air_ahead_nl)
        return min(out_nl - self.out_from_nl, there_nl)

    def _held_nl(self, now_ns: int) -> int:
        """Return what an open line still holds."""
        if not self.line_nl or not self.release_ns:
            return 0
        return int(self.line_nl * math.exp(-(now_ns - self.since_ns) / self.release_ns))

    def held_nl(self, out_nl: int, now_ns: int) -> int:
        """Return what the line holds above its rest."""
        if self.sink is Sink.LINE:
            return self.line_nl + self._came_nl(out_nl)
        return self._held_nl(now_ns)

    def left_nl(self, out_nl: int) -> int:
        """Return what the reservoir holds."""
        came_nl = self._came_nl(out_nl)
        air_nl = 0 if self.sink is Sink.LINE else min(self.air_ahead_nl, came_nl)
        return self.reservoir_nl - came_nl + air_nl

    def out_when_empty_nl(self) -> int:
        """Return what will have come out when the reservoir is empty."""
        air_nl = 0 if self.sink is Sink.LINE else self.air_ahead_nl
        return self.out_from_nl + air_nl + self.reservoir_nl

    def out_when_held_nl(self, held_nl: int) -> int:
        """Return what will have come out when a blocked line holds ``held_nl``."""
        return self.out_from_nl + held_nl - self.line_nl

    def out_when_seen_nl(self, limit_nl: int) -> int | None:
        """Return what will have come out when ``limit_nl`` of a bubble have passed; None: it is smaller."""
        if self.sink is not Sink.PATIENT or not self.air_ahead_nl:
            return None
        missing_nl = max(0, limit_nl - self.air_seen_nl)
        return self.out_from_nl + missing_nl if missing_nl <= self.air_ahead_nl else None

    # --- what happens to it, after ``settle`` ---------------------------------------------------------

    def put_in(self, volume_nl: int) -> None:
        """Put a full reservoir in; what the old one held is thrown away."""
        self.put_in_nl += volume_nl
        self.lost_nl += self.reservoir_nl
        self.reservoir_nl = volume_nl

    def take_back(self, most_nl: int) -> int:
        """Draw up to ``most_nl`` back, from the line, then from the patient's vein; return how much came."""
        from_line_nl = min(most_nl, self.line_nl)
        reachable_nl = self.patient_nl if self.sink is Sink.PATIENT else 0
        from_patient_nl = min(most_nl - from_line_nl, reachable_nl)
        self.line_nl -= from_line_nl
        self.patient_nl -= from_patient_nl
        self.reservoir_nl += from_line_nl + from_patient_nl
        return from_line_nl + from_patient_nl

    def let_air_in(self, volume_nl: int) -> None:
        """Let a bubble in before the detector; one that follows another at once is part of it."""
        if not self.air_ahead_nl:
            self.air_seen_nl = 0
        self.air_ahead_nl += volume_nl
