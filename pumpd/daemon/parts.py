"""What a daemon is made of besides its own code."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pumpd.clock import Clock
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.escalator import Calls
from pumpd.daemon.lines import Line, Talk
from pumpd.daemon.node_watch import Machine
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recorder import Recorder
from pumpd.daemon.seams import ConnectPublisher, LivePump, Ward
from pumpd.daemon.settings import Settings
from pumpd.drivers.base import Driver
from pumpd.store.base import Journal, TelemetryWriter


@dataclass(frozen=True, slots=True)
class Watched:
    """One pump to watch: what to do with it, who speaks to it, and over which line."""

    plan: PumpPlan
    driver: Driver
    line: Line
    talk: Talk
    chance: random.Random | None = None
    """Where its session draws from; without it from the daemon's own source."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the daemon is made of besides its own code; tests hand in in-line twins."""

    ward: Callable[[Mapping[tuple[PumpId, ChannelId], LivePump]], Ward]
    watched: Sequence[Watched]
    lines: Sequence[Line]
    open_journal: Callable[[], Journal]
    history: TelemetryWriter
    connect_publisher: ConnectPublisher
    clock: Clock
    random: random.Random
    syslog: Callable[[str], None] = lambda _text: None
    """Notes a text outside of the journal; OSError when nobody takes it."""
    recorder: Recorder | None = None
    machine: Machine | None = None
    """What can be asked of the machine; None: its disk and its clock are not judged."""
    least_free_bytes: int = 0
    """What must be free on the disk of journal and history; 0: as it may."""
    settings: Settings | None = None
    """What is compared with the run before; None: nothing is."""
    calls: Calls = field(default_factory=lambda: Calls({}))
