"""Processes that do not outlive whoever started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_us(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs first: ask Linux for a signal when this process dies, however it dies.

    None on other systems.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc, parent_pid = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent_pid:  # it died before the kernel was asked
            os._exit(1)

    return ask
