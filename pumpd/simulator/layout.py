"""What a map's registers show of a pump model: compiled once per map, the driver's decoder the other way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from typing import Protocol

from pumpd.core.telemetry import PumpAlarm
from pumpd.protocols.registers import QUANTITIES, RegisterMap
from pumpd.protocols.registers_codec import encoder, words_of, words_of_code, words_of_text
from pumpd.protocols.registers_fields import (
    AlarmField,
    Code,
    FirstStatus,
    FittedField,
    NumberField,
    Order,
    OrderField,
    Place,
    StatusField,
    TextField,
    UnitField,
)
from pumpd.simulator.model import PumpModel
from pumpd.simulator.status_codes import status_codes

Words = tuple[int, ...]
_WORDS_KEPT = 4096
"""Values of a number whose words are kept; a counter brings new ones for ever."""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What an engineer can set on a device whose map reads it from there."""

    order: Order | None = None
    """Byte order; None: the map's own, or the first that it knows."""
    units: dict[str, int] = field(default_factory=dict)
    """Path of a number -> the unit code set; others have the first that the map knows."""


class Shown(Protocol):
    """What a layout needs of the simulated pump."""

    models: dict[str, PumpModel]
    texts: dict[str, str]


Render = Callable[[Shown], Words]

_NUMBERS: dict[str, Callable[[PumpModel], int | None]] = {
    "flow": lambda model: model.shown_flow_nl_h,
    "set_flow": lambda model: model.set_rate_nl_h,
    "volume": lambda model: model.delivered_nl,
    "volume_to_be_infused": lambda model: model.to_be_infused_left_nl,
    "pressure": lambda model: model.pressure_pa // 100,
    "battery": lambda model: model.battery_percent,
}


class Layout:
    """Every register of a map: who renders it, and which addresses may be read at all."""

    def __init__(self, register_map: RegisterMap, settings: DeviceSettings) -> None:
        self.map = register_map
        self._settings = settings
        self.order = settings.order or self._first_order()
        self.fields: list[tuple[str, int, int, int, Render]] = []
        """Path, function, PDU address, width and renderer of each value; bits of one register stand apart."""
        bits: dict[tuple[int, int], list[tuple[int, Render]]] = {}
        for path, place in register_map.places():
            start = register_map.pdu(place.address)
            render = self._render(path, place)
            if isinstance(place, Code) and place.bit is not None:
                bits.setdefault((place.function, start), []).append((place.bit, render))
            else:
                self.fields.append((path, place.function, start, place.width, render))
        for (function, start), parts in bits.items():
            self.fields.append((f"bits {start}", function, start, 1, self._gather(parts)))
        self.readable = self._readable()

    def _first_order(self) -> Order:
        order = self.map.order
        if not isinstance(order, OrderField):
            return order
        return next(iter(order.codes.values()), "abcd")

    def _readable(self) -> frozenset[tuple[int, int]]:
        """Return (function, address) of every register, and of the gaps that the map says can be read."""
        taken = sorted({(f, start + at) for _, f, start, width, _ in self.fields for at in range(width)})
        gap = self.map.quirks.readable_gap
        between = {
            (function, address)
            for (function, first), (other, last) in pairwise(taken)
            if function == other and last - first - 1 <= gap
            for address in range(first + 1, last)
        }
        return frozenset(taken) | between

    def _gather(self, parts: list[tuple[int, Render]]) -> Render:
        def render(shown: Shown) -> Words:
            word = 0
            for bit, part in parts:
                word |= part(shown)[0] << bit
            return words_of(word, 1, self.order)

        return render

    def _render(self, path: str, place: Place) -> Render:
        if isinstance(place, TextField):
            name, text_field, order = path.rpartition(".")[2], place, self.order
            return lambda shown: words_of_text(shown.texts.get(name, ""), text_field, order)
        if isinstance(place, OrderField):
            return self._render_order(place)
        if path == "heartbeat":
            return lambda shown: words_of(next(iter(shown.models.values())).heartbeat & 0xFFFF, 1, self.order)
        channel = path.split(".")[1]
        if isinstance(place, StatusField | FirstStatus):
            return self._coded(channel, place, self._status_code(channel, place))
        if isinstance(place, FittedField):
            there = next(code for code, fitted in place.codes.items() if fitted)
            return self._coded(channel, place, lambda _model: there)
        if isinstance(place, AlarmField):
            return self._coded(channel, place, self._alarm_pattern(place, self._shown_before(channel, place)))
        if isinstance(place, UnitField):
            code = self._unit_code(path.removesuffix(".unit"), place)
            words = words_of_code(place, code, self.order)
            return lambda _shown: words
        assert isinstance(place, NumberField)
        return self._number(channel, path, place)

    def _render_order(self, field: OrderField) -> Render:
        if field.pattern is not None:
            words = words_of(field.pattern, 2, self.order)
        else:
            code = next(code for code, order in field.codes.items() if order == self.order)
            words = (code,)
        return lambda _shown: words

    def _coded(self, channel: str, field: Code, code_of: Callable[[PumpModel], int]) -> Render:
        words = lru_cache(maxsize=_WORDS_KEPT)(partial(words_of_code, field, order=self.order))
        return lambda shown: words(code_of(shown.models[channel]))

    def _status_code(self, channel: str, field: StatusField | FirstStatus) -> Callable[[PumpModel], int]:
        spec = self.map.channels[channel].status
        at = next(at for at, teller in enumerate(spec.tellers()) if teller is field)
        codes = status_codes(spec)
        return lambda model: codes[model.status][at]

    def _shown_before(self, channel: str, field: AlarmField) -> frozenset[PumpAlarm]:
        """Return the alarms that an earlier place of the channel shows: one alarm stands in one place."""
        places = self.map.channels[channel].alarms
        at = next(at for at, place in enumerate(places) if place is field)
        return frozenset(alarm for place in places[:at] for alarm in place.named())

    @staticmethod
    def _alarm_pattern(field: AlarmField, elsewhere: frozenset[PumpAlarm]) -> Callable[[PumpModel], int]:
        if field.alarm is not None:
            alarm = field.alarm
            return lambda model: int(alarm in model.present_alarms() - elsewhere)
        if field.codes:
            quiet = next((code for code, alarm in field.codes.items() if alarm is None), 0)

            def code(model: PumpModel) -> int:
                present = model.present_alarms() - elsewhere
                named = (code for code, alarm in field.codes.items() if alarm in present)
                return model.unnamed_alarm_bits or next(named, quiet)

            return code
        bit_of = {alarm: 1 << bit for bit, alarm in reversed(field.bits.items()) if alarm not in elsewhere}

        def pattern(model: PumpModel) -> int:
            return model.unnamed_alarm_bits | sum(bit_of.get(alarm, 0) for alarm in model.present_alarms())

        return pattern

    def _unit_code(self, path: str, field: UnitField) -> int:
        return self._settings.units.get(path, next(iter(field.codes)))

    def _number(self, channel: str, path: str, field: NumberField) -> Render:
        name = path.rpartition(".")[2]
        value_of, quantity = _NUMBERS[name], QUANTITIES[name]
        if isinstance(field.unit, UnitField):
            unit = field.unit.codes[self._unit_code(path, field.unit)]
        else:
            unit = field.unit
        encode = encoder(field, quantity, unit)
        absent = field.no_value[0] if field.no_value else 0
        width, order = field.width, self.order

        @lru_cache(maxsize=_WORDS_KEPT)
        def words(counts: int | None) -> Words:
            return words_of(absent if counts is None else encode(counts), width, order)

        return lambda shown: words(value_of(shown.models[channel]))
