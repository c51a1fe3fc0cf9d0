"""Requests from people, as they come over the network: checked, carried out once, answered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from pumpd.clock import Clock
from pumpd.contract.infusion_payloads import InfusionCommand
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import AcknowledgePayload, PausePumpPayload, ReplyPayload
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.contract.quieting import (
    AcceptPayload,
    AlarmCommandPayload,
    OffLinePayload,
    PauseAudioPayload,
    ResumeAudioPayload,
    ShelvePayload,
    TestChannelPayload,
    UnshelvePayload,
)
from pumpd.core.acceptance import Accept
from pumpd.core.conditions import ConditionId
from pumpd.core.field_error import field_of
from pumpd.core.inactivation import PauseAudio, ResumeAudio, Shelve, TakeOffLine, Unshelve
from pumpd.core.state import Acknowledge, PersonSays
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.opening import Opened, RefusedError, opened, read
from pumpd.daemon.permission import Permission
from pumpd.daemon.refusals import Noted, plain_line
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.errors import PumpdError, StoreError
from pumpd.mqtt import Incoming

LONGEST_AHEAD_MS = 10_000
"""A command may not be valid for longer: an old one can not lie in wait."""
ANSWERS_KEPT = 1_000
"""Answers kept for repeated ids; older ids are still known to the journal."""
UNDER_WAY = 64
"""Commands carried out at a time; more are refused."""

UNKNOWN_OUTCOME = "pumpd was restarted while it paused the pump, and can not say whether it did: use the pump"

_log = structlog.get_logger("pumpd.commands")


@dataclass(frozen=True, slots=True)
class _Answered:
    """What was asked under an id, and its answer."""

    command: CommandPayload
    reply: ReplyPayload | None = None
    """None while it is under way."""


@dataclass(slots=True)
class CommandCounts:
    """How many commands came and what became of them, since start."""

    accepted_count: int = 0
    refused_count: int = 0
    dropped_count: int = 0
    """Of those refused, how many of unknown senders were neither answered nor written down: a flood."""


class Commands:
    """Takes command messages and gives one answer to each; the same id always gets the same answer."""

    def __init__(
        self,
        ward: Ward,
        port: CommandPort,
        known: Callable[[str], bool],
        clock: Clock,
        reply: Callable[[ReplyPayload], None],
        permission: Permission,
    ) -> None:
        """``known`` tells of ids carried out before, also by an earlier run; ``reply`` never waits."""
        self._ward = ward
        self._port = port
        self._known = known
        self._clock = clock
        self._reply = reply
        self._permission = permission
        self._answers: OrderedDict[str, _Answered] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._noted = Noted(clock)
        self.counts = CommandCounts()

    def take(self, message: Incoming) -> None:
        """Take one message; never raises and never waits."""
        it = opened(message)
        try:
            command = read(message, it, self._permission, self._ward)
            before = self._answers.get(command.id)
            if before is not None:
                self._again(command, before, it)
                return
            self._check_now(command)
        except RefusedError as refused:
            self._refuse(it, refused)
            return
        self._answers[command.id] = _Answered(command)
        task = asyncio.create_task(self._carry_out(command, it.digest), name=f"command[{command.id}]")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _again(self, command: CommandPayload, before: _Answered, it: Opened) -> None:
        """Give the answer that it got; RefusedError when it is another request, or one that lay in wait."""
        if command != before.command:
            raise RefusedError("its id is that of another request")
        if command.expires_ms < self._clock.monotonic_ns() // 1_000_000:
            raise RefusedError("it was asked before, and has expired since; it has no second effect")
        if before.reply is not None:  # else it is under way, and its one answer will come
            self._reply(before.reply.model_copy(update={"of": it.digest}))

    async def close(self) -> None:
        """End what is under way; a pause that was begun is seen through by those who carry it out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _refuse(self, it: Opened, refused: RefusedError) -> None:
        """Answer, and write it down; a flood of either is bounded, since strangers may cause it."""
        reason = str(refused)
        self.counts.refused_count += 1
        missed = self._noted.missed()
        if missed is not None:
            more = f"; {missed} more were refused and not written down" if missed else ""
            detail = f"{it.verb[:40]} {it.id or '(without an id)'}: {reason}{more}"
            self._port.refused(plain_line(detail), it.who)
        elif it.dashboard is None:
            self.counts.dropped_count += 1
            return
        if it.id:
            reply = ReplyPayload(id=it.id, of=it.digest, accepted=False, reason=reason, field=refused.field)
            if it.command is not None and it.id not in self._answers:
                self._answer(it.command, reply)
            else:
                self._reply(reply)

    def _answer(self, command: CommandPayload, answer: ReplyPayload) -> None:
        self._answers[answer.id] = _Answered(command, answer)
        self._answers.move_to_end(answer.id)
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        self._reply(answer)

    def _check_now(self, command: CommandPayload) -> None:
        if self._known(command.id):
            # Asked again: whoever carries it out knows what came of it, unless it was in an earlier run.
            if isinstance(command, PausePumpPayload) and command.boot_id != self._ward.boot_id:
                raise RefusedError(UNKNOWN_OUTCOME)
            if command.boot_id == self._ward.boot_id:
                raise RefusedError("its id is that of a request that was carried out before")
            return
        if command.boot_id != self._ward.boot_id:
            raise RefusedError("pumpd was restarted since your page was loaded; look again")
        if len(self._tasks) >= UNDER_WAY:
            raise RefusedError(f"{UNDER_WAY} commands are under way; try again")
        ahead_ms = command.expires_ms - self._clock.monotonic_ns() // 1_000_000
        if ahead_ms < 0:
            raise RefusedError(f"it came too late: it expired {-ahead_ms / 1000:.1f} s ago; ask again")
        if ahead_ms > LONGEST_AHEAD_MS:
            longest_s = LONGEST_AHEAD_MS / 1000
            raise RefusedError(f"it expires {ahead_ms / 1000:.1f} s ahead; allowed are {longest_s:.0f} s")

    async def _carry_out(self, command: CommandPayload, digest: str) -> None:
        accepted, reason, field = True, "", ""
        try:
            reason = await self._ask(command)
        except StoreError as error:
            # Done, but the journal could not take it; its own alarm tells so as well.
            reason = f"done, but it is not on disk and may not survive a restart: {error}"
        except (ValueError, PumpdError) as error:
            accepted, reason, field = False, str(error), field_of(error)
        except asyncio.CancelledError:
            self._answers.pop(command.id, None)
            raise
        except Exception:  # noqa: BLE001 - whoever asked must hear that it was not done
            _log.exception("command failed", id=command.id)
            accepted, reason = False, "pumpd failed to do it; use the pump, and tell an engineer"
        self.counts.accepted_count += accepted
        self.counts.refused_count += not accepted
        answer = ReplyPayload(id=command.id, of=digest, accepted=accepted, reason=reason, field=field)
        self._answer(command, answer)

    async def _ask(self, command: CommandPayload) -> str:
        """Have it done; return what was done beyond it, in words."""
        if isinstance(command, AlarmCommandPayload):
            pump = None if command.pump is None else PumpId(command.pump)
            channel = None if command.channel is None else ChannelId(command.channel)
            await self._port.say(pump, channel, _said(command), command.id)
        elif isinstance(command, TestChannelPayload):
            await self._port.test_channel(command.contact, command.user, command.id)
        elif isinstance(command, OffLinePayload):
            taken = TakeOffLine(command.user, command.for_s, command.reason)
            await self._port.say(PumpId(command.pump), ChannelId(command.channel), taken, command.id)
        elif isinstance(command, PausePumpPayload):
            await self._port.pause_pump(
                PumpId(command.pump), ChannelId(command.channel), command.user, command.reason, command.id
            )
        elif isinstance(command, ExchangePortsPayload):
            return await self._port.exchange_ports(command)
        elif isinstance(command, InfusionCommand):
            return await self._port.infusion(command)
        return ""


def _said(command: AlarmCommandPayload) -> PersonSays:
    """Return what the core is told; ValueError when there is no such alarm."""
    try:
        condition = ConditionId(command.condition)
    except ValueError:
        raise ValueError(f"unknown alarm {command.condition!r}") from None
    by = command.user
    match command:
        case PauseAudioPayload():
            return PauseAudio(condition, command.revision, by, command.for_s)
        case ShelvePayload():
            return Shelve(condition, command.revision, by, command.for_s, command.reason)
        case AcceptPayload():
            return Accept(condition, command.revision, by, command.reason)
        case AcknowledgePayload():
            return Acknowledge(condition, command.revision, by)
        case ResumeAudioPayload():
            return ResumeAudio(condition, by)
        case UnshelvePayload():
            return Unshelve(condition, by)
        case _:
            raise TypeError(f"{type(command).__name__}: nothing is known of it")
