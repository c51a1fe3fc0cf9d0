"""Processes that live and die together: when one ends, or whoever started them, all of them end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pumpd.child import spawn
from pumpd.errors import PumpdError

ENDS_WITHIN_S = 4.0
"""How long a process that was asked to end may take before it is killed; the daemon promises 2 s."""
TOLD_LINES = 12
"""How much of the log of a process that ended by itself is shown."""


class ChildEndedError(PumpdError):
    """A process that should have stayed has ended; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class _Child:
    name: str
    process: asyncio.subprocess.Process
    log: Path


class Processes:
    """Starts Python modules as processes and ends them in reverse order; their output goes to log files."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[_Child] = []

    async def start(self, name: str, module: str, arguments: Sequence[str]) -> None:
        """Run ``python -m module arguments`` in a process group of its own, called ``name`` in messages."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as sink:
            process = await spawn((sys.executable, "-m", module, *arguments), sink, signal.SIGTERM)
        self._children.append(_Child(name, process, log))

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids, in the order in which they were started."""
        return tuple(child.process.pid for child in self._children)

    async def wait(self) -> None:
        """Wait until one of them ends by itself, then raise ChildEndedError."""
        waiting = {
            asyncio.create_task(child.process.wait(), name=f"demo.wait[{child.name}]"): child
            for child in self._children
        }
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        child = waiting[done.pop()]
        lines = child.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TOLD_LINES:]
        told = "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"
        raise ChildEndedError(f"{child.name} ended with status {child.process.returncode}:\n{told}")

    async def stop(self) -> None:
        """End all of them, the last started first, and wait until they are gone."""
        for child in reversed(self._children):
            _signal(child, signal.SIGTERM)
            try:
                async with asyncio.timeout(ENDS_WITHIN_S):
                    await child.process.wait()
            except TimeoutError:
                _signal(child, signal.SIGKILL)
                await child.process.wait()
        self._children.clear()


def _signal(child: _Child, number: signal.Signals) -> None:
    if child.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)
