"""``pumpd drivers new``: a driver package that runs as it is made, to be turned into that of a real pump."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from pumpd.drivers.registry import installed
from pumpd.errors import ConfigError, Problem

Kind = Literal["framed", "modbus"]
NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_FILES: Final[Mapping[Kind, Mapping[str, str]]] = {
    "framed": {
        "README.md": "README.md",
        "pyproject.toml": "pyproject.toml",
        "protocol.py": "{module}/protocol.py",
        "driver.py": "{module}/driver.py",
        "face.py": "{module}/face.py",
        "card.yaml": "{module}/card.yaml",
        "test.py": "tests/test_{module}.py",
    },
    "modbus": {
        "README.md": "README.md",
        "pyproject.toml": "pyproject.toml",
        "map.yaml": "{module}/maps/{name}.yaml",
        "card.yaml": "{module}/cards/{name}.yaml",
        "test.py": "tests/test_{module}.py",
    },
}
"""Template -> where it goes."""
_PACKAGES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "framed": ("{module}",),
    "modbus": ("{module}", "{module}/maps", "{module}/cards"),
}


def write_scaffold(name: str, kind: Kind, into: Path) -> tuple[Path, ...]:
    """Write the package ``name`` into a new folder of that name; return its files.

    ConfigError when the name can not be one, something has it, or its folder is there already.
    """
    if not NAME.fullmatch(name) or len(name) > 40:
        raise _problem(
            "NAME",
            f"{name!r} can not be the name of a driver",
            "small letters, digits and -, such as acme-x1",
        )
    module = name.replace("-", "_")
    if taken := _taken(name, module):
        raise _problem("NAME", taken, "a name that nothing has yet, such as acme-x1")
    folder = into / name
    if folder.exists():
        raise _problem(
            "NAME", f"{folder} is there already, and nothing is written over", "the name of a new folder"
        )
    words = {"{name}": name, "{module}": module}
    texts = {
        _filled(target, words): _filled(_template(kind, file), words) for file, target in _FILES[kind].items()
    }
    texts |= {f"{_filled(package, words)}/__init__.py": "" for package in _PACKAGES[kind]}
    for target, text in texts.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(text, encoding="utf-8")
    return tuple(folder / target for target in texts)


def _taken(name: str, module: str) -> str:
    """Return what has the name already; empty where nothing has."""
    if name in installed():
        return f"there is a driver {name} already, and a second one of that name is never used"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return f"{module} is a word of Python's, and no package can be called so"
    if find_spec(module) is not None:
        return f"there is a Python package {module} already, and one of the two would hide the other"
    return ""


def _template(kind: Kind, file: str) -> str:
    return (resources.files("pumpd") / "scaffold" / kind / f"{file}.txt").read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _problem(path: str, what: str, allowed: str) -> ConfigError:
    return ConfigError((Problem("pumpd drivers new", 0, path, what, allowed, "choose another name"),))
