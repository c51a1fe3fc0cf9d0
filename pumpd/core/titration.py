"""How far and how soon a dose rate is raised: as people ask for it, and as it is seen at the pump.

A pump rounds down to its step, so two settings of it may stand up to one step further apart than the doses
they were set for: only what is beyond that is told.
"""

from __future__ import annotations

from fractions import Fraction

from pumpd.core.acceptance import HARD, Acceptance, with_acceptance
from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.dosing import dose_rate, flow_for, unlike_digits
from pumpd.core.drug_library import Titration
from pumpd.core.field_error import FieldError
from pumpd.core.infusion_order import flow_to_set
from pumpd.core.infusion_record import Order
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.quantities import NS_PER_S, DoseRate, FlowRate
from pumpd.core.state import Now

_MIN_NS = 60 * NS_PER_S


def titration_finding(watch: InfusionWatch, step: FlowRate, now_ns: int) -> Finding | None:
    """Return what the last raise at the pump, which resolves ``step``, passes of the library's limit.

    None as well when it was taken back, and when the time between two raises is over.
    """
    rule, from_nl_h, rate_nl_h = watch.infusion.entry.titration, watch.raise_from_nl_h, watch.rate_nl_h
    if rule is None or from_nl_h is None or rate_nl_h is None or rate_nl_h <= from_nl_h:
        return None
    raised_ns, before_ns = watch.raised_ns, watch.raised_before_ns
    assert raised_ns is not None, "what it was raised from is known with when"
    if now_ns - raised_ns >= rule.apart_s * NS_PER_S:
        return None
    concentration, weight = watch.infusion.programme.concentration, watch.infusion.programme.weight
    by_nl_h = rate_nl_h - from_nl_h
    if by_nl_h >= flow_for(rule.largest_step, concentration, weight) + step.nl_per_h:
        by = dose_rate(FlowRate(by_nl_h), concentration, weight, rule.largest_step.unit)
        measured, allowed = _far(by, rule)
    elif before_ns is not None and raised_ns - before_ns < rule.apart_s * NS_PER_S:
        measured, allowed = _soon(raised_ns - before_ns, rule)
    else:
        return None
    priority = CATALOGUE[ConditionId.TITRATION].priority
    if rule.hard:
        return Finding(priority, measured, allowed, frozenset({HARD}), degree=rate_nl_h)
    return Finding(priority, measured, allowed, degree=rate_nl_h, soft=rate_nl_h)


def raise_asked(watch: InfusionWatch, order: Order, step: FlowRate, now: Now) -> InfusionWatch:
    """Return the watch after a person asked for ``order.dose`` under ``order.programme``.

    ValueError when that is a raise beyond the library's limit: a hard one, or a soft one without a reason.
    """
    rule, passed = watch.infusion.entry.titration, _passed(watch, order, step, now.mono_ns)
    if rule is not None and passed:
        if rule.hard:
            raise FieldError("dose", f"{passed}, which is a hard limit")
        if not order.accepted.strip():
            raise FieldError("accepted", f"{passed}. It may be so, with a reason")
        up_to = flow_to_set(order, step).nl_per_h
        one = Acceptance(ConditionId.TITRATION, up_to, passed, order.by, now.wall, order.accepted)
        watch = watch._replace(accepted=with_acceptance(watch.accepted, one))
    before, after = _flows(watch, order)
    if after == before or watch.flowed_from_ns is None:
        return watch
    # What was asked for and is taken back was no raise.
    return watch._replace(raise_asked_ns=now.mono_ns if after > before else None)


def _passed(watch: InfusionWatch, order: Order, step: FlowRate, now_ns: int) -> str:
    """Return in words what a raise passes; empty when nothing, and as long as nothing has flowed."""
    rule, programme = watch.infusion.entry.titration, order.programme
    if rule is None or watch.flowed_from_ns is None:
        return ""
    before, after = _flows(watch, order)
    most = flow_for(rule.largest_step, programme.concentration, programme.weight)
    by = after - before
    if watch.rate_nl_h is not None:
        at_pump = Fraction(flow_to_set(order, step).nl_per_h - watch.rate_nl_h)
        if at_pump >= most + step.nl_per_h:
            by = max(by, at_pump)
    if by > most:
        share = DoseRate(rule.largest_step.amount * by / most, rule.largest_step.unit)
        return "a raise {} is more than the library's largest step of {}".format(*_far(share, rule))
    raises_ns = [at for at in (watch.raised_ns, watch.raise_asked_ns) if at is not None]
    if after > before and raises_ns and now_ns - max(raises_ns) < rule.apart_s * NS_PER_S:
        return "a raise {} is sooner than the library's {}".format(*_soon(now_ns - max(raises_ns), rule))
    return ""


def _flows(watch: InfusionWatch, order: Order) -> tuple[Fraction, Fraction]:
    """Return the flows of what is ordered now and of what is asked for."""
    ordered, programme = watch.infusion.ordered, order.programme
    before = flow_for(ordered.dose, ordered.programme.concentration, ordered.programme.weight)
    return before, flow_for(order.dose, programme.concentration, programme.weight)


def _far(by: DoseRate, rule: Titration) -> tuple[str, str]:
    measured, allowed = unlike_digits(by, rule.largest_step)
    return f"by {measured}", allowed


def _soon(after_ns: int, rule: Titration) -> tuple[str, str]:
    return f"{after_ns // _MIN_NS} min after the one before", f"{rule.apart_s // 60} min between raises"
