"""Readings in JSON by hand are what the payload models say, and cost next to nothing."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.contract.payloads import TelemetryPayload
from pumpd.core.dosing import dose_rate
from pumpd.core.quantities import DoseUnit, FlowRate, Volume
from pumpd.core.state import PumpState
from pumpd.core.telemetry import Measured, Provenance, PumpStatus, Telemetry, missing
from pumpd.daemon.publisher_telemetry import TelemetryWriter
from tests.publisher.node import CHANNEL, PROGRAMME, SetClock, live_pump, telemetry, ward_of

GOAL_US_PER_READING = 8.0


def measured(values):
    """Return all that a measured value can be."""
    return st.one_of(
        st.builds(Measured.valid, values), st.text(max_size=5).map(Measured.invalid), st.builds(missing)
    )


FLOWS = measured(st.integers(0, 10**10).map(FlowRate))
VOLUMES = measured(st.integers(-(10**6), 10**13).map(Volume))
READINGS = st.builds(
    Telemetry,
    pump=st.just("PUMP-01"),
    channel=st.just(CHANNEL),
    sequence=st.integers(1, 10**9),
    taken_ns=st.integers(0, 10**12),
    span_ns=st.just(0),
    provenance=st.sampled_from(Provenance),
    status=st.sampled_from(PumpStatus),
    raw_status=st.just("1"),
    flow=FLOWS,
    volume=VOLUMES,
    set_flow=FLOWS,
    volume_to_be_infused=VOLUMES,
    pressure_kpa_e1=measured(st.integers(-1000, 10_000)),
    battery_percent=measured(st.integers(0, 100)),
)
PARTS = {
    "flow_ml_h": "flow",
    "volume_ml": "volume",
    "set_flow_ml_h": "set_flow",
    "vtbi_ml": "volume_to_be_infused",
    "pressure_kpa": "pressure_kpa_e1",
    "battery_percent": "battery_percent",
}


def exact(value) -> Fraction:
    """Return a value in the unit of its payload key, without using any of our text conversion."""
    if isinstance(value, FlowRate):
        return Fraction(value.nl_per_h, 1_000_000)
    if isinstance(value, Volume):
        return Fraction(value.nl, 1_000_000)
    return Fraction(value)


@pytest.mark.requirement("MQTT-4", "INV-5")
@given(reading=READINGS, ordered=st.booleans(), passed_ns=st.integers(0, 10**11))
def test_what_is_written_is_what_was_read(reading, ordered, passed_ns):
    """Every payload fits the model; numbers are exact, invalid ones are named, the age is rounded up."""
    clock = SetClock()
    ward = ward_of(1, clock)
    live = next(iter(ward.pumps.values()))
    setup = live.state.setup if ordered else live_setup_without_programme(live.state)
    live.state = PumpState(setup, None, 0, last=reading)
    now_ns = reading.taken_ns + passed_ns
    writer = TelemetryWriter(ward)
    for _ in range(2):  # the second time from what it remembers
        payload = TelemetryPayload.model_validate_json(writer.payload([live], now_ns), strict=True)
    part = payload.readings[0]
    assert (payload.node, payload.boot_id, payload.seq) == ("ward-a", "boot", 1)
    assert payload.sent_ms == now_ns // 1_000_000
    assert Fraction(passed_ns, 10**6) <= part.age_ms < Fraction(passed_ns, 10**6) + 1
    assert (part.pump, part.channel, part.seq) == ("PUMP-01", "1", reading.sequence)
    assert (part.status, part.provenance) == (reading.status.value, reading.provenance.value)
    for key, name in PARTS.items():
        value, said = getattr(reading, name).value, getattr(part, key)
        if value is None or said is None:
            assert value is None
            assert said is None
        else:
            scale = 10 if key == "pressure_kpa" else 1
            assert Fraction(said) * scale == exact(value)
    assert set(part.invalid) == {
        k for k, n in PARTS.items() if getattr(reading, n).validity.value == "invalid"
    }
    flow = reading.flow.value
    if flow is None or not ordered:
        assert part.dose is None
    else:
        dose = dose_rate(flow, PROGRAMME.concentration, PROGRAMME.weight, DoseUnit.MG_KG_H)
        assert part.dose == dose.digits(6)


def live_setup_without_programme(state: PumpState):
    return replace(state.setup, programme=None)


def test_a_number_is_used_once_per_payload_that_went_out():
    """A payload that could not be sent gives its number to the next, so receivers see no gap."""
    ward = ward_of(2, SetClock())
    writer = TelemetryWriter(ward)
    seqs = []
    for sent in (False, True, True):
        seqs.append(TelemetryPayload.model_validate_json(writer.payload([], 0)).seq)
        if sent:
            writer.confirm()
    assert seqs == [1, 1, 2]


def test_a_pump_without_a_reading_is_left_out():
    """Before the first reading there is nothing to tell."""
    ward = ward_of(1, SetClock())
    writer = TelemetryWriter(ward)
    assert TelemetryPayload.model_validate_json(writer.payload(ward.pumps.values(), 0)).readings == []


@pytest.mark.requirement("MQTT-4")
def test_a_reading_costs_less_than_eight_microseconds():
    """The best of several runs over 250 pumps with changing numbers, so that a busy machine does not fail."""
    lives = [live_pump(n) for n in range(250)]
    writer, chance = TelemetryWriter(ward_of(1, SetClock())), random.Random(1)
    best_us = float("inf")
    for run in range(20):
        for live in lives:
            flow, volume = str(chance.choice([10, 12.5, 40])), f"{run}.{chance.randint(0, 999):03}"
            reading = telemetry(live, run + 1, run * 10**9, flow, volume)
            live.state = PumpState(live.state.setup, None, 0, last=reading)
        began = time.perf_counter()
        writer.payload(lives, (run + 1) * 10**9)
        best_us = min(best_us, (time.perf_counter() - began) / len(lives) * 1e6)
    assert best_us < GOAL_US_PER_READING
