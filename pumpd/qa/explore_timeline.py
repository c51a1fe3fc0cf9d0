"""Draws what happens in an explored hospital: hands at pumps, faults, outages, people at a screen.

What is drawn stays within what the invariants are claimed for. On a line whose replies do not name their
question, a reply comes at most three time-outs late: delays there are short, and one at a time. Where replies
carry no checksum none is damaged, and cut ones or noise come with nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from pumpd.qa.explore_pumps import ORDERED_ML_H, Bed

Event = dict[str, Any]

RTU_DELAYS_MS = (20, 60, 100, 150)
"""Reply time on the card and latency are 70 ms together, so a reply may come 280 ms after its question."""
TCP_DELAYS_MS = (30, 90, 200, 700, 2500)
LATE = frozenset({"delay", "duplicate"})
BROKEN_BYTES = frozenset({"truncate", "garbage"})
TOO_FAST_ML_H = (36.0, 42.0, 61.0, 105.0, 175.0)
"""Above the hard maximum of 1 mg/kg/h, which is 35 mL/h; the last ones above the ceiling as well."""
NURSES = ("B. Keller", "M. Frei", "S. Okafor")
_ACKNOWLEDGED = (
    *("link-lost", "over-hard", "restrained", "flow-ceiling", "occlusion", "empty", "air", "pump-fault"),
    *("no-programme", "library-missing", "over-soft", "battery-depleted", "wrong-device"),
)
TIME_SERVER_GONE_S = 20.0
"""Shorter than any hospital that is drawn."""


class TimelineMaker:
    """Draws one timeline."""

    def __init__(self, chance: random.Random, beds: list[Bed], duration_s: float) -> None:
        self._chance = chance
        self._beds = beds
        self._ends_s = duration_s
        self._faults: dict[str, list[tuple[str, float, float]]] = {}
        self._names = 0
        self.events: list[Event] = []

    def draw(self) -> list[Event]:
        """Return the timeline, in order."""
        chance = self._chance
        parts: list[tuple[int, Callable[[float, Bed], None]]] = [
            (22, self._hand),
            (8, self._world),
            (16, self._fault),
            (10, self._too_fast),
            (5, self._pause_in_trouble),
            (6, self._silence),
            (6, self._pump_alarm),
            (3, self._shows_nonsense),
            (5, self._cable),
            (4, self._another_pump),
            (8, self._broker),
            (6, self._journal),
            (3, self._history),
            (8, self._daemon),
            (3, self._clock),
            (3, self._network),
            (6, self._person),
        ]
        weights = [weight for weight, _ in parts]
        for _ in range(chance.choices((2, 4, 6, 9, 13), weights=(15, 30, 30, 15, 10))[0]):
            happen = chance.choices(parts, weights=weights)[0][1]
            happen(self._moment(), chance.choice(self._beds))
        return sorted(self.events, key=lambda event: float(event["at_s"]))

    def _moment(self) -> float:
        return self._chance.uniform(2.0, self._ends_s - 5.0)

    def _add(self, at_s: float, action: str, pump: str | None = None, **keys: Any) -> None:
        if at_s <= self._ends_s:
            event: Event = {"at_s": round(at_s, 1)}
            self.events.append(event | ({} if pump is None else {"pump": pump}) | {"action": action} | keys)

    def _later(self, at_s: float, longest_s: float = 40.0) -> float:
        return at_s + self._chance.choice((0.1, 0.5, 2.0, 5.0, self._chance.uniform(5.0, longest_s)))

    # --- at the pump ----------------------------------------------------------------------------------

    def _hand(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        plain = [
            "start",
            "stop",
            "clear",
            "standby",
            "prime",
            "flush",
            "reset-counter",
            "switch-off",
            "switch-on",
        ]
        if not bed.syringe:
            plain += ["open-door", "close-door"]
        kind = chance.random()
        if kind < 0.5:
            self._add(at_s, chance.choice(plain), bed.pump)
        elif kind < 0.75:
            self._add(at_s, "set-rate", bed.pump, rate=f"{chance.choice((*ORDERED_ML_H, 0, 1, 21))} mL/h")
        elif kind < 0.85:
            self._add(at_s, "bolus", bed.pump, volume=f"{chance.choice((0.1, 0.5, 2))} mL")
        elif kind < 0.9:
            self._add(at_s, "square-bolus", bed.pump, volume="0.2 mL", over_s=chance.choice((10, 60)))
        elif kind < 0.95:
            self._add(at_s, "programme", bed.pump, volume=f"{chance.choice((0.1, 1, 5))} mL")
        else:
            self._add(at_s, "change-reservoir", bed.pump, volume="20 mL")
        if chance.random() < 0.4:
            self._add(self._later(at_s), "start", bed.pump)

    def _world(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        pairs = [("block", "unblock"), ("disconnect", "connect"), ("mains-off", "mains-on")]
        pairs += [("lock", "unlock")]
        if not bed.syringe:
            pairs.append(("block-inlet", "unblock-inlet"))
        kind = chance.random()
        if kind < 0.7:
            first, second = chance.choice(pairs)
            self._add(at_s, first, bed.pump)
            self._add(self._later(at_s), second, bed.pump)
        elif kind < 0.8:
            self._add(at_s, "air", bed.pump, volume="0.2 mL")
        elif kind < 0.9:
            self._add(at_s, "free-flow", bed.pump, rate="300 mL/h")
            self._add(self._later(at_s), "end-free-flow", bed.pump)
        elif kind < 0.95:
            self._add(at_s, "step-back", bed.pump, volume="0.1 mL")
        else:
            self._add(at_s, "fail-self-test", bed.pump)
            self._add(self._later(at_s), "switch-off", bed.pump)
            self._add(self._later(at_s), "switch-on", bed.pump)

    def _pump_alarm(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        if chance.random() < 0.8:
            alarm = chance.choice(("fault", "occlusion", "battery-low", "near-end", "empty"))
            self._add(at_s, "alarm", bed.pump, alarm=alarm)
        else:
            self._add(at_s, "unnamed-alarm", bed.pump, bit=chance.choice((3, 16, 31)))
        self._acknowledgements(at_s + 2, bed.pump)
        if chance.random() < 0.5:
            self._add(self._later(at_s), "clear", bed.pump)

    def _shows_nonsense(self, at_s: float, bed: Bed) -> None:
        path, words = self._chance.choice(
            (("status", [77]), ("flow", [2, 0]), ("volume", [0xFFFF, 0xFFFF]), ("battery", [101]))
        )
        self._add(at_s, "show", bed.pump, path=f"channels.1.{path}", words=words)
        self._add(self._later(at_s), "show-again", bed.pump, path=f"channels.1.{path}")

    def _too_fast(self, at_s: float, bed: Bed) -> None:
        """Let somebody set a rate above the limit; perhaps it is seen, and perhaps it gets worse."""
        chance = self._chance
        self._add(at_s, "set-rate", bed.pump, rate=f"{chance.choice(TOO_FAST_ML_H)} mL/h")
        self._acknowledgements(at_s + chance.choice((1.5, 3.0, 6.0)), bed.pump, "over-hard")
        for _ in range(chance.choice((0, 1, 2))):
            at_s = self._later(at_s)
            self._add(at_s, "set-rate", bed.pump, rate=f"{chance.choice(TOO_FAST_ML_H)} mL/h")
            self._add(at_s + 0.2, "start", bed.pump)
            self._acknowledgements(at_s + chance.choice((0.5, 3.0)), bed.pump, "over-hard")

    # --- on the wire ----------------------------------------------------------------------------------

    def _fault(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        kinds = ["silence", "delay", "duplicate", "exception", "foreign", "garbage", "truncate"]
        kind = chance.choice([*kinds, "damage"] if bed.rtu else kinds)
        self._wire(at_s, bed, kind, chance.choice((1.0, 4.0, 12.0, 30.0)))
        if chance.random() < 0.1:
            self._add(self._later(at_s), "end-faults", bed.pump)

    def _pause_in_trouble(self, at_s: float, bed: Bed) -> None:
        """Let a pump be too fast just when its replies come late or cut: it stops, and nobody hears so."""
        chance = self._chance
        self._add(at_s, "set-rate", bed.pump, rate=f"{chance.choice(TOO_FAST_ML_H)} mL/h")
        kind = chance.choice(("delay", "truncate", "damage" if bed.rtu else "truncate"))
        self._wire(at_s + chance.uniform(0.0, 2.0), bed, kind, chance.choice((4.0, 12.0)))

    def _wire(self, at_s: float, bed: Bed, kind: str, for_s: float) -> bool:
        """Add a fault of the wire, unless what it would do together with others is not claimed."""
        chance, others = self._chance, self._faults.setdefault(bed.line, [])
        together = {k for k, begins_s, ends_s in others if begins_s < at_s + for_s + 1 and at_s < ends_s + 1}
        if kind in LATE and together & LATE and bed.rtu:
            return False
        if not bed.rtu and together and (together | {kind}) & BROKEN_BYTES:
            return False
        others.append((kind, at_s, at_s + for_s))
        keys: Event = {"kind": kind, "for_s": for_s}
        if kind in LATE:
            keys["delay_ms"] = chance.choice(RTU_DELAYS_MS if bed.rtu else TCP_DELAYS_MS)
        if kind == "exception":
            keys["exception_code"] = chance.choice((2, 4, 6))
        if chance.random() < 0.6:
            keys["share"] = chance.choice((0.1, 0.3, 0.7))
        if chance.random() < 0.3:
            keys["whole_line"] = True
        self._add(at_s, "fault", bed.pump, **keys)
        return True

    def _silence(self, at_s: float, bed: Bed) -> None:
        """Let a pump say nothing until it is stale, then lost; somebody may have it meanwhile."""
        self._wire(at_s, bed, "silence", self._chance.choice((6.0, 15.0, 40.0)))
        for after_s in (4.0, 6.0, 9.0, 13.0):
            self._acknowledgements(at_s + after_s, bed.pump, "link-lost")

    def _cable(self, at_s: float, bed: Bed) -> None:
        self._add(at_s, "unplug", bed.pump)
        self._add(self._later(at_s), "plug", bed.pump)

    def _another_pump(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        if chance.random() < 0.5:
            self._add(at_s, "reboot", bed.pump, for_s=chance.choice((1.0, 5.0, 20.0)))
            self._add(self._later(at_s + 20), "start", bed.pump)
        else:
            self._add(at_s, "swap", bed.pump, serial_number="SIM-9001")
            self._add(self._later(at_s), "set-rate", bed.pump, rate=f"{chance.choice(ORDERED_ML_H)} mL/h")
            self._add(self._later(at_s) + 0.2, "start", bed.pump)

    # --- around the daemon ----------------------------------------------------------------------------

    def _broker(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        first, second = chance.choice((("broker-down", "broker-up"), ("broker-freeze", "broker-thaw")))
        if chance.random() < 0.25:
            self._add(at_s, "broker-empty")
        else:
            self._add(at_s, first)
            self._add(self._later(at_s), second)
        if chance.random() < 0.5:
            self._too_fast(at_s + chance.uniform(-3.0, 3.0), bed)

    def _journal(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        if chance.random() < 0.5:
            self._add(at_s, "journal-fail")
        else:
            self._add(at_s, "journal-slow", commit_after_s=chance.choice((0.3, 0.9, 3.0, 12.0)))
        self._add(self._later(at_s), "journal-well")
        if chance.random() < 0.7:
            self._too_fast(max(0.5, at_s + chance.uniform(-2.0, 4.0)), bed)
        self._acknowledgements(at_s + 3, None, "journal-late")

    def _history(self, at_s: float, _: Bed) -> None:
        later_s = self._later(at_s)
        for action in ("history-fail", "fill-disk"):
            self._add(at_s, action)
        for action in ("history-well", "empty-disk"):
            self._add(later_s, action)

    def _daemon(self, at_s: float, bed: Bed) -> None:
        chance = self._chance
        if chance.random() < 0.6:
            self._too_fast(max(0.5, at_s - chance.choice((0.3, 1.0, 1.2, 3.0, 10.0))), bed)
        if chance.random() < 0.3:
            self._add(at_s, "restart-daemon")
        else:
            self._add(at_s, "kill-daemon")
            self._add(self._later(at_s), "start-daemon")

    def _clock(self, at_s: float, _: Bed) -> None:
        self._add(at_s, "step-clock", step_s=self._chance.choice((-3600, -5, 5, 700, 86_400)))
        self._add(at_s, "lose-time-server")
        self._add(at_s + TIME_SERVER_GONE_S, "find-time-server")

    def _network(self, at_s: float, _: Bed) -> None:
        self._add(at_s, "network-down")
        self._add(self._later(at_s), "network-up")

    # --- people ---------------------------------------------------------------------------------------

    def _person(self, at_s: float, bed: Bed) -> None:
        if self._chance.random() < 0.5:
            nurse = self._chance.choice(NURSES)
            self._add(at_s, "pause-pump", bed.pump, by=nurse)
            self._add(at_s + 2, "off-line", bed.pump, by=nurse, for_s=20.0)
        else:
            self._acknowledgements(at_s, bed.pump)

    def _acknowledgements(self, at_s: float, pump: str | None, alarm: str = "") -> None:
        chance = self._chance
        for _ in range(chance.choice((0, 1, 1, 2))):
            keys: Event = {"alarm": alarm or chance.choice(_ACKNOWLEDGED), "by": chance.choice(NURSES)}
            if chance.random() < 0.25:
                keys["revisions_ago"] = chance.choice((1, 2))
            self._add(at_s, "acknowledge", pump, **keys)
            at_s = self._later(at_s)
