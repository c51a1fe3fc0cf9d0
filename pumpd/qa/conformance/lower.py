"""A lower rate, for a driver whose card claims it: what is set then, and when nothing may be written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import ChannelId, PumpStatus
from pumpd.drivers.base import LoweringDriver
from pumpd.errors import DeviceRefusedError, LinkTimeoutError
from pumpd.qa.conformance.family import demand, family, refused_with, same
from pumpd.qa.conformance.rig import UNIT, Rig
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.simulator.faults import Fault, FaultKind

_SETTLED_S: Final = 60
"""After so long a motor has come to its rate."""


def _claims(subject: Subject) -> bool:
    return bool(subject.spec.lowerable)


def _channels(subject: Subject, _: Framing) -> Iterable[ChannelId]:
    return sorted(subject.spec.lowerable)


async def _lowered(on: Rig, channel: ChannelId, to_nl_h: int) -> tuple[FlowRate | None, int]:
    """Ask for a lower rate; return what was written, and how often."""
    driver, writes = on.driver, []
    demand(
        isinstance(driver, LoweringDriver), "the card claims a lower rate, and the driver has no lower_rate"
    )
    assert isinstance(driver, LoweringDriver)
    rate = await driver.lower_rate(on.talk, channel, FlowRate(to_nl_h), lambda: writes.append(1))
    await on.rest()
    return rate, len(writes)


def _set_nl_h(on: Rig) -> dict[ChannelId, int]:
    on.face.catch_up()
    return {ChannelId(name): model.set_rate_nl_h for name, model in on.face.models.items()}


async def _running(on: Rig) -> None:
    on.start()
    await asyncio.sleep(_SETTLED_S)


@family("lower", _channels, claims=_claims)
async def a_running_pump_is_lowered_and_runs_on(on: Rig, channel: ChannelId) -> None:
    """To the highest step that is not above what was asked; it reads back, and no other channel changes."""
    await _running(on)
    before = _set_nl_h(on)
    step_nl_h = on.subject.channels[channel].steps["set flow"]
    steps = before[channel] // step_nl_h // 2
    demand(steps > 0, f"channel {channel} is set to {before[channel]} nL/h, less than two of its steps")
    asked_nl_h = steps * step_nl_h + step_nl_h // 2
    rate, writes = await _lowered(on, channel, asked_nl_h)
    same("written", (rate, writes), (FlowRate(steps * step_nl_h), 1))
    same("set on the pump", _set_nl_h(on), {**before, channel: steps * step_nl_h})
    reading = await on.channel(channel)
    same("read back", (reading.status, reading.set_flow.value), (PumpStatus.RUNNING, rate))
    flow_nl_h = on.face.models[channel].flow_nl_h
    demand(flow_nl_h <= asked_nl_h, f"a minute later {flow_nl_h} nL/h flow, asked was at most {asked_nl_h}")


@family("lower, a hand was quicker", _channels, claims=_claims)
async def what_is_set_no_higher_is_left_alone(on: Rig, channel: ChannelId) -> None:
    """A pump that stands, or that somebody set as low or lower meanwhile, is written nothing."""
    model = on.face.models[channel]
    high_nl_h = model.set_rate_nl_h
    step_nl_h = on.subject.channels[channel].steps["set flow"]
    same("of a pump that stands", await _lowered(on, channel, high_nl_h - step_nl_h), (None, 0))
    await _running(on)
    same("of one that is set to it", await _lowered(on, channel, high_nl_h), (None, 0))
    same("set on the pump", model.set_rate_nl_h, high_nl_h)
    model.turn_rate(high_nl_h - 2 * step_nl_h)
    same("of one turned down by hand", await _lowered(on, channel, high_nl_h - step_nl_h), (None, 0))
    same("set by that hand", model.set_rate_nl_h, high_nl_h - 2 * step_nl_h)


@family("lower, no answer", _channels, claims=_claims)
async def without_a_fresh_reading_nothing_is_written(on: Rig, channel: ChannelId) -> None:
    """A silent pump and one that refuses are told as such; neither is set to anything."""
    await _running(on)
    before = _set_nl_h(on)
    on.line.faults.add(None, Fault(FaultKind.SILENCE))
    await refused_with(
        LinkTimeoutError, _lowered(on, channel, before[channel] // 2), "lowering a silent pump"
    )
    on.line.faults.clear(None)
    await on.rest()
    if not on.subject.refusals:
        return  # no refusal of this protocol is known
    code = on.subject.refusals[0]
    on.line.faults.add(UNIT, Fault(FaultKind.EXCEPTION, exception_code=code))
    await refused_with(DeviceRefusedError, _lowered(on, channel, before[channel] // 2), "a refused rate")
    same("set on the pump", _set_nl_h(on), before)
