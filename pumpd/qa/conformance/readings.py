"""What a driver reads is what the simulated pump holds, and what it can not know it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import Measured, PumpAlarm, PumpStatus, Validity
from pumpd.drivers.base import ChannelReading
from pumpd.qa.conformance.family import demand, family, same
from pumpd.qa.conformance.rig import Rig
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.simulator.model import PumpModel

GIVEN_NS: Final = 600 * NS_PER_S
"""How long a pump has run before it is read."""


@family("identity")
async def who_answers(on: Rig) -> None:
    """Model, serial number and firmware come back as far as the pump tells them."""
    identity = await on.driver.identify(on.talk)
    same("model", identity.model, on.face.texts["model"])
    for part in ("serial_number", "firmware"):
        expected = on.face.texts[part] if part in on.subject.tells else ""
        same(part.replace("_", " "), getattr(identity, part), expected)


def _tells_no_serial_number(subject: Subject, _: Framing) -> str:
    if "serial_number" in subject.tells:
        return ""
    return "the pump does not tell its serial number: a simulated one can not be told from a real one"


@family("provenance", missing=_tells_no_serial_number)
async def a_simulator_is_known(on: Rig) -> None:
    """The driver hands on that a simulator answered: a serial number that begins with SIM-."""
    identity = await on.driver.identify(on.talk)
    demand(identity.simulated, f"serial number {identity.serial_number!r} does not say that it is simulated")


def _statuses(subject: Subject, _: Framing) -> Iterable[PumpStatus]:
    known = {status for sayings in subject.channels.values() for status in sayings.statuses}
    return [status for status in PumpStatus if status in known]


@family("status", _statuses)
async def it_reads_what_the_model_holds(on: Rig, status: PumpStatus) -> None:
    """In every status that the pump has a code for, each value is the model's, on the pump's own grid."""
    for model in on.models:
        model.press_start()
        model.advance(GIVEN_NS)
        model.status, model.flow_nl_h = status, model.set_rate_nl_h if status.delivers else 0
        if status is PumpStatus.BOLUS:
            model.status = PumpStatus.RUNNING
            model.give_bolus(NL_PER_ML)
    for model, reading in await on.readings():
        sayings = on.subject.channels[reading.channel]
        if status in sayings.statuses:
            same(f"channel {reading.channel}, status", reading.status, status)
        held = _held_by(model)
        for name, measured in _measured(reading).items():
            _compare(f"channel {reading.channel}, {name}", measured, held[name], sayings.steps.get(name))


def _held_by(model: PumpModel) -> dict[str, int | None]:
    """Return what a simulated channel holds, in the counts of the core, by the names that a card uses."""
    return {
        "flow": model.shown_flow_nl_h,
        "set flow": model.set_rate_nl_h,
        "volume": model.delivered_nl,
        "volume to be infused": model.to_be_infused_left_nl,
        "pressure": model.pressure_pa // 100,
        "battery": model.battery_percent,
    }


def _measured(reading: ChannelReading) -> dict[str, Measured[Any]]:
    return {
        "flow": reading.flow,
        "set flow": reading.set_flow,
        "volume": reading.volume,
        "volume to be infused": reading.volume_to_be_infused,
        "pressure": reading.pressure_kpa_e1,
        "battery": reading.battery_percent,
    }


def _compare(what: str, measured: Measured[Any], held: int | None, step: int | None) -> None:
    """Hold one number against the model; what the pump does not tell is MISSING."""
    if held is None or step is None:
        same(what, measured.validity, Validity.MISSING)
        return
    value = measured.value
    demand(value is not None, f"{what}: {measured.validity.name}, expected {held}")
    counts = value if isinstance(value, int) else getattr(value, "nl_per_h", getattr(value, "nl", None))
    assert counts is not None, "a number is a flow, a volume or an integer"
    within = max(step, 2)  # a model's own rounding is one count
    demand(abs(counts - held) < within, f"{what}: {counts}, the model holds {held} in steps of {step}")


def _alarms(subject: Subject, _: Framing) -> Iterable[PumpAlarm]:
    known = {alarm for sayings in subject.channels.values() for alarm in sayings.alarms}
    return [alarm for alarm in PumpAlarm if alarm in known]


@family("alarm", _alarms)
async def every_alarm_is_read(on: Rig, alarm: PumpAlarm) -> None:
    """Each alarm that the pump can name arrives under its own name, and no other does."""
    for model in on.models:
        model.raise_alarm(alarm)
    for _, reading in await on.readings():
        expected = {alarm} & on.subject.channels[reading.channel].alarms
        same(f"channel {reading.channel}, alarms", set(reading.alarms), expected)
        same(f"channel {reading.channel}, alarms as they came", len(reading.raw_alarms), len(expected))


def _some_can_not(part: str, what: str) -> Any:
    def missing(subject: Subject, _: Framing) -> str:
        without = [name for name, sayings in subject.channels.items() if not getattr(sayings, part)]
        return (
            f"no channel of the simulated pump can show {what}"
            if len(without) == len(subject.channels)
            else ""
        )

    return missing


@family("odd alarm", missing=_some_can_not("odd_alarm", "an alarm that its protocol does not name"))
async def an_alarm_without_a_name_is_kept(on: Rig) -> None:
    """An alarm that nobody has named is OTHER, with what arrived; it is never dropped."""
    for channel, sayings in on.subject.channels.items():
        on.face.forced = dict(sayings.odd_alarm)
        reading = await on.channel(channel)
        if sayings.odd_alarm:
            same(f"channel {channel}, alarms", set(reading.alarms), {PumpAlarm.OTHER})
            same(f"channel {channel}, alarms as they came", len(reading.raw_alarms), 1)


@family("odd status", missing=_some_can_not("odd_status", "a status that its protocol does not name"))
async def a_status_without_a_name_is_unknown(on: Rig) -> None:
    """A code that nobody has named is UNKNOWN, never RUNNING, and what arrived is kept."""
    for channel, sayings in on.subject.channels.items():
        on.face.forced = dict(sayings.odd_status)
        reading = await on.channel(channel)
        if sayings.odd_status:
            same(f"channel {channel}, status", reading.status, PumpStatus.UNKNOWN)
            demand(bool(reading.raw_status), f"channel {channel}: the code that arrived is not kept")


@family("odd flow", missing=_some_can_not("odd_flow", "a flow that can not be"))
async def a_flow_that_can_not_be_is_no_number(on: Rig) -> None:
    """A flow beyond its range is INVALID, with what arrived; it never becomes a number."""
    for channel, sayings in on.subject.channels.items():
        on.face.forced = dict(sayings.odd_flow)
        reading = await on.channel(channel)
        if sayings.odd_flow:
            same(f"channel {channel}, flow", reading.flow.validity, Validity.INVALID)
            demand(bool(reading.flow.raw), f"channel {channel}: the flow that arrived is not kept")
