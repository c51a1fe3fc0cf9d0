"""The daemon as a process: real clocks, files, broker and wires, on uvloop where there is one."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import random
import signal
import sys
from collections.abc import Callable

from pumpd.brokers import broker_of
from pumpd.clock import Clock, SystemClock
from pumpd.config import Config
from pumpd.daemon.app import App
from pumpd.daemon.contacts import channels_of
from pumpd.daemon.inside import Inside
from pumpd.daemon.lifesign import Lifesign
from pumpd.daemon.node_watch import machine_of
from pumpd.daemon.operation import serve_operation
from pumpd.daemon.permission import Permission
from pumpd.daemon.publisher import NodePublisher
from pumpd.daemon.recorder import Recorder, folder_of
from pumpd.daemon.reloads import Reloads
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.daemon.settings import settings_of
from pumpd.daemon.trusted import trusted_at_start
from pumpd.daemon.wiring import parts_of
from pumpd.histories import open_writer
from pumpd.notify import service_manager
from pumpd.store.base import Journal
from pumpd.store.journal import SqliteJournal
from pumpd.store.recording_ring import Rings, ThreadReel
from pumpd.syslog import Severity, Syslog
from pumpd.tally import Tally

SWITCH_INTERVAL_S = 0.001
"""How long the threads of journal and history may keep the interpreter while the loop wants it.

Beside 3,000 readings a second into the history, the loop's 99th percentile delay was 9 ms instead of 17 ms
with Python's default of 5 ms (medians of 7 alternating runs on two busy cores; at best 2.4 instead of 7.1).
"""
SETTLED_AFTER_S = (0.0, 5.0, 15.0, 60.0)
"""When what lives as long as the daemon is there: its parts at once, connections and first readings later."""

OWNER_ONLY = 0o077
"""What is taken away from every file that the daemon makes: patients' labels stand in journal and history."""

COLLECT_AFTER = (2_000, 5, 10_000)
"""Small collections often, whole ones about hourly: what a reading makes is nearly all freed by counting."""


def daemon_for(config: Config, clock: Clock) -> Inside:
    """Return the daemon that ``config`` describes, on the real stores, broker and wires; not started.

    Sets the interpreter's switch interval, since from here on there are threads beside the loop.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    broker = broker_of(config)
    permission = Permission(trusted_at_start(config))

    def connect(ward: Ward, journal: Journal, commands: CommandPort, clock: Clock) -> NodePublisher:
        inside.publisher = NodePublisher(broker, ward, journal, commands, clock, permission=permission)
        return inside.publisher

    commits = Tally()
    parts = parts_of(
        config,
        clock=clock,
        open_journal=lambda: SqliteJournal.open(config.journal_file, clock, commits),
        history=open_writer(config),
        connect_publisher=connect,
        seeded=random.Random(),  # noqa: S311 - jitter, not a secret
        syslog=functools.partial(Syslog(config.syslog, clock).say, Severity.NOTICE),
        recorder=_recorder(config, clock),
        machine=machine_of(config),
        channels=channels_of(config, clock),
        settings=settings_of(config),
    )
    inside = Inside(App(parts), parts, clock, commits)
    return inside


def _recorder(config: Config, clock: Clock) -> Recorder | None:
    if not config.recorder.mib_per_pump:
        return None
    return Recorder(config, clock, ThreadReel(Rings(folder_of(config.data_dir))))


async def serve(config: Config) -> None:
    """Watch until SIGTERM, SIGINT or cancellation, then stop within 2 s."""
    inside = daemon_for(config, SystemClock())
    manager, lifesign = service_manager(), Lifesign(inside)
    inside.app.on_stopping = manager.stopping
    beside = [
        asyncio.create_task(settle_memory(), name="pumpd.memory"),
        asyncio.create_task(
            manager.keep_told(lifesign.ready, lifesign.well, lifesign.words), name="pumpd.service-manager"
        ),
    ]
    if config.operation.port:
        pages = serve_operation(config.operation, inside)
        beside.append(asyncio.create_task(pages, name="pumpd.operation"))
    reloads = Reloads(config, inside, manager)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloads.ask)
    beside.append(asyncio.create_task(reloads.run(), name="pumpd.reloads"))
    beside.append(asyncio.create_task(reloads.listen_in_time(), name="pumpd.trusted"))
    try:
        await inside.app.run()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def settle_memory() -> None:
    """Take what is there to stay out of the collector's sight, a few times while the daemon starts.

    Looking through the objects of 1,000 pumps stops the loop for 200 ms and more, just when a pause is due.
    """
    gc.set_threshold(*COLLECT_AFTER)
    waited_s = 0.0
    for after_s in SETTLED_AFTER_S:
        await asyncio.sleep(after_s - waited_s)
        waited_s = after_s
        gc.freeze()


def run(config: Config) -> None:
    """Watch in this process until SIGTERM or SIGINT; the files that it makes are its owner's alone."""
    os.umask(OWNER_ONLY)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(config))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return how to make uvloop, which halves the cost of a poll; None where it does not run."""
    try:
        import uvloop  # noqa: PLC0415 - it does not exist on every system
    except ImportError:
        return None
    return uvloop.new_event_loop
