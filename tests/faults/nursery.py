"""Starts daemons quickly: everything is imported once, and each daemon is a process forked from there.

Run as a program: ``python -m tests.faults.nursery CONFIG LOG``. ``start`` on standard input forks a daemon
and prints its process id; ``wait`` prints how it ended (the signal's number, negative). Ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path


def _daemon(config: Path, log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = 1
    try:
        from pumpd.config import load
        from pumpd.daemon.service import run

        run(load(config))
        status = 0
    except BaseException:  # noqa: BLE001 - a fork must never run on into its parent's work
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> None:
    """Serve until standard input ends, and leave no daemon behind."""
    import pumpd.daemon.service  # noqa: F401 - so that every fork has it

    config, log = Path(sys.argv[1]), Path(sys.argv[2])
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = os.fork()
            if child == 0:
                _daemon(config, log)
            print(child, flush=True)
        elif line == "wait\n":
            _, status = os.waitpid(child, 0)
            child = 0
            print(os.waitstatus_to_exitcode(status), flush=True)
    if child:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class Nursery:
    """The asking side, in the test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = 0

    @classmethod
    async def open(cls, config: Path, log: Path) -> Nursery:
        """Start it; returns at once, its imports go on."""
        root = str(Path(__file__).parents[2])
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.nursery",
                str(config),
                str(log),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=root,
                env={**os.environ, "PYTHONPATH": root},
            )
        )

    async def start(self) -> None:
        """Start a daemon."""
        self.pid = int(await self._ask("start"))

    async def end(self, number: signal.Signals) -> int:
        """Send the daemon a signal and return how it ended."""
        os.kill(self.pid, number)
        return int(await self._ask("wait"))

    async def close(self) -> None:
        """End it, and a daemon that still runs with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _ask(self, what: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n".encode())
        return (await self._process.stdout.readline()).decode().strip()


if __name__ == "__main__":
    main()
