"""A journal in a process that is killed: each plan from standard input runs in a fork that ends by SIGKILL.

Usage: python -m tests.store.crashing_writer. A line is a JSON array: the journal, then the plan's steps:
``n`` > 0 appends n lines in one call, 0 waits for everything appended, -1 marks what is confirmed as sent.
Event ``boot-N`` is always the journal's Nth line. Each confirmation is told on standard output, unbuffered:
``confirmed FIRST LAST``; ``ready`` when a journal is open, ``over`` when its process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from pumpd.clock import SystemClock
from pumpd.store.journal import SqliteJournal
from tests.store.lines import durable, line

FOR_EVER = -2
"""A step: storm until somebody kills the process, whose id is told as ``ready PID``."""


def tell(text: str) -> None:
    os.write(1, text.encode() + b"\n")


async def carry_out(path: Path, plan: list[int]) -> None:
    journal = SqliteJournal.open(path, SystemClock())
    tell(f"ready {os.getpid()}")
    following = journal.restored.last_seq + 1
    confirmed = 0
    waiting: list[asyncio.Future[tuple[int, ...]]] = []

    def on_disk(future: asyncio.Future[tuple[int, ...]]) -> None:
        nonlocal confirmed
        numbers = future.result()
        confirmed = numbers[-1]
        tell(f"confirmed {numbers[0]} {numbers[-1]}")

    def append(count: int) -> None:
        nonlocal following
        last = following + count - 1
        future = journal.append(
            [line(n) for n in range(following, last + 1)], [durable(last)], f"command-{last}"
        )
        future.add_done_callback(on_disk)
        waiting.append(future)
        following = last + 1

    for step in plan:
        while step == FOR_EVER:
            for burst in (1, 3, 2):
                append(burst)
            await asyncio.sleep(0 if following % 5 else 0.001)
        if step == -1:
            journal.mark_sent(confirmed)
        elif step == 0:
            await asyncio.gather(*waiting)
            await asyncio.sleep(0)  # the callbacks tell before the next step
        else:
            append(step)
            await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    for text in sys.stdin:
        path, *plan = json.loads(text)
        child = os.fork()
        if child == 0:
            asyncio.run(carry_out(Path(path), plan))
        os.waitpid(child, 0)
        tell("over")


if __name__ == "__main__":
    main()
