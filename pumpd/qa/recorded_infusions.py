"""What people did to infusions during a recording, as lines of a scenario's timeline.

Nobody's name goes into it. What an infusion gave before the recording began, or on a pump of another line,
no timeline can say: there it begins anew, and that is told. One that had begun under an older drug library
begins anew under that one, which is replaced before anything else is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pumpd.core.alarms import Alarms
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.infusion_record import Answer, Infusion, ProgrammeVersion
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.quantities import NS_PER_S
from pumpd.daemon.recorded_infusion import WENT_ALONG
from pumpd.daemon.recording_head import library_of
from pumpd.qa.people import SHOWN
from pumpd.qa.recorded_library import older_library
from pumpd.store.recording import Kind, Recording
from pumpd.store.values import read

BY, SECOND = "somebody", "somebody else"
WHY = "as recorded"
TAKEN_UP_S = 3.0
"""An infusion that ran when the recording began is begun so long after: the pump has been read by then."""
REPLACED_S = TAKEN_UP_S + 0.3
"""Then the drug library of the recording takes the place of the older one."""
RAISED_WITHIN_S = 5.0
_ASKED = ConditionId.LIBRARY_TIGHTER
LEADS = frozenset({"transferred", WENT_ALONG})
Line = dict[str, Any]
Channel = tuple[str, str]


class RecordedInfusions:
    """Tells the infusions of one recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._pumps = {told["section"]["id"] for told in recording.head["pumps"]}
        self._now: dict[Channel, InfusionWatch] = {}
        library = library_of(recording.head)
        self._sha256 = library.sha256
        running = [watch for _, watch, _ in self._running()]
        self.older = ""
        """The text of the drug library that was in force before; empty where all stand under this one."""
        self._elsewhere: list[Infusion] = []
        if any(self._is_older(watch.infusion) for watch in running):
            self.older, self._elsewhere = older_library([watch.infusion for watch in running], library)
        told = [(record.at_ns, record.json()) for record in recording.of(Kind.INFUSION)]
        self._came = {(at_ns, one["watch"]["infusion"]["id"]) for at_ns, one in told if _swapped(one)}
        """When which infusion came to a pump of this recording."""
        self._led_to = ""
        """To which bed a pump of this recording has just taken the patient's others."""
        self._patients: dict[object, int] = {}
        self.left_out: list[str] = []
        """What the timeline can not say; complete once ``lines`` has ended."""

    def lines(self) -> Iterator[Line]:
        """Yield a line for each thing that somebody asked, in order."""
        for whose, watch, _ in self._running():
            yield from self._taken_up(whose, watch, TAKEN_UP_S)
            if watch.infusion in self._elsewhere:
                self.left_out.append(
                    f"{whose[0]}/{whose[1]}: it began under other limits than the other pump's order of the "
                    "same drug; it begins under those"
                )
        if self.older:
            yield {"at_s": REPLACED_S, "action": "replace-library"}
            yield {"at_s": REPLACED_S + 0.1, "action": "restart-daemon"}
        for record in self._recording.of(Kind.INFUSION):
            told = record.json()
            at_s = max(0.0, (record.at_ns - self._recording.began_ns) / NS_PER_S)
            whose = (told["pump"], told["channel"])
            watch = read(InfusionWatch, told["watch"])
            if watch.left and (record.at_ns, watch.infusion.id) not in self._came:
                self.left_out.append(
                    f"{whose[0]}/{whose[1]}: its infusion went to another line; it ends here"
                )
                yield _line(whose, "end", at_s, {"reason": WHY, "witness": SECOND})
            elif not watch.left:
                yield from self._changed(whose, watch, told.get("event", ""), at_s)
            self._now[whose] = watch
            if told.get("event"):
                self._led_to = watch.infusion.carrier.bed if told["event"] in LEADS else ""

    def checks(self) -> Iterator[Line]:
        """Yield what replacing the library raises again, because somebody was asked before the recording."""
        for (pump, channel), watch, asked in self._running():
            if self._is_older(watch.infusion) and asked:
                alarm = {"alarm": _ASKED.value, "priority": CATALOGUE[_ASKED].priority.name}
                when = {"after_s": REPLACED_S, "within_s": RAISED_WITHIN_S}
                yield {"check": "raised", "pump": pump, "channel": channel, **alarm, **when}

    def _running(self) -> Iterator[tuple[Channel, InfusionWatch, bool]]:
        """Yield every infusion that ran when the recording began, and whether a nurse was asked by then."""
        for told in self._recording.head["pumps"]:
            for channel, state in told["channels"].items():
                watch = read(InfusionWatch | None, state["state"].get("watch"))
                if watch is not None and watch.goes_on:
                    alarms = read(Alarms, state["state"]["alarms"])
                    yield (told["section"]["id"], channel), watch, _ASKED in alarms

    def _is_older(self, infusion: Infusion) -> bool:
        return infusion.library_sha256 != self._sha256

    def _taken_up(self, whose: Channel, watch: InfusionWatch, at_s: float) -> Iterator[Line]:
        self._now[whose] = watch
        where = f"{whose[0]}/{whose[1]}"
        self.left_out.append(f"{where} carried an infusion before: what it had given by then; it begins anew")
        yield self._begin(whose, watch.infusion, at_s)

    def _changed(self, whose: Channel, watch: InfusionWatch, event: str, at_s: float) -> Iterator[Line]:
        infusion, before = watch.infusion, self._now.get(whose)
        if event == "begun":
            yield self._begin(whose, infusion, at_s)
        elif event == "swapped":
            came_from = infusion.carriers[-2]
            if came_from.pump in self._pumps:
                typed = {"to_pump": whose[0], "to_channel": whose[1], "reason": WHY}
                place = (str(came_from.pump), str(came_from.channel))
                yield _line(place, "swap-infusion", at_s, typed)
            else:
                yield from self._taken_up(whose, watch, at_s)
                if self._is_older(infusion):
                    where = f"{whose[0]}/{whose[1]}"
                    self.left_out.append(f"{where}: it came with an older library's limits; these hold here")
        elif event == WENT_ALONG:
            if infusion.carrier.bed != self._led_to:  # the pump that was asked about is of another line
                yield _line(whose, "transfer", at_s, {"bed": infusion.carrier.bed, "reason": WHY})
        elif before is not None and event:
            yield from _asked(whose, before.infusion, infusion, at_s)

    def _begin(self, whose: Channel, infusion: Infusion, at_s: float) -> Line:
        patient = self._patients.setdefault(infusion.patient, len(self._patients) + 1)
        typed = {
            "label": f"P{patient}",
            "identifier": f"patient-{patient}",
            **_ordered(infusion.ordered),
            "answers": [_answer(answer) for answer in infusion.answers],
        }
        return _line(whose, "begin", at_s, typed)


