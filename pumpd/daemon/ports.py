"""Which pump is read at which port: as it is configured, or as a person said since.

A pump is its asset number, a port a line and an address, and a bed is what a nurse says. A pump of the fleet
that answers in another's place is refused until somebody says, in one tap, that it is there: then the two
exchange their ports. No pump is asked for more than who it is.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pumpd.clock import Clock
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.core.freshness import Freshness
from pumpd.core.seat import Seat
from pumpd.core.state import WrongDevice
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.infusion_book import place as place_infusion
from pumpd.daemon.lines import Talk
from pumpd.daemon.parts import Watched
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import LinkState, LivePump, Place, Ward
from pumpd.daemon.session import Session
from pumpd.daemon.supervisor import Supervisor
from pumpd.store.base import Durable

EXCHANGE = "exchange-ports"


class Ports:
    """Owns the sessions: one for each pump, at the port where it is."""

    def __init__(
        self,
        watched: Sequence[Watched],
        ward: Ward,
        pipeline: Pipeline,
        clock: Clock,
        random_source: random.Random,
        supervisor: Supervisor,
    ) -> None:
        self._ward = ward
        self._pipeline = pipeline
        self._clock = clock
        self._random = random_source
        self._supervisor = supervisor
        self._configured = {each.plan.pump: each for each in watched}
        self._at = dict(self._configured)
        self._sessions = {pump: self._session(each) for pump, each in self._at.items()}
        self._tasks: dict[PumpId, asyncio.Task[None]] = {}
        self.on_moved: list[Callable[[], None]] = []
        """Each is called when pumps are read at other ports than before."""
        self.is_restrained: Callable[[PumpId], bool] = lambda _pump: False
        """Asked whether a restraint of this pump is under way."""

    @property
    def watched(self) -> tuple[Watched, ...]:
        """Every pump at the port where it is."""
        return tuple(self._at.values())

    def session(self, pump: PumpId) -> Session:
        """Return who speaks to a pump."""
        return self._sessions[pump]

    def lives(self, pump: PumpId) -> list[LivePump]:
        """Return the channels of a pump."""
        return [self._ward.pumps[pump, channel] for channel in self._at[pump].plan.channels]

    def on_lines(self) -> list[tuple[str, LivePump]]:
        """Return every channel with the name of the line that it is on."""
        return [(each.line.name, live) for each in self.watched for live in self.lives(each.plan.pump)]

    def talks(self) -> list[tuple[Talk, Sequence[LivePump]]]:
        """Return every conversation with the channels of its pump."""
        return [(each.talk, self.lives(each.plan.pump)) for each in self.watched]

    def start(self) -> None:
        """Begin to watch every pump."""
        for pump in self._at:
            self._start(pump)

    async def exchange(self, asked: ExchangePortsPayload) -> str:
        """Do what is asked; return, once it is on disk, where the other pump is looked for.

        ValueError says why not.
        """
        gone, found = self._watched(asked.pump, asked.channel), self._watched(asked.to_pump, asked.to_channel)
        moved = asked.beds == "exchange"
        self._check(gone, found)
        if moved:
            self._check_free(gone, found)
        self._exchange(gone, found, beds=moved)
        here, there = self._at[found].plan.place, self._at[gone].plan.place
        # Both pumps in one transaction: after a crash no port has two of them, and none has no port.
        first, *others = [*self.lives(found), *self.lives(gone)]
        words = f"is read at {here.url}, as {gone} was; {_stands(here)}"
        kept = arrive(self._pipeline, first, words, asked.user, asked.id, others)
        words = f"is looked for at {there.url}, where {found} was; {_stands(there)}"
        arrive(self._pipeline, self.lives(gone)[0], words, asked.user)
        for live in others:
            _nobody_yet(self._pipeline, live)
        await kept
        return f"{gone} is looked for at {there.url}"

    def restore(self, durables: Iterable[Durable]) -> str:
        """Put pumps where an earlier run was told that they are.

        Returns, in words, that it is not done: since then the configuration says otherwise, so it holds.
        """
        if any(live.seat is not None for live in self._ward.pumps.values()):
            return ""  # somebody said in this run where they are
        seats = {
            PumpId(each.pump): each.seat
            for each in durables
            if each.pump in self._at and each.seat is not None
        }
        at = {each.plan.place.url: each for each in self._configured.values()}
        homes = [self._configured[pump].plan.place for pump in seats]
        if not (
            sorted(seat.url for seat in seats.values()) == sorted(home.url for home in homes)
            and sorted(map(_bed, seats.values())) == sorted(map(_bed, homes))
            and all(_alike(at[seat.url], self._configured[pump]) for pump, seat in seats.items())
        ):
            names = ", ".join(sorted(seats))
            return f"{names} had exchanged ports, and the configuration says otherwise since: it holds"
        for pump, seat in seats.items():
            self._put(pump, at[seat.url], seat)
        if seats:
            self._tell_moved()
        return ""

    def _watched(self, pump: str, channel: str) -> PumpId:
        """Return the pump; ValueError when there is none with this channel: its ward was judged by both."""
        if (PumpId(pump), ChannelId(channel)) not in self._ward.pumps:
            raise ValueError(f"{pump}/{channel}: this node watches no such pump")
        return PumpId(pump)

    def _check(self, gone: PumpId, found: PumpId) -> None:
        """ValueError when ``found`` is not for sure the one that answers in the place of ``gone``."""
        if self._link(gone) != (LinkState.WRONG_DEVICE, found):
            raise ValueError(f"{found} does not answer in the place of {gone} any more: look again")
        twins = [p for p in self._at if p != gone and self._link(p) == (LinkState.WRONG_DEVICE, found)]
        own = [live for live in self.lives(found) if live.state.freshness is Freshness.FRESH]
        if twins or own or self._link(found)[0] is LinkState.UP:
            where = f"in the place of {twins[0]}" if twins else "at its own port"
            raise ValueError(
                f"{found} answers {where}, too: two pumps tell one serial number. "
                "Look at their labels, and tell an engineer"
            )
        if not _alike(self._at[gone], self._at[found]):
            raise ValueError(
                f"{gone} and {found} are not read alike: "
                "an engineer exchanges their ports in the configuration"
            )
        for pump in (gone, found):
            if self.is_restrained(pump):
                raise ValueError(f"{pump} is being paused: ask again in a moment")

    def _check_free(self, gone: PumpId, found: PumpId) -> None:
        """ValueError when the bed of one of them is written down with somebody's infusion."""
        for pump in (gone, found):
            if self._at[pump].plan.programme is not None:
                raise ValueError(f"the order of {pump} stands in the configuration: an engineer mends it")
            for live in self.lives(pump):
                watch = live.state.watch
                if watch is not None and watch.goes_on:
                    raise ValueError(
                        f"{pump} carries the infusion of {watch.infusion.patient.label}: "
                        "say that only the cable changed, then move the infusion"
                    )

    def _link(self, pump: PumpId) -> tuple[LinkState, PumpId | None]:
        link = self.lives(pump)[0].link
        return link.state, link.instead

    def _exchange(self, gone: PumpId, found: PumpId, *, beds: bool) -> None:
        here, there = self._at[gone], self._at[found]
        for pump, own, port in ((found, there, here), (gone, here, there)):
            stands = (port if beds else own).plan.place
            self._put(pump, port, Seat(port.plan.place.url, stands.bed, stands.ward))
        self._tell_moved()

    def _put(self, pump: PumpId, port: Watched, seat: Seat) -> None:
        """Read ``pump`` at ``port``, and let it stand where ``seat`` says."""
        running = self._tasks.pop(pump, None)
        if running is not None:
            running.cancel()
        own = self._at[pump].plan
        home = replace(own.place, url=seat.url, bed=seat.bed, ward=seat.ward)
        at = self._at[pump] = replace(port, plan=replace(own, place=home))
        as_configured = home == self._configured[pump].plan.place
        for live in self.lives(pump):
            live.seat = None if as_configured else seat
            live.link.state, live.link.detail, live.link.instead = LinkState.CONNECTING, "", None
            live.place = home
            if live.home is not None:
                live.home = home
                place_infusion(live, live.state.watch)
        self._sessions[pump] = self._session(at)
        if running is not None:
            self._start(pump)

    def _tell_moved(self) -> None:
        for tell in self.on_moved:
            tell()

    def _start(self, pump: PumpId) -> None:
        session = self._sessions[pump]
        self._tasks[pump] = self._supervisor.start(f"pumpd[{pump}].session", session.run, session.crashed)

    def _session(self, watched: Watched) -> Session:
        plan = watched.plan
        return Session(
            plan,
            {channel: self._ward.pumps[plan.pump, channel] for channel in plan.channels},
            watched.driver,
            watched.line,
            watched.talk,
            self._pipeline,
            self._clock,
            watched.chance or self._random,
        )


