"""The command line says what the documentation says, and ends with the status that was promised."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
import typer
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.cli_words import start_log
from pumpd.errors import ConfigError
from pumpd.schemas import KINDS, schema_text

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    file
    for place in ("config", "pumpd/protocols/maps", "pumpd/drivers/cards")
    for file in (ROOT / place).rglob("*.yaml")
)


def _verbs(group: typer.Typer, before: str = "pumpd") -> set[str]:
    """Return every verb as ``--help`` lists it, groups walked into."""
    command = typer.main.get_command(group)
    found = set()
    for name, sub in getattr(command, "commands", {}).items():
        below = getattr(sub, "commands", {})
        found |= {f"{before} {name} {verb}" for verb in below} or {f"{before} {name}"}
    return found


@pytest.mark.requirement("CFG-4")
def test_help_lists_exactly_the_documented_verbs() -> None:
    """``--help`` and docs/commands.md name the same verbs."""
    table = re.findall(r"^\| `(pumpd [^`]+)` \|", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(_verbs(app))
    said = CliRunner().invoke(app, ["--help"]).output
    assert all(verb.split()[1] in said for verb in table)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_shipped_schema_is_the_models(kind: str) -> None:
    """The schema in config/schemas is the one that ``pumpd schema`` prints."""
    assert (ROOT / "config/schemas" / f"{kind}.json").read_text() == schema_text(kind)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_shipped_file_names_its_schema(file: Path) -> None:
    """An editor finds the schema from the first line of every shipped file."""
    first = file.read_text().splitlines()[0]
    name = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert name, f"{file}: the first line names no schema"
    assert (file.parent / name[1]).is_file()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pumpd.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=False,
    )


@pytest.mark.requirement("CFG-5")
@pytest.mark.real
def test_status_0_and_words_for_a_good_file() -> None:
    """A good configuration ends with 0 and says what it holds."""
    done = _run("check-config", "-c", "config/pumpd.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no problem" in done.stdout


@pytest.mark.requirement("CFG-5")
@pytest.mark.real
def test_status_2_without_traceback_for_a_missing_file() -> None:
    """A file that is not there is the operator's to mend: status 2, words, no traceback."""
    done = _run("check-config", "-c", "config/nowhere.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("CFG-5")
@pytest.mark.real
def test_status_1_for_a_probe_that_nobody_answers() -> None:
    """What was asked failed, and no file is to be edited: status 1, with what to look at."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"modbus-tcp://127.0.0.1:{nobody.getsockname()[1]}/1"
        done = _run("probe", url, "--driver", "reference-pump")
    assert done.returncode == 1
    assert "what to do: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.requirement("CFG-5")
@pytest.mark.real
@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-c", "config/nowhere.yaml"],
        ["dashboard", "-c", "config/nowhere.yaml"],
        ["simulate", "-c", "config/pumpd.yaml"],
        ["demo", "--files", "config"],
        ["probe", "ttyUSB0", "--driver", "reference-pump"],
        ["probe", "tcp://127.0.0.1:1?address=300", "--driver", "new-era"],
        ["drivers", "show", "nobody"],
        ["schema", "nothing"],
        ["no-such-verb"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_status_2_without_traceback_when_the_operator_must_edit(arguments: list[str]) -> None:
    """Whatever verb meets a wrong file, name or address ends with 2 and words."""
    done = _run(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("CFG-4")
def test_the_documented_check_of_the_shipped_configuration_is_what_it_prints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/commands.md shows this very output."""
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "commands.md").read_text()
    shown = re.search(r"\$ pumpd (check-config [^\n]*)\n(.*?)```", page, re.DOTALL)
    assert shown
    assert CliRunner().invoke(app, shown[1].split()).output == shown[2]


@pytest.mark.requirement("CFG-4")
def test_all_that_examples_copies_is_told_and_documented(tmp_path: Path) -> None:
    """Every file and folder stands in what the verb says, and in docs/commands.md."""
    said = CliRunner().invoke(app, ["examples", str(tmp_path / "here")]).output
    made = {f"{each.name}/" if each.is_dir() else each.name for each in (tmp_path / "here").iterdir()}
    assert set(said.strip().partition(": ")[2].split(", ")) == made
    told = (ROOT / "docs" / "commands.md").read_text().partition("`pumpd examples here` copies")[2]
    assert set(re.findall(r"`([^`]+)`", told.partition(" into ")[0])) == made


@pytest.mark.requirement("CFG-5")
@pytest.mark.parametrize("verb", ["examples", "backup"])
@pytest.mark.parametrize("below", [".", "new"])
def test_a_file_where_a_folder_should_be_is_told_with_what_is_allowed(
    tmp_path: Path, verb: str, below: str
) -> None:
    """Status 2, the name, what is allowed and what to do; the file stays as it is."""
    (tmp_path / "file").write_text("mine")
    config = ["-c", str(ROOT / "config" / "pumpd.yaml"), "--to"] if verb == "backup" else []
    with pytest.raises(ConfigError, match=r"file is no folder; allowed: a folder .*; write another name"):
        CliRunner().invoke(app, [verb, *config, str(tmp_path / "file" / below)], catch_exceptions=False)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_log_shows_what_a_stranger_sent_without_obeying_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences, line breaks and changes of writing direction come out as text; no local variables."""
    password = "hush"
    start_log("info")
    try:
        structlog.get_logger().info(
            "a\x1b[2Jb", topic="\x1b[2Jx", found="a\u202eb", reason=ValueError("c\x9bd")
        )
        try:
            int(f"{len(password)} letters")
        except ValueError:
            structlog.get_logger().exception("it failed")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert all(line.isprintable() for line in told.splitlines())
    assert "topic=\\x1b[2Jx" in told
    assert "ValueError: invalid literal" in told
    assert "hush" not in told


@pytest.mark.requirement("HOUSE-LOG")
@pytest.mark.real
@pytest.mark.parametrize("stream", ["/dev/full", "closed"])
def test_a_log_that_can_not_be_written_stops_nobody(stream: str) -> None:
    """On a full disk, or with standard error closed, whoever says something in the log goes on."""
    script = (
        "import os, sys, structlog\n"
        "from pumpd.cli_words import start_log\n"
        "start_log('info')\n"
        "if sys.argv[1] == 'closed': sys.stderr.close()\n"
        "else: os.dup2(os.open(sys.argv[1], os.O_WRONLY), 2)\n"
        "for n in range(500): structlog.get_logger().error('the journal is down', reason='x' * 100)\n"
        "print('went on', flush=True)\n"
        "os._exit(0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, stream], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "went on\n"), ran.stderr
