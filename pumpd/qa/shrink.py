"""Makes a scenario that fails shorter, as long as it fails in the same way.

Lines of the timeline are dropped first (in halves, then quarters, down to one: delta debugging, Zeller and
Hildebrandt, IEEE Trans. Software Eng. 28(2), 2002), then pumps, then time, then what was set of a pump.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from pumpd.qa.checks import Check
from pumpd.qa.happenings import MAY_TAKE, SiteEvent
from pumpd.qa.judge import failed_checks, surprises
from pumpd.qa.runner import Outcome, run_scenario
from pumpd.qa.scenario import LoadedScenario, Scenario, ScenarioPump, Simulated
from pumpd.simulator.timeline import MAY_TAKE as MAY_TAKE_AT_PUMP
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.ward_pump import ChannelStart

MOST_PLAYS = 120
"""How often a scenario is played at most to make it shorter."""
_CLOSE_S = 1.0
"""How far apart two lines of the timeline are once nothing need happen between them."""
_SURPRISE = "surprise:"
_NEEDED_TO_RUN = frozenset({"rate", "running", "to_be_infused"})
Line = TimelineEvent | SiteEvent
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The shortest scenario found, and what came of it."""

    outcome: Outcome
    play_count: int
    """How many plays it took to find it."""


def kinds(outcome: Outcome) -> tuple[str, ...]:
    """Return in what ways it failed, without what another play of it may change; empty when it passed."""
    if outcome.error:
        return (f"error: {outcome.error.partition(':')[0]}",)
    scenario, record = outcome.loaded.scenario, outcome.record
    found: list[str] = []
    for check, _ in failed_checks(scenario, record):
        if check.check == "nothing-else":
            found += [f"{_SURPRISE} {s.whose} {s.alarm}" for s in surprises(scenario.expect, record)]
        else:
            found.append(f"expected: {check}")
    broken = [failure for failure in outcome.failures if failure.startswith(("INV-", "INF-"))]
    found += [":".join(failure.split(":")[:2]) for failure in broken]
    return tuple(dict.fromkeys(found))


def shrink(
    outcome: Outcome, *, most_count: int = MOST_PLAYS, told: Callable[[int], None] = lambda _: None
) -> Shrunk:
    """Return a scenario that fails as ``outcome`` does first, shorter where that is possible.

    ``told`` hears how many plays were made. Same outcome in, same scenario out.
    """
    search = _Search(outcome, most_count, told)
    before = None
    while before is not search.best and search.play_count < most_count:
        before = search.best
        search.drop_lines()
        search.drop_pumps()
        search.shorten()
        search.close_gaps()
        search.simplify()
    return Shrunk(search.best, search.play_count)


class _Search:
    def __init__(self, outcome: Outcome, most_count: int, told: Callable[[int], None]) -> None:
        self.best = outcome
        self.play_count = 0
        self._kinds = kinds(outcome)
        self._kind = self._kinds[0]
        self._most_count = most_count
        self._told = told

    @property
    def _now(self) -> Scenario:
        return self.best.loaded.scenario

    def _fails(self, **changes: Any) -> bool:
        """Play the best so far with ``changes``; keep it when it still fails in the same way."""
        if self.play_count >= self._most_count:
            return False
        self.play_count += 1
        candidate = _whole(self._now.model_copy(update=changes))
        outcome = run_scenario(_with(self.best.loaded, candidate), self.best.seed)
        self._told(self.play_count)
        if not self._is_the_same(kinds(outcome)):
            return False
        # What else is expected makes no sense any more where its cause was dropped.
        senseless = [check for check, _ in failed_checks(candidate, outcome.record) if not self._holds(check)]
        expect = tuple(check for check in candidate.expect if check not in senseless)
        sensible = _with(outcome.loaded, candidate.model_copy(update={"expect": expect}))
        failures = tuple(f for f in outcome.failures if not any(f"expected: {c};" in f for c in senseless))
        self.best = replace(outcome, loaded=sensible, failures=failures)
        return True

    def _is_the_same(self, found: Collection[str]) -> bool:
        """Return whether this is the first failure again, and no alarm a surprise that was none."""
        return self._kind in found and all(k in self._kinds for k in found if k.startswith(_SURPRISE))

    def _holds(self, check: Check) -> bool:
        """Return whether ``check`` is what fails, and so must stay."""
        if self._kind.startswith(_SURPRISE):
            return check.check == "nothing-else"
        return self._kind == f"expected: {check}"

    def drop_lines(self) -> None:
        """Drop lines of the timeline, many at a time and then one by one."""
        size = len(self._now.timeline)
        while size >= 1:
            at = 0
            while at < len(self._now.timeline):
                timeline = self._now.timeline
                if not self._fails(timeline=timeline[:at] + timeline[at + size :]):
                    at += size
            size //= 2

    def drop_pumps(self) -> None:
        """Drop pumps, with everything that names them."""
        needed = {check.pump for check in self._now.expect if self._holds(check)}
        for pump in self._now.pumps:
            if len(self._now.pumps) > 1 and pump.id not in needed:
                self._fails(pumps=tuple(p for p in self._now.pumps if p.id != pump.id))

    def shorten(self) -> None:
        """End as early as possible: by bisection, down to whole seconds."""
        held = [max(c.at_s or 0.0, c.until_s) for c in self._now.expect if self._holds(c)]
        lines = [line.at_s for line in self._now.timeline]
        low_s = max([0.0, *held, *lines]) // 1
        while self._now.duration_s - low_s > 1:
            middle_s = (self._now.duration_s + low_s) // 2
            if not self._fails(duration_s=middle_s):
                low_s = middle_s

    def close_gaps(self) -> None:
        """Let lines follow each other closely, unless the check that fails tells the time."""
        if self._kind.startswith("expected"):
            return
        for at in range(len(self._now.timeline)):
            timeline = sorted(self._now.timeline, key=lambda line: line.at_s)
            earlier_s = timeline[at].at_s - (timeline[at - 1].at_s if at else 0.0) - _CLOSE_S
            if earlier_s > 0:
                moved = [_changed(line, at_s=round(line.at_s - earlier_s, 3)) for line in timeline[at:]]
                ends_s = self._now.duration_s - earlier_s // 1
                self._fails(timeline=(*timeline[:at], *moved), duration_s=ends_s)

    def simplify(self) -> None:
        """Leave out what was set of pumps and in lines of the timeline."""
        for at in range(len(self._now.pumps)):
            for simpler in _simpler(self._now.pumps[at]):
                pumps = self._now.pumps
                self._fails(pumps=(*pumps[:at], simpler, *pumps[at + 1 :]))
        for at in range(len(self._now.timeline)):
            for line in _plainer(self._now.timeline[at]):
                timeline = self._now.timeline
                self._fails(timeline=(*timeline[:at], line, *timeline[at + 1 :]))