def arrive(
    pipeline: Pipeline,
    live: LivePump,
    words: str,
    by: str,
    command_id: str | None = None,
    also: Sequence[LivePump] = (),
) -> asyncio.Future[None]:
    """Write down where a pump is, by whom it was said, and with it what ``also`` is; return as ``note``."""
    kept = pipeline.note(live, "command", EXCHANGE, detail=words, by=by, command_id=command_id, also=also)
    _nobody_yet(pipeline, live)
    return kept


def _nobody_yet(pipeline: Pipeline, live: LivePump) -> None:
    """Nobody has answered at the port where it is: neither the right one nor another."""
    if live.state.wrong_device:
        pipeline.take(live, WrongDevice("", ""))
    pipeline.link_changed(live)


def _alike(one: Watched, other: Watched) -> bool:
    """Return whether the two ports are read in the same way, by the same driver and as often."""
    a, b = one.plan, other.plan
    return (a.place.driver, a.channels, a.poll_interval_ns, a.freshness) == (
        b.place.driver,
        b.channels,
        b.poll_interval_ns,
        b.freshness,
    )


def _stands(place: Place) -> str:
    return f"at bed {place.bed}" if place.bed else "without a bed"


def _bed(place: Place | Seat) -> tuple[str, str]:
    return place.bed, place.ward
