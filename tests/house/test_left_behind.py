"""The net under all tests: it must itself catch something."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

_INI = """\
[pytest]
log_level=DEBUG
asyncio_mode=auto
asyncio_default_fixture_loop_scope=function
markers =
  requirement(*ids): x
  real: x
  e2e: x
"""
_LEAKS = """
import asyncio, logging, socket, subprocess, threading
kept = []

async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(3600), name="lost"))
    await asyncio.sleep(0)

def test_descriptor():
    kept.append(socket.socket())

def test_thread():
    threading.Thread(target=threading.Event().wait, daemon=True, name="lost").start()

def test_child():
    kept.append(subprocess.Popen(["sleep", "20"], stdin=subprocess.DEVNULL))

def test_log():
    logging.getLogger("x").debug("%d", "no number")

async def test_clean():
    task = asyncio.create_task(asyncio.sleep(0), name="kept")
    await task

def test_end():
    for one in kept[1:]:
        one.kill() if hasattr(one, "kill") else one.close()
    kept[-1].wait()
"""


@pytest.mark.requirement("HOUSE-LEFT", "HOUSE-LOG")
def test_what_a_test_leaves_behind_fails_it(
    pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leaked task, descriptor, thread or child, or a bad log format, fails its own test and is named."""
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    pytester.makeini(_INI)
    pytester.makeconftest("from tests.conftest import *\nfrom tests.conftest import _nothing_left_behind\n")
    pytester.makepyfile(test_leak=_LEAKS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=50)
    for test, what in [("task", "task lost"), ("descriptor", "descriptor"), ("thread", "thread lost")]:
        result.stdout.fnmatch_lines([f"*ERROR at teardown of test_{test}*", f"left behind: {what}*"])
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_child*", "left behind: child process*"])
    result.assert_outcomes(passed=6, failed=1, errors=4)


_HANGS = """
import threading, pytest
from tests import conftest

conftest.LONGEST_END_S = 0.5

@pytest.fixture
def hanging():
    yield
    threading.Event().wait()

def test_fails(hanging):
    assert False

def test_after():
    pass
"""


def test_the_end_of_a_test_that_failed_is_not_waited_for_without_end(
    pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-timeout lets go of a test that has failed; its end fails too, and the next one runs."""
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    pytester.makeini(_INI)
    pytester.makeconftest("from tests.conftest import *\nfrom tests.conftest import _nothing_left_behind\n")
    pytester.makepyfile(test_end=_HANGS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=50)
    result.stdout.fnmatch_lines(["*its end took more than 0.5 s*"])
    result.assert_outcomes(passed=1, failed=1, errors=1)
