"""Drivers with one defect each: the suite finds it, in the family that is there for it."""

from __future__ import annotations

import dataclasses

import pytest

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import Measured, PumpStatus
from pumpd.drivers.base import ChannelReading, LoweringDriver
from pumpd.drivers.registry import find
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.modbus import WriteRegister
from pumpd.protocols.wire import Permission
from pumpd.qa.conformance.rig import UNIT
from pumpd.qa.conformance.score import Result, ScoreCard, points_of, tried
from pumpd.transports.outgoing import ControlPoint

GOOD = find("reference-pump")


class Wrong:
    """The good driver with something changed."""

    def __init__(self, unit, *, identity=None, reading=None, pause=True, retry=False, hides=None, lower=None):
        self._good = GOOD.build(unit)
        self._identity, self._reading = identity or {}, reading
        self._pause, self._retry, self._hides, self._lower = pause, retry, hides, lower
        self._last: tuple[ChannelReading, ...] = ()

    async def identify(self, line):
        return dataclasses.replace(await self._good.identify(line), **self._identity)

    async def read(self, line):
        try:
            readings = await self._good.read(line)
        except (WireError, DeviceRefusedError) as error:
            if self._hides and isinstance(error, self._hides) and self._last:
                return self._last
            raise
        if self._reading:
            readings = tuple(dataclasses.replace(r, **self._reading(r)) for r in readings)
        self._last = readings
        return readings

    async def pause(self, line, channel):
        if self._pause:
            await self._good.pause(line, channel)

    async def lower_rate(self, line, channel, to, on_written):
        if self._lower == "only says so":
            on_written()
            return to
        assert isinstance(self._good, LoweringDriver)
        return await self._good.lower_rate(
            Blind(line, to) if self._lower == "blindly" else line, channel, to, on_written
        )


class Blind:
    """A turn of the line in which the rate is written whatever was read."""

    def __init__(self, line, to):
        self._line = line
        self._write = WriteRegister(UNIT, 20, to.nl_per_h // 10_000, Permission.LOWER)

    async def ask(self, request):
        return await self._line.ask(request)

    async def lower(self, reading, decide, on_written):
        return await self._line.lower(reading, lambda reply: decide(reply) or self._write, on_written)


def with_driver(**wrong):
    return dataclasses.replace(GOOD, build=lambda unit: Wrong(unit, **wrong))


def ten_fold(reading):
    flow = reading.flow.value
    return {"flow": Measured.valid(FlowRate(flow.nl_per_h * 10)) if flow else reading.flow}


def unknown_is_running(reading):
    return {"status": PumpStatus.RUNNING} if reading.status is PumpStatus.UNKNOWN else {}


LOWER = ("lower, a hand was quicker", "lower, no answer")
START = ControlPoint(5, 1, 0xFF00, 0xFF00, Permission.PAUSE)
WITH_START = dataclasses.replace(GOOD, controls=(*GOOD.controls, START))

DEFECTS = [
    ("rate ten times too high", with_driver(reading=ten_fold), {"status"}),
    ("an unknown status runs", with_driver(reading=unknown_is_running), {"odd status"}),
    ("alarms are dropped", with_driver(reading=lambda _: {"alarms": frozenset()}), {"alarm", "odd alarm"}),
    ("the serial number is hidden", with_driver(identity={"serial_number": "1"}), {"identity", "provenance"}),
    ("the pause does nothing", with_driver(pause=False), {"pause", "silence", "refusal"}),
    ("the last reading hides silence", with_driver(hides=WireError), {"stored values"}),
    ("a lower rate is never written", with_driver(lower="only says so"), {"lower", *LOWER}),
    ("a rate is written whatever was read", with_driver(lower="blindly"), {LOWER[0]}),
    ("a start is declared as a pause", WITH_START, {"never sent"}),
]


@pytest.mark.requirement("PLUG-1")
@pytest.mark.parametrize(("spec", "families"), [d[1:] for d in DEFECTS], ids=[d[0] for d in DEFECTS])
def test_a_defect_is_found_where_it_is_looked_for(spec, families):
    """Every family that is named fails, and no family fails that has nothing to do with it."""
    others = {"lower", *LOWER, "status", "odd status", "alarm", "identity", "pause", "never sent", "whole"}
    asked = sorted(families | others)
    failed = {point.family for point in points_of(spec, asked) if tried(point).failed}
    assert failed == families


def test_a_score_card_names_every_point_that_is_not_reached():
    """First what failed, then what is missing, each with its reason."""
    card = ScoreCard(
        "acme", (Result("a"), Result("b", missing="no counter"), Result("c", failed="1, expected 2"))
    )
    assert (card.reached, card.full) == (1, False)
    assert list(card.lines()) == [
        "acme: 1 of 3 points",
        "failed   c: 1, expected 2",
        "missing  b: no counter",
    ]
