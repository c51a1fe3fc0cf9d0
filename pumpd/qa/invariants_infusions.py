"""The judge of infusions: what was begun stays, what was given stays, and it is where one pump carries it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter

from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.telemetry import PumpStatus
from pumpd.daemon.app import App
from pumpd.daemon.seams import LivePump
from pumpd.qa.broken import Broken
from pumpd.qa.happenings import SiteEvent
from pumpd.qa.hospital import Hospital
from pumpd.qa.record import Channel

INF = "INF-2"
UNDER_WAY_S = 3.0
"""What the pump says was asked for before; a reading is at most so old when it is credited."""
BASE_S = 15.0
"""A reading from which is counted is at most so old when an infusion begins."""
LABEL_GONE_WITHIN_S = 6.0
"""After its end, while daemon and broker are well."""
COUNTER_IS_OFF = frozenset(
    {"show", "swap", "reboot", "step-back", "reset-counter", "switch-off", "switch-on", "prime", "flush"}
)
"""After these what a pump counted and what it says of it are two things."""


@dataclass(slots=True)
class _Known:
    """One infusion as it was seen last."""

    seen_s: float
    channel: Channel
    """Which carried it last."""
    given_e6_p: int = 0
    version: int = 0
    observation_count: int = 0
    ended: bool = False
    moved: bool = False
    """Another pump than the first carried it."""
    based_s: float | None = None
    """When it was first seen to count from a reading."""


@dataclass(slots=True)
class _Boot:
    app: App | None = None
    owed: dict[str, _Known] = field(default_factory=dict)
    """What must be there once the pumps of this run are restored."""


class InfusionsJudge:
    """Follows every infusion from look to look, over pumps and restarts."""

    def __init__(self, hospital: Hospital, broken: Broken) -> None:
        self._hospital = hospital
        self._broken = broken
        self._boot = _Boot()
        self._known: dict[str, _Known] = {}
        self._forgotten = False
        """From then on infusions are seen that began before: nobody knows from where their pumps count."""
        self._disk_failed = False
        """In this run: what was accepted then may be lost, and who asked was told so."""
        self._delivered: dict[Channel, list[tuple[float, int]]] = {}
        self._label_since_s: float | None = None
        scenario = hospital.loaded.scenario
        self._has_infusions = any(event.action == "begin" for event in scenario.timeline)
        self._damaged = [
            ((str(event.pump), event.channel), event.at_s)
            for event in scenario.timeline
            if isinstance(event, SiteEvent) and event.action == "damage-record"
        ]
        """Channels whose record was lost on the disk, and when."""
        self._exact = {pump.id for pump in scenario.pumps} - {
            str(event.pump) for event in scenario.timeline if event.action in COUNTER_IS_OFF
        }
        self._tick_nl = {
            pump.id: max(
                (start.traits.made().counter_step_nl for start in pump.simulated.channels.values()), default=0
            )
            for pump in scenario.pumps
        }

    def look(self) -> None:
        """Check everything that must hold at this moment."""
        if not self._has_infusions:
            return
        hospital, now_s = self._hospital, self._hospital.now_s()
        hospital.beds.look(self._count)
        if hospital.journal_fault or hospital.commit_after_s:
            self._disk_failed = True
        app = hospital.begun
        if app is not self._boot.app:
            self._boot = _Boot(app, {} if self._disk_failed else dict(self._known))
            if self._disk_failed:
                self._forgotten = True
                self._known.clear()
            self._disk_failed = bool(hospital.journal_fault or hospital.commit_after_s)
        if app is None:
            return
        carried = [(live, live.state.watch) for live in app.ward.pumps.values()]
        present = [(live, watch) for live, watch in carried if watch is not None and not watch.left]
        self._still_there(present)
        for infusion, lives in _by_infusion(present).items():
            if len(lives) > 1:
                where = f"{infusion} on {', '.join(str(live.pump) for live in lives)}"
                self._broken.tell(INF, "two pumps carry the same infusion", where)
        for live, watch in present:
            self._follow(live, watch, now_s)
        self._labels(app, present, now_s)

    def _count(
        self, channel: Channel, _status: str, _flow_nl_h: int, given_nl: int, _patient_nl: int
    ) -> None:
        self._delivered.setdefault(channel, []).append((self._hospital.now_s(), given_nl))

    def _still_there(self, present: list[tuple[LivePump, InfusionWatch]]) -> None:
        """Check once in each run that nothing of what the run before had accepted is gone."""
        owed, self._boot.owed = self._boot.owed, {}
        now = {str(watch.infusion.id): watch for _, watch in present}
        for infusion, known in owed.items():
            watch = now.get(infusion)
            if watch is None:
                if not (known.ended or self._was_damaged(known)):
                    self._broken.tell(INF, "an infusion is gone after a restart", infusion)
            elif watch.infusion.ordered.number < known.version:
                self._broken.tell(INF, "a version of an order is gone after a restart", infusion)
            elif len(watch.infusion.observations) < known.observation_count:
                self._broken.tell(INF, "an observation is gone after a restart", infusion)
            elif known.ended and watch.ended_ns is None:
                self._broken.tell(INF, "an infusion that was ended goes on after a restart", infusion)

    def _was_damaged(self, known: _Known) -> bool:
        """Return whether the disk lost what was kept of it since it was begun: pumpd can only say so."""
        now_s = self._hospital.now_s()
        return any(
            channel == known.channel and known.seen_s <= at_s <= now_s for channel, at_s in self._damaged
        )

    def _follow(self, live: LivePump, watch: InfusionWatch, now_s: float) -> None:
        channel = str(live.pump), str(live.channel)
        known = self._known.setdefault(str(watch.infusion.id), _Known(now_s, channel, moved=self._forgotten))
        known.channel = channel
        known.version = watch.infusion.ordered.number
        known.observation_count = len(watch.infusion.observations)
        known.ended = watch.ended_ns is not None
        known.moved = known.moved or len({(c.pump, c.channel) for c in watch.infusion.carriers}) > 1
        last = live.state.last
        if last is None or watch.taken_ns != last.taken_ns:
            return  # what flowed while nobody watched is not credited before the next reading
        where = f"{live.pump}/{live.channel}, {watch.infusion.id}"
        if watch.given_e6_p < known.given_e6_p and last.status is not PumpStatus.PRIMING:
            said = f"{where}: {known.given_e6_p} and now {watch.given_e6_p} millionths of a picogram"
            self._broken.tell(INF, "what an infusion gave became less", said)
        known.given_e6_p = max(known.given_e6_p, watch.given_e6_p)
        if known.based_s is None:
            known.based_s = now_s
        # A counter that fits nothing is credited once the next reading confirms it.
        doubted = live.state.account is not None and live.state.account.doubt is not None
        if not (known.moved or doubted or watch.stood_since) and live.pump in self._exact:
            self._hold_against_the_pump(live, watch, known, where)

    def _hold_against_the_pump(self, live: LivePump, watch: InfusionWatch, known: _Known, where: str) -> None:
        """Check the account against what the simulated pump counted meanwhile."""
        assert watch.taken_ns is not None
        assert known.based_s is not None
        channel, taken_s = (str(live.pump), str(live.channel)), watch.taken_ns / 1e9
        slack_nl = 2 * self._tick_nl[channel[0]] + 2_000
        least_nl = self._at(channel, taken_s - UNDER_WAY_S) - self._at(channel, known.based_s)
        most_nl = self._at(channel, self._hospital.now_s()) - self._at(channel, known.seen_s - BASE_S)
        if watch.given_nl < least_nl - slack_nl:
            said = f"{where}: the pump counted {least_nl} nL, said are {watch.given_nl}"
            self._broken.tell(INF, "what a pump gave is not counted for the patient", said)
        if watch.given_nl > most_nl + slack_nl and not watch.at_most:
            said = f"{where}: the pump counted {most_nl} nL, said are {watch.given_nl}"
            self._broken.tell(INF, "more is counted for the patient than the pump gave", said)

    def _at(self, channel: Channel, at_s: float) -> int:
        """Return what the pump had counted by then."""
        seen = self._delivered[channel]
        after = bisect_right(seen, at_s, key=itemgetter(0))
        return seen[after - 1][1] if after else 0

    def _labels(self, app: App, present: list[tuple[LivePump, InfusionWatch]], now_s: float) -> None:
        """Check that no topic keeps the label of a patient whose infusions have ended."""
        broker = self._hospital.broker
        going = {watch.infusion.patient.label for _, watch in present if watch.goes_on}
        over = {
            w.infusion.patient.label for live in app.ward.pumps.values() if (w := live.state.watch)
        } - going
        well = broker.up and not broker.frozen and self._hospital.session_name in broker.sessions
        kept = any(f'"{label}"'.encode() in each for label in over for each in broker.retained.values())
        if not (well and kept) or self._hospital.journal_fault:
            self._label_since_s = None
            return
        self._label_since_s = now_s if self._label_since_s is None else self._label_since_s
        if now_s - self._label_since_s > LABEL_GONE_WITHIN_S:
            self._broken.tell(INF, "a label stays on a topic after the end", ", ".join(sorted(over)))


def _by_infusion(present: list[tuple[LivePump, InfusionWatch]]) -> dict[str, list[LivePump]]:
    found: dict[str, list[LivePump]] = {}
    for live, watch in present:
        found.setdefault(str(watch.infusion.id), []).append(live)
    return found
