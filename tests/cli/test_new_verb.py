"""``pumpd drivers new``: what it writes, and what it refuses."""

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.driver_scaffold import write_scaffold
from pumpd.errors import ConfigError


@pytest.mark.requirement("ENG-4")
@pytest.mark.parametrize(
    ("words", "part"), [([], "acme_x1/protocol.py"), (["--modbus"], "acme_x1/maps/acme-x1.yaml")]
)
def test_it_says_what_it_wrote_and_what_comes_next(words, part, tmp_path):
    """Every file by its path, without a mark that was not filled in."""
    ran = CliRunner().invoke(app, ["drivers", "new", "acme-x1", *words, "--into", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert f"{tmp_path}/acme-x1/{part}" in ran.output
    assert "pytest --pumpd-driver acme-x1" in ran.output
    texts = [file.read_text() for file in (tmp_path / "acme-x1").rglob("*") if file.is_file()]
    assert not any(mark in text for text in texts for mark in ("{name}", "{module}"))


@pytest.mark.parametrize("name", ["Acme", "acme_x1", "../acme", "a" * 41, "", "1st"])
def test_a_name_that_can_not_be_one_is_refused(name, tmp_path):
    """It becomes a folder, a module and a name in configurations."""
    with pytest.raises(ConfigError, match="can not be the name"):
        write_scaffold(name, "framed", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["framed", "modbus"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("alaris", "there is a driver alaris already"),
        ("class", "class is a word of Python's"),
        ("json", "there is a Python package json already"),
        ("pumpd", "there is a Python package pumpd already"),
        ("pydantic", "there is a Python package pydantic already"),
    ],
)
def test_a_name_that_something_has_is_refused(name, words, kind, tmp_path):
    """What is made would not run: pumpd uses the driver that was there, or Python another package."""
    with pytest.raises(ConfigError, match=words):
        write_scaffold(name, kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path):
    """A folder that is there stays as it is."""
    (tmp_path / "acme").mkdir()
    with pytest.raises(ConfigError, match="there already"):
        write_scaffold("acme", "modbus", tmp_path)
    assert list((tmp_path / "acme").iterdir()) == []
