"""Pseudo-terminals as serial ports of a test."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, str, Callable[[], None]]]:
    """Return the device's end of a new pseudo-terminal, the path of the port, and what unplugs it."""
    device, port = os.openpty()
    os.set_blocking(device, False)
    path = os.ttyname(port)
    open_ends = {device, port}

    def unplug() -> None:
        for end in (device, port):
            if end in open_ends:
                open_ends.remove(end)
                os.close(end)

    try:
        yield device, path, unplug
    finally:
        unplug()
