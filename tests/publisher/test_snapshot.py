"""Snapshots in JSON by hand are what the payload models say, whatever changed since the last one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.contract.payloads import LinkPart, ReadingPart, SnapshotPayload
from pumpd.core.evaluate import evaluate_pump
from pumpd.core.inactivation import PauseAudio
from pumpd.core.restraint_gate import Enforcement
from pumpd.core.restraints import RestraintPhase
from pumpd.core.state import Acknowledge, Now, SessionCrashed, WrongDevice
from pumpd.daemon.events import alarm_parts
from pumpd.daemon.publisher_snapshot import SnapshotWriter
from pumpd.daemon.publisher_telemetry import TelemetryWriter
from pumpd.daemon.seams import LinkState, LivePump, Place, Told, Ward
from pumpd.drivers.base import Identity
from tests.publisher.node import SetClock, telemetry, ward_of


def now_of(clock: SetClock) -> Now:
    return Now(clock.monotonic_ns(), clock.wall())


def read(live: LivePump, clock: SetClock) -> None:
    live.sequence += 1
    live.link.round_trip_ns = 12_345_678
    reading = telemetry(live, live.sequence, clock.mono_ns - 5_000_001)
    live.state, _ = evaluate_pump(live.state, reading, now_of(clock))
    live.told = Told(live.state.alarms)


def take(live: LivePump, clock: SetClock, what: WrongDevice | SessionCrashed) -> None:
    live.state, _ = evaluate_pump(live.state, what, now_of(clock))
    live.told = Told(live.state.alarms)


def had(live: LivePump, clock: SetClock) -> None:
    for alarm in live.state.alarms.values():
        if not alarm.acknowledged_by:
            seen = Acknowledge(alarm.condition, alarm.revision, "B. Keller")
            live.state, _ = evaluate_pump(live.state, seen, now_of(clock))
    live.told = Told(live.state.alarms)


def quieted(live: LivePump, clock: SetClock) -> None:
    for alarm in live.state.alarms.values():
        if not alarm.acknowledged_by:
            asked = PauseAudio(alarm.condition, alarm.revision, 'B. "K" Keller', 60)
            live.state, _ = evaluate_pump(live.state, asked, now_of(clock))
    live.told = Told(live.state.alarms)


def lost(live: LivePump) -> None:
    live.link.state, live.link.detail = LinkState.DOWN, "no answer\n"
    live.link.errors += 1


def unordered(live: LivePump) -> None:
    gate = replace(live.state.setup.gate, enforcement=Enforcement.PAUSE, pause_proven=True)
    live.state = replace(live.state, setup=replace(live.state.setup, programme=None, ceiling=None, gate=gate))


STEPS: dict[str, Callable[[LivePump, SetClock], None]] = {
    "time": lambda _live, clock: setattr(clock, "mono_ns", clock.mono_ns + 1_234_567_890),
    "reading": read,
    "wrong": lambda live, clock: take(live, clock, WrongDevice('SN-2 \n "bed"', "SN-1")),
    "crashed": lambda live, clock: take(live, clock, SessionCrashed('a "reason"')),
    "well": lambda live, clock: take(live, clock, WrongDevice("", "")),
    "had": had,
    "quieted": quieted,
    "link": lambda live, _clock: lost(live),
    "identity": lambda live, _clock: setattr(live, "identity", Identity("Müller", "R-1", "SIM-1", "1.0")),
    "order": lambda live, _clock: unordered(live),
    "asked": lambda live, _clock: setattr(live, "state", replace(live.state, phase=RestraintPhase.ASKED)),
    "late": lambda live, _clock: setattr(live.told, "unconfirmed", frozenset(live.told.alarms)),
}


def expected(ward: Ward, live: LivePump, readings: TelemetryWriter, clock: SetClock) -> SnapshotPayload:
    """Return what should be said, from the state, by the model alone."""
    state, identity, place = live.state, live.identity, live.place
    setup, gate = state.setup, state.setup.gate
    reading = readings.reading(live, clock.mono_ns)
    programme = setup.programme
    return SnapshotPayload.model_validate(
        {
            "node": ward.node,
            "boot_id": ward.boot_id,
            "seq": live.sequence,
            "sent_ms": clock.mono_ns // 1_000_000,
            "at": clock.wall(),
            "pump": setup.pump,
            "channel": setup.channel,
            "bed": place.bed,
            "ward": place.ward,
            "label": place.label,
            "make": identity.make if identity else "",
            "model": identity.model if identity else "",
            "serial_number": identity.serial_number if identity else "",
            "provenance": setup.provenance.value,
            "freshness": state.freshness.value,
            "stale_after_ms": 60_000,
            "lost_after_ms": 600_000,
            "flow_step_ml_h": "0.000001",
            "reading": None if reading is None else ReadingPart.model_validate_json(reading),
            "programme": None
            if programme is None
            else {
                "drug": "ketamine",
                "concentration": "2 mg/mL",
                "care_area": "pain-clinic",
                "weight_kg": "70",
                "dose_min": "0.1",
                "dose_max": "0.5",
                "dose_unit": "mg/kg/h",
                "volume_ml": "50",
                "duration_s": 7200,
            },
            "limits": None if setup.ceiling is None else {"unit": "", "ceiling_ml_h": "60"},
            "alarms": alarm_parts(live.told),
            "restraint": {
                "may_pause": gate.may_pause,
                "enforcement": gate.enforcement.value,
                "library_signed": False,
                "library_allows": "none",
                "pause_proven": gate.pause_proven,
                "phase": state.phase.value,
            },
            "link": LinkPart(
                state=live.link.state.value,
                detail=live.link.detail,
                driver=place.driver,
                verified=place.verified,
                unverified=place.unverified,
                url=place.url,
                round_trip_ms=None if live.link.round_trip_ns is None else 12.345678,
                errors=live.link.errors,
            ),
            "library_version": "7",
            "library_sha256": "ab",
        }
    )


@pytest.mark.requirement("MQTT-2", "INV-3")
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_a_snapshot_is_the_present_whatever_was_said_before(steps: list[str]) -> None:
    """After any changes in any order it says all of them: what is remembered is never an old state."""
    clock = SetClock()
    ward = ward_of(1, clock)
    (live,) = ward.pumps.values()
    readings = TelemetryWriter(ward)
    writer = SnapshotWriter(ward, live, readings, clock)
    for step in ["time", *steps]:
        STEPS[step](live, clock)
        said = SnapshotPayload.model_validate_json(writer.write(), strict=True)
        assert said == expected(ward, live, readings, clock)


def test_any_text_of_a_configuration_or_a_pump_stays_json() -> None:
    """Quotes, line ends and letters of any script in a place are said as they are."""
    clock = SetClock()
    ward = ward_of(1, clock)
    (live,) = ward.pumps.values()
    live.place = Place('7 "left"', "Ström\n\\", "Å.Ö.", "d", "none", "tcp://x", ('say "no"', "n\\"))
    picture = SnapshotPayload.model_validate_json(
        SnapshotWriter(ward, live, TelemetryWriter(ward), clock).write()
    )
    assert (picture.bed, picture.ward, picture.label) == ('7 "left"', "Ström\n\\", "Å.Ö.")
