"""Points of conformance: each is one thing that a driver shows, or the reason why it can not be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import Framing, Subject
from pumpd.qa.virtual_time import run_virtual


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a driver's score."""

    family: str
    name: str
    """Family, framing and what is tried: ``status, modbus-rtu, running``."""
    says: str
    """What it shows, in one sentence."""
    run: Callable[[], None]
    """Try it; AssertionError says what was found and what should have been."""
    missing: str = ""
    """Why it can not be tried with this driver; empty when it can."""


Check = Callable[..., Awaitable[None]]
Values = Callable[[Subject, Framing], Iterable[Any]]
Reason = Callable[[Subject, Framing], str]
Claims = Callable[[Subject], bool]
Points = Callable[[Subject], Iterator[Point]]

FAMILIES: Final[dict[str, Points]] = {}
"""Each demand of the suite by its name: a driver -> the points that are made of it."""


def family(
    name: str, values: Values | None = None, missing: Reason | None = None, claims: Claims | None = None
) -> Callable[[Check], Check]:
    """Declare a check of a rig, and of each value of ``values``; its docstring says what it shows.

    There is one point for each framing and value. ``missing`` returns why they can not be tried, or "".
    A driver that does not claim what is to be shown has none of them.
    """

    def declare(check: Check) -> Check:
        def points(subject: Subject) -> Iterator[Point]:
            claimed = claims is None or claims(subject)
            for framing in subject.framings if claimed else ():
                reason = _nobody_answers(subject) or (missing(subject, framing) if missing else "")
                each = None if subject.make_face is None else values
                for value in [()] if each is None else [(one,) for one in each(subject, framing)]:
                    run = partial(_try, check, subject, framing, *value)
                    yield Point(name, _named(name, framing.name, *value), _says(check), run, reason)

        FAMILIES[name] = points
        return check

    return declare


def once(
    name: str, values: Callable[[Subject], Iterable[Any]] = lambda _: (None,)
) -> Callable[[Callable[[Subject, Any], None]], Callable[[Subject, Any], None]]:
    """Declare a check of a driver without a wire, and of each value of ``values``."""

    def declare(check: Callable[[Subject, Any], None]) -> Callable[[Subject, Any], None]:
        def points(subject: Subject) -> Iterator[Point]:
            for value in values(subject):
                shown = () if value is None else (value,)
                yield Point(name, _named(name, *shown), _says(check), partial(check, subject, value))

        FAMILIES[name] = points
        return check

    return declare


def _nobody_answers(subject: Subject) -> str:
    return "" if subject.make_face else "no simulator of its dialect is installed"


def _named(*words: object) -> str:
    return ", ".join(str(getattr(word, "value", getattr(word, "source", word))) for word in words)


def _says(check: Callable[..., object]) -> str:
    return (check.__doc__ or "").strip()


def _try(check: Check, subject: Subject, framing: Framing, *value: object) -> None:
    async def tried() -> None:
        async with rig(subject, framing) as on:
            await check(on, *value)
            raises = on.judge.tally.raises
            demand(not raises, f"frames after which a pump gave more than before: {raises}")

    run_virtual(tried())


def demand(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    """AssertionError with ``what`` unless it holds."""
    if not holds:
        raise AssertionError(what)


def same(what: str, found: object, expected: object) -> None:
    """AssertionError unless both are equal."""
    demand(found == expected, f"{what}: {found}, expected {expected}")


async def refused_with(error: type[Exception], asked: Awaitable[object], what: str) -> Exception:
    """Return the ``error`` that ``asked`` raises; AssertionError when it raises none."""
    try:
        found = await asked
    except error as raised:
        return raised
    raise AssertionError(f"{what}: {found}, expected {error.__name__}")