def _swapped(told: dict[str, Any]) -> bool:
    return told.get("event") == "swapped"


def _asked(whose: Channel, before: Infusion, after: Infusion, at_s: float) -> Iterator[Line]:
    """Yield what was asked of an infusion that stayed on its pump."""
    if after.ending is not None:
        yield _line(whose, "end", at_s, {"reason": WHY, "witness": SECOND})
    elif len(after.observations) > len(before.observations):
        seen = after.observations[-1]
        numbers = ("pain", "systolic_mmhg", "diastolic_mmhg", "pulse_per_min", "spo2_percent")
        typed = {name: getattr(seen, name) for name in numbers if getattr(seen, name) is not None}
        yield _line(whose, "observe", at_s, typed or {"side_effects": WHY})
    elif len(after.carriers) > len(before.carriers):
        yield _line(whose, "transfer", at_s, {"bed": after.carrier.bed, "reason": WHY})
    else:
        typed = {}
        if len(after.versions) > len(before.versions):
            typed = {"reason": WHY, **_ordered(after.ordered)}
        elif after.ordered.dose != before.ordered.dose:
            typed = {"dose": after.ordered.dose.digits(6)}
        if after.library_sha256 != before.library_sha256:
            typed["library_sha256"] = SHOWN
        if len(after.answers) > len(before.answers):
            typed["answers"] = [_answer(answer) for answer in after.answers[len(before.answers) :]]
        if typed:
            yield _line(whose, "change", at_s, typed)


def _line(whose: Channel, action: str, at_s: float, typed: dict[str, Any]) -> Line:
    return {
        "at_s": at_s,
        "action": action,
        "pump": whose[0],
        "channel": whose[1],
        "by": BY,
        "typed": typed,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    if not answer.yes:
        return {"ask": answer.ask, "yes": False}
    return {"ask": answer.ask, "yes": True, "second_person": SECOND, "reason": WHY}


def _ordered(version: ProgrammeVersion) -> dict[str, Any]:
    """Return an order as it is typed."""
    programme = version.programme
    order: dict[str, Any] = {
        "drug": programme.drug,
        "concentration": str(programme.concentration),
        "care_area": programme.care_area,
        "form": programme.form,
        "indication": programme.indication,
        "dose_min": programme.dose_min.digits(6),
        "dose_max": programme.dose_max.digits(6),
        "dose_unit": programme.unit.value,
        "dose": version.dose.digits(6),
    }
    if programme.weight is not None:
        order["weight_kg"] = programme.weight.kg
    if programme.volume is not None:
        order["volume_ml"] = programme.volume.ml
    if programme.duration_s is not None:
        order["duration_min"] = programme.duration_s // 60
    typed = {"checked_by": SECOND if version.checked_by else "", "accepted": WHY if version.accepted else ""}
    return {"order": order} | {key: value for key, value in typed.items() if value}
