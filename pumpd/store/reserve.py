"""Space kept for the journal: a file that is given up when the disk is full, and taken again later."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

RESERVE_BYTES = 4 * 1024 * 1024
"""Some 4,000 journal lines, and more than the write-ahead log grows to between two checkpoints."""


class Reserve:
    """A file of ``RESERVE_BYTES`` real blocks beside the journal."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def release(self) -> bool:
        """Give the space back to the disk; False when there was none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def restore(self) -> bool:
        """Take the space when it is not held and the disk has twice as much; return whether it is held."""
        try:
            if self._path.exists():
                return True
            if shutil.disk_usage(self._path.parent).free < 2 * self._size_bytes:
                return False
            partial = self._path.with_suffix(".partial")
            try:
                with partial.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, self._size_bytes)
                partial.rename(self._path)
            finally:
                partial.unlink(missing_ok=True)
        except OSError:
            return False
        return True
