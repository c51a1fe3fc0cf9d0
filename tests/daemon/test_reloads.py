"""Whom the daemon listens to, read anew while it runs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pumpd.config import load
from pumpd.contract.envelope import SignedPayload
from pumpd.daemon import reloads
from pumpd.daemon.permission import NotAllowedError, Permission
from pumpd.daemon.reloads import Reloads
from pumpd.daemon.trusted import trusted_at_start
from pumpd.demo_files import copied_demo
from pumpd.qa.seeded_keys import seeded_signer
from tests.waiting import until

pytestmark = pytest.mark.requirement("KEY-1", "KEY-2")


def named(*names: str) -> str:
    lines = [f"  - {{id: {name}, keys: ['{seeded_signer(name).public.text}']}}" for name in names]
    return "dashboards:\n" + "\n".join(lines) + "\n"


async def test_what_the_file_names_is_listened_to_from_the_next_command_on(tmp_path: Path, capsys) -> None:
    """A key that was added holds, one that was taken out does not; a file with a fault changes nothing."""
    written: list[str] = []

    def note(*_: object, detail: str) -> None:
        written.append(detail)

    permission = Permission(())
    inside: Any = SimpleNamespace(
        publisher=SimpleNamespace(permission=permission),
        app=SimpleNamespace(ward=None, pipeline=SimpleNamespace(note=note)),
    )
    known: list[list[str]] = []
    with copied_demo(tmp_path) as files:
        shipped = files.config.read_text()
        started = load(files.config)
        for text in (named("desk", "wall"), named("wall"), "dashboards: nonsense\n"):
            files.config.write_text(shipped + text)
            await Reloads(started, inside).read()
            known.append([each.split()[0] for each in permission.known])
    assert known == [["desk", "wall"], ["wall"], ["wall"]]
    assert [len(detail.split(", ")) for detail in written] == [2, 1]
    said = capsys.readouterr().out
    assert "dashboards not read anew" in said
    assert "is not taken up" not in said


@pytest.mark.requirement("FLEET-2")
async def test_a_pump_that_an_engineer_adds_to_the_fleet_is_known_without_a_new_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What changed of the table is written down; a table with a fault changes nothing."""
    written: list[tuple[str, str]] = []

    def note(_owner: object, _kind: str, event: str, *, detail: str) -> None:
        written.append((event, detail))

    inside: Any = SimpleNamespace(
        publisher=SimpleNamespace(permission=Permission(())),
        app=SimpleNamespace(ward=None, pipeline=SimpleNamespace(note=note)),
    )
    with copied_demo(tmp_path) as files:
        files.config.write_text(files.config.read_text() + "fleet: fleet.csv\n")
        pumps = re.findall(r"\bid: (PUMP-\w+)", files.config.read_text())
        rows = [
            "asset number,make,model,serial number,firmware",
            *(f"{p},M,REF-1,{p},1" for p in sorted({*pumps})),
        ]
        table = files.config.with_name("fleet.csv")
        table.write_text("\n".join(rows))
        started = load(files.config)
        for more in (["NEW-01,M,REF-1,77,"], ["NEW-01,M,REF-1,77,", "NEW-02,,REF-1,78,"]):
            table.write_text("\n".join([*rows, *more]))
            await Reloads(started, inside).read()
    assert started.fleet is not None
    assert [str(pump) for pump in started.fleet.pumps[-1:]] == ["M REF-1 77"]
    assert [each for each in written if each[0] == "fleet"] == [("fleet", "NEW-01: not there -> M REF-1 77")]
    said = capsys.readouterr().out
    assert "dashboards not read anew" in said
    assert "is not taken up" not in said


@pytest.mark.requirement("CFG-5")
async def test_a_daemon_that_can_make_no_key_yet_listens_to_nobody_and_later_to_its_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its data directory is below a file: it says so and starts; once that is mended it makes the key."""
    monkeypatch.setattr(reloads, "AGAIN_EVERY_S", 0.01)
    noted: list[str] = []

    def note(*_: object, detail: str) -> None:
        noted.append(detail)

    with copied_demo(tmp_path) as files:
        started = load(files.config)
        started.data_dir.rmdir()
        started.data_dir.touch()
        permission = Permission(trusted_at_start(started))
        assert not permission.known
        said = capsys.readouterr().out
        assert f"{started.dashboard_key_file} can not be written: not a directory" in said
        envelope = SignedPayload.model_validate_json(seeded_signer("desk").sign("a/b", "{}"))
        with pytest.raises(NotAllowedError, match="listens to no dashboard now"):
            permission.signer("a/b", envelope)
        inside: Any = SimpleNamespace(
            publisher=SimpleNamespace(permission=permission),
            app=SimpleNamespace(ward=None, pipeline=SimpleNamespace(note=note)),
        )
        trying = asyncio.create_task(reloads.Reloads(started, inside).listen_in_time())
        await asyncio.sleep(0.1)
        assert not trying.done()
        started.data_dir.unlink()
        await asyncio.wait_for(trying, 10)
    (known,) = permission.known
    assert known.startswith("dashboard ")
    assert noted == [known]


@pytest.mark.real
@pytest.mark.requirement("CFG-5")
def test_a_first_start_without_a_disk_watches_all_the_same(tmp_path: Path) -> None:
    """On a data directory that can not be made ``run`` goes on, and ``dashboard`` says what to mend."""
    with copied_demo(tmp_path) as files:
        text = files.config.read_text()
        assert text.count("data_dir: data\n") == 1
        files.config.write_text(text.replace("data_dir: data\n", "data_dir: file/data\n"))
        (tmp_path / "file").touch()
        log = tmp_path / "log"
        words = [sys.executable, "-m", "pumpd.cli"]
        with log.open("w") as sink:
            program = subprocess.Popen([*words, "run", "-c", files.config], stderr=sink)
        try:
            asyncio.run(until(lambda: "watching" in log.read_text() or program.poll() is not None, 60))
            assert program.poll() is None, log.read_text()
            assert "no dashboard is listened to" in log.read_text()
        finally:
            program.terminate()
            program.wait(30)
        assert program.returncode == 0
        for verb, status, told in (("dashboard", 2, "remedy:"), ("check-config", 0, "note: nothing can be")):
            done = subprocess.run(
                [*words, verb, "-c", files.config], capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == status, done.stderr
            assert told in done.stdout + done.stderr
