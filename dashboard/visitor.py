"""Who asks the dashboard: told from cookies that the dashboard gave, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import Scope

from dashboard.acting import Acting
from dashboard.devices import Device
from dashboard.people import Account

SESSION, DEVICE = "pumpd-session", "pumpd-device"
DEVICE_KEPT_S = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis 5.5); a screen gets it anew with every look."""
SIGNED_OUT = 4401
"""Closes a WebSocket whose session or screen is let in no more."""


class Standing(StrEnum):
    """What somebody is before a role is asked for."""

    NOBODY = "nobody"
    WALL = "wall"
    """A screen that only shows."""
    SHARED = "shared"
    """A ward's screen, at which a PIN is typed."""
    ENDED = "ended"
    """Was signed in: the picture stays."""
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    standing: Standing = Standing.NOBODY
    account: Account | None = None
    """Whose session it is; also of one whose rights have ended."""
    device: Device | None = None
    ends_ms: int = 0
    """When the rights of the session end, or ended."""
    place: str = ""
    """What tells this browser from others; a PIN opens nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the cookies hold."""

    session: str = ""
    device: str = ""


def is_encrypted(scope: Scope) -> bool:
    """Return whether it came over TLS."""
    return scope.get("scheme") in {"https", "wss"}


def cookie_name(name: str, scope: Scope) -> str:
    """Return the cookie's name; over TLS its prefix binds it to host and TLS (RFC 6265bis 4.1.3)."""
    return f"__Host-{name}" if is_encrypted(scope) else name


def tokens_of(scope: Scope) -> Tokens:
    """Return what the cookies of a request hold; of two with one name, the first."""
    found: Mapping[str, str] = {}
    for key, value in scope["headers"]:
        if key == b"cookie":
            found = {**cookie_parser(value.decode("latin-1")), **found}
    return Tokens(found.get(cookie_name(SESSION, scope), ""), found.get(cookie_name(DEVICE, scope), ""))


def address_of(scope: Scope) -> str:
    """Return the address that asks."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def visitor_of(connection: HTTPConnection) -> Visitor:
    """Return who asks, as the guard found out."""
    visitor: Visitor = connection.state.visitor
    return visitor


def actor_of(connection: HTTPConnection) -> Acting:
    """Return who acts: the owner of the PIN, or of the session; only behind a row that asks for a role."""
    account: Account = connection.state.account
    return Acting(account.name, account.role, tuple(sorted(account.wards)))
