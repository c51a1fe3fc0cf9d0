"""Mutants that change nothing anybody could see, each with the reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {
    "comparison: core/delivery_rules.py: detected_within_s: beyond > 0 -> beyond >= 0": (
        "no fault is off by just FAST_PERCENT, so what is beyond it is never 0"
    ),
    "comparison: core/delivery.py: advanced: moved_nl > 0 -> moved_nl >= 0": (
        "a counter that stands is what is due at the least, so it never comes so far"
    ),
    "comparison: core/delivery_account.py: Account.as_seen: self.step_nl <= counter.tick_nl -> "
    "self.step_nl < counter.tick_nl": "a step that is the declared one is put in the place of itself",
    "comparison: protocols/registers_codec.py: encoder.to_integer: raw > greatest -> raw >= greatest": (
        "the greatest pattern stands for itself either way"
    ),
    "comparison: core/total_dose.py: Stretch.since: at_ns >= self.ended_ns -> at_ns > self.ended_ns": (
        "at its end nothing of it is left, either way"
    ),
    "comparison: core/total_dose.py: DoseAccount.plus: kept[past].ended_ns < first_ns -> "
    "kept[past].ended_ns <= first_ns": ("what ended as the longest window begins is in no window"),
    "comparison: core/total_dose.py: may_exceed: Fraction(held_e6_p, NL_PER_ML) + course.until(ahead_ns) "
    "<= limit_p -> Fraction(held_e6_p, NL_PER_ML) + course.until(ahead_ns) < limit_p": (
        "what is just the limit takes the long way to the same answer"
    ),
    "comparison: core/limits.py: confirmed_findings: rate > ordered.high -> rate >= ordered.high": (
        "a rate at the end of the order is no slip, so its priority is never asked for"
    ),
    "comparison: core/infusion_clock.py: next_look_ns: looked_ns < 0 -> looked_ns <= 0": (
        "a look at 0 counts for the moment half an interval later, which is before the first one that is due"
    ),
    "comparison: core/infusion_due.py: check_totals: comes_to < 0 -> comes_to <= 0": (
        "what passes a limit is above 0, and -1 stands for an order without an end"
    ),
    "comparison: core/infusion_due.py: total_findings: held + pace_e6_p_h * ahead_ns // NS_PER_H <= "
    "lowest + slack -> held + pace_e6_p_h * ahead_ns // NS_PER_H < lowest + slack": (
        "what comes to just that takes the long way to the same answer, to a millionth of a picogram"
    ),
    "comparison: core/node.py: looked: off > timedelta() -> off >= timedelta()": (
        "a clock that did not step is not told of, whichever way"
    ),
    "comparison: core/infusion_watch.py: PatientDose.plus: stretch.begun_ns < last_ns -> "
    "stretch.begun_ns <= last_ns": "a stretch that begins as the last one ends is put in the place of itself",
    "comparison: core/infusion_watch.py: _raised: now_nl_h < before_nl_h -> now_nl_h <= before_nl_h": (
        "it is only asked when the two differ"
    ),
    "table: core/delivery_rules.py: _SHARE_PERCENT: Fault.TWENTY_MORE as its neighbour": (
        "20 % too little are as far from all of it as 20 % too much, and only that is reckoned with"
    ),
    "table: core/node.py: NODE_CONDITIONS: without ConditionId.LIBRARY_DATE": (
        "the library's date is judged and said at each look, whatever stood there"
    ),
    "table: core/node.py: NODE_CONDITIONS: without ConditionId.STATE_UNREADABLE": (
        "what could not be read at the start is said at each look, whatever stood there"
    ),
    "comparison: core/total_dose.py: DoseAccount.given: now_ns - window_ns <= oldest.begun_ns -> "
    "now_ns - window_ns < oldest.begun_ns": "a window from there on holds all, either way",
    "comparison: core/titration.py: raise_asked: after > before -> after >= before": (
        "it is only asked when the two differ"
    ),
}
"""Id -> why no judge could ever tell it from the product."""
