"""``pumpd demo``: a broker, a simulated ward, the daemon and the dashboard, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from dashboard.demo_accounts import DEMO_ACCOUNTS, add_demo_accounts
from dashboard.people_store import PeopleStore
from pumpd.clock import SystemClock
from pumpd.config import Config, load
from pumpd.contract.topics import Topics
from pumpd.demo_files import SHIPPED, DemoFiles, copied_demo
from pumpd.demo_nurse import DemoNurse
from pumpd.demo_processes import Processes
from pumpd.demo_story import Story, Tell

CONNECT_EVERY_S = 0.1


async def run_demo(tell: Tell, shipped: Path = SHIPPED) -> None:
    """Run the demo until SIGINT or SIGTERM; nothing of it is left afterwards.

    ConfigError when the demo's files are not good; ChildEndedError when one of its processes ends by itself.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    tell("starting a broker, a simulated ward, the daemon and the dashboard ...")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pumpd-demo-") as directory,
            copied_demo(Path(directory), shipped) as files,
        ):
            config = load(files.config)
            async with _processes(Path(directory), files, config) as processes:
                await _watch(processes, config, files.control, tell, told)
        tell("the demo has ended; its processes and files are gone")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _processes(directory: Path, files: DemoFiles, config: Config) -> AsyncIterator[Processes]:
    processes = Processes(directory)
    file = str(config.file)
    # The file is made before the dashboard looks for it; the hashes take their time beside what starts.
    store = PeopleStore(config.people_file, SystemClock())
    accounts = asyncio.create_task(asyncio.to_thread(add_demo_accounts, store), name="demo.accounts")
    try:
        await processes.start("broker", "pumpd.broker", [str(config.mqtt.port)])
        await processes.start(
            "simulate", "pumpd.cli", ["simulate", "-c", str(files.ward), "--control", files.control]
        )
        await processes.start("run", "pumpd.cli", ["run", "-c", file])
        await processes.start("dashboard", "pumpd.cli", ["dashboard", "-c", file])
        await accounts
        yield processes
    finally:
        await asyncio.wait([accounts])
        store.close()
        await processes.stop()


async def _watch(processes: Processes, config: Config, control: str, tell: Tell, told: asyncio.Event) -> None:
    """Tell addresses, then the story, until somebody ends it or a process ends by itself."""
    story = Story(config, SystemClock(), tell)
    tasks = [
        asyncio.create_task(processes.wait(), name="demo.processes"),
        asyncio.create_task(told.wait(), name="demo.signal"),
        asyncio.create_task(_introduce(config, control, tell), name="demo.introduce"),
        asyncio.create_task(story.run(), name="demo.story"),
        asyncio.create_task(DemoNurse(config).run(), name="demo.nurse"),
    ]
    try:
        ending = set(tasks[:2])
        while not told.is_set():
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if done & ending:
                break
            tasks = [task for task in tasks if task not in done]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _introduce(config: Config, control: str, tell: Tell) -> None:
    """Tell the addresses once the dashboard listens."""
    host, port = config.dashboard.host, config.dashboard.port
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(CONNECT_EVERY_S)
            continue
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        break
    tell(f"dashboard  http://{host}:{port}/")
    tell(f"broker     mqtt://{config.mqtt.host}:{config.mqtt.port}  (topics {Topics(config.site).prefix}/#)")
    tell(f"pumps      pumpd ward show --at {control}  (press keys with: pumpd ward act)")
    tell("accounts   DEMO, the same in every demo, and let in beside no real pump:")
    for each in DEMO_ACCOUNTS:
        tell(f"           {each.name:13}  {each.role:10}  password {each.password:18} PIN {each.pin}")
    tell("Ctrl-C ends the demo")
