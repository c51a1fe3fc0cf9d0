"""A line that mars more than one question in a hundred is told, and nothing less."""

from __future__ import annotations

import pytest

from pumpd.core.line_quality import WINDOW_NS, Quality, Sample, disturbance, sampled
from pumpd.transports.exchange import Counters

pytestmark = pytest.mark.requirement("LINK-6")


@pytest.mark.parametrize(
    ("asked", "marred", "told"),
    [
        (600, 6, ""),
        (600, 7, "7 of 600 questions in 10 min"),
        (10, 2, ""),
        (10, 3, "3 of 10 questions in 10 min"),
        (0, 0, ""),
    ],
)
def test_more_than_one_in_a_hundred_is_told(asked: int, marred: int, told: str) -> None:
    """Exactly one in a hundred is well, and so are two sparks."""
    assert disturbance((Sample(0, 100, 5), Sample(WINDOW_NS, 100 + asked, 5 + marred))) == told


@pytest.mark.parametrize(("span_ns", "told"), [(WINDOW_NS - 1, None), (WINDOW_NS, "")])
def test_that_all_is_well_takes_the_whole_window(span_ns: int, told: str | None) -> None:
    """After a start nobody knows what was before: what was told stays until ten minutes went well."""
    assert disturbance((Sample(0, 0, 0), Sample(span_ns, 600, 0))) == told
    assert disturbance((Sample(0, 0, 0), Sample(1, 60, 30))) == "30 of 60 questions in 10 min"


def test_only_the_last_ten_minutes_count() -> None:
    """What lies before them is forgotten, to the nanosecond, and the sample that begins them is kept."""
    quality: Quality = ()
    for at_ns in (0, WINDOW_NS // 2, WINDOW_NS):
        quality = sampled(quality, Sample(at_ns, at_ns, 0))
    assert [s.at_ns for s in quality] == [0, WINDOW_NS // 2, WINDOW_NS]
    later = sampled(quality, Sample(WINDOW_NS * 3 // 2 - 1, 0, 0))
    assert later[0].at_ns == 0
    assert sampled(quality, Sample(WINDOW_NS * 3 // 2, 0, 0))[0].at_ns == WINDOW_NS // 2


def test_a_question_is_marred_once_and_a_late_reply_mars_none() -> None:
    """Ten sparks beside one answer are one question; what only came late is counted elsewhere."""
    counters = Counters(asked=1)
    for _ in range(10):
        counters.dropped(3, ())
    counters.dropped(8, [object()])
    assert (counters.marred, counters.discarded_bytes) == (1, 38)
    counters.asked = 2
    counters.dropped(0, ())
    assert counters.marred == 1
    counters.mar()
    assert counters.marred == 2
