"""Readings in JSON by hand are what the payload models say, and cost next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
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
from pumpd.daemon.publisher_telemetry import TelemetryLane, TelemetryWriter
from pumpd.daemon.seams import LivePump
from pumpd.qa.virtual_time import VirtualClock, in_virtual_time
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


class Offered:
    """A broker's ear: notes when each payload came and whose readings were in it; takes none while deaf."""

    def __init__(self, count: int) -> None:
        clock = VirtualClock(asyncio.get_running_loop())
        self.lives = list(ward_of(count, clock).pumps.values())
        self.lane = TelemetryLane(TelemetryWriter(ward_of(count, clock)), clock, self.offer)
        self.heard: list[tuple[float, list[int]]] = []
        self.deaf = False

    async def offer(self, payload: bytes) -> bool:
        await asyncio.sleep(0)
        if not self.deaf:
            readings = TelemetryPayload.model_validate_json(payload).readings
            self.heard.append((asyncio.get_running_loop().time(), [part.seq for part in readings]))
        return not self.deaf

    def read(self, live: LivePump, sequence: int) -> None:
        now_ns = round(asyncio.get_running_loop().time() * 1e9)
        live.state = replace(live.state, last=telemetry(live, sequence, now_ns))
        self.lane.reading(live)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.lane.run(), name="tested.telemetry")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.requirement("MQTT-4")
@in_virtual_time
async def test_without_readings_a_payload_goes_out_every_second():
    """The node says that it is there, and nothing more often."""
    broker = Offered(1)
    async with broker.listening():
        await asyncio.sleep(5.1)
    assert [at_s for at_s, _ in broker.heard] == pytest.approx(list(range(6)))
    assert not any(seqs for _, seqs in broker.heard)


@pytest.mark.requirement("MQTT-4")
@in_virtual_time
async def test_a_reading_goes_out_at_the_next_quarter_second_and_with_others():
    """One that comes alone waits for nobody else longer than that; many that come together go together."""
    broker = Offered(3)
    async with broker.listening():
        for sequence in range(1, 4):
            await asyncio.sleep(0.1)
            broker.read(broker.lives[0], sequence)
            broker.read(broker.lives[1], sequence + 10)
            await asyncio.sleep(0.9)
    with_readings = [(at_s, seqs) for at_s, seqs in broker.heard if seqs]
    assert [at_s for at_s, _ in with_readings] == pytest.approx([0.25, 1.25, 2.25])
    assert [seqs for _, seqs in with_readings] == [[1, 11], [2, 12], [3, 13]]
    assert len(broker.heard) == 4, "and one at the beginning"


@pytest.mark.requirement("MQTT-4")
@in_virtual_time
async def test_what_a_broker_did_not_take_goes_out_later_and_only_in_its_newest_form():
    """A broker that hangs is offered the newest readings until it takes them; each goes out once."""
    broker = Offered(2)
    async with broker.listening():
        await asyncio.sleep(0.6)
        broker.deaf = True
        broker.read(broker.lives[0], 1)
        broker.read(broker.lives[1], 7)
        await asyncio.sleep(1)
        broker.read(broker.lives[0], 2)
        broker.deaf = False
        await asyncio.sleep(1)
    assert [seqs for _, seqs in broker.heard if seqs] == [[2, 7]]
    (at_s,) = [at_s for at_s, seqs in broker.heard if seqs]
    assert at_s == pytest.approx(1.75)


@in_virtual_time
async def test_a_reading_that_comes_while_one_goes_out_is_not_lost():
    """It is in the next payload."""
    broker = Offered(1)
    (live,) = broker.lives

    async def offer(payload: bytes) -> bool:
        if not broker.heard:
            broker.read(live, 2)
        return await Offered.offer(broker, payload)

    broker.lane._offer = offer
    broker.read(live, 1)
    async with broker.listening():
        await asyncio.sleep(0.6)
    assert [seqs for _, seqs in broker.heard] == [[1], [2]]
