"""The pytest plug-in: ``pytest --pumpd-driver NAME`` judges a driver, and fixtures put a ward into a test.

It imports nothing of pumpd before it is asked for something: others are not slowed down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pumpd.qa.broker import MemoryBroker
    from pumpd.qa.conformance.family import Point
    from pumpd.qa.conformance.rig import Rig
    from pumpd.qa.conformance.score import Result
    from pumpd.qa.stand import StandDaemon, StandWard
    from pumpd.qa.virtual_time import VirtualTime

DRIVER = "--pumpd-driver"
LEAST = "--pumpd-min-score"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the conformance suite."""
    group = parser.getgroup("pumpd")
    group.addoption(
        DRIVER,
        metavar="NAME",
        help="judge this driver: run pumpd's conformance suite and print its score card",
    )
    group.addoption(
        LEAST,
        metavar="N",
        type=int,
        help="with --pumpd-driver: so many points are enough (without it, all); a failed point always fails",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Judge the driver alone, unless tests are named on the command line."""
    if config.getoption(DRIVER) is None:
        if config.getoption(LEAST) is not None:
            raise pytest.UsageError(f"{LEAST} needs {DRIVER}")
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []
    config.pluginmanager.register(Judge(config.getoption(DRIVER), config.getoption(LEAST)), "pumpd-judge")


class PointItem(pytest.Item):
    """One point of the suite as a test."""

    def __init__(self, *, point: Point, **more: Any) -> None:
        super().__init__(**more)
        self.point = point

    def runtest(self) -> None:
        """Try the point; a point that can not be tried is skipped with its reason."""
        if self.point.missing:
            pytest.skip(self.point.missing)
        self.point.run()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what was found and what should have been; a driver's own error with its traceback."""
        if isinstance(excinfo.value, AssertionError):
            return f"{self.point.says}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the suite stands, and the point's name."""
        return self.path, None, self.name


class Suite(pytest.Collector):
    """The conformance suite of one driver."""

    def __init__(self, *, points: tuple[Point, ...], **more: Any) -> None:
        super().__init__(**more)
        self._points = points

    def collect(self) -> Iterator[PointItem]:
        """Yield every point."""
        for point in self._points:
            yield PointItem.from_parent(self, name=point.name, point=point)


class Judge:
    """Collects the suite, keeps what becomes of each point, and prints the score card."""

    def __init__(self, driver: str, least_count: int | None) -> None:
        self._driver = driver
        self._least_count = least_count
        self._results: dict[str, Result] = {}
        self._names: dict[str, str] = {}

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the suite to what was collected."""
        from pumpd.drivers.registry import find  # noqa: PLC0415 - see the module
        from pumpd.qa.conformance.score import points_of  # noqa: PLC0415

        try:
            spec = find(self._driver)
        except KeyError as error:
            raise pytest.UsageError(f"{DRIVER}: {error.args[0]}") from None
        suite = Suite.from_parent(session, name=self._driver, nodeid=self._driver, points=points_of(spec))
        points = list(suite.collect())
        self._names = {point.nodeid: point.name for point in points}
        items.extend(points)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what became of a point."""
        from pumpd.qa.conformance.score import Result  # noqa: PLC0415

        name = self._names.get(report.nodeid, report.nodeid.removeprefix(f"{self._driver}::"))
        if name == report.nodeid:
            return
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self._results[name] = Result(name, missing=reason)
        elif report.failed:
            self._results[name] = Result(name, failed=_last_line(report.longreprtext))
        elif report.when == "call":
            self._results.setdefault(name, Result(name))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a driver that falls short of what is demanded."""
        if hasattr(session.config, "workerinput") or session.config.option.collectonly:
            return
        card = self._card()
        enough = len(card.results) if self._least_count is None else self._least_count
        if card.reached < enough and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the score card."""
        if not self._results:
            return
        terminalreporter.section("score card")
        for line in self._card().lines():
            terminalreporter.write_line(line)

    def _card(self) -> Any:
        from pumpd.qa.conformance.score import ScoreCard  # noqa: PLC0415

        return ScoreCard(self._driver, tuple(self._results.values()))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "failed"


# --- fixtures: nothing of pumpd is imported before a test asks for one ------------------------------------


@pytest.fixture
def pumpd_virtual_time() -> VirtualTime:
    """Return time that jumps: ``run(main())`` runs a coroutine to its end, and waiting takes no time."""
    from pumpd.qa.virtual_time import VirtualTime  # noqa: PLC0415

    return VirtualTime()


@pytest.fixture
def pumpd_pump(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Rig]]:
    """Return what makes a simulated pump and its driver, for ``async with``.

    ``over`` is memory (for virtual time), tcp or pty; ``framing`` is one of the driver's own, such as
    modbus-rtu. Without it the first one is taken that can travel there.
    """
    from pumpd.drivers.registry import find  # noqa: PLC0415
    from pumpd.qa.conformance import rig  # noqa: PLC0415
    from pumpd.qa.conformance.subject import subject_of  # noqa: PLC0415

    wires = {"memory": rig.in_memory, "tcp": rig.over_tcp, "pty": rig.over_pty(tmp_path / "pumpd-port")}

    def pump(
        driver: str = "reference-pump", *, over: str = "memory", framing: str | None = None
    ) -> AbstractAsyncContextManager[Rig]:
        subject = subject_of(find(driver))
        chosen = [
            one for one in subject.framings if framing in {None, one.name} and (over != "pty" or one.baud)
        ]
        if not chosen or over not in wires:
            known = ", ".join(one.name for one in subject.framings)
            raise ValueError(f"{driver} has {known}; over memory, tcp or, with a baud rate, pty")
        return rig.rig(subject, chosen[0], over=wires[over])

    return pump


@pytest.fixture
def pumpd_broker() -> MemoryBroker:
    """Return a broker in memory that behaves as Mosquitto does, and can go down, freeze and forget."""
    from pumpd.qa.broker import MemoryBroker  # noqa: PLC0415

    return MemoryBroker()


@pytest.fixture
def pumpd_ward(
    tmp_path: Path, pumpd_broker: MemoryBroker
) -> Callable[..., AbstractAsyncContextManager[StandWard]]:
    """Return what makes a ward of equal pumps, for ``async with``: ``pumpd.qa.stand.stand_ward``."""
    from functools import partial  # noqa: PLC0415

    from pumpd.qa.stand import stand_ward  # noqa: PLC0415

    return partial(stand_ward, tmp_path, pumpd_broker)


@pytest.fixture
def pumpd_daemon() -> Callable[..., AbstractAsyncContextManager[StandDaemon]]:
    """Return what starts the real daemon on a ward, for ``async with``: ``pumpd.qa.stand.stand_daemon``."""
    from pumpd.qa.stand import stand_daemon  # noqa: PLC0415

    return stand_daemon
