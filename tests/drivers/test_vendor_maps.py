"""The maps of Teledyne ISCO, Vindum and ProMinent: every code of status and alarm, and what can go wrong."""

from __future__ import annotations

import asyncio

import pytest

from pumpd.core.telemetry import ChannelId, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.register_map import CompiledMap
from pumpd.drivers.registry import find, of_register_map
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.maps import shipped_map
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_codec import words_of_code
from pumpd.protocols.registers_fields import AlarmField, Code, FirstStatus, StatusField
from pumpd.qa.conformance.rig import Rig, rig
from pumpd.qa.conformance.subject import MODBUS, Subject, subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.layout import DeviceSettings
from tests.drivers.vendor_codes import ROWS, Row, every_code

MAPS = ("teledyne-isco", "vindum-vp", "prominent-gamma-x")
TCP, RTU = MODBUS
A = ChannelId("A")
SILENT = {
    ("teledyne-isco", "A", 1, 5): (0,),
    ("teledyne-isco", "B", 1, 6): (0,),
    ("teledyne-isco", "C", 1, 7): (0,),
    ("teledyne-isco", "D", 1, 8): (0,),
    ("vindum-vp", "A", 2, 0): (1,),
    ("vindum-vp", "B", 2, 1): (1,),
    ("prominent-gamma-x", "1", 3, 1023): (0, 3, 4, 5, 6),
    ("prominent-gamma-x", "1", 3, 1200): (1, 3),
}
"""Place -> its codes that say nothing of the status, so that the next place speaks; by hand, as ROWS are."""


def places_of(register_map: RegisterMap, row: Row) -> dict[str, Code]:
    """Return every path and place of the code that a row speaks of: channels may share one."""
    kinds = AlarmField if isinstance(row.means, PumpAlarm) else (StatusField, FirstStatus)
    found: dict[str, Code] = {
        path: place
        for path, place in register_map.places()
        if isinstance(place, kinds) and (place.function, place.address) == (row.function, row.address)
    }
    assert any(path.startswith(f"channels.{row.channel}.") for path in found), row
    return found


async def shown(on: Rig, row: Row) -> None:
    """Let the simulated pump show one code, and demand what the row says it means."""
    register_map = shipped_map(row.map_name)
    places = places_of(register_map, row)
    model = on.face.models[row.channel]
    model.status = PumpStatus.RUNNING
    on.face.forced = {path: words_of_code(place, row.code, "abcd") for path, place in places.items()}
    reading = await on.channel(ChannelId(row.channel))
    if isinstance(row.means, PumpAlarm):
        assert reading.alarms == {row.means}, row
        assert len(reading.raw_alarms) == 1
        assert reading.raw_alarms[0]
    else:
        assert reading.status is row.means, row
        assert str(row.code) in reading.raw_status


@pytest.mark.requirement("MAP-3", "MAP-4")
@pytest.mark.parametrize("name", MAPS)
@in_virtual_time
async def test_every_code_means_what_its_row_says(name):
    """Each status code, alarm bit and alarm code, one after the other; the table has all of the map's."""
    rows = [row for row in ROWS if row.map_name == name]
    told = {(row.channel, row.function, row.address, row.code) for row in rows}
    assert told >= set(every_code(shipped_map(name)))
    async with rig(subject_of(find(name)), TCP) as on:
        for row in rows:
            await shown(on, row)


@pytest.mark.requirement("MAP-3", "MAP-4")
@pytest.mark.parametrize("name", MAPS)
@in_virtual_time
async def test_a_code_that_says_nothing_lets_the_next_place_speak(name):
    """One after the other: the pump runs, and is read as running; the table has all of the map's."""
    rows = {place: codes for place, codes in SILENT.items() if place[0] == name}
    register_map = shipped_map(name)
    silent = {
        (name, channel, first.function, first.address): tuple(c for c, s in first.codes.items() if s is None)
        for channel, plan in register_map.channels.items()
        for first in plan.status.first
    }
    assert all(set(codes) <= set(rows[place]) for place, codes in silent.items())
    async with rig(subject_of(find(name)), TCP) as on:
        for (_, channel, function, address), codes in rows.items():
            for code in codes:
                row = Row(name, channel, function, address, code, PumpStatus.RUNNING)
                places = places_of(register_map, row)
                on.face.models[channel].status = PumpStatus.RUNNING
                on.face.forced = {path: words_of_code(place, code, "abcd") for path, place in places.items()}
                assert (await on.channel(ChannelId(channel))).status is PumpStatus.RUNNING, row


@pytest.mark.requirement("MAP-4")
@in_virtual_time
async def test_a_channel_without_a_pump_stands_and_says_nothing():
    """No transducer: what an ISCO calls empty there is no alarm; while that channel runs it is."""
    async with rig(subject_of(find("teledyne-isco")), TCP) as on:
        empty = {"channels.A.alarms[0]": (1,)}
        for fitted, running, alarms in ((0, 0, set()), (0, 1, {PumpAlarm.EMPTY}), (1, 0, {PumpAlarm.EMPTY})):
            on.face.forced = {**empty, "channels.A.fitted": (fitted,), "channels.A.status": (running,)}
            assert (await on.channel(A)).alarms == alarms


