"""The real processes of a scenario: a Mosquitto and a daemon, each with a log; none outlives its owner."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pumpd.child import spawn
from pumpd.errors import PumpdError

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 10.0
"""How long a process that was asked to end may take before it is killed; the daemon promises 2 s."""
LOOK_EVERY_S = 0.02
TOLD_LINES = 8
WATCHING = b"watching"
"""What the daemon logs once it is started."""


class ProcessError(PumpdError):
    """A process did not start, did not end, or ended by itself; the message holds the end of its log."""


def find_mosquitto() -> str | None:
    """Return where Mosquitto is, None where it is not installed; some systems keep it off the user's PATH."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which("mosquitto", path=places)


class HeldPort:
    """A TCP port of the loopback that nobody else is given, also while nobody listens on it."""

    def __init__(self) -> None:
        # Bound, never listening: the kernel gives it to nobody, and others with SO_REUSEADDR may listen.
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


class Child:
    """One program that is started, asked to end, killed, and started again."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Make it, not running; its output is appended to ``log``."""
        self._name = name
        self._command = command
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """True from its start until it was ended; also when it has ended by itself."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self, ready: Callable[[bytes], bool]) -> None:
        """Start it and return once ``ready`` holds of what it logged since; ProcessError if it does not."""
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as sink:
            self._process = await spawn(self._command, sink, signal.SIGKILL)
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while not ready(self._log.read_bytes()[before:]):
                    self.check()
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise ProcessError(
                f"{self._name} did not start in {STARTS_WITHIN_S:g} s:\n{self._end()}"
            ) from None

    def check(self) -> None:
        """ProcessError when it should run and has ended."""
        if self._process is not None and self._process.returncode is not None:
            status = self._process.returncode
            raise ProcessError(f"{self._name} ended by itself with status {status}:\n{self._end()}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it is not there."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> None:
        """Ask it to end and wait until it has; ProcessError when it had to be killed. Safe to call twice."""
        process = self._process
        if process is None:
            return
        self.signal(signal.SIGCONT)  # one that is frozen would never hear of it
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await process.wait()
        except TimeoutError:
            raise ProcessError(
                f"{self._name} did not end within {ENDS_WITHIN_S:g} s and was killed:\n{self._end()}"
            ) from None
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End it as ``kill -9`` does. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    def _end(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-TOLD_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"


class Mosquitto:
    """A broker of one's own, on a port that is held; comes back as it was, unless it is restarted empty."""

    def __init__(self, program: str, directory: Path) -> None:
        self._held = HeldPort()
        self.port = self._held.port
        self._kept = directory / "mosquitto.db"
        configuration = directory / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
            f"persistence true\npersistence_location {directory}/\npersistence_file {self._kept.name}\n"
            "log_dest stderr\nlog_type error\nlog_type warning\nmax_queued_messages 0\n",
            encoding="utf-8",
        )
        self._child = Child("mosquitto", (program, "-c", str(configuration)), directory / "mosquitto.log")
        self.frozen = False

    @property
    def well(self) -> bool:
        """True while it runs and answers."""
        return self._child.running and not self.frozen

    async def start(self) -> None:
        """Start it unless it runs; returns once it takes connections."""
        if not self._child.running:
            await self._child.start(lambda _: self._takes_connections())

    async def stop(self) -> None:
        """End it; it keeps what it has for the next start."""
        self.frozen = False
        await self._child.stop()

    async def restart_empty(self) -> None:
        """End it as a crash would, forget what it kept, and start it again."""
        self.frozen = False
        await self._child.kill()
        self._kept.unlink(missing_ok=True)
        await self.start()

    async def freeze(self) -> None:
        """Stop it in its tracks: connections stay open, nothing answers."""
        self.frozen = True
        self._child.signal(signal.SIGSTOP)

    async def thaw(self) -> None:
        """Let a frozen one go on."""
        self.frozen = False
        self._child.signal(signal.SIGCONT)

    def check(self) -> None:
        """ProcessError when it has ended by itself."""
        self._child.check()

    async def close(self) -> None:
        """End it and let go of its port."""
        await self._child.kill()
        self._held.close()

    def _takes_connections(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class DaemonProcess:
    """``pumpd run`` as a process of its own."""

    def __init__(self, configuration: Path, log: Path) -> None:
        command = (sys.executable, "-m", "pumpd.cli", "run", "-c", str(configuration))
        self._child = Child("pumpd run", command, log)

    @property
    def running(self) -> bool:
        """True while it is there."""
        return self._child.running

    async def start(self) -> None:
        """Start it and return once it watches."""
        await self._child.start(lambda logged: WATCHING in logged)

    async def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait until it has."""
        await self._child.stop()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._child.kill()

    def check(self) -> None:
        """ProcessError when it has ended by itself."""
        self._child.check()
