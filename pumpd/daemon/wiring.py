"""From a configuration to the parts of a daemon: plans, drivers, lines, stores."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType

import structlog

from pumpd.channels.base import Channel
from pumpd.clock import Clock
from pumpd.config import Config
from pumpd.config_models import PumpSection
from pumpd.config_reach import reach_s
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.quantities import NS_PER_S
from pumpd.core.site import SiteState
from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.daemon.contacts import ways_of
from pumpd.daemon.escalator import Calls
from pumpd.daemon.node_watch import Machine
from pumpd.daemon.parts import Parts, Watched
from pumpd.daemon.plan import GOLDEN, PumpPlan
from pumpd.daemon.recorder import Recorder
from pumpd.daemon.seams import ConnectPublisher, LivePump, Place, Ward
from pumpd.daemon.settings import Settings
from pumpd.drivers.registry import DriverSpec, find
from pumpd.store.base import Journal, TelemetryWriter
from pumpd.transports.base import Transport
from pumpd.transports.bus import Bus, bus_for
from pumpd.transports.url import PumpUrl, parse_url

MISSED_POLLS = 3
"""A reading is stale when three polls brought none (reference: LINK_LOST after 3 missed polls)."""

LOST_AFTER_STALE_NS = 2 * NS_PER_S
"""From stale to lost, or two polls if that is longer: 1 s polls are lost after 5 s (reference: > 5 s old)."""

_PROVEN: Mapping[str, frozenset[Provenance]] = {
    "none": frozenset(),
    "simulator": frozenset({Provenance.DEMO}),
    "hardware": frozenset({Provenance.DEMO, Provenance.REAL}),
}

_log = structlog.get_logger("pumpd.wiring")


@dataclass(frozen=True, slots=True)
class _Pump:
    section: PumpSection
    url: PumpUrl
    spec: DriverSpec


def parts_of(
    config: Config,
    *,
    clock: Clock,
    open_journal: Callable[[], Journal],
    history: TelemetryWriter,
    connect_publisher: ConnectPublisher,
    seeded: random.Random,
    transport_for: Callable[[PumpUrl], Transport | None] = lambda _url: None,
    syslog: Callable[[str], None] = lambda _text: None,
    recorder: Recorder | None = None,
    machine: Machine | None = None,
    channels: Mapping[str, Channel] = MappingProxyType({}),
    settings: Settings | None = None,
) -> Parts:
    """Return what a daemon is made of; ``transport_for`` may put another wire in a line's place."""
    pumps = [_Pump(s, parse_url(s.url), find(s.driver).watching(s.channels)) for s in config.pumps]
    lines: dict[str, list[_Pump]] = defaultdict(list)
    for pump in sorted(pumps, key=lambda p: (p.url.line, p.section.id)):
        lines[pump.url.line].append(pump)
    buses: list[Bus] = []
    watched: list[Watched] = []
    for members in lines.values():
        url = members[0].url
        transport, chances = transport_for(url), [seeded] * (1 + len(members))
        if recorder is not None:
            tape = recorder.line([pump.section for pump in members])
            transport = recorder.transport(tape, transport or url.transport())
            chances = [recorder.chance(tape, seeded, who) for who in range(1 + len(members))]
        bus = bus_for(
            url,
            latency_ms=config.lines.latency_ms,
            seeded=chances[0],
            on_blocked=_told(url.line),
            dialect=members[0].spec.dialect,
            transport=transport,
        )
        buses.append(bus)
        reached = [(pump.url, pump.spec) for pump in members]
        reach_ns, slow_ns = (
            round(reach_s(reached, config.lines.latency_ms, slow=slow) * NS_PER_S) for slow in (False, True)
        )
        for pump, chance in zip(members, chances[1:], strict=True):
            watched.append(_watched(config, pump, bus, chance, (reach_ns, slow_ns), len(watched)))
            if recorder is not None:
                recorder.watched(watched[-1].plan)
    return Parts(
        ward=lambda lives: ward_of(config, clock, lives),
        watched=watched,
        lines=buses,
        open_journal=open_journal,
        history=history,
        connect_publisher=connect_publisher,
        clock=clock,
        random=seeded,
        syslog=syslog,
        recorder=recorder,
        machine=machine,
        settings=settings,
        least_free_bytes=config.machine.least_free_mib * 2**20,
        calls=Calls(
            channels,
            config.alarms.escalation.flood_over,
            config.alarms.escalation.show_label,
            ways_of(config),
        ),
    )


