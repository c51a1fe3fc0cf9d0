"""The OpenAPI document of the dashboard: every status that a route answers with, its guards too."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_WORDS = {"type": "string"}
_FIELD = {
    "type": "object",
    "properties": {"loc": {"type": "array", "items": _WORDS}, "msg": _WORDS},
    "required": ["loc", "msg"],
}
REFUSED: dict[str, Any] = {
    "description": "What was asked can not be asked so: in words, or by field.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"detail": {"anyOf": [_WORDS, {"type": "array", "items": _FIELD}]}},
                "required": ["detail"],
            }
        }
    },
}
_TOLD = {"application/json": {"schema": {"type": "object"}}}
_SAID = {"text/plain": {"schema": _WORDS}}
OF_EVERY_ROUTE: dict[str, Any] = {
    "401": {"description": "Nobody is signed in, or a PIN is needed.", "content": _TOLD},
    "403": {
        "description": "Only pages that this dashboard served itself may ask, and only who may.",
        "content": {**_TOLD, **_SAID},
    },
    "404": {"description": "There is no such thing.", "content": _TOLD},
    "503": {"description": "The accounts can not be read.", "content": _TOLD},
}
WITH_A_BODY: dict[str, Any] = {
    "408": {"description": "The body did not come in time.", "content": _SAID},
    "413": {"description": "The body is too long.", "content": _SAID},
}
OF_A_DOOR: dict[str, Any] = {
    "429": {"description": "Too many wrong tries: wait.", "content": _TOLD},
    "503": {"description": "Too many try at once.", "content": _TOLD},
}
DOORS = frozenset({"/api/sign-in", "/api/pin", "/api/screen"})
"""Where something secret is typed."""
TO_SIGN_IN: dict[str, Any] = {"303": {"description": "Nobody is signed in: to the page that asks who it is."}}


def documented(app: FastAPI) -> dict[str, Any]:
    """Return the document of ``app``, which serves it to nobody."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            more = dict(OF_EVERY_ROUTE)
            more |= WITH_A_BODY if method == "post" else {}
            more |= OF_A_DOOR if path in DOORS else {}
            more |= TO_SIGN_IN if path == "/" else {}
            answers: dict[str, Any] = operation["responses"]
            for status, answer in more.items():
                answers.setdefault(status, answer)
            if "422" in answers:
                answers["422"] = REFUSED
    return document
