"""Whom the daemon listens to, read anew while it runs."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pumpd.config import load
from pumpd.daemon.permission import Permission
from pumpd.daemon.reloads import Reloads
from pumpd.demo_files import copied_demo
from pumpd.qa.seeded_keys import seeded_signer

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
