"""A dose account that must be kept for longer, since a library with a longer window was taken over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pumpd.core.newer_library import kept_for
from pumpd.core.total_dose import DoseAccount, Stretch

pytestmark = pytest.mark.requirement("INF-4")


def test_an_account_kept_for_longer_holds_all_of_this_infusion():
    """A window that nobody asked about before begins with what this infusion gave, and no more."""
    given = Stretch(100, 400, 70)
    none = DoseAccount(0, total_e6_p=90)
    after = kept_for(none, 1000, given)
    assert (after.keep_ns, after.kept_e6_p, after.total_e6_p, after.stretches) == (1000, 70, 90, (given,))
    assert kept_for(none, 0, given) is none
    some = DoseAccount(500).plus(Stretch(300, 400, 30), 5)
    after = kept_for(some, 501, given)
    assert after.stretches == (Stretch(100, 300, 40), Stretch(300, 400, 30))
    assert (after.kept_e6_p, after.total_e6_p) == (70, 30)
    assert kept_for(some, 500, given) is some
    whole = kept_for(some, 501, replace(given, amount_e6_p=30))
    assert whole == some._replace(keep_ns=501)
    least = kept_for(some, 501, replace(given, amount_e6_p=31))
    assert least.stretches == (Stretch(100, 300, 1), Stretch(300, 400, 30))
    early = DoseAccount(500).plus(Stretch(50, 60, 30), 5)
    assert kept_for(early, 501, given).stretches == (Stretch(50, 50, 40), Stretch(50, 60, 30))
