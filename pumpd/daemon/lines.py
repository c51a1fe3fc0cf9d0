"""The line a pump is on and the conversation with it, as a session needs them; a bus gives both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from pumpd.drivers.base import TurnTaking
from pumpd.transports.exchange import Counters


class Line(Protocol):
    """The line a pump is on, as its session needs it; a bus is one."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def opening(self) -> int:
        """Which opening of the line this is, 1, 2, 3 ...; 0 while it is not open."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was tried to open the line."""
        ...

    async def until_up(self) -> None:
        """Wait until the line is open."""
        ...

    async def run(self) -> None:
        """Keep the line open until cancelled, then close it."""
        ...


class Talk(TurnTaking, Protocol):
    """The conversation with one pump of a line."""

    on_pause_written: Callable[[], None]
    """Called at the moment a pause to this pump has been written."""

    def when_slow(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called when an answer took longer than usual, within what the pump may take."""
        ...

    def urgently(self) -> AbstractContextManager[None]:
        """Let whatever waits for this pump go ahead of every poll of its line."""
        ...

    @property
    def counters(self) -> Counters:
        """What happened at its address so far."""
        ...
