"""YAML that knows its lines: read without aliases, tags, duplicate keys or guessed types."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.error import Mark
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pumpd.errors import Problem

DocPath = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions."""

LARGEST_BYTES = 1_000_000
"""A hand-written file is far smaller; a larger one is a mistake or an attack on memory."""
DEEPEST = 20
"""Levels of nesting; no file of pumpd needs more than 6, and the composer recurses."""

_NOT_WRITTEN = object()


@dataclass(frozen=True, slots=True)
class Document:
    """One file as plain values (dict, list, str, int, float, bool, None) with the line of each."""

    file: str
    data: object
    lines: Mapping[DocPath, int]
    problems: tuple[Problem, ...]
    """What is wrong with the YAML itself; ``data`` holds what could still be read."""
    sha256: str
    """Hash of the bytes, in hex; empty when the file could not be read."""

    def line(self, path: DocPath) -> int:
        """Return the 1-based line of ``path``, or of its nearest parent; 0 for a file without lines."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 0)

    def problem(self, path: DocPath, what: str, allowed: str, remedy: str) -> Problem:
        """Return a problem that stands at ``path``."""
        return Problem(self.file, self.line(path), path_text(path), what, allowed, remedy)


def path_text(path: DocPath) -> str:
    """Return ``pumps[2].url`` for ``("pumps", 2, "url")``; ``(file)`` for the whole document."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "(file)"


def read_document(file: Path, shown_as: str | None = None) -> Document:
    """Read ``file``; whatever is wrong with it is in ``problems``, nothing is raised."""
    name = shown_as or str(file)
    try:
        raw = read_bounded(file)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        problem = Problem(
            name,
            0,
            "(file)",
            f"it can not be read: {reason}",
            "a file that this user may read",
            "check the name and the permissions",
        )
        return Document(name, None, {}, (problem,), "")
    return parse_document(raw, name)


def read_bounded(file: Path, most_bytes: int = LARGEST_BYTES) -> bytes:
    """Return what is in ``file``, of a large one a byte more than is allowed.

    OSError, or ValueError for a name that no file can have. What is no file is refused: a named pipe would
    keep us waiting for ever, and a device never ends.
    """
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.close(handle)  # opened as below, it would be told by the number of its handle
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    with open(handle, "rb") as opened:  # noqa: PTH123 - a descriptor, opened so as not to wait
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is not a file")
        return opened.read(most_bytes + 1)


