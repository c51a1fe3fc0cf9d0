"""One pump, a pipeline and an in-line journal in virtual time: no wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from pumpd.core.lowering import LowerNow
from pumpd.core.state import PauseNow
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.events import EventWriter
from pumpd.daemon.journalling import JournalDesk
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LivePump, Ward
from pumpd.qa.virtual_time import VirtualClock, run_virtual
from pumpd.store.journal_inline import InlineJournal
from tests.daemon.orders import live_pump, telemetry
from tests.daemon.recorder import KeptHistory, Recorder


@dataclass(slots=True)
class Scene:
    """What a story plays with."""

    clock: VirtualClock
    journal: InlineJournal
    outlet: Recorder
    history: KeptHistory
    ward: Ward
    live: LivePump
    desk: JournalDesk
    pipeline: Pipeline
    pauses: list[tuple[float, PauseNow | LowerNow]]

    def begin(self, live: LivePump, asked: PauseNow | LowerNow) -> None:
        """Take the place of the restrainer."""
        self.pauses.append((asyncio.get_running_loop().time(), asked))

    def read(self, ml_h: str) -> bool:
        """Take a reading that was taken just now."""
        return self.pipeline.reading(self.live, telemetry(self.live, self.clock.monotonic_ns(), ml_h))


def play(story: Callable[[Scene], Awaitable[None]], path: Path | None = None) -> Scene:
    """Play ``story`` in virtual time and return what it left."""

    async def run() -> Scene:
        clock = VirtualClock(asyncio.get_running_loop())
        journal = InlineJournal.open(path, clock)
        pumps: dict[tuple[PumpId, ChannelId], LivePump] = {}
        ward = Ward("clinic", "ward-a", clock.boot_id, "0", "", None, pumps)
        desk = JournalDesk(ward, journal, clock)
        history, outlet = KeptHistory(), Recorder()
        pipeline = Pipeline(ward, desk, EventWriter(ward), history, clock)
        live = live_pump(pipeline.now())
        pumps[live.pump, live.channel] = live
        scene = Scene(clock, journal, outlet, history, ward, live, desk, pipeline, [])
        desk.tell(outlet)
        pipeline.tell(outlet)
        pipeline.restrain_with(scene)
        try:
            await story(scene)
        finally:
            desk.close()
            await journal.close()
        return scene

    return run_virtual(run())
