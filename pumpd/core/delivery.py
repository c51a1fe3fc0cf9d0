"""What a pump's own counter says it delivered, held against the rate set on it: exact, O(1) a reading.

Volumes are judged, never a flow worked out of two counts: at 1 mL/h one step of a 0.1 mL counter is 120 % of
what flows in five minutes.
"""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.delivery_account import STILL_READINGS, Account, Carried, Counter
from pumpd.core.delivery_bands import (
    FLOOR_PERCENT,
    FLOOR_TICKS,
    GRAINS_PER_NL,
    NONE,
    SLOW_FOR_NS,
    SLOW_PERCENT,
    Floors,
    off,
)
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpStatus, Telemetry

COUNTER_LAG_NS = NS_PER_S
"""A counter may lag behind the motor by a second."""
SHOWN_NS = 60 * NS_PER_S
"""What happens in one moment (a reset, a step back) is shown for so long."""
SETTLING_NS = 10 * NS_PER_S
"""For so long after a change the flow on the display counts too: motors ramp."""
NO_ORDER_NS = 2 * NS_PER_H
"""Without an ordered volume: what the set rate gives in two hours."""

_PRIMING, _KVO = PumpStatus.PRIMING, PumpStatus.KVO
"""What flows then is not of the programme."""


def paces(reading: Telemetry) -> tuple[int, int] | None:
    """Return the rates, in nL/h, that are set and displayed; None when neither can be known."""
    shown = None if reading.flow.value is None else reading.flow.value.nl_per_h
    chosen = None if reading.set_flow.value is None else reading.set_flow.value.nl_per_h
    status = reading.status
    if not status.delivers:
        return 0, 0 if shown is None else shown
    if status is PumpStatus.RUNNING and chosen is not None:
        return chosen, chosen if shown is None else shown
    if shown is None:
        return None
    return shown, max(shown, chosen or 0) if status is PumpStatus.UNKNOWN else shown


def begun(reading: Telemetry, carried: Carried | None = None) -> Account | None:
    """Return the account that begins with ``reading``; None when it has no counter or no rate.

    What an earlier run counted is carried on, with what the counter moved since; a counter that went back
    began at 0.
    """
    pace, volume = paces(reading), reading.volume.value
    if pace is None or volume is None:
        return None
    to_come = reading.volume_to_be_infused.value
    return Account(
        reading.taken_ns,
        reading.taken_ns,
        reading.span_ns,
        reading.status,
        volume.nl,
        0 if reading.status is PumpStatus.UNKNOWN else min(pace),
        max(pace),
        reading.taken_ns,
        pace[0],
        None if to_come is None else to_come.nl,
        *(counted_since(carried, volume.nl) if carried is not None else (0, 0)),
    )


def counted_since(carried: Carried, counter_nl: int) -> tuple[int, int]:
    """Return what is counted in all, and of the programme, when the counter shows ``counter_nl`` now."""
    moved_nl = counter_nl - carried.counter_nl if counter_nl >= carried.counter_nl else counter_nl
    return carried.counted_nl + moved_nl, carried.infused_nl + moved_nl


def advanced(
    account: Account | None, reading: Telemetry, counter: Counter, carried: Carried | None = None
) -> Account | None:
    """Return the account after ``reading``; as it was when that has no counter or no rate.

    ``carried`` is what an earlier run counted, for an account that begins.
    """
    if account is None:
        return begun(reading, carried)
    pace, volume = paces(reading), reading.volume.value
    if pace is None or volume is None or reading.taken_ns <= account.taken_ns:
        return account
    counter = account.as_seen(counter)
    step = _step(account, reading, pace, counter)
    moved_nl = volume.nl - account.counter_nl
    if 0 <= moved_nl <= step.most_nl:
        return _stepped(account, reading, step, moved_nl, counter)
    if moved_nl > 0 and _runs_away(account):
        return _believed(account, reading, counter)
    doubt = account.doubt
    if doubt is None or doubt.volume.value is None:
        return account._replace(doubt=reading)
    if volume < doubt.volume.value:
        if doubt.volume.value.nl >= account.counter_nl:
            return account._replace(doubt=reading)
        return _believed(account, reading, counter)  # it goes on back
    return _believed(_believed(account, doubt, counter), reading, counter)


