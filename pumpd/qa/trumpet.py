"""How well a pump keeps its rate: start-up graph and trumpet curve after IEC 60601-2-24.

A sample of the delivered volume is taken each half minute. The start-up graph shows the first two hours; the
trumpet shows, over the second hour, the largest and smallest mean error that a window of some minutes can
have. A window of 1 min stands in newer manuals only. Formulas: IEC 60601-2-24:2012, trumpet curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

SAMPLE_MIN = 0.5
WINDOWS_MIN = (1, 2, 5, 11, 19, 31)


@dataclass(frozen=True, slots=True)
class WindowError:
    """The extreme mean errors over all windows of one length, in percent of the set rate."""

    window_min: float
    highest_percent: float
    lowest_percent: float


def sampled_flows_ml_h(volumes_ml: Sequence[float], sample_min: float = SAMPLE_MIN) -> list[float]:
    """Return the flow between each two samples of the delivered volume."""
    return [60 * (later - earlier) / sample_min for earlier, later in pairwise(volumes_ml)]


def trumpet(
    flows_ml_h: Sequence[float],
    set_ml_h: float,
    windows_min: Sequence[float] = WINDOWS_MIN,
    sample_min: float = SAMPLE_MIN,
) -> list[WindowError]:
    """Return the error of each window over the analysis period that ``flows_ml_h`` covers.

    ValueError when the rate is not above 0, or a window is not made of samples or longer than the period.
    """
    if set_ml_h <= 0:
        raise ValueError(f"set rate {set_ml_h} mL/h: allowed above 0")
    sums = list(accumulate((100 * (flow - set_ml_h) / set_ml_h for flow in flows_ml_h), initial=0.0))
    found = []
    for window_min in windows_min:
        width = round(window_min / sample_min)
        if width < 1 or abs(width * sample_min - window_min) > 1e-9 or width >= len(sums):
            raise ValueError(
                f"window of {window_min} min: allowed whole samples of {sample_min} min, "
                f"up to {len(flows_ml_h) * sample_min} min"
            )
        means = [(sums[j + width] - sums[j]) / width for j in range(len(sums) - width)]
        found.append(WindowError(window_min, max(means), min(means)))
    return found


def mean_error_percent(volume_ml: float, elapsed_min: float, set_ml_h: float) -> float:
    """Return the mean percentage error over a period (A of the second hour, B of the last)."""
    return 100 * (60 * volume_ml / elapsed_min - set_ml_h) / set_ml_h


def first_fluid_min(volumes_ml: Sequence[float], least_ml: float, sample_min: float) -> float | None:
    """Return when more than ``least_ml`` had come, in minutes from the first sample; None: never."""
    for number, volume_ml in enumerate(volumes_ml):
        if volume_ml > least_ml:
            return number * sample_min
    return None


def steady_from_min(
    flows_ml_h: Sequence[float], set_ml_h: float, within_percent: float, window_min: float, sample_min: float
) -> float | None:
    """Return the end of the first window whose mean is within ``within_percent`` of the rate; None: none."""
    width = round(window_min / sample_min)
    sums = list(accumulate(flows_ml_h, initial=0.0))
    for end in range(width, len(sums)):
        mean_ml_h = (sums[end] - sums[end - width]) / width
        if abs(mean_ml_h - set_ml_h) * 100 <= within_percent * set_ml_h:
            return end * sample_min
    return None
