"""Both loops that pumpd runs on, and a receiver that can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from pumpd.errors import TransportError

uvloop.new_event_loop().close()  # the first one of a process makes a pipe for signals that stays open

LOOPS = pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def run(
    new_loop: Callable[[], asyncio.AbstractEventLoop], main: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Run ``main`` on a loop of the given kind."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


class Heard:
    """A receiver that can be waited for."""

    def __init__(self) -> None:
        self.data = b""
        self.errors: list[TransportError] = []
        self.happened = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.happened.set()

    def connection_lost(self, error: TransportError) -> None:
        self.errors.append(error)
        self.happened.set()
