"""Opens old journals in processes that are killed: each path from standard input is opened in a fork.

Usage: python -m tests.store.migrating. The process id is told on standard output, and ``over`` at its end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pumpd.store.journal_file import JournalFile


def main() -> None:
    for text in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(1, f"{os.getpid()}\n".encode())
            JournalFile.open(Path(text.strip())).close()
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"over\n")


if __name__ == "__main__":
    main()
