"""What may befall a reply, and what a driver may do to a pump: through the whole link, both ends real."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pumpd.core.quantities import NL_PER_ML
from pumpd.core.telemetry import PumpStatus, Validity
from pumpd.errors import DeviceRefusedError, ForbiddenFrameError, LinkTimeoutError, WireError
from pumpd.protocols.modbus import WriteCoil, WriteRegister
from pumpd.protocols.wire import Permission, Request
from pumpd.qa.conformance.family import demand, family, refused_with, same
from pumpd.qa.conformance.framing import no_address
from pumpd.qa.conformance.rig import OTHER_UNIT, UNIT, Rig
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.transports.exchange import MOST_LATE_TIMEOUTS

READINGS: Final = 20
HOUR_S: Final = 3600
_SETTLED_S: Final = 60
"""After so long a motor has come to its rate."""


async def _pause_refused(on: Rig, error: type[Exception]) -> list[Exception]:
    """Try to pause every channel that can be; return what came of it."""
    refusals = []
    for channel in sorted(on.spec.pausable):
        paused = on.driver.pause(on.talk, channel)
        refusals.append(await refused_with(error, paused, f"pausing channel {channel}"))
        await on.rest()
    return refusals


def _standing(on: Rig) -> list[PumpStatus]:
    on.face.catch_up()
    return [model.status for model in on.models]


@family("pause")
async def the_pause_stops_the_pump_and_nothing_starts_it(on: Rig) -> None:
    """Each channel that can be paused stops and reads back; one that can not says so and goes on."""
    on.start()
    await asyncio.sleep(1)
    for name in on.spec.channels:
        model = on.face.models[name]
        if name not in on.spec.pausable:
            await refused_with(DeviceRefusedError, on.driver.pause(on.talk, name), f"pausing channel {name}")
            demand(model.status.delivers, f"channel {name} can not be paused, and stands")
            continue
        await on.driver.pause(on.talk, name)
        await on.rest()
        reading = await on.channel(name)
        demand(not reading.status.delivers, f"channel {name} reads back as {reading.status.value}")
        same(f"channel {name}, flow", getattr(reading.flow.value, "nl_per_h", None), 0)
        given_nl = model.delivered_nl
        await asyncio.sleep(HOUR_S)
        on.face.catch_up()
        same(f"channel {name}, given after the pause", model.delivered_nl, given_nl)


def _unknown_start(subject: Subject, _: Framing) -> str:
    if dressed_up(subject):
        return ""
    return "the driver names nothing under never_sent, so nothing was seen to be held back"


@family("never sent", missing=_unknown_start)
async def what_is_never_sent_is_held_back(on: Rig) -> None:
    """Even dressed up as a pause, what the pump knows and pumpd never sends does not reach the wire."""
    standing = _standing(on)
    forbidden = dressed_up(on.subject)
    for request in forbidden:
        await refused_with(ForbiddenFrameError, on.talk.ask(request), f"sending {request}")
    same("times that the filter told why", len(on.blocked), len(forbidden))
    same("what the pump does", _standing(on), standing)


@dataclass(frozen=True, slots=True)
class DressedUp:
    """A message that is never sent, as a request that claims to be a pause."""

    payload: bytes
    permission: Permission = Permission.PAUSE
    address: int = UNIT

    @property
    def shape(self) -> tuple[object, ...]:
        """That of no reply."""
        return (self.payload,)

    @property
    def refusal_shape(self) -> tuple[object, ...]:
        """That of no refusal."""
        return (self.payload,)

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return self.payload

    def parse_reply(self, frame: bytes) -> None:
        """Take any reply for a good one."""


def dressed_up(subject: Subject) -> list[Request[None]]:
    """Return everything that is never sent as requests that claim to be a pause."""
    spec = subject.spec
    found: list[Request[None]] = (
        [DressedUp(payload) for payload in spec.dialect.never_sent] if spec.dialect else []
    )
    for control in spec.register_map.never_sent.values() if spec.register_map else ():
        assert spec.register_map is not None
        at = spec.register_map.pdu(control.address)
        if control.function == 5:
            found.append(WriteCoil(UNIT, at, on=bool(control.value), permission=Permission.PAUSE))
        else:
            found.append(WriteRegister(UNIT, at, control.value, Permission.PAUSE))
    return found


@family("silence")
async def silence_is_a_time_out(on: Rig) -> None:
    """A dead pump answers nothing, which is told as such, and is not paused behind anybody's back."""
    on.start()
    standing = _standing(on)
    on.line.faults.add(None, Fault(FaultKind.SILENCE))
    await refused_with(LinkTimeoutError, on.driver.identify(on.talk), "identity of a silent pump")
    await refused_with(LinkTimeoutError, on.driver.read(on.talk), "reading of a silent pump")
    await _pause_refused(on, LinkTimeoutError)
    same("what the pump does", _standing(on), standing)


def _late(_: Subject, __: Framing) -> Iterable[float]:
    return (0.2, 0.6)


