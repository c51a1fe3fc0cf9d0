"""Requests from people, as they come over the network: checked, carried out once, answered."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from pumpd.clock import Clock
from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    InfusionCommand,
    ObservePayload,
    SwapPayload,
    TransferPayload,
)
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import AcknowledgePayload, PausePumpPayload, ReplyPayload
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
from pumpd.daemon.seams import CommandPort, Ward
from pumpd.errors import PumpdError, StoreError
from pumpd.mqtt import Incoming

LARGEST_BYTES = 16_384
LONGEST_AHEAD_MS = 10_000
"""A command may not be valid for longer: an old one can not lie in wait."""
ANSWERS_KEPT = 1_000
"""Answers kept for repeated ids; older ids are still known to the journal."""
UNDER_WAY = 64
"""Commands carried out at a time; more are refused."""

VERBS: dict[str, type[CommandPayload]] = {
    "acknowledge": AcknowledgePayload,
    "pause-audio": PauseAudioPayload,
    "resume-audio": ResumeAudioPayload,
    "shelve": ShelvePayload,
    "unshelve": UnshelvePayload,
    "accept": AcceptPayload,
    "off-line": OffLinePayload,
    "pause-pump": PausePumpPayload,
    "test-channel": TestChannelPayload,
    "begin": BeginPayload,
    "change": ChangePayload,
    "observe": ObservePayload,
    "end": EndPayload,
    "swap": SwapPayload,
    "transfer": TransferPayload,
}
"""What may be asked. There is no verb that starts a pump or raises a rate."""

UNKNOWN_OUTCOME = "pumpd was restarted while it paused the pump, and can not say whether it did: use the pump"

_log = structlog.get_logger("pumpd.commands")


class _RefusedError(Exception):
    """Why a command is not carried out, in words for the person who asked, and by which field."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


@dataclass(slots=True)
class CommandCounts:
    """How many commands came and what became of them, since start."""

    accepted_count: int = 0
    refused_count: int = 0
    dropped_count: int = 0
    """Not even answered: without a readable id there is nowhere to send an answer."""


class Commands:
    """Takes command messages and gives one answer to each; the same id always gets the same answer."""

    def __init__(
        self,
        ward: Ward,
        port: CommandPort,
        known: Callable[[str], bool],
        clock: Clock,
        reply: Callable[[ReplyPayload], None],
    ) -> None:
        """``known`` tells of ids carried out before, also by an earlier run; ``reply`` never waits."""
        self._ward = ward
        self._port = port
        self._known = known
        self._clock = clock
        self._reply = reply
        self._answers: OrderedDict[str, ReplyPayload | None] = OrderedDict()
        """None while it is under way."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts = CommandCounts()

    def take(self, message: Incoming) -> None:
        """Take one message; never raises and never waits."""
        command_id = ""
        try:
            command_id = _read_id(message)
            command = self._check(message)
        except _RefusedError as refused:
            self._refuse(command_id, refused)
            return
        if command.id in self._answers:
            answer = self._answers[command.id]
            if answer is not None:  # else it is under way, and its one answer will come
                self._reply(answer)
            return
        try:
            self._check_now(command)
        except _RefusedError as refused:
            self._answer(ReplyPayload(id=command.id, accepted=False, reason=str(refused)))
            return
        self._answers[command.id] = None
        task = asyncio.create_task(self._carry_out(command), name=f"command[{command.id}]")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is under way; a pause that was begun is seen through by those who carry it out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _refuse(self, command_id: str, refused: _RefusedError) -> None:
        reason = str(refused)
        if not command_id:
            self.counts.dropped_count += 1
            if self.counts.dropped_count == 1:
                _log.warning("command without a readable id dropped", reason=reason)
            return
        self.counts.refused_count += 1
        self._reply(ReplyPayload(id=command_id, accepted=False, reason=reason, field=refused.field))

    def _answer(self, answer: ReplyPayload) -> None:
        self.counts.accepted_count += answer.accepted
        self.counts.refused_count += not answer.accepted
        self._answers[answer.id] = answer
        self._answers.move_to_end(answer.id)
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        self._reply(answer)

    def _check(self, message: Incoming) -> CommandPayload:
        if message.retained:
            raise _RefusedError("a command must not be retained; it would be carried out again and again")
        verb = message.topic.rpartition("/")[2]
        model = VERBS.get(verb)
        if model is None:
            raise _RefusedError(f"unknown command {verb!r}; known are {', '.join(VERBS)}")
        try:
            return model.model_validate_json(message.payload, strict=True)
        except ValidationError as error:
            raise _RefusedError(_in_words(error), _first_field(error)) from None

    def _check_now(self, command: CommandPayload) -> None:
        if self._known(command.id):
            # Asked again: whoever carries it out knows what came of it, unless it was in an earlier run.
            if isinstance(command, PausePumpPayload) and command.boot_id != self._ward.boot_id:
                raise _RefusedError(UNKNOWN_OUTCOME)
            return
        if command.boot_id != self._ward.boot_id:
            raise _RefusedError("pumpd was restarted since your page was loaded; look again")
        if len(self._tasks) >= UNDER_WAY:
            raise _RefusedError(f"{UNDER_WAY} commands are under way; try again")
        ahead_ms = command.expires_ms - self._clock.monotonic_ns() // 1_000_000
        if ahead_ms < 0:
            raise _RefusedError(f"it came too late: it expired {-ahead_ms / 1000:.1f} s ago; ask again")
        if ahead_ms > LONGEST_AHEAD_MS:
            longest_s = LONGEST_AHEAD_MS / 1000
            raise _RefusedError(f"it expires {ahead_ms / 1000:.1f} s ahead; allowed are {longest_s:.0f} s")

    async def _carry_out(self, command: CommandPayload) -> None:
        accepted, reason, field = True, "", ""
        try:
            await self._ask(command)
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
        self._answer(ReplyPayload(id=command.id, accepted=accepted, reason=reason, field=field))

    async def _ask(self, command: CommandPayload) -> None:
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
        elif isinstance(command, InfusionCommand):
            await self._port.infusion(command)


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


def _read_id(message: Incoming) -> str:
    """Return the command's id so that even a refused one can be answered; refused when there is none."""
    if len(message.payload) > LARGEST_BYTES:
        raise _RefusedError(f"{len(message.payload)} bytes; at most {LARGEST_BYTES} are allowed")
    try:
        found = json.loads(message.payload)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(f"not JSON: {error}") from None
    command_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(command_id, str) or not is_command_id(command_id):
        raise _RefusedError("no id of 8 to 64 letters, digits and '-'")
    return command_id


def is_command_id(text: str) -> bool:
    """Return whether ``text`` may be the id of a command, and so the end of a reply's topic."""
    return 8 <= len(text) <= 64 and text.isascii() and text.replace("-", "a").isalnum()


def _first_field(error: ValidationError) -> str:
    """Return the key that the first problem is about."""
    keys = [step for step in error.errors(include_url=False)[0]["loc"] if isinstance(step, str)]
    return keys[-1] if keys else ""


def _in_words(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(str(step) for step in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(problems[:5])
