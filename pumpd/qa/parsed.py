"""Messages read once, however many judges look at them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic_core import from_json


@lru_cache(maxsize=64)
def parsed(payload: bytes) -> Any:
    """Return what a message in JSON says; it is shared, so nobody may change it."""
    return from_json(payload)


def command_in(payload: bytes) -> Any:
    """Return what a signed message asks of the daemon."""
    return from_json(parsed(payload)["command"])
