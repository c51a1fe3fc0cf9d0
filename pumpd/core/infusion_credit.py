"""How much of what a pump moved since its last reading is credited to its infusion, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

from pumpd.core.delivery_account import Account
from pumpd.core.infusion_watch import SAVED_EVERY_NS, InfusionWatch
from pumpd.core.quantities import NS_PER_H
from pumpd.core.telemetry import PumpStatus, Telemetry


class Credit(NamedTuple):
    """What one reading adds, and from where the next one counts on."""

    nl: int
    up_to: bool = False
    """It was not counted, but reckoned at the highest rate."""
    account_ns: int | None = None
    counted_nl: int = 0
    stepped_nl: int = 0
    elsewhere_nl: int = 0
    counter_nl: int = 0
    torn: bool = False


def credited(
    watch: InfusionWatch,
    reading: Telemetry,
    account: Account | None,
    gap_ns: int,
    pace_nl_h: int,
    step_nl: int,
) -> Credit:
    """Return what ``reading``, which led to ``account``, adds to ``watch``.

    ``pace_nl_h`` is how fast it flows now, ``step_nl`` the step of the pump's counter as far as it is known.
    """
    was_ns = watch.taken_ns
    elapsed_ns = 0 if was_ns is None else reading.taken_ns - was_ns
    most_nl = max(watch.top_nl_h, pace_nl_h) * elapsed_ns // NS_PER_H
    if account is None or reading.volume.value is None:
        # Nothing is counted: it is reckoned, and credited once when a counter shows it later.
        at_pace_nl = max(watch.pace_nl_h, pace_nl_h) * elapsed_ns // NS_PER_H
        nl = most_nl if elapsed_ns > gap_ns else at_pace_nl
        uncounted_ns = elapsed_ns if account is None else reading.taken_ns - account.taken_ns
        counted_nl, stepped_nl = watch.counted_nl + nl, watch.stepped_nl
        base = (watch.account_ns, counted_nl, stepped_nl, watch.elsewhere_nl, watch.counter_nl)
        credit = Credit(nl, uncounted_ns > gap_ns, *base, watch.torn)
    else:
        told_nl = account.counted_nl + account.elsewhere_nl
        up_to = torn = False
        if account.begun_ns == watch.account_ns:
            counted_nl = _counted_on(watch, account)
            torn = watch.torn and counted_nl > told_nl
            if torn:
                # All that flowed may be beyond what is credited, and no more than a step beyond the counter.
                gone_nl = _gone(watch, reading, most_nl + step_nl)
                most_counted_nl = watch.counted_nl + (most_nl if gone_nl is None else gone_nl)
                counted_nl = max(counted_nl, min(most_counted_nl, account.counted_nl + step_nl))
            nl = counted_nl - watch.counted_nl
        elif was_ns is None:
            counted_nl, nl = told_nl, 0
        elif account.counter_nl >= watch.counter_nl:
            nl, ahead_nl, torn = _counted_anew(watch, reading, account, most_nl, step_nl)
            if watch.account_ns is None and not (watch.counter_nl or watch.resumed):
                nl = min(nl, most_nl + step_nl)  # what it showed before may never have been read
            counted_nl = account.counted_nl + ahead_nl
        else:
            counted_nl, nl, up_to = told_nl, most_nl, True
        base = (account.begun_ns, counted_nl, account.counted_nl, account.elsewhere_nl, account.counter_nl)
        credit = Credit(nl, up_to, *base, torn)
    if reading.status is PumpStatus.PRIMING:
        # It is not at the patient, but for what flowed before it while pumpd did not run.
        nl = min(credit.nl, most_nl) if watch.resumed else 0
        return credit._replace(nl=nl, up_to=watch.resumed or watch.torn, torn=False)
    return credit


def _counted_on(watch: InfusionWatch, account: Account) -> int:
    """Return what of the account is credited in all: never less, and nothing twice once the counter steps."""
    if account.counted_nl != watch.stepped_nl:
        return max(watch.counted_nl, account.counted_nl + account.elsewhere_nl)
    if watch.torn:
        return watch.counted_nl  # a step of the counter beyond it, until that steps
    return watch.counted_nl + max(0, account.elsewhere_nl - watch.elsewhere_nl)


def _counted_anew(
    watch: InfusionWatch, reading: Telemetry, account: Account, most_nl: int, step_nl: int
) -> tuple[int, int, bool]:
    """Return what is given since then, how far that is beyond the counter, and whether it may be less.

    After a restart nobody knows what the pump told between two steps of its counter since the last time that
    was on disk: at most a step. So much is credited, until the counter shows whether it was less.
    """
    moved_nl = account.counter_nl - watch.counter_nl
    before_nl = watch.counted_nl - watch.stepped_nl - moved_nl
    """What was credited then, as the counter shows it now: below 0 when it has moved by more."""
    to_come = reading.volume_to_be_infused.value
    least_nl = max(account.elsewhere_nl, before_nl)
    if not watch.resumed or (to_come is None and watch.to_come_nl is None):
        return least_nl - before_nl, least_nl, watch.torn and before_nl > 0
    gone_nl = _gone(watch, reading, most_nl + step_nl)
    if gone_nl is not None:
        least_nl = max(least_nl, before_nl + gone_nl)
    ahead_nl = least_nl
    if moved_nl or gone_nl is None:
        flowed_nl = most_nl if gone_nl is None else gone_nl
        unsaved_nl = min(flowed_nl, watch.top_nl_h * SAVED_EVERY_NS // NS_PER_H)
        ahead_nl = max(least_nl, step_nl, unsaved_nl if moved_nl else before_nl + unsaved_nl)
    return ahead_nl - before_nl, ahead_nl, ahead_nl > least_nl or (watch.torn and ahead_nl > 0)


def _gone(watch: InfusionWatch, reading: Telemetry, most_nl: int) -> int | None:
    """Return by how much less is to come than before; None where that is not told, or was typed anew."""
    to_come = reading.volume_to_be_infused.value
    if to_come is None or watch.to_come_nl is None:
        return None
    gone_nl = watch.to_come_nl - to_come.nl
    return gone_nl if 0 <= gone_nl <= most_nl else None
