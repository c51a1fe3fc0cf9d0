"""A certificate that comes to its end: a month ahead, a week ahead, and past it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pumpd.core.certificates import certificate_words
from pumpd.core.conditions import ConditionId
from tests.core.courses.bed import Node
from tests.core.courses.of_node import DAY, INSTANT, certificate

pytestmark = pytest.mark.requirement("NODE-1")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOON, ENDS = ConditionId.CERTIFICATE_SOON, ConditionId.CERTIFICATE_ENDS


@pytest.mark.parametrize(
    ("left", "soon", "near"),
    [
        (30 * DAY + INSTANT, "", ""),
        (30 * DAY, "a.pem holds until 2026-07-01", ""),
        (30 * DAY - INSTANT, "a.pem holds until 2026-07-01", ""),
        (7 * DAY + INSTANT, "a.pem holds until 2026-06-08", ""),
        (7 * DAY, "", "a.pem holds until 2026-06-08"),
        (7 * DAY - INSTANT, "", "a.pem holds until 2026-06-08"),
        (timedelta(0), "", "a.pem holds until 2026-06-01"),
        (-INSTANT, "", "a.pem ended on 2026-06-01"),
        (-400 * DAY, "", "a.pem ended on 2025-04-27"),
    ],
)
def test_a_month_and_a_week_ahead_it_is_told(left: timedelta, soon: str, near: str) -> None:
    """To the microsecond; under one condition at a time; what is past is told as past."""
    assert certificate_words([("a.pem", NOW + left)], NOW) == {SOON: soon, ENDS: near}


def test_each_certificate_is_named_where_it_belongs() -> None:
    """One that is near does not hide another that ends soon; one that holds is not named."""
    ends = [(name, NOW + days * DAY) for name, days in (("a", 1), ("b", 8), ("c", 90), ("d", 9), ("e", 2))]
    assert certificate_words(ends, NOW) == {
        SOON: "b holds until 2026-06-09, d holds until 2026-06-10",
        ENDS: "a holds until 2026-06-02, e holds until 2026-06-03",
    }
    assert not any(certificate_words([], NOW).values())


def test_the_last_week_takes_the_months_place() -> None:
    """The node's alarm grows from LOW to MEDIUM as time goes by, and a new certificate ends it."""
    node = Node()
    for left, on in ((30 * DAY, SOON), (7 * DAY, ENDS), (-DAY, ENDS), (397 * DAY, None)):
        certificate(left)(node)
        assert [c for c in (SOON, ENDS) if node.alarm(c)] == ([on] if on else [])
