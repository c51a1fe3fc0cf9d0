"""A blocked line before the pump says so: how long it stays unheard, and the rise of pressure before.

At low rates the pump's own alarm comes late: the syringe and line swallow what it pushes until the pressure
reaches its limit. Everything goes with the volume pushed, so a slower pump is only slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from pumpd.core.quantities import FlowRate, decimal_text
from pumpd.core.telemetry import PumpStatus, Telemetry

SYRINGE_NL_PER_KPA = {10: 2_994, 20: 5_141, 30: 6_582, 50: 10_000}
"""What a plastic syringe of so many mL with its line gives.

50 mL: 0.5 mL/h for 117.3 min to an alarm about 98 kPa above rest (Doenmez et al., Paediatr Anaesth 2005; 15:
293-296). The others go with the plunger's area: barrels of 14.5, 19.0, 21.5 and 26.5 mm.
"""
RESTING_KPA_E1 = 20
"""What an open line shows: cannula and vein."""
SHARES = 5
"""The warning needs a fifth of the way from rest to the limit ..."""
QUARTERS = 4
"""... in so many equal parts one after the other, so that a raised arm, which is one step, is none."""
RISES_PERCENT = 40
"""Each part must bring this share of what a closed line would."""
GONE_PERCENT = 50
"""It is over when the pressure has fallen back by this share of the rise that was told."""
LEAST_TICKS = 4
"""A part holds at least so many steps of the counter."""


@dataclass(frozen=True, slots=True)
class Line:
    """What decides how long a blocked line stays unheard."""

    compliance_nl_per_kpa: int
    limit_kpa_e1: int
    """At which the pump gives its own alarm."""

    def __post_init__(self) -> None:
        if self.compliance_nl_per_kpa <= 0 or self.limit_kpa_e1 <= RESTING_KPA_E1:
            raise ValueError("line: it gives something, and the pump's limit is above the resting pressure")


def line_of(syringe_ml: int, limit_kpa_e1: int) -> Line:
    """Return the line of a syringe of 10, 20, 30 or 50 mL; KeyError for another."""
    return Line(SYRINGE_NL_PER_KPA[syringe_ml], limit_kpa_e1)


def blind_s(line: Line, rate: FlowRate, pressure_kpa_e1: int = RESTING_KPA_E1) -> Fraction:
    """Return how many seconds pass from closing the line to the pump's own alarm at ``rate``, above 0."""
    missing_nl = Fraction(max(0, line.limit_kpa_e1 - pressure_kpa_e1) * line.compliance_nl_per_kpa, 10)
    return missing_nl * 3600 / rate.nl_per_h


class Trend(NamedTuple):
    """The mean pressures of the last parts, by volume; O(1) a reading."""

    begun_nl: int
    """What was counted when the present part began."""
    sum_kpa_e1: int = 0
    n_readings: int = 0
    parts_kpa_e4: tuple[int, ...] = ()
    """Mean pressure of the last parts in ten thousandths of a kilopascal, oldest first."""
    told_kpa_e4: int | None = None
    """The pressure below which it is over; None while nothing is told."""
    judged: bool = False
    """Enough was seen, in this run, to say that the line is open."""


def part_nl(line: Line, tick_nl: int) -> int:
    """Return the volume of one part."""
    rise_nl = (line.limit_kpa_e1 - RESTING_KPA_E1) * line.compliance_nl_per_kpa // (10 * SHARES)
    return max(rise_nl // QUARTERS, LEAST_TICKS * tick_nl)


def followed(
    trend: Trend | None, reading: Telemetry, counted_nl: int, line: Line, tick_nl: int
) -> Trend | None:
    """Return the trend after ``reading``; only a running pump with a believable pressure changes it."""
    pressure = reading.pressure_kpa_e1.value
    if pressure is None or reading.status is not PumpStatus.RUNNING:
        return trend
    if trend is None or counted_nl < trend.begun_nl:
        return Trend(counted_nl, pressure, 1)
    told = trend.told_kpa_e4
    if told is not None and pressure * 1000 < told:
        return Trend(counted_nl, pressure, 1, judged=True)
    part = part_nl(line, tick_nl)
    moved_nl = counted_nl - trend.begun_nl
    if moved_nl < part:
        return Trend(
            trend.begun_nl,
            trend.sum_kpa_e1 + pressure,
            trend.n_readings + 1,
            trend.parts_kpa_e4,
            told,
            trend.judged,
        )
    if moved_nl >= 2 * part:  # a bolus, or a long silence: what lies between was not seen
        return Trend(counted_nl, pressure, 1, told_kpa_e4=told, judged=trend.judged)
    mean = trend.sum_kpa_e1 * 1000 // trend.n_readings
    parts = (*trend.parts_kpa_e4, mean)[-QUARTERS - 1 :]
    if told is None:
        told = _told(parts, part, line)
    return Trend(counted_nl, pressure, 1, parts, told, trend.judged or len(parts) > QUARTERS)


def _told(parts: tuple[int, ...], part_nl: int, line: Line) -> int | None:
    """Return below which pressure it will be over when these parts rise as a closed line's do, else None."""
    if len(parts) <= QUARTERS:
        return None
    closed = 10_000 * part_nl // line.compliance_nl_per_kpa
    rises = [later - earlier for earlier, later in pairwise(parts)]
    if min(rises) * 100 < closed * RISES_PERCENT:
        return None
    return parts[-1] - (parts[-1] - parts[0]) * GONE_PERCENT // 100


def told_words(reading: Telemetry, line: Line) -> tuple[str, str]:
    """Return pressure and what is left until the pump's own alarm, in words."""
    pressure = reading.pressure_kpa_e1.value
    rate = reading.flow.value if reading.set_flow.value is None else reading.set_flow.value
    limit = f"{decimal_text(line.limit_kpa_e1, 10)} kPa"
    if pressure is None:
        return "", limit
    shown = f"{decimal_text(pressure, 10)} kPa"
    if rate is None or rate.nl_per_h == 0:
        return shown, limit
    return shown, f"{limit} in {int(blind_s(line, rate, pressure) / 60)} min"
