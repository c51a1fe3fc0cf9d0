"""A register map's lower rate: what is written, rounded down, and what must never be."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import ChannelId, Measured, PumpStatus, missing
from pumpd.drivers.base import ChannelReading, TurnTaking
from pumpd.drivers.lowering import must_lower
from pumpd.drivers.register_map import CompiledMap, RegisterMapDriver
from pumpd.drivers.registry import find
from pumpd.errors import ConfigError, DeviceRefusedError, WireError
from pumpd.protocols.maps import shipped_map
from pumpd.protocols.modbus import WriteRegister
from pumpd.protocols.registers import load_map
from pumpd.protocols.wire import Permission, Request
from tests import proof
from tests.house.tree import ROOT

R = TypeVar("R")
ONE = ChannelId("1")
MAP = ROOT / "pumpd" / "protocols" / "maps" / "reference-pump.yaml"
pytestmark = pytest.mark.requirement("RES-5", "INV-1")


class Told(TurnTaking):
    """A line whose pump reads as it is told to; it keeps what would be written."""

    def __init__(self, set_counts: int, status: int = 2) -> None:
        high, low = divmod(set_counts, 0x10000)
        self.words = (status, 41, high, low, high, low, 0, 12345, 0, 37655, 64, 87, 0, 0)
        self.written: list[Request[None]] = []

    async def ask(self, request: Request[R]) -> R:
        """Never."""
        raise AssertionError(f"{request}: a rate is written in a turn")

    async def lower(
        self,
        reading: Request[R],
        decide: Callable[[R], Request[None] | None],
        on_written: Callable[[], None],
    ) -> bool:
        """Decide by the words."""
        reply = bytes((3, 4, 2 * len(self.words))) + struct.pack(f">{len(self.words)}H", *self.words)
        write = decide(reading.parse_reply(reply))
        if write is not None:
            self.written.append(write)
            on_written()
        return write is not None


def _driver() -> RegisterMapDriver:
    return RegisterMapDriver(CompiledMap(shipped_map("reference-pump")), 3)


def _nothing() -> None:
    pass


@proof.examples("lower rates on the pump's own grid, against the rate just read", small=200, full=20_000)
@given(st.integers(0, 120_000), st.integers(1, 1_200_000_000))
async def test_what_is_written_is_never_above_what_was_asked_or_read(present: int, asked_nl_h: int) -> None:
    """Rounded down to the register's step, and only below the rate that was just read."""
    line = Told(present)
    to = FlowRate(asked_nl_h)
    try:
        rate = await _driver().lower_rate(line, ONE, to, _nothing)
    except DeviceRefusedError:
        assert asked_nl_h < 10_000, "only what is below the least step can not be set"
        assert present > 0
        return
    if rate is None:
        assert line.written == []
        assert present * 10_000 <= min(to.nl_per_h // 10_000, 60_000) * 10_000
        return
    (write,) = line.written
    assert isinstance(write, WriteRegister)
    assert (write.unit, write.at, write.permission) == (3, 20, Permission.LOWER)
    assert write.value * 10_000 == rate.nl_per_h
    assert rate <= to
    assert to.nl_per_h - rate.nl_per_h < 10_000 or write.value == 60_000
    assert write.value < present


def _reading(status: PumpStatus, set_flow: Measured[FlowRate]) -> ChannelReading:
    return ChannelReading(ONE, status, "", Measured.valid(FlowRate(0)), missing(), set_flow)


@pytest.mark.parametrize("status", list(PumpStatus))
@pytest.mark.parametrize(("present", "lowers"), [(99, False), (100, False), (101, True)])
def test_only_a_running_pump_that_is_set_higher(status: PumpStatus, present: int, lowers: bool) -> None:
    """One that stands, or is set no higher, is left alone; one that delivers otherwise is refused."""
    reading = _reading(status, Measured.valid(FlowRate(present)))
    if status.delivers and status is not PumpStatus.RUNNING:
        with pytest.raises(DeviceRefusedError, match="only a running pump"):
            must_lower(reading, FlowRate(100))
    else:
        assert must_lower(reading, FlowRate(100)) is (lowers and status is PumpStatus.RUNNING)


def test_a_rate_that_can_not_be_known_is_refused() -> None:
    """Without the rate that is set nobody knows whether another one is lower."""
    unknowns: tuple[Measured[FlowRate], ...] = (missing(), Measured.invalid("0x1F"))
    for unknown in unknowns:
        with pytest.raises(DeviceRefusedError, match="the rate it is set to"):
            must_lower(_reading(PumpStatus.RUNNING, unknown), FlowRate(100))
    with pytest.raises(DeviceRefusedError, match="below the least rate"):
        must_lower(_reading(PumpStatus.RUNNING, Measured.valid(FlowRate(1))), FlowRate(0))


async def test_a_gateway_that_answers_from_its_memory_gives_no_fresh_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A heartbeat that stands still: nothing is written, whatever the old values say."""
    driver, line, now_s = _driver(), Told(4_000), [0.0]
    monkeypatch.setattr("pumpd.drivers.register_map.asyncio.get_running_loop", lambda: _Clock(now_s))
    await driver.lower_rate(line, ONE, FlowRate.parse("35"), _nothing)
    now_s[0] = 3.1
    with pytest.raises(WireError, match="heartbeat"):
        await driver.lower_rate(line, ONE, FlowRate.parse("35"), _nothing)
    assert len(line.written) == 1


class _Clock:
    def __init__(self, now_s: list[float]) -> None:
        self._now_s = now_s

    def time(self) -> float:
        """Return the time that the test sets."""
        return self._now_s[0]


def test_a_channel_without_the_control_says_so() -> None:
    """Another channel, or a map without ``lower``: use the pump."""
    lowering = find("reference-pump")
    assert lowering.lowerable == {ONE}
    without = load_map(MAP.read_text().replace("    lower: {", "    # lower: {"), "map.yaml")
    assert without.channels["1"].lower is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("largest_read: 32", "largest_read: 9", "requests 0 ms apart"),
        ("largest_read: 32", "largest_read: 32\n  pause_ms: 5", "1 requests 5 ms apart"),
        ("    set_flow: {function: 4, address: 2,", "    flow: {function: 4, address: 2,", "no set_flow"),
        ("scale: 0.01, unit: mL/h, highest", "scale: 0.0000001, unit: mL/h, highest", "no whole nL/h"),
        ("scale: 0.01, unit: mL/h, highest", "scale: 0.01, unit: mL, highest", "no whole nL/h"),
        ("permission: lower", "permission: pause", "lower"),
    ],
)
def test_a_map_that_could_not_lower_in_one_turn_is_refused(old: str, new: str, says: str) -> None:
    """One request for everything, a set rate in it, whole steps, and the permission said aloud."""
    text = MAP.read_text()
    assert old in text
    if "no set_flow" in says:
        text = "\n".join(row for row in text.splitlines() if not row.startswith("    set_flow:"))
    else:
        text = text.replace(old, new)
    with pytest.raises(ConfigError) as caught:
        load_map(text, "map.yaml")
    assert any(says in str(problem) for problem in caught.value.problems)
