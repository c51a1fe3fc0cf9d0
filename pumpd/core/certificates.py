"""Which certificates end to hold within a month, and which within a week or already did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pumpd.core.conditions import ConditionId

SOON = timedelta(days=30)
"""A hospital's authority needs days to make a new one."""
NEAR = timedelta(days=7)
"""Somebody has to do it now."""

Ends = tuple[str, datetime]
"""A certificate's file, and until when it holds."""


def certificate_words(certificates: Sequence[Ends], now: datetime) -> dict[ConditionId, str]:
    """Return what is wrong with the certificates at ``now``; each is named under one condition at most."""
    soon, near = [], []
    for name, ends in certificates:
        if ends - now <= NEAR:
            near.append(f"{name} {'holds until' if now <= ends else 'ended on'} {ends.date()}")
        elif ends - now <= SOON:
            soon.append(f"{name} holds until {ends.date()}")
    return {
        ConditionId.CERTIFICATE_SOON: ", ".join(soon),
        ConditionId.CERTIFICATE_ENDS: ", ".join(near),
    }
