"""The whole life of alarms: every reachable state of one and of two, and a million random ones."""

from __future__ import annotations

import inspect
import random
import re
from collections import deque
from pathlib import Path

import pytest

from pumpd.core.conditions import AlarmPriority, ConditionId
from tests import proof
from tests.core import life
from tests.core.life import Move, World, broken, clock_went_back, moves, restart_changes_nothing, shape, step

LOW, MEDIUM, HIGH = AlarmPriority
C = ConditionId
ALONE = {
    C.LINK_LOST: (LOW, MEDIUM, HIGH),
    C.OVER_SOFT: (LOW, MEDIUM, HIGH),
    C.RESTRAINED: (MEDIUM, HIGH),
    C.COUNTER_FROZEN: (MEDIUM, HIGH),
}
"""One that a line may speak for, one that never latches, one that latches from MEDIUM, an engineer's."""
PAIRS = {
    (C.LINK_LOST, C.OVER_SOFT): (MEDIUM,),
    (C.LINK_LOST, C.OVER_HARD): (HIGH,),
    (C.OVER_SOFT, C.COUNTER_FROZEN): (MEDIUM,),
    (C.RESTRAINED, C.NO_PROGRAMME): (LOW,),
}
WITHOUT_CALLS = frozenset({"told", "not told", "restart after", "clock ahead", "restart, clock back"})
"""What is left out of pairs in the small run: who was told, and clocks; alone each has them always."""
DRAWN = (C.LINK_LOST, C.OVER_HARD, C.OVER_SOFT, C.COUNTER_FROZEN)

pytestmark = pytest.mark.requirement("INV-4", "LIFE-4")


def explore(
    conditions: tuple[ConditionId, ...],
    priorities: tuple[AlarmPriority, ...],
    without: frozenset[str] = frozenset(),
) -> tuple[int, int]:
    """Walk every reachable state, equal ones merged, and return how many states and steps there are."""
    every = [move for move in moves(conditions, priorities) if move.verb not in without]
    seen = {shape(World())}
    waiting = deque([World()])
    steps = 0
    while waiting:
        world = waiting.popleft()
        assert clock_went_back(world) or restart_changes_nothing(world), shape(world)
        for move in every:
            after, changes = step(world, move)
            steps += 1
            if after is world:
                continue
            wrong = list(broken(world, after, changes, move))
            assert not wrong, (wrong, move, shape(world), shape(after))
            known = shape(after)
            if known not in seen:
                seen.add(known)
                waiting.append(after)
    return len(seen), steps


@pytest.mark.parametrize("condition", list(ALONE), ids=lambda c: c.value)
def test_every_state_of_one_alarm(condition: ConditionId) -> None:
    """Pauses, shelves, steps, restarts and time included, to the fixpoint: no invariant is broken."""
    states, steps = explore((condition,), ALONE[condition])
    proof.explored(f"life cycle of {condition.value}, {steps} steps", states)
    assert states > 40


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("pair", list(PAIRS), ids=lambda pair: f"{pair[0].value}, {pair[1].value}")
def test_every_state_of_two_alarms(pair: tuple[ConditionId, ConditionId]) -> None:
    """Two conditions of one pump, each with all that can happen to the other meanwhile."""
    without = frozenset[str]() if proof.FULL else WITHOUT_CALLS
    states, steps = explore(pair, PAIRS[pair], without)
    left_out = "" if proof.FULL else ", without calls and clocks"
    proof.explored(f"life cycle of {pair[0].value} and {pair[1].value}{left_out}, {steps} steps", states)
    assert states > 40


@pytest.mark.timeout(4000)
def test_random_lives() -> None:
    """Four conditions at every priority, eight moves each time: no invariant is broken."""
    chance = random.Random(proof.SEED)
    every = moves(DRAWN, (LOW, MEDIUM, HIGH))
    for _ in range(proof.count("random lives of four alarms", 2_000, 1_000_000)):
        world, story = World(), []
        for move in chance.choices(every, k=8):
            story.append(move)
            after, changes = step(world, move)
            wrong = [] if after is world else list(broken(world, after, changes, move))
            assert not wrong, (wrong, story)
            world = after


def test_the_page_names_every_invariant_and_no_other() -> None:
    """docs/alarm-life-cycle.md has a row for each name that the judge can tell, and no other row."""
    told = set(re.findall(r'yield "([A-Z ]+)', inspect.getsource(life)))
    page = (Path(__file__).parents[2] / "docs" / "alarm-life-cycle.md").read_text()
    assert set(re.findall(r"^\| ([A-Z][A-Z ]+) \|", page, re.MULTILINE)) == told


def test_a_planted_fault_is_found() -> None:
    """The judge sees what it is there for: an alarm that goes without a person, a sound without an event."""
    world, _ = step(World(), Move("find", C.OVER_HARD, HIGH))
    assert "LOST: a latched alarm ended that nobody had seen" in set(broken(world, World(), (), Move("tick")))
    quiet, _ = step(world, Move("pause", C.OVER_HARD))
    assert set(broken(quiet, world, (), Move("tick"))) >= {
        "NO SOUND WITHOUT AN EVENT: it sounds anew and the journal does not say why"
    }
