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
    "comparison: core/total_dose.py: DoseAccount.plus: self.stretches[past].ended_ns < first_ns -> "
    "self.stretches[past].ended_ns <= first_ns": ("what ended as the longest window begins is in no window"),
    "comparison: core/total_dose.py: may_exceed: Fraction(held_e6_p, NL_PER_ML) + course.until(ahead_ns) "
    "<= limit_p -> Fraction(held_e6_p, NL_PER_ML) + course.until(ahead_ns) < limit_p": (
        "what is just the limit takes the long way to the same answer"
    ),
    "comparison: core/limits.py: confirmed_findings: rate > ordered.high -> rate >= ordered.high": (
        "a rate at the end of the order is no slip, so its priority is never asked for"
    ),
}
"""Id -> why no judge could ever tell it from the product."""
