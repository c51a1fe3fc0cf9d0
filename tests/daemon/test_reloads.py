"""Whom the daemon listens to, read anew while it runs."""

from __future__ import annotations

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
