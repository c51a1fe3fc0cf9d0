"""Questions to a database that hangs: bounded, told at the end, and no reason to stay."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from functools import partial

import pytest

from pumpd.errors import StoreError
from pumpd.store.questions import MOST_WAITING, Questions
from tests.house.tree import ROOT

pytestmark = [pytest.mark.real, pytest.mark.requirement("INFLUX-6")]
PROGRAM = """
import asyncio, sys
from pumpd.errors import StoreError
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_reader import InfluxHistoryReader

async def main():
    reader = InfluxHistoryReader(InfluxPlace(sys.argv[1], "", "pumpd", lambda: "", 600.0), "clinic")
    asked = asyncio.create_task(reader.journal(None, 0, 1, 1))
    await asyncio.to_thread(sys.stdin.readline)
    await reader.close()
    await reader.close()
    try:
        await asked
    except StoreError as error:
        print(error)

asyncio.run(main())
"""


def test_a_database_that_hangs_keeps_no_program() -> None:
    """A question that would wait for ten minutes is told at the end, and the program ends."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            silent.settimeout(30)
            asked, _ = silent.accept()
            said, _ = program.communicate("end\n", timeout=30)
            asked.close()
    assert (program.returncode, said) == (0, "the history is closed\n")


async def test_answers_come_in_order_and_errors_to_whoever_asked() -> None:
    """One at a time; what one raises is raised where it was asked, and costs no other."""
    questions, order = Questions(), list[int]()

    def fails() -> None:
        raise ValueError("no such series")

    asked = [asyncio.create_task(questions.ask(partial(order.append, n)), name=f"t{n}") for n in range(9)]
    with pytest.raises(ValueError, match="no such series"):
        await questions.ask(fails)
    await asyncio.gather(*asked)
    assert order == list(range(9))
    assert await questions.ask(lambda: "well") == "well"
    questions.close()
    with pytest.raises(StoreError, match="closed"):
        await questions.ask(lambda: "late")


async def test_so_many_wait_and_no_more_and_the_gone_are_passed_over() -> None:
    """Behind one that hangs the queue is bounded; what nobody waits for any more is not asked."""
    questions, free, answered = Questions(), threading.Event(), list[int]()
    hangs = asyncio.create_task(questions.ask(free.wait), name="hangs")
    waits = [
        asyncio.create_task(questions.ask(partial(answered.append, n)), name=f"waits {n}")
        for n in range(MOST_WAITING - 1)
    ]
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="too many questions wait"):
        await questions.ask(lambda: None)
    for task in waits[:-1]:
        task.cancel()
    await asyncio.gather(*waits[:-1], return_exceptions=True)
    free.set()
    await asyncio.gather(hangs, waits[-1])
    assert answered == [MOST_WAITING - 2]
    questions.close()
