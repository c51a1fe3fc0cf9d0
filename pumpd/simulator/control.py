"""A ward controlled while it runs: HTTP on this machine, in JSON, closed to web pages.

``GET /`` and ``GET /pumps/NAME`` tell what is true. ``POST /act`` takes one event of a timeline, and
``POST /time`` holds the ward's time, lets it go on, or moves it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from pumpd.document import Document
from pumpd.document_check import check
from pumpd.errors import Problem
from pumpd.http_serving import LoopServer, bound_socket
from pumpd.simulator.control_place import ControlPlace
from pumpd.simulator.control_state import pump_state, time_state, ward_state
from pumpd.simulator.stage import Stage
from pumpd.simulator.timeline import TimelineEvent, WardPart
from pumpd.simulator.ward import timeline_problems
from pumpd.simulator.ward_time import LONGEST_STEP_S

LARGEST_BYTES = 65_536
ROUTES = "GET /, GET /pumps/NAME, POST /act, POST /time"


class TimeAction(WardPart):
    """What to do with the ward's time."""

    action: Literal["pause", "resume", "step"]
    """pause, resume or step."""
    by_s: Annotated[float, Field(gt=0, le=LONGEST_STEP_S)] | None = None
    """For step: how many seconds, up to a month."""


class _NotDoneError(Exception):
    """Answered with ``status`` and what is wrong; nothing was done."""

    def __init__(self, status: int, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.status = status
        self.problems = problems


def _not_done(status: int, where: str, what: str, allowed: str, remedy: str) -> _NotDoneError:
    return _NotDoneError(status, [Problem("request", 0, where, what, allowed, remedy)])


def control_app(stage: Stage, place: ControlPlace) -> FastAPI:
    """Return the application that controls ``stage``, for requests addressed to ``place``."""
    names = {str(ControlPlace(host, place.port)) for host in (place.host, "127.0.0.1", "localhost", "::1")}

    async def from_this_machine(request: Request) -> None:
        """Refuse what a web page could send: by its origin, or by a name that leads here by a trick."""
        if "origin" in request.headers:
            raise _not_done(403, "Origin", "a web page may not control pumps", "no Origin", "use pumpd ward")
        host = request.headers.get("host", "")
        if host not in names:
            raise _not_done(403, "Host", f"{host!r} is not this place", ", ".join(sorted(names)), "use it")

    app = FastAPI(
        title="pumpd simulated ward",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(from_this_machine)],
    )
    app.add_exception_handler(_NotDoneError, _tell)
    app.add_exception_handler(HTTPException, _tell_route)

    @app.get("/")
    async def ward() -> JSONResponse:
        return JSONResponse(ward_state(stage))

    @app.get("/pumps/{name}")
    async def pump(name: str) -> JSONResponse:
        if name not in stage.pumps:
            known = ", ".join(list(stage.pumps)[:20])
            raise _not_done(404, "pump", f"there is no pump {name}", known, "write one of these")
        return JSONResponse(pump_state(stage, name))

    @app.post("/act")
    async def act(request: Request) -> JSONResponse:
        event, later = _event(stage, await _body(request))
        if later:
            stage.time.at(event.at_s, lambda: stage.play(event))
        else:
            try:
                stage.do(event)
            except ValueError as error:
                raise _not_done(
                    409, event.pump, str(error), "what the pump takes now", "see its state"
                ) from None
            await stage.settled()
        return JSONResponse(time_state(stage) | {"pump": pump_state(stage, event.pump)})

    @app.post("/time")
    async def time(request: Request) -> JSONResponse:
        asked = _checked(TimeAction, await _body(request))
        if (asked.action == "step") != (asked.by_s is not None):
            what = "by_s is missing" if asked.action == "step" else f"{asked.action} does not take by_s"
            raise _not_done(422, "by_s", what, "step with by_s; pause and resume alone", "write by_s: 60")
        if asked.action == "pause":
            stage.time.hold()
        elif asked.action == "resume":
            stage.time.go_on()
        else:
            assert asked.by_s is not None
            stage.time.move_on(asked.by_s)
            await stage.settled()
        return JSONResponse(time_state(stage))

    return app


def _checked(model: type[Any], data: object) -> Any:
    checked = check(Document("request", data, {}, (), ""), model)
    if checked.problems or checked.model is None:
        raise _NotDoneError(422, checked.problems)
    return checked.model


def _event(stage: Stage, data: object) -> tuple[TimelineEvent, bool]:
    """Return the event that ``data`` asks for, and whether it is for later: with ``at_s`` it is."""
    later = isinstance(data, dict) and "at_s" in data
    whole = {"at_s": 0} | data if isinstance(data, dict) else data
    event: TimelineEvent = _checked(TimelineEvent, whole)
    document = Document("request", whole, {}, (), "")
    problems = list(timeline_problems(document, (), event, stage.sections))
    if later and event.at_s < stage.time.ward_s:
        here = f"the ward is at second {stage.time.ward_s:.0f} already"
        problems.append(document.problem(("at_s",), here, "a later second, or none", "leave at_s out"))
    if problems:
        raise _NotDoneError(422, problems)
    return event, later


async def _body(request: Request) -> object:
    """Return the JSON of a request; what a page can send without asking is refused by its type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _not_done(415, "Content-Type", f"{kind!r}", "application/json", "send JSON and say so")
    text = b""
    async with contextlib.aclosing(request.stream()) as stream:
        async for piece in stream:
            text += piece
            if len(text) > LARGEST_BYTES:
                raise _not_done(413, "(body)", "too much", f"{LARGEST_BYTES} bytes", "send one action")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        example = '{"pump": "PUMP-01", "action": "stop"}'
        raise _not_done(400, "(body)", f"it is not JSON: {error}", example, "mend it") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


async def _tell(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, _NotDoneError)
    told = [
        {
            "where": one.path.replace("(file)", "(body)"),
            "what": one.what,
            "allowed": one.allowed,
            "remedy": one.remedy,
        }
        for one in error.problems
    ]
    return JSONResponse({"problems": told}, status_code=error.status)


async def _tell_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    asked = f"{request.method} {request.url.path}"
    what = f"there is no {asked}"
    return await _tell(request, _not_done(error.status_code, "(path)", what, ROUTES, "use one of these"))


class ControlServer:
    """The control of one stage, listening."""

    def __init__(self, stage: Stage, place: ControlPlace) -> None:
        """Bind; TransportError when the port is taken."""
        remedy = "Choose another --control, or port 0."
        self._bound = bound_socket(place.host, place.port, "control", remedy)
        self.place = ControlPlace(place.host, self._bound.getsockname()[1])
        self._bound.listen()
        self._server = LoopServer(
            uvicorn.Config(
                control_app(stage, self.place),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to answer."""
        work = self._server.serve(sockets=[self._bound])
        self._serving = asyncio.get_running_loop().create_task(work, name="simulator[control]")

    async def close(self) -> None:
        """Answer nothing more; leaves nothing behind."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self._bound.close()
