"""What a pump's configuration, library and card come to, once somebody has answered."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pumpd.core.drug_library import Restrain
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.restraint_gate import Enforcement
from pumpd.core.telemetry import Provenance, PumpId
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recognition import expected_instead
from pumpd.daemon.seams import Place
from pumpd.drivers.base import Identity
from pumpd.drivers.trial import Trial
from tests.daemon.orders import CHANNEL, ENTRY, PROGRAMME

REAL, DEMO = Provenance.REAL, Provenance.DEMO
SIMULATOR = Identity("pumpd project", "REF-1", "SIM-01")
HARDWARE = Identity("pumpd project", "REF-1", "A-1")
NAMELESS = Identity("pumpd project", "REF-1", "")
BOTH = frozenset({REAL, DEMO})


def plan(
    *, real: bool = False, signed: frozenset[Provenance] = BOTH, proven: frozenset[Provenance] = BOTH
) -> PumpPlan:
    return PumpPlan(
        pump=PumpId("PUMP-01"),
        channels=(CHANNEL,),
        place=Place("1", "ward", "", "reference-pump", "simulator", "memory"),
        real=real,
        model="REF-1",
        serial_number="",
        poll_interval_ns=1_000_000_000,
        phase=0.0,
        freshness=FreshnessLimits(3_000_000_000, 5_000_000_000),
        programme=PROGRAMME,
        entry=ENTRY,
        flow_step=FlowRate(10_000),
        counter_step=Volume(1_000),
        line=None,
        ceiling=None,
        enforcement=Enforcement.PAUSE,
        signed_for=signed,
        pause_proven_on=proven,
        lower_proven_on=proven,
    )


@pytest.mark.requirement("INV-5")
@pytest.mark.parametrize("identity", [None, SIMULATOR, HARDWARE, NAMELESS])
@pytest.mark.parametrize("real", [False, True])
def test_a_value_is_real_only_if_configured_so_and_no_simulator_answers(
    real: bool, identity: Identity | None
) -> None:
    """REAL needs both; a pump that is away keeps what is configured, so that its alarm is no DEMO."""
    assert plan(real=real).provenance(identity) is (REAL if real and identity is not SIMULATOR else DEMO)


@pytest.mark.requirement("RES-1")
@pytest.mark.parametrize("real", [False, True])
def test_signature_and_trial_must_cover_what_answers(real: bool) -> None:
    """Over all coverages: the gate's parts are those for a simulator, or for hardware; nobody: none."""
    for signed, proven in itertools.product([frozenset(), {DEMO}, {REAL}, BOTH], repeat=2):
        setup = plan(real=real, signed=frozenset(signed), proven=frozenset(proven)).setup
        for identity, kind in ((SIMULATOR, DEMO), (HARDWARE, REAL), (NAMELESS, REAL)):
            gate = setup(CHANNEL, identity).gate
            assert (gate.library_signed, gate.pause_proven) == (kind in signed, kind in proven)
        nobody = setup(CHANNEL, None).gate
        assert (nobody.library_signed, nobody.pause_proven, nobody.may_pause) == (False, False, False)


@pytest.mark.requirement("RES-1")
def test_without_an_entry_nothing_is_allowed() -> None:
    """A drug that the library does not know is alarmed on, never restrained."""
    unknown = plan()
    unknown = PumpPlan(**{f: getattr(unknown, f) for f in PumpPlan.__slots__} | {"entry": None})
    assert unknown.setup(CHANNEL, SIMULATOR).gate.library_allows is Restrain.NONE


@pytest.mark.requirement("DAE-1")
@pytest.mark.parametrize(
    ("first", "found", "expected"),
    [
        (None, SIMULATOR, ""),
        (SIMULATOR, SIMULATOR, ""),
        (SIMULATOR, HARDWARE, "pumpd project REF-1 SIM-01"),
        (NAMELESS, NAMELESS, ""),
        (None, Identity("pumpd project", "REF-2", "SIM-01"), "model REF-1"),
        (None, Identity("", "", ""), "model REF-1"),
    ],
)
def test_who_should_have_answered(first: Identity | None, found: Identity, expected: str) -> None:
    """The model of the card, and whoever answered first in this run."""
    assert expected_instead(plan(), first, found) == expected


@pytest.mark.requirement("ENG-5", "RES-1")
def test_a_signed_trial_allows_the_pause_of_that_firmware_alone() -> None:
    """An untried driver and a real pump: the trial covers what it was made with, and no lower rate."""
    trial = Trial(
        driver="reference-pump",
        make="pumpd project",
        model="REF-1",
        firmware="1.0",
        serial_number="A-1",
        simulated=False,
        engineer="E. Engineer",
        at="2026-01-01",
        settings=(),
        refusal="",
        pause_ms=200,
        transcript=(),
    )
    tried = replace(plan(real=True, proven=frozenset()), trials=(trial,))
    same = replace(HARDWARE, serial_number="A-2", firmware="1.0")
    assert tried.setup(CHANNEL, same).gate.pause_proven
    assert not tried.setup(CHANNEL, same).gate.lower_proven
    for other in (None, replace(same, firmware="1.1"), replace(SIMULATOR, firmware="1.0")):
        assert not tried.setup(CHANNEL, other).gate.pause_proven
