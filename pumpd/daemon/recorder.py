"""The flight recorder: what each line said and what was decided, kept in a ring on disk.

It hears and never speaks: nothing waits for it, and nothing it does or fails to do changes what is decided.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_models import PumpSection
from pumpd.contract.payloads import EventPayload
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recorded_infusion import RecordedInfusions
from pumpd.daemon.recorded_state import state_of
from pumpd.daemon.recording_head import head_of
from pumpd.daemon.seams import LivePump, Ward
from pumpd.daemon.tape import RecordedChance, RecordedTransport, Tape
from pumpd.store.recording import Kind, encode_json
from pumpd.store.recording_ring import Reel
from pumpd.transports.base import Transport

VISIT_EVERY_S = 0.5
ROUND_VISITS = 10
"""Each tape is emptied every tenth visit, so every 5 s; one with something decided at the next."""
FOLDER = "recordings"
_MIB = 1024 * 1024


def folder_of(data_dir: Path) -> Path:
    """Return where the recordings of a daemon lie."""
    return data_dir / FOLDER


@dataclass(slots=True, eq=False)
class _Line:
    """One line that is recorded."""

    tape: Tape
    sections: tuple[PumpSection, ...]
    plans: dict[PumpId, PumpPlan]


class Recorder:
    """One tape for each line of a daemon."""

    def __init__(self, config: Config, clock: Clock, reel: Reel) -> None:
        self._config = config
        self._clock = clock
        self._reel = reel
        self._lines: list[_Line] = []
        self._sections: dict[PumpId, PumpSection] = {}
        self._by_pump: dict[PumpId, Tape] = {}
        self._lives: Mapping[tuple[PumpId, ChannelId], LivePump] = {}
        self._infusions = RecordedInfusions({})
        self._ward: Ward | None = None
        self._visits = 0

    # --- what wiring asks for -------------------------------------------------------------------------

    def line(self, sections: Sequence[PumpSection]) -> Tape:
        """Return the tape of the line with these pumps; its folder bears the name of the first."""
        others = f"+{len(sections) - 1}" if len(sections) > 1 else ""
        most_bytes = len(sections) * self._config.recorder.mib_per_pump * _MIB
        tape = Tape(f"{sections[0].id}{others}", most_bytes, self._clock, self._reel)
        self._lines.append(_Line(tape, tuple(sections), {}))
        for section in sections:
            self._by_pump[PumpId(section.id)] = tape
            self._sections[PumpId(section.id)] = section
        return tape

    def transport(self, tape: Tape, inner: Transport) -> Transport:
        """Return ``inner`` with all that goes through it on the tape."""
        return RecordedTransport(inner, tape)

    def chance(self, tape: Tape, source: random.Random, source_index: int) -> random.Random:
        """Return ``source`` with its draws on the tape; index 0 is the line itself, 1, 2 ... its pumps."""
        return RecordedChance(source, tape, source_index)

    def watched(self, plan: PumpPlan) -> None:
        """Learn how a pump is watched."""
        for line in self._lines:
            if any(section.id == plan.pump for section in line.sections):
                line.plans[plan.pump] = plan

    # --- what the daemon tells ------------------------------------------------------------------------

    def begin(self, ward: Ward) -> None:
        """Begin every recording; called before the first pump is spoken to, with what was restored."""
        self._ward = ward
        self._lives = ward.pumps
        self._infusions = RecordedInfusions(ward.pumps)
        for line in self._lines:
            line.tape.begin(partial(self._head, line))

    def decided(self, owner: LivePump | Ward, events: Sequence[EventPayload]) -> None:
        """Take what was decided about a pump; what is about the node has no line."""
        if isinstance(owner, LivePump):
            for event in events:
                self._by_pump[owner.pump].decided(Kind.EVENT, event.model_dump_json().encode())
                if event.kind == "infusion" and event.by:
                    for pump, told in self._infusions.changed(owner, event):
                        self._by_pump[pump].decided(Kind.INFUSION, encode_json(told))

    def moved(self, plans: Iterable[PumpPlan]) -> None:
        """Learn where every pump is read from here on; where others are, another segment begins."""
        at = {plan.place.url: plan for plan in plans}
        for line in self._lines:
            here = [at[section.url] for section in line.sections]
            sections = tuple(self._placed(plan) for plan in here)
            if sections == line.sections:
                continue
            line.sections, line.plans = sections, {plan.pump: plan for plan in here}
            for plan in here:
                self._by_pump[plan.pump] = line.tape
            if self._ward is not None:
                line.tape.anew()

    def _placed(self, plan: PumpPlan) -> PumpSection:
        place = plan.place
        where = {"url": place.url, "bed": place.bed, "ward": place.ward}
        return self._sections[plan.pump].model_copy(update=where)

    def trouble(self, pump: PumpId, error: Exception) -> None:
        """Take why a reading did not come."""
        told = {"pump": pump, "error": type(error).__name__, "words": str(error)}
        self._by_pump[pump].put(Kind.TROUBLE, encode_json(told))

    def restored_late(self) -> None:
        """Take what a journal that opened late knew."""
        for (pump, channel), live in self._lives.items():
            told = {"pump": pump, "channel": channel, "state": state_of(live)}
            self._by_pump[pump].decided(Kind.STATE, encode_json(told))

    # --- its own life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand tapes on until cancelled."""
        while True:
            await asyncio.sleep(VISIT_EVERY_S)
            self.visit()

    def visit(self) -> None:
        """Hand on a tenth of the tapes, and those on which something was decided."""
        lost = self._reel.lost_bytes()
        turn = self._visits % ROUND_VISITS
        self._visits += 1
        for position, line in enumerate(self._lines):
            tape = line.tape
            if tape.urgent or position % ROUND_VISITS == turn or tape.ring in lost:
                tape.visit(lost.get(tape.ring, 0))

    async def close(self) -> None:
        """Hand everything on and stop writing, within half a second."""
        if self._ward is not None:
            for line in self._lines:
                line.tape.end()
        await self._reel.close()

    def _head(self, line: _Line) -> bytes:
        assert self._ward is not None
        told = head_of(self._config, self._ward, self._clock.wall(), line.sections, line.plans, self._lives)
        return encode_json({"line_open": line.tape.line_open, **told})
