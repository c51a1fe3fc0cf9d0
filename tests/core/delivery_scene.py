"""A simulated pump read by an imperfect line, with lies between what it does and what it says."""

from __future__ import annotations

import random
from collections import Counter as Tally
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import advanced
from pumpd.core.delivery_account import Account, Counter
from pumpd.core.delivery_rules import deviations
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, Provenance, PumpId, PumpStatus, Telemetry, missing
from pumpd.simulator.mechanism import Mechanism, syringe
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import PumpTraits

GAP_NS = 5 * NS_PER_S
PUMP, CHANNEL = PumpId("P"), ChannelId("1")


@dataclass
class Bench:
    """A pump, the line that reads it, and the account that pumpd keeps."""

    rate_nl_h: int
    tick_nl: int = 1_000
    seed: int = 0
    mechanism: Mechanism = field(default_factory=lambda: syringe(50))
    poll_ns: int = NS_PER_S
    share_percent: int = 100
    """What the motor does of what the pump shows."""
    frozen: bool = False
    dead: bool = False
    """The motor stands, and the pump says that it runs."""
    free_nl_h: int = 0
    """What flows by itself, and is counted."""
    offset_nl: int = 0
    """What the counter showed at the beginning; it runs over at ``wraps_nl``."""
    wraps_nl: int = 0
    sequence: int = 0
    account: Account | None = None
    found: dict[ConditionId, float] = field(default_factory=dict)
    """When each was first told, in seconds."""
    episodes: Tally[ConditionId] = field(default_factory=Tally)
    """How often each was told anew."""
    _standing: frozenset[ConditionId] = frozenset()
    _set_nl_h: int = 0
    _free_nl_ns_h: int = 0
    _kept_nl: int = 0

    def __post_init__(self) -> None:
        traits = PumpTraits(mechanism=self.mechanism)
        self.model = PumpModel(traits=traits, reservoir_nl=10**6 * NL_PER_ML, to_be_infused_nl=0)
        self.chance = random.Random(self.seed)
        self.counter = Counter(self.tick_nl, GAP_NS)
        self.set_rate(self.rate_nl_h)

    def set_rate(self, rate_nl_h: int) -> None:
        """Set the rate at the pump."""
        self._set_nl_h = rate_nl_h
        self.model.turn_rate(rate_nl_h * self.share_percent // 100)

    def reading(self, span_ns: int = 0) -> Telemetry:
        """Return what the pump says now."""
        model = self.model
        self.sequence += 1
        status, flow_nl_h = model.status, model.flow_nl_h * 100 // self.share_percent
        if self.dead:
            status, flow_nl_h = PumpStatus.RUNNING, self._set_nl_h
        counted_nl = model.delivered_nl_ns_h // NS_PER_H + self._free_nl_ns_h // NS_PER_H + self.offset_nl
        if self.frozen:
            counted_nl = self._kept_nl
        self._kept_nl = counted_nl
        shown_nl = counted_nl - counted_nl % self.tick_nl
        left = model.to_be_infused_left_nl
        return Telemetry(
            PUMP,
            CHANNEL,
            self.sequence,
            self.model.now_ns,
            span_ns,
            Provenance.DEMO,
            status,
            status.value,
            Measured.valid(FlowRate(flow_nl_h)),
            Measured.valid(Volume(shown_nl % self.wraps_nl if self.wraps_nl else shown_nl)),
            Measured.valid(FlowRate(self._set_nl_h)),
            missing() if left is None else Measured.valid(Volume(left)),
        )

    def poll(self) -> frozenset[ConditionId]:
        """Let one interval pass, with its jitter, read the pump and return what is told."""
        return self.read_after(
            self.poll_ns + self.chance.randrange(-self.poll_ns // 5, self.poll_ns // 5 + 1)
        )

    def read_after(self, elapsed_ns: int) -> frozenset[ConditionId]:
        """Let time pass, read the pump and return what is told."""
        self._free_nl_ns_h += self.free_nl_h * elapsed_ns
        span_ns = self.chance.randrange(0, 100_000_000)
        self.model.advance(elapsed_ns)
        taken = self.reading(span_ns)
        self.account = advanced(self.account, taken, self.counter)
        if self.account is None:
            return frozenset()
        now = frozenset(d.condition for d in deviations(self.account, self.counter))
        for condition in now - self._standing:
            self.found.setdefault(condition, taken.taken_ns / NS_PER_S)
            self.episodes[condition] += 1
        self._standing = now
        return now

    def run(self, seconds: float) -> None:
        """Read the pump for so long."""
        until_ns = self.model.now_ns + round(seconds * NS_PER_S)
        while self.model.now_ns < until_ns:
            self.poll()

    def until(self, told: Callable[[frozenset[ConditionId]], bool], within_s: float) -> float | None:
        """Read until something is told; return after how many seconds, None when it is not within that."""
        begun_ns = self.model.now_ns
        while self.model.now_ns - begun_ns < within_s * NS_PER_S:
            if told(self.poll()):
                return (self.model.now_ns - begun_ns) / NS_PER_S
        return None


def live(bench: Bench, hours: float) -> None:
    """Let people do what they do: titrate, pause and go on, give boluses, reset the counter, stop and start.

    Also what lines do: skip readings now and then. The pump itself is sound throughout.
    """
    chance, model = bench.chance, bench.model
    base_nl_h = bench.rate_nl_h
    until_ns = model.now_ns + round(hours * NS_PER_H)
    model.press_start()
    while model.now_ns < until_ns:
        bench.run(chance.uniform(1, 600))
        match chance.randrange(9):
            case 0 | 1:
                step = base_nl_h // 10 or 1
                bench.set_rate(max(step, base_nl_h + step * chance.randrange(-5, 11)))
            case 2:
                model.pause()
                bench.run(chance.uniform(0.2, 300))
                model.press_start()
            case 3:
                model.give_bolus(chance.randrange(150_000, 400_000))
            case 4:
                model.press_stop()
                bench.run(chance.uniform(0.2, 30))
                model.reset_counter()
                bench.run(chance.uniform(0.2, 30))
                model.press_start()
            case 5:
                bench.read_after(chance.randrange(NS_PER_S, 90 * NS_PER_S))
            case 6:
                model.press_stop()
                bench.run(chance.uniform(0.2, 30))
                model.prime()
                bench.run(chance.uniform(0.2, 20))
                model.press_stop()
                model.press_start()
            case 7:
                model.programme(chance.choice([0, base_nl_h // 4, base_nl_h // 2]))
                if model.status is PumpStatus.KVO:
                    model.press_stop()
                    model.press_start()
            case _:
                pass


_PLAIN = Bench(1_000_000).reading()


def said(at_ns: int, counter_nl: int, rate_nl_h: int, **other: object) -> Telemetry:
    """Return what a running pump says that flows as it is set."""
    plain = replace(
        _PLAIN,
        taken_ns=at_ns,
        status=PumpStatus.RUNNING,
        flow=Measured.valid(FlowRate(rate_nl_h)),
        set_flow=Measured.valid(FlowRate(rate_nl_h)),
        volume=Measured.valid(Volume(counter_nl)),
        volume_to_be_infused=missing(),
    )
    return replace(plain, **other)  # type: ignore[arg-type]
