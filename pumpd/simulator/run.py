"""``pumpd simulate``: serve a ward until somebody ends it."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pumpd.errors import TransportError
from pumpd.simulator.control_place import ControlPlace
from pumpd.simulator.stage import Stage
from pumpd.simulator.ward import load_ward

if TYPE_CHECKING:
    from pumpd.simulator.control import ControlServer


def serve(path: Path, tell: Callable[[str], None], control: ControlPlace | None = None) -> None:
    """Do ``run`` in this process, on uvloop where there is one, with as many open files as are allowed."""
    allowed_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # Each pump on TCP holds a listening and a connected socket; the usual limit is 1024.
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed_files, allowed_files))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run(path, tell, control))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return how to make uvloop; None where it does not run."""
    try:
        import uvloop  # noqa: PLC0415 - it does not exist on every system
    except ImportError:
        return None
    return uvloop.new_event_loop


async def run(path: Path, tell: Callable[[str], None], control: ControlPlace | None = None) -> None:
    """Serve the ward in ``path`` until SIGINT or SIGTERM; ``tell`` gets a line for each pump, then "ready".

    With ``control`` it can be acted on there. ConfigError when the file is wrong, TransportError when a place
    is taken. Ports and links are removed.
    """
    stage = Stage(load_ward(path))
    server = None if control is None else _control(stage, control)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await _open(stage, path)
        if server is not None:
            await server.open()
            tell(f"control listens on http://{server.place}/")
        for name, placed in stage.pumps.items():
            unit = f", unit {placed.pump.unit}" if len(stage.sections[name].addresses) > 1 else ""
            tell(f"{name} listens on {placed.served.where}{unit}")
        tell(f"ready: {len(stage.pumps)} simulated pumps on {len(stage.lines)} lines; Ctrl-C ends them")
        await ended.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        if server is not None:
            await server.close()
        await stage.close()


async def _open(stage: Stage, path: Path) -> None:
    """Open it; TransportError, naming its file and who may be there, when a place is taken."""
    try:
        await stage.open()
    except TransportError as error:
        raise TransportError(f"{error} in {path}, or end the ward or demo that may run there") from error


def _control(stage: Stage, place: ControlPlace) -> ControlServer:
    from pumpd.simulator.control import ControlServer  # noqa: PLC0415 - most wards are served without it

    return ControlServer(stage, place)
