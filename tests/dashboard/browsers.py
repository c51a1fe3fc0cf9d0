"""What a test in a real browser needs of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mosquitto
from tests.dashboard.served import CHROMIUM

ABSENT = mosquitto.missing() or (
    "" if Path(CHROMIUM).is_file() else "no Chromium on this machine (apt install chromium)"
)
STATIC = Path(__file__).parents[2] / "dashboard" / "static" / "index.html"
IN_A_BROWSER = [
    pytest.mark.real,
    pytest.mark.timeout(120),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT or "all there"),
    pytest.mark.skipif(not STATIC.is_file(), reason="the front end is not built: run make setup"),
]
