"""A register map held against a real pump: every register with its raw words, and whether it makes sense.

Words in the wrong order, and addresses counted from the wrong base, read as other numbers and not as errors;
so every other reading of the same words is judged too, and told where more of it makes sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pumpd.core.telemetry import PumpAlarm, Validity
from pumpd.drivers.register_reading import alarm_meanings
from pumpd.errors import WireError
from pumpd.protocols.registers import QUANTITIES, RegisterMap
from pumpd.protocols.registers_codec import code_extractor, decoder, extractor, text_of
from pumpd.protocols.registers_fields import (
    ORDERS,
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
from pumpd.protocols.registers_order import order_reader
from pumpd.protocols.registers_plan import ReadPlan, Slot, plan

Answers = Sequence[Sequence[int] | None]
"""The words of each read of a plan; None where the pump refused."""
REFUSED: Final = "refused"
IN_RANGE: Final = "in range"


@dataclass(frozen=True, slots=True)
class Seen:
    """One register of a map as the pump shows it."""

    path: str
    function: int
    address: int
    """As the document writes it."""
    words: tuple[int, ...]
    value: str
    verdict: str
    good: bool
    """Whether the pump could mean it."""


def plan_at(register_map: RegisterMap, address_base: int) -> ReadPlan:
    """Return what reads a map, its addresses counted from ``address_base``; what can not be is left out."""
    places = {
        path: place
        for path, place in register_map.places()
        if 0 <= place.address - address_base <= 0x10000 - place.width
    }
    return plan(places, address_base, register_map.quirks)


def order_told(register_map: RegisterMap, read_plan: ReadPlan, answers: Answers) -> tuple[Order, str]:
    """Return the byte order to read by, and what is wrong with how the pump tells it."""
    if not isinstance(register_map.order, OrderField):
        return register_map.order, ""
    slot = read_plan.slots.get("order")
    if slot is None or answers[slot.reply] is None:
        return "abcd", "the register of the byte order was refused; abcd is shown"
    try:
        return order_reader(register_map, read_plan)([words or () for words in answers]), ""
    except WireError as error:
        return "abcd", f"{error}; abcd is shown"


def registers_seen(
    register_map: RegisterMap, read_plan: ReadPlan, answers: Answers, order: Order
) -> Iterator[Seen]:
    """Yield every register that the plan reads, its words read in ``order``."""
    places = dict(register_map.places())
    for path, slot in read_plan.slots.items():
        place, words = places[path], answers[slot.reply]
        if words is None:
            yield Seen(path, place.function, place.address, (), "", REFUSED, good=False)
            continue
        raw = tuple(words[slot.at : slot.at + place.width])
        value, verdict, good = _judged(path, place, raw, order, _unit(path, place, read_plan, answers, order))
        yield Seen(path, place.function, place.address, raw, value, verdict, good)


def hints(
    register_map: RegisterMap, at_base: Mapping[int, tuple[ReadPlan, Answers]], order: Order
) -> list[str]:
    """Return which other word order or address base would make more of the pump's words sense.

    ``at_base`` holds what was read with each base; that of the map is among them. Where a pump tells its byte
    order, the words of each base are read in the order that is told there.
    """
    own = register_map.address_base
    sense: dict[tuple[int, Order], int] = {}
    for base, (read_plan, answers) in at_base.items():
        told = isinstance(register_map.order, OrderField)
        orders = (order_told(register_map, read_plan, answers)[0],) if told else ORDERS
        for each in orders:
            sense[base, each] = _sense(registers_seen(register_map, read_plan, answers, each))
    best = max(sense.values())
    if sense[own, order] == best:
        return []
    total = sum(1 for path, _ in register_map.places() if not path.startswith("identity."))
    changed = {at: (at[0] != own) + (at[1] != order) for at, good in sense.items() if good == best}
    return [
        f"{_change(register_map, base, each, order)} makes sense of {best} of {total} values, "
        f"the map's own reading of {sense[own, order]}"
        for (base, each), n_changes in changed.items()
        if n_changes == min(changed.values())
    ]


def _change(register_map: RegisterMap, base: int, each: Order, order: Order) -> str:
    """Return what would have to be written into the map."""
    rebased = base != register_map.address_base
    if isinstance(register_map.order, OrderField):
        return f"address_base: {base}, where the pump tells the order {each},"
    return " and ".join([f"order: {each}"] * (each != order) + [f"address_base: {base}"] * rebased)


def _sense(seen: Iterable[Seen]) -> int:
    """Count what makes sense; text is as good in a wrong order, so it does not count."""
    return sum(one.good for one in seen if not one.path.startswith("identity."))


def _unit(path: str, place: Place, read_plan: ReadPlan, answers: Answers, order: Order) -> str:
    """Return the unit of a number, read from the pump where the map says so; empty where it is not known."""
    if not isinstance(place, NumberField):
        return ""
    if not isinstance(place.unit, UnitField):
        return place.unit
    slot = read_plan.slots.get(f"{path}.unit")
    words = None if slot is None else answers[slot.reply]
    if slot is None or words is None:
        return ""
    return place.unit.codes.get(code_extractor(place.unit, Slot(0, slot.at), order)([words]), "")


def _judged(path: str, place: Place, raw: tuple[int, ...], order: Order, unit: str) -> tuple[str, str, bool]:
    """Return value, verdict, and whether the pump could mean it."""
    if isinstance(place, NumberField):
        return _number(path, place, raw, order, unit)
    if isinstance(place, TextField):
        text = text_of(raw, order)
        good = bool(text) and "\ufffd" not in text
        return repr(text), "text" if good else "no text that can be read", good
    if isinstance(place, Code):
        return _code(place, code_extractor(place, Slot(0, 0), order)([raw]))
    return str(raw[0]), "a counter", True


def _code(place: Code, code: int) -> tuple[str, str, bool]:
    if isinstance(place, AlarmField):
        alarms, raw = alarm_meanings(place)[code]
        unnamed = PumpAlarm.OTHER in alarms
        return ", ".join(raw) or "no alarm", "not all are named" if unnamed else "named", not unnamed
    named: Mapping[int, object] = {}
    if isinstance(place, StatusField | FirstStatus | FittedField | UnitField | OrderField):
        named = place.codes
    if isinstance(place, OrderField) and place.pattern is not None:
        good = code == place.pattern
        return f"0x{code:08X}", "the known constant" if good else f"not 0x{place.pattern:08X}", good
    if code not in named:
        return str(code), f"not named; the map names {', '.join(map(str, sorted(named)))}", False
    meaning = named[code]
    if meaning is None:
        return f"{code}: says nothing", "named", True
    return f"{code}: {getattr(meaning, 'value', meaning)}", "named", True


def _number(
    path: str, field: NumberField, raw: tuple[int, ...], order: Order, unit: str
) -> tuple[str, str, bool]:
    if not unit:
        return "", "its unit is not known", False
    quantity = QUANTITIES[path.rpartition(".")[2]]
    pattern = extractor(Slot(0, 0), field.width, order)([raw])
    measured = decoder(field, quantity, unit)(pattern)
    if measured.validity is Validity.MISSING:
        return "no value", "the pattern for no value", True
    if measured.value is None:
        return "", f"OUT OF RANGE: {measured.raw}", False
    shown = f"{float(measured.value / quantity.units[quantity.canonical]):g} {quantity.canonical}"
    if pattern and not measured.value and field.type == "f32":
        return shown, "a float that is not 0 and far below its resolution", False
    return shown, IN_RANGE, True
