"""How long an infusion may flow: the library's limits, and more that was ordered with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.acceptance import HARD
from pumpd.core.alarms import Finding
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import Bounds
from pumpd.core.infusion_duration import duration_findings
from pumpd.core.infusion_record import ProgrammeVersion
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_S
from pumpd.core.total_dose import DoseAccount
from tests import proof
from tests.core.infusion_scene import AT, FULL_ENTRY, PATIENT, dose, infusion, programme

pytestmark = pytest.mark.requirement("DURATION-1")
NOTHING = PatientDose(PATIENT, "ketamine", DoseAccount(0))
MINUTE_S = 60


def _told(
    flowed_s: int,
    bounds: Bounds[int] = FULL_ENTRY.duration_s,
    *,
    ordered_s: int | None = 120 * MINUTE_S,
    accepted: str = "",
    standing_ns: int | None = None,
) -> Finding | None:
    version = ProgrammeVersion(
        1, programme(duration_s=ordered_s), dose("0.3"), "A. Nurse", AT, accepted=accepted
    )
    made = infusion(replace(FULL_ENTRY, duration_s=bounds), versions=(version,))
    watch = InfusionWatch(made, 0, NOTHING, flowed_ns=flowed_s * NS_PER_S, standing_ns=standing_ns)
    found = dict(duration_findings(watch))
    return found.get(ConditionId.DURATION)


@pytest.mark.requirement("ACCEPT-1")
@pytest.mark.parametrize(
    ("flowed_s", "bounds", "soft"),
    [
        (150 * MINUTE_S + 1, Bounds(soft_max=150 * MINUTE_S), 1),
        (300 * MINUTE_S - 1, Bounds(soft_max=150 * MINUTE_S), 1),
        (300 * MINUTE_S, Bounds(soft_max=150 * MINUTE_S), 2),
        (1, Bounds(soft_max=0), NS_PER_S),
        (240 * MINUTE_S + 1, Bounds(hard_max=240 * MINUTE_S), None),
    ],
)
def test_a_usual_duration_that_is_accepted_is_quiet_for_as_long_again(
    flowed_s: int, bounds: Bounds[int], soft: int | None
) -> None:
    """How far it may be accepted counts in whole times the usual one; a hard limit is never accepted."""
    told = _told(flowed_s, bounds)
    assert told is not None
    assert told.soft == soft
    assert (HARD in told.causes) is (soft is None)


@pytest.mark.parametrize(
    ("minutes", "accepted", "ordered_min", "allowed"),
    [
        (150, "", 120, None),
        (151, "", 120, "150 min"),
        (151, "pain", 120, "150 min"),
        (180, "pain", 180, None),
        (181, "pain", 180, "180 min"),
        (150, "pain", None, None),
        (151, "pain", None, "150 min"),
        (240, "", None, "150 min"),
        (241, "pain", None, "240 min"),
        (241, "", 120, "240 min"),
    ],
)
def test_what_may_flow_for_how_long(
    minutes: int, accepted: str, ordered_min: int | None, allowed: str | None
) -> None:
    """Usual for 150 min, never for more than 240: what was ordered in between with a reason is not told."""
    ordered_s = None if ordered_min is None else ordered_min * MINUTE_S
    found = _told(minutes * MINUTE_S, ordered_s=ordered_s, accepted=accepted)
    assert (found.allowed if found else None) == allowed
    assert found is None or found.measured == f"{minutes} min"


def test_a_limit_itself_is_allowed_to_the_second() -> None:
    """At the limit nothing is told, a second later it is."""
    assert _told(150 * MINUTE_S) is None
    found = _told(150 * MINUTE_S + 1)
    assert found is not None
    assert found.causes == {"usual"}
    hard = _told(240 * MINUTE_S + 1)
    assert hard is not None
    assert hard.causes == {"hard limit"}


def test_what_stands_or_has_no_limit_is_not_told() -> None:
    """A pause is told as such; a library without limits of the duration has none."""
    assert _told(900 * MINUTE_S, standing_ns=5) is None
    assert _told(900 * MINUTE_S, Bounds()) is None


@proof.examples("durations against their limits", small=200, full=5_000)
@given(
    st.integers(0, 500),
    st.one_of(st.none(), st.integers(1, 400)),
    st.one_of(st.none(), st.integers(1, 400)),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_it_is_told_exactly_beyond_what_may_be(
    flowed: int, soft: int | None, hard: int | None, accepted: bool, ordered: int | None
) -> None:
    """Minute by minute: told when it has flowed longer than the hard limit, or than anybody calls usual."""
    if soft is not None and hard is not None:
        soft, hard = min(soft, hard), max(soft, hard)
    usual = soft
    if soft is not None and accepted and ordered is not None:
        usual = max(soft, ordered)
    wanted = any(limit is not None and flowed > limit for limit in (hard, usual))
    bounds = Bounds(
        soft_max=None if soft is None else soft * MINUTE_S,
        hard_max=None if hard is None else hard * MINUTE_S,
    )
    ordered_s = None if ordered is None else ordered * MINUTE_S
    found = _told(flowed * MINUTE_S, bounds, ordered_s=ordered_s, accepted="pain" if accepted else "")
    assert (found is not None) is wanted
