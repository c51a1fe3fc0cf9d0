"""The error tree, divided by who must act and whether trying again makes sense.

A message says what, measured, allowed, where, and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


class PumpdError(Exception):
    """Root of everything pumpd raises on purpose; raise a subclass, never this."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing an operator must edit: where it is, what it is, what is allowed and how to mend it."""

    file: str
    line: int
    """1-based line in ``file``; 0 when the file as a whole is meant."""
    path: str
    """Dotted path inside the file, such as ``pumps[2].url``."""
    what: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        """Return the problem as one line, clickable in most terminals."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.path}: {self.what}; allowed: {self.allowed}; {self.remedy}"


class ConfigError(PumpdError):
    """The operator must edit a file; nothing was started. Exit status 2."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class TransportError(PumpdError):
    """Cable, port or socket: back off and try again."""


class WireError(PumpdError):
    """The bytes are not the protocol, or no answer came: retry a read once, count, then alarm."""


class LinkTimeoutError(WireError):
    """No acceptable reply came in time."""


class DeviceRefusedError(PumpdError):
    """The pump said no; do not try the same again.

    ``code`` is the pump's own number or word for the refusal, ``None`` where it has none.
    """

    def __init__(self, message: str, code: int | str | None = None) -> None:
        self.code = code
        super().__init__(message)


class WrongDeviceError(PumpdError):
    """Another model or serial number answered: stop this pump's session, never guess."""


class ForbiddenFrameError(PumpdError):
    """An outgoing frame was not on the driver's list, so it was dropped before the wire (invariant 1)."""


class StoreError(PumpdError):
    """The journal or the history can not be written: spool, and alarm if it is the journal."""


class StoreTakenError(StoreError):
    """Another pumpd has this store open: stop one of the two."""
