"""The judge of what is shown of pumps: whose it is (invariant 2), how old (3), and real or simulated (5)."""

from __future__ import annotations

from typing import Any

from pumpd.contract.age import Transit
from pumpd.contract.payloads import EventPayload
from pumpd.core.alarms import AlarmSignal
from pumpd.core.conditions import AlarmPriority, ConditionId
from pumpd.core.freshness import Freshness
from pumpd.core.telemetry import ChannelId, Provenance, PumpId
from pumpd.daemon.seams import LivePump
from pumpd.qa.broken import Broken
from pumpd.qa.hospital import Hospital
from pumpd.qa.parsed import parsed
from pumpd.qa.record import Channel
from pumpd.qa.truth import Truth, claim_in, claim_of
from pumpd.store.base import HistoryRow

AT_ONCE_S = 0.002
"""Ages are told in whole milliseconds, and moments are cut to them."""
WATCHDOG_S = 1.2
"""The watchdog looks at a pump once a second."""
KNOWN_FOR_S = 15.0
"""How long after a pump was recognised something from before may still be on its way."""


class ValuesJudge:
    """Holds every reading, wherever it turns up, against what the pump held."""

    def __init__(self, hospital: Hospital, truth: Truth, broken: Broken) -> None:
        self._hospital = hospital
        self._truth = truth
        self._broken = broken
        self._transits: dict[str, Transit] = {}
        self._known_since_s: dict[tuple[str, Channel], float] = {}
        """Boot and channel -> when it was recognised."""
        self._let_out: set[str] = set()
        """Events that were let out as what they are: they may be sent again later."""
        self._real = {pump.id for pump in hospital.loaded.scenario.pumps if pump.real}

    def read(self, row: HistoryRow) -> None:
        """Take a reading as the daemon puts it into its history."""
        reading = row.telemetry
        channel = (str(reading.pump), str(reading.channel))
        whose = f"{channel[0]}/{channel[1]}, reading {reading.sequence}"
        if reading.provenance is not Provenance.DEMO:
            self._broken.tell("INV-5", "a simulated pump's reading is kept as real", whose)
        taken_s, now_s = reading.taken_ns / 1e9, self._hospital.now_s()
        held = self._truth.last_held(channel, claim_of(reading), taken_s - AT_ONCE_S, now_s)
        if held is None:
            self._broken.tell("INV-2", "a reading says what that pump did not hold when asked", whose)
            return
        live = self._live(channel)
        if live is None:
            return
        known = "" if live.identity is None else live.identity.serial_number
        if known and held.serial_number != known:  # some pumps tell no serial number
            said = f"{whose}: {held.serial_number} answered, {known} is shown"
            self._broken.tell("INV-2", "another pump's reading is shown under this one", said)
        self._known_since_s.setdefault((self._boot, channel), now_s)

    def told(self, event: EventPayload) -> None:
        """Take an event as the daemon lets it out, and as it reaches the broker."""
        if event.pump is None or (event.provenance == "real" and event.id in self._let_out):
            return
        self._provenance((event.pump, event.channel or "1"), event.provenance, event.boot_id, event.id)
        self._let_out.add(event.id)

    def heard(self, topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001 - as Heard
        """Take a message that reached the broker."""
        if topic.endswith("/telemetry"):
            self._telemetry(parsed(payload))
        elif topic.endswith("/snapshot") and payload:
            self._snapshot(parsed(payload))
        elif topic.endswith("/event"):
            self.told(EventPayload.model_validate_json(payload))
        elif "/alarm/" in topic and payload:
            alarm = parsed(payload)
            channel = (alarm["pump"], alarm["channel"])
            self._provenance(channel, alarm["provenance"], self._boot, f"alarm {topic}")

    def look(self) -> None:
        """Check what the daemon holds to be fresh, and that a silent pump is an alarm."""
        app, now_s = self._hospital.app, self._hospital.now_s()
        for live in () if app is None else app.ward.pumps.values():
            last = live.state.last
            # What is younger than this can be neither: most pumps at most moments.
            if last is None or now_s - last.taken_ns / 1e9 > WATCHDOG_S:
                self._look_at(live, now_s)

    def _look_at(self, live: LivePump, now_s: float) -> None:
        state = live.state
        limits = state.setup.freshness
        stale_s, lost_s = limits.stale_after_ns / 1e9, limits.lost_after_ns / 1e9
        last_s = (state.started_ns if state.last is None else state.last.taken_ns) / 1e9
        whose = f"{live.pump}/{live.channel}: its last reading is {now_s - last_s:.1f} s old"
        if state.freshness is Freshness.FRESH and (
            state.last is None or now_s - last_s > stale_s + WATCHDOG_S
        ):
            self._broken.tell("INV-3", "an old reading is held to be fresh", whose)
        if now_s - last_s <= lost_s + WATCHDOG_S:
            return
        if ConditionId.OFF_LINE in state.alarms:
            return  # a person said so, and it stands on the page
        alarm = state.alarms.get(ConditionId.LINK_LOST)
        if alarm is None or alarm.signal is AlarmSignal.LATCHED:
            self._broken.tell("INV-3", "a silent pump is no alarm", whose)
        elif (
            state.last is not None and state.last.status.delivers and alarm.priority is not AlarmPriority.HIGH
        ):
            self._broken.tell("INV-3", "a silent pump that infuses is not a HIGH alarm", whose)

    def _telemetry(self, payload: dict[str, Any]) -> None:
        boot, sent_ms = payload["boot_id"], payload["sent_ms"]
        now_ms = round(self._hospital.now_s() * 1000)
        transit = self._transits.setdefault(boot, Transit())
        transit.observe(sent_ms, now_ms)
        for part in payload["readings"]:
            shown_ms = transit.age_ms(part["age_ms"], sent_ms, now_ms)
            held_s = self._reading(part, sent_ms / 1000)
            if held_s is not None and now_ms / 1000 - held_s > shown_ms / 1000 + 2 * AT_ONCE_S:
                whose = f"{part['pump']}/{part['channel']}, reading {part['seq']}, shown {shown_ms} ms old"
                self._broken.tell("INV-3", "a page shows a reading as younger than it is", whose)

    def _snapshot(self, payload: dict[str, Any]) -> None:
        part, sent_s = payload["reading"], payload["sent_ms"] / 1000
        channel = (payload["pump"], payload["channel"])
        whose = f"snapshot of {channel[0]}/{channel[1]}"
        if payload["serial_number"].startswith("SIM-") and payload["provenance"] != "demo":
            self._broken.tell("INV-5", "a simulated pump is said to be real", whose)
        self._provenance(channel, payload["provenance"], payload["boot_id"], whose)
        held_s = None if part is None else self._reading(part, sent_s)
        if payload["freshness"] != "fresh":
            return
        if held_s is None or sent_s - held_s > payload["stale_after_ms"] / 1000 + WATCHDOG_S:
            self._broken.tell("INV-3", "an old reading is published as fresh", whose)

    def _reading(self, part: dict[str, Any], sent_s: float) -> float | None:
        """Return when the pump last held what a payload says of it; None when it never did."""
        channel = (part["pump"], part["channel"])
        whose = f"{channel[0]}/{channel[1]}, reading {part['seq']}, said to be {part['age_ms']} ms old"
        if part["provenance"] != "demo":
            self._broken.tell("INV-5", "a simulated pump's reading is published as real", whose)
        held = self._truth.last_held(channel, claim_in(part), 0.0, sent_s + AT_ONCE_S)
        if held is None:
            self._broken.tell("INV-2", "what is published that pump never held", whose)
            return None
        if sent_s - held.at_s > part["age_ms"] / 1000 + AT_ONCE_S:
            self._broken.tell("INV-3", "a reading is published as younger than it is", whose)
        return held.at_s

    def _provenance(self, channel: Channel, said: str | None, boot: str, where: str) -> None:
        """Check what is said of a pump: until it has answered, the configuration may call it real."""
        if said == "demo":
            return
        known_s = self._known_since_s.get((boot, channel))
        known = known_s is not None and self._hospital.now_s() - known_s > KNOWN_FOR_S
        if said is None or channel[0] not in self._real or known:
            self._broken.tell("INV-5", "what is told of a simulated pump does not say so", where)

    @property
    def _boot(self) -> str:
        return "" if self._hospital.app is None else self._hospital.app.ward.boot_id

    def _live(self, channel: Channel) -> LivePump | None:
        app = self._hospital.app
        return None if app is None else app.ward.pumps.get((PumpId(channel[0]), ChannelId(channel[1])))
