"""Who acts, as far as the daemon is told."""

from __future__ import annotations

from dataclasses import dataclass

from pumpd.contract.roles import Role


@dataclass(frozen=True, slots=True)
class Acting:
    """A person at this dashboard; the daemon believes it because the dashboard signs it."""

    user: str
    role: Role
    wards: tuple[str, ...] = ()
    """Where that person may act; empty: in every ward."""
