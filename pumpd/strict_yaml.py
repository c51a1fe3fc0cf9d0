"""YAML read strictly: exact decimals, no guessed types, and the line of every value for error messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from pumpd.errors import ConfigError, Problem

Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def refusal(what: str, *, allowed: str, remedy: str) -> PydanticCustomError:
    """Return what a validator raises when it has better words than pydantic's own."""
    return PydanticCustomError("refused", "{what}", {"what": what, "allowed": allowed, "remedy": remedy})


def dotted(path: Path) -> str:
    """Return ``path`` as ``pumps[2].url``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text or "(file)"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file as plain values, with the line on which each of them stands."""

    file: str
    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Return the 1-based line of ``path``, or of the nearest part above it that exists."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 0)

    def problem(self, path: Path, what: str, *, allowed: str, remedy: str) -> Problem:
        """Return a problem at ``path`` of this file."""
        return Problem(self.file, self.line(path), dotted(path), what, allowed, remedy)


def _scalar(node: yaml.ScalarNode) -> Any:
    text = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if "x" in text else int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def _refuse(self, node: yaml.Node, path: Path, what: str, allowed: str, remedy: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(self.file, line, dotted(path), what, allowed, remedy))

    def read(self, node: yaml.Node, path: Path) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, path, "a key is a list or map", "text or a number", "Write a name.")
                continue
            key = str(key_node.value)
            below = (*path, key)
            if key in result:
                first = self.lines[below]
                self._refuse(
                    key_node, below, "this key stands twice", "each key once", f"See line {first}; keep one."
                )
            result[key] = self.read(value_node, below)
            self.lines[below] = key_node.start_mark.line + 1
        return result


def read(text: str, file: str) -> Document:
    """Return the values in ``text``; ConfigError when it is no YAML, has a key twice or uses an alias."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                what = f"*{event.anchor} is an alias"
                problem = Problem(file, line, "(file)", what, "plain values", "Write it out.")
                raise ConfigError((problem,))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        what = f"not YAML: {error.problem or error.context}"
        problem = Problem(file, line, "(file)", what, "YAML 1.2", "Look at indentation, colons and quotes.")
        raise ConfigError((problem,)) from None
    except yaml.YAMLError as error:
        problem = Problem(file, 0, "(file)", f"not YAML: {error}", "YAML 1.2", "Save it as plain UTF-8 text.")
        raise ConfigError((problem,)) from None
    reader = _Reader(file)
    data = reader.read(node, ()) if node is not None else None
    if reader.problems:
        raise ConfigError(tuple(reader.problems))
    return Document(file, data, reader.lines)


def _fields_at(model: Any, path: Path) -> list[str]:
    """Return the keys that the model at ``path`` below ``model`` knows; empty when it can not be told."""
    candidates = [model]
    for part in path:
        below: list[Any] = []
        for candidate in candidates:
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                if part in candidate.model_fields:
                    below += _models(candidate.model_fields[str(part)].annotation)
                else:
                    below.append(candidate)  # the name of a union's member, which pydantic puts in the path
            else:
                below.append(candidate)
        candidates = below
    return sorted({name for c in candidates for name in getattr(c, "model_fields", {})})


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _allowed(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if "allowed" in context:
        return str(context["allowed"])
    if "expected" in context:
        return str(context["expected"])
    bounds = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    limits = [f"{word} {context[key]}" for key, word in bounds.items() if key in context]
    if limits:
        return " and ".join(limits)
    if "pattern" in context:
        return f"text that matches {context['pattern']}"
    kinds = {
        "string": "text",
        "int": "a whole number",
        "decimal": "a decimal number",
        "float": "a number",
        "bool": "true or false",
        "list": "a list",
        "tuple": "a list",
        "dict": "a map",
        "model": "a map",
    }
    return next((text for kind, text in kinds.items() if error["type"].startswith(kind)), error["msg"])


def _problem(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    known = path
    while known and known not in document.lines:
        known = known[:-1]
    if error["type"] == "missing":
        known = (*known, path[-1])
        return document.problem(known, "is missing", allowed="a value here", remedy=f"Add '{path[-1]}:'.")
    if error["type"] == "extra_forbidden":
        names = _fields_at(model, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), names, 1)
        remedy = f"Did you mean '{close[0]}'?" if close else "Remove it or mend its name."
        return document.problem(known, "unknown key", allowed=", ".join(names), remedy=remedy)
    context = error.get("ctx", {})
    if error["type"] == "refused":
        what = str(context["what"])
    else:
        given = error["input"]
        shown = "a map" if isinstance(given, dict) else "a list" if isinstance(given, list) else repr(given)
        shown = shown.removeprefix("Decimal('").removesuffix("')") if isinstance(given, Decimal) else shown
        what = f"{shown}: {error['msg']}"
    remedy = str(context.get("remedy", "Mend the value."))
    if error["type"] == "string_type" and isinstance(error["input"], (int, Decimal)):
        remedy = "Put it in quotes."
    return document.problem(known, what, allowed=_allowed(error), remedy=remedy)


def check(document: Document, model: type[M]) -> M:
    """Return ``document`` as ``model``; ConfigError names every problem at once, each with its line."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = {_problem(document, model, detail) for detail in error.errors(include_url=False)}
        raise ConfigError(tuple(sorted(problems, key=lambda p: (p.line, p.path, p.what)))) from None


def load(text: str, file: str, model: type[M]) -> M:
    """Return ``text`` as ``model``; ConfigError names every problem at once, each with its line."""
    return check(read(text, file), model)