def _runs_away(account: Account) -> bool:
    """Return whether the last reading showed far too much, untold yet: a further jump fits that."""
    over = account.over
    return bool(over.marked_grains) and not over.told and over.peak_ns == account.taken_ns


class _Step(NamedTuple):
    """What should have moved from one reading to the next."""

    low: int
    """At least, in nL/h x ns."""
    high: int
    """At most."""
    low_nl_h: int
    high_nl_h: int
    set_nl_h: int
    changed_ns: int
    margin_nl: int
    """How far the counter may be off its track without anything being wrong."""

    @property
    def most_nl(self) -> int:
        """The most that a sound counter can have moved."""
        return self.high // NS_PER_H + 1 + self.margin_nl


def _step(account: Account, reading: Telemetry, pace: tuple[int, int], counter: Counter) -> _Step:
    taken_ns, status = reading.taken_ns, reading.status
    elapsed_ns = taken_ns - account.taken_ns
    changed = status is not account.status or pace[0] != account.set_nl_h
    changed_ns = taken_ns if changed else account.changed_ns
    if status is PumpStatus.UNKNOWN:
        low_nl_h, high_nl_h = 0, pace[1]
    elif taken_ns - changed_ns < SETTLING_NS:
        low_nl_h, high_nl_h = min(pace), max(pace)
    else:
        low_nl_h = high_nl_h = pace[0]
    # What was changed between the readings may have been so all the while, or not at all.
    low = 0 if elapsed_ns > counter.gap_ns else min(low_nl_h, account.low_nl_h) * elapsed_ns
    most_nl_h = max(high_nl_h, account.high_nl_h)
    jitter = most_nl_h * (COUNTER_LAG_NS + account.span_ns + reading.span_ns)
    margin_nl = FLOOR_TICKS * counter.tick_nl + jitter // NS_PER_H + 1
    return _Step(low, most_nl_h * elapsed_ns, low_nl_h, high_nl_h, pace[0], changed_ns, margin_nl)


def _believed(account: Account, reading: Telemetry, counter: Counter) -> Account:
    """Return the account after a reading whose counter jumped, and was found again there."""
    pace, volume = paces(reading), reading.volume.value
    assert pace is not None
    assert volume is not None
    moved_nl = volume.nl - account.counter_nl
    step = _step(account, reading, pace, counter)
    if moved_nl >= 0:
        due_nl = step.high // NS_PER_H
        owed_nl = account.owed_nl_ns_per_h // NS_PER_H if account.still_readings else 0
        # A counter that stood may catch up with what was due meanwhile.
        late_nl = max(0, moved_nl - due_nl) if moved_nl <= owed_nl + step.most_nl else 0
        return _stepped(account, reading, step, moved_nl, counter, late_nl=late_nl)
    rolled_nl = _rolled(account.counter_nl, volume.nl, step.most_nl, counter.tick_nl)
    if rolled_nl is not None:
        return _stepped(account, reading, step, rolled_nl, counter)
    step = step._replace(low=0)
    if volume.nl <= step.most_nl:
        # What the last, unfinished step held went unseen.
        after = _stepped(account, reading, step, volume.nl, counter, unseen_nl=counter.tick_nl)
        return after._replace(reset_ns=reading.taken_ns, owed_nl_ns_per_h=0, still_readings=0, elsewhere_nl=0)
    after = _stepped(account, reading, step, 0, counter)
    now_ns, back_nl, from_ns = reading.taken_ns, -moved_nl, reading.taken_ns
    if account.back_ns is not None and now_ns - account.back_ns < SHOWN_NS:
        back_nl, from_ns = account.back_nl + back_nl, account.back_from_ns or now_ns
    return after._replace(back_nl=back_nl, back_ns=now_ns, back_from_ns=from_ns)


def _rolled(before_nl: int, after_nl: int, most_nl: int, tick_nl: int) -> int | None:
    """Return what moved if the counter ran over its end: a round number of mL, or of 16 or 32 bits."""
    ends = [10**digits * NL_PER_ML for digits in (3, 4, 5, 6)] + [tick_nl << bits for bits in (16, 32)]
    for end_nl in ends:
        moved_nl = end_nl - before_nl + after_nl
        if before_nl < end_nl and moved_nl <= most_nl:
            return moved_nl
    return None


