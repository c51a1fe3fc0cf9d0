"""The HTTP half: history, journal, present state, and "I have it"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from dashboard import history
from dashboard.commands import VERBS, AlarmRequest, Commands
from dashboard.infusions import make_infusion_router
from dashboard.page import Pages
from dashboard.sign_in import People
from dashboard.stream import Hub, PageGoneError
from dashboard.visitor import SIGNED_OUT, Standing, actor_of, tokens_of, visitor_of
from pumpd.errors import StoreError
from pumpd.store.base import HistoryReader

Ms = Annotated[int, Query(description="milliseconds since 1970, UTC")]

UNREADABLE: dict[int | str, dict[str, Any]] = {503: {"description": "The history can not be read; why."}}


def make_router(
    pages: Pages, hub: Hub, commands: Commands, reader: HistoryReader, people: People
) -> APIRouter:
    """Return every route but those of people and the front end's files."""
    router = APIRouter()

    @router.get("/api/state")
    async def state() -> dict[str, Any]:
        """Return the whole picture, as a page gets it first."""
        return pages.picture()

    @router.get("/api/history/{pump}/{channel}/{series}", responses=UNREADABLE)
    async def history_of(
        pump: str, channel: str, series: str, start: Ms, end: Ms, buckets: int = history.MOST_BUCKETS
    ) -> dict[str, Any]:
        """Return one series of one channel in at most ``buckets`` buckets."""
        try:
            return await history.trend(reader, pump, channel, series, start, end, buckets)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        except StoreError as error:
            raise HTTPException(503, str(error)) from error

    @router.get("/api/journal", responses=UNREADABLE)
    async def journal(start: Ms, end: Ms, pump: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        """Return journal lines, newest first."""
        try:
            return await history.journal(reader, pump, start, end, limit)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        except StoreError as error:
            raise HTTPException(503, str(error)) from error

    for verb, (request_of, _) in VERBS.items():
        router.post(f"/api/{verb}")(_asking(commands, verb, request_of))

    router.include_router(make_infusion_router(commands, people))

    @router.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        """Serve one page, for as long as its session or screen may look."""
        tokens = tokens_of(socket.scope)

        def still_looks() -> None:
            try:
                standing = people.visitor(tokens).standing
            except StoreError:
                return  # it was let in; a ward must not go blind because accounts can not be read
            if standing is Standing.NOBODY:
                raise PageGoneError(SIGNED_OUT, "signed out")

        await socket.accept()
        try:
            await hub.serve(socket, socket.close, still_looks, visitor_of(socket).place or tokens.session)
        except (WebSocketDisconnect, RuntimeError):
            # The page went away: starlette says so with either, depending on who noticed first.
            return

    return router


def _asking(
    commands: Commands, verb: str, request_of: type[AlarmRequest]
) -> Callable[[AlarmRequest, Request], Awaitable[JSONResponse]]:
    """Return the route of one verb."""

    async def ask(asked: AlarmRequest, request: Request) -> JSONResponse:
        """Ask the daemon; the answer is accepted, refused (with the reason) or unanswered."""
        answer = await commands.ask(verb, asked, actor_of(request))
        return JSONResponse(answer.body)

    ask.__annotations__["asked"] = request_of  # what FastAPI reads the body as
    return ask
