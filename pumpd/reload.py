"""Has the daemon of a configuration read anew whom it listens to, and waits until it has."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from pumpd.config import Config
from pumpd.errors import StoreError

PROCESSES = Path("/proc")
ANSWERS_WITHIN_S = 10.0
"""Reading a file takes a moment; so long also a busy machine and its disk may take."""
LOOK_EVERY_S = 0.1


async def reload(config: Config) -> str:
    """Tell the daemon on this machine; return whom it listens to from here on, as it wrote it down.

    StoreError when no daemon is there to be told, when this account may not, or when it writes nothing down.
    """
    journal = config.journal_file
    number = daemon_of(journal)
    before = _last(journal)
    try:
        os.kill(number, signal.SIGHUP)
    except ProcessLookupError:
        raise StoreError(
            f"pumpd (process {number}) has just ended; start it: it reads the file then"
        ) from None
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            while (told := _last(journal)) == before:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(LOOK_EVERY_S)
            return told[1]
    raise StoreError(
        f"pumpd (process {number}) was told, and wrote nothing down within {ANSWERS_WITHIN_S:.0f} s: "
        "whether it listens to others its log says"
    )


def daemon_of(journal: Path) -> int:
    """Return the process that has this journal open and takes SIGHUP; StoreError when none is to be seen.

    Its lock is looked for among what processes have open: a number in a file may be another's by now.
    """
    with suppress(OSError):
        lock = journal.with_suffix(".lock").stat()
        for process in PROCESSES.iterdir():
            if process.name.isdecimal() and _has_open(process, lock) and _takes_hangup(process):
                return int(process.name)
    raise StoreError(
        f"{journal}: no pumpd is to be seen from here that watches with it; start it, or ask as its account "
        "(systemctl reload pumpd) or inside its container"
    )


def _has_open(process: Path, file: os.stat_result) -> bool:
    with suppress(OSError):  # another account's, or gone meanwhile
        for descriptor in (process / "fd").iterdir():
            with suppress(FileNotFoundError):
                if os.path.samestat(descriptor.stat(), file):
                    return True
    return False


def _takes_hangup(process: Path) -> bool:
    """Return whether it has a handler for SIGHUP: proc(5), SigCgt; any other process would be ended."""
    with suppress(OSError):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1)
    return False


def _last(journal: Path) -> tuple[int, str]:
    """Return number and words of the last line about whom the daemon listens to; 0 without one."""
    asked = "SELECT seq, payload FROM line WHERE payload LIKE '%\"listens-to\"%' ORDER BY seq DESC LIMIT 1"
    try:
        with closing(sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as db:
            found = db.execute(asked).fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{journal}: it can not be read: {error}") from error
    return (0, "") if found is None else (found[0], json.loads(found[1])["detail"])
