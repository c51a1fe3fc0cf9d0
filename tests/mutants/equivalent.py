"""Mutants that change nothing anybody could see, each with the reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
"""Id -> why no judge could ever tell it from the product."""