def parse_document(raw: bytes, name: str) -> Document:
    """Return what ``raw`` says; ``name`` is the file in messages."""
    digest = hashlib.sha256(raw).hexdigest()

    def broken(line: int, what: str, allowed: str, remedy: str) -> Document:
        return Document(name, None, {}, (Problem(name, line, "(file)", what, allowed, remedy),), digest)

    if len(raw) > LARGEST_BYTES:
        return broken(
            0,
            f"it has more than {LARGEST_BYTES} bytes",
            f"at most {LARGEST_BYTES} bytes",
            "give the file that was meant",
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        byte = raw[error.start]
        return broken(line, f"byte 0x{byte:02X} is not UTF-8", "text in UTF-8", "save the file as UTF-8")
    try:
        node = _node(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        return broken(
            mark.line + 1 if mark else 0,
            f"it is not YAML: {what}",
            "YAML with one document, indented by spaces",
            "mend this line or the one before it",
        )
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what = f"it is not YAML: it holds the character 0x{error.character:02X}"
        return broken(line, what, "YAML in printable characters", "remove what is not text")
    if node is None:
        return broken(0, "it is empty", "the keys of this kind of file", "start from the shipped example")
    walk = _Walk(name)
    data = walk.value(node, ())
    return Document(name, data, walk.lines, tuple(walk.problems), digest)


def _node(text: str) -> Node | None:
    """Return the root of ``text``; what libyaml refuses PyYAML's own parser decides and words.

    libyaml is four times as fast, and takes tabs in places where people can not see what they do.
    """
    if yaml.__with_libyaml__ and "\t" not in text:
        with suppress(yaml.YAMLError):
            return _Nodes(yaml.CSafeLoader(text)).get_single_node()
    return _Nodes(yaml.SafeLoader(text)).get_single_node()


class _Refused(ScalarNode):
    """Stands where an alias or a tag stood."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__("refused", "", Mark("", 0, line, 0, None, 0), None)
        self.what = what


class _Nodes(Composer):
    """Composes nodes; an alias never becomes a shared node, so nothing can be multiplied."""

    def __init__(self, parser: yaml.CSafeLoader | yaml.SafeLoader) -> None:
        super().__init__()
        self._depth = 0
        self.get_event, self.peek_event = parser.get_event, parser.peek_event
        self.check_event = parser.check_event

    def resolve(self, *_: object) -> str:
        """Return no tag: ``_plain`` alone says what a scalar means."""
        return ""

    def descend_resolver(self, *_: object) -> None:
        """Do nothing: no tag hangs on a path."""

    ascend_resolver = descend_resolver

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()
        assert event is not None
        assert event.start_mark is not None
        if isinstance(event, AliasEvent):
            self.get_event()
            return _Refused(f"'*{event.anchor}' is an alias", event.start_mark.line)
        if self._depth >= DEEPEST:
            mark = Mark("", 0, event.start_mark.line, 0, None, 0)
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=mark)
        self._depth += 1
        try:
            node = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        if getattr(event, "anchor", None) is not None:
            return _Refused(f"'&{getattr(event, 'anchor', '')}' is an anchor", event.start_mark.line)
        if getattr(event, "tag", None) is not None:
            tag = str(getattr(event, "tag", "")).replace("tag:yaml.org,2002:", "!!")
            return _Refused(f"'{tag}' is a tag", event.start_mark.line)
        return node


_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,30}")
_UNSEEN = re.compile(r"[^\n\t -~\u00a0-\u2027\u202f-\u2065\u206a-\ufefe\uff00-\U0010ffff]")
"""Control characters, line separators and changes of writing direction: they forge lines on a terminal."""
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def _plain(text: str) -> object:
    """Return what an unquoted scalar means; 010, 1:30, yes, 1e3 and dates stay text: nothing is guessed.

    So do more digits than any quantity has: Python refuses to read thousands of them.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


class _Walk:
    """Turns nodes into values, and notes lines and problems on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[DocPath, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: Node, path: DocPath) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, _Refused):
            self._refuse(
                node, path, node.what, "plain values: no anchors, aliases or tags", "write the value out"
            )
            return _NOT_WRITTEN
        if isinstance(node, MappingNode):
            return dict(self._entries(node, path))
        if isinstance(node, SequenceNode):
            values = [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
            return [None if value is _NOT_WRITTEN else value for value in values]
        assert isinstance(node, ScalarNode)
        unseen = _UNSEEN.search(node.value)
        if unseen is not None:
            what = f"it holds the control character 0x{ord(unseen[0]):02X}"
            self._refuse(node, path, what, "text that can be seen", "remove that character")
            return _NOT_WRITTEN
        return node.value if node.style else _plain(node.value)

    def _entries(self, node: MappingNode, path: DocPath) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or isinstance(key_node, _Refused):
                self._refuse(key_node, path, "a key is not a word", "keys that are words", "name the key")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in seen:
                self._refuse(
                    key_node,
                    here,
                    f"'{key}' stands here twice (first on line {seen[key]})",
                    "each key once",
                    "remove one of the two",
                )
                continue
            seen[key] = line
            self.lines[here] = line
            value = self.value(value_node, here)
            if value is not _NOT_WRITTEN:
                yield key, value

    def _refuse(self, node: Node, path: DocPath, what: str, allowed: str, remedy: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(self.file, line, path_text(path), what, allowed, remedy))
