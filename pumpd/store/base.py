"""What the daemon writes and anybody may read: telemetry may be dropped and is counted, alarms never."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pumpd.core.alarms import Alarms
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_account import Carried
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.restraints import RestraintRecord
from pumpd.core.seat import Seat
from pumpd.core.telemetry import ChannelId, Provenance, PumpId, Telemetry


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One reading on its way to the time series."""

    at_ms: int
    """Wall time in milliseconds since 1970 (UTC); the writer makes it strictly increasing per channel."""
    ward: str
    telemetry: Telemetry
    dose: float | None
    """Dose rate in ``dose_unit``; None without a programme. A float: this is the chart's side."""
    dose_unit: str
    label: str = ""
    """Whose reading it is: the patient's label, a pseudonym; empty for nobody's."""


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """How the history writer is doing."""

    written: int
    dropped: int
    """Readings given up under pressure since start."""
    waiting: int
    failing: str
    """Why the last write failed; empty when it did not."""
    left_h: float | None = None
    """How many hours it holds out without the database at the present rate; None without a spool."""


class TelemetryWriter(Protocol):
    """The way into the time series; never blocks the caller and never raises for a broken store."""

    def write(self, row: HistoryRow) -> None:
        """Take one reading; drops the oldest and counts it when the buffer is full."""
        ...

    def status(self) -> WriterStatus:
        """Return how it is doing."""
        ...

    async def close(self) -> None:
        """Write out what has gathered and stop; at most 1 s."""
        ...


@dataclass(frozen=True, slots=True)
class Bucket:
    """A span of one series drawn as one pixel column: a one-reading spike survives in ``high``."""

    start_ms: int
    low: float
    high: float
    mean: float
    count: int


SERIES = ("flow_ml_h", "set_flow_ml_h", "volume_ml", "dose", "pressure_kpa", "battery_percent")
"""The series that can be read back; ``dose`` is in the unit stored beside it."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One series of one channel over a time span."""

    series: str
    unit: str
    buckets: tuple[Bucket, ...]
    provenance: Provenance | None = None
    """Of all its values; None when there are none."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of the journal as others may read it."""

    sequence: int
    at: datetime
    kind: str
    """``alarm``, ``restraint``, ``infusion``, ``command`` or ``node``."""
    pump: PumpId | None
    payload: str
    """JSON."""


class HistoryReader(Protocol):
    """The way out, for the dashboard; works with no daemon running."""

    async def trend(
        self, pump: PumpId, channel: ChannelId, series: str, start_ms: int, end_ms: int, buckets: int
    ) -> Trend:
        """Return at most ``buckets`` buckets over [start, end); empty ones are left out."""
        ...

    async def journal(
        self, pump: PumpId | None, start_ms: int, end_ms: int, limit: int
    ) -> Sequence[JournalLine]:
        """Return journal lines, newest first."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; safe to call twice. Questions raise StoreError from then on."""
        ...


@dataclass(frozen=True, slots=True)
class NewLine:
    """One line for the journal; the journal gives it its sequence number and puts it into the outbox."""

    event_id: str
    """Unique for ever (see ``EventPayload.id``); writing the same id twice writes it once."""
    at: datetime
    kind: str
    """``alarm``, ``restraint``, ``infusion``, ``command`` or ``node``."""
    pump: PumpId | None
    channel: ChannelId | None
    payload: str
    """The ``EventPayload`` as JSON, with ``seq`` null and ``journalled`` false."""


@dataclass(frozen=True, slots=True)
class Durable:
    """What of one channel (or of the node: ``pump`` None) outlives a restart."""

    pump: PumpId | None
    channel: ChannelId | None
    alarms: Alarms
    restraints: Mapping[ConditionId, RestraintRecord]
    delivered: Carried | None = None
    """What the pump's counter counted."""
    watch: InfusionWatch | None = None
    """The infusion that it carries, or carried last."""
    doses: tuple[PatientDose, ...] = ()
    """For the node: what patients got whose infusions no pump remembers any more."""
    epoch_ns: int | None = None
    """Wall time less monotonic time when it was written, in ns: it carries times of watch and doses over.

    None: they are on the clock of this run.
    """
    host_boot_id: str = ""
    """The boot of the machine in which it was written: in the same one its times stand as they are."""
    seat: Seat | None = None
    """Where a person said that the pump is; None: where the configuration says."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a journal: whoever knows it can tell whether anything up to it was changed."""

    seq: int
    """0 for an empty journal."""
    hash: str
    """SHA-256 in hex, of the line and of all before it."""

    def __str__(self) -> str:
        """As ``pumpd audit verify --head`` takes it."""
        return f"{self.seq}:{self.hash}"


NO_HEAD = Head(0, "")
"""Of a journal that could not be opened."""


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """A journalled line that the broker may not have yet."""

    seq: int
    event_id: str
    payload: str
    """As in ``NewLine``; the publisher fills in ``seq`` and ``journalled``."""
    committed_ms: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was kept of one channel (or of the node: ``pump`` None), and this program can not read."""

    pump: PumpId | None
    channel: ChannelId | None
    reason: str
    """For the log: it may hold what was kept."""

    def __str__(self) -> str:
        """Say for people what is not known any more."""
        if self.pump is None:
            return "what patients got before, and the alarms of the node"
        return f"alarms and infusion of {self.pump}/{self.channel}"


@dataclass(frozen=True, slots=True)
class Restored:
    """What an opened journal knows from before."""

    last_seq: int
    durables: tuple[Durable, ...]
    unsent: tuple[OutboxLine, ...]
    """In journal order."""
    unreadable: tuple[Unreadable, ...] = ()
    """What people must be told of: nobody watches it any more."""


class Journal(Protocol):
    """The one writer of alarms, acknowledgements and commands; the loop never waits in it."""

    @property
    def restored(self) -> Restored:
        """What was there when it was opened."""
        ...

    @property
    def head(self) -> Head:
        """The last line on disk."""
        ...

    def append(
        self, lines: Sequence[NewLine], durables: Sequence[Durable], command_id: str | None = None
    ) -> asyncio.Future[tuple[int, ...]]:
        """Write all of it in one transaction, in call order; the result is the lines' sequence numbers.

        Resolves on the loop once it is on disk; StoreError when it could not be written (it is kept and
        tried again with the next ones, and every second). Appending lines that are there already changes
        nothing and returns their numbers: so the number of a line whose future failed is learned later.
        """
        ...

    def command_seen(self, command_id: str) -> bool:
        """Return whether this command was appended before (at least the last 10 000 are known)."""
        ...

    def mark_sent(self, seq: int) -> None:
        """The broker confirmed every line up to and including ``seq``."""
        ...

    def recent(self, since_ms: int) -> asyncio.Future[tuple[OutboxLine, ...]]:
        """Return every unsent line, and the sent ones committed since then (wall time in ms since 1970).

        In order, for sending again. Unsent lines do not depend on the time, so a clock that stepped loses
        none. StoreError when the journal can not be read.
        """
        ...

    def oldest_unconfirmed_ns(self) -> int | None:
        """Return the monotonic time of the oldest append that is not on disk yet, None when all is."""
        ...

    async def close(self) -> None:
        """Commit what has gathered and stop the writer; at most 1 s."""
        ...
