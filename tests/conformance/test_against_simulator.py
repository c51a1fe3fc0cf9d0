"""Every driver against the simulator of its own map: it reads what the model holds, and nothing else."""

import asyncio

import pytest

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import ChannelId, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.registry import shipped
from pumpd.errors import DeviceRefusedError, ForbiddenFrameError, LinkTimeoutError, WireError
from pumpd.protocols.maps import shipped_map
from pumpd.protocols.modbus import EXCEPTION_NAMES, WriteCoil, WriteRegister
from pumpd.protocols.wire import Permission
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.faults import Fault, FaultKind
from tests.conformance.rig import FRAMINGS, OTHER_UNIT, rig

SPECS = [(spec, shipped_map(spec.card.register_map)) for spec in shipped().values()]
EVERY = pytest.mark.parametrize(("spec", "register_map"), SPECS, ids=list(shipped()))
FRAMED = pytest.mark.parametrize("framing", FRAMINGS)


@pytest.mark.requirement("INV-5")
@EVERY
@FRAMED
@in_virtual_time
async def test_a_simulator_says_so_to_the_driver(spec, register_map, framing):
    """Model, serial number and firmware come back; SIM- in front means simulated."""
    async with rig(spec, register_map, framing) as on:
        identity = await on.driver.identify(on.talk)
        assert (identity.model, identity.serial_number, identity.firmware) == (
            register_map.model,
            "SIM-0001",
            "1.0",
        )
        assert identity.simulated


