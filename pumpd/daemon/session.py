"""Watches one pump: recognise it, read it at its moment, hand what it says to the pipeline."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import structlog

from pumpd.clock import Clock
from pumpd.core.freshness import FreshnessLimits
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.state import FrameBlocked, SessionCrashed, WrongDevice
from pumpd.core.telemetry import ChannelId
from pumpd.daemon.backoff import Backoff
from pumpd.daemon.lines import Line, Talk
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recognition import another_of_the_fleet, answered, expected_instead, tell_stranger
from pumpd.daemon.seams import LinkState, LinkStatus, LivePump
from pumpd.daemon.taken import telemetry_of
from pumpd.drivers.base import (
    ChannelReading,
    Driver,
    Identity,
    LoweringDriver,
    PausableDriver,
)
from pumpd.errors import (
    DeviceRefusedError,
    ForbiddenFrameError,
    TransportError,
    WireError,
    WrongDeviceError,
)

SILENT_AFTER = 3
"""Failed readings in a row after which the pump counts as silent, and is asked less often."""

SILENT_LONGEST_S = 5.0
"""A silent pump is asked at least this often, so that it is back soon after it answers."""

RECOGNISED_FOR_S = 5.0
"""After so long without a reading the pump is asked again who it is: nobody swaps one in less time, and on a
line with other pumps nothing else tells."""

WRONG_DEVICE_RETRY_S = 5.0
"""How often a port with another pump behind it is asked who is there."""

_log = structlog.get_logger("pumpd.session")


class Session:
    """One pump behind one address of one line; the daemon runs it as a task of its own."""

    def __init__(
        self,
        plan: PumpPlan,
        lives: Mapping[ChannelId, LivePump],
        driver: Driver,
        line: Line,
        talk: Talk,
        pipeline: Pipeline,
        clock: Clock,
        random_source: random.Random,
    ) -> None:
        self._plan = plan
        self._lives = lives
        self._driver = driver
        self._line = line
        self._talk = talk
        self._pause_written_ns = 0
        talk.on_pause_written = self._pause_written
        talk.when_slow(self._slow)
        self._reading = asyncio.Lock()
        """A reading is never overtaken by another of the same pump."""
        self._pipeline = pipeline
        self._clock = clock
        self._link: LinkStatus = next(iter(lives.values())).link
        self._recognised = 0
        """The opening of the line in which this pump was last recognised."""
        self._heard_ns = 0
        """When this pump, known to be the right one, last answered."""
        self._first: Identity | None = None
        """Who answered; the pump behind a port must stay the same."""
        self._limits = plan.freshness
        self._failures = 0
        self._backoff = Backoff(random_source, first_s=0.5, longest_s=SILENT_LONGEST_S)
        self._down_logged = False
        self._due_s: float | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        interval_s = self._plan.poll_interval_ns / NS_PER_S
        self._recognised, self._due_s = 0, None
        while True:
            if self._line.opening == 0:
                await self._line.until_up()
            await self._until_due(interval_s)
            try:
                while await self._read():
                    pass
            except WrongDeviceError:
                await asyncio.sleep(max(WRONG_DEVICE_RETRY_S, interval_s))
            except (WireError, DeviceRefusedError, ForbiddenFrameError, TransportError) as error:
                await self._failed(error)

    def crashed(self, reason: str) -> None:
        """Learn that ``run`` ended by itself, for ``reason``."""
        self._is(LinkState.STOPPED, reason)
        for live in self._lives.values():
            self._pipeline.take(live, SessionCrashed(reason))

    async def pause(self, channel: ChannelId) -> int:
        """Write the pause ahead of every poll; see ``Hands.pause``."""
        driver = self._driver
        if not isinstance(driver, PausableDriver):
            raise DeviceRefusedError(f"{self._plan.pump}: its driver can not pause it; use the pump")
        try:
            with self._talk.urgently():
                await self._recognise()
                await driver.pause(self._talk, channel)
        except ForbiddenFrameError as error:
            self._frame_blocked(error)
            raise
        return self._pause_written_ns

    async def lower(self, channel: ChannelId, to: FlowRate, on_written: Callable[[int], None]) -> bool:
        """Write a lower rate in the turn of a reading; see ``Hands.lower``."""
        driver = self._driver
        if not isinstance(driver, LoweringDriver):
            raise DeviceRefusedError(f"{self._plan.pump}: its driver can not lower its rate; use the pump")

        def written() -> None:
            on_written(self._clock.monotonic_ns())

        try:
            with self._talk.urgently():
                await self._recognise()
                return await driver.lower_rate(self._talk, channel, to, written) is not None
        except ForbiddenFrameError as error:
            self._frame_blocked(error)
            raise

    async def read_back(self) -> None:
        """Read the pump ahead of every poll; see ``Hands.read_back``."""
        with self._talk.urgently():
            await self._read()

    async def _until_due(self, interval_s: float) -> None:
        """Wait for this pump's next moment on its grid; moments that passed meanwhile are left out."""
        now_s = asyncio.get_running_loop().time()
        if self._due_s is None:
            self._due_s = now_s + (self._plan.phase * interval_s - now_s) % interval_s
        else:
            late = max(0, math.ceil((now_s - self._due_s) / interval_s) - 1)
            self._due_s += interval_s * (late + 1)
        await asyncio.sleep(self._due_s - now_s)

    async def _read(self) -> bool:
        """Read every channel once and hand it on; True when one wants to be read again at once."""
        async with self._reading:
            if self._clock.monotonic_ns() - self._heard_ns > RECOGNISED_FOR_S * NS_PER_S:
                self._recognised = 0
            opening = await self._recognise()
            taken_ns = self._clock.monotonic_ns()
            readings = await self._driver.read(self._talk)
            span_ns = self._clock.monotonic_ns() - taken_ns
            if self._line.opening != opening:
                raise TransportError(f"{self._plan.pump}: the line was opened anew while it was read")
            self._heard_ns = taken_ns + span_ns
            self._keep_pace(self._plan.freshness_after(span_ns))
            return self._hand_on(readings, taken_ns, span_ns)

    def _slow(self) -> None:
        """An answer took longer than usual: what is known gets older before more is."""
        self._keep_pace(self._plan.freshness_slow or self._plan.freshness)

    def _keep_pace(self, limits: FreshnessLimits) -> None:
        """Let the limits of age follow what this pump reaches."""
        if limits != self._limits:
            self._limits = limits
            if self._first is not None:
                self._set_up(self._first)

    def _set_up(self, identity: Identity) -> None:
        for channel, live in self._lives.items():
            setup = replace(self._plan.setup(channel, identity), freshness=self._limits)
            self._pipeline.identified(live, identity, setup)

    def _hand_on(self, readings: Sequence[ChannelReading], taken_ns: int, span_ns: int) -> bool:
        if self._failures or self._link.state is not LinkState.UP:
            self._answers()
        self._link.round_trip_ns = span_ns
        again = False
        for reading in readings:
            live = self._lives.get(reading.channel)
            if live is not None:
                again |= self._pipeline.reading(live, telemetry_of(live, reading, taken_ns, span_ns))
        return again

    async def _recognise(self) -> int:
        """Make sure that the right pump answers, once per opening of the line and after each silence.

        WrongDeviceError if it is another one.

        Returns the opening in which it was recognised.
        """
        opening = self._line.opening
        if opening == 0:
            raise TransportError(f"{self._plan.pump}: the line is not open")
        if self._recognised == opening:
            return opening
        identity = await self._driver.identify(self._talk)
        if self._line.opening != opening:
            raise TransportError(f"{self._plan.pump}: the line was opened anew while it was asked who it is")
        expected = expected_instead(self._plan, self._first, identity)
        tell_stranger(self._plan, identity, expected, self._lives.values(), self._pipeline)
        if expected:
            instead = self._link.instead = another_of_the_fleet(self._plan, identity)
            if instead is not None:
                self._wrong(instead, self._plan.pump)
            self._wrong(answered(self._plan, identity), expected)
        self._first = identity
        self._recognised = opening
        self._set_up(identity)
        for live in self._lives.values():
            if live.state.wrong_device:
                self._pipeline.take(live, WrongDevice("", ""))
        return opening

    def _wrong(self, found: str, expected: str) -> NoReturn:
        self._recognised = 0
        self._is(LinkState.WRONG_DEVICE, f"{found} answers, expected {expected}")
        for live in self._lives.values():
            if not live.state.wrong_device:
                _log.error("another pump answers", pump=self._plan.pump, found=found, expected=expected)
            self._pipeline.take(live, WrongDevice(found, expected))
        raise WrongDeviceError(
            f"{self._plan.pump}: {found} answers at {self._plan.place.url}, expected {expected}; "
            "connect the right pump or correct the configuration"
        )

    def _answers(self) -> None:
        if self._down_logged:
            _log.info("pump answers again", pump=self._plan.pump)
        self._down_logged = False
        self._failures = 0
        self._backoff.reset()
        self._is(LinkState.UP, "")
        for live in self._lives.values():
            if live.state.crashed:
                self._pipeline.take(live, SessionCrashed(""))

    async def _failed(self, error: Exception) -> None:
        """Count a reading that did not come; whether that is an alarm is for the watchdog to say."""
        self._failures += 1
        self._link.errors += 1
        self._pipeline.on_trouble(self._plan.pump, error)
        if isinstance(error, ForbiddenFrameError):
            self._frame_blocked(error)
        if self._failures < SILENT_AFTER and not isinstance(error, TransportError):
            return
        if not self._down_logged and not isinstance(error, TransportError):  # the line tells of itself
            self._down_logged = True
            _log.warning("pump does not answer", pump=self._plan.pump, reason=str(error))
        self._is(LinkState.DOWN, str(error))
        if not isinstance(error, TransportError):
            await asyncio.sleep(self._backoff.next_s())

    def _pause_written(self) -> None:
        self._pause_written_ns = self._clock.monotonic_ns()

    def _frame_blocked(self, error: ForbiddenFrameError) -> None:
        for live in self._lives.values():
            self._pipeline.take(live, FrameBlocked(str(error)))

    def _is(self, state: LinkState, detail: str) -> None:
        if self._link.state is state and self._link.detail == detail:
            return
        if state is not LinkState.WRONG_DEVICE:
            self._link.instead = None
        self._link.state, self._link.detail = state, detail
        for live in self._lives.values():
            self._pipeline.link_changed(live)
