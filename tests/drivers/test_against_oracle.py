"""pumpd's decoder of the reference pump against one that shares nothing with it."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, Validity
from pumpd.drivers.register_map import CompiledMap, RegisterMapDriver, pause_request
from pumpd.errors import DeviceRefusedError
from pumpd.protocols.maps import shipped_map
from tests import proof
from tests.drivers.test_lowering import Told
from tests.oracle import lowering, reference_pump

DECODE = CompiledMap(shipped_map("reference-pump")).decode
NUMBERS = {"set_flow": 2, "flow": 4, "volume": 6, "volume_to_be_infused": 8, "pressure": 10, "battery": 11}
"""Where the document has each number."""
WORDS = st.lists(st.integers(0, 0xFFFF) | st.integers(0, 3), min_size=14, max_size=14)


def plain(measured: Measured[Any], per: int = 1) -> object:
    """Return a measured value as the oracle writes it."""
    if measured.validity is Validity.MISSING:
        return None
    if measured.validity is Validity.INVALID:
        return "invalid"
    value = measured.value
    if isinstance(value, FlowRate):
        return Fraction(value.nl_per_h, 1_000_000)
    if isinstance(value, Volume):
        return Fraction(value.nl, 1_000_000)
    assert isinstance(value, int)
    return Fraction(value, per)


@pytest.mark.requirement("MAP-2", "MAP-3")
@proof.examples("reference pump decoded twice", small=500, full=100_000)
@given(WORDS)
@example([2, 0, 0, 1050, 0, 1050, 0, 12345, 0, 37655, 64, 87, 0, 0])
@example([8, 0, 1, 34464, 0, 0, 2, 0, 0xFFFF, 0xFFFF, 0x8000, 0xFFFF, 0x8000, 1])
@example([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 65036, 0, 0, 0])  # the lowest of each range
@example([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 65035, 0, 0, 0])  # below
@example([2, 0, 1, 54464, 1, 54464, 1525, 56600, 152, 37528, 3000, 100, 0, 0])  # the highest
@example([2, 0, 1, 54465, 1, 54465, 1525, 56601, 152, 37529, 3001, 101, 0, 0])  # above
def test_both_decoders_agree_on_any_registers(words):
    """Status, six numbers and the alarms of any 14 registers come out the same, twice and exactly."""
    (reading,) = DECODE([words])
    assert {
        "status": reading.status.value,
        "set_flow": plain(reading.set_flow),
        "flow": plain(reading.flow),
        "volume": plain(reading.volume),
        "volume_to_be_infused": plain(reading.volume_to_be_infused),
        "pressure": plain(reading.pressure_kpa_e1, 10),
        "battery": plain(reading.battery_percent),
        "alarms": {alarm.value for alarm in reading.alarms},
    } == reference_pump.reading(words)


@pytest.mark.requirement("INV-1", "MAP-2")
def test_the_pause_is_the_write_that_the_document_names():
    """Byte for byte what the document says stops it: a map that both ends share can not judge itself."""
    register_map = shipped_map("reference-pump")
    pause = register_map.channels["1"].pause
    assert pause is not None
    assert pause_request(1, register_map, pause).to_bytes() == reference_pump.PAUSE_UNIT_1


@pytest.mark.requirement("MAP-2")
def test_the_heartbeat_moves_every_second():
    """As the pump's document says; values behind one that stands still for longer are stored ones."""
    heartbeat = shipped_map("reference-pump").heartbeat
    assert heartbeat is not None
    assert heartbeat.changes_within_ms == 1000


@pytest.mark.requirement("MAP-2")
def test_every_value_is_read_from_its_place():
    """Function, address and length as the pump's document has them: simulator and driver share one map."""
    register_map = shipped_map("reference-pump")
    identity, channel = register_map.identity, register_map.channels["1"]
    assert register_map.heartbeat is not None
    texts = (identity.model, identity.serial_number, identity.firmware)
    assert [(text.function, text.address, text.length) for text in texts if text is not None] == [
        (4, 100, 8),
        (4, 108, 8),
        (4, 116, 4),
    ]
    fields = {
        "heartbeat": register_map.heartbeat,
        "status": channel.status,
        "alarms": channel.alarms[0],
        **{name: getattr(channel, name) for name in NUMBERS},
    }
    assert {name: field.function for name, field in fields.items()} == dict.fromkeys(fields, 4)
    places = {"heartbeat": 1, "status": 0, "alarms": 12, **NUMBERS}
    assert {name: field.address for name, field in fields.items()} == places


@pytest.mark.requirement("MAP-2")
def test_every_alarm_bit_means_what_the_document_says():
    """All ten, each by itself: a pump that is blocked above must not be told as one with air in its line."""
    (alarms,) = shipped_map("reference-pump").channels["1"].alarms
    assert {bit: alarm.value for bit, alarm in alarms.bits.items()} == dict(enumerate(reference_pump.ALARMS))
    assert len(reference_pump.ALARMS) == 10


@pytest.mark.requirement("MAP-2")
def test_every_status_code_means_what_the_document_says():
    """All nine, each by itself."""
    codes = shipped_map("reference-pump").channels["1"].status.codes
    assert {code: status.value for code, status in codes.items()} == dict(enumerate(reference_pump.STATUS))


@pytest.mark.requirement("RES-5", "INV-1")
@proof.examples("lower rates of the reference pump worked out twice", small=200, full=20_000)
@given(st.integers(0, 120_000), st.integers(1, 1_200_000_000))
async def test_the_rate_written_is_the_oracles(present: int, asked_nl_h: int) -> None:
    """The step below what is asked where that is below the fresh reading's rate; otherwise nothing."""
    asked, shows = Fraction(asked_nl_h, 1_000_000), Fraction(present, 100)
    wanted = lowering.written_ml_h(asked, shows, Fraction(1, 100), Fraction(600))
    driver = RegisterMapDriver(CompiledMap(shipped_map("reference-pump")), 3)
    try:
        rate = await driver.lower_rate(Told(present), ChannelId("1"), FlowRate(asked_nl_h), lambda: None)
    except DeviceRefusedError:
        rate = None
    assert (None if rate is None else Fraction(rate.nl_per_h, 1_000_000)) == wanted
