"""The FastAPI application: one process, fed by MQTT and the history reader; on loopback, or over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from dashboard.api import make_router
from dashboard.feed import Feed
from dashboard.guard import ACCOUNTS_UNREADABLE, Guard
from dashboard.health import make_health_router
from dashboard.live import LiveWard
from dashboard.page import ConfiguredPump, Pages
from dashboard.people_api import make_people_router
from dashboard.plain_text import plain
from dashboard.security import BoundedBodies, LocalOnly, is_loopback
from dashboard.sign_in import People
from dashboard.stream import Hub
from dashboard.templates import Template, make_templates_router
from pumpd.clock import Clock
from pumpd.contract.parts import why
from pumpd.errors import ConfigError, Problem, StoreError
from pumpd.mqtt import Broker
from pumpd.signing import Signer
from pumpd.store.base import HistoryReader

_log = structlog.get_logger()
STATIC = Path(__file__).parent / "static"
"""Where the built front end lies."""


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """What the configuration says of the dashboard."""

    site: str
    signer: Signer
    """The dashboard's name in topics, and the key that its commands are signed with."""
    host: str
    port: int
    broker: Broker
    pumps: tuple[ConfiguredPump, ...]
    templates: tuple[Template, ...] = ()
    """What a nurse may begin with."""
    names: tuple[str, ...] = ()
    """What the page is opened under, besides this machine's own names."""
    encrypted: bool = False
    """Whether it speaks TLS itself."""
    source: str = ""
    """The file it comes from, for messages."""

    @property
    def first_command(self) -> str:
        """What makes the first account."""
        return f'pumpd user add -c {shlex.quote(self.source)} "YOUR NAME" --role nurse'

    def check(self) -> None:
        """ConfigError unless it binds to this machine only, or speaks TLS."""
        if self.encrypted or is_loopback(self.host):
            return
        raise ConfigError(
            (
                Problem(
                    file=self.source,
                    line=0,
                    path="dashboard.host",
                    what=f"{self.host!r} is reachable from other machines, and pages are served without TLS",
                    allowed="a loopback address; or certificate_file, certificate_key_file and names",
                    remedy="Write 127.0.0.1, or add those three.",
                ),
            )
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is made of, for its runner and for tests."""

    ward: LiveWard
    hub: Hub
    feed: Feed
    pages: Pages


def make_parts(settings: DashboardSettings, clock: Clock) -> Parts:
    """Return the parts, wired, nothing running."""
    settings.check()
    ward = LiveWard(settings.site)
    pages = Pages(ward, clock, settings.site, version("pumpd"), settings.pumps)
    hub = Hub(pages)
    feed = Feed(ward, hub, clock, settings.broker, settings.signer)
    return Parts(ward, hub, feed, pages)


def create_app(
    settings: DashboardSettings,
    reader: HistoryReader,
    clock: Clock,
    people: People,
    parts: Parts | None = None,
) -> FastAPI:
    """Return the application; it connects to the broker in its lifespan and serves without one.

    ConfigError when ``settings.host`` is not a loopback address and there is no TLS. At the end it closes
    ``reader`` and the store of ``people``.
    """
    made = parts or make_parts(settings, clock)
    settings.check()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        feed = asyncio.create_task(made.feed.run(), name="dashboard.feed")
        try:
            yield
        finally:
            made.hub.close()
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
            await reader.close()
            people.store.close()

    app = FastAPI(title="pumpd dashboard", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(StoreError, _unreadable)
    app.add_middleware(Guard, people=people)
    app.add_middleware(BoundedBodies)
    app.add_middleware(LocalOnly, names=settings.names)
    app.include_router(make_people_router(people, settings.first_command))
    app.include_router(make_router(made.pages, made.hub, made.feed.commands, reader, people))
    app.include_router(make_health_router(made.pages, made.hub))
    app.include_router(make_templates_router(settings.templates))
    _serve_front_end(app)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    """Say what is wrong with a request, without giving back what it held: that may not even be text."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [
        {"loc": [plain(str(part)) for part in problem["loc"]], "msg": plain(why(problem))}
        for problem in problems[:20]
    ]
    return JSONResponse({"detail": detail}, status_code=422)


async def _unreadable(_: Request, error: Exception) -> Response:
    """Say that the accounts can not be read (a route tells itself of its history); the log says why."""
    _log.error("request not answered", reason=str(error))
    return JSONResponse({"detail": ACCOUNTS_UNREADABLE}, status_code=503)


def _serve_front_end(app: FastAPI) -> None:
    index = STATIC / "index.html"

    not_built = {"description": "The front end is not built.", "content": {"text/plain": {}}}

    @app.get("/sign-in", response_class=HTMLResponse, responses={503: not_built})
    @app.get("/", response_class=HTMLResponse, responses={503: not_built})
    async def front() -> Response:
        """Return the page; its parts carry their hash in their name, so only it must be asked for anew.

        It holds no word of any patient: what it shows, it asks for.
        """
        if not index.is_file():
            return PlainTextResponse("The front end is not built: run `make setup`.\n", status_code=503)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    app.mount("/assets", StaticFiles(directory=STATIC / "assets", check_dir=False), name="assets")
