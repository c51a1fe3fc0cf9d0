"""Holds what a scenario was seen to do against what it expects, and against what always holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pumpd.core.quantities import NL_PER_ML, decimal_text
from pumpd.qa.checks import Check
from pumpd.qa.judge_infusions import account_says, infusion_is, is_written
from pumpd.qa.record import Channel, Record, Sample, Transition
from pumpd.qa.scenario import Scenario

_WORSE = {"LOW": 1, "MEDIUM": 2, "HIGH": 3}
_PG_PER_MG = 10**9


def sample_times(scenario: Scenario) -> list[float]:
    """Return the moments, in seconds, at which checks look at pumps."""
    times = {0.0, scenario.duration_s}
    for check in scenario.expect:
        times.add(check.after_s)
        if check.at_s is not None:
            times.add(check.at_s)
    return sorted(times)


def failures(scenario: Scenario, record: Record) -> list[str]:
    """Return each expectation that did not come true, with what happened instead; empty when all did."""
    return [f"expected: {check}; {instead}" for check, instead in failed_checks(scenario, record)]


def failed_checks(scenario: Scenario, record: Record) -> list[tuple[Check, str]]:
    """Return each check that did not come true, with what happened instead."""
    return [(check, instead) for check in scenario.expect for instead in _judge(scenario, record, check)]


def _judge(scenario: Scenario, record: Record, check: Check) -> Iterator[str]:
    match check.check:
        case "raised":
            yield from _raised(record, check)
        case "never":
            yield from _never(record, check)
        case "signal":
            yield from _is(check, _last(record, check, "signal", "off"))
        case "quiet":
            yield from _is(check, _last(record, check, "quiet", "none"))
        case "called":
            yield from _called(record, check)
        case "status":
            yield from _is(check, _at(record, check, check.at_s or 0.0).status)
        case "shown":
            yield from _is(check, _at(record, check, check.at_s or 0.0).shown)
        case "paused":
            yield from _paused(record, check)
        case "volume":
            yield from _between(check, "given were", _given_nl(scenario, record, check))
        case "patient":
            since, until = _ends(scenario, record, check)
            yield from _between(check, "the patient got", until.patient_nl - since.patient_nl)
        case "dose":
            yield from _dose(scenario, record, check)
        case "infusion":
            yield from infusion_is(record, check)
        case "account":
            yield from account_says(record, check)
        case "written":
            yield from is_written(record, check)
        case "answer":
            yield from _is(check, record.answers.get(check.request or "", "nothing"))
        case _:
            yield from _something_else(scenario.expect, record)


def _is(check: Check, found: str) -> Iterator[str]:
    if found != check.is_:
        yield f"it was {found}"


def _whose(check: Check) -> Channel | None:
    return None if check.pump is None else (check.pump, check.channel)


def _covers(check: Check, seen: Transition, late_s: float) -> bool:
    """Return whether an expected alarm speaks of this transition; what leads up to it is no surprise."""
    if (check.alarm, _whose(check)) != (seen.alarm, seen.whose) or check.priority is None:
        return False
    in_time = check.after_s <= seen.at_s <= check.until_s + late_s
    return in_time and _WORSE[seen.priority] <= _WORSE[check.priority]


def _raised(record: Record, check: Check) -> Iterator[str]:
    told = [seen for seen in record.transitions if seen.raises]
    late_s = record.allowance.late_s
    if not any(_covers(check, seen, late_s) and seen.priority == check.priority for seen in told):
        same = [s for s in told if (s.alarm, s.whose) == (check.alarm, _whose(check))]
        yield "raised were " + (_listed(same) or "none of it")


def _never(record: Record, check: Check) -> Iterator[str]:
    told = [s for s in record.transitions if s.raises and s.alarm == check.alarm]
    if check.pump is not None:
        told = [s for s in told if s.whose == _whose(check)]
    if told:
        yield f"raised were {_listed(told)}"


def _last(record: Record, check: Check, what: str, before: str) -> str:
    """Return ``what`` of the check's alarm as it was last told until then; ``before`` when it was not."""
    until = [
        seen
        for seen in record.transitions
        if (seen.alarm, seen.whose) == (check.alarm, _whose(check)) and seen.at_s <= (check.at_s or 0.0)
    ]
    return str(getattr(until[-1], what)) if until else before


