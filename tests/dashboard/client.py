"""FastAPI's test client over httpx."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Starlette prefers httpx2, which the lock does not hold; with httpx its client does the same.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.filterwarnings("ignore", message="Using `httpx`")
    from fastapi.testclient import TestClient
    from starlette.testclient import WebSocketTestSession

__all__ = ["TestClient", "WebSocketTestSession"]
