"""Processes that do not outlive whoever started them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO

_PR_SET_PDEATHSIG = 1


async def spawn(
    command: Sequence[str], output: IO[bytes], when_we_die: signal.Signals
) -> asyncio.subprocess.Process:
    """Start a program that writes to ``output``, in a process group of its own.

    ``when_we_die`` is what it is sent when this process dies, however it dies. Cancelled, nothing is left.
    """
    # Cancelled on its way, asyncio's own call may wait for ever (Python 3.11): it is let come to its end.
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,  # Ctrl-C reaches us alone, and we end the others in order
            preexec_fn=_die_with_us(when_we_die),
        ),
        name=f"spawn[{command[0]}]",
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise


def _die_with_us(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs first, to be sent ``number`` when this process dies; None on other systems.

    What takes memory is done here: between fork and exec little is safe.
    """
    prctl = _prctl()
    return None if prctl is None else partial(_ask, prctl, os.getpid(), number)


def die_with(parent_pid: int, number: signal.Signals) -> None:
    """Ask Linux for ``number`` when our parent dies, however it dies; nothing happens on other systems."""
    prctl = _prctl()
    if prctl is not None:
        _ask(prctl, parent_pid, number)


def _prctl() -> Callable[[int, int], int] | None:
    return ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


def _ask(prctl: Callable[[int, int], int], parent_pid: int, number: signal.Signals) -> None:
    prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent_pid:  # it died before the kernel was asked
        os._exit(1)
