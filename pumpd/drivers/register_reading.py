"""Replies of one cycle to channel readings: compiled once per map, since thousands of pumps share it.

What a pattern means never changes, so each meaning is worked out exactly once and then looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus, missing
from pumpd.drivers.base import ChannelReading
from pumpd.protocols.registers import QUANTITIES, ChannelMap, RegisterMap
from pumpd.protocols.registers_codec import Replies, code_extractor, decoder, extractor
from pumpd.protocols.registers_fields import (
    ORDERS,
    AlarmField,
    FirstStatus,
    FittedField,
    NumberField,
    Order,
    OrderField,
    StatusField,
    UnitField,
)
from pumpd.protocols.registers_order import order_reader
from pumpd.protocols.registers_plan import ReadPlan, Slot
from pumpd.protocols.registers_units import Quantity

T = TypeVar("T")
_MEANINGS_KEPT = 4096
"""Patterns whose meaning is kept per value; a counter brings new ones for ever."""

_AS: dict[Quantity, Callable[[int], Any]] = {
    Quantity.FLOW: FlowRate,
    Quantity.VOLUME: Volume,
    Quantity.PRESSURE: int,
    Quantity.CHARGE: int,
}


class _Meanings(dict[int, T]):
    """Pattern to meaning, filled on first sight and bounded."""

    def __init__(self, work_out: Callable[[int], T]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, pattern: int) -> T:
        if len(self) >= _MEANINGS_KEPT:
            self.clear()
        meaning = self[pattern] = self._work_out(pattern)
        return meaning


def _number(field: NumberField, quantity: Quantity, unit: str) -> _Meanings[Measured[Any]]:
    decode = decoder(field, quantity, unit)
    as_quantity = _AS[quantity]

    def work_out(pattern: int) -> Measured[Any]:
        counts = decode(pattern)
        return counts if counts.value is None else Measured.valid(as_quantity(counts.value))

    return _Meanings(work_out)


def _status(field: StatusField) -> _Meanings[tuple[PumpStatus, str]]:
    return _Meanings(lambda code: (field.codes.get(code, PumpStatus.UNKNOWN), str(code)))


def _first_status(field: FirstStatus) -> _Meanings[tuple[PumpStatus, str] | None]:
    def work_out(code: int) -> tuple[PumpStatus, str] | None:
        status = field.codes.get(code, PumpStatus.UNKNOWN)
        return None if status is None else (status, f"{field.name} {code}")

    return _Meanings(work_out)


def alarm_meanings(field: AlarmField) -> _Meanings[tuple[frozenset[PumpAlarm], tuple[str, ...]]]:
    """Return pattern -> alarms, and each as it came."""

    def work_out(pattern: int) -> tuple[frozenset[PumpAlarm], tuple[str, ...]]:
        if field.alarm is not None:
            return (frozenset({field.alarm}), (field.name,)) if pattern else (frozenset(), ())
        if field.codes:
            if field.codes.get(pattern, PumpAlarm.OTHER) is None:
                return frozenset(), ()
            return frozenset({field.codes.get(pattern) or PumpAlarm.OTHER}), (f"{field.name} {pattern}",)
        raised = [bit for bit in range(32) if pattern >> bit & 1 and bit not in field.no_alarm_bits]
        names = frozenset(field.bits.get(bit, PumpAlarm.OTHER) for bit in raised)
        return names, tuple(f"{field.name}, bit {bit}" for bit in raised)

    return _Meanings(work_out)


class ReadingDecoder:
    """Turns the replies of one cycle into one reading for each channel."""

    def __init__(self, register_map: RegisterMap, read_plan: ReadPlan) -> None:
        self._map = register_map
        self._plan = read_plan
        self._order_of = order_reader(register_map, read_plan)
        order = register_map.order
        told = ORDERS if isinstance(order, OrderField) else (order,)
        self._by_order = {name: self._compile(name) for name in told}

    def __call__(self, replies: Replies) -> tuple[ChannelReading, ...]:
        """Return the readings; WireError when the pump tells no byte order that the map knows."""
        return tuple([read(replies) for read in self._by_order[self._order_of(replies)]])

    def _compile(self, order: Order) -> tuple[Callable[[Replies], ChannelReading], ...]:
        return tuple(
            self._channel(ChannelId(name), channel, order) for name, channel in self._map.channels.items()
        )

    def _channel(
        self, channel: ChannelId, spec: ChannelMap, order: Order
    ) -> Callable[[Replies], ChannelReading]:
        below = f"channels.{channel}"
        slots = self._plan.slots
        says = self._status_teller(spec.status, f"{below}.status", order)
        is_fitted = self._fitted_teller(spec.fitted, f"{below}.fitted", order)
        numbers = {name: self._measured(f"{below}.{name}", field, order) for name, field in spec.numbers()}

        def absent(_: Replies) -> Measured[Any]:
            return missing()

        flow, volume, set_flow, to_be_infused, pressure, battery = (
            numbers.get(name, absent)
            for name in ("flow", "volume", "set_flow", "volume_to_be_infused", "pressure", "battery")
        )
        alarms_of = [
            (code_extractor(field, slots[f"{below}.alarms[{index}]"], order), alarm_meanings(field))
            for index, field in enumerate(spec.alarms)
        ]
        none: tuple[frozenset[PumpAlarm], tuple[str, ...]] = (frozenset(), ())

        def read(replies: Replies) -> ChannelReading:
            status, raw_status = says(replies)
            alarms, raw_alarms = none
            for pick, meanings in alarms_of if status.delivers or is_fitted(replies) else ():
                some, raw = meanings[pick(replies)]
                if some:
                    alarms, raw_alarms = alarms | some, raw_alarms + raw
            return ChannelReading(
                channel,
                status,
                raw_status,
                flow(replies),
                volume(replies),
                set_flow(replies),
                to_be_infused(replies),
                pressure(replies),
                battery(replies),
                alarms,
                raw_alarms,
            )

        return read

    def _status_teller(
        self, spec: StatusField, path: str, order: Order
    ) -> Callable[[Replies], tuple[PumpStatus, str]]:
        slots = self._plan.slots
        pick, meanings = code_extractor(spec, slots[path], order), _status(spec)
        if not spec.first:
            return lambda replies: meanings[pick(replies)]
        before = [
            (code_extractor(field, slots[f"{path}.first[{index}]"], order), _first_status(field))
            for index, field in enumerate(spec.first)
        ]

        def says(replies: Replies) -> tuple[PumpStatus, str]:
            for pick_first, first_meanings in before:
                said = first_meanings[pick_first(replies)]
                if said is not None:
                    return said
            return meanings[pick(replies)]

        return says

    def _fitted_teller(self, field: FittedField | None, path: str, order: Order) -> Callable[[Replies], bool]:
        if field is None:
            return lambda _replies: True
        pick = code_extractor(field, self._plan.slots[path], order)
        return lambda replies: field.codes.get(pick(replies), True)

    def _measured(self, path: str, field: NumberField, order: Order) -> Callable[[Replies], Measured[Any]]:
        slot = self._plan.slots[path]
        pick = extractor(slot, field.width, order)
        quantity = QUANTITIES[path.rpartition(".")[2]]
        if isinstance(field.unit, UnitField):
            return self._with_unit(field, field.unit, quantity, pick, self._plan.slots[f"{path}.unit"], order)
        meanings = _number(field, quantity, field.unit)
        return lambda replies: meanings[pick(replies)]

    @staticmethod
    def _with_unit(
        field: NumberField,
        unit: UnitField,
        quantity: Quantity,
        pick: Callable[[Replies], int],
        unit_slot: Slot,
        order: Order,
    ) -> Callable[[Replies], Measured[Any]]:
        by_code = {code: _number(field, quantity, name) for code, name in unit.codes.items()}
        pick_unit = code_extractor(unit, unit_slot, order)

        def read(replies: Replies) -> Measured[Any]:
            code = pick_unit(replies)
            meanings = by_code.get(code)
            if meanings is None:
                return Measured.invalid(f"unit code {code} is not in the map")
            return meanings[pick(replies)]

        return read


def describe(reading: ChannelReading) -> dict[str, str | tuple[str, ...]]:
    """Return a reading as the text in which a map's examples are written."""

    def text(measured: Measured[Any], unit: str = "", per: int = 1) -> str:
        value = measured.value
        if value is None:
            return measured.validity.name
        return f"{value / per:g} {unit}" if unit else str(value)

    return {
        "status": reading.status.value,
        "flow": text(reading.flow),
        "set_flow": text(reading.set_flow),
        "volume": text(reading.volume),
        "volume_to_be_infused": text(reading.volume_to_be_infused),
        "pressure": text(reading.pressure_kpa_e1, "kPa", 10),
        "battery": text(reading.battery_percent, "%"),
        "alarms": tuple(sorted(alarm.value for alarm in reading.alarms)),
    }
