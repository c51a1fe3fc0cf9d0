"""Mutants that change nothing anybody could see, each with the reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {
    "comparison: core/delivery_rules.py: detected_within_s: beyond > 0 -> beyond >= 0": (
        "no fault is off by just FAST_PERCENT, so what is beyond it is never 0"
    ),
    "comparison: core/limits.py: confirmed_findings: rate > ordered.high -> rate >= ordered.high": (
        "a rate at the end of the order is no slip, so its priority is never asked for"
    ),
}
"""Id -> why no judge could ever tell it from the product."""
