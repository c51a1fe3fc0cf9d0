"""What happens on the demo's ward, in plain words, from the node's own events on MQTT."""

from __future__ import annotations

from pumpd.contract.payloads import EventPayload

_RESTRAINT = {
    "asked": "pumpd pauses the pump, which only a hand at the pump can start again",
    "paused": "the pump was read back: it is paused",
    "failed": "THE PAUSE DID NOT WORK: stop the pump by hand",
}


def sentence(event: EventPayload) -> str | None:
    """Return what to tell of an event, None for what a visitor need not hear."""
    if event.resent:
        return None
    where = f"bed {event.bed}" if event.bed else (event.pump or "the node")
    if event.kind == "restraint":
        words = _RESTRAINT.get(event.event, event.event)
        return f"{where}: {words}" + (f" ({event.detail})" if event.detail else "")
    alarm = event.alarm
    if alarm is None:
        return None
    if event.event == "acknowledge":
        return f"{where}: {event.by} has it: {alarm.title}"
    if event.event in {"raise", "worsen"}:
        return f"{where}: {alarm.priority} alarm: {alarm.title}"
    if event.event == "clear":
        return f"{where}: over: {alarm.title}"
    return None