def _simpler(pump: ScenarioPump) -> Iterator[ScenarioPump]:
    """Yield the pump with less that was set of it, the plainest last."""
    simulated = pump.simulated
    plain = {name: _plain(start) for name, start in simulated.channels.items()}
    if plain != simulated.channels:
        yield _changed(pump, simulated=simulated.model_copy(update={"channels": plain}))
    if simulated.model_fields_set - {"channels", "absent"}:
        said = {**_said(simulated), "channels": plain}
        only = {name: said[name] for name in ("channels", "absent") if name in said}
        yield _changed(pump, simulated=Simulated.model_construct(None, **only))
    for name in ("enforcement", "ceiling", "programme", "poll_interval_s", "real"):
        if name in pump.model_fields_set:
            yield _changed(pump, without=name)


def _plain(start: ChannelStart) -> ChannelStart:
    kept = {name: value for name, value in _said(start).items() if name in _NEEDED_TO_RUN}
    return ChannelStart.model_construct(None, **kept)


def _plainer(line: Line) -> Iterator[Line]:
    """Yield the line with less in it, or at a whole second."""
    may_take = {**MAY_TAKE, **MAY_TAKE_AT_PUMP}.get(line.action, ())
    for key in may_take:
        if key in line.model_fields_set and key not in {"pump", "channel"}:
            yield _changed(line, without=key)
    if line.at_s % 1:
        yield _changed(line, at_s=line.at_s // 1)


def _said(part: BaseModel) -> dict[str, Any]:
    return {name: getattr(part, name) for name in sorted(part.model_fields_set)}


def _changed(part: P, *, without: str = "", **changes: Any) -> P:
    """Return ``part`` with ``changes``, of which nothing is checked again, and ``without`` one key."""
    said = {**_said(part), **changes}
    said.pop(without, None)
    return type(part).model_construct(None, **said)


def _whole(scenario: Scenario) -> Scenario:
    """Return the scenario without lines and checks of pumps, requests or times that it does not have."""
    pumps = {pump.id for pump in scenario.pumps}
    timeline = [line for line in scenario.timeline if line.pump is None or line.pump in pumps]
    timeline = [line for line in timeline if line.at_s <= scenario.duration_s]
    requests = {line.name for line in timeline if isinstance(line, SiteEvent)}
    expect = tuple(
        check for check in scenario.expect if _makes_sense(check, pumps, requests, scenario.duration_s)
    )
    return scenario.model_copy(update={"timeline": tuple(timeline), "expect": expect})


def _makes_sense(
    check: Check, pumps: Collection[str], requests: Collection[str | None], duration_s: float
) -> bool:
    if check.pump is not None and check.pump not in pumps:
        return False
    if check.request is not None and check.request not in requests:
        return False
    return max(check.at_s or 0.0, check.until_s) <= duration_s


def _with(loaded: LoadedScenario, scenario: Scenario) -> LoadedScenario:
    return replace(loaded, scenario=scenario)


def lines_and_seconds(scenario: Scenario) -> str:
    """Return how long a scenario is, in words."""
    count = len(scenario.timeline)
    return f"{count} line{'' if count == 1 else 's'} and {scenario.duration_s:g} s"
