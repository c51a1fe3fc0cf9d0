"""Features of a register map that the reference pump does not use, read from a simulator of the same map."""

import asyncio
import itertools
from pathlib import Path

import pytest

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import ChannelId, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.register_map import CompiledMap
from pumpd.drivers.register_reading import describe
from pumpd.drivers.registry import shipped
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.registers import load_map
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.layout import DeviceSettings
from tests.conformance.rig import FRAMINGS, rig, with_card_of

FILE = Path(__file__).with_name("every-feature.yaml")
TEXT = FILE.read_text(encoding="utf-8")
MAP = load_map(TEXT, FILE.name)
SPEC = with_card_of(shipped()["reference-pump"], MAP)
A, B = ChannelId("A"), ChannelId("B")
BY_PATTERN = TEXT.replace(
    "order: {function: 1, address: 28, type: bit, codes: {0: cdab, 1: abcd}}",
    "order: {function: 3, address: 63, type: u32, pattern: '0x01020304'}",
)
ONE_FIELD = TEXT.replace("readable_gap: 3}", "readable_gap: 3, one_field_per_request: true}")


@pytest.mark.requirement("MAP-2")
def test_its_example_decodes():
    """Order from a coil, unit from a register, floats, bits, two channels: as written by hand."""
    compiled = CompiledMap(MAP)
    example = MAP.examples[0]
    words: dict[tuple[int, int], int] = {
        (p.function, p.start - 1 + i): w for p in example.raw for i, w in enumerate(p.words)
    }
    replies = [
        [words.get((read.function, read.start + at), 0) for at in range(read.count)]
        for read in compiled.reading_plan.reads
    ]
    found = {reading.channel: describe(reading) for reading in compiled.decode(replies)}
    for channel, expected in example.expect.items():
        assert {name: found[ChannelId(channel)][name] for name in expected} == expected


@pytest.mark.requirement("MAP-2")
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(
    ("text", "order", "unit_code"),
    [
        *itertools.product([TEXT], ["cdab", "abcd"], [0, 1]),
        *itertools.product([BY_PATTERN], ["abcd", "cdab", "badc", "dcba"], [1]),
        (ONE_FIELD, "cdab", 0),
    ],
)
@in_virtual_time
async def test_whatever_is_set_on_the_device_the_reading_is_the_same(framing, text, order, unit_code):
    """Byte order and unit are the device's; the driver asks and reads the same values."""
    register_map = load_map(text, FILE.name)
    spec = with_card_of(SPEC, register_map)
    settings = DeviceSettings(order, {"channels.A.flow": unit_code})
    async with rig(spec, framing, settings) as on:
        for model in on.models:
            model.press_start()
        on.face.models["A"].turn_rate(120 * NL_PER_ML)
        on.face.models["B"].raise_alarm(PumpAlarm.AIR)
        await asyncio.sleep(36)
        identity = await on.driver.identify(on.talk)
        assert (identity.model, identity.serial_number, identity.firmware) == ("EVERY-1", "SIM-0001", "")
        a, b = await on.driver.read(on.talk)
        assert (a.channel, a.status, b.status) == (A, PumpStatus.RUNNING, PumpStatus.STOPPED)
        assert a.flow.value is not None
        assert a.flow.value.ml_per_h == "120"
        assert a.volume.value is not None
        assert 1.1 < float(a.volume.value.ml) < 1.4  # with one value a request a reading takes seconds
        assert a.set_flow.validity is Validity.MISSING
        assert b.alarms == {PumpAlarm.AIR}


@pytest.mark.requirement("INV-1")
@in_virtual_time
async def test_only_the_channel_with_a_pause_can_be_paused():
    """A holding register with one declared value is written; the channel without one says so."""
    async with rig(SPEC, "modbus-rtu") as on:
        for model in on.models:
            model.press_start()
        await on.driver.pause(on.talk, A)
        assert on.face.models["A"].status is PumpStatus.PAUSED
        with pytest.raises(DeviceRefusedError, match="declares no pause"):
            await on.driver.pause(on.talk, B)
        assert on.face.models["B"].status is PumpStatus.RUNNING


@in_virtual_time
async def test_the_device_gets_its_rest_between_two_requests():
    """With pause_ms 20, two requests of one cycle are never closer."""
    async with rig(SPEC, "modbus-tcp") as on:
        asked_at = []
        answer = on.face.answer

        def noted(payload: bytes) -> bytes:
            asked_at.append(asyncio.get_running_loop().time())
            return answer(payload)

        on.face.answer = noted  # type: ignore[method-assign]
        await on.driver.read(on.talk)
        await on.driver.pause(on.talk, A)
        assert len(asked_at) == len(CompiledMap(MAP).reading_plan.reads) + 1
        assert min(later - one for one, later in itertools.pairwise(asked_at)) >= 0.02


@pytest.mark.requirement("CORE-9")
@in_virtual_time
async def test_an_order_or_unit_nobody_knows_gives_no_number():
    """A constant that reads wrong in every order spoils the cycle; an unknown unit spoils its value."""
    register_map = load_map(BY_PATTERN, FILE.name)
    async with rig(with_card_of(SPEC, register_map), "modbus-tcp") as on:
        on.face.forced["channels.A.flow.unit"] = (9,)
        a, _ = await on.driver.read(on.talk)
        assert a.flow.raw == "unit code 9 is not in the map"
        on.face.forced["order"] = (1, 2)
        with pytest.raises(WireError, match="byte order"):
            await on.driver.read(on.talk)


@pytest.mark.requirement("CORE-9")
@in_virtual_time
async def test_a_code_nobody_knows_is_another_alarm():
    """An alarm code beside the list is OTHER, with its number kept."""
    async with rig(SPEC, "modbus-rtu") as on:
        on.face.models["B"].unnamed_alarm_bits = 77
        _, b = await on.driver.read(on.talk)
        assert b.alarms == {PumpAlarm.OTHER}
        assert b.raw_alarms == ("alarm code 77",)


@pytest.mark.requirement("MAP-2", "MAP-3")
@pytest.mark.parametrize("order", ["cdab", "abcd"])
@in_virtual_time
async def test_what_a_vendors_map_may_ask_for_beside_a_value(order):
    """A place that speaks before the status, a unit of two coils, and a channel that has no pump."""
    async with rig(SPEC, "modbus-rtu", DeviceSettings(order)) as on:
        on.face.models["B"].press_start()
        on.face.models["B"].raise_alarm(PumpAlarm.AIR)
        for switch, status in ((1, PumpStatus.PRIMING), (0, PumpStatus.STOPPED)):
            on.face.forced["channels.B.status.first[0]"] = (switch,)
            assert (await on.driver.read(on.talk))[1].status is status
        pressures = {}
        for coils in ((1, 0), (0, 1), (0, 0), (1, 1)):
            on.face.forced["channels.B.pressure.unit"] = coils
            pressures[coils] = (await on.driver.read(on.talk))[1].pressure_kpa_e1
        assert pressures[1, 0].validity is pressures[0, 1].validity is Validity.VALID
        assert [pressures[coils].raw for coils in ((0, 0), (1, 1))] == [
            f"unit code {code} is not in the map" for code in (0, 3)
        ]
        for fitted, alarms in ((0, set()), (1, {PumpAlarm.AIR})):
            on.face.forced["channels.B.fitted"] = (fitted,)
            assert (await on.driver.read(on.talk))[1].alarms == alarms
