"""A simulated ward for tests: written as its file would be, on ports that the system chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pumpd.simulator.stage import Stage
from pumpd.simulator.ward import load_ward

WARD = """\
seed: 5
lines:
  - listen: modbus-tcp://127.0.0.1:0
    pumps:
      - id: TCP-1
        map: reference-pump
        serial_number: SIM-0001
        channels: {"1": {rate: 10.5 mL/h, reservoir: 50 mL, to_be_infused: 40 mL, running: true}}
  - listen: modbus-rtu://PATH?baud=19200
    pumps:
      - {id: RTU-1, unit: 1, map: reference-pump, serial_number: SIM-0011, channels: {"1": {rate: 20 mL/h}}}
      - {id: RTU-2, unit: 2, map: reference-pump, serial_number: SIM-0012, channels: {"1": {rate: 30 mL/h}}}
"""


def written(folder: Path, text: str = WARD) -> Path:
    """Write a ward file whose serial line stands in ``folder``."""
    file = folder / "ward.yaml"
    file.write_text(text.replace("PATH", str(folder / "line-a")), encoding="utf-8")
    return file


@asynccontextmanager
async def open_stage(folder: Path, text: str = WARD) -> AsyncIterator[Stage]:
    """Serve the ward while the test runs."""
    stage = Stage(load_ward(written(folder, text)))
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()
