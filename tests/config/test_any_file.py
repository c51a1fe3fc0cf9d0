"""Whatever stands in a file, the operator gets words: a configuration or a list of problems, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
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


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_document_or_problems(raw: bytes) -> None:
    """No bytes raise out of the reader."""
    document = parse_document(raw, "any.yaml")
    assert document.data is not None or document.problems or raw.strip()
