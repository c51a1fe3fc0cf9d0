"""What is wrong with an infusion: what it gave and will give, what people owe it, what goes on without it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from pumpd.core.acceptance import Acceptance, accepted_up_to
from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.drug_library import TotalOver
from pumpd.core.field_error import FieldError
from pumpd.core.infusion_duration import duration_findings
from pumpd.core.infusion_record import Order
from pumpd.core.infusion_totals import (
    PAST_END_NS,
    DoseBound,
    Given,
    bounds_of,
    passed_by_order,
    whole_order,
    worst_e6_p,
)
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.infusion_words import amount_words
from pumpd.core.quantities import NL_PER_ML, NS_PER_H, NS_PER_S
from pumpd.core.state import Now, PumpSetup
from pumpd.core.telemetry import Telemetry
from pumpd.core.titration import titration_finding
from pumpd.core.total_dose import Course

NOT_STARTED_NS = 300 * NS_PER_S
LONG_PAUSE_NS = 300 * NS_PER_S
FLOOR_TICKS = 3
"""A counter shows by steps: so many of them are no overdose."""

BY_PEOPLE = (ConditionId.OBSERVATION_DUE, ConditionId.NOT_STARTED)
"""What ends when people say so, with or without a reading."""


def check_totals(
    order: Order, dose: PatientDose, watch: InfusionWatch | None, bounds: tuple[DoseBound, ...], now_ns: int
) -> None:
    """ValueError when the whole order would pass a limit of the total dose; a soft one, without a reason.

    ``watch`` is the infusion whose order it changes, None for one that begins.
    """
    programme = order.programme
    course, given = _whole(order, dose, watch)
    for hard in (True, False):
        for bound, comes_to, limit in passed_by_order(bounds, given, now_ns, course, hard=hard):
            allowed = amount_words(limit, programme.concentration)
            if comes_to < 0:
                words = f"at most {allowed} {bound.words} may be given: write a volume or a duration"
                raise FieldError("volume_ml", words)
            if not hard and order.accepted.strip():
                continue
            kind = "hard limit" if hard else "soft limit"
            words = f"it comes to {amount_words(comes_to, programme.concentration)} {bound.words}"
            may = "" if hard else ". It may be so, with a reason"
            field = "accepted" if not hard else "duration_min" if programme.volume is None else "volume_ml"
            before = f"{words}, with what was given before"
            raise FieldError(field, f"{before}; the library's {kind} is {allowed}{may}")


def accepted_totals(
    order: Order, dose: PatientDose, watch: InfusionWatch | None, bounds: tuple[DoseBound, ...], now: Now
) -> tuple[Acceptance, ...]:
    """Return each soft limit that ``order`` passes on purpose, up to what the whole order comes to.

    For an order that ``check_totals`` let pass, with the same arguments. A reason that was given for another
    limit accepts no total.
    """
    concentration = order.programme.concentration
    course, given = _whole(order, dose, watch)
    if course is None:
        return ()
    # The end of an order by volume is rounded down to a nanosecond.
    rounding_e6_p = ceil(course.until(1) * NL_PER_ML)
    return tuple(
        Acceptance(
            ConditionId.TOTAL_DOSE_SOFT,
            comes_to + rounding_e6_p,
            f"More than usual in all: {amount_words(comes_to, concentration)} {bound.words}, "
            f"usual up to {amount_words(limit, concentration)}",
            order.by,
            now.wall,
            order.accepted,
            bound.words,
        )
        for bound, comes_to, limit in passed_by_order(bounds, given, now.mono_ns, course, hard=False)
    )


def _whole(order: Order, dose: PatientDose, watch: InfusionWatch | None) -> tuple[Course | None, Given]:
    """Return what ``order`` still allows to be given, and what was given before."""
    if watch is None:
        return whole_order(order.programme), Given(0, dose.series_e6_p, dose.account)
    course = whole_order(order.programme, watch.flowed_ns, watch.given_nl)
    return course, Given(watch.given_e6_p, dose.series_e6_p, dose.account)


def with_bounds(watch: InfusionWatch) -> InfusionWatch:
    """Return the watch with the limits of the total dose of its present order."""
    return watch._replace(bounds=bounds_of(watch.infusion.entry, watch.infusion.programme))


def _ahead_ns(watch: InfusionWatch) -> int | None:
    """Return how long the order still lasts at the present rate; None when it names no end."""
    programme, ends_ns = watch.infusion.programme, []
    if programme.duration_s is not None:
        ends_ns.append(programme.duration_s * NS_PER_S - watch.flowed_ns)
    if programme.volume is not None and watch.pace_nl_h:
        ends_ns.append((programme.volume.nl - watch.given_nl) * NS_PER_H // watch.pace_nl_h)
    if not ends_ns:
        return None
    left_ns = min(ends_ns)
    return left_ns if left_ns > 0 else PAST_END_NS


def total_findings(
    watch: InfusionWatch, setup: PumpSetup, now_ns: int
) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what of the total dose is passed, or will be before the order ends if it goes on like this."""
    if not watch.bounds:
        return
    concentration = watch.infusion.programme.concentration
    step_nl = 0 if setup.counter_step is None else setup.counter_step.nl
    slack_nl = FLOOR_TICKS * step_nl + watch.pace_nl_h * setup.freshness.stale_after_ns // NS_PER_H
    slack = slack_nl * concentration.p_per_ml
    pace_e6_p_h = watch.pace_nl_h * concentration.p_per_ml
    given = Given(watch.given_e6_p, watch.dose.series_e6_p, watch.dose.account)
    order_ns = _ahead_ns(watch)
    for bound in watch.bounds:
        if bound.over is TotalOver.WINDOW:
            held, longest_ns = given.account.kept_e6_p, bound.window_ns or 0
        else:
            held = given.infusion_e6_p if bound.over is TotalOver.INFUSION else given.series_e6_p
            longest_ns = PAST_END_NS
        ahead_ns = longest_ns if order_ns is None else order_ns
        if bound.over is TotalOver.WINDOW:
            ahead_ns = min(ahead_ns, longest_ns)
        lowest = bound.hard_e6_p if bound.soft_e6_p is None else bound.soft_e6_p
        if lowest is None or held + pace_e6_p_h * ahead_ns // NS_PER_H <= lowest + slack:
            continue
        course = Course(Fraction(pace_e6_p_h, NL_PER_ML), ahead_ns)
        worst = worst_e6_p(bound, given, now_ns, course)
        condition, limit, soft = ConditionId.TOTAL_DOSE_HARD, bound.hard_e6_p, None
        if limit is None or worst <= limit + slack:
            condition, limit, soft = ConditionId.TOTAL_DOSE_SOFT, bound.soft_e6_p, int(worst)
            if limit is None or worst <= limit + slack:
                continue
            up_to = accepted_up_to(watch.accepted, condition, bound.words)
            if up_to is not None and worst <= up_to + slack:
                continue
        measured = f"{amount_words(int(worst), concentration, up_to=watch.at_most)} {bound.words}"
        causes = frozenset({bound.words})
        allowed = amount_words(limit, concentration)
        priority = CATALOGUE[condition].priority
        yield condition, Finding(priority, measured, allowed, causes, degree=int(worst), soft=soft)


