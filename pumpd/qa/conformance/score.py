"""The score of a driver: which points of the suite it reaches, and of each other one the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pumpd.drivers.registry import DriverSpec
from pumpd.qa.conformance import examples, framing, lower, readings, wire
from pumpd.qa.conformance.family import FAMILIES, Point
from pumpd.qa.conformance.subject import subject_of

SUITE = (examples, framing, readings, wire, lower)
"""The modules whose checks make up the suite."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one point."""

    point: str
    missing: str = ""
    """Why it could not be tried."""
    failed: str = ""
    """What was found, and what should have been."""

    @property
    def reached(self) -> bool:
        """True when it was tried and held."""
        return not (self.missing or self.failed)


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """One driver's results."""

    driver: str
    results: tuple[Result, ...]

    @property
    def reached(self) -> int:
        """How many points hold."""
        return sum(result.reached for result in self.results)

    @property
    def full(self) -> bool:
        """True when every point holds."""
        return self.reached == len(self.results)

    def lines(self) -> Iterator[str]:
        """Yield the card as text: the score, then every point that is not reached, with its reason."""
        yield f"{self.driver}: {self.reached} of {len(self.results)} points"
        for result in self.results:
            if result.failed:
                yield f"failed   {result.point}: {result.failed}"
        for result in self.results:
            if result.missing:
                yield f"missing  {result.point}: {result.missing}"


def points_of(spec: DriverSpec, families: Iterable[str] = FAMILIES) -> tuple[Point, ...]:
    """Return every point of a driver, in the order of the suite."""
    subject = subject_of(spec)
    return tuple(point for name in families for point in FAMILIES[name](subject))


def tried(point: Point) -> Result:
    """Try one point."""
    if point.missing:
        return Result(point.name, missing=point.missing)
    try:
        point.run()
    except Exception as error:  # noqa: BLE001 - whatever a driver does, the others' points are tried
        said = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        return Result(point.name, failed=said)
    return Result(point.name)


def score_card(spec: DriverSpec) -> ScoreCard:
    """Return the score of a driver, all points tried; takes seconds, and no real time passes for the pump."""
    return ScoreCard(spec.name, tuple(tried(point) for point in points_of(spec)))
