"""A bolus against the library's maxima for one: told as soon as the counter shows it, not at its end.

This condition alarms and never restrains. What flows too fast is another condition, whatever the status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pumpd.core.alarms import Finding
from pumpd.core.amounts import DrugAmount
from pumpd.core.bolus import Bolus, followed_bolus, least_given_nl
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_account import Account
from pumpd.core.drug_library import Bounds
from pumpd.core.infusion import Programme
from pumpd.core.infusion_words import amount_words
from pumpd.core.quantities import NL_PER_ML
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry
from pumpd.core.total_dose import amount_e6_p

_HARD, _SOFT = ConditionId.BOLUS_HARD, ConditionId.BOLUS_SOFT
_EITHER = frozenset({_HARD, _SOFT})


class GivenAtOnce(NamedTuple):
    """What the counter shows of one bolus."""

    counted_nl: int
    least_nl: int
    """More than this is certain."""
    whole: bool
    """Its begin was seen."""


NOTHING_COUNTED = GivenAtOnce(0, 0, whole=False)


class BolusSeen(NamedTuple):
    """What a reading shows of a bolus."""

    bolus: Bolus | None
    found: dict[ConditionId, Finding]
    held: frozenset[ConditionId]
    """What can not be judged, since its begin was not seen."""


def seen_bolus(state: PumpState, reading: Telemetry, account: Account | None) -> BolusSeen:
    """Return what ``reading``, which led to ``account``, shows of a bolus under way or just over."""
    setup, before = state.setup, state.account
    now = followed_bolus(state.bolus, before, account, reading)
    if setup.programme is None or setup.entry is None or setup.entry.bolus is None:
        return BolusSeen(now, {}, frozenset())
    last, given = now or state.bolus, NOTHING_COUNTED
    if account is not None:
        assert last is not None, "where it counts, a bolus is followed"
        assert state.counter is not None, "without a counter there is no account"
        tick_nl = account.as_seen(state.counter).tick_nl
        least_nl = least_given_nl(last, before, account, reading, tick_nl)
        given = GivenAtOnce(account.counted_nl - last.from_nl, least_nl, last.whole)
    found = dict(bolus_findings(setup.entry.bolus.amount, setup.programme, given))
    held: frozenset[ConditionId] = frozenset()
    if reading.status is PumpStatus.BOLUS and not given.whole:
        held = _EITHER if _HARD not in found else frozenset({_HARD})
    return BolusSeen(now, found, held)


def bolus_findings(
    amount: Bounds[DrugAmount], programme: Programme, given: GivenAtOnce
) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield which maximum was passed, the worse one first; one of 0 is passed by a bolus that begins."""
    concentration, weight = programme.concentration, programme.weight
    for condition, limit in ((_HARD, amount.hard_max), (_SOFT, amount.soft_max)):
        if limit is None or (limit.unit.per_kg and weight is None):
            continue
        limit_e6_p = limit.p_for(weight) * NL_PER_ML
        if limit_e6_p and amount_e6_p(given.least_nl, concentration) < limit_e6_p:
            continue
        measured = "begun"
        if given.counted_nl:
            measured = amount_words(amount_e6_p(given.counted_nl, concentration), concentration)
            measured = measured if given.whole else f"at least {measured}"
        allowed = amount_words(int(limit_e6_p), concentration)
        yield condition, Finding(CATALOGUE[condition].priority, measured, allowed)
        return
