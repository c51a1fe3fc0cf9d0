"""A bolus as the pump's counter shows it: what was given from its begin to now, never more than is certain.

Everything that is counted while it is given is of it, also the rate that goes on under a square bolus: the
patient gets both at once.
"""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.delivery import COUNTER_LAG_NS
from pumpd.core.delivery_account import Account
from pumpd.core.quantities import NS_PER_H
from pumpd.core.telemetry import PumpStatus, Telemetry


class Bolus(NamedTuple):
    """A bolus under way, since the last reading before it."""

    from_nl: int
    """What the account had counted then."""
    before_nl: int
    """So much of what it counted since may have been given before the bolus began."""
    whole: bool
    """Its begin was seen; else at least so much was given."""


def followed_bolus(
    bolus: Bolus | None, before: Account | None, account: Account | None, reading: Telemetry
) -> Bolus | None:
    """Return the bolus that ``reading`` shows, None when it shows none.

    ``before`` is the account of the reading before, ``account`` that of this one.
    """
    if reading.status is not PumpStatus.BOLUS:
        return None
    if bolus is not None:
        return bolus
    if before is not None:
        return Bolus(before.counted_nl, _at_the_rate(before.high_nl_h, before, reading), whole=True)
    return None if account is None else Bolus(account.counted_nl, 0, whole=False)


def least_given_nl(
    bolus: Bolus, before: Account | None, account: Account, reading: Telemetry, tick_nl: int
) -> int:
    """Return more than which was certainly given of ``bolus``, by the account that ``reading`` led to.

    A counter with steps of ``tick_nl`` may have been just before a step when it began. The reading after
    its end shows what was given at the rate since, too.
    """
    after_nl = 0
    if reading.status is not PumpStatus.BOLUS and before is not None:
        after_nl = _at_the_rate(account.high_nl_h, before, reading)
    return account.counted_nl - bolus.from_nl - bolus.before_nl - after_nl - tick_nl


def _at_the_rate(nl_per_h: int, since: Account, reading: Telemetry) -> int:
    """Return the most that this rate gives from the reading of ``since`` on, rounded up."""
    elapsed_ns = reading.taken_ns - since.taken_ns + reading.span_ns + COUNTER_LAG_NS
    return -(-nl_per_h * elapsed_ns // NS_PER_H)
