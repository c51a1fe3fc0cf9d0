"""What a test in a real browser needs of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chromium, mosquitto

ABSENT = mosquitto.missing() or chromium.ABSENT
STATIC = Path(__file__).parents[2] / "dashboard" / "static" / "index.html"
SERVER_GONE = (
    *("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_ABORTED"),
    *("ERR_CONNECTION_FAILED", "ERR_CONNECTION_TIMED_OUT", "ERR_TIMED_OUT", "ERR_ABORTED"),
    *("ERR_SOCKET_NOT_CONNECTED", "ERR_EMPTY_RESPONSE"),
    *("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONTENT_LENGTH_MISMATCH"),
)
"""What Chromium says of a server that ends, by how far the question had come (net/base/net_error_list.h)."""
OF_ITSELF = ("WebSocket", "status of 401", "status of 429", "status of 503")
"""What a browser logs of refusals; 503: a dashboard that ends tells so whoever waits for its history."""
IN_A_BROWSER = [
    pytest.mark.real,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT or "all there"),
    pytest.mark.skipif(not STATIC.is_file(), reason="the front end is not built: run make setup"),
]


def complaints(console: list[str]) -> list[str]:
    """Return what a page's console tells of the page, and not of a server that was ended or of a refusal."""
    expected = (*(f"net::{name}" for name in SERVER_GONE), *OF_ITSELF)
    return [line for line in console if not any(words in line for words in expected)]
