"""Puts the changed text of one file in the place of the product's own, in this process only."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable, TraversableResources
from pathlib import Path
from typing import Any

from tests.mutants.mutant import ROOT


class _ChangedCode(importlib.machinery.SourceFileLoader):
    """Compiles the changed text instead of the file's; nothing of it is cached on disk."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the code of the changed text."""
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _ChangedFolder(TraversableResources):
    """A folder of package data in which one file is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> Traversable:
        """Return the folder that stands in for the package's own."""
        return self._folder


class _ChangedData(importlib.machinery.SourceFileLoader):
    """The package's own code, with other package data."""

    def __init__(self, name: str, path: str, folder: Path) -> None:
        super().__init__(name, path)
        self._folder = folder

    def get_resource_reader(self, fullname: str) -> _ChangedFolder:  # type: ignore[override]
        """Return what reads the changed folder."""
        return _ChangedFolder(self._folder)


class _Finder(importlib.abc.MetaPathFinder):
    """Answers for one module and leaves every other to the ordinary import."""

    def __init__(self, name: str, path: Path, loader: importlib.machinery.SourceFileLoader) -> None:
        self._name = name
        self._path = path
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of the changed module, None for any other."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self._loader)


def change(job: Mapping[str, str]) -> None:
    """Change the product as ``job`` says.

    ``how`` is ``import`` (as if ``file`` held ``text`` when it is first imported), ``functions`` (those of
    the loaded module do what those of ``text`` do) or ``added`` (that runs at the end of the loaded module).
    """
    if job["how"] == "import":
        _forget()
        _substitute(job["file"], job["text"])
        return
    module = importlib.import_module(_module_name(job["file"]))
    if job["how"] == "added":
        exec(compile(job["added"], f"{job['file']}, changed", "exec", dont_inherit=True), vars(module))
        return
    changed = types.ModuleType(module.__name__)
    changed.__file__ = module.__file__
    here = sys.modules[module.__name__]
    sys.modules[module.__name__] = changed  # dataclasses look their own module up
    try:
        exec(compile(job["text"], str(module.__file__), "exec", dont_inherit=True), vars(changed))
    finally:
        sys.modules[module.__name__] = here
    for path, function in _functions(changed, changed.__name__):
        _at(module, path).__code__ = function.__code__
        _at(module, path).__defaults__ = function.__defaults__
        _at(module, path).__kwdefaults__ = function.__kwdefaults__


def _functions(holder: Any, module: str) -> Iterator[tuple[tuple[str, ...], types.FunctionType]]:
    """Yield every function written in a module, with the names that lead to it."""
    for name, value in list(vars(holder).items()):
        for within, function in _plain(value):
            if function.__module__ == module and function.__code__.co_filename != "<string>":
                yield (name, *within), function
        if isinstance(value, type) and value.__module__ == module and value is not holder:
            for within, function in _functions(value, module):
                yield (name, *within), function


def _plain(value: Any) -> Iterator[tuple[tuple[str, ...], types.FunctionType]]:
    """Yield the functions inside of a property, a class method, a cache."""
    if isinstance(value, types.FunctionType):
        yield (), value
    elif isinstance(value, property | classmethod | staticmethod):
        for part in ("fget", "__func__"):
            function = getattr(value, part, None)
            if isinstance(function, types.FunctionType):
                yield (part,), function
    elif isinstance(getattr(value, "__wrapped__", None), types.FunctionType):
        yield ("__wrapped__",), value.__wrapped__


def _at(holder: Any, path: tuple[str, ...]) -> types.FunctionType:
    for name in path:
        holder = vars(holder)[name] if isinstance(holder, type | types.ModuleType) else getattr(holder, name)
    assert isinstance(holder, types.FunctionType)
    return holder


def _forget() -> None:
    """Let everything of the product be imported anew."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"pumpd", "dashboard"}]:
        del sys.modules[name]


def _module_name(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts)


def _substitute(file: str, text: str) -> None:
    path = ROOT / file
    if path.suffix == ".py":
        name = _module_name(file)
        loader: importlib.machinery.SourceFileLoader = _ChangedCode(name, str(path), text)
    else:
        name = ".".join(Path(file).parent.parts)
        folder = Path(tempfile.mkdtemp(prefix="pumpd-mutant-"))
        for other in path.parent.glob(f"*{path.suffix}"):
            shutil.copy(other, folder)
        (folder / path.name).write_text(text, encoding="utf-8")
        path = path.parent / "__init__.py"
        loader = _ChangedData(name, str(path), folder)
    sys.meta_path.insert(0, _Finder(name, path, loader))
