"""The demo's processes live and die together."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pumpd import demo_processes
from pumpd.demo_processes import ChildEndedError, Processes
from tests.e2e.left import alive, until

pytestmark = pytest.mark.real

SLEEPER = "import time, sys; print('here'); sys.stdout.flush(); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
BROKEN = "print('the port is taken'); raise SystemExit(3)"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with the modules sleeper, stubborn and broken, on the children's path."""
    for name, text in (("sleeper", SLEEPER), ("stubborn", STUBBORN), ("broken", BROKEN)):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


async def _said_here(log: Path) -> None:
    await asyncio.to_thread(until, lambda: "here" in log.read_text(), 10)


async def test_one_that_ends_by_itself_is_told_with_the_end_of_its_log(modules: Path) -> None:
    """A child that ends is named with its status and its last words; the others are ended."""
    processes = Processes(modules)
    await processes.start("sleeper", "sleeper", [])
    await processes.start("broken", "broken", [])
    pids = processes.pids
    with pytest.raises(ChildEndedError, match=r"broken ended with status 3:\n    the port is taken"):
        await processes.wait()
    await processes.stop()
    assert not any(alive(pid) for pid in pids)


async def test_one_that_does_not_listen_is_killed(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ignores SIGTERM is gone all the same, after its time."""
    monkeypatch.setattr(demo_processes, "ENDS_WITHIN_S", 0.2)
    processes = Processes(modules)
    await processes.start("stubborn", "stubborn", [])
    await _said_here(modules / "stubborn.log")
    (pid,) = processes.pids
    await processes.stop()
    assert not alive(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of a dead parent")
def test_children_end_when_the_demo_is_killed(modules: Path) -> None:
    """kill -9 of the parent, which can clean up nothing, still ends its children."""
    parent = textwrap.dedent("""
        import asyncio, pathlib, sys
        from pumpd.demo_processes import Processes
        async def main():
            processes = Processes(pathlib.Path(sys.argv[1]))
            await processes.start("sleeper", "sleeper", [])
            print(*processes.pids, flush=True)
            await processes.wait()
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", parent, str(modules)], stdout=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        pid = int(demo.stdout.readline())
        until(lambda: "here" in (modules / "sleeper.log").read_text(), 10)
        demo.send_signal(signal.SIGKILL)
    until(lambda: not alive(pid), 5)
