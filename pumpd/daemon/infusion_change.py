"""What a ``change`` of a running infusion comes to: another dose, another order, other limits, answers."""

from __future__ import annotations

from dataclasses import replace

from pumpd.contract.infusion_payloads import ChangePayload
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.infusion_begin import longest_window_ns, ordered_before
from pumpd.core.infusion_due import accepted_totals, check_totals
from pumpd.core.infusion_order import check_answers, check_order
from pumpd.core.infusion_record import Infusion, Order, aimed, answered, changed
from pumpd.core.infusion_totals import bounds_of
from pumpd.core.infusion_watch import InfusionWatch
from pumpd.core.infusion_words import order_words
from pumpd.core.newer_library import check_flow, kept_for, under_library
from pumpd.core.quantities import FlowRate
from pumpd.core.state import Now, PumpSetup
from pumpd.core.titration import raise_asked
from pumpd.core.total_dose import Stretch
from pumpd.daemon.infusion_orders import answers_of, dose_of, order_of


def changed_as_asked(
    watch: InfusionWatch,
    asked: ChangePayload,
    library: DrugLibrary | None,
    setup: PumpSetup,
    flow: FlowRate | None,
    now: Now,
) -> tuple[InfusionWatch, str, str]:
    """Return the watch as it is then, what happened, and in words; ValueError says why it can not be.

    ``library`` is the one in force, ``setup`` the pump's own, ``flow`` what it was last seen to give.
    """
    infusion = watch.infusion
    if asked.version != infusion.ordered.number:
        raise ValueError("the order was changed since: look again")
    sets = asked.dose is not None or asked.order is not None or asked.library_sha256
    if sets and asked.dose_revision != infusion.ordered.dose_revision:
        raise ValueError(f"somebody set the dose since, to {infusion.ordered.dose}: look again")
    event, said = "changed", []
    if asked.order is not None or asked.library_sha256:
        order = _ordered_anew(infusion, asked)
        ruled = infusion
        if asked.library_sha256:
            ruled = under_library(infusion, library, asked.library_sha256)
            watch = _kept_longer(watch, library, now)
        after = changed(ruled, order, now.wall)
        check_order(order, ruled.entry, setup.flow_step, setup.ceiling)
        if ruled is not infusion:
            check_flow(flow, ruled.entry, order.programme, setup.flow_step)
        bounds = bounds_of(ruled.entry, order.programme)
        check_totals(order, watch.dose, watch, bounds, now.mono_ns)
        # What was accepted before was of the order before.
        passed = accepted_totals(order, watch.dose, watch, bounds, now)
        watch = watch._replace(infusion=ruled, bounds=bounds, accepted=passed)
        if asked.order is not None:
            watch = raise_asked(watch, order, setup.flow_step, now)
        if ruled is not infusion:
            event = "library"
            said.append(f"library {infusion.library_version} -> {ruled.library_version}")
        said.append(f"{order_words(infusion.ordered)} -> {order_words(after.ordered)}: {asked.reason}")
    elif asked.dose is not None:
        dose = dose_of(asked.dose, infusion.programme.unit.value)
        after, event = aimed(infusion, dose), "dose"
        order = replace(ordered_before(infusion), dose=dose, by=asked.user, accepted=asked.accepted)
        watch = raise_asked(watch, order, setup.flow_step, now)
        said.append(f"{infusion.ordered.dose} -> {dose}, inside the order")
        said += [f"{asked.accepted}"] if asked.accepted else []
    else:
        after, event = infusion, "answered"
    if asked.answers:
        given = answers_of(asked.answers)
        check_answers(after.entry, given, asked.user, all_of_them=False)
        after = answered(after, given)
        said += [f"{answer.ask} {'yes' if answer.yes else 'no'}" for answer in given]
    if after is infusion:
        raise ValueError("nothing is changed: write a dose, an order or answers")
    return watch._replace(infusion=after, agrees=None), event, "; ".join(said)


def _ordered_anew(infusion: Infusion, asked: ChangePayload) -> Order:
    """Return what is ordered: as it was written, else as before."""
    by, checked_by, accepted, reason = asked.user, asked.checked_by, asked.accepted, asked.reason
    if asked.order is None:
        before = ordered_before(infusion)
        return replace(before, by=by, checked_by=checked_by, accepted=accepted, reason=reason)
    return order_of(asked.order, by=by, checked_by=checked_by, accepted=accepted, reason=reason)


def _kept_longer(watch: InfusionWatch, library: DrugLibrary | None, now: Now) -> InfusionWatch:
    """Return the watch remembering what was given for as long as the longest window of ``library``."""
    assert library is not None, "it has an entry for this infusion"
    keep_ns = longest_window_ns(library, watch.dose.drug)
    until_ns = now.mono_ns if watch.taken_ns is None else watch.taken_ns
    given = Stretch(min(watch.begun_ns, until_ns), until_ns, watch.given_e6_p)
    return watch._replace(dose=watch.dose._replace(account=kept_for(watch.dose.account, keep_ns, given)))
