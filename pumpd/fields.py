"""Field types of the files an operator writes: text with a unit becomes an exact quantity, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from pumpd.contract.topics import check_id
from pumpd.core.amounts import AmountUnit, DrugAmount
from pumpd.core.quantities import Concentration, DoseRate, DoseUnit, FlowRate, Volume, Weight
from pumpd.document_check import REFUSED

Q = TypeVar("Q")

_QUANTITY = re.compile(r"(?P<number>-?[0-9]{1,12}(\.[0-9]{1,12})?) (?P<unit>\S{1,20})")
_COMMA = re.compile(r"[0-9],[0-9]")
_OTHER_SPELLINGS = {"mcg": "ug", "\u00b5g": "ug", "\u03bcg": "ug", "IU": "U", "cc": "mL", "hr": "h"}


def refused(what: str, allowed: str, remedy: str) -> PydanticCustomError:
    """Return the error to raise in a validator; braces in values are kept as they are."""
    return PydanticCustomError(REFUSED, "{what}", {"what": what, "allowed": allowed, "remedy": remedy})


def _unit_meant(unit: str, units: tuple[str, ...]) -> str | None:
    for other, ours in _OTHER_SPELLINGS.items():
        unit = unit.replace(other, ours)
    same = [known for known in units if known.lower() == unit.lower()]
    return next(iter(same or get_close_matches(unit, units, n=1)), None)


def _quantity(
    kind: str, example: str, units: tuple[str, ...], make: Callable[[str, str], Q]
) -> Callable[[object], Q]:
    """Return a validator for ``NUMBER UNIT``; ``make`` gets both and raises ValueError."""
    allowed = f"{kind} in {' or '.join(units) if len(units) < 4 else ', '.join(units)}, such as {example}"

    def read(value: object) -> Q:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            with_unit = f"write {value} {units[0]}" if len(units) == 1 else "write it with its unit"
            raise refused(f"{value} has no unit", allowed, with_unit)
        if not isinstance(value, str):
            raise refused(f"this is no {kind}", allowed, f"write {example}")
        text = value.strip()
        if _COMMA.search(text):
            raise refused(
                f"{value!r} has a comma: 1,234 is 1.234 to one reader and 1234 to another",
                f"a decimal point; {allowed}",
                f"write {text.replace(',', '.')}",
            )
        match = _QUANTITY.fullmatch(text)
        if match is None:
            shown = value if len(value) <= 60 else f"{value[:57]}..."
            raise refused(f"{shown!r} is no {kind}", allowed, f"write it as {example}")
        number, unit = match["number"], match["unit"]
        if number.startswith("-"):
            raise refused(f"{value!r} is below 0", allowed, "write a number of 0 or more")
        if unit not in units:
            meant = _unit_meant(unit, units)
            remedy = f"write {number} {meant}" if meant else f"write it as {example}"
            raise refused(f"'{unit}' is no unit of a {kind}", allowed, remedy)
        try:
            return make(number, unit)
        except ValueError as error:
            raise refused(str(error), allowed, f"write it as {example}") from None

    return read


def _schema(description: str, units: tuple[str, ...]) -> WithJsonSchema:
    alternatives = "|".join(re.escape(unit).replace(r"\/", "/") for unit in units)
    return WithJsonSchema(
        {"type": "string", "description": description, "pattern": f"^[0-9]+(\\.[0-9]+)? ({alternatives})$"}
    )


def _volume(number: str, _: str) -> Volume:
    volume = Volume.parse(number)
    if volume.nl <= 0:
        raise ValueError(f"volume: {number} mL is not above 0")
    return volume


def _concentration(number: str, unit: str) -> Concentration:
    return Concentration.parse(f"{number} {unit}")


def _dose(number: str, unit: str) -> DoseRate:
    return DoseRate.parse(f"{number} {unit}")


_DOSE_UNITS = tuple(unit.value for unit in DoseUnit)
_CONCENTRATION_UNITS = ("mg/mL", "ug/mL", "U/mL")

Flow = Annotated[
    FlowRate,
    PlainValidator(_quantity("flow", "60 mL/h", ("mL/h",), lambda number, _: FlowRate.parse(number))),
    PlainSerializer(str),
    _schema("a flow such as 60 mL/h", ("mL/h",)),
]
BodyWeight = Annotated[
    Weight,
    PlainValidator(_quantity("weight", "70 kg", ("kg",), lambda number, _: Weight.parse(number))),
    PlainSerializer(str),
    _schema("a body weight such as 70 kg", ("kg",)),
]
Millilitres = Annotated[
    Volume,
    PlainValidator(_quantity("volume", "50 mL", ("mL",), _volume)),
    PlainSerializer(str),
    _schema("a volume such as 50 mL", ("mL",)),
]
DrugConcentration = Annotated[
    Concentration,
    PlainValidator(
        _quantity(
            "concentration",
            "2 mg/mL",
            _CONCENTRATION_UNITS,
            _concentration,
        )
    ),
    PlainSerializer(str),
    _schema("a concentration such as 2 mg/mL", _CONCENTRATION_UNITS),
]
Dose = Annotated[
    DoseRate,
    PlainValidator(_quantity("dose rate", "0.3 mg/kg/h", _DOSE_UNITS, _dose)),
    PlainSerializer(str),
    _schema("a dose rate such as 0.3 mg/kg/h", _DOSE_UNITS),
]


_AMOUNT_UNITS = tuple(unit.value for unit in AmountUnit)
Amount = Annotated[
    DrugAmount,
    PlainValidator(
        _quantity(
            "amount of drug",
            "1.5 mg/kg",
            _AMOUNT_UNITS,
            lambda number, unit: DrugAmount.parse(f"{number} {unit}"),
        )
    ),
    PlainSerializer(str),
    _schema("an amount of drug such as 1.5 mg/kg", _AMOUNT_UNITS),
]


def _day(value: object) -> date:
    allowed = "a day as YYYY-MM-DD"
    text = value if isinstance(value, str) and re.fullmatch(r"[0-9-]{10}", value) else ""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refused(f"{value!r} is no day", allowed, 'write it as "2026-01-31"') from None


Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]


def _topic_id(value: object) -> str:
    allowed = "1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise refused(f"{value} is a number, not text", allowed, f'put it in quotes: "{value}"')
    if not isinstance(value, str):
        raise refused("this is no id", allowed, "write an id such as PUMP-01")
    try:
        return check_id(value, "id")
    except ValueError:
        better = re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-._")[:64] or "PUMP-01"
        raise refused(f"{value!r} can not stand in an MQTT topic", allowed, f"write it as {better}") from None


TopicId = Annotated[
    str,
    PlainValidator(_topic_id),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}),
]


def _no_comma(value: object) -> object:
    if isinstance(value, str) and _COMMA.search(value):
        raise refused(
            f"{value!r} has a comma: 1,234 is 1.234 to one reader and 1234 to another",
            "a number with a decimal point",
            f"write {value.replace(',', '.')}",
        )
    return value


Whole = Annotated[int, BeforeValidator(_no_comma), Field(strict=True)]
"""A whole number; true, text and 1.0 are refused."""
Number = Annotated[float, BeforeValidator(_no_comma), Field(strict=True, allow_inf_nan=False)]
"""A decimal number; true and text are refused."""
Flag = Annotated[bool, Field(strict=True)]
"""true or false; yes, on and 1 are refused."""
