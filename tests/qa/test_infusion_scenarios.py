"""Scenarios with infusions: each check of them can fail, and what ships fails when the product is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pumpd.core.infusion_begin import moved_to
from pumpd.daemon import infusion_book, infusion_desk
from pumpd.errors import ConfigError
from pumpd.qa.runner import run_scenario
from pumpd.qa.scenario import LoadedScenario, load_scenario
from tests.qa.small import played, written

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"
ORDER = (
    'order: {drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight_kg: "70",'
    ' dose_min: "0.1", dose_max: "0.5", dose_unit: mg/kg/h, dose: "0.3", volume_ml: "35", duration_min: 120}'
)
TYPED = f'label: B.K., identifier: "1234", checked_by: C. Second, {ORDER}'
BEGIN = f"at_s: 5, action: begin, pump: PUMP-01, by: A. Nurse, name: begin, typed: {{{TYPED}}}"
END = "at_s: 35, action: end, pump: PUMP-01, by: A. Nurse, typed: {reason: no pain, witness: C. Second}"
RIGHT = (
    "check: infusion, pump: PUMP-01, at_s: 4, is: none",
    "check: infusion, pump: PUMP-01, at_s: 30, is: running, version: 1",
    "check: account, pump: PUMP-01, at_s: 55, least_dose: 0.2 mg, most_dose: 0.3 mg",
    'check: written, pump: PUMP-01, line: ended, says: "no pain; given 0.", by: A. Nurse, within_s: 55',
    "check: raised, pump: PUMP-01, alarm: still-running, priority: HIGH, after_s: 35, within_s: 20",
    "check: nothing-else",
)
WRONG = {
    "check: infusion, pump: PUMP-01, at_s: 30, is: none": "it was running",
    "check: infusion, pump: PUMP-01, at_s: 30, is: running, version: 2": "it was version 1",
    "check: account, pump: PUMP-01, at_s: 55, least_dose: 1 mg, most_dose: 2 mg": "it says 0.2",
    "check: account, pump: PUMP-01, at_s: 4, least_dose: 0 mg, most_dose: 2 mg": "it says 0 mg, and is none",
    'check: written, pump: PUMP-01, line: titrated, says: "", within_s: 55': "nothing of the kind",
    'check: written, pump: PUMP-01, line: ended, says: "", by: C. Second, within_s: 55': "by A. Nurse at 35",
    'check: written, pump: PUMP-01, line: ended, says: "", within_s: 20': "written 0 times",
}


@pytest.mark.requirement("QA-1", "INF-2")
def test_what_is_expected_of_an_infusion_comes_true(tmp_path: Path) -> None:
    """State, version, account and journal of an infusion are checked; a pump that still runs is told."""
    assert played(tmp_path, timeline=(BEGIN, END), expect=RIGHT).failures == ()


@pytest.mark.requirement("QA-1")
def test_what_is_not_so_of_an_infusion_fails(tmp_path: Path) -> None:
    """Each wrong expectation is one failure that says what was so instead."""
    failures = played(tmp_path, timeline=(BEGIN, END), expect=tuple(WRONG)).failures
    assert len(failures) == len(WRONG)
    for failure, instead in zip(failures, WRONG.values(), strict=True):
        assert instead in failure


@pytest.mark.requirement("QA-1", "CFG-2")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{reason: no pain, wittness: C. Second}", "end: nobody can type wittness"),
        ("{reason: 7}", "end: reason: Input should be a valid string"),
        ("{}", "end: reason: Field required"),
    ],
)
def test_what_no_page_could_send_is_told_with_its_line(tmp_path: Path, typed: str, said: str) -> None:
    """A slip in what a nurse is said to have typed is a problem of the file, before anything is played."""
    end = f"at_s: 50, action: end, pump: PUMP-01, by: A. Nurse, typed: {typed}"
    with pytest.raises(ConfigError) as refused:
        load_scenario(written(tmp_path, timeline=(BEGIN, end)))
    (problem,) = refused.value.problems
    assert said in problem.what
    assert problem.line == 15


def _forgets_what_was_given(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(infusion_desk, "moved_to", lambda watch: moved_to(watch)._replace(given_e6_p=0, given_nl=0))


def _every_patient_alone(patch: pytest.MonkeyPatch) -> None:
    """What the other pump of a patient gives is not counted."""
    patch.setattr(infusion_book.InfusionBook, "regroup", lambda _: None)
    patch.setattr(infusion_desk, "newest_dose", lambda _, dose: dose)


DEFECTS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None], str]] = {
    "a swap forgets the account": (
        "infusion-goes-to-another-pump",
        _forgets_what_was_given,
        "pumpd says that the infusion gave",
    ),
    "two accounts for one patient": (
        "two-pumps-one-patient",
        _every_patient_alone,
        "the answer to 'too much' is refused",
    ),
}


def _up_to_minute_11(loaded: LoadedScenario) -> LoadedScenario:
    """Return the beginning of a long session."""
    whole, ends_s = loaded.scenario, 660.0
    timeline = tuple(event for event in whole.timeline if event.at_s <= ends_s)
    named = {getattr(event, "name", None) for event in timeline}
    expect = tuple(
        check
        for check in whole.expect
        if max(check.at_s or 0.0, check.until_s) <= ends_s and check.request in {None, *named}
    )
    short = {"duration_s": ends_s, "timeline": timeline, "expect": expect}
    return replace(loaded, scenario=whole.model_copy(update=short))


@pytest.mark.requirement("QA-2", "INF-1", "INF-2")
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_shipped_session_fails_when_the_product_is_wrong(
    defect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each defect that is planted in what keeps infusions is seen by the session that speaks of it."""
    name, plant, expected = DEFECTS[defect]
    plant(monkeypatch)
    outcome = run_scenario(_up_to_minute_11(load_scenario(SCENARIOS / f"{name}.yaml")))
    assert outcome.error == ""
    assert any(expected in failure for failure in outcome.failures), outcome.failures
