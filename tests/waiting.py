"""Waiting for what happens in another process: it takes real time, so there is a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Return once ``condition()`` is true; TimeoutError when it is not within ``within_s``."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - nothing of ours can tell when another process is done
            await asyncio.sleep(0.02)
