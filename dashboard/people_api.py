"""The routes of people: sign in, sign out, who is it, a PIN, a screen's code."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from dashboard.demo_accounts import DEMO_ACCOUNTS
from dashboard.permissions import RULES
from dashboard.sign_in import People, Refusal
from dashboard.visitor import (
    DEVICE,
    DEVICE_KEPT_S,
    SESSION,
    Standing,
    Visitor,
    address_of,
    cookie_name,
    is_encrypted,
    tokens_of,
    visitor_of,
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SignInRequest(_Body):
    """Name and password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class PinRequest(_Body):
    """Name and PIN."""

    name: str = Field(max_length=200)
    pin: str = Field(max_length=20)


class ScreenRequest(_Body):
    """The code of a screen."""

    code: str = Field(max_length=40)


def make_people_router(people: People, first_command: str) -> APIRouter:
    """Return the routes; ``first_command`` makes the first account."""
    router = APIRouter()

    @router.post("/api/sign-in")
    async def sign_in(body: SignInRequest, request: Request) -> JSONResponse:
        """Begin a session: its token comes as a cookie and nowhere else."""
        before = tokens_of(request.scope).session
        token = await people.sign_in(body.name, body.password, address_of(request.scope), before)
        if isinstance(token, Refusal):
            return _refused(token)
        answer = JSONResponse({"outcome": "accepted"})
        _give(answer, request, SESSION, token)
        return answer

    @router.post("/api/sign-out")
    async def sign_out(request: Request) -> JSONResponse:
        """End the session on the server, not only in the browser."""
        await people.sign_out(tokens_of(request.scope), address_of(request.scope))
        answer = JSONResponse({"outcome": "accepted"})
        answer.delete_cookie(
            cookie_name(SESSION, request.scope),
            secure=is_encrypted(request.scope),
            httponly=True,
            samesite="strict",
        )
        return answer

    @router.get("/api/session")
    async def session(request: Request, response: Response) -> dict[str, Any]:
        """Return who asks, what they may do, and until when."""
        visitor, device = visitor_of(request), tokens_of(request.scope).device
        if visitor.device is not None:
            _give(response, request, DEVICE, device, DEVICE_KEPT_S)
        return _told(people, visitor, first_command)

    @router.post("/api/stay")
    async def stay(request: Request) -> dict[str, Any]:
        """Somebody is still there: the session's idle time begins anew."""
        tokens = tokens_of(request.scope)
        await people.was_active(tokens)
        return _told(people, people.visitor(tokens), first_command)

    @router.post("/api/pin")
    async def pin(body: PinRequest, request: Request) -> JSONResponse:
        """Open for a minute, at this screen, what the PIN's owner may do."""
        taken = await people.take_pin(body.name, body.pin, visitor_of(request), address_of(request.scope))
        if isinstance(taken, Refusal):
            return _refused(taken)
        grant, account = taken
        return JSONResponse(
            {"outcome": "accepted", "grant": grant, "user": account.name, "role": account.role}
        )

    @router.post("/api/screen")
    async def screen(body: ScreenRequest, request: Request) -> JSONResponse:
        """Let this screen in, by the code that ``pumpd screen add`` gave."""
        token = await people.let_in(body.code, address_of(request.scope))
        if isinstance(token, Refusal):
            return _refused(token)
        answer = JSONResponse({"outcome": "accepted"})
        _give(answer, request, DEVICE, token, DEVICE_KEPT_S)
        return answer

    @router.get("/api/people")
    async def names() -> list[dict[str, str]]:
        """Return who has a PIN, for a shared screen to offer."""
        return [
            {"name": account.name, "role": account.role}
            for account in people.store.accounts.all()
            if account.has_pin and not account.disabled
        ]

    return router


def _give(answer: Response, request: Request, name: str, token: str, kept_s: int | None = None) -> None:
    """Set a cookie that no script reads, no other site sends, and, over TLS, that never leaves it."""
    answer.set_cookie(
        cookie_name(name, request.scope),
        token,
        max_age=kept_s,
        path="/",
        secure=is_encrypted(request.scope),
        httponly=True,
        samesite="strict",
    )


def _refused(refusal: Refusal) -> JSONResponse:
    status = 503 if refusal.busy else 429 if refusal.wait_s else 401
    headers = {"Retry-After": str(refusal.wait_s)} if refusal.wait_s else None
    body = {"outcome": "refused", "reason": refusal.words, "wait_s": refusal.wait_s}
    return JSONResponse(body, status_code=status, headers=headers)


def _told(people: People, visitor: Visitor, first_command: str) -> dict[str, Any]:
    """Return what a page must know of who sits before it."""
    account = visitor.account
    may = [
        path.removeprefix("/api/")
        for (_, path), rule in RULES.items()
        if rule.pin and account is not None and account.role in rule.roles
    ]
    told: dict[str, Any] = {
        "standing": visitor.standing,
        "user": account.name if account else "",
        "role": account.role if account else "",
        "wards": sorted(account.wards) if account else [],
        "may": may if visitor.standing is Standing.PERSON else [],
        "left_s": round((visitor.ends_ms - people.store.now_ms()) / 1000) if account else None,
        "screen": visitor.device.name if visitor.device else "",
    }
    if visitor.standing is Standing.NOBODY:
        told["first_command"] = first_command if people.store.accounts.none_yet() else ""
        told["demo"] = [each.told() for each in DEMO_ACCOUNTS] if people.is_demo() else []
    return told
