"""The project's own files, as git knows them, and their syntax trees."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file that git tracks, or would after an add; without a checkout every file of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines()
    return tuple(path for path in (ROOT / name for name in sorted(set(names))) if path.is_file())


def python(*folders: str) -> tuple[Path, ...]:
    """Return the Python files below ``folders``."""
    tops = [ROOT / folder for folder in folders]
    return tuple(p for p in tracked() if p.suffix == ".py" and any(top in p.parents for top in tops))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of ``path``."""
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    """Return how a file is called in messages."""
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    """Return the full names of the modules that ``path`` imports."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
