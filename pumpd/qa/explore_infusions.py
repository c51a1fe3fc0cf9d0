"""People who begin, change, look at, move and end infusions in random hospitals; from a source of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from pumpd.qa.explore_pumps import Bed

TIGHTER = "drug-library-tighter.yaml"
"""Beside the demo's drug library."""
_NURSES = ("A. Nurse", "B. Keller")
_PATIENTS = (("B.K.", "1234"), ("X.Y.", "9999"))
_DOSES = ("0.1", "0.2", "0.3", "0.5")
QUESTIONS = (
    *("Uncontrolled high blood pressure, or heart disease?", "Fast heart rate now?", "Seizures in the past?"),
    *("Pregnant?", "Psychosis, now or in the past?", "Takes theophylline or aminophylline?"),
    *("Severe liver disease?", "Raised pressure in head or eye?", "Alcohol or drugs of abuse, now?"),
)
"""The checklist of the demo's drug library."""
_SOFT = ("over-soft", "total-dose-soft", "under-soft")


def infusing(seed: int, beds: Sequence[Bed], ends_s: float) -> Iterator[dict[str, Any]]:
    """Yield the events of the hospital of ``seed``; the rest of it is drawn as if there were none."""
    chance = random.Random(f"infusions {seed}")  # noqa: S311 - a hospital is to be repeated, not secret
    for _ in range(chance.choice((0, 1, 1, 2))):
        yield from _Course(chance, beds, ends_s).events()


def replacing(seed: int, beds: Sequence[Bed], ends_s: float) -> Iterator[dict[str, Any]]:
    """Yield that a tighter library comes, in some hospitals, and that somebody takes it over."""
    chance = random.Random(f"libraries {seed}")  # noqa: S311 - a hospital is to be repeated, not secret
    if chance.random() < 0.1:
        at_s = round(chance.uniform(4.0, ends_s * 0.7), 1)
        yield {"at_s": at_s, "action": "replace-library", "library": TIGHTER}
        yield {"at_s": at_s, "action": chance.choice(("restart-daemon", "kill-daemon"))}
        yield {"at_s": round(at_s + 1.0, 1), "action": "start-daemon"}
        named = {"reason": "pharmacy", "checked_by": "C. Second", "accepted": "pain"}
        for bed in beds:
            yield {
                "at_s": round(chance.uniform(at_s, ends_s), 1),
                "action": "change",
                "pump": bed.pump,
                "by": chance.choice(_NURSES),
                "typed": {"library_sha256": "shown", **named},
            }


class _Course:
    """One infusion, from its beginning on, perhaps to its end."""

    def __init__(self, chance: random.Random, beds: Sequence[Bed], ends_s: float) -> None:
        self._chance = chance
        self._beds = beds
        self._ends_s = ends_s
        self._pump = chance.choice(beds).pump
        self._at_s = chance.uniform(3.0, ends_s * 0.4)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what is asked of it, in order."""
        chance = self._chance
        yield self._event("begin", self._begun())
        parts = (
            (4, self._titrate),
            (3, self._order),
            (4, self._look),
            (4, self._swap),
            (2, self._transfer),
            (3, self._end),
            (1, self._accept),
        )
        weights = [weight for weight, _ in parts]
        for _ in range(chance.choice((0, 1, 2, 3, 5))):
            self._at_s += chance.choice((0.2, 1.0, 3.0, chance.uniform(3.0, 25.0)))
            if self._at_s >= self._ends_s:
                return
            yield from chance.choices(parts, weights=weights)[0][1]()

    def _event(self, action: str, typed: dict[str, Any]) -> dict[str, Any]:
        return {
            "at_s": round(self._at_s, 1),
            "action": action,
            "pump": self._pump,
            "by": self._chance.choice(_NURSES),
            "typed": typed,
        }

    def _begun(self) -> dict[str, Any]:
        chance = self._chance
        label, identifier = chance.choice(_PATIENTS)
        order = self._ordered()
        typed: dict[str, Any] = {"label": label, "identifier": identifier, "order": order}
        if chance.random() < 0.9:
            typed["checked_by"] = "C. Second"
        if chance.random() < 0.7:
            typed["answers"] = [{"ask": ask, "yes": False} for ask in QUESTIONS]
        if chance.random() < 0.2:
            typed["new_series"] = True
        return typed

    def _ordered(self) -> dict[str, Any]:
        chance = self._chance
        dose = chance.choice(_DOSES)
        order: dict[str, Any] = {
            "drug": "ketamine",
            "concentration": "2 mg/mL",
            "care_area": "pain-clinic",
            "weight_kg": "70",
            "dose": dose,
            "dose_min": "0.1",
            "dose_max": chance.choice((dose, "0.5", "0.5", "0.9")),
            "dose_unit": "mg/kg/h",
            "duration_min": 120,
        }
        if chance.random() < 0.6:
            order["volume_ml"] = "35"
        return order

    def _titrate(self) -> Iterator[dict[str, Any]]:
        yield self._event("change", {"dose": self._chance.choice(_DOSES)})

    def _order(self) -> Iterator[dict[str, Any]]:
        order = self._ordered()
        yield self._event("change", {"order": order, "reason": "pain", "checked_by": "C. Second"})

    def _look(self) -> Iterator[dict[str, Any]]:
        yield self._event("observe", {"pain": self._chance.randrange(11)})

    def _swap(self) -> Iterator[dict[str, Any]]:
        to = self._chance.choice(self._beds).pump
        yield self._event("swap-infusion", {"to_pump": to, "to_channel": "1", "reason": "pump fault"})
        self._pump = to

    def _transfer(self) -> Iterator[dict[str, Any]]:
        bed = self._chance.choice(("1", "2", "window"))
        yield self._event("transfer", {"bed": bed, "reason": "a quieter room"})

    def _end(self) -> Iterator[dict[str, Any]]:
        yield self._event("end", {"reason": "pain eased", "witness": "C. Second"})
        if self._chance.random() < 0.3:
            self._at_s += 2.0
            yield self._event("begin", self._begun())

    def _accept(self) -> Iterator[dict[str, Any]]:
        alarm, by = self._chance.choice(_SOFT), self._chance.choice(_NURSES)
        at_s = round(self._at_s, 1)
        yield {"at_s": at_s, "action": "accept", "pump": self._pump, "alarm": alarm, "by": by}
