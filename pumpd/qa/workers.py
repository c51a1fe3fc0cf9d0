"""Work on several processes, none of which outlives whoever waits for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from pumpd.child import die_with
from pumpd.cli_words import start_log
from pumpd.errors import PumpdError

R = TypeVar("R")


class WorkerError(PumpdError):
    """A process that worked for us was killed: by a person, or for want of memory."""


def done_by_workers(
    jobs: Sequence[Callable[[], R]], n_workers: int, log_level: str, told: Callable[[R], None]
) -> list[R]:
    """Do every job in one of ``n_workers`` processes; ``told`` hears of each as it ends.

    The results are in the order of ``jobs``. WorkerError when a process was killed. Interrupted, or when a
    job raises, no process and no file of one is left behind. To be called by the main thread.
    """
    # A process of its own begins empty: what one job leaves in memory can not reach another's.
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    with tempfile.TemporaryDirectory(prefix="pumpd-qa-") as place:
        how = (os.getpid(), log_level, place)
        pool = ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin, initargs=how)
        try:
            with _sigterm_as_ctrl_c():
                with _deaf_children():
                    ordered = [pool.submit(job) for job in jobs]
                for ended in as_completed(ordered):
                    told(ended.result())
                return [future.result() for future in ordered]
        except BaseException as error:
            for worker in multiprocessing.active_children():
                if worker not in others:
                    worker.kill()
            if isinstance(error, BrokenProcessPool):
                raise WorkerError(
                    "a process of --workers was killed, perhaps for want of memory; take fewer"
                ) from error
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Let processes that start meanwhile not hear Ctrl-C: it reaches us alone, and we end them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # children inherit it from their first moment
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that it cleans up as well."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _begin(parent_pid: int, log_level: str, place: str) -> None:
    """Prepare a process: it ends with its parent, which removes all the temporary files."""
    die_with(parent_pid, signal.SIGKILL)
    tempfile.tempdir = place
    start_log(log_level)
