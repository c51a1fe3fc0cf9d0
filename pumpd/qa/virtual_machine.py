"""The machine of a scenario: how full its disk is, and whether it follows a time server."""

from __future__ import annotations

from dataclasses import dataclass

ROOMY_BYTES = 64 * 2**30
FULL_BYTES = 200 * 2**20


@dataclass(slots=True)
class VirtualMachine:
    """Implements ``pumpd.daemon.node_watch.Machine``."""

    left_bytes: int = ROOMY_BYTES
    follows: bool = True

    async def free_bytes(self) -> int | None:
        """Return what is free on its disk."""
        return self.left_bytes

    async def synchronised(self) -> bool | None:
        """Return whether it follows a time server."""
        return self.follows
