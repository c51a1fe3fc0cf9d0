"""Worker processes that do jobs side by side, each in a child of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

from tests.mutants.mutant import ROOT

AT_ONCE = 2
Job = dict[str, Any]
Answer = dict[str, Any]


class Crew:
    """Workers as a context manager; they end with it."""

    def __init__(self, n_workers: int = AT_ONCE) -> None:
        # Small counts and no shrinking: a mutant is found or not, the smallest example is of no use.
        env = {**os.environ, "PUMPD_MUTANT": "1", "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        for name in (
            "PUMPD_PROOF",
            "PUMPD_PROOF_RECORD",
            "PUMPD_SEED",
            "PYTEST_XDIST_WORKER",
            "PYTEST_ADDOPTS",
        ):
            env.pop(name, None)
        self._workers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.mutants.worker"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(n_workers)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.close()
            if kind is not None:
                worker.terminate()
            worker.wait()
            worker.stdout.close()

    def do(self, jobs: Iterable[Job], what: str) -> Iterator[tuple[Job, Answer]]:
        """Yield each job with its answer, as they are done; tell the progress on a terminal."""
        waiting: Queue[Job] = Queue()
        for job in jobs:
            waiting.put(job)
        left = total = waiting.qsize()
        done: Queue[tuple[Job, Answer] | Exception] = Queue()
        threads = [
            threading.Thread(target=_serve, args=(worker, waiting, done), name=f"mutants {n}")
            for n, worker in enumerate(self._workers)
        ]
        for thread in threads:
            thread.start()
        try:
            while left:
                one = done.get()
                if isinstance(one, Exception):
                    raise one
                left -= 1
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{what}: {total - left} of {total} ")
                yield one
        finally:
            with contextlib.suppress(Empty):  # whoever asked has gone
                while True:
                    waiting.get_nowait()
            for thread in threads:
                thread.join()


def _serve(
    worker: subprocess.Popen[str],
    waiting: Queue[Job],
    done: Queue[tuple[Job, Answer] | Exception],
) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    while True:
        try:
            job = waiting.get_nowait()
        except Empty:
            return
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        if not answer:
            done.put(RuntimeError(f"a worker ended by itself at {job.get('id', job.get('judge'))}"))
            return
        done.put((job, json.loads(answer)))
