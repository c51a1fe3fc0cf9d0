"""What was changed in configuration and drug library stands in the journal: who, old, new and why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pumpd.config import load
from pumpd.daemon.settings import MOST_LINES, Settings, settings_of
from tests.daemon.desk_scene import Scene, play

pytestmark = pytest.mark.requirement("AUDIT-3")
SHIPPED = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
CONFIG = """
site: clinic
node: ward-a
data_dir: data
library: library.yaml
alarms:
  contacts:
    - {name: charge nurse, kind: webhook, url: "https://pager.invalid/one-secret"}
pumps:
  - {id: PUMP-01, url: "modbus-tcp://127.0.0.1:5020/1", driver: reference-pump, ceiling: 60 mL/h, label: B.K.}
"""
ABOUT = "changed_by: E. Engineer\nchanged_why: the ward asked for it\n"


def _settings(directory: Path, config: str = CONFIG, library: str = "") -> Settings:
    (directory / "data").mkdir(exist_ok=True)
    (directory / "library.yaml").write_text(library or SHIPPED.read_text())
    (directory / "pumpd.yaml").write_text(config)
    return settings_of(load(directory / "pumpd.yaml"))


def _told(settings: Settings, fault: str = "") -> list[tuple[str, str]]:
    """Return what a run with these settings writes into its journal, and who did it."""

    async def story(scene: Scene) -> None:
        scene.journal.fault = fault
        settings.tell(scene.pipeline, scene.ward)
        await asyncio.sleep(0.5)

    events = play(story).outlet.happened("node", "configured")
    return [(event.detail, event.by) for _, event in events if event.journalled]


def test_the_first_run_has_nothing_to_compare_with_and_the_second_nothing_to_tell(tmp_path: Path) -> None:
    """What did not change is no line."""
    assert _told(_settings(tmp_path)) == []
    assert _told(_settings(tmp_path)) == []


def test_every_setting_and_limit_that_changed_is_a_line_with_old_and_new(tmp_path: Path) -> None:
    """By the name of the pump and the drug, wherever they stand in their files; told once."""
    _told(_settings(tmp_path))
    config = CONFIG.replace("60 mL/h", "80 mL/h").replace("ward-a", "ward-b") + ABOUT
    library = SHIPPED.read_text().replace("value: 1 mg/kg/h", "value: 0.9 mg/kg/h", 1)
    told = _told(_settings(tmp_path, config, library))
    entry = "entries[ketamine racemic hydrochloride pain-clinic chronic pain]"
    limit = f"drug library: {entry}.dose_rate.hard_max.value"
    assert sorted(told) == [
        (f"{limit}: 1 mg/kg/h -> 0.9 mg/kg/h (the ward asked for it)", "E. Engineer"),
        ("node: ward-a -> ward-b (the ward asked for it)", "E. Engineer"),
        ("pumps[PUMP-01].ceiling: 60 mL/h -> 80 mL/h (the ward asked for it)", "E. Engineer"),
    ]
    assert _told(_settings(tmp_path, config, library)) == []


def test_a_pump_that_comes_or_goes_is_told(tmp_path: Path) -> None:
    """With every setting it has; without a name the account counts that the file belongs to."""
    _told(_settings(tmp_path))
    more = '  - {id: PUMP-02, url: "modbus-tcp://127.0.0.1:5021/1", driver: reference-pump}\n'
    came, gone = _told(_settings(tmp_path, CONFIG + more)), _told(_settings(tmp_path))
    assert ("pumps[PUMP-02].driver: not there -> reference-pump") in [words for words, _ in came]
    assert ("pumps[PUMP-02].driver: reference-pump -> not there") in [words for words, _ in gone]
    assert {by for _, by in came} == {(tmp_path / "pumpd.yaml").owner()}


def test_whom_to_reach_where_and_who_lies_there_is_not_shown(tmp_path: Path) -> None:
    """That it changed is told; neither journal nor file holds the words."""
    _told(_settings(tmp_path))
    told = _told(_settings(tmp_path, CONFIG.replace("one-secret", "another-secret").replace("B.K.", "C.L.")))
    assert sorted(words for words, _ in told) == [
        "alarms.contacts[charge nurse].url: not shown -> not shown",
        "pumps[PUMP-01].label: not shown -> not shown",
    ]
    kept = (tmp_path / "data" / "settings.json").read_text()
    assert not any(word in kept for word in ("secret", "B.K.", "C.L."))


def test_what_the_journal_did_not_take_is_told_again(tmp_path: Path) -> None:
    """A broken disk, or a file that can not be written: the next run tells it."""
    _told(_settings(tmp_path))
    changed = CONFIG.replace("60 mL/h", "80 mL/h")
    assert _told(_settings(tmp_path, changed), fault="broken") == []
    told = _told(_settings(tmp_path, changed))
    assert [words for words, _ in told] == ["pumps[PUMP-01].ceiling: 60 mL/h -> 80 mL/h"]
    (tmp_path / "data" / "settings.anew").mkdir()
    assert len(_told(_settings(tmp_path))) == 1
    (tmp_path / "data" / "settings.anew").rmdir()
    assert len(_told(_settings(tmp_path))) == 1


def test_another_configuration_altogether_is_counted(tmp_path: Path) -> None:
    """A hundred lines say enough; how many more there are stands in the last one."""
    settings = _settings(tmp_path)
    settings.keep()
    other = Settings(settings.kept, {f"key {n}": "1" for n in range(MOST_LINES)}, "Eva", "")
    told = other.changes()
    assert len(told) == MOST_LINES + 1
    assert told[-1] == f"{len(settings.now)} more settings"
    settings.kept.write_text("[")
    assert other.changes() == []
