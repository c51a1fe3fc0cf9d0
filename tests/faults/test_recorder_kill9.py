"""kill -9 of a real daemon: its flight recording is there, and replays to what the daemon decided."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from pumpd.cli_words import start_log
from pumpd.qa.comparison import Comparison, compare, decisions
from pumpd.qa.replay import Replayed, replay
from pumpd.simulator.stage import Stage
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.ward import Ward
from pumpd.store.recording import Kind, Recording, read_recording
from tests.faults.nursery import Nursery
from tests.waiting import until

LIBRARY = Path(__file__).parents[2] / "config" / "demo" / "drug-library.yaml"
CONFIG = """\
site: clinic
node: ward-a
data_dir: var
library: {library}
mqtt: {{port: 9}}
pumps:
  - id: PUMP-01
    url: modbus-tcp://{where}/1
    driver: reference-pump
    label: B.K.
    poll_interval_s: 0.1
    programme: {{drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,
                dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}}
"""
WARD = {
    "seed": 1,
    "lines": [
        {
            "listen": "modbus-tcp://127.0.0.1:0",
            "pumps": [
                {
                    "id": "PUMP-01",
                    "map": "reference-pump",
                    "serial_number": "SIM-1",
                    "channels": {"1": {"rate": "10.5 mL/h", "reservoir": "50 mL", "running": True}},
                }
            ],
        }
    ],
}
TEN_FOLD = {"at_s": 0, "pump": "PUMP-01", "action": "set-rate", "rate": "105 mL/h"}


def _read(file: Path) -> Recording | None:
    return read_recording(file) if file.exists() and file.stat().st_size else None


@pytest.mark.real
@pytest.mark.requirement("REC-2", "REC-4")
async def test_a_killed_daemon_leaves_a_recording_that_replays_to_its_alarms(tmp_path: Path) -> None:
    """A ten-fold rate on a real socket, then kill -9: the replay raises what was raised then."""
    stage = Stage(Ward.model_validate(WARD))
    await stage.open()
    nursery = None
    try:
        where = stage.lines[0].where
        config = tmp_path / "pumpd.yaml"
        config.write_text(CONFIG.format(library=LIBRARY, where=where))
        nursery = await Nursery.open(config, tmp_path / "log")
        await nursery.start()
        file = tmp_path / "var" / "recordings" / "PUMP-01" / "00000001.pumprec"
        await until(lambda: bool((found := _read(file)) and [*found.of(Kind.IN)]))
        stage.play(TimelineEvent.model_validate(TEN_FOLD))
        await until(lambda: bool((found := _read(file)) and len(decisions(found)) > 0))
        await nursery.end(signal.SIGKILL)
    finally:
        if nursery is not None:
            await nursery.close()
        await stage.close()
    recording = read_recording(file)
    whats = [decision.what for decision in decisions(recording)]
    assert "over-hard raised HIGH" in whats
    assert recording.head["pumps"][0]["section"]["label"] == "B.K."
    replayed = await asyncio.get_running_loop().run_in_executor(None, _replayed, recording)
    # The question that was on its way when it was killed has no answer in the recording.
    assert sum(replayed.counts.unanswered.values()) <= 1
    found = compare(decisions(recording), decisions(replayed.recording), recording.ended_ns)
    assert found == Comparison((), ())


def _replayed(recording: Recording) -> Replayed:
    start_log("critical")
    return replay(recording)
