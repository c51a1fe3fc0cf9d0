"""A document held against a pydantic model: every problem at once, each with what is allowed and a remedy."""

from __future__ import annotations

import copy
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pumpd.document import DocPath, Document, path_text
from pumpd.errors import ConfigError, Problem

M = TypeVar("M", bound=BaseModel)

REFUSED = "refused"
"""Type of the errors that our own field types raise: their context holds ``allowed`` and ``remedy``."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """What became of a document: a model of all that was good in it, and every problem."""

    model: M | None
    """Built without what was refused, so that cross checks can go on; None when too little is left."""
    problems: tuple[Problem, ...]
    removed: Mapping[DocPath, frozenset[int]]
    """Which items of which lists were left out of ``model``."""

    def place(self, path: DocPath) -> DocPath:
        """Return where in the document the value at ``path`` of the model stands."""
        return _place(path, self.removed)


def _place(path: DocPath, removed: Mapping[DocPath, Collection[int]]) -> DocPath:
    found: DocPath = ()
    for part in path:
        at = part
        if isinstance(at, int):
            for gone in sorted(removed.get(found, ())):
                at += gone <= at
        found = (*found, at)
    return found


def check(document: Document, model: type[M]) -> Checked[M]:
    """Return ``document`` as ``model``, and all that is wrong with it, in order of lines.

    What is refused is cut out and the rest is checked again, until the rest is good.
    """
    problems = list(document.problems)
    refused = {problem.path for problem in problems}
    removed: dict[DocPath, set[int]] = {}
    data = copy.deepcopy(document.data)
    found: M | None = None
    while data is not None and found is None:
        try:
            found = model.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
            paths = [_own_path(detail, data) for detail in details]
            places = [_place(path, removed) for path in paths]
            for detail, place in zip(details, places, strict=True):
                if not _covered(place, refused, detail["type"]) and place not in removed:
                    problems.append(_problem(document, model, detail, place))
            refused |= {path_text(place) for place in places}
            data = _cut(data, paths, model, removed)
    return Checked(found, in_order(problems), {path: frozenset(gone) for path, gone in removed.items()})


def demand(document: Document, model: type[M]) -> M:
    """Return ``document`` as ``model``; ConfigError with every problem when anything is wrong with it."""
    checked = check(document, model)
    if checked.problems or checked.model is None:
        raise ConfigError(checked.problems)
    return checked.model


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems as an editor walks a file."""
    return tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.path)))


def _covered(path: DocPath, refused: set[str], kind: str) -> bool:
    """Return whether this place, or one around it, was refused already, or only lacks what was cut from it.

    A group that is judged as a whole is judged when its own keys are good.
    """
    if any(path_text(path[:size]) in refused for size in range(1, len(path) + 1)):
        return True
    inside = f"{path_text(path)}." if path else ""
    if kind == REFUSED and any(
        text.startswith(inside) and "." not in text.removeprefix(inside) for text in refused - {path_text(())}
    ):
        return True
    return kind == "missing" and any(text.startswith(inside) for text in refused)


def _own_path(detail: ErrorDetails, data: object) -> DocPath:
    """Return the error's place in the data: pydantic adds the names of choices that a file does not have."""
    path: list[str | int] = []
    here: object = data
    for at, part in enumerate(detail["loc"]):
        absent = at == len(detail["loc"]) - 1 and detail["type"] == "missing"
        if isinstance(here, dict) and (part in here or absent):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _standing(data: object, path: DocPath) -> DocPath:
    """Return the longest beginning of ``path`` at which something stands."""
    here: Any = data
    for at, part in enumerate(path):
        if not (part in here if isinstance(here, dict) else isinstance(here, list)):
            return path[:at]
        here = here[part]
    return path


