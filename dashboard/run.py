"""The dashboard as a program: reads the configuration, binds, serves, and stops within two seconds."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import structlog
import uvicorn

from dashboard.app import DashboardSettings, create_app, make_parts
from dashboard.page import ConfiguredPump
from dashboard.people_store import PeopleStore
from dashboard.sessions import SessionEnds
from dashboard.sign_in import People
from dashboard.stream import LONGEST_FROM_PAGE
from dashboard.templates import templates_of
from dashboard.tls import context_of
from pumpd.brokers import broker_of
from pumpd.clock import Clock, SystemClock
from pumpd.config import Config, load
from pumpd.histories import open_reader
from pumpd.http_serving import ImpatientHttp, LoopServer, bound_socket
from pumpd.key_files import own_key
from pumpd.notify import service_manager

STOP_WITHIN_S = 1
"""What requests that are still running get at the end."""
SEND_BUFFER_BYTES = 65_536
"""Small, so that a page that takes nothing is noticed after a few frames and not after megabytes."""

_log = structlog.get_logger()


def settings_of(config: Config) -> DashboardSettings:
    """Return what of the configuration concerns the dashboard."""
    return DashboardSettings(
        site=config.site,
        signer=own_key(config.dashboard_key_file, config.dashboard.id),
        host=config.dashboard.host,
        port=config.dashboard.port,
        broker=broker_of(config),
        pumps=tuple(
            ConfiguredPump(pump.id, pump.bed, pump.ward, pump.label, "real" if pump.real else "demo")
            for pump in config.pumps
        ),
        templates=templates_of(config),
        names=config.dashboard.names,
        encrypted=config.dashboard_certificate is not None,
        source=str(config.file),
    )


def people_of(config: Config, clock: Clock) -> People:
    """Return the accounts of ``config``; those of a demo come in only where no pump is real."""
    sessions = config.dashboard.sessions
    ends = SessionEnds(sessions.idle_min * 60, sessions.longest_h * 3600, sessions.picture_days * 24 * 3600)
    store = PeopleStore(config.people_file, clock, ends)
    return People(store, clock, demo_allowed=not any(pump.real for pump in config.pumps))


def _address(settings: DashboardSettings) -> str:
    if not settings.encrypted:
        return f"http://{settings.host}:{settings.port}/"
    return f"https://{next(iter(settings.names), settings.host)}:{settings.port}/"


async def run(config_path: Path) -> None:
    """Serve the dashboard of ``config_path`` until SIGINT or SIGTERM.

    ConfigError when the file or the certificate is wrong, TransportError when the port is taken; needs no
    daemon and no broker.
    """
    config = load(config_path)
    settings = settings_of(config)
    clock = SystemClock()
    tls = context_of(config, clock.wall())
    parts = make_parts(settings, clock)
    bound = bound_socket(
        settings.host,
        settings.port,
        "dashboard",
        "Is another dashboard running? Choose another dashboard.port.",
        SEND_BUFFER_BYTES,
    )
    people = people_of(config, clock)
    if people.store.accounts.none_yet():
        _log.warning("nobody can sign in yet", remedy=settings.first_command)
    reader = open_reader(config)
    server = LoopServer(
        uvicorn.Config(
            create_app(settings, reader, clock, people, parts),
            http=ImpatientHttp,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            ws_ping_interval=None,  # every page answers our own heartbeat
            ws_max_size=LONGEST_FROM_PAGE,
            server_header=False,
            proxy_headers=bool(config.dashboard.proxy),
            forwarded_allow_ips=config.dashboard.proxy,
            ssl_context_factory=None if tls is None else lambda *_: tls,
        )
    )

    manager = service_manager()

    closing: set[asyncio.Task[None]] = set()

    def stop() -> None:
        manager.stopping()
        parts.hub.close()
        # Whoever waits for a database that hangs is told now: nothing waits for it at the end.
        closing.add(loop.create_task(reader.close(), name="dashboard.reader"))
        server.should_exit = True

    def words() -> str:
        return f"{parts.hub.open_pages} pages open"

    loop = asyncio.get_running_loop()
    telling = asyncio.create_task(
        manager.keep_told(lambda: server.started, lambda: True, words), name="dashboard.service-manager"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        _log.info("dashboard up", address=_address(settings), site=settings.site)
        await server.serve(sockets=[bound])
        _log.info("dashboard down", site=settings.site)
    finally:
        telling.cancel()
        await asyncio.gather(*closing)
        bound.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
