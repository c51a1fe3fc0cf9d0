"""A line that hears itself: an adapter of RS-485 whose receiver stays on gives back all that it sends.

The echo of a question to read is never its answer. The echo of a command is what confirms it in many
protocols; so questions to read show whether a line echoes, and from then on each echo is taken away.
"""

from __future__ import annotations

import structlog

from pumpd.protocols.wire import Permission

log = structlog.get_logger(__name__)


class Echo:
    """What one opening of a line is known to give back."""

    def __init__(self, line: str) -> None:
        self.known = False
        """True once a question to read came back whole in front of everything else."""
        self._line = line
        self._told = False
        self._due = b""
        """What of the last frame sent has not come back yet; empty: nothing more is looked for."""
        self._held = b""
        self._reads = False

    def opened(self) -> None:
        """Learn that the line was opened anew: it may be wired otherwise."""
        self.known, self._told, self._due, self._held = False, False, b"", b""

    def sent(self, frame: bytes, permission: Permission) -> None:
        """Learn what was sent."""
        self._due, self._held, self._reads = frame, b"", permission is Permission.READ

    def without(self, data: bytes) -> bytes:
        """Return ``data`` without the echo of what was sent last; whole on a line not known to echo."""
        if not self._due:
            return data
        n_same = next(
            (n for n, (got, due) in enumerate(zip(data, self._due, strict=False)) if got != due),
            min(len(data), len(self._due)),
        )
        self._held += data[:n_same]
        self._due = self._due[n_same:]
        if self._due and n_same < len(data):  # something else came first: no echo
            kept, self._held, self._due = self._held, b"", b""
            rest = kept + data[n_same:] if self.known else data
            self.known = self.known and not self._reads
            return rest
        if not self.known:
            if not self._due and self._reads:
                self._find()
            return data
        if not self._due:
            self._held = b""
        return data[n_same:]

    def _find(self) -> None:
        self.known = True
        if not self._told:
            self._told = True
            log.warning("the line echoes what is sent: dropped", line=self._line)
