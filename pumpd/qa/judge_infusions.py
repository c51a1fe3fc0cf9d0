"""Holds what pages and journal said of infusions against what a scenario expects."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.qa.carried import PICO, Carried
from pumpd.qa.checks import Check
from pumpd.qa.record import Record

_MG = PICO["mg"]


def infusion_is(record: Record, check: Check) -> Iterator[str]:
    """Yield how the infusion of a channel stood instead."""
    found = _at(record, check)
    if found.state != check.is_:
        yield f"it was {found.state}"
    elif check.version not in {None, found.version}:
        yield f"it was version {found.version}"


def account_says(record: Record, check: Check) -> Iterator[str]:
    """Yield what was said that the infusion gave instead."""
    found = _at(record, check)
    assert check.least_dose is not None
    assert check.most_dose is not None
    if not check.least_dose <= found.given_pg <= check.most_dose or found.state == "none":
        up_to = "up to " if found.up_to else ""
        yield f"it says {up_to}{float(found.given_pg / _MG):g} mg, and is {found.state}"


def is_written(record: Record, check: Check) -> Iterator[str]:
    """Yield what the journal says instead."""
    of_it = [w for w in record.written if w.whose == (check.pump, check.channel) and w.line == check.line]
    until_s = check.until_s + record.allowance.late_s
    found = [
        w
        for w in of_it
        if check.after_s <= w.at_s <= until_s and (check.says or "") in w.words and check.by in {None, w.by}
    ]
    if len(found) != 1:
        said = "; ".join(f"'{w.words}' by {w.by or 'nobody'} at {w.at_s:.1f} s" for w in of_it)
        yield f"it is written {len(found)} times; there is {said or 'nothing of the kind'}"


def _at(record: Record, check: Check) -> Carried:
    """Return what was shown last up to the check's moment."""
    assert check.pump is not None
    at_s = (check.at_s or 0.0) + 1e-9 + record.allowance.moment_s
    shown = [each for each in record.carried.get((check.pump, check.channel), ()) if each.at_s <= at_s]
    return shown[-1] if shown else Carried(at_s)
