"""A daemon whose disk is lost while an infusion flows, and what a backup taken meanwhile gives back."""

from __future__ import annotations

import asyncio
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from pumpd.backup import make_backup
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.core.telemetry import PumpAlarm
from pumpd.restore import restore_data
from pumpd.simulator.server import TcpLine
from pumpd.store.audit import verify_file
from tests.asking import signer_of
from tests.faults.kept import Kept, broken_threads
from tests.faults.nursery import Nursery
from tests.faults.steady import TICK_NL, Steady
from tests.faults.test_kill9 import (
    SNAPSHOT,
    STEADY,
    TOPICS,
    Witness,
    accepted,
    is_online_again,
    pumps_on_sockets,
    status,
    write_config,
)
from tests.mosquitto import Listener, missing, mosquitto
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.requirement("OPS-4", "INV-4"),
]
SOON_S = 30.0


async def test_alarms_and_infusions_go_on_after_a_restore(tmp_path: Path) -> None:
    """The infusion goes on and has given what its pump counted, also what flowed after the backup."""
    lines: list[TcpLine] = []
    journal = tmp_path / "data" / "journal.db"
    nursery = None
    with mosquitto(tmp_path) as broker:
        listener = Listener(broker.port, f"{TOPICS}/#", tmp_path / "heard")
        shown = Listener(broker.port, SNAPSHOT, tmp_path / "shown")
        witness = Witness(listener)
        try:
            models = await pumps_on_sockets(lines)
            alarming = models[0][0]
            config = write_config(tmp_path, broker.port, lines)
            steady = Steady(*models.pop(), STEADY, broker.port, TOPICS, signer_of(config))
            steady.stop()
            base_nl = steady.counted_nl()
            nursery = await Nursery.open(config, tmp_path / "log")
            await nursery.start()
            await until(partial(is_online_again, witness, ""), SOON_S)
            await accepted(witness, await steady.begin(config, witness.online))
            steady.start()
            await until(lambda: status(shown) == "running", SOON_S)
            alarming.raise_alarm(PumpAlarm.OCCLUSION)
            await until(lambda: raised(witness), SOON_S)
            made = await asyncio.to_thread(make_backup, load(config), tmp_path / "kept", SystemClock())
            at_backup_nl = steady.counted_nl()
            assert await nursery.end(signal.SIGKILL) == -signal.SIGKILL
            before = witness.hear().online
            shutil.rmtree(tmp_path / "data")
            restored = await asyncio.to_thread(
                restore_data, load(config), made.archive, SystemClock(), replace=False
            )
            assert restored.journal == made.journal
            steady.signer = signer_of(
                config
            )  # the key was no part of the backup: the dashboard has a new one
            await until(lambda: counted_now(steady) > at_backup_nl + 5 * TICK_NL, SOON_S)
            await nursery.start()
            await until(partial(is_online_again, witness, before), SOON_S)
            assert made.journal is not None
            assert verify_file(journal, [made.journal]).broken is None
            steady.stop()
            await until(lambda: status(shown) == "stopped", SOON_S)
            steady.signer = signer_of(config)  # a backup holds no private key: the first that starts made one
            await accepted(witness, await steady.end(journal, witness.online))
            flowed_nl = steady.counted_nl() - base_nl
            account = steady.kept(journal)
            assert (account["up_to"], abs(account["given_nl"] - flowed_nl) <= TICK_NL) == (False, True)
            assert len(raised(witness)) == 1, "it is still the same alarm"
            assert list(broken_threads(Kept.read(journal))) == []
            assert await nursery.end(signal.SIGTERM) == 0, (tmp_path / "log").read_text()[-2000:]
        finally:
            if nursery is not None:
                await nursery.close()
            listener.stop()
            shown.stop()
            for line in lines:
                await line.unplug()


def counted_now(steady: Steady) -> int:
    """Return what the pump's counter has come to while nobody asks it."""
    steady.face.catch_up()
    return steady.counted_nl()


def raised(witness: Witness) -> set[str]:
    """Return the id of each event that told, once it was on disk, of an occlusion that was raised."""
    return {
        event["id"]
        for event in witness.hear().events
        if event["alarm"]
        and event["alarm"]["condition"] == "occlusion"
        and event["event"] == "raise"
        and event["journalled"]
    }
