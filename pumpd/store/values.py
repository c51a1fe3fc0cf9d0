"""Values of the core as JSON, and back, by their types: what the core learns to keep is kept."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints


def written(value: Any) -> Any:
    """Return a value of the core as JSON can hold it; TypeError for a kind that it does not know."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return value.value
        case date():  # a datetime is one
            return value.isoformat()
        case Fraction():
            return str(value)
        case Mapping():
            return [[written(key), written(item)] for key, item in value.items()]
        case tuple() if hasattr(value, "_asdict"):  # a named one
            return {name: written(item) for name, item in value._asdict().items()}
        case tuple():
            return [written(item) for item in value]
        case frozenset():
            return sorted((written(item) for item in value), key=str)
    if is_dataclass(value):
        return {name: written(getattr(value, name)) for name in _names(value.__class__)}
    raise TypeError(f"{type(value).__name__} has no form in a recording")


@cache  # a running infusion is told every few seconds, and has a hundred parts
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def read(kind: Any, told: Any, bound: Mapping[Any, Any] = types.MappingProxyType({})) -> Any:
    """Return the value of type ``kind`` that ``written`` told; ``bound`` says what its type variables are."""
    if isinstance(kind, TypeVar):
        return read(bound[kind], told)
    if hasattr(kind, "__supertype__"):
        return kind(told)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        (some,) = [arm for arm in inner if arm is not type(None)]
        return None if told is None else read(some, told, bound)
    if origin is tuple:
        return tuple(read(inner[0], item, bound) for item in told)
    if origin is frozenset:
        return frozenset(read(inner[0], item, bound) for item in told)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return types.MappingProxyType({read(inner[0], key): read(inner[1], item) for key, item in told})
    cls = origin or kind
    if is_dataclass(cls) or hasattr(cls, "_field_defaults"):
        return _named(cls, dict(zip(getattr(cls, "__parameters__", ()), inner, strict=True)), told)
    if cls in {date, datetime}:
        return cls.fromisoformat(told)
    return cls(told)


def _named(cls: Any, bound: Mapping[Any, Any], told: dict[str, Any]) -> Any:
    hints, must = _hints(cls), _must(cls)
    missing = [name for name, needed in must.items() if needed and name not in told]
    if missing:
        raise ValueError(f"{cls.__name__}: the recording does not tell {', '.join(missing)}")
    return cls(**{name: read(hints[name], told[name], bound) for name in must if name in told})


def _must(cls: Any) -> dict[str, bool]:
    """Return which fields of a dataclass or named tuple there are, and whether each must be told."""
    if is_dataclass(cls):
        return {f.name: f.default is f.default_factory is MISSING for f in fields(cls)}
    return {name: name not in cls._field_defaults for name in cls._fields}


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)
