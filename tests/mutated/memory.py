"""How much memory this process holds, so that a test can say that it does not grow."""

from __future__ import annotations

import gc
import os
from pathlib import Path

GROWS_AT_MOST_BYTES = 48 * 2**20
"""Caches fill and the allocator keeps what it had; what leaks 50 bytes an input passes it in a million."""


def resident_bytes() -> int:
    """Return what the kernel holds in memory for this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
