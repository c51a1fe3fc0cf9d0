"""Flows whose trumpet was worked out by hand: two hours of samples each half minute, set to 10 mL/h."""

from __future__ import annotations

import math
from dataclasses import dataclass

SET_ML_H = 10.0


@dataclass(frozen=True, slots=True)
class Vector:
    """Flows, and the highest and lowest error in each window, in percent."""

    what: str
    flows_ml_h: tuple[float, ...]
    highest_percent: tuple[float, ...]
    lowest_percent: tuple[float, ...]


VECTORS = (
    Vector(
        "a swing of 20 % each 4 min",
        tuple(SET_ML_H * (1 + 0.2 * math.sin(math.tau * i * 0.5 / 4)) for i in range(120)),
        (17.071, 12.071, 3.414, 1.552, 0.898, 0.551),
        (-17.071, -12.071, -3.414, -1.552, -0.898, -0.551),
    ),
    Vector(
        "pulses at the sample rate",
        tuple(20.0 if i % 2 == 0 else 0.0 for i in range(120)),
        (0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0),
    ),
    Vector(
        "3 % too fast, with one sample of nothing",
        tuple(0.0 if i == 60 else 10.3 for i in range(120)),
        (3.0, 3.0, 3.0, 3.0, 3.0, 1.339),
        (-48.5, -22.75, -7.3, -1.682, 0.289, 1.339),
    ),
)
