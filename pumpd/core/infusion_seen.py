"""What one reading says of the infusion that its pump carries."""

from __future__ import annotations

from pumpd.core.delivery_account import Account
from pumpd.core.infusion_credit import credited
from pumpd.core.infusion_watch import InfusionWatch, Titrated, turned
from pumpd.core.quantities import NS_PER_H
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry
from pumpd.core.total_dose import Stretch, amount_e6_p

_NOT_AT_THE_PATIENT = PumpStatus.PRIMING
_KEEPS_OPEN = PumpStatus.KVO


def follow(
    watch: InfusionWatch, state: PumpState, reading: Telemetry, account: Account | None
) -> tuple[InfusionWatch, Titrated | None]:
    """Return what is known of the infusion on this pump after ``reading``, which led to ``account``."""
    if watch.stood_since:
        return watch, None
    counter, gap_ns = state.counter, state.setup.freshness.stale_after_ns
    step_nl = 0 if counter is None or account is None else account.as_seen(counter).tick_nl
    watch = advanced(watch, reading, account, gap_ns, step_nl)
    if not watch.goes_on:
        return watch if reading.status.delivers else watch._replace(stood_since=True), None
    return turned(watch, reading, state.ordered, state.setup.flow_step)


def advanced(
    watch: InfusionWatch, reading: Telemetry, account: Account | None, gap_ns: int, step_nl: int = 0
) -> InfusionWatch:
    """Return the watch after ``reading``: what flowed since is credited to patient and infusion.

    By the pump's own counter. Where there is none after a silence of more than ``gap_ns``, or it began anew
    meanwhile, at the highest rate, and marked as at most so much. What primes a line is not at the patient.
    """
    taken_ns, was_ns = reading.taken_ns, watch.taken_ns
    if was_ns is not None and taken_ns <= was_ns:
        return watch
    flowed_from_ns, flowed_ns, standing_ns = _timed(watch, reading, was_ns)
    pace_nl_h = _pace(reading)
    credit = credited(watch, reading, account, gap_ns, pace_nl_h, step_nl)
    nl, to_come = credit.nl, reading.volume_to_be_infused.value
    # What the counter shows by steps was given since the step before, as long as it flowed.
    from_ns = watch.credited_ns
    if from_ns is None or (watch.pace_nl_h == 0 and nl == 0):
        from_ns = taken_ns
    dose, given_e6_p = watch.dose, watch.given_e6_p
    if nl:
        amount = amount_e6_p(nl, watch.infusion.programme.concentration)
        set_flow = reading.set_flow.value
        dose = dose.plus(Stretch(from_ns, taken_ns, amount), 0 if set_flow is None else set_flow.nl_per_h)
        given_e6_p += amount
        from_ns = taken_ns
    return watch._replace(
        dose=dose,
        given_e6_p=given_e6_p,
        given_nl=watch.given_nl + nl,
        up_to=watch.up_to or credit.up_to,
        account_ns=credit.account_ns,
        counted_nl=credit.counted_nl,
        stepped_nl=credit.stepped_nl,
        elsewhere_nl=credit.elsewhere_nl,
        counter_nl=credit.counter_nl,
        to_come_nl=None if to_come is None else to_come.nl,
        torn=credit.torn,
        resumed=False,
        credited_ns=from_ns,
        taken_ns=taken_ns,
        pace_nl_h=pace_nl_h,
        top_nl_h=max(watch.top_nl_h, pace_nl_h),
        flowed_from_ns=flowed_from_ns,
        flowed_ns=flowed_ns,
        standing_ns=standing_ns,
    )


def reckoned(watch: InfusionWatch, now_ns: int, gap_ns: int) -> InfusionWatch:
    """Return the watch as people are told of it: while nobody reads its pump, at most this was given.

    After a silence of more than ``gap_ns``, and after a restart until it is read, it goes on at the highest
    rate, as far as anybody can tell. What is credited to the patient is what the pump's counter says later.
    """
    was_ns = watch.taken_ns
    if was_ns is None or not watch.pace_nl_h:
        return watch
    if now_ns - was_ns <= gap_ns and not watch.resumed:
        return watch
    nl = watch.top_nl_h * (now_ns - was_ns) // NS_PER_H
    amount = amount_e6_p(nl, watch.infusion.programme.concentration)
    return watch._replace(given_nl=watch.given_nl + nl, given_e6_p=watch.given_e6_p + amount, up_to=True)


def _timed(
    watch: InfusionWatch, reading: Telemetry, was_ns: int | None
) -> tuple[int | None, int, int | None]:
    """Return since when it flows, how long it has flowed, and since when it stands."""
    status, flow, taken_ns = reading.status, reading.flow.value, reading.taken_ns
    from_ns, flowed_ns = watch.flowed_from_ns, watch.flowed_ns
    if not status.delivers:
        since_ns = taken_ns if watch.standing_ns is None and from_ns is not None else watch.standing_ns
        return from_ns, flowed_ns, since_ns
    if status is _NOT_AT_THE_PATIENT or status is _KEEPS_OPEN or (flow is not None and flow.nl_per_h <= 0):
        return from_ns, flowed_ns, watch.standing_ns
    if from_ns is None:
        return taken_ns, flowed_ns, None
    return from_ns, flowed_ns + (0 if was_ns is None else taken_ns - was_ns), None


def _pace(reading: Telemetry) -> int:
    """Return how fast it may flow, in nL/h: the higher of what is shown and set, 0 while it stands."""
    flow, chosen = reading.flow.value, reading.set_flow.value
    shown_nl_h = 0 if flow is None else flow.nl_per_h
    if not reading.status.delivers:
        return shown_nl_h
    if reading.status is PumpStatus.RUNNING and chosen is not None:
        return max(shown_nl_h, chosen.nl_per_h)
    return shown_nl_h
