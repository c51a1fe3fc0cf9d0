"""What people did during a recording, done again at the same time: answer alarms, and ask for a pause."""

from __future__ import annotations

import asyncio

from pumpd.contract.payloads import EventPayload
from pumpd.core.acceptance import Accept
from pumpd.core.conditions import ConditionId
from pumpd.core.inactivation import PauseAudio, ResumeAudio, Shelve, TakeOffLine, Unshelve
from pumpd.core.off_line import off_line_until
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Acknowledge, PersonSays
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.app import App
from pumpd.daemon.ports import EXCHANGE, arrive
from pumpd.store.recording import Kind, Recording

ASKED_BY_A_PERSON = "by a person: "
"""How the detail of a pause begins that a person asked for."""


class Hands:
    """People's commands as the recording holds them; lives on the loop of the replay."""

    def __init__(self, app: App, recording: Recording) -> None:
        self.refused: list[str] = []
        """What could not be done now, with the reason."""
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        for record in recording.of(Kind.EVENT):
            event = EventPayload.model_validate_json(record.payload)
            if event.kind == "alarm" and event.by:
                loop.call_at(record.at_ns / NS_PER_S, self._say, event)
            elif event.kind == "restraint" and event.event == "asked" and event.by:
                loop.call_at(record.at_ns / NS_PER_S, self._pause, event, record.number)
            elif event.kind == "command" and event.event == EXCHANGE:
                loop.call_at(record.at_ns / NS_PER_S, self._arrived, event)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _say(self, event: EventPayload) -> None:
        """Take the alarm as it is now: what this version counts as its revision may differ."""
        assert event.pump is not None
        assert event.channel is not None
        assert event.alarm is not None
        live = self._app.ward.pumps[PumpId(event.pump), ChannelId(event.channel)]
        condition = ConditionId(event.alarm.condition)
        alarm = live.state.alarms.get(condition)
        try:
            revision = 0 if alarm is None else alarm.revision
            self._app.pipeline.take(live, _said(event, condition, revision))
        except ValueError as error:
            self.refused.append(f"{event.pump}: {event.by}, {event.event}: {error}")

    def _arrived(self, event: EventPayload) -> None:
        """Say that a pump is where this recording's head has it already."""
        assert event.pump is not None
        assert event.channel is not None
        live = self._app.ward.pumps[PumpId(event.pump), ChannelId(event.channel)]
        arrive(self._app.pipeline, live, event.detail, event.by)

    def _pause(self, event: EventPayload, number: int) -> None:
        task = asyncio.get_running_loop().create_task(
            self._ask(event, number), name=f"replay.pause[{number}]"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, event: EventPayload, number: int) -> None:
        assert event.pump is not None
        assert event.channel is not None
        reason = event.detail.removeprefix(ASKED_BY_A_PERSON)
        try:
            await self._app.requests.pause_pump(
                PumpId(event.pump), ChannelId(event.channel), event.by, reason, f"replayed-{number:08}"
            )
        except ValueError as error:
            self.refused.append(f"{event.pump}: {event.by} asks for a pause: {error}")


def _said(event: EventPayload, condition: ConditionId, revision: int) -> PersonSays:
    """Return what a person said of an alarm, as the recording tells it."""
    assert event.alarm is not None
    if condition is ConditionId.OFF_LINE and event.event in {"raise", "worsen", "clear"}:
        until = event.alarm.allowed if event.event != "clear" else ""
        for_s = round((off_line_until(until) - event.at).total_seconds()) if until else 0
        return TakeOffLine(event.by, for_s, event.detail or event.alarm.measured)
    if event.event == "clear":
        return Accept(condition, revision, event.by, event.detail)
    quiet = event.alarm.inactivation
    if quiet is not None:
        for_s = round((quiet.until - quiet.at).total_seconds())
        if quiet.kind == "shelved":
            return Shelve(condition, revision, event.by, for_s, quiet.reason)
        return PauseAudio(condition, revision, event.by, for_s)
    if event.event == "resume-audio":
        return ResumeAudio(condition, event.by)
    if event.event == "unshelve":
        return Unshelve(condition, event.by)
    return Acknowledge(condition, revision, event.by)
