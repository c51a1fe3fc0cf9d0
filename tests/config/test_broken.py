"""Every kind of broken file is told with file, line, path, what is allowed and the remedy."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pumpd.config import load
from pumpd.document import DEEPEST, LARGEST_BYTES, parse_document
from pumpd.drivers.registry import find, installed
from pumpd.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config"
BROKEN = Path(__file__).with_name("broken")
EXPECTED: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (BROKEN / "expected.yaml").read_text().replace("{drivers}", ", ".join(installed()))
)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the broken files to stand in, with a password that everybody may read."""
    copy = tmp_path / "broken"
    shutil.copytree(BROKEN, copy)
    (copy / "secret" / "password").chmod(0o644)
    monkeypatch.chdir(copy)
    return copy


def _told(error: ConfigError) -> list[dict[str, Any]]:
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "path": problem.path,
            "what": problem.what,
            "allowed": problem.allowed,
            "remedy": problem.remedy,
        }
        for problem in error.problems
    ]


@pytest.mark.requirement("CFG-1", "CFG-3")
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_broken_file_is_told_whole(name: str, broken: Path) -> None:
    """All problems are told, each with file, line, path, what, allowed and remedy, and no other."""
    with pytest.raises(ConfigError) as caught:
        load(Path(name))
    assert _told(caught.value) == EXPECTED[name]
    assert "hush" not in str(caught.value)


@pytest.mark.requirement("CFG-1")
@pytest.mark.parametrize(
    ("held", "what"), [("", "nothing"), (" \n\n", "nothing"), ("hush\nmore\n", "more than one line")]
)
@pytest.mark.parametrize(("before", "key"), [("port: 1883", "password_file"), ("kind: sqlite", "token_file")])
def test_a_secret_is_one_line(tmp_path: Path, held: str, what: str, before: str, key: str) -> None:
    """It is sent as it stands, so what no server takes is told before anything starts, and not quoted."""
    section = before if key == "password_file" else 'kind: influxdb, url: "http://127.0.0.1:8086"'
    text = (SHIPPED / "pumpd.yaml").read_text().replace(before, f"{section}, {key}: secret")
    (tmp_path / "pumpd.yaml").write_text(text)
    shutil.copy(SHIPPED / "drug-library.yaml", tmp_path)
    (tmp_path / "secret").write_text(held)
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "pumpd.yaml")
    assert [problem.what for problem in caught.value.problems] == [f"secret holds {what}"]
    assert "hush" not in str(caught.value)
    (tmp_path / "secret").write_text("hush\n")
    load(tmp_path / "pumpd.yaml")


@pytest.mark.parametrize("url", ["https://db.example:0", "https://db example", "http://["])
def test_an_address_that_is_none_is_told(tmp_path: Path, url: str) -> None:
    """A port and a host that no server has are found before the daemon asks for them again and again."""
    text = (SHIPPED / "pumpd.yaml").read_text().replace("kind: sqlite", f'kind: influxdb, url: "{url}"')
    (tmp_path / "pumpd.yaml").write_text(text)
    shutil.copy(SHIPPED / "drug-library.yaml", tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "pumpd.yaml")
    assert [problem.path for problem in caught.value.problems] == ["history.url"]


def test_every_broken_file_is_expected() -> None:
    """No broken file lies beside the table; at least 40 kinds, and 5 files with several faults."""
    assert {file.name for file in BROKEN.glob("*.yaml")} - {"expected.yaml"} == set(EXPECTED)
    several = [name for name in EXPECTED if name.startswith("several-")]
    assert len(EXPECTED) - len(several) >= 40
    assert len(several) >= 5
    assert all(len(EXPECTED[name]) >= 3 for name in several)


def test_too_large_a_file_is_not_parsed() -> None:
    """A file above the bound is refused by its size alone."""
    document = parse_document(b"a" * (LARGEST_BYTES + 1), "big.yaml")
    assert document.data is None
    assert [problem.allowed for problem in document.problems] == [f"at most {LARGEST_BYTES} bytes"]


def test_depth_is_bounded_before_the_stack_is() -> None:
    """Ten thousand open brackets are refused in words, not by a RecursionError."""
    document = parse_document(b"a: " + b"[" * 10_000, "deep.yaml")
    assert f"nested deeper than {DEEPEST} levels" in document.problems[0].what


def test_words_of_old_yaml_stay_text() -> None:
    """No, octal, sexagesimal, exponents and dates are not guessed at."""
    document = parse_document(b"[no, on, 010, 1:30, 1e3, 2026-01-31, 0x10, 1_000, .5]", "words.yaml")
    assert document.data == ["no", "on", "010", "1:30", "1e3", "2026-01-31", "0x10", "1_000", ".5"]


@pytest.mark.requirement("CFG-3")
def test_a_control_that_the_pump_does_not_have_is_refused(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cap on a pump whose rate can not be lowered would look safe on paper and do nothing at the bed."""
    without = {"reference-pump": replace(find("reference-pump"), lowerable=frozenset())}
    monkeypatch.setattr("pumpd.config_check.installed", lambda: without)
    file = broken / "capped.yaml"
    asked = (broken / "pause-where-only-cap.yaml").read_text()
    file.write_text(asked.replace("enforcement: pause", "enforcement: cap"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    (problem,) = caught.value.problems
    assert problem.what == "reference-pump can not do cap over the wire"
    assert (problem.allowed, problem.remedy) == ("alarm, pause", "write enforcement: alarm")
