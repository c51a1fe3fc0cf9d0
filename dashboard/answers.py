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
OF_EVERY_ROUTE: dict[str, Any] = {
    "403": {
        "description": "Only pages that this dashboard served itself may ask, and only who may.",
        "content": {"text/plain": {"schema": _WORDS}, "application/json": {"schema": {"type": "object"}}},
    }
}


def documented(app: FastAPI) -> dict[str, Any]:
    """Return the document of ``app``, which serves it to nobody."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for path in document["paths"].values():
        for operation in path.values():
            answers: dict[str, Any] = operation["responses"]
            for status, answer in OF_EVERY_ROUTE.items():
                answers.setdefault(status, answer)
            if "422" in answers:
                answers["422"] = REFUSED
    return document
