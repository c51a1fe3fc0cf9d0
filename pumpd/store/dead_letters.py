"""Points that the database will never take, kept in a file with its words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pumpd.store.spool import KEEP_FREE_BYTES

LIMIT_BYTES = 16 * 1024 * 1024
"""Beyond it the file is put aside once as ``.old``, and begun anew."""


class DeadLetters:
    """A text file: a comment with the words of the database, then the line as it was sent."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._limit_bytes = limit_bytes

    def add(self, refused: Sequence[tuple[bytes, str]]) -> None:
        """Append lines; OSError when the file can not be written. Only its owner may read it.

        On a disk that is nearly full nothing is kept: what is left of it is the journal's.
        """
        disk = os.statvfs(self._path.parent)
        if not refused or disk.f_bavail * disk.f_frsize < KEEP_FREE_BYTES:
            return
        text = b"".join(
            b"# " + " ".join(words.split()).encode("utf-8", "backslashreplace") + b"\n" + line + b"\n"
            for line, words in refused
        )
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(text)
            size_bytes = file.tell()
        if size_bytes > self._limit_bytes:
            self._path.replace(self._path.with_suffix(".old"))
