"""No value of any dialect is credited to the wrong question, over seeded exchanges on a hostile line."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from pumpd.core.quantities import NL_PER_ML
from pumpd.drivers.registry import shipped
from pumpd.errors import DeviceRefusedError, WireError
from pumpd.qa.conformance.rig import UNIT, Rig, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.virtual_time import run_virtual
from pumpd.simulator.faults import Fault, FaultDesk, FaultKind
from pumpd.transports import exchange
from tests import proof

FRAMED = {name: spec for name, spec in shipped().items() if spec.dialect is not None}
MISS_DAMAGE = {"bbraun-bcc", "harvard-elite", "harvard-ultra", "new-era"}
"""Three flipped bits can leave a plain sum as it is, and nobody sees them where there is no check."""
MOST_COUNTED_NL = 90 * NL_PER_ML
"""Above that some makes tell fewer decimals than their finest step."""
MODBUS = {
    "reference-pump over modbus-tcp": ("reference-pump", 0),
    "teledyne-isco over modbus-tcp": ("teledyne-isco", 0),
    "teledyne-isco over modbus-tcp, cut": ("teledyne-isco", 0),
    "reference-pump over modbus-rtu": ("reference-pump", 1),
    "vindum-vp over modbus-rtu": ("vindum-vp", 1),
    "prominent-gamma-x over modbus-rtu": ("prominent-gamma-x", 1),
}
"""Driver and framing; the others of a map's framings differ in nothing that this could show.

TCP has a check of its own, so bytes are neither damaged nor lost. A server may still write less than its
header says: that is done where others' replies are not, since no check tells what those filled up.
"""
CASES = {**{name: (name, 0) for name in FRAMED}, **MODBUS}
LATE = (0.4, 1.2, 2.0, 2.9)
"""How late a reply or its second copy comes, in time-outs; the bound is three.

Where a pump may be slow, all of these are waited for: there one more lateness lies beyond that.
"""
SHARES = {
    FaultKind.SILENCE: 0.02,
    FaultKind.DAMAGE: 0.05,
    FaultKind.TRUNCATE: 0.02,
    FaultKind.GARBAGE: 0.05,
    FaultKind.EXCEPTION: 0.02,
    FaultKind.FOREIGN: 0.05,
    FaultKind.DELAY: 0.01,
    FaultKind.DUPLICATE: 0.01,
}
"""Of the replies; of the last two for each lateness."""


class LateOnce(FaultDesk):
    """A line on which a reply is late for one reason at most: two together would pass the bound."""

    def drawn(self, unit: int, now_s: float) -> list[Fault]:
        """Return the faults that hit this reply, of those that make it late only the first."""
        hit = super().drawn(unit, now_s)
        late = [fault for fault in hit if fault.kind in {FaultKind.DELAY, FaultKind.DUPLICATE}]
        return [fault for fault in hit if fault not in late[1:]]


def hostile(on: Rig, timeout_s: float, *, cut: bool) -> list[FaultKind]:
    """Let everything befall the line now and then; return what can."""
    can_not = {FaultKind.FOREIGN} if on.spec.dialect and not on.spec.dialect.addressed else set()
    if not on.framing.can_be_damaged:
        can_not |= {FaultKind.DAMAGE, FaultKind.FOREIGN if cut else FaultKind.TRUNCATE}
    can_not |= set() if on.subject.refusals else {FaultKind.EXCEPTION}
    code = next(iter(on.subject.refusals), 0)
    on.line.faults = LateOnce(random.Random(proof.SEED))
    kinds = [kind for kind in SHARES if kind not in can_not]
    slow_ms = on.spec.card.slow_reply_ms
    lates = (*LATE, (slow_ms / 1000 + 0.1) / timeout_s) if slow_ms else LATE
    for kind in kinds:
        for late in lates if kind in {FaultKind.DELAY, FaultKind.DUPLICATE} else lates[:1]:
            on.line.faults.add(UNIT, Fault(kind, math.inf, SHARES[kind], late * timeout_s, code))
    return kinds


def turned(on: Rig, ml_h: int) -> list[int]:
    """Let a hand turn every channel to a rate that it has at once; return what each has given by now."""
    on.face.catch_up()
    for model in on.models:
        if model.delivered_nl > MOST_COUNTED_NL:
            model.reset_counter()
        model.change_reservoir(50 * NL_PER_ML)
        model.turn_rate(ml_h * NL_PER_ML)
        model.flow_nl_h = ml_h * NL_PER_ML
    return [model.delivered_nl for model in on.models]


async def exchanges(name: str, count: int) -> Counter[str]:
    """Read until so many questions were put, each reading at a rate of its own, and judge each."""
    driver, framing = CASES[name]
    subject, found = subject_of(shipped()[driver]), Counter[str]()
    chance = random.Random(f"{proof.SEED} {name}")
    async with rig(subject, subject.framings[framing]) as on:
        timeout_s = await on.timeout_s()
        for model in on.models:
            model.programme(0)
        on.start()
        kinds = hostile(on, timeout_s, cut=name.endswith(", cut"))
        counters = on.bus.conversation(UNIT, on.spec.card.reply_time_ms, on.spec.controls).counters
        while counters.asked < count:
            ml_h = chance.randrange(20, 180)
            given, damaged = turned(on, ml_h), on.line.faults.tally[FaultKind.DAMAGE]
            try:
                readings = await on.readings()
            except DeviceRefusedError:
                found["refused"] += 1
            except WireError:
                found["no answer"] += 1
            else:
                for (model, reading), before in zip(readings, given, strict=True):
                    steps = subject.channels[reading.channel].steps
                    flow = (reading.set_flow if "set flow" in steps else reading.flow).value
                    volume, step = reading.volume.value, steps["volume"]
                    true = flow is not None and abs(flow.nl_per_h - ml_h * NL_PER_ML) < max(
                        steps.get("set flow", 0), steps.get("flow", 0), 2
                    )
                    true = true and volume is not None and before - step <= volume.nl <= model.delivered_nl
                    seen = on.line.faults.tally[FaultKind.DAMAGE] == damaged
                    found["answered" if true else "misattributed" if seen else "damage not seen"] += 1
        assert [kind for kind in kinds if not on.line.faults.tally[kind]] == [], "every fault happened"
        found["late"] = counters.late
    return found


@pytest.mark.requirement("INV-2", "DIAL-3")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(CASES))
def test_no_value_is_credited_to_the_wrong_question(name):
    """Late, twice, damaged, cut, foreign or refused: each reading is that of the present."""
    count = proof.count(f"hostile exchanges, {name}", 600, 100_000)
    found = run_virtual(exchanges(name, count))
    assert found["misattributed"] == 0, found
    assert found["damage not seen"] == 0 or name in MISS_DAMAGE, found
    assert found["answered"] > 0.1 * (found["refused"] + found["no answer"]), found
    assert found["late"] > 0


def test_the_judge_finds_values_of_other_questions_where_the_horizon_is_missing(monkeypatch):
    """Without it late and second replies are credited to newer questions, and it says so."""
    monkeypatch.setattr(exchange, "MOST_LATE_TIMEOUTS", -1)
    assert run_virtual(exchanges("alaris", 1500))["misattributed"] > 0
