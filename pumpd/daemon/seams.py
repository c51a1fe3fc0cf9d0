"""What the parts of the daemon know of each other: live state, the way out, and the way in for commands.

The pipeline owns every object here and changes it on the event loop; the publisher only reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from pumpd.clock import Clock
from pumpd.contract.infusion_payloads import InfusionCommand
from pumpd.contract.payloads import EventPayload
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.core.alarms import NO_ALARMS, Alarms
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.infusion_watch import PatientDose
from pumpd.core.seat import Seat
from pumpd.core.site import SiteState
from pumpd.core.state import PersonSays, PumpState
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.drivers.base import Identity
from pumpd.store.base import NO_HEAD, Head, Journal, OutboxLine, WriterStatus


class LinkState(Enum):
    """How the line to a pump stands."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    WRONG_DEVICE = "wrong-device"
    """Something answers, but it is not the pump that the configuration names."""
    STOPPED = "stopped"
    """Its session is not running: it crashed and waits to be started again, or the daemon is stopping."""


@dataclass(slots=True, eq=False)
class LinkStatus:
    """The line to one pump; shared by all its channels."""

    state: LinkState = LinkState.CONNECTING
    detail: str = ""
    """Why it is not up, for an engineer."""
    round_trip_ns: int | None = None
    """How long the last whole reading took."""
    errors: int = 0
    """Replies that were missing, damaged or refusals, since start."""
    instead: PumpId | None = None
    """The pump of the fleet that answers in its place; None when none does."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pump stands and how it is reached: what the configuration says and no reading changes."""

    bed: str
    ward: str
    label: str
    """Patient label: initials at most."""
    driver: str
    verified: str
    """What the driver's card says: none, simulator, transcript or hardware."""
    url: str
    unverified: tuple[str, ...] = ()
    """What the card says that its documents leave open."""
    human_use: bool = True
    """False for a laboratory pump."""


@dataclass(slots=True, eq=False)
class Told:
    """The alarms that the network may be told of: on disk, or waiting for the disk for more than 1 s.

    What is published comes from here, not from ``state.alarms`` (journal before network).
    """

    alarms: Alarms = field(default_factory=lambda: NO_ALARMS)
    unconfirmed: frozenset[ConditionId] = frozenset()
    """Those whose last transition is not on disk: they go out marked ``journalled: false``."""


@dataclass(slots=True, eq=False)
class LivePump:
    """One channel of one pump, as it is now."""

    place: Place
    state: PumpState
    """Set-up, last reading, alarms, restraint; replaced at every input, never changed in place."""
    link: LinkStatus
    told: Told = field(default_factory=Told)
    home: Place | None = None
    """Where the configuration says it stands, while an infusion took it elsewhere or named it."""
    seat: Seat | None = None
    """Where a person said that the pump is; None: where the configuration says."""
    identity: Identity | None = None
    """Who answered last; None until somebody did."""
    sequence: int = 0
    """The ``sequence`` of the last reading; 0 before the first of this boot."""
    dose_per_nl_h: float | None = None
    """The dose that 1 nL/h gives, in ``dose_unit``, for the history's floats; None without a programme."""
    dose_unit: str = ""

    @property
    def pump(self) -> PumpId:
        """The asset number."""
        return self.state.setup.pump

    @property
    def channel(self) -> ChannelId:
        """The channel."""
        return self.state.setup.channel


@dataclass(slots=True, eq=False)
class Ward:
    """All that one node watches, as it is now."""

    site: str
    node: str
    boot_id: str
    version: str
    config_sha256: str
    library: DrugLibrary | None
    pumps: Mapping[tuple[PumpId, ChannelId], LivePump]
    site_state: SiteState = field(default_factory=SiteState)
    """Alarms of the node itself."""
    told: Told = field(default_factory=Told)
    """Those of them that the network may be told of."""
    doses: dict[tuple[str, str, str], PatientDose] = field(default_factory=dict)
    """What patients got whose infusions no pump remembers any more, by patient and drug."""
    journal_seq: int = 0
    """The last journal line known to be on disk."""
    journal_head: Head = NO_HEAD
    """It and its hash; it may be a line ahead."""
    contacts: Sequence[str] = ()
    """Names of those that can be called."""
    history: WriterStatus | None = None
    """How the history writer was when it was last looked at."""


