"""Looks once a second at the machine and the program that watch, and has what is wrong with them told."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pumpd.certificate_files import ends_of_chain, ends_of_trust
from pumpd.config import Config
from pumpd.core.certificates import Ends
from pumpd.core.conditions import ConditionId
from pumpd.core.node import NodeMemory, NodeMust, NodeSeen, looked, node_words
from pumpd.daemon.pipeline import Pipeline
from pumpd.daemon.seams import Publisher

LOOK_EVERY_S = 1.0
PROBE_EVERY_S = 10.0

_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


class Machine(Protocol):
    """What can be asked of the machine."""

    async def free_bytes(self) -> int | None:
        """Return what is free on the disk of the stores; None when it can not be told."""
        ...

    async def synchronised(self) -> bool | None:
        """Return whether the time of day follows a time server; None when it can not be told."""
        ...

    async def certificates(self) -> Sequence[Ends]:
        """Return until when those hold that the configuration names; one that can not be read is left out."""
        ...


class ThisMachine:
    """The machine that this process runs on."""

    def __init__(
        self,
        data_dir: Path,
        *,
        has_time_server: bool,
        shown: Sequence[Path] = (),
        trusted: Sequence[Path] = (),
    ) -> None:
        """``has_time_server`` is False where nobody promised one: its clock is then not judged.

        ``shown`` and ``trusted`` are files with certificates: this node's own, and those of authorities.
        """
        self._shown = shown
        self._trusted = trusted
        self._data_dir = data_dir
        self._has_time_server = has_time_server

    async def free_bytes(self) -> int | None:
        """Ask the file system, beside the loop: a disk that hangs must not hold it up."""
        try:
            return (await asyncio.to_thread(shutil.disk_usage, self._data_dir)).free
        except OSError:
            return None

    async def synchronised(self) -> bool | None:
        """Ask the kernel."""
        if not self._has_time_server:
            return None
        try:
            state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # all zero: only asks
        except (AttributeError, OSError):
            return None  # not Linux
        return None if state < 0 else bool(state != _TIME_ERROR)

    async def certificates(self) -> Sequence[Ends]:
        """Read the files anew, beside the loop: they are renewed while the daemon runs."""
        return await asyncio.to_thread(self._certificates)

    def _certificates(self) -> list[Ends]:
        found: list[Ends] = []
        for files, ends in ((self._shown, ends_of_chain), (self._trusted, ends_of_trust)):
            for file in files:
                with contextlib.suppress(OSError, ValueError):
                    found.append((file.name, ends(file)))
        return found


def machine_of(config: Config) -> ThisMachine:
    """Return this machine, with what ``config`` names of it."""
    here, mqtt = config.file.parent, config.mqtt
    page = config.dashboard_certificate
    shown = [here / mqtt.certificate_file] if mqtt.certificate_file else []
    called = [contact.ca_file for contact in config.alarms.contacts]
    trusted = [name for name in (mqtt.ca_file, config.history.ca_file, *called) if name]
    return ThisMachine(
        config.data_dir,
        has_time_server=config.machine.time_server,
        shown=[*shown, *([page[0]] if page else [])],
        trusted=[here / name for name in dict.fromkeys(trusted)],
    )


class NodeWatch:
    """Two tasks: one looks, one asks the machine, so that a machine that hangs keeps nobody from looking."""

    def __init__(
        self, pipeline: Pipeline, publisher: Publisher, machine: Machine | None, must: NodeMust
    ) -> None:
        self._pipeline = pipeline
        self._publisher = publisher
        self._machine = machine
        self._must = must
        self._memory = NodeMemory()
        self._told: dict[ConditionId, str] = {}
        self._ended: list[str] = []
        self.ended_count = 0
        """Tasks of the daemon that ended by themselves, since start."""
        self.free_bytes: int | None = None
        """Free on the disk of the stores when it was last asked; None when it can not be told."""
        self.synchronised: bool | None = None
        """Whether the time of day followed a time server then; None when it can not be told."""
        self.on_synchronised: Callable[[], None] = lambda: None
        """Called whenever the machine says that the time of day is true."""
        self.certificates: Sequence[Ends] = ()
        """Until when certificates held then."""

    def ended(self, task: str, reason: str) -> None:
        """Learn that a task of the daemon ended by itself."""
        self._ended.append(f"{task}: {reason}")
        self.ended_count += 1

    def lost(self, words: Sequence[str]) -> None:
        """Learn what was kept before this start and can not be read: people are told as long as it runs."""
        known = self._must.unreadable
        self._must = replace(self._must, unreadable=tuple(dict.fromkeys((*known, *words))))

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def probe(self) -> None:
        """Ask the machine until cancelled."""
        while self._machine is not None:
            self.free_bytes = await self._machine.free_bytes()
            self.synchronised = await self._machine.synchronised()
            if self.synchronised:
                self.on_synchronised()
            self.certificates = [*await self._machine.certificates(), *self._broker()]
            await asyncio.sleep(PROBE_EVERY_S)
        await asyncio.Event().wait()

    def _broker(self) -> list[Ends]:
        """Return until when the broker's own holds, as it showed it at the last connect."""
        until = self._publisher.shown_until
        return [] if until is None else [("the broker's certificate", until)]

    def look(self) -> None:
        """Look now, and have told what changed."""
        ended, self._ended = self._ended, []
        seen = NodeSeen(
            self._pipeline.now(),
            self.free_bytes,
            self.synchronised,
            self.certificates,
            self._publisher.up,
            tuple(ended),
        )
        self._memory = looked(self._memory, seen)
        on = [condition for condition, words in self._told.items() if words]
        words = node_words(self._memory, seen, self._must, on)
        for condition, reason in words.items():
            self._pipeline.technical(condition, reason)
        self._told = words
