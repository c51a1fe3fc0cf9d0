"""Holds a hospital in virtual time to the five invariants, at every message, reading and step."""

from __future__ import annotations

from pumpd.qa.beds import fleet_of
from pumpd.qa.broken import Broken
from pumpd.qa.hospital import Hospital
from pumpd.qa.invariants_alarms import AlarmsJudge
from pumpd.qa.invariants_infusions import InfusionsJudge
from pumpd.qa.invariants_values import ValuesJudge
from pumpd.qa.truth import Truth


class Invariants:
    """Judges one hospital from its beginning to its end.

    The simulator is the judge of the first two: it knows what every answer held, and what every frame did
    (see ``frames``).
    """

    def __init__(self, hospital: Hospital) -> None:
        """Make it; ``begin`` once the pumps are there."""
        self._hospital = hospital
        self._broken = Broken(hospital.now_s)
        scenario = hospital.loaded.scenario
        fleet = fleet_of(scenario.pumps) if scenario.fleet else None
        self._truth = Truth({pump.id: pump.driver for pump in scenario.pumps}, fleet)
        self._values = ValuesJudge(hospital, self._truth, self._broken)
        self._alarms = AlarmsJudge(hospital, self._broken)
        self._infusions = InfusionsJudge(hospital, self._broken)

    def begin(self) -> None:
        """Listen at every line, at the history, at the daemon's mouth and at the broker."""
        hospital = self._hospital
        for served in hospital.beds.lines.values():
            served.line.on_answer = lambda pump: self._truth.answered(pump, hospital.now_s())
        hospital.history.heard.append(self._values.read)
        hospital.history.heard.append(self._alarms.read)
        hospital.told.append(self._alarms.told)
        hospital.told.append(self._values.told)
        hospital.broker.heard.append(self._values.heard)
        hospital.broker.heard.append(self._alarms.heard)

    def look(self) -> None:
        """Check everything that must hold at this moment."""
        self._values.look()
        self._alarms.look()
        self._infusions.look()

    def end(self) -> list[str]:
        """Return what did not hold."""
        self._alarms.close()
        return self._broken.sentences()
