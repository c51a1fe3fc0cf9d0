"""Dose in a window, worked out a second time, piece by piece. Imports nothing of pumpd."""

from __future__ import annotations

from fractions import Fraction


def in_window_mg(pieces: list[tuple[int, int, Fraction]], begins_s: Fraction, ends_s: Fraction) -> Fraction:
    """Return what pieces of (from s, to s, mg an hour) gave between two times."""
    total = Fraction(0)
    for begun, ended, mg_h in pieces:
        overlap = min(ends_s, Fraction(ended)) - max(begins_s, Fraction(begun))
        if overlap > 0:
            total += mg_h * overlap / 3600
    return total


def worst_window_mg(
    pieces: list[tuple[int, int, Fraction]], window_s: int, from_s: int, to_s: int
) -> Fraction:
    """Return the most that any window ending in whole seconds of a span holds."""
    return max(
        in_window_mg(pieces, Fraction(end - window_s), Fraction(end)) for end in range(from_s, to_s + 1)
    )
