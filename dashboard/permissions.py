"""Who may ask for what: one row for each route; a route without a row is reached by nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.routing import compile_path

from dashboard.commands import VERBS
from dashboard.infusions import INFUSION_VERBS, OTHER_VERBS
from dashboard.visitor import Standing
from pumpd.contract.roles import MAY_ASK, Role

EVERYBODY = frozenset(Standing)
LOOKING = EVERYBODY - {Standing.NOBODY}
READING = LOOKING - {Standing.WALL}
ROLES = frozenset(Role)
SOCKET = "WEBSOCKET"
"""What stands for the method of a WebSocket."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may ask for one thing; two ways in, either is enough."""

    standings: frozenset[Standing] = frozenset()
    """Who may without giving a role."""
    roles: frozenset[Role] = frozenset()
    """Whose session it must be."""
    pin: bool = False
    """At a shared screen the PIN of somebody with such a role does as well."""


_ANYBODY = Rule(EVERYBODY)
_LOOK = Rule(LOOKING)
_OWN = Rule(frozenset({Standing.SHARED}), ROLES)

_FIXED: dict[tuple[str, str], Rule] = {
    ("GET", "/assets/{path:path}"): _ANYBODY,
    ("GET", "/healthz"): _ANYBODY,
    ("GET", "/readyz"): _ANYBODY,
    ("GET", "/metrics"): _ANYBODY,
    ("GET", "/sign-in"): _ANYBODY,
    ("GET", "/api/session"): _ANYBODY,
    ("POST", "/api/sign-in"): _ANYBODY,
    ("POST", "/api/sign-out"): _ANYBODY,
    ("POST", "/api/screen"): _ANYBODY,
    ("GET", "/"): _LOOK,
    ("GET", "/api/state"): _LOOK,
    ("GET", "/api/history/{pump}/{channel}/{series}"): _LOOK,
    (SOCKET, "/stream"): _LOOK,
    ("GET", "/api/journal"): Rule(READING),
    ("GET", "/api/templates"): Rule(READING),
    ("GET", "/api/people"): _OWN,
    ("POST", "/api/pin"): _OWN,
    ("POST", "/api/stay"): Rule(roles=ROLES),
}
_ASKING = {
    ("POST", path): Rule(roles=MAY_ASK[verb], pin=True)
    for verbs, prefix in ((VERBS, "/api/"), (INFUSION_VERBS, "/api/infusion/"), (OTHER_VERBS, "/api/"))
    for verb in verbs
    for path in (f"{prefix}{verb}",)
}
RULES: Mapping[tuple[str, str], Rule] = {**_FIXED, **_ASKING}
"""By method and path as the route has it."""

_PATTERNS: list[tuple[str, re.Pattern[str], Rule]] = [
    (method, compile_path(path)[0], rule) for (method, path), rule in RULES.items()
]


def rule_for(method: str, path: str) -> Rule | None:
    """Return the row for a request, None when there is none: nobody may."""
    asked = "GET" if method == "HEAD" else method
    return next((rule for of, pattern, rule in _PATTERNS if of == asked and pattern.fullmatch(path)), None)
