"""What readings teach: a counter coarser than declared, a flush in between, a motor on its way up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pumpd.core.conditions import ConditionId
from pumpd.core.delivery import advanced
from pumpd.core.delivery_account import Account, Counter
from pumpd.core.delivery_rules import deviations
from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import PumpStatus
from tests.core.delivery_scene import GAP_NS, Bench, said

COUNTER = Counter(1_000, GAP_NS)
SILENT = ConditionId.SILENT_STOP


def _coarse(rate_nl_h: int, step_nl: int, seed: int = 0) -> Bench:
    """A pump whose counter moves in steps of ``step_nl``, declared as a microlitre."""
    bench = Bench(rate_nl_h, step_nl, seed=seed)
    bench.counter = COUNTER
    bench.model.press_start()
    return bench


@pytest.mark.requirement("DELIVERY-7")
@pytest.mark.parametrize(("rate", "step"), [(500_000, 10_000), (5_000_000, 10_000), (5_000_000, 100_000)])
def test_a_counter_coarser_than_declared_is_told_once(rate: int, step: int) -> None:
    """It stands and catches up: after the first time its step is known, and a real stop is told by it."""
    bench = _coarse(rate, step)
    bench.run(8 * step * 3600 / rate)
    assert bench.episodes == {SILENT: 1}
    assert bench.account is not None
    assert bench.account.as_seen(COUNTER).tick_nl == step
    bench.model.pause()
    bench.dead = True
    assert bench.until(lambda told: SILENT in told, 3 * step * 3600 / rate + 3) is not None


def _course(moves: list[int], rate: int = 3_600_000) -> tuple[Account, list[set[ConditionId]]]:
    """Return the account of a pump read once a second whose counter moves so, and what each reading told."""
    account, counter_nl, told = None, 5_000_000, []
    for n, moved_nl in enumerate([0, *moves]):
        counter_nl += moved_nl
        account = advanced(account, said(n * NS_PER_S, counter_nl, rate), COUNTER)
        assert account is not None
        told.append({d.condition for d in deviations(account, COUNTER)})
    assert account is not None
    return account, told


@pytest.mark.requirement("DELIVERY-7")
@pytest.mark.parametrize(
    ("moves", "step_nl"),
    [
        ([1_000] * 9, 0),
        ([1_000, 0, 0, 1_000], 0),
        ([1_000, 0, 0, 0, 1_000], 0),
        ([1_000, 0, 0, 0, 1_499], 0),
        ([1_000, 0, 0, 0, 1_500], 1_500),
        ([1_000, 0, 0, 0, 4_000], 4_000),
        ([1_000, 0, 0, 0, 4_000, 4_000], 4_000),
        ([1_000, 0, 0, 0, 4_000, 3_999], 0),
        ([1_000, 0, 3_000], 0),
    ],
)
def test_a_step_is_seen_where_the_counter_catches_up(moves: list[int], step_nl: int) -> None:
    """Two steps overdue and at least half made good is a coarser step; a smaller movement disproves it."""
    assert _course(moves)[0].step_nl == step_nl


@pytest.mark.requirement("DELIVERY-7")
def test_a_gateway_that_answered_from_its_memory_is_no_coarse_counter() -> None:
    """A minute of old values, then the true ones: the declared step counts from the next movement on."""
    account, told = _course([1_000] * 20 + [0] * 60 + [61_000] + [1_000] * 20 + [0] * 4)
    assert account.step_nl == 0
    episodes = sum(SILENT in after and SILENT not in before for before, after in pairwise(told))
    assert episodes == 2, "the stop after it is told by steps of a microlitre"


@pytest.mark.requirement("DELIVERY-3")
@pytest.mark.parametrize("flushed_ml", [0.2, 0.4])
def test_a_flush_between_two_readings_does_not_flow_freely(flushed_ml: float) -> None:
    """Over when it is seen: too much where it is 5 % of the order, never flowing while stopped."""
    counter = Counter(1_000, GAP_NS, ordered_nl=6 * NL_PER_ML)
    stopped = {"status": PumpStatus.STOPPED}
    account, told = None, set()
    for n in range(120):
        counter_nl = 5_000_000 + (round(flushed_ml * NL_PER_ML) if n >= 60 else 0)
        account = advanced(account, said(n * NS_PER_S, counter_nl, 5_000_000, **stopped), counter)
        assert account is not None
        told |= {d.condition for d in deviations(account, counter)}
    assert told == ({ConditionId.OVER_INFUSION} if flushed_ml > 0.3 else set())


@pytest.mark.requirement("DELIVERY-3")
@pytest.mark.parametrize(
    ("shown", "told_after"),
    [([1, 10, 10], 3), ([10, 10], 2), ([2.1, 10, 10], 3), ([2.3, 10, 10], 3)],
    ids=["late", "at once", "ramps, within the lag", "ramps, and waits"],
)
def test_ten_times_the_rate_is_told_by_the_second_reading_that_shows_it(
    shown: list[float], told_after: int
) -> None:
    """Also where the reading before showed a motor on its way up, with a counter value that had to wait."""
    rate_nl_s = 14_000
    moves = [rate_nl_s] * 60 + [round(share * rate_nl_s) for share in shown]
    _, told = _course(moves, rate_nl_s * 3600)
    over = [ConditionId.OVER_INFUSION in each for each in told[61:]]
    assert over == [n + 1 >= told_after for n in range(len(shown))]


@pytest.mark.requirement("DELIVERY-4")
def test_a_false_value_after_a_jolt_that_was_told_is_still_nothing() -> None:
    """Only a jump right after one that is untold yet is believed at once; later a single value waits."""
    moves = [1_000] * 60 + [200_000, 1_000, 1_000] + [1_000] * 20
    plain, _ = _course(moves)
    account, _ = _course([*moves, 90_000, -89_000, 1_000])
    assert (account.counted_nl, account.back_ns) == (plain.counted_nl + 2_000, None)