class Outlet(Protocol):
    """The way out to the network. Every call returns at once, and none raises for an absent broker."""

    def reading(self, live: LivePump) -> None:
        """Tell that ``live.state.last`` is new; called for every reading, so it costs next to nothing."""
        ...

    def changed(self, live: LivePump) -> None:
        """Tell that something other than numbers changed (status, told alarms, link, identity, restraint)."""
        ...

    def node_changed(self) -> None:
        """Tell that the told alarms of the node itself changed."""
        ...

    def journalled(self, lines: Sequence[OutboxLine]) -> None:
        """Send these events: they are on disk. In journal order; ``ward.journal_seq`` is up to date."""
        ...

    def unjournalled(self, event: EventPayload) -> None:
        """Send this event now, marked ``journalled: false``: the journal has not confirmed it within 1 s.

        It comes again, under the same id, through ``journalled`` once it is on disk.
        """
        ...


class Publisher(Outlet, Protocol):
    """An outlet with a life of its own."""

    @property
    def up(self) -> bool:
        """True while there is a broker."""
        ...

    @property
    def shown_until(self) -> datetime | None:
        """When the certificate ends that the broker showed last; None when it never showed one."""
        ...

    async def run(self) -> None:
        """Keep the connection to the broker, whenever there is one, until ``close`` or cancellation."""
        ...

    async def close(self) -> None:
        """Publish what waits and ``offline``, and disconnect; at most 1 s.

        Called while ``run`` still runs; ``run`` returns then.
        """
        ...


class CommandPort(Protocol):
    """What a person may ask of the daemon.

    Both return once the effect is on disk together with ``command_id`` (one transaction), and raise
    ValueError with the reason when it is refused. A ``command_id`` that was carried out before (also by an
    earlier run) returns at once and has no second effect; one that is under way is joined.
    """

    async def say(
        self, pump: PumpId | None, channel: ChannelId | None, said: PersonSays, command_id: str
    ) -> None:
        """Say "I have it" of an alarm, quiet it, or end that; ``pump`` None: an alarm of the node.

        ValueError: no such pump or alarm, it has worsened since, or it may not be quieted so. StoreError:
        the journal can not be written; what was said stands but may not survive a restart.
        """
        ...

    async def test_channel(self, contact: str, by: str, command_id: str) -> None:
        """Send a contact a message that is clearly a test; returns once its channel took it.

        ValueError when there is no such contact, or with the reason why it was not taken.
        """
        ...

    async def pause_pump(
        self, pump: PumpId, channel: ChannelId, by: str, reason: str, command_id: str
    ) -> None:
        """Pause a pump, under the same gate as pumpd's own restraint; returns when, read back, it is paused.

        ValueError when the gate does not allow it (it says which part), or when the pump could not be paused:
        then RESTRAINT_FAILED is on.
        """
        ...

    def refused(self, detail: str, by: str) -> None:
        """Write down that a command was not taken; returns at once."""
        ...

    async def exchange_ports(self, asked: ExchangePortsPayload) -> str:
        """Read a pump from now on at the port where it answers; no pump is touched.

        Returns in words where the other one is looked for. ValueError says why not.
        """
        ...

    async def infusion(self, asked: InfusionCommand) -> str:
        """Begin, change, observe, end, swap or transfer an infusion; no pump is touched.

        Returns what was done beyond what was asked, in words; mostly nothing. ValueError says in the
        nurse's words why not.
        """
        ...


class ConnectPublisher(Protocol):
    """How the app gets its publisher: made once, before the first pump is spoken to."""

    def __call__(self, ward: Ward, journal: Journal, commands: CommandPort, clock: Clock) -> Publisher:
        """Return a publisher; what ``journal.restored.unsent`` holds is its to send."""
        ...
