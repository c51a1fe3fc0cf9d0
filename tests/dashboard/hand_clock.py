"""A clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class HandClock:
    """Stands still until ``pass_s``; ``set_back_s`` moves the time of day alone."""

    at: datetime = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
    passed_ns: int = 0
    boot_id: str = "b00t"

    def monotonic_ns(self) -> int:
        """Return the nanoseconds that were let pass."""
        return self.passed_ns

    def wall(self) -> datetime:
        """Return the time of day."""
        return self.at

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
        self.passed_ns += round(seconds * 1e9)

    def set_back_s(self, seconds: float) -> None:
        """Set the time of day back."""
        self.at -= timedelta(seconds=seconds)