def _cut(
    data: object, paths: list[DocPath], model: type[BaseModel], removed: dict[DocPath, set[int]]
) -> object | None:
    """Return ``data`` less what is refused; a missing required key takes its group away.

    At the top a missing key gets its example instead, so that the rest of the file is still checked.
    None when nothing can be saved.
    """
    targets = {_standing(data, path) for path in paths}
    if not isinstance(data, dict) or () in paths:
        return None
    if () in targets:
        for key in {path[0] for path in paths if path and path[0] not in data}:
            field = model.model_fields.get(str(key))
            if field is None or not field.examples:
                return None
            data[key] = field.examples[0]
        targets.discard(())
    outermost = [
        target for target in targets if not any(target[:size] in targets for size in range(len(target)))
    ]
    gone = [(target, _place(target, removed)) for target in sorted(outermost, key=_backwards)]
    for target, place in gone:
        parent: Any = data
        for part in target[:-1]:
            parent = parent[part]
        del parent[target[-1]]
        if isinstance(place[-1], int):
            removed.setdefault(place[:-1], set()).add(place[-1])
    return data


def _backwards(path: DocPath) -> tuple[tuple[int, str], ...]:
    """Order in which items of one list go from its end, so that positions hold meanwhile."""
    return tuple((-part, "") if isinstance(part, int) else (0, part) for part in path)


def fields_at(model: type[BaseModel], path: DocPath) -> Iterator[tuple[type[BaseModel], FieldInfo]]:
    """Yield the models and fields that ``path`` walks through; keys that a file chooses itself have none."""
    here: type[BaseModel] | None = model
    chosen = False
    for part in path:
        if isinstance(part, int) or chosen:
            chosen = chosen and isinstance(part, int)
            continue
        if here is None or part not in here.model_fields:
            return
        field = here.model_fields[part]
        yield here, field
        here = next(_models_in(field.annotation), None)
        chosen = typing.get_origin(field.annotation) is dict


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    parts = typing.get_args(annotation)
    if not parts and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in parts:
        yield from _models_in(part)


def known_keys(model: type[BaseModel], path: DocPath) -> tuple[str, ...]:
    """Return the keys allowed beside the last part of ``path``."""
    walked = list(fields_at(model, path[:-1]))
    here = next(_models_in(walked[-1][1].annotation), None) if walked else model
    return tuple(here.model_fields) if here is not None else ()


def _needed_keys(model: type[BaseModel], path: DocPath) -> tuple[str, ...]:
    """Return those of ``known_keys`` that a file can not leave out."""
    walked = list(fields_at(model, path))
    fields = walked[-1][0].model_fields if walked else {}
    return tuple(key for key, field in fields.items() if field.is_required())


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    return "a list" if isinstance(value, (list, tuple)) else "a group of keys"


def _problem(document: Document, model: type[BaseModel], detail: ErrorDetails, path: DocPath) -> Problem:
    key = str(path[-1]) if path else "(file)"
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    walked = list(fields_at(model, path))
    field = walked[-1][1] if walked else None
    described = (field.description if field else None) or detail["msg"]
    example = field.examples[0] if field and field.examples else None
    write = f"write {key}: {example}" if example is not None else "write it in this form"
    if kind == "model_type":
        keys = known_keys(model, (*path, ""))
        what = f"{_shown(value)} can not stand here"
        return document.problem(path, what, f"the keys {', '.join(keys)}", f"write {keys[0]}: and so on")
    if kind == "bool_type":
        what = f"{_shown(value)} is neither true nor false"
        return document.problem(path, what, described, "write true or false")
    if kind == "extra_forbidden":
        known = known_keys(model, path)
        near = get_close_matches(key, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "remove it"
        return document.problem(path, f"there is no key '{key}' here", ", ".join(known), remedy)
    if kind == "missing":
        remedy = f"add {key}" if example is None else f"add {key}: {example}"
        if field is None or field.description is None:
            described = f"{', '.join(_needed_keys(model, path)) or key} must be there"
        return document.problem(path, f"'{key}' is missing", described, remedy)
    if kind == REFUSED:
        return document.problem(path, detail["msg"], context["allowed"], context["remedy"])
    if kind == "string_type" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return document.problem(
            path, f"{_shown(value)} is a number, not text", described, f'put it in quotes: {key}: "{value}"'
        )
    if kind in {"literal_error", "enum"}:
        allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        near = get_close_matches(str(value), allowed.split(", "), n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"write {key}: {allowed.split(', ')[0]}"
        return document.problem(path, f"there is no {key} {_shown(value)}", allowed, remedy)
    return document.problem(path, f"{_shown(value)} can not stand here", described, write)
