"""What came of a replay, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.core.quantities import NS_PER_S
from pumpd.qa.comparison import Comparison, compare, decisions, troubles
from pumpd.qa.replay import Replayed
from pumpd.store.recording import Kind, Recording

_FRAMES_TOLD = 5


def account(recording: Recording, replayed: Replayed) -> Iterator[str]:
    """Yield what was played, how far this version asks the same, and what is wrong with the file."""
    head, counts = recording.head, replayed.counts
    pumps = ", ".join(pump["section"]["id"] for pump in head["pumps"])
    span_s = (recording.ended_ns - recording.began_ns) / NS_PER_S
    yield (
        f"recorded  {pumps} on {head['node']} of {head['site']}, {span_s:.0f} s from {head['wall']}, "
        f"by pumpd {head['program']}"
    )
    yield (
        f"replayed  {counts.asked} questions: {counts.as_recorded_count} as recorded, "
        f"{counts.asked_again_count} asked again, "
        f"{counts.unanswered.total()} without an answer in the recording; "
        f"{counts.left_out_count} recorded ones not asked"
    )
    for frame, times in counts.unanswered.most_common(_FRAMES_TOLD):
        yield f"          not in the recording, {times} times: {frame}"
    then, now = (len(decisions(side)) for side in (recording, replayed.recording))
    failed_then, failed_now = (len(troubles(side)) for side in (recording, replayed.recording))
    yield f"decided   {then} then, {now} now; readings that failed: {failed_then} then, {failed_now} now"
    yield from _limits(recording, replayed)


def _limits(recording: Recording, replayed: Replayed) -> Iterator[str]:
    """Yield what keeps the replay from being the same."""
    if recording.cut_bytes:
        yield f"          its last record was cut off ({recording.cut_bytes} bytes) and is left out"
    for damage in recording.damages:
        yield f"          it is damaged {damage}; what stood there is left out"
    lost_bytes = sum(record.number_of() for record in recording.of(Kind.GIVEN_UP))
    if lost_bytes:
        yield f"          {lost_bytes} bytes were given up while it was recorded: it has gaps"
    for driver in replayed.changed_drivers:
        yield f"          the driver {driver} reads by another card or map than then"
    for words in replayed.hands:
        yield f"          not possible now: {words}"


def differences(recording: Recording, replayed: Replayed) -> tuple[list[str], bool]:
    """Return both lists of differences as lines, and whether the decisions are the same."""
    began_ns, ends_ns = recording.began_ns, recording.ended_ns
    decided = compare(decisions(recording), decisions(replayed.recording), ends_ns)
    lines = [*_listed("decided now and not then", "decided then and not now", decided, began_ns)]
    failed = compare(troubles(recording), troubles(replayed.recording), ends_ns)
    if not failed.equal:
        lines += _listed("failed to read now and not then", "failed then and not now", failed, began_ns)
    return lines, decided.equal


def _listed(now: str, then: str, found: Comparison, began_ns: int) -> Iterator[str]:
    for title, side in ((now, found.only_now), (then, found.only_then)):
        yield f"{title}: {len(side) or 'nothing'}"
        for decision in side:
            yield f"    {decision.told(began_ns)}"
