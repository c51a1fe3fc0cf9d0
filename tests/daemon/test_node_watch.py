"""The daemon tells what is wrong with its machine and with itself."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pumpd.certificate_files import ends_of_trust
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.core.conditions import ConditionId
from pumpd.daemon.node_watch import ThisMachine, machine_of
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.stand import stand_daemon, stand_ward
from pumpd.qa.virtual_time import run_virtual
from tests.config.test_certificates import WITH_TLS, write
from tests.shown import show

pytestmark = pytest.mark.requirement("NODE-1")


def test_a_task_that_ends_by_itself_is_told_and_started_again(tmp_path: Path) -> None:
    """Whatever part of the daemon ends, the node says which and why; a minute later it is well again."""

    async def play() -> None:
        async with stand_ward(tmp_path, MemoryBroker()) as ward, stand_daemon(ward) as daemon:
            app = daemon.hospital.app
            assert app is not None
            ends = iter([RuntimeError("gone")])

            async def part() -> None:
                for error in ends:
                    raise error
                await asyncio.Event().wait()

            app._supervisor.start("pumpd.part", part)
            await asyncio.sleep(2)
            alarm = app.ward.site_state.alarms[ConditionId.TASK_SILENT]
            assert alarm.title == "A part of pumpd stopped: pumpd.part: RuntimeError: gone"
            await asyncio.sleep(61)
            assert ConditionId.TASK_SILENT not in app.ward.site_state.alarms

    run_virtual(play())


@pytest.mark.real
async def test_this_machine_tells_its_disk_and_its_clock(tmp_path: Path) -> None:
    """The disk is the one that the folder is on; where nothing can be told, nothing is."""
    machine = ThisMachine(tmp_path, has_time_server=True)
    free = await machine.free_bytes()
    assert free is not None
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    assert await machine.synchronised() in {True, False, None}
    nowhere = ThisMachine(tmp_path / "nowhere", has_time_server=False)
    assert (await nowhere.free_bytes(), await nowhere.synchronised()) == (None, None)


def test_every_authority_that_is_trusted_is_watched_once(tmp_path: Path) -> None:
    """The broker's, the database's and those of contacts; one file that serves two of them is one."""
    show(tmp_path)
    (tmp_path / "mail.pem").write_bytes((tmp_path / "ca.pem").read_bytes())
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o600)
    file = write(tmp_path, WITH_TLS)
    file.write_text(
        "mqtt: {ca_file: ca.pem}\n"
        'history: {kind: influxdb, url: "https://db.example", token_file: token, ca_file: ca.pem}\n'
        "alarms: {contacts: [{name: a, kind: webhook, url: 'https://pager.example/', ca_file: mail.pem}]}\n"
        + file.read_text()
    )
    assert [file.name for file in machine_of(load(file))._trusted] == ["ca.pem", "mail.pem"]


async def test_the_certificates_of_the_configuration_are_read_anew_each_time(tmp_path: Path) -> None:
    """The page's, the broker's client's and the authority; a renewed file counts at once, a lost one not."""
    now = SystemClock().wall().replace(microsecond=0)
    show(tmp_path, days=40, now=now, name="node")
    show(tmp_path, days=20, now=now)
    file = write(tmp_path, WITH_TLS)
    mqtt = "mqtt: {ca_file: ca.pem, certificate_file: node.pem, certificate_key_file: node.key}\n"
    file.write_text(mqtt + file.read_text())
    machine = machine_of(load(file))
    authority = ("ca.pem", now + timedelta(days=3550))
    node = ("node.pem", now + timedelta(days=40))
    assert await machine.certificates() == [node, ("desk.pem", now + timedelta(days=20)), authority]
    (tmp_path / "desk.key").unlink()
    show(tmp_path, days=90, now=now)
    assert await machine.certificates() == [node, ("desk.pem", now + timedelta(days=90)), authority]
    (tmp_path / "node.pem").write_text("no certificate")
    (tmp_path / "ca.pem").unlink()
    assert await machine.certificates() == [("desk.pem", now + timedelta(days=90))]


def test_the_brokers_own_certificate_is_watched_as_it_was_last_shown(tmp_path: Path) -> None:
    """30 and 7 days before its end the engineer is told, also while the broker is away; a new one ends it."""

    async def play() -> None:
        broker = MemoryBroker()
        async with stand_ward(tmp_path, broker) as ward, stand_daemon(ward) as daemon:
            app = daemon.hospital.app
            assert app is not None

            async def shows(days: int) -> dict[ConditionId, str]:
                broker.shown_until = app.pipeline.now().wall + timedelta(days=days)
                broker.restart_empty()
                await asyncio.sleep(20)
                return told()

            def told() -> dict[ConditionId, str]:
                both = {ConditionId.CERTIFICATE_SOON, ConditionId.CERTIFICATE_ENDS}
                here = app.ward.site_state.alarms
                return {each: here[each].title for each in both if each in here}

            assert told() == {}
            soon = await shows(20)
            assert list(soon) == [ConditionId.CERTIFICATE_SOON]
            assert "the broker's certificate holds until" in soon[ConditionId.CERTIFICATE_SOON]
            near = await shows(6)
            assert list(near) == [ConditionId.CERTIFICATE_ENDS]
            broker.go_down()
            await asyncio.sleep(20)
            assert told() == near
            broker.come_up()
            assert await shows(40) == {}

    run_virtual(play())


def test_of_authorities_the_one_that_holds_longest_counts(tmp_path: Path) -> None:
    """While a new one takes the old one's place, both lie in the file."""
    now = SystemClock().wall().replace(microsecond=0)
    show(tmp_path, now=now)
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "ca.pem").read_bytes() + (tmp_path / "desk.pem").read_bytes())
    assert ends_of_trust(both) == now + timedelta(days=3550)
