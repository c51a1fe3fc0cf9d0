"""What a running daemon shows of itself to those who look after it: its parts, read and never changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pumpd.clock import Clock
from pumpd.daemon.app import App
from pumpd.daemon.parts import Parts
from pumpd.daemon.publisher import NodePublisher
from pumpd.tally import Tally

LAG_EVERY_S = 0.25


@dataclass(slots=True)
class Inside:
    """A daemon, from the side of whoever looks after it."""

    app: App
    parts: Parts
    clock: Clock
    commits: Tally
    """How long commits of the journal took."""
    publisher: NodePublisher | None = None
    """None before it was made."""
    lag: Tally = field(default_factory=Tally)
    """How much later than asked the loop came back."""

    @property
    def started(self) -> bool:
        """Whether the daemon has been started."""
        return self.publisher is not None

    async def measure_lag(self) -> None:
        """Ask the loop for a moment, again and again, and count how late it is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.lag.add(max(0.0, loop.time() - due_s))
