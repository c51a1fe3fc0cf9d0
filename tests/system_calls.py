"""System calls of a program and all its threads, in the order in which strace saw them begin and end."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

SYNCS = frozenset({"fdatasync", "fsync"})
_BEGUN = re.compile(
    r"^(?P<thread>\d+) +(?P<name>\w+)\((?P<fd>\d+)(?:<(?P<on>\w+:\[[^\]]*\]|[^>]*)>)?(?:, (?P<more>.*))?"
)
_RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. \w+ resumed>")
_RESULT = re.compile(r" = (?P<result>-?\d+)(?: E.*)?$")
_BYTES = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(slots=True)
class Call:
    """One call on a file or socket; ``begun`` and ``ended`` are places in the order of all that was seen."""

    name: str
    fd: int
    on: str
    """The file's path, or the socket with both ends (``TCP:[127.0.0.1:1->127.0.0.1:2]``)."""
    given: bytes
    """What was to be written, as far as it was traced; empty for a sync."""
    begun: int
    ended: int | None = None
    """None while it had not returned."""
    result: int | None = None


def tracing(into: str, names: Sequence[str], longest_bytes: int) -> list[str]:
    """Return the words that, before a command, have its calls of these names written to the file ``into``."""
    wanted = f"trace={','.join(names)}"
    return ["strace", "-f", "--seccomp-bpf", "-yy", "-s", str(longest_bytes), "-e", wanted, "-o", into]


def calls(trace: str) -> list[Call]:
    """Return every call on an open file in the order they began; those of several threads may overlap."""
    found: list[Call] = []
    under_way: dict[str, Call] = {}
    for place, line in enumerate(trace.splitlines()):
        resumed, begun = _RESUMED.match(line), _BEGUN.match(line)
        if resumed:
            call = under_way.pop(resumed["thread"], None)
        elif begun:
            texts = _BYTES.findall(begun["more"] or "")
            given = b"".join(ast.literal_eval(f"b{text}") for text in texts)
            call = Call(begun["name"], int(begun["fd"]), begun["on"] or "", given, place)
            found.append(call)
            under_way[begun["thread"]] = call
        else:
            continue
        result = _RESULT.search(line)
        if call is not None and result:
            call.ended, call.result = place, int(result["result"])
    return found


def on_disk(seen: Sequence[Call], log: str) -> list[tuple[Call, int | None]]:
    """Return each write to the file that ends in ``log``, with the place from which it was on disk.

    That is where the first sync ended that returned 0 and began after the write had ended; None: there was
    no such sync.
    """
    about = [call for call in seen if call.on.endswith(log)]
    synced = [call for call in about if call.name in SYNCS and call.result == 0]
    begins = [call.begun for call in synced]
    found: list[tuple[Call, int | None]] = []
    for call in about:
        if call.name in SYNCS:
            continue
        after = [] if call.ended is None else synced[bisect_right(begins, call.ended) :][:1]
        found.append((call, after[0].ended if after else None))
    return found
