"""What polling costs in each dialect: time of the line against the theory, and CPU of an exchange.

In virtual time on a wire with the time of its bytes; the simulated pump's own CPU is taken off. Modbus RTU is
put beside stock pymodbus on the same wire, with the same pumps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from unittest.mock import patch

from benchmarks.row import Row
from pumpd.drivers.registry import shipped
from pumpd.qa.conformance.rig import Rig, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.frames import FrameJudge
from pumpd.qa.virtual_time import run_virtual
from pumpd.transports.memory import MemoryEnd
from tests.transports.fair_line import Seen, polled, polled_by_stock

READINGS: Final = 300
INTERVAL_S: Final = 5.0
"""One reading in so long: what the slowest of them can keep, too."""
SIDE_BY_SIDE_S: Final = 120.0
WITHIN: Final = 0.1
"""How much more of the line than in theory may be taken: the aim of the fair bus."""
REPLY_S: Final = 0.005
"""From the end of a question to the beginning of its reply: what the simulated pump takes."""
BITS: Final = 10
"""Of a byte: start, eight, stop."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What polling one pump without a pause comes to."""

    driver: str
    baud: int
    questions: int
    """For one reading, the median of all."""
    n_bytes: int
    """On the line for it, both ways."""
    used: float
    """Share of the line's time that its readings take."""
    theory: float
    """The same, if nothing but its bytes and the reply times took time."""
    cpu_us: float
    """Of one exchange, without the simulated pump."""


@contextmanager
def _taken_off(spent: dict[str, float]) -> Iterator[None]:
    """Note what the simulated pump and its judge spend, and count the bytes of both ends."""
    asked, answered, write = FrameJudge.asked, FrameJudge.answered, MemoryEnd.write

    def asked_timed(self: FrameJudge, data: bytes, hand_on: Callable[[], None]) -> None:
        began_s = time.process_time()
        asked(self, data, hand_on)
        spent["pump_s"] += time.process_time() - began_s

    def answered_timed(self: FrameJudge, data: bytes) -> None:
        began_s = time.process_time()
        answered(self, data)
        spent["pump_s"] += time.process_time() - began_s

    def counted(self: MemoryEnd, data: bytes) -> None:
        spent["bytes"] += len(data)
        write(self, data)

    with (
        patch.object(FrameJudge, "asked", asked_timed),
        patch.object(FrameJudge, "answered", answered_timed),
        patch.object(MemoryEnd, "write", counted),
    ):
        yield


async def _polled(name: str) -> Cost:
    spec = shipped()[name]
    subject = subject_of(spec)
    spent = {"pump_s": 0.0, "bytes": 0.0}
    async with rig(subject, subject.framings[-1]) as on:
        on.start()
        await on.driver.identify(on.talk)
        await on.read()
        readings = []
        with _taken_off(spent):
            for _ in range(READINGS):
                await on.rest()  # the same question waits until no second copy of its reply can come
                readings.append(await _one(on, spent))
        baud = on.framing.baud or 0
    middle = sorted(readings, key=lambda reading: reading.busy_s)[READINGS // 2]
    theory_s = middle.n_bytes * BITS / baud + middle.asked * REPLY_S
    return Cost(
        name,
        baud,
        middle.asked,
        int(middle.n_bytes),
        middle.busy_s / INTERVAL_S,
        theory_s / INTERVAL_S,
        1e6 * sum(reading.cpu_s for reading in readings) / sum(reading.asked for reading in readings),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    busy_s: float
    n_bytes: float
    asked: int
    cpu_s: float


async def _one(on: Rig, spent: dict[str, float]) -> _Reading:
    """Read once, and return what that took."""
    loop, before = asyncio.get_running_loop(), dict(spent)
    asked, began_s, began_cpu_s = on.talk.counters.asked, loop.time(), time.process_time()
    await on.driver.read(on.talk)
    cpu_s = time.process_time() - began_cpu_s - (spent["pump_s"] - before["pump_s"])
    asked = on.talk.counters.asked - asked
    return _Reading(loop.time() - began_s, spent["bytes"] - before["bytes"], asked, cpu_s)


def polling() -> Iterator[Cost]:
    """Yield what each driver's polling costs on a serial line."""
    for name in shipped():
        yield run_virtual(_polled(name))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that poll a line of Modbus pumps."""

    name: str
    used: float
    p99_s: float
    cpu_us: float
    """Of one exchange, with the device that answers: the same for both."""


def side_by_side() -> Iterator[Side]:
    """Yield our bus and stock pymodbus, polling the same line of pumps that are all well."""

    async def ours() -> Seen:
        seen, _ = await polled({}, SIDE_BY_SIDE_S)
        return seen

    async def stock() -> Seen:
        return await polled_by_stock({}, SIDE_BY_SIDE_S)

    for name, poll in (("pumpd", ours), ("stock pymodbus", stock)):
        began_s = time.process_time()
        seen = run_virtual(poll())
        cpu_s = time.process_time() - began_s
        yield Side(name, seen.used(), seen.p99_s(), 1e6 * cpu_s / sum(seen.answered.values()))


def rows() -> list[Row]:
    """Return what polling costs each driver on a serial line, and Modbus RTU beside stock pymodbus."""
    found = [
        Row(
            f"share of a line of {cost.baud:,} baud, `{cost.driver}` read every {INTERVAL_S:.0f} s",
            f"{cost.used:.2%}",
            f"within {WITHIN:.0%} of {cost.theory:.2%}",
            cost.used <= (1 + WITHIN) * cost.theory,
            f"{cost.questions} questions, {cost.n_bytes} bytes; {cost.cpu_us:.0f} us of CPU an exchange",
        )
        for cost in polling()
    ]
    found += [
        Row(
            f"Modbus RTU, 32 pumps asking for 80 % of 9,600 baud, {side.name}: line used",
            f"{side.used:.1%}",
            "",
            reached=None,
            said=f"age p99 {side.p99_s:.2f} s, {side.cpu_us:.0f} us of CPU an exchange with the device",
        )
        for side in side_by_side()
    ]
    return found
