"""The daemon's way out, watched: what it is told is written down and handed on to the real publisher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from pumpd.contract.payloads import EventPayload
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.seams import LivePump
from pumpd.qa.record import Record
from pumpd.store.base import OutboxLine

Witness = Callable[[EventPayload], None]


class WatchedPublisher:
    """The real publisher, with everything it is told written down; implements ``Publisher``."""

    def __init__(self, real: NodePublisher, record: Record, witnesses: Sequence[Witness]) -> None:
        """Make it; ``witnesses`` hear of every event as it is told, journalled or not."""
        self._real = real
        self._record = record
        self._witnesses = witnesses
        self._loop = asyncio.get_running_loop()

    @property
    def up(self) -> bool:
        """Hand on."""
        return self._real.up

    @property
    def shown_until(self) -> datetime | None:
        """Hand on."""
        return self._real.shown_until

    def reading(self, live: LivePump) -> None:
        """Hand on."""
        self._real.reading(live)

    def changed(self, live: LivePump) -> None:
        """Hand on."""
        self._real.changed(live)

    def node_changed(self) -> None:
        """Hand on."""
        self._real.node_changed()

    def journalled(self, lines: Sequence[OutboxLine]) -> None:
        """Hand on, and write down."""
        for line in lines:
            event = EventPayload.model_validate_json(line.payload)
            told = event.model_copy(update={"seq": line.seq, "journalled": True})
            self._told(told)
        self._real.journalled(lines)

    def unjournalled(self, event: EventPayload) -> None:
        """Hand on, and write down."""
        self._told(event)
        self._real.unjournalled(event)

    def _told(self, event: EventPayload) -> None:
        self._record.told(self._loop.time(), event)
        for witness in self._witnesses:
            witness(event)

    async def run(self) -> None:
        """Hand on."""
        await self._real.run()

    async def close(self) -> None:
        """Hand on."""
        await self._real.close()
