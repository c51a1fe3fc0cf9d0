"""What could not be told is told again, over every kind of channel, until somebody took it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from pumpd.channels.base import Channel
from pumpd.channels.command import Command
from pumpd.channels.mail import Mail
from pumpd.channels.syslog import SyslogChannel
from pumpd.channels.webhook import Webhook
from pumpd.clock import SystemClock
from pumpd.core.alarms import AlarmChanged
from pumpd.core.climb import EscalationEvent, EscalationPlan
from pumpd.core.conditions import ConditionId
from pumpd.core.site import SiteInput, SiteState, Technical, evaluate_site
from pumpd.core.state import Now
from pumpd.daemon.escalator import Calls, Escalator
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import Ward
from pumpd.syslog import Syslog
from tests.channels.servers import mail_server, web_server
from tests.channels.test_channels import free_port, script

pytestmark = [pytest.mark.real, pytest.mark.requirement("LIFE-3")]
LOST = ConditionId.LINE_LOST
Taken = Callable[[], list[str]]
"""Returns what has arrived, one text for each message."""
Server = AbstractAsyncContextManager[Taken]


class SiteAlone(Pipeline):
    """The door to the core for the node, without disk and network behind it."""

    def __init__(self, ward: Ward, clock: SystemClock) -> None:
        self.ward, self.clock = ward, clock
        self.changes: list[AlarmChanged] = []

    def take_site(self, given: SiteInput, command_id: str | None = None) -> None:
        now = Now(self.clock.monotonic_ns(), self.clock.wall())
        self.ward.site_state, changes = evaluate_site(self.ward.site_state, given, now)
        self.changes += changes


@contextlib.asynccontextmanager
async def _mails(port: int) -> AsyncIterator[Taken]:
    async with mail_server(port) as server:
        yield lambda: [str(mail["Message-ID"]) for mail in server.mails]


@contextlib.asynccontextmanager
async def _posts(port: int) -> AsyncIterator[Taken]:
    async with web_server(port) as server:
        yield lambda: [headers["idempotency-key"] for _, headers, _ in server.asked]


@contextlib.asynccontextmanager
async def _datagrams(path: Path) -> AsyncIterator[Taken]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        lines: list[str] = []

        def taken() -> list[str]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    lines.append(listening.recv(4000).decode())
            return lines

        yield taken


@contextlib.asynccontextmanager
async def _program(file: Path) -> AsyncIterator[Taken]:
    into = file.with_suffix(".paged")
    script(file.parent, f'cat >> "{into}"; echo >> "{into}"')
    yield lambda: [json.loads(line)["id"] for line in into.read_text().splitlines()] if into.exists() else []


def _ways(directory: Path) -> dict[str, tuple[Channel, Callable[[], Server]]]:
    """Return each kind of channel with the server that it does not reach yet."""
    mail, web = free_port(), free_port()
    log, page = directory / "log", directory / "page.sh"
    return {
        "smtp": (
            Mail("127.0.0.1", mail, "none", "pumpd@ward.invalid", "a@ward.invalid"),
            lambda: _mails(mail),
        ),
        "webhook": (Webhook(f"http://127.0.0.1:{web}/"), lambda: _posts(web)),
        "syslog": (SyslogChannel(Syslog(str(log), SystemClock())), lambda: _datagrams(log)),
        "command": (Command((str(page),)), lambda: _program(page)),
    }


@pytest.mark.parametrize("kind", ["smtp", "webhook", "syslog", "command"])
async def test_who_could_not_be_told_is_told_once_the_way_is_there(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt is taken down; the first that arrives is the last; ESCALATION_FAILING comes and goes."""
    monkeypatch.setattr("pumpd.daemon.escalator.AGAIN_FIRST_S", 0.05)
    channel, server = _ways(tmp_path)[kind]
    clock = SystemClock()
    plan = EscalationPlan((("nurse",),), (("nurse",),), high_after_s=0, medium_after_s=0)
    ward = Ward("clinic", "node-a", "boot", "1", "0" * 64, None, {}, SiteState(escalation=plan))
    pipeline = SiteAlone(ward, clock)
    escalator = Escalator(ward, Calls({"nurse": channel}), pipeline, clock, random.Random(1))

    def attempts(event: EscalationEvent) -> int:
        return sum(change.event is event for change in pipeline.changes if change.alarm.condition is LOST)

    def calling() -> bool:
        return any(task.get_name() == "pumpd.contact[nurse]" for task in asyncio.all_tasks())

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - servers of four kinds, none of which tells an event
                await asyncio.sleep(0.01)

    try:
        pipeline.take_site(Technical(LOST, present=True, detail="bed 3"))
        escalator.look()
        await until(lambda: attempts(EscalationEvent.NOT_TOLD) >= 2)
        assert ConditionId.ESCALATION_FAILING in ward.site_state.alarms
        async with server() as taken:
            await until(lambda: attempts(EscalationEvent.TOLD) == 1)
            await until(lambda: bool(taken()))
            await until(lambda: ConditionId.ESCALATION_FAILING not in ward.site_state.alarms)
            await until(lambda: not calling())
            escalator.look()
            assert not calling(), "nobody is left to be told, and no call is under way"
            assert len(taken()) == 1
        assert attempts(EscalationEvent.TOLD) == 1
    finally:
        await escalator.stop()
