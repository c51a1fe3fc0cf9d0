"""The runner of full counts: it resumes, repeats what failed, and says what it saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import proof
from tests.proof_run import Record, counting_files, in_turn, lengths_s, page, passed


def _record(
    name: str, file: str, result: str = "passed", commit: str = "abc", seed: int = proof.SEED
) -> Record:
    return Record(name, file, commit, seed, 1000, result, 1.0, "2026-01-01T00:00:00+00:00")


@pytest.mark.requirement("HOUSE-DOCS")
def test_what_passed_at_this_commit_is_not_run_again() -> None:
    """A file is done when the newest record of each of its properties passed, here and with this seed."""
    records = [
        _record("a", "one.py"),
        _record("b", "one.py", "FAILED"),
        _record("c", "two.py", "FAILED"),
        _record("c", "two.py"),
        _record("d", "three.py", commit="old"),
        _record("e", "four.py", seed=1),
    ]
    assert passed(records, "abc") == {"two.py"}
    assert passed([_record("a", "one.py", commit="abc-dirty")], "abc-dirty") == set()


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_page_says_seed_count_commit_and_bound() -> None:
    """Each property stands in the page with its count and what zero failures of so many mean."""
    file = "tests/core/test_dosing.py"
    records = [
        _record("no value is misattributed", file, commit="older"),
        _record("dropped since", file, commit="older"),
        _record("no value is misattributed", file),
        _record("tried before", "tests/core/test_alarms.py", commit="older"),
    ]
    written = page(records, "abc")
    assert f"- seed: {proof.SEED}" in written
    assert "- commit: `abc`" in written
    assert (
        f"| no value is misattributed | 1,000 | below 3 in 1,000 | passed | `{file}` | 1.0 | `abc` |"
        in written
    )
    assert "| tried before | 1,000 | below 3 in 1,000 | passed |" in written
    assert "1 of 2 are from before" in written
    assert "dropped since" not in written


@pytest.mark.requirement("HOUSE-DOCS")
def test_long_files_run_first_and_what_is_named_before_them() -> None:
    """A file that was never timed may be long; a run that failed does not say how long a whole one is."""
    records = [
        replace(_record("a", "short.py"), seconds=1.0),
        replace(_record("b", "long.py"), seconds=900.0),
        replace(_record("c", "long.py", "FAILED"), seconds=2.0),
        replace(_record("d", "failed.py", "FAILED"), seconds=3.0),
    ]
    took_s = lengths_s(records)
    assert took_s == {"short.py": 1.0, "long.py": 900.0}
    files = ["short.py", "failed.py", "wanted.py", "long.py"]
    assert in_turn(files, took_s, ["wanted"]) == ["wanted.py", "failed.py", "long.py", "short.py"]


@pytest.mark.requirement("HOUSE-DOCS")
def test_every_file_that_counts_is_found() -> None:
    """The runner finds counts by reading the tests, so that none is forgotten."""
    assert "test_dosing.py" in {path.name for path in counting_files()}


@pytest.mark.requirement("HOUSE-DOCS")
def test_a_count_that_makes_no_sense_is_refused() -> None:
    """The small count is at least one and never above the full one."""
    with pytest.raises(ValueError, match="small <= full"):
        proof.count("nonsense", small=10, full=1)