def _stepped(
    account: Account,
    reading: Telemetry,
    step: _Step,
    moved_nl: int,
    counter: Counter,
    *,
    late_nl: int = 0,
    unseen_nl: int = 0,
) -> Account:
    taken_ns, status, volume = reading.taken_ns, reading.status, reading.volume.value
    low, high, low_nl_h, high_nl_h, set_nl_h, changed_ns, margin_nl = step
    tick_nl = counter.tick_nl
    assert volume is not None
    to_come = reading.volume_to_be_infused.value
    to_come_nl = None if to_come is None else to_come.nl
    if moved_nl or not status.delivers:
        owed, still, elsewhere_nl = 0, 0, 0
    else:
        owed, still, elsewhere_nl = (
            account.owed_nl_ns_per_h + low,
            account.still_readings + 1,
            account.elsewhere_nl,
        )
        if to_come_nl is not None and account.to_come_nl is not None:
            gone_nl = account.to_come_nl - to_come_nl
            if gone_nl <= high // NS_PER_H + 1 + tick_nl:  # more than that was typed in
                elsewhere_nl += max(0, gone_nl)
    grains, floors = moved_nl * GRAINS_PER_NL, _floors(account, step, to_come_nl, counter)
    frozen = elsewhere_nl >= 2 * tick_nl
    # A stop that was told is not told a second time as too little when it is over.
    was_under = NONE if moved_nl and account.owed_nl_ns_per_h > margin_nl * NS_PER_H else account.under
    seen = grains + unseen_nl * GRAINS_PER_NL
    under = NONE if frozen else off(was_under, seen, low, floors, taken_ns, too_much=False)
    was = account.status
    of_programme = not (status is _PRIMING or was is _PRIMING or status is _KVO or was is _KVO)
    return Account(
        account.begun_ns,
        taken_ns,
        reading.span_ns,
        status,
        volume.nl,
        low_nl_h,
        high_nl_h,
        changed_ns,
        set_nl_h,
        to_come_nl,
        account.counted_nl + moved_nl,
        account.infused_nl + moved_nl if of_programme else account.infused_nl,
        owed,
        still,
        elsewhere_nl,
        off(account.over, grains - late_nl * GRAINS_PER_NL, high, floors, taken_ns, too_much=True),
        under,
        account.reset_ns,
        account.back_nl,
        account.back_ns,
        account.back_from_ns,
        step_nl=_step_seen(account, moved_nl, counter) if moved_nl else account.step_nl,
    )


def _step_seen(account: Account, moved_nl: int, counter: Counter) -> int:
    """Return the counter's step as its movements show it; 0 where nothing speaks against the declared one.

    A counter that stands while steps are due and then catches up with them moves in coarser ones. It can not
    move by less than its step: that shows that it was something else.
    """
    owed_nl = account.owed_nl_ns_per_h // NS_PER_H
    if account.still_readings >= STILL_READINGS and 2 * counter.tick_nl < owed_nl <= 2 * moved_nl:
        return moved_nl
    return account.step_nl if moved_nl >= account.step_nl else 0


def _floors(account: Account, step: _Step, to_come_nl: int | None, counter: Counter) -> Floors:
    ordered_nl = counter.ordered_nl
    if ordered_nl is None and to_come_nl is not None:
        ordered_nl = account.infused_nl + to_come_nl
    if ordered_nl is None:
        ordered_nl = max(account.counted_nl, step.high_nl_h * NO_ORDER_NS // NS_PER_H)
    quiet_ns = SLOW_FOR_NS
    if step.high_nl_h:
        # Off by a tenth, it would show by three steps of the counter in this time.
        shows_nl = FLOOR_TICKS * counter.tick_nl * 100 // SLOW_PERCENT
        quiet_ns = max(quiet_ns, shows_nl * NS_PER_H // step.high_nl_h)
    margin = step.margin_nl * GRAINS_PER_NL
    total = max(margin, ordered_nl * FLOOR_PERCENT * NS_PER_H)
    return Floors(counter.tick_nl * GRAINS_PER_NL, margin, total, quiet_ns)
