"""A process that has imported what the product stands on, and forks one child for each job it reads.

``python -m tests.mutants.worker``: jobs as JSON on standard input, answers on standard output, one a line.
What changes inside of functions is changed in the modules as they stand; for anything else the child imports
the product anew, so that a changed table reaches everything that imports it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tests.mutants.judging import HarnessError
from tests.mutants.substitute import change

_BENEATH = ("aiomqtt", "coverage", "hypothesis.strategies", "pytest", "serial", "sqlite3", "uvloop")
"""Libraries that a judge would import on its own."""
_PRODUCT = ("pumpd.qa.runner", "pumpd.qa.suite", "pumpd.drivers.registry", "pumpd.cli_words")
"""What a judge imports of the product; importing it runs nothing that a mutant changes."""
MOST_MEMORY_BYTES = 3 << 30
"""A mutant that eats memory ends before the machine does."""
WAITS = 10
"""Times are processor time; a mutant that waits for nothing for ten times as long has hung."""


def _judge(job: dict[str, Any]) -> dict[str, Any]:
    """Change the product and let the judges look at it, one group after another, until one says no."""
    from tests.mutants.judging import play, run_tests

    change(job)
    for group in job["judges"]:
        if group["kind"] == "tests":
            failed = run_tests(group["names"])
            if failed:
                return {"by": "test", "judge": failed}
            continue
        for scenario in group["names"]:
            try:
                failed = play(scenario)
            except Exception as error:  # noqa: BLE001 - a product that can not even play it is found out
                failed = f"{type(error).__name__}: {error}"
            if failed:
                return {"by": "scenario", "judge": scenario, "why": failed[:300]}
    return {"by": ""}


def _watch(job: dict[str, Any]) -> dict[str, Any]:
    """Let one judge look at the product as it is, and note what it runs."""
    from tests.mutants.judging import watch_scenario, watch_tests

    look = watch_scenario if job["judge"].endswith(".yaml") else watch_tests
    seen, failed = look(job["judge"], job["files"])
    return {"seen": [asdict(one) for one in seen], "failed": failed}


_DO: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"judge": _judge, "watch": _watch}


def _child(job: dict[str, Any], answer_fd: int) -> None:
    """Do one job and write the answer; never returns."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        at_most_s = int(job["at_most_s"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (at_most_s, at_most_s))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        try:
            answer = _DO[job["do"]](job)
        except HarnessError as error:
            answer = {"by": "harness", "judge": str(error)}
        except BaseException as error:  # noqa: BLE001 - whatever ends a mutant is the judgement on it
            answer = {"by": "loading", "judge": f"{type(error).__name__}: {error}"[:300]}
            answer["trace"] = traceback.format_exc()[-2000:]
        data = json.dumps(answer).encode()
        while data:
            data = data[os.write(answer_fd, data) :]
    finally:
        os._exit(0)


def _read(fd: int, at_most_s: float) -> bytes:
    """Return what comes next; nothing at the end, or when nothing comes for so long."""
    return os.read(fd, 1 << 20) if select.select([fd], [], [], at_most_s)[0] else b""


def _serve(job: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one job; whatever files it left behind are removed."""
    with tempfile.TemporaryDirectory(prefix="pumpd-mutant-", ignore_cleanup_errors=True) as folder:
        return _forked(job, folder)


def _forked(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """Fork a child for one job and return its answer; past its processor time it is killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setsid()
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        _child(job, writing)
    os.close(writing)
    data = b""
    try:
        while part := _read(reading, WAITS * job["at_most_s"]):
            data += part
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _, status, used = os.wait4(pid, 0)
    spent_s = used.ru_utime + used.ru_stime
    if not data:
        how = "time-out" if spent_s >= job["at_most_s"] else "crash"
        return {
            "by": how,
            "judge": f"ended by signal {os.WTERMSIG(status)} after {spent_s:.0f} s",
            "s": spent_s,
        }
    answer: dict[str, Any] = json.loads(data)
    return {**answer, "s": round(spent_s, 2)}


def main() -> None:
    """Serve jobs until standard input ends."""
    for name in (*_BENEATH, *_PRODUCT):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        answer = _serve(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
