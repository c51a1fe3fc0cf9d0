"""A pump or a node through a condition's whole life: what leads to it, what nearly does, what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pumpd.core.alarms import Alarm, AlarmSignal
from pumpd.core.conditions import ConditionId
from pumpd.core.node import NodeMemory, NodeMust, NodeSeen, looked, node_words
from pumpd.core.quantities import NS_PER_S, Volume
from pumpd.core.site import SiteInput, SiteState, Technical, evaluate_site
from pumpd.core.state import Effect, Now, PumpInput, PumpSetup
from pumpd.core.telemetry import Measured, PumpStatus, missing
from tests.core.situations import SETUP, START, Bedside

STEP_NL = 1_000
COUNTED = replace(SETUP, counter_step=Volume(STEP_NL))
"""A pump whose counter is judged; ``SETUP`` is one whose counter is not."""


@dataclass
class Counted(Bedside):
    """A pump whose counter counts, in steps of a microlitre."""

    setup: PumpSetup = COUNTED
    counter_nl: float = 5_000_000
    to_come_nl: float | None = None
    kpa: float = 2.0
    told: list[Effect] = field(default_factory=list)

    def show(self, ml_per_h: str | None = "0", **other: object) -> None:
        """Read it now."""
        to_come = missing() if self.to_come_nl is None else Measured.valid(Volume(int(self.to_come_nl)))
        counter = Volume(int(self.counter_nl) // STEP_NL * STEP_NL)
        said = {
            "volume": Measured.valid(counter),
            "volume_to_be_infused": to_come,
            "pressure_kpa_e1": Measured.valid(round(10 * self.kpa)),
            **other,
        }
        self.told += self.read(ml_per_h, **said)


@dataclass
class Node:
    """What the core knows of the node itself, through time."""

    now_ns: int = 1_000 * NS_PER_S
    state: SiteState = field(default_factory=SiteState)
    told: list[Effect] = field(default_factory=list)
    memory: NodeMemory = field(default_factory=NodeMemory)
    must: NodeMust = field(default_factory=NodeMust)
    stepped: timedelta = timedelta(0)
    """How far somebody has set the time of day ahead."""

    @property
    def now(self) -> Now:
        """This moment."""
        return Now(self.now_ns, START + timedelta(microseconds=self.now_ns // 1000) + self.stepped)

    def give(self, given: SiteInput) -> None:
        """Hand ``given`` to the core now."""
        self.state, changes = evaluate_site(self.state, given, self.now)
        self.told += changes

    def look(self, seen: NodeSeen) -> None:
        """Judge what machine and program show now, as the daemon does."""
        self.memory = looked(self.memory, seen)
        for condition, words in node_words(self.memory, seen, self.must, self.state.alarms).items():
            self.give(Technical(condition, bool(words), words))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * NS_PER_S)

    def restart(self) -> None:
        """Begin a new run with the alarms that the journal keeps."""
        self.state = SiteState(alarms=self.state.alarms)
        self.memory = NodeMemory()

    def alarm(self, condition: ConditionId) -> Alarm | None:
        """Return the alarm if its signal is not OFF."""
        return self.state.alarms.get(condition)

    def signal(self, condition: ConditionId) -> AlarmSignal:
        """Return what people are told of ``condition``."""
        alarm = self.alarm(condition)
        return AlarmSignal.OFF if alarm is None else alarm.signal


Act = Callable[[Counted], None]
NodeAct = Callable[[Node], None]


def reads(seconds: int, ml_per_h: str | None = "10", **other: object) -> Act:
    """Return: it is read once a second and says this."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.now_ns += NS_PER_S
            bed.show(ml_per_h, **other)

    return act


def runs(
    seconds: int, ml_per_h: str = "10", percent: float = 100, *, counts: bool = True, **other: object
) -> Act:
    """Return: it is read once a second while it delivers ``percent`` of what it is set to."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.now_ns += NS_PER_S
            moved_nl = float(ml_per_h) * 1e6 / 3600 * percent / 100
            bed.counter_nl += moved_nl if counts else 0
            if bed.to_come_nl is not None:
                bed.to_come_nl -= moved_nl
            bed.show(ml_per_h, **other)

    return act


def stands(seconds: int, leaks_nl_s: float = 0.0, **other: object) -> Act:
    """Return: it stands stopped while its counter moves by itself."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.now_ns += NS_PER_S
            bed.counter_nl += leaks_nl_s
            bed.show("0", **{"status": PumpStatus.STOPPED, **other})

    return act


def silent(seconds: int) -> Act:
    """Return: nothing is heard of it, and the watchdog looks once a second."""

    def act(bed: Counted) -> None:
        for _ in range(seconds):
            bed.told += bed.wait(1)

    return act


def given(what: PumpInput) -> Act:
    """Return: this happens to it."""

    def act(bed: Counted) -> None:
        bed.told += bed.give(what)

    return act


def set_up_as(setup: PumpSetup) -> Act:
    """Return: its order, its entry or its limits are others from now on."""

    def act(bed: Counted) -> None:
        bed.setup = setup
        bed.state = replace(
            bed.state,
            setup=setup,
            limits=setup.limits(),
            counter=setup.counter(),
            ordered=setup.ordered(),
        )

    return act


def began_anew(bed: Counted) -> None:
    """Let the daemon be started anew."""
    bed.restart()


@dataclass(frozen=True)
class Course:
    """What leads to a condition of a pump, what nearly does, and what ends it."""

    breaks: tuple[Act, ...]
    nearly: tuple[Act, ...]
    ends: tuple[Act, ...]
    setup: PumpSetup = SETUP
    to_come_nl: float | None = None
    before: tuple[Act, ...] = (runs(5),)
    beside: frozenset[ConditionId] = frozenset()
    """What else is told on the way, and is meant to be."""


@dataclass(frozen=True)
class NodeCourse:
    """The same for a condition of the node."""

    breaks: tuple[NodeAct, ...]
    nearly: tuple[NodeAct, ...]
    ends: tuple[NodeAct, ...]
    before: tuple[NodeAct, ...] = ()
    beside: frozenset[ConditionId] = frozenset()
