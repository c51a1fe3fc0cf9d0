"""Notes the journal's head outside of the journal, so that a tail that was cut shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from pumpd.daemon.seams import Ward
from pumpd.store.base import Head, Journal

NOTE_EVERY_S = 60.0
"""At most so often: what was written since the last note is what can be cut unseen."""

_log = structlog.get_logger("pumpd.journal")


class HeadNotes:
    """Says the head, when it moved, through ``say``, which raises OSError when nobody takes it."""

    def __init__(self, ward: Ward, journal: Journal, say: Callable[[str], None]) -> None:
        self._ward = ward
        self._journal = journal
        self._say = say
        self._noted: Head | None = None
        self._failing = False

    async def run(self) -> None:
        """Note it until cancelled."""
        while True:
            self.note()
            await asyncio.sleep(NOTE_EVERY_S)

    def note(self) -> None:
        """Note it now, if it moved; never raises."""
        head = self._journal.head
        if head.seq == 0 or head == self._noted:
            return
        try:
            self._say(f"{self._ward.site}/{self._ward.node}: journal head {head}")
        except OSError as error:
            if not self._failing:
                _log.warning("syslog down: the journal's head is not noted there", reason=str(error))
            self._failing = True
            return
        if self._failing:
            _log.info("syslog up")
        self._failing = False
        self._noted = head
