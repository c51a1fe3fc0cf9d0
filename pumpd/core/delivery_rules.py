"""What an account of delivery shows to be wrong, and from when on it can show it at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import COUNTER_LAG_NS, NO_ORDER_NS, SHOWN_NS
from pumpd.core.delivery_account import STILL_READINGS, Account, Counter
from pumpd.core.delivery_bands import (
    FAST_PERCENT,
    FLOOR_PERCENT,
    FLOOR_TICKS,
    GRAINS_PER_NL,
    SLOW_FOR_NS,
    SLOW_PERCENT,
    Told,
)
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S, FlowRate, Volume
from pumpd.core.telemetry import PumpStatus


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that the account shows to be wrong."""

    condition: ConditionId
    measured: str
    allowed: str = ""
    cause: str = ""
    """By which rule: a more urgent one is told anew; a volume that grows at the same pace is not."""
    degree: int = 0
    """How far it has come, where more of the same is told anew."""


def deviations(account: Account, counter: Counter) -> Iterator[Deviation]:
    """Yield what is wrong as of the account's last reading."""
    counter = account.as_seen(counter)
    over, under = account.over, account.under
    stands = stands_still(account, counter)
    if over.told is Told.FREE:
        yield Deviation(ConditionId.FREE_FLOW, _ml(over.total_grains), "0 mL")
    elif over.told:
        yield Deviation(ConditionId.OVER_INFUSION, _ml(over.total_grains), _rate(account), over.told.name)
    if stands:
        owed = Volume(account.owed_nl_ns_per_h // NS_PER_H)
        yield Deviation(ConditionId.SILENT_STOP, str(owed), _rate(account))
    elif under.told and account.status is PumpStatus.RUNNING:
        yield Deviation(ConditionId.UNDER_INFUSION, _ml(under.total_grains), _rate(account), under.told.name)
    if account.elsewhere_nl >= 2 * counter.tick_nl:
        yield Deviation(ConditionId.COUNTER_FROZEN, f"{Volume(account.elsewhere_nl)} not counted")
    if account.reset_ns is not None and account.taken_ns - account.reset_ns < SHOWN_NS:
        yield Deviation(ConditionId.COUNTER_RESET, f"at {Volume(account.counter_nl)}")
    if account.back_ns is not None and account.taken_ns - account.back_ns < SHOWN_NS:
        back_nl, began = account.back_nl, str(account.back_from_ns)
        yield Deviation(ConditionId.REVERSE_FLOW, str(Volume(back_nl)), cause=began, degree=back_nl)
    ordered_nl = counter.ordered_nl
    if ordered_nl is not None and account.infused_nl > ordered_nl + over_order_nl(ordered_nl, counter):
        infused = Volume(account.infused_nl)
        yield Deviation(
            ConditionId.VOLUME_EXCEEDED, str(infused), str(Volume(ordered_nl)), degree=account.infused_nl
        )


def stands_still(account: Account, counter: Counter) -> bool:
    """Return whether two steps are missing from the counter of a pump that says it runs."""
    if account.still_readings < STILL_READINGS or account.status is not PumpStatus.RUNNING:
        return False
    if account.elsewhere_nl >= 2 * counter.tick_nl:
        return False  # the motor turns: it is the counter that stands
    lag_ns = COUNTER_LAG_NS + 2 * account.span_ns
    return account.owed_nl_ns_per_h > 2 * counter.tick_nl * NS_PER_H + account.high_nl_h * lag_ns


def too_young(account: Account | None) -> frozenset[ConditionId]:
    """Return the conditions that the account is too young to clear."""
    if account is None:
        return _OF_DELIVERY
    young = set()
    if account.taken_ns - account.begun_ns < SLOW_FOR_NS:
        young |= {ConditionId.OVER_INFUSION, ConditionId.UNDER_INFUSION, ConditionId.FREE_FLOW}
    if account.counted_nl == 0 and account.status is PumpStatus.RUNNING:
        young.add(ConditionId.SILENT_STOP)
    return frozenset(young)


def over_order_nl(ordered_nl: int, counter: Counter) -> int:
    """Return by how much more than ordered may be counted without an alarm."""
    return max(FLOOR_TICKS * counter.tick_nl, ordered_nl * FLOOR_PERCENT // 100)


def _ml(grains: int) -> str:
    """Return whole microlitres in mL: finer is noise."""
    return str(Volume(grains // GRAINS_PER_NL // 1000 * 1000))


def _rate(account: Account) -> str:
    return str(FlowRate(account.set_nl_h))


_OF_DELIVERY = frozenset(
    {
        ConditionId.FREE_FLOW,
        ConditionId.OVER_INFUSION,
        ConditionId.UNDER_INFUSION,
        ConditionId.SILENT_STOP,
        ConditionId.COUNTER_FROZEN,
        ConditionId.COUNTER_RESET,
        ConditionId.REVERSE_FLOW,
        ConditionId.VOLUME_EXCEEDED,
    }
)
"""What only an account can show."""


class Fault(Enum):
    """What can go wrong between a set rate and a counter."""

    SILENT_STOP = "silent stop"
    FREE_FLOW = "free flow"
    TEN_FOLD = "ten-fold flow"
    HALF = "half of the flow"
    TWENTY_MORE = "20 % too much"
    TWENTY_LESS = "20 % too little"


_SHARE_PERCENT = {Fault.TEN_FOLD: 1000, Fault.HALF: 50, Fault.TWENTY_MORE: 120, Fault.TWENTY_LESS: 80}


def detected_within_s(fault: Fault, rate: FlowRate, tick: Volume, poll_s: Fraction) -> Fraction:
    """Return after how many seconds, at the latest, ``fault`` is told at ``rate``, above 0.

    Of a counter that moves in steps of ``tick`` and is read each ``poll_s``, under an order of two hours.
    """
    per_s = Fraction(rate.nl_per_h, 3600)
    lag_nl = per_s * COUNTER_LAG_NS / NS_PER_S
    polls_s = 2 * poll_s
    ramp_s = poll_s  # the first reading may show a motor that is still on its way up
    if fault is Fault.SILENT_STOP:
        return max((2 * tick.nl + lag_nl) / per_s, STILL_READINGS * poll_s) + polls_s
    if fault is Fault.FREE_FLOW:
        return (FLOOR_TICKS + 3) * tick.nl / per_s + polls_s
    share = Fraction(_SHARE_PERCENT[fault], 100) - 1
    floor_nl = FLOOR_TICKS * tick.nl + lag_nl
    beyond = abs(share) - Fraction(FAST_PERCENT, 100)
    if beyond > 0:
        fast_s = (floor_nl + 3 * tick.nl) / (beyond * per_s) + polls_s
        return fast_s + ramp_s if fault is Fault.TEN_FOLD else fast_s
    beyond = abs(share) - Fraction(SLOW_PERCENT, 100)
    # Its five minutes begin when the sum no longer comes back to 0 between two steps of the counter.
    begun_s = tick.nl / per_s + poll_s * (100 + SLOW_PERCENT) / (100 * beyond)
    slow_s = max((floor_nl + tick.nl) / (beyond * per_s), begun_s + SLOW_FOR_NS // NS_PER_S) + polls_s
    ordered_nl = per_s * NO_ORDER_NS / NS_PER_S
    total_s = (max(floor_nl, ordered_nl * FLOOR_PERCENT / 100) + tick.nl) / (abs(share) * per_s) + polls_s
    return min(slow_s, total_s)


def least_rate(fault: Fault, tick: Volume, poll_s: Fraction, within_s: Fraction) -> FlowRate | None:
    """Return the lowest rate, in steps of 0.01 mL/h up to 50 mL/h, at which ``fault`` is told ``within_s``.

    Below it the fault may pass unseen; None when it may at every rate.
    """
    low, high = 1, 5000
    step = NL_PER_ML // 100
    if detected_within_s(fault, FlowRate(high * step), tick, poll_s) > within_s:
        return None
    while low < high:
        middle = (low + high) // 2
        if detected_within_s(fault, FlowRate(middle * step), tick, poll_s) <= within_s:
            high = middle
        else:
            low = middle + 1
    return FlowRate(low * step)


INFUSION_S = Fraction(NO_ORDER_NS, NS_PER_S)
"""A fault that is not told within an infusion of two hours is not told."""


def unseen(tick: Volume | None) -> str:
    """Return in words below which rate each fault may pass unseen in two hours, read once a second."""
    if tick is None:
        return "nothing of delivery is told: the pump tells no volume"
    rates = {fault: least_rate(fault, tick, Fraction(1), INFUSION_S) for fault in Fault}
    return "; ".join(f"{f.value} {'at any rate' if r is None else f'below {r}'}" for f, r in rates.items())
