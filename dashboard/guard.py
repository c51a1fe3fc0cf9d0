"""Stands before every route: who asks, and whether the row of this route lets them."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, unquote

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.people import Account, folded
from dashboard.permissions import SOCKET, Rule, rule_for
from dashboard.sign_in import People
from dashboard.visitor import Standing, Tokens, Visitor, tokens_of
from pumpd.errors import StoreError

_log = structlog.get_logger()

GRANT_HEADER = "pumpd-grant"
"""Carries what a PIN opened."""
UNREADABLE = HTTPStatus.SERVICE_UNAVAILABLE
ACCOUNTS_UNREADABLE = "The accounts can not be read now. Use the pumps; the engineer finds why in the log."
AS_HEADER = "pumpd-as"
"""Carries the name that stands on the page: in another tab somebody else may have signed in meanwhile."""


class Guard:
    """Lets through what a row of the table allows, and puts visitor and account into the request's state."""

    def __init__(self, app: ASGIApp, people: People) -> None:
        self._app = app
        self._people = people
        self._trouble = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        socket = scope["type"] == "websocket"
        tokens = tokens_of(scope)
        visitor = self._visitor(tokens)
        rule = rule_for(SOCKET if socket else scope["method"], scope["path"])
        headers = Headers(scope=scope)
        account = self._account(rule, visitor, headers)
        if rule is not None and (visitor.standing in rule.standings or _has_role(rule, account)):
            scope.setdefault("state", {}).update(visitor=visitor, account=account)
            await self._app(scope, receive, send)
            if visitor.standing is Standing.PERSON and rule.pin:
                try:
                    await self._people.was_active(tokens)
                except StoreError as error:
                    self._say(str(error))
            return
        unread = _told(UNREADABLE, "accounts", ACCOUNTS_UNREADABLE) if self._trouble else None
        await _turn_away(scope, receive, send, unread or _refusal(scope, rule, visitor, account))

    def _visitor(self, tokens: Tokens) -> Visitor:
        """Return who asks; nobody while the accounts can not be read."""
        try:
            visitor = self._people.visitor(tokens)
        except StoreError as error:
            self._say(str(error))
            return Visitor()
        self._say("")
        return visitor

    def _say(self, trouble: str) -> None:
        """Log what keeps the accounts from being read once, and that it is over once."""
        if trouble and not self._trouble:
            _log.error("accounts unreadable", reason=trouble)
        elif self._trouble and not trouble:
            _log.info("accounts readable")
        self._trouble = trouble

    def _account(self, rule: Rule | None, visitor: Visitor, headers: Headers) -> Account | None:
        """Return whose rights count: of whoever typed a PIN for this, else of whose session it is."""
        grant, named = headers.get(GRANT_HEADER, ""), unquote(headers.get(AS_HEADER, ""))
        if rule is not None and rule.pin and visitor.device is not None and grant:
            return self._people.granted(grant, visitor)
        if visitor.account is None or visitor.standing is not Standing.PERSON:
            return None
        return visitor.account if folded(named) in {"", folded(visitor.account.name)} else None


async def _turn_away(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    """Answer a request; close a WebSocket, which has no room for an answer."""
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    await receive()
    refused = answer.status_code != UNREADABLE
    code, reason = (1008, "sign in first") if refused else (1011, ACCOUNTS_UNREADABLE)
    await send({"type": "websocket.close", "code": code, "reason": reason})


def _has_role(rule: Rule, account: Account | None) -> bool:
    return account is not None and account.role in rule.roles


def _refusal(scope: Scope, rule: Rule | None, visitor: Visitor, account: Account | None) -> Response:
    """Return the answer to somebody who may not."""
    if rule is None:
        return _told(HTTPStatus.NOT_FOUND, "nothing", "There is no such thing here.")
    if scope["path"] == "/":
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse("/sign-in" + (f"?{quote(query, safe='=&')}" if query else ""), 303)
    if account is not None:
        whose = " or ".join(sorted(rule.roles)) or "nobody"
        return _told(HTTPStatus.FORBIDDEN, "role", f"{account.name} is {account.role}; this is for: {whose}.")
    if visitor.standing is Standing.WALL:
        return _told(HTTPStatus.FORBIDDEN, "role", "This screen only shows.")
    if visitor.standing is Standing.SHARED and rule.pin:
        return _told(HTTPStatus.UNAUTHORIZED, "pin", "Name and PIN are needed.")
    ended = visitor.standing is Standing.ENDED
    return _told(
        HTTPStatus.UNAUTHORIZED,
        "sign-in",
        "Your sign-in has ended. Sign in to act." if ended else "Sign in first.",
    )


def _told(status: HTTPStatus, need: str, words: str) -> JSONResponse:
    return JSONResponse({"need": need, "detail": words}, status_code=status)
