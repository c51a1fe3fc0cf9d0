"""An environment as a stranger has it: pumpd and other packages from their wheels, no checkout in sight."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from pumpd.driver_scaffold import write_scaffold
from tests.house.tree import ROOT, tracked

IN_WHEEL = ("pumpd", "dashboard", "config")
OF_PROJECT = ("pyproject.toml", "README.md", "LICENSE")
STATIC = ROOT / "dashboard" / "static"
LOCK = ROOT / "requirements" / "dev.txt"
TOOL_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Fresh:
    """A virtual environment and an empty folder to work in."""

    directory: Path
    work: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment; nothing of this checkout is on its path."""
        return subprocess.run(
            self._command(words),
            cwd=cwd or self.work,
            env=self._variables(),
            capture_output=True,
            text=True,
            check=False,
            timeout=TOOL_TIMEOUT_S,
        )

    def started(self, *words: str, cwd: Path) -> subprocess.Popen[str]:
        """Start a command of the environment; what it says on both channels comes on its standard output."""
        return subprocess.Popen(
            self._command(words),
            cwd=cwd,
            env=self._variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _command(self, words: tuple[str, ...]) -> list[str | Path]:
        if words[0] == "pytest":  # what is borrowed has no scripts
            words = ("python", "-m", *words)
        return [self.directory / "bin" / words[0], *words[1:]]

    def _variables(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COV", "PUMPD"))}
        return env | {"PATH": f"{self.directory / 'bin'}{os.pathsep}{env['PATH']}"}


def _tool(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=TOOL_TIMEOUT_S,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def built_wheel(source: Path, wheels: Path) -> Path:
    """Build the wheel of a source tree that may be written to."""
    before = set(wheels.glob("*.whl"))
    _tool("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, source)
    (wheel,) = set(wheels.glob("*.whl")) - before
    return wheel


def pumpd_source(folder: Path) -> Path:
    """Copy what the wheel of pumpd is built from: tracked files and the built front end, nothing else."""
    for path in tracked():
        name = path.relative_to(ROOT)
        if name.parts[0] in IN_WHEEL or name.as_posix() in OF_PROJECT:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    (folder / "pumpd" / "examples").symlink_to((ROOT / "pumpd" / "examples").readlink())
    if STATIC.exists():
        shutil.copytree(STATIC, folder / "dashboard" / "static")
    return folder


def package_source(name: str, folder: Path) -> Path:
    """Make the source of one package outside of pumpd, as `pumpd drivers new` does."""
    write_scaffold(name, "modbus" if "modbus" in name else "framed", folder)
    return folder / name


def borrowing(directory: Path, wheels: list[Path]) -> Fresh:
    """Return an environment of the wheels; third-party packages are those of this environment."""
    _tool("-m", "venv", "--without-pip", directory)
    fresh = Fresh(directory, directory / "work")
    fresh.work.mkdir()
    _tool("-m", "pip", "--python", fresh.python, "install", "-q", "--no-deps", "--no-index", *wheels)
    paths = subprocess.run(
        [fresh.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    # A plain path: files of this kind that stand there, such as that of the checkout, are not read.
    Path(paths.stdout.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return fresh


def installed_anew(directory: Path, wheels: list[Path]) -> Fresh:
    """Return an environment of the wheels, everything else installed as the lock pins it."""
    _tool("-m", "venv", directory)
    fresh = Fresh(directory, directory / "work")
    fresh.work.mkdir()
    pins = directory / "pins.txt"
    pins.write_text("\n".join(re.findall(r"^[\w.-]+==[^\s\\]+", LOCK.read_text(), re.MULTILINE)))
    pumpd, *others = wheels
    done = fresh.run(
        "python", "-m", "pip", "install", "-q", "-c", str(pins), f"{pumpd}[qa]", *map(str, others)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return fresh