@pytest.mark.requirement("MAP-4")
@pytest.mark.parametrize("unit", [(0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 1)])
@in_virtual_time
async def test_a_flow_has_a_unit_only_while_one_coil_says_so(unit):
    """None or two of the four unit coils: INVALID with the number of the code; one: a flow."""
    async with rig(subject_of(find("teledyne-isco")), TCP) as on:
        on.face.forced = {f"channels.{name}.flow.unit": unit for name in "ABCD"}
        flow = (await on.channel(A)).flow
        assert (flow.validity is Validity.VALID) is (sum(unit) == 1)
        assert sum(unit) == 1 or "unit code" in (flow.raw or "")


@pytest.mark.requirement("MAP-4")
@pytest.mark.parametrize(("name", "order"), [("vindum-vp", "cdab"), ("prominent-gamma-x", "dcba")])
@in_virtual_time
async def test_the_byte_order_is_what_the_pump_says(name, order):
    """The same pump set to another order reads the same."""
    found = []
    for each in ("abcd", order):
        async with rig(subject_of(find(name), DeviceSettings(order=each)), RTU) as on:
            on.start()
            await asyncio.sleep(60)
            found.append((await on.read()).flow)
    assert found[0] == found[1]
    assert found[0].value is not None


def counted_from_one() -> Subject:
    """Return ProMinent's driver in front of a pump whose register n travels as n - 1."""
    spec = find("prominent-gamma-x")
    assert spec.register_map is not None
    other = spec.register_map.model_copy(update={"address_base": 1})
    face = subject_of(of_register_map(spec.card, other)).make_face
    whole = subject_of(spec)
    return Subject(spec, whole.framings, whole.channels, whole.tells, whole.refusals, face)


@pytest.mark.requirement("MAP-4", "INV-1")
@in_virtual_time
async def test_with_another_address_base_nothing_is_read_and_nothing_is_written():
    """The known constant is not at its place: no identity, no reading, and no write beside the register."""
    async with rig(counted_from_one(), RTU) as on:
        on.start()
        written = []
        answer = on.face.answer

        def noted(payload: bytes) -> bytes:
            written.extend([payload] * (payload[1] in {5, 6, 15, 16}))
            return answer(payload)

        on.face.answer = noted  # type: ignore[method-assign]
        for asked in (
            lambda: on.driver.identify(on.talk),
            lambda: on.driver.read(on.talk),
            lambda: on.driver.pause(on.talk, ChannelId("1")),
        ):
            with pytest.raises((WireError, DeviceRefusedError)):  # this pump has no register beside it
                await asked()
            await on.rest()
        assert written == []
        assert on.models[0].status is PumpStatus.RUNNING


@pytest.mark.requirement("MAP-4")
def test_a_constant_that_stands_one_register_off_is_in_no_order():
    """What a pump that counts from 1 answers for it, whatever stands behind: told as another base, too."""
    compiled = CompiledMap(shipped_map("prominent-gamma-x"))
    assert compiled.check_constant is not None
    assert compiled.check_constant([[0xBBAA, 0xDDCC]]) == "badc"
    for behind in (0, 0xAABB, 0xDDCC, 0xFFFF):
        for half in (0xCCDD, 0xAABB, 0xBBAA, 0xDDCC):
            words = [half, behind]
            if (half, behind) in {(0xCCDD, 0xAABB), (0xAABB, 0xCCDD), (0xBBAA, 0xDDCC), (0xDDCC, 0xBBAA)}:
                continue
            with pytest.raises(WireError, match="the address base may be another"):
                compiled.check_constant([words])


@pytest.mark.requirement("MAP-4", "INV-2")
@in_virtual_time
async def test_the_garbage_with_which_an_isco_comes_back_is_no_reading():
    """Nothing for 121 s, then a frame of another transaction, unit and exception, then service as before."""
    async with rig(subject_of(find("teledyne-isco")), TCP) as on:
        on.start()
        await asyncio.sleep(60)
        before = (await on.read()).flow
        silent_until = asyncio.get_running_loop().time() + 121
        replies = on.line.replies

        def troubled(question, framer):
            if asyncio.get_running_loop().time() < silent_until:
                return []
            return [(0.0, GARBAGE), *replies(question, framer)]

        on.line.replies = troubled  # type: ignore[method-assign]
        lost = 0
        while asyncio.get_running_loop().time() < silent_until:
            with pytest.raises(WireError):
                await on.driver.read(on.talk)
            lost += 1
        assert lost > 50
        assert (await on.read()).flow == before
        assert on.talk.counters.discarded_bytes >= len(GARBAGE)


GARBAGE = bytes.fromhex("00 2e 00 00 00 03 03 e3 01")
"""ISCO_Modbus_comms.txt of epics-modules/SyringePump, commit 94b2851."""