def _watched(
    config: Config, pump: _Pump, bus: Bus, chance: random.Random, reach_ns: tuple[int, int], position: int
) -> Watched:
    section, spec = pump.section, pump.spec
    unit = spec.address(pump.url.unit)
    card = spec.card
    programme = None if section.programme is None else section.programme.programme()
    entry = None
    if programme is not None:
        entry = config.library.lookup(
            programme.drug, programme.concentration, programme.care_area, programme.form, programme.indication
        )
    plan = PumpPlan(
        pump=PumpId(section.id),
        channels=spec.channels,
        place=Place(
            section.bed,
            section.ward,
            section.label,
            section.driver,
            card.verified,
            section.url,
            card.unverified,
            card.human_use,
        ),
        real=section.real,
        model=card.model if card.capabilities["identity"].state == "done" else "",
        serial_number=section.serial_number,
        poll_interval_ns=round(section.poll_interval_s * NS_PER_S),
        phase=position * GOLDEN % 1,
        freshness=_freshness(section, reach_ns[0], card.silent_s * NS_PER_S),
        freshness_slow=_freshness(section, reach_ns[1], card.silent_s * NS_PER_S),
        slow_from_ns=max(round(section.poll_interval_s * NS_PER_S), reach_ns[0]),
        programme=programme,
        entry=entry,
        flow_step=spec.flow_step,
        counter_step=spec.counter_step,
        line=section.line(),
        ceiling=section.ceiling,
        enforcement=section.enforcement,
        signed_for=config.library.signed_for,
        pause_proven_on=_PROVEN[card.pause_proven_on] if spec.pausable else frozenset(),
        lower_proven_on=_PROVEN[card.lower_proven_on] if spec.lowerable else frozenset(),
        inactivation=config.alarms.inactivation(),
        escalation=config.alarms.escalation.plan(),
        trials=tuple(trial for trial in config.trials if trial.driver == spec.name) if spec.pausable else (),
        fleet=config.fleet,
    )
    talk = bus.conversation(
        unit,
        card.reply_time_ms,
        spec.controls,
        slow_reply_ms=card.slow_reply_ms,
        interval_s=section.poll_interval_s,
        n_questions=spec.n_questions,
    )
    return Watched(plan, spec.build(unit), bus, talk, chance)


def _freshness(section: PumpSection, reach_ns: int, silent_ns: int) -> FreshnessLimits:
    """Return when readings are stale and lost; the defaults follow what the line and the make can reach."""
    every_ns = max(round(section.poll_interval_s * NS_PER_S), reach_ns)
    stale_ns = MISSED_POLLS * every_ns + silent_ns
    if section.stale_after_s is not None:
        stale_ns = round(section.stale_after_s * NS_PER_S)
    return FreshnessLimits(stale_ns, stale_ns + max(LOST_AFTER_STALE_NS, 2 * every_ns))


def ward_of(config: Config, clock: Clock, lives: Mapping[tuple[PumpId, ChannelId], LivePump]) -> Ward:
    """Return the live state of a node with these channels."""
    return Ward(
        site=config.site,
        node=config.node,
        boot_id=clock.boot_id,
        version=version("pumpd"),
        config_sha256=config.sha256,
        library=config.library,
        pumps=lives,
        contacts=[contact.name for contact in config.alarms.contacts],
        site_state=SiteState(
            inactivation=config.alarms.inactivation(), escalation=config.alarms.escalation.plan()
        ),
    )


def _told(line: str) -> Callable[[int | None, bytes, str], None]:
    def blocked(unit: int | None, frame: bytes, reason: str) -> None:
        _log.error("outgoing frame held back", line=line, unit=unit, frame=frame.hex(" "), reason=reason)

    return blocked
