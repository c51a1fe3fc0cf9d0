"""Whatever stands in a file, the operator gets words: a configuration or a list of problems, nothing else."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pumpd.config import load
from pumpd.document import parse_document
from pumpd.errors import ConfigError, Problem

GOOD = (Path(__file__).parents[2] / "config" / "pumpd.yaml").read_text().splitlines()
LIBRARY = (Path(__file__).parents[2] / "config" / "drug-library.yaml").read_text().splitlines()

VALUES = st.one_of(
    st.sampled_from(
        ["", "{}", "[]", "null", "true", "-1", "1e400", "0.5", "1,5", "[1, {a: b}]", "&a", "*a", "!x"]
    ),
    st.sampled_from(
        ["'", '"', "{", "]", "? [a]: b", "- -", "0 kg", "1 mg/kg/h", "1 U/h", "modbus-tcp://[::1"]
    ),
    st.text(max_size=12),
)


@st.composite
def edited(draw: st.DrawFn, lines: list[str]) -> str:
    """Draw a file with lines removed, doubled, re-indented, or with another value."""
    text = list(lines)
    for _ in range(draw(st.integers(1, 4))):
        if not text:
            break
        at = draw(st.integers(0, len(text) - 1))
        line = text[at]
        kind = draw(st.sampled_from(["remove", "double", "indent", "value"]))
        if kind == "remove":
            del text[at]
        elif kind == "double":
            text.insert(at, line)
        elif kind == "indent":
            text[at] = " " * draw(st.integers(0, 8)) + line.strip()
        else:
            text[at] = line.partition(":")[0] + ": " + draw(VALUES)
    return "\n".join(text)


def _words_or_a_configuration(directory: Path) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        load(directory / "pumpd.yaml")
    except ConfigError as error:
        problems = error.problems
    assert problems is None or problems
    assert all(p.what and p.allowed and p.remedy and p.path and p.line >= 0 for p in problems or ())


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edited")


@pytest.mark.requirement("CFG-1")
@given(text=edited(GOOD))
def test_an_edited_configuration_is_told_in_words(text: str, directory: Path) -> None:
    """No edit of a configuration brings anything but a configuration or problems with a remedy."""
    (directory / "pumpd.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    (directory / "drug-library.yaml").write_text("\n".join(LIBRARY))
    _words_or_a_configuration(directory)


@pytest.mark.requirement("CFG-1")
@given(text=edited(LIBRARY))
def test_an_edited_library_is_told_in_words(text: str, directory: Path) -> None:
    """No edit of a drug library brings anything but a library or problems with a remedy."""
    (directory / "pumpd.yaml").write_text("\n".join(GOOD))
    (directory / "drug-library.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    _words_or_a_configuration(directory)


@pytest.mark.requirement("CFG-1")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keepalive_s: 4", f"keepalive_s: {'9' * 5000}"),
        ("poll_interval_s: 1", f"poll_interval_s: {'9' * 5000}.5"),
        ("ceiling: 40 mL/h", f"ceiling: {'9' * 5000} mL/h"),
        ("label: A.B.", 'label: "\\e[2Jcleared"'),
        ("label: A.B.", 'label: "\\u202Edesrever"'),
        ("library: drug-library.yaml", 'library: "a\\0b"'),
        ("data_dir: ../var/ward-a ", 'data_dir: "a\\0b" '),
        ("keepalive_s: 4", 'keepalive_s: 4, username: a, password_file: "a\\0b"'),
        ("keepalive_s: 4", "keepalive_s: 4, username: a, password_file: latin-1"),
        ("library: drug-library.yaml", "library: /dev/zero"),
        ("library: drug-library.yaml", "library: pipe"),
        ("keepalive_s: 4", "keepalive_s: 4, username: a, password_file: pipe"),
    ],
)
def test_hostile_values_are_told_in_words(old: str, new: str, directory: Path) -> None:
    """Endless numbers, control characters, devices, pipes and foreign encodings end in problems at once."""
    text = "\n".join(GOOD)
    assert old in text
    (directory / "pumpd.yaml").write_text(text.replace(old, new, 1))
    (directory / "drug-library.yaml").write_text("\n".join(LIBRARY))
    (directory / "latin-1").write_bytes(b"pa\xdfwort\n")
    (directory / "latin-1").chmod(0o600)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(directory / "pipe", 0o600)
    with pytest.raises(ConfigError) as caught:
        load(directory / "pumpd.yaml")
    assert all(len(str(problem)) < 1000 for problem in caught.value.problems)


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_document_or_problems(raw: bytes) -> None:
    """No bytes raise out of the reader."""
    document = parse_document(raw, "any.yaml")
    assert document.data is not None or document.problems or raw.strip()


@given(text=st.one_of(edited(GOOD), edited(LIBRARY)).filter(str.isascii))
def test_both_parsers_read_the_same(text: str) -> None:
    """Values, lines and words are those of PyYAML's own parser, but for what libyaml alone takes for text."""
    raw = text.encode()
    fast = parse_document(raw, "any.yaml")
    with pytest.MonkeyPatch.context() as without:
        without.setattr(yaml, "__with_libyaml__", False)
        exact = parse_document(raw, "any.yaml")
    assert fast == exact or any(words in exact.problems[0].what for words in ("got '?'", "chomping"))
