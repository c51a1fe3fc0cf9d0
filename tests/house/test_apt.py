"""The script that installs what apt has: what is missing and known, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements" / "apt.sh"
FAKES = {
    "dpkg-query": '[[ "${@: -1}" == there ]] && echo "install ok installed"',
    "apt-cache": '[[ "$2" != unheard-of ]]',
    "apt-get": 'echo "$@" >> "$ASKED"',
    "id": 'echo "$PERSON"',
}


@pytest.mark.parametrize(
    ("person", "wanted", "asked", "told"),
    [
        ("0", ["there"], [], ""),
        ("0", ["# a reason", "", "there", "absent"], ["update -qq", "absent"], ""),
        ("0", ["absent", "unheard-of"], ["update -qq", "absent"], "no package unheard-of"),
        ("0", ["unheard-of"], ["update -qq"], "no package unheard-of"),
        ("1000", ["there", "absent"], [], "sudo apt-get install absent"),
    ],
)
def test_only_what_is_missing_and_known_is_installed(
    tmp_path: Path, person: str, wanted: list[str], asked: list[str], told: str
) -> None:
    """A package that this system's apt has not is named, and holds up none of the others."""
    for name, does in FAKES.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    packages, log = tmp_path / "packages.txt", tmp_path / "asked"
    packages.write_text("\n".join(wanted) + "\n")
    log.touch()
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "ASKED": str(log), "PERSON": person}
    done = subprocess.run(
        ["bash", SCRIPT, packages], check=False, env=env, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    assert (done.stderr == "") == (told == "")
    lines = log.read_text().splitlines()
    assert len(lines) == len(asked)
    assert all(line.endswith(f" {end}") or line == end for line, end in zip(lines, asked, strict=True))