def _called(record: Record, check: Check) -> Iterator[str]:
    told = [
        seen.at_s
        for seen in record.transitions
        if seen.event == "told"
        and (seen.alarm, seen.whose, seen.detail) == (check.alarm, _whose(check), check.contact)
    ]
    late_s = record.allowance.late_s
    if len(told) != 1 or not check.after_s <= told[0] <= check.until_s + late_s:
        yield "told at " + (", ".join(f"{at_s:.1f} s" for at_s in told) or "no time")


def surprises(expect: Sequence[Check], record: Record) -> list[Transition]:
    """Return what was raised although no check speaks of it."""
    wanted, late_s = [check for check in expect if check.check == "raised"], record.allowance.late_s
    return [s for s in record.transitions if s.raises and not any(_covers(c, s, late_s) for c in wanted)]


def _something_else(expect: Sequence[Check], record: Record) -> Iterator[str]:
    if seen := surprises(expect, record):
        yield f"raised were also {_listed(seen)}"


def _paused(record: Record, check: Check) -> Iterator[str]:
    assert check.pump is not None
    samples = record.samples[check.pump, check.channel]
    paused = [s.at_s for s in samples if s.status == "paused" and s.at_s >= check.after_s]
    if not paused or paused[0] > check.until_s + record.allowance.late_s:
        yield f"it was paused at {paused[0]:g} s" if paused else "it was not paused"


def _dose(scenario: Scenario, record: Record, check: Check) -> Iterator[str]:
    programme = next(pump.programme for pump in scenario.pumps if pump.id == check.pump)
    assert programme is not None
    assert check.least_dose is not None
    assert check.most_dose is not None
    given_nl = _given_nl(scenario, record, check)
    given = Fraction(given_nl * programme.concentration.p_per_ml, NL_PER_ML)
    if not check.least_dose <= given <= check.most_dose:
        yield f"given were {float(given / _PG_PER_MG):g} mg"


def _between(check: Check, what: str, volume_nl: int) -> Iterator[str]:
    assert check.most is not None
    least_nl = check.least.nl if check.least else 0
    if not least_nl <= volume_nl <= check.most.nl:
        yield f"{what} {decimal_text(volume_nl, NL_PER_ML)} mL"


def _given_nl(scenario: Scenario, record: Record, check: Check) -> int:
    since, until = _ends(scenario, record, check)
    return until.given_nl - since.given_nl


def _ends(scenario: Scenario, record: Record, check: Check) -> tuple[Sample, Sample]:
    end_s = scenario.duration_s if check.at_s is None else check.at_s
    return _at(record, check, check.after_s), _at(record, check, end_s)


def _at(record: Record, check: Check, at_s: float) -> Sample:
    """Return the last sample up to a moment; there is one at every moment that a check names."""
    assert check.pump is not None
    until_s = at_s + 1e-9 + record.allowance.moment_s
    samples = [s for s in record.samples[check.pump, check.channel] if s.at_s <= until_s]
    return samples[-1]


def _listed(seen: Sequence[Transition]) -> str:
    listed = [
        f"{s.whose[0] if s.whose else 'the node'}: {s.alarm} {s.priority} at {s.at_s:.1f} s" for s in seen[:8]
    ]
    more = f" and {len(seen) - 8} more" if len(seen) > 8 else ""
    return ", ".join(listed) + more


def broken_invariants(record: Record, raises: Sequence[str], *, all_told: bool) -> list[str]:
    """Return what must never be, in any scenario, and was.

    ``all_told`` says that daemon and broker were well at the end, so that everything must have gone out.
    """
    found = [f"INV-1: after a frame from pumpd a pump gave more: {frame}" for frame in raises]
    lost = sorted(record.journalled - record.published)
    if all_told and lost:
        found.append(f"INV-4: journalled events never reached a broker: {len(lost)}, the first {lost[0]}")
    if record.not_demo_count:
        found.append(f"INV-5: messages said that a simulated pump is real: {record.not_demo_count}")
    return found
