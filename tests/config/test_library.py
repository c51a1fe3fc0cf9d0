"""The drug library's file: what may stand in it, and who answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.config_library import check_library, load_library
from pumpd.core.amounts import DrugAmount
from pumpd.core.drug_library import DrugLibrary, Interval, TotalOver
from pumpd.core.quantities import Concentration, FlowRate, Volume, Weight
from pumpd.document import parse_document
from pumpd.errors import Problem

pytestmark = pytest.mark.requirement("LIB-1")
SHIPPED = Path(__file__).parents[2] / "config" / "drug-library.yaml"
MADE_UP = "invented for tests"


def said(value: Any) -> dict[str, Any]:
    return {"value": value, "source": MADE_UP}


def entry(**changes: Any) -> dict[str, Any]:
    """Return an entry of a made-up drug with every kind of limit."""
    whole = {
        "drug": "TEST-A",
        "form": "salt",
        "care_area": "test",
        "indication": "testing",
        "concentrations": [said("2 mg/mL")],
        "weight": {"min": said("40 kg"), "max": said("120 kg")},
        "dose_rate": {"hard_max": said("1 mg/kg/h"), "soft_max": said("0.5 mg/kg/h")},
        "flow": {"hard_max": said("30 mL/h"), "soft_min": said("1 mL/h")},
        "bolus": {
            "amount": {"hard_max": said("0.3 mg/kg")},
            "shortest_min": said(5),
            "apart_min": said(15),
        },
        "total_dose": [
            {"over": "infusion", "soft_max": said("1 mg/kg"), "hard_max": said("1.5 mg/kg")},
            {"over": "window", "window_h": 24, "hard_max": said("150 mg")},
        ],
        "duration": {"soft_max": said(120), "hard_max": said(240)},
        "volume": {"hard_max": said("50 mL")},
        "titration": {"largest_step": "0.1 mg/kg/h", "apart_min": 15, "source": MADE_UP},
        "observations": {
            "during": [{"every_min": 15, "until_min": 60}, {"every_min": 30}],
            "after": [{"every_min": 30, "until_min": 60}],
            "source": MADE_UP,
        },
        "advisories": [{"text": "Look twice.", "source": MADE_UP}],
        "checklist": [{"ask": "Fasting?", "second_person": True, "source": MADE_UP}],
        "second_check": True,
        "restraint": "pause",
    }
    return whole | changes


class Plain(yaml.SafeDumper):
    """Writes the same value twice instead of naming it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def read(*entries: dict[str, Any], **changes: Any) -> tuple[DrugLibrary | None, tuple[Problem, ...]]:
    content = {"version": "test-1", "entries": list(entries or (entry(),))} | changes
    return check_library(parse_document(yaml.dump(content, Dumper=Plain).encode(), "library.yaml"))


def problem(*entries: dict[str, Any], **changes: Any) -> tuple[str, str]:
    """Return path and words of the only problem."""
    _, problems = read(*entries, **changes)
    assert len(problems) == 1, [f"{each.path}: {each.what}" for each in problems]
    return problems[0].path, problems[0].what


def test_every_kind_of_limit_reaches_the_core() -> None:
    """What stands in the file is what the core holds, exact and in its own units."""
    library, problems = read(valid_from="2026-01-31", review_by="2027-01-31")
    assert problems == ()
    assert library is not None
    (limits,) = library.entries
    assert (limits.lightest, limits.heaviest) == (Weight.parse(40), Weight.parse(120))
    assert (limits.flow.soft_min, limits.flow.hard_max) == (FlowRate.parse(1), FlowRate.parse(30))
    assert limits.bolus is not None
    assert limits.bolus.amount.hard_max == DrugAmount.parse("0.3 mg/kg")
    assert (limits.bolus.shortest_s, limits.bolus.apart_s) == (300, 900)
    assert [(t.over, t.window_s) for t in limits.totals] == [
        (TotalOver.INFUSION, None),
        (TotalOver.WINDOW, 86_400),
    ]
    assert limits.totals[1].amount.hard_max == DrugAmount.parse("150 mg")
    assert (limits.duration_s.soft_max, limits.duration_s.hard_max) == (7200, 14_400)
    assert limits.volume.hard_max == Volume.parse(50)
    assert limits.titration is not None
    assert (str(limits.titration.largest_step), limits.titration.apart_s) == ("0.1 mg/kg/h", 900)
    assert limits.during == (Interval(900, 3600), Interval(1800))
    assert limits.after == (Interval(1800, 3600),)
    assert limits.advisories == ("Look twice.",)
    assert [(each.ask, each.second_person) for each in limits.checklist] == [("Fasting?", True)]
    assert limits.second_check
    assert (str(library.valid_from), str(library.review_by)) == ("2026-01-31", "2027-01-31")
    assert limits.source.count(MADE_UP) == 18, "each number has its source"


