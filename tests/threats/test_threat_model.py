"""The page of threats is the truth: every defence is needed, and its test fails without it."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.door import Door
from tests.mosquitto import missing
from tests.mqtt.guarded import guarded
from tests.threats.holes import HOLES, Hole
from tests.threats.people_holes import PEOPLE_HOLES

pytestmark = pytest.mark.requirement("KEY-4")
PAGE = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (T-\d\d) \| (.+) \| (.+) \| `(tests/[^`]+)` \|$", re.MULTILINE)
LEAST = 20
ALL = (*HOLES, *PEOPLE_HOLES)


def test_the_page_names_each_threat_its_defence_and_its_test():
    """Row by row: the same threats, in order, each with the test that its planted hole makes fail."""
    rows = ROW.findall(PAGE)
    assert [(threat, test) for threat, *_, test in rows] == [(hole.threat, hole.shown_by) for hole in ALL]
    assert len(rows) >= LEAST
    assert len({threat for threat, *_ in rows}) == len(rows)
    assert all(len(said.split()) >= 4 for _, *words, _ in rows for said in words)


@contextmanager
def opened(folder: Path) -> Iterator[Door]:
    """Yield the door of a dashboard, with nobody in."""
    made = Door(folder)
    with made.client:
        yield made


@pytest.fixture
def play(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Hole], None]]:
    """Return what runs the test of a hole, with fixtures of its own."""
    with ExitStack() as open_things:
        folders = (tmp_path / str(number) for number in count())

        def run(hole: Hole) -> None:
            (folder := next(folders)).mkdir()
            at_hand: dict[str, Callable[[], Any]] = {
                "site": lambda: open_things.enter_context(guarded(folder)),
                "tmp_path": lambda: folder,
                "capsys": lambda: capsys,
                "monkeypatch": lambda: monkeypatch,
                "door": lambda: open_things.enter_context(opened(folder)),
            }
            wanted = list(inspect.signature(hole.test).parameters)
            given = dict(zip([name for name in wanted if name not in at_hand], hole.given, strict=True))
            made = hole.test(**given, **{name: at_hand[name]() for name in wanted if name in at_hand})
            if inspect.iscoroutine(made):
                asyncio.run(made)

        yield run


def _needs(hole: Hole) -> Any:
    if not hole.real:
        return pytest.param(hole, id=hole.threat)
    reason = pytest.mark.skipif(bool(missing()), reason=missing())
    return pytest.param(hole, id=hole.threat, marks=[pytest.mark.real, reason])


@pytest.mark.parametrize("hole", [_needs(hole) for hole in ALL])
def test_without_its_defence_the_named_test_fails(
    hole: Hole, play: Callable[[Hole], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the defence the named test passes; the defence is taken away, and the same test says so."""
    if not hole.real:  # those run beside this test anyhow, and take seconds
        play(hole)
    hole.plant(monkeypatch)
    with pytest.raises((AssertionError, TimeoutError, pytest.fail.Exception)):
        play(hole)
