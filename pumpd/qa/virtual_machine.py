"""The machine of a scenario: how full its disk is, its time server, and its certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pumpd.clock import Clock
from pumpd.core.certificates import Ends

ROOMY_BYTES = 64 * 2**30
FULL_BYTES = 200 * 2**20
RENEWED_S = 397 * 86_400.0
"""For how long a new certificate holds."""


@dataclass(slots=True)
class VirtualMachine:
    """Implements ``pumpd.daemon.node_watch.Machine``."""

    left_bytes: int = ROOMY_BYTES
    follows: bool = True
    shown: Sequence[Ends] = ()

    async def free_bytes(self) -> int | None:
        """Return what is free on its disk."""
        return self.left_bytes

    async def synchronised(self) -> bool | None:
        """Return whether it follows a time server."""
        return self.follows

    async def certificates(self) -> Sequence[Ends]:
        """Return its certificate, once something was said of one."""
        return self.shown

    def happenings(self, for_s: float | None, clock: Clock | None) -> dict[str, Callable[[], None]]:
        """Return what may befall it, by the name of the action."""
        return {
            "lose-time-server": lambda: setattr(self, "follows", False),
            "find-time-server": lambda: setattr(self, "follows", True),
            "fill-disk": lambda: setattr(self, "left_bytes", FULL_BYTES),
            "empty-disk": lambda: setattr(self, "left_bytes", ROOMY_BYTES),
            "certificate-holds": lambda: self._show(for_s or 0.0, clock),
            "renew-certificate": lambda: self._show(RENEWED_S, clock),
        }

    def _show(self, for_s: float, clock: Clock | None) -> None:
        assert clock is not None
        self.shown = (("node.pem", clock.wall() + timedelta(seconds=for_s)),)