@pytest.mark.parametrize(
    ("changes", "path", "what"),
    [
        ({"flow": {"hard_max": said("1 mL/h"), "soft_max": said("2 mL/h")}}, "flow.soft_max.value", "above"),
        ({"duration": {"soft_min": said(9), "hard_max": said(8)}}, "duration.soft_min.value", "above"),
        ({"volume": {"hard_min": said("9 mL"), "hard_max": said("8 mL")}}, "volume.hard_min.value", "above"),
        (
            {"total_dose": [{"over": "series", "soft_max": said("3 mg"), "hard_max": said("2 mg")}]},
            "total_dose[0].soft_max.value",
            "soft_max 3 mg is above hard_max 2 mg",
        ),
        (
            {"total_dose": [{"over": "series", "soft_max": said("1 mg"), "hard_max": said("2 mg/kg")}]},
            "total_dose[0]",
            "different units",
        ),
        (
            {"total_dose": [{"over": "series", "hard_max": said("1 U")}]},
            "total_dose[0].hard_max.value",
            "1 U",
        ),
        (
            {"total_dose": [{"over": "window", "hard_max": said("1 mg")}]},
            "total_dose[0].window_h",
            "window_h",
        ),
        (
            {"total_dose": [{"over": "series", "window_h": 2, "hard_max": said("1 mg")}]},
            "total_dose[0].window_h",
            "only there",
        ),
        ({"total_dose": [{"over": "series"}]}, "total_dose[0]", "no limit"),
        ({"weight": {"min": said("90 kg"), "max": said("50 kg")}}, "weight.min.value", "90 kg is above"),
        (
            {"titration": {"largest_step": "1 mg/h", "apart_min": 5, "source": MADE_UP}},
            "titration.largest_step",
            "not in the unit",
        ),
        (
            {"titration": {"largest_step": "0 mg/kg/h", "apart_min": 5, "source": MADE_UP}},
            "titration.largest_step",
            "a largest step of 0",
        ),
        (
            {"observations": {"during": [{"every_min": 5}, {"every_min": 9}], "source": MADE_UP}},
            "observations.during",
            "do not follow",
        ),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, Any], path: str, what: str) -> None:
    """Bounds out of order, units that do not go together and loose ends are refused, each at its place."""
    found = problem(entry(**changes))
    assert found[0] == f"entries[0].{path}"
    assert what in found[1]


def test_days_are_days() -> None:
    """A day that there is not is refused."""
    assert problem(valid_from="2026-02-30") == ("valid_from", "'2026-02-30' is no day")


def test_the_same_drug_for_two_indications() -> None:
    """Form and indication part entries; whoever leaves them out gets one only where there is one."""
    library, problems = read(entry(), entry(indication="other"), entry(drug="TEST-B"))
    assert problems == ()
    assert library is not None
    two = Concentration.parse("2 mg/mL")
    assert library.lookup("TEST-A", two, "test") is None
    other = library.lookup("TEST-A", two, "test", indication="other")
    assert other is not None
    assert other.indication == "other"
    assert library.lookup("TEST-B", two, "test") is not None
    assert library.lookup("TEST-B", two, "test", form="base") is None
    assert "stands twice" in problem(entry(), entry())[1]
    found = problem(entry(indication=""), entry())
    assert found[0] == "entries[1].indication"
    assert "each must name its own" in found[1]


def signature(name: str, role: str, of: str = "") -> dict[str, str]:
    return {"name": name, "role": role, "date": "2026-01-31", "of": of}


def test_who_signs_for_real_pumps() -> None:
    """A pharmacist and a second person, both of what stands there: any later change undoes it."""
    library, _ = read()
    assert library is not None
    of = library.content_sha256
    pharmacist, other = signature("P. Harm", "Pharmacist", of), signature("D. Octor", "physician", of)
    signed, problems = read(signed_for=["real"], signatures=[pharmacist, other])
    assert problems == ()
    assert signed is not None
    assert signed.content_sha256 == of, "signing changes nothing of what is signed"
    assert "no pharmacist" in problem(signed_for=["real"], signatures=[other, other | {"name": "E. Lse"}])[1]
    assert "by 1 of the 2" in problem(signed_for=["real"], signatures=[pharmacist])[1]
    assert "by 1 of the 2" in problem(signed_for=["real"], signatures=[pharmacist, pharmacist])[1]
    found = problem(signed_for=["real"], signatures=[pharmacist, other | {"of": ""}])
    assert found == ("signatures[1].of", "it does not say what was signed")
    finer = entry(dose_rate={"hard_max": said("1.0001 mg/kg/h")})
    also, _ = read(entry(dose_rate={"hard_max": said("1 mg/kg/h")}))
    assert also is not None
    exact, _ = read(finer)
    assert exact is not None
    assert exact.content_sha256 != also.content_sha256, "signed is the number as it is, not as it is shown"
    changed = entry(volume={"hard_max": said("51 mL")})
    _, both = read(changed, signed_for=["real"], signatures=[pharmacist, other])
    assert [each.what for each in both] == [f"{n} signed something else" for n in ("P. Harm", "D. Octor")]
    assert "signed something else" in problem(changed, signed_for=["demo"], signatures=[pharmacist])[1]


def test_the_verb_tells_the_hash(tmp_path: Path) -> None:
    """``pumpd library check`` says what a library holds and what a signature is of; problems end with 2."""
    done = CliRunner().invoke(app, ["library", "check", str(SHIPPED)])
    assert done.exit_code == 0
    assert f"a signature is of: {load_library(SHIPPED).content_sha256}" in done.output
    assert "ketamine racemic hydrochloride 2 mg/mL (pain-clinic, chronic pain): usual 0.1" in done.output


def test_the_shipped_library_says_where_each_number_comes_from() -> None:
    """Two profiles of ketamine, unsigned, whose every number names a publication or says that it is ours."""
    library = load_library(SHIPPED)
    assert {(e.care_area, e.indication) for e in library.entries} == {
        ("pain-clinic", "chronic pain"),
        ("acute-pain", "acute pain"),
    }
    assert library.signed_for == frozenset()
    known = (
        "Cohen SP",
        "Schwenk ES",
        "Ketamine label",
        "ketamine label",
        "CHEO",
        "RCHT",
        "Handbook on Injectable",
    )
    for line in SHIPPED.read_text().splitlines():
        text = line.strip()
        if text.startswith("source:"):
            assert any(name in text for name in (*known, "Recommendation of this project")), text
