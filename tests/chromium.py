"""The Chromium of this machine that tests look at pages with."""

from __future__ import annotations

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first of one source package has the same engine without windows: half the work for each page."""
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name)) is not None), "")
"""Empty without one."""
ABSENT = "" if CHROMIUM else "no Chromium on this machine: make setup installs it through apt"
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]
