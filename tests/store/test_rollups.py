"""The arithmetic of roll-ups, held against counting millisecond by millisecond."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.store.rollups import LEVELS_MS, Span, cover, grid
from tests import proof

LEVELS = st.sampled_from(((1, 4, 12), (1, 10, 30), LEVELS_MS))


@st.composite
def kept_spans(draw: st.DrawFn) -> tuple[list[Span], int, int]:
    """What each level holds (aligned), coarsest first, and a question."""
    levels = draw(LEVELS)
    top = 4 * levels[-1]
    kept = []
    for level_ms in reversed(levels):
        start, end = sorted(draw(st.tuples(*[st.integers(0, top // level_ms)] * 2)))
        if start < end:
            kept.append(Span(level_ms, start * level_ms, end * level_ms))
    start, end = sorted(draw(st.tuples(*[st.integers(0, top)] * 2)))
    return kept, start, end


@given(kept_spans())
@proof.examples("a cover is complete and without overlap", small=300, full=20_000)
def test_cover_holds_each_moment_once(case: tuple[list[Span], int, int]) -> None:
    """Spans are in order, aligned, within what is kept and asked; nothing that readings hold is missed."""
    kept, start, end = case
    spans = cover(start, end, kept)
    for before, after in pairwise(spans):
        assert before.end_ms <= after.start_ms
    for span in spans:
        (source,) = [each for each in kept if each.level_ms == span.level_ms]
        assert start <= span.start_ms < span.end_ms <= end
        assert span.start_ms % span.level_ms == span.end_ms % span.level_ms == 0
        assert source.start_ms <= span.start_ms
        assert span.end_ms <= source.end_ms
    raw = [each for each in kept if each.level_ms == 1]
    for each in raw:
        held = max(0, min(end, each.end_ms) - max(start, each.start_ms))
        covered = sum(
            max(0, min(span.end_ms, each.end_ms) - max(span.start_ms, each.start_ms)) for span in spans
        )
        assert covered == held


@given(st.integers(0, 10**13), st.integers(1, 10**11), st.integers(1, 5000), st.sampled_from(LEVELS_MS))
@proof.examples("a grid has at most the buckets asked for", small=300, full=20_000)
def test_grid_spans_the_question(start: int, length: int, buckets: int, finest: int) -> None:
    """The buckets hold the whole question, are not more than asked, and no kept roll-up lies across two."""
    found = grid(start, start + length, buckets, finest)
    assert 1 <= found.count <= buckets
    assert found.bucket(0)[0] <= start < found.bucket(0)[1]
    assert found.bucket(found.count - 1)[0] < start + length <= found.bucket(found.count - 1)[1]
    assert found.width_ms % finest == found.origin_ms % finest == 0


def test_a_day_is_cut_into_exactly_the_buckets_asked_for() -> None:
    """86,400 s in 1,000 buckets are 86.4 s each: no rounding to whole roll-ups while readings are there."""
    found = grid(1_772_352_000_123, 1_772_352_000_123 + 86_400_000, 1000, 1)
    assert (found.width_ms, found.count, found.origin_ms) == (86_400, 1000, 1_772_352_000_123)


@pytest.mark.parametrize(("start", "end", "buckets"), [(5, 5, 10), (6, 5, 10), (0, 10, 0)])
def test_an_empty_question_is_refused(start: int, end: int, buckets: int) -> None:
    """No span, or no bucket, is a mistake of the caller and is named."""
    with pytest.raises(ValueError, match="start < end"):
        grid(start, end, buckets, 1)
