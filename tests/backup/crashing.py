"""Backups and restores in processes that may be killed: each line of standard input is one, in a fork.

Usage: python -m tests.backup.crashing. A line is a JSON array, ``backup`` CONFIG FOLDER or ``restore`` CONFIG
ARCHIVE. Its process id is told on standard output when it begins, and how it ended (negative: by a signal).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def carry_out(what: str, config_file: Path, place: Path) -> int:
    from pumpd.backup import make_backup
    from pumpd.clock import SystemClock
    from pumpd.config import load
    from pumpd.errors import StoreError
    from pumpd.restore import restore_data

    config = load(config_file)
    os.write(1, b"begun\n")
    try:
        if what == "backup":
            make_backup(config, place, SystemClock())
        else:
            restore_data(config, place, SystemClock(), replace=True)
    except StoreError as error:
        os.write(2, f"{error}\n".encode())
        return 1
    return 0


def main() -> None:
    import pumpd.restore  # noqa: F401 - so that every fork has both

    for text in sys.stdin:
        what, config, place = json.loads(text)
        child = os.fork()
        if child == 0:
            os._exit(carry_out(what, Path(config), Path(place)))
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