@family("late reply", _late)
async def a_late_reply_is_never_a_reading(on: Rig, late_share: float) -> None:
    """What comes after it was waited for is dropped; the next reading is the pump's present.

    ``late_share`` is how far on the way from there to where nothing that answers comes any more.
    """
    timeout_s, card = await on.timeout_s(), on.spec.card
    waited_s = timeout_s + max(0, card.slow_reply_ms - card.reply_time_ms) / 1000
    last_s = (1 + MOST_LATE_TIMEOUTS) * timeout_s
    await _running_at(on, 10)
    on.line.faults.add(UNIT, Fault(FaultKind.DELAY, delay_s=waited_s + late_share * (last_s - waited_s)))
    await refused_with(LinkTimeoutError, on.driver.read(on.talk), "a reading that came too late")
    on.line.faults.clear(UNIT)
    for model in on.models:
        model.turn_rate(77 * NL_PER_ML)
        model.flow_nl_h = 77 * NL_PER_ML
    for _ in range(3):
        await _tells(on, 77)


async def _running_at(on: Rig, ml_h: int) -> None:
    """Start every channel at a rate, and let its flow settle."""
    for model in on.models:
        model.turn_rate(ml_h * NL_PER_ML)
    on.start()
    await asyncio.sleep(_SETTLED_S)


async def _tells(on: Rig, ml_h: int) -> None:
    """Read, and demand the rate of our pump on every channel; WireError when there is no reading."""
    for _, reading in await on.readings():
        steps = on.subject.channels[reading.channel].steps
        name = "set flow" if "set flow" in steps else "flow"
        told = (reading.set_flow if name == "set flow" else reading.flow).value
        near = told is not None and abs(told.nl_per_h - ml_h * NL_PER_ML) < steps[name]
        demand(near, f"channel {reading.channel}, {name}: {told}, the pump runs at {ml_h} mL/h")


def _hurts(_: Subject, framing: Framing) -> Iterable[FaultKind]:
    kinds = [FaultKind.TRUNCATE, FaultKind.GARBAGE, FaultKind.DUPLICATE, FaultKind.DAMAGE]
    return kinds if framing.can_be_damaged else kinds[:-1]


@family("hurt reply", _hurts)
async def a_hurt_reply_is_an_error_or_the_truth(on: Rig, kind: FaultKind) -> None:
    """Damaged, cut, doubled or behind noise: a wrong value never comes out, and noise costs no reading."""
    rest_s = 10 * await on.timeout_s()
    await _running_at(on, 10)
    on.line.faults.add(UNIT, Fault(kind, delay_s=0.01))
    seen = 0
    for _ in range(READINGS):
        try:
            await _tells(on, 10)
        except WireError:
            pass
        else:
            seen += 1
        await asyncio.sleep(rest_s)
    demand(
        on.line.faults.tally[kind] >= READINGS, f"{kind.value} was done {on.line.faults.tally[kind]} times"
    )
    if kind in {FaultKind.GARBAGE, FaultKind.DUPLICATE}:
        same("readings that came through", seen, READINGS)


@family("foreign reply", missing=no_address)
async def another_pumps_reply_costs_nothing(on: Rig) -> None:
    """The neighbour runs at 20 mL/h; its reply in front of ours is not ours, and ours still counts."""
    await _running_at(on, 10)
    on.line.faults.add(UNIT, Fault(FaultKind.FOREIGN))
    for _ in range(READINGS):
        await _tells(on, 10)
        await asyncio.sleep(1)
    demand(on.line.faults.tally[FaultKind.FOREIGN] >= READINGS, "no foreign reply was sent")
    neighbour = on.line.pumps[OTHER_UNIT].face.models
    demand(all(m.set_rate_nl_h == 20 * NL_PER_ML for m in neighbour.values()), "the neighbour was changed")


def _codes(subject: Subject, _: Framing) -> Iterable[int]:
    return subject.refusals


@family("refusal", _codes)
async def every_refusal_is_told_with_its_code(on: Rig, code: int) -> None:
    """Each refusal that the protocol names arrives as one, for a reading and for a pause; nothing is done."""
    on.start()
    standing = _standing(on)
    on.line.faults.add(UNIT, Fault(FaultKind.EXCEPTION, exception_code=code))
    refusals = [await refused_with(DeviceRefusedError, on.driver.read(on.talk), "a refused reading")]
    await on.rest()
    refusals += await _pause_refused(on, DeviceRefusedError)
    for refusal in refusals:
        same("code", getattr(refusal, "code", None), code)
    same("what the pump does", _standing(on), standing)


def _of_modbus(subject: Subject, _: Framing) -> Iterable[str]:
    return () if subject.spec.register_map is None else ("heartbeat",)


def _no_heartbeat(subject: Subject, _: Framing) -> str:
    register_map = subject.spec.register_map
    if register_map is not None and register_map.heartbeat is not None:
        return ""
    return "the map has no heartbeat: a gateway that answers from its memory is not found out"


@family("stored values", _of_modbus, missing=_no_heartbeat)
async def a_gateway_that_answers_from_its_memory_is_found_out(on: Rig, _: str) -> None:
    """A heartbeat that stands still for three of its times makes the values unusable, not live."""
    register_map = on.spec.register_map
    assert register_map is not None
    assert register_map.heartbeat is not None
    beat_s = register_map.heartbeat.changes_within_ms / 1000
    on.face.forced["heartbeat"] = (42,)
    await on.read()
    await asyncio.sleep(2 * beat_s)
    await on.read()
    await asyncio.sleep(2 * beat_s)
    await refused_with(WireError, on.driver.read(on.talk), "a reading from a gateway's memory")
    on.face.forced.clear()
    await asyncio.sleep(beat_s)
    same("flow once it moves again", (await on.read()).flow.validity, Validity.VALID)
