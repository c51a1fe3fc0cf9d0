"""Values of a protocol without an integrity check count when two replies in a row agree (invariant 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pumpd.errors import WireError

R = TypeVar("R")

Agrees = Callable[[R, R, float], bool]
"""Takes two replies and the seconds between them; says whether the later one can follow the earlier."""


class Agreement(Generic[R]):
    """What one pump said last, and whether it is borne out by what it says next."""

    def __init__(self, agrees: Agrees[R]) -> None:
        self._agrees = agrees
        self._last: tuple[R, float] | None = None

    async def borne_out(self, ask: Callable[[], Awaitable[R]]) -> R:
        """Ask, and if that differs from the last time ask once more; WireError if those two differ too."""
        said = await ask()
        if not self.follows(said):
            said = await ask()
            if not self.follows(said):
                raise WireError("two successive replies differ, and nothing else tells which one is damaged")
        return said

    def follows(self, said: R) -> bool:
        """Return whether a reply agrees with the one before it; from here on it is the one before."""
        now_s = asyncio.get_running_loop().time()
        before, self._last = self._last, (said, now_s)
        return before is not None and self._agrees(before[0], said, now_s - before[1])


def counted(before_nl: int | None, now_nl: int | None, flow_nl_h: int | None, elapsed_s: float) -> bool:
    """Return whether a counter can have come so far: neither back nor faster than the pump gives.

    Half as much again is allowed for the time of the replies, and what the counter's own step hides. With an
    unknown flow any step forward can be; what is unknown twice agrees.
    """
    if before_nl is None or now_nl is None:
        return before_nl is now_nl
    most_nl = (flow_nl_h or 0) * (elapsed_s + 1) * 1.5 / 3600 + 20_000
    return now_nl >= before_nl and (flow_nl_h is None or now_nl - before_nl <= most_nl)