def infusion_findings(
    watch: InfusionWatch, setup: PumpSetup, reading: Telemetry, now_ns: int
) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what a reading shows to be wrong with the infusion."""
    if not watch.stood_since:
        yield from total_findings(watch, setup, now_ns)
    if not watch.goes_on:
        if not watch.stood_since and reading.status.delivers:
            yield _found(ConditionId.STILL_RUNNING)
        return
    if reading.status.delivers:
        raised = titration_finding(watch, setup.flow_step, now_ns)
        if raised is not None:
            yield ConditionId.TITRATION, raised
    yield from duration_findings(watch)
    if watch.standing_ns is not None and now_ns - watch.standing_ns >= LONG_PAUSE_NS:
        minutes = (now_ns - watch.standing_ns) // (60 * NS_PER_S)
        yield _found(ConditionId.LONG_PAUSE, f"{minutes} min")


def due_findings(watch: InfusionWatch, now: Now) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield what is due by the clock alone."""
    due_ns = watch.look_due_ns
    if due_ns is not None and now.mono_ns >= due_ns:
        yield _found(ConditionId.OBSERVATION_DUE)
    if watch.goes_on and watch.flowed_from_ns is None and now.mono_ns - watch.begun_ns >= NOT_STARTED_NS:
        yield _found(ConditionId.NOT_STARTED)


def _found(condition: ConditionId, measured: str = "") -> tuple[ConditionId, Finding]:
    return condition, Finding(CATALOGUE[condition].priority, measured)