@pytest.mark.requirement("SIM-1", "MAP-1")
@EVERY
@FRAMED
@pytest.mark.parametrize("status", [s for s in PumpStatus if s is not PumpStatus.UNKNOWN])
@in_virtual_time
async def test_the_driver_reads_what_the_model_holds(spec, register_map, framing, status):
    """In every status that the map has a code for, each value is the model's, on the map's own grid."""
    async with rig(spec, register_map, framing) as on:
        (model,) = on.models
        model.advance(NS_PER_S)
        model.status, model.flow_nl_h = status, model.set_rate_nl_h if status.delivers else 0
        if status is PumpStatus.BOLUS:
            model.status = PumpStatus.RUNNING
            model.give_bolus(NL_PER_ML)
        reading = await on.read()
        assert reading.status is status
        assert reading.set_flow.value is not None
        assert reading.set_flow.value.nl_per_h == model.set_rate_nl_h
        assert reading.flow.value is not None
        assert (
            reading.flow.value.nl_per_h
            == model.flow_nl_h // spec.flow_step.nl_per_h * spec.flow_step.nl_per_h
        )
        assert reading.volume.value is not None
        assert 0 <= model.delivered_nl - reading.volume.value.nl < NL_PER_ML // 100
        assert reading.battery_percent.value == model.battery_percent
        assert reading.pressure_kpa_e1.value is not None
        assert abs(reading.pressure_kpa_e1.value - model.pressure_pa // 100) <= 1


@EVERY
@FRAMED
@pytest.mark.parametrize("alarm", [a for a in PumpAlarm if a is not PumpAlarm.OTHER])
@in_virtual_time
async def test_every_alarm_of_the_model_is_read(spec, register_map, framing, alarm):
    """Each alarm that the model raises arrives under its own name, and no other does."""
    async with rig(spec, register_map, framing) as on:
        on.models[0].raise_alarm(alarm)
        reading = await on.read()
        assert reading.alarms == {alarm}
        assert len(reading.raw_alarms) == 1


@pytest.mark.requirement("CORE-9")
@EVERY
@FRAMED
@in_virtual_time
async def test_an_alarm_without_a_name_is_other_and_kept_raw(spec, register_map, framing):
    """A bit that the map does not know is still an alarm."""
    async with rig(spec, register_map, framing) as on:
        on.models[0].unnamed_alarm_bits = 1 << 30
        reading = await on.read()
        assert reading.alarms == {PumpAlarm.OTHER}
        assert "bit 30" in reading.raw_alarms[0]


@pytest.mark.requirement("MAP-3", "CORE-9")
@EVERY
@FRAMED
@in_virtual_time
async def test_an_unknown_status_is_unknown_and_a_value_that_can_not_be_is_invalid(
    spec, register_map, framing
):
    """A code that the map does not name, a flow beyond its range and a sentinel: none becomes a number."""
    async with rig(spec, register_map, framing) as on:
        on.face.forced = {
            "channels.1.status": (0x7777,),
            "channels.1.flow": (0x7FFF, 0xFFFF),
            "channels.1.battery": (0xFFFF,),
        }
        reading = await on.read()
        assert (reading.status, reading.raw_status) == (PumpStatus.UNKNOWN, str(0x7777))
        assert reading.flow.validity is Validity.INVALID
        assert reading.flow.raw is not None
        assert "0x7FFFFFFF" in reading.flow.raw
        assert reading.battery_percent.validity is Validity.MISSING


@pytest.mark.requirement("INV-1", "RES-1")
@EVERY
@FRAMED
@in_virtual_time
async def test_the_pause_stops_the_pump_and_reads_back(spec, register_map, framing):
    """A running pump is paused over the wire; nothing the driver can say starts it again."""
    async with rig(spec, register_map, framing) as on:
        on.models[0].press_start()
        await asyncio.sleep(1)
        assert (await on.read()).status is PumpStatus.RUNNING
        await on.driver.pause(on.talk, ChannelId("1"))
        await asyncio.sleep(1)
        reading = await on.read()
        assert reading.status is PumpStatus.PAUSED
        assert reading.flow.value is not None
        assert reading.flow.value.nl_per_h == 0
        before_nl = on.models[0].delivered_nl
        await asyncio.sleep(3600)
        on.face.catch_up()
        assert on.models[0].delivered_nl == before_nl


@pytest.mark.requirement("INV-1")
@EVERY
@FRAMED
@in_virtual_time
async def test_what_the_map_never_sends_is_held_back_before_the_wire(spec, register_map, framing):
    """Even dressed up as a pause, the pump's own start control does not pass the outgoing filter."""
    async with rig(spec, register_map, framing) as on:
        assert register_map.never_sent
        for control in register_map.never_sent.values():
            at = register_map.pdu(control.address)
            dressed_up = (
                WriteCoil(1, at, on=bool(control.value), permission=Permission.PAUSE)
                if control.function == 5
                else WriteRegister(1, at, control.value, Permission.PAUSE)
            )
            with pytest.raises(ForbiddenFrameError):
                await on.talk.ask(dressed_up)
        assert on.models[0].status is PumpStatus.STOPPED
        assert len(on.blocked) == len(register_map.never_sent)


@EVERY
@FRAMED
@in_virtual_time
async def test_silence_is_a_time_out_and_does_not_act(spec, register_map, framing):
    """A dead pump answers nothing and is not paused behind our back."""
    async with rig(spec, register_map, framing) as on:
        on.models[0].press_start()
        on.line.faults.add(None, Fault(FaultKind.SILENCE))
        with pytest.raises(LinkTimeoutError):
            await on.read()
        with pytest.raises(LinkTimeoutError):
            await on.driver.pause(on.talk, ChannelId("1"))
        on.face.catch_up()
        assert on.models[0].status is PumpStatus.RUNNING


@pytest.mark.requirement("INV-2")
@EVERY
@FRAMED
@pytest.mark.parametrize("late_s", [0.2, 0.3])
@in_virtual_time
async def test_a_late_reply_is_never_a_reading(spec, register_map, framing, late_s):
    """What comes after its time-out is dropped; the next reading is the pump's present."""
    async with rig(spec, register_map, framing) as on:
        first = await on.read()
        loop = asyncio.get_running_loop()
        on.line.faults.add(1, Fault(FaultKind.DELAY, until_s=loop.time() + 2.5, delay_s=late_s))
        with pytest.raises(LinkTimeoutError):
            await on.read()
        on.models[0].turn_rate(77 * NL_PER_ML)
        await asyncio.sleep(3)
        second = await on.read()
        assert first.set_flow.value is not None
        assert second.set_flow.value is not None
        assert first.set_flow.value.ml_per_h == "10"
        assert second.set_flow.value.ml_per_h == "77"


@pytest.mark.requirement("INV-2")
@EVERY
@FRAMED
@pytest.mark.parametrize(
    "kind", [FaultKind.DAMAGE, FaultKind.TRUNCATE, FaultKind.GARBAGE, FaultKind.DUPLICATE]
)
@in_virtual_time
async def test_a_hurt_reply_is_an_error_or_the_truth(spec, register_map, framing, kind):
    """Damaged in ways that the wire detects, cut, doubled or behind noise: a wrong value never comes out.

    On TCP the transport's own checksum keeps flipped bits away, so only RTU is damaged.
    """
    if framing == "modbus-tcp" and kind is FaultKind.DAMAGE:
        kind = FaultKind.TRUNCATE
    async with rig(spec, register_map, framing) as on:
        on.line.faults.add(1, Fault(kind, delay_s=0.01))
        seen = 0
        for _ in range(20):
            try:
                reading = await on.read()
            except WireError:
                pass
            else:
                seen += 1
                assert reading.set_flow.value is not None
                assert reading.set_flow.value.ml_per_h == "10"
            await asyncio.sleep(1)
        assert on.line.faults.tally[kind] >= 20
        assert seen == 20 or kind in {FaultKind.DAMAGE, FaultKind.TRUNCATE}


@pytest.mark.requirement("LINK-3")
@EVERY
@FRAMED
@in_virtual_time
async def test_another_pumps_reply_in_front_costs_nothing(spec, register_map, framing):
    """The neighbour runs at 20 mL/h; its reply in front of ours is not ours."""
    async with rig(spec, register_map, framing) as on:
        on.line.faults.add(1, Fault(FaultKind.FOREIGN))
        for _ in range(5):
            reading = await on.read()
            assert reading.set_flow.value is not None
            assert reading.set_flow.value.ml_per_h == "10"
            await asyncio.sleep(1)
        assert on.line.faults.tally[FaultKind.FOREIGN] == 5
        assert on.line.pumps[OTHER_UNIT].face.models["1"].set_rate_nl_h == 20 * NL_PER_ML


@EVERY
@FRAMED
@pytest.mark.parametrize("code", EXCEPTION_NAMES)
@in_virtual_time
async def test_every_refusal_is_told_with_its_code_and_does_not_act(spec, register_map, framing, code):
    """Each exception code that Modbus names arrives as a refusal, for a read and for a pause."""
    async with rig(spec, register_map, framing) as on:
        on.models[0].press_start()
        on.line.faults.add(1, Fault(FaultKind.EXCEPTION, exception_code=code))
        with pytest.raises(DeviceRefusedError) as read:
            await on.read()
        await asyncio.sleep(1)
        with pytest.raises(DeviceRefusedError) as paused:
            await on.driver.pause(on.talk, ChannelId("1"))
        assert (read.value.code, paused.value.code) == (code, code)
        assert on.models[0].status is PumpStatus.RUNNING


@pytest.mark.requirement("INV-3")
@EVERY
@FRAMED
@in_virtual_time
async def test_a_gateway_that_answers_from_its_memory_is_found_out(spec, register_map, framing):
    """A heartbeat that stands still for three of its times makes the values unusable, not live."""
    assert register_map.heartbeat is not None
    async with rig(spec, register_map, framing) as on:
        on.face.forced["heartbeat"] = (42,)
        await on.read()
        await asyncio.sleep(2)
        await on.read()
        await asyncio.sleep(2)
        with pytest.raises(WireError, match="heartbeat"):
            await on.read()
        on.face.forced.clear()
        await asyncio.sleep(1)
        assert (await on.read()).flow.validity is Validity.VALID
