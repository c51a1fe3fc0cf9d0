"""The judge of invariant 1: which of the things that a frame could do to a pump is giving more."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import PumpStatus
from pumpd.qa.frames import FrameJudge
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.model import PumpModel
from pumpd.simulator.stage import make_pump
from pumpd.simulator.ward_pump import PumpSection

pytestmark = pytest.mark.requirement("INV-1")
Deed = Callable[[PumpModel], None]


def _running(model: PumpModel, rate_ml_h: int = 60) -> None:
    model.turn_rate(rate_ml_h * NL_PER_ML)
    model.press_start()


def _fast(model: PumpModel) -> None:
    _running(model, 600)


def _in_kvo(model: PumpModel) -> None:
    model.programme(NL_PER_ML)
    _running(model)
    model.advance(90 * NS_PER_S)
    assert model.status is PumpStatus.KVO


def _set(rate_ml_h: int) -> Deed:
    return lambda model: model.turn_rate(rate_ml_h * NL_PER_ML)


def _go_on(model: PumpModel) -> None:
    model.press_stop()
    model.programme(9 * NL_PER_ML)
    model.press_start()


def _flush(model: PumpModel) -> None:
    model.press_stop()
    model.flush()


GIVES_MORE: dict[str, tuple[Deed, Deed]] = {
    "a stopped pump starts": (_set(60), PumpModel.press_start),
    "a stopped pump is set higher": (_set(60), _set(61)),
    "a running pump is set higher": (_running, _set(61)),
    "a pump that keeps the vein open goes on": (_in_kvo, _go_on),
    "a running pump flushes": (_running, _flush),
    "a pump gives a bolus more slowly than it runs": (_fast, lambda model: model.give_bolus(NL_PER_ML)),
}
GIVES_NO_MORE: dict[str, tuple[Deed, Deed]] = {
    "nothing changes": (_running, lambda model: model.advance(NS_PER_S)),
    "it is paused": (_running, PumpModel.pause),
    "it is set lower": (_running, _set(59)),
    "a pump that keeps the vein open is paused": (_in_kvo, PumpModel.pause),
}


@in_virtual_time
async def _judged(before: Deed, deed: Deed) -> list[str]:
    pump = make_pump(PumpSection(id="PUMP-01", map="reference-pump", serial_number="SIM-1"), "", {})
    model = pump.face.models["1"]
    model.change_reservoir(50 * NL_PER_ML)
    before(model)
    judge = FrameJudge(SimulatedLine([pump], Random(0)), lambda: None)
    judge.asked(b"\x01\x02", lambda: deed(model))
    return judge.tally.raises


@pytest.mark.parametrize("what", GIVES_MORE)
def test_what_makes_a_pump_give_more_is_noted(what: str) -> None:
    """The frame stands there with the pump's name, also where status and set rate say nothing of it."""
    assert _judged(*GIVES_MORE[what]) == ["PUMP-01/1: 01 02"]


@pytest.mark.parametrize("what", GIVES_NO_MORE)
def test_what_does_not_is_not(what: str) -> None:
    """Pausing, setting lower and reading fail no run."""
    assert _judged(*GIVES_NO_MORE[what]) == []
