"""Same seed and inputs, same bytes: a ward's wire is recorded in other processes and compared."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pumpd.core.quantities import NS_PER_S
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.simulator.acts import act
from pumpd.simulator.stage import make_pump
from pumpd.simulator.timeline import TimelineEvent
from pumpd.simulator.ward import load_ward
from tests.simulator.stages import WARD, written

ACTIONS = (
    {"action": "set-rate", "rate": "80 mL/h"},
    {"action": "block"},
    {"action": "unblock"},
    {"action": "clear"},
    {"action": "start"},
    {"action": "square-bolus", "volume": "2 mL", "over_s": 300},
    {"action": "bolus", "volume": "0.5 mL"},
    {"action": "mains-off"},
    {"action": "step-back", "volume": "0.05 mL"},
    {"action": "switch-off"},
    {"action": "switch-on"},
    {"action": "prime"},
)
MECHANISMS = ("{kind: syringe, restarts: 2, relief_left: 0.1 mL}", "{kind: volumetric}")


@in_virtual_time
async def _recorded(section, seed):
    """Return each second's reply and the true account of 20 min of chance events, as one digest."""
    face = make_pump(section, "", {}, seed).face
    model, chance = face.models["1"], random.Random(seed)
    found = hashlib.sha256()
    for _ in range(1200):
        model.advance(NS_PER_S)
        if chance.random() < 0.02:
            event = {"at_s": 0, "pump": "TCP-1"} | chance.choice(ACTIONS)
            try:
                act(model, TimelineEvent.model_validate(event))
            except ValueError as refusal:
                found.update(str(refusal).encode())
        found.update(face.answer(bytes.fromhex("01 04 0000 000e")))
        found.update(repr(model.account()).encode())
    return found.hexdigest()


def recordings(folder: Path) -> list[str]:
    """Return the digests of two mechanisms under two seeds."""
    found = []
    for mechanism in MECHANISMS:
        text = WARD.replace("running: true", f"running: true, mechanism: {mechanism}")
        section = load_ward(written(folder, text)).lines[0].pumps[0]
        found += [_recorded(section, seed) for seed in (1, 2)]
    return found


@pytest.mark.real
@pytest.mark.requirement("SIM-4")
def test_the_same_seed_gives_the_same_bytes_in_every_process(tmp_path):
    """Two processes with different PYTHONHASHSEED and this one agree; another seed or mechanism differs."""
    here = recordings(tmp_path)
    assert len(set(here)) == len(here)
    for hash_seed in ("1", "4711"):
        ran = subprocess.run(
            [sys.executable, "-m", "tests.simulator.test_same_bytes", str(tmp_path)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.split() == here


if __name__ == "__main__":
    sys.stdout.write("\n".join(recordings(Path(sys.argv[1]))))
