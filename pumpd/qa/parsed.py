"""Messages read once, however many judges look at them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def parsed(payload: bytes) -> Any:
    """Return what a message in JSON says; it is shared, so nobody may change it."""
    return json.loads(payload)


def command_in(payload: bytes) -> Any:
    """Return what a signed message asks of the daemon."""
    return json.loads(parsed(payload)["command"])
