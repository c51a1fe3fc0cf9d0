"""The demo tells what the node told, in plain words and in the order in which it happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pumpd.contract.payloads import AlarmPart, EventPayload, ReadingPart
from pumpd.demo_story import rate_change, sentence, status_change

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
ALARM = AlarmPart(
    condition="over-hard",
    priority="HIGH",
    signal="on",
    revision=1,
    since=AT,
    title="TOO FAST: 3 mg/kg/h, limit 1 mg/kg/h",
    action="Look at the pump.",
)


def _event(kind: str, event: str, **parts: object) -> EventPayload:
    alarm = ALARM if kind == "alarm" else None
    values = {
        "id": "b-1",
        "node": "ward-a",
        "boot_id": "b",
        "seq": 1,
        "journalled": True,
        "at": AT,
        "bed": "5",
    }
    return EventPayload.model_validate({**values, "kind": kind, "event": event, "alarm": alarm, **parts})


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (_event("alarm", "raise"), "bed 5: HIGH alarm: TOO FAST: 3 mg/kg/h, limit 1 mg/kg/h"),
        (_event("alarm", "clear"), "bed 5: over: TOO FAST: 3 mg/kg/h, limit 1 mg/kg/h"),
        (_event("alarm", "acknowledge", by="Ada"), "bed 5: Ada has it: TOO FAST: 3 mg/kg/h, limit 1 mg/kg/h"),
        (
            _event("alarm", "raise", bed="", pump="PUMP-05"),
            "PUMP-05: HIGH alarm: TOO FAST: 3 mg/kg/h, limit 1 mg/kg/h",
        ),
        (
            _event("restraint", "asked", detail="over-hard: 3 mg/kg/h, limit 1 mg/kg/h"),
            "bed 5: pumpd pauses the pump (3 mg/kg/h, limit 1 mg/kg/h)",
        ),
        (
            _event("restraint", "paused"),
            "bed 5: read back: the pump is PAUSED, and only a hand at the pump starts it again",
        ),
        (
            _event("restraint", "failed", detail="it still delivers after 3 s"),
            "bed 5: THE PAUSE DID NOT WORK (it still delivers after 3 s): stop the pump by hand",
        ),
        (_event("restraint", "pause-sent"), None),
        (
            _event("infusion", "begun", by="A. Nurse", detail="A.B.: ketamine 2 mg/mL; library demo-1"),
            "bed 5: A. Nurse begins an infusion for A.B.: ketamine 2 mg/mL",
        ),
        (
            _event("infusion", "observed", by="A. Nurse", detail="pain 6 of 10"),
            "bed 5: A. Nurse has looked at the patient: pain 6 of 10",
        ),
        (_event("infusion", "swapped", by="A. Nurse", detail="from PUMP-05/1 to PUMP-06/1"), None),
        (_event("node", "started"), None),
        (_event("alarm", "raise", resent=True), None),
    ],
)
def test_an_event_is_told_in_words(event: EventPayload, told: str | None) -> None:
    """Alarms, acknowledgements and restraints are told once, a failed pause loudest; the rest is not."""
    assert sentence(event) == told


def test_a_hand_at_the_pump_is_told() -> None:
    """Another set rate and another status are told; the same ones are not."""
    before = ReadingPart(
        pump="PUMP-05",
        channel="1",
        seq=1,
        age_ms=5,
        status="running",
        set_flow_ml_h="10.5",
        provenance="demo",
    )
    after = before.model_copy(update={"set_flow_ml_h": "105", "status": "paused"})
    assert rate_change(before, after) == "at the pump, the rate is set from 10.5 to 105 mL/h"
    assert status_change(before, after) == "the pump says: paused (it said running)"
    assert rate_change(before, before) is None
    assert status_change(before, before) is None
