"""A small hospital of real programs for the page: a broker, simulated pumps, the daemon and the dashboard."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pumpd.config_fleet import COLUMNS
from tests.dashboard.people import prepare
from tests.dashboard.served import ROOT, Served, start
from tests.mosquitto import Mosquitto, free_port

BEDS = 6
WARD = """\
seed: 20260101
lines:
  - listen: modbus-tcp://127.0.0.1:{lines}
    pumps:
      - {{id: PUMP-01, unit: 1, map: reference-pump, serial_number: SIM-0001,
         channels: {{"1": {{rate: 42 mL/h, reservoir: 50 mL, running: true}}}}}}
      - {{id: PUMP-02, unit: 2, map: reference-pump, serial_number: SIM-0002,
         channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, to_be_infused: 1 mL, running: true}}}}}}
      - {{id: PUMP-03, unit: 3, map: reference-pump, serial_number: SIM-0003,
         channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, running: true}}}}}}
      - {{id: PUMP-04, unit: 4, map: reference-pump, serial_number: SIM-0004,
         channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL}}}}}}
      - {{id: PUMP-05, unit: 5, map: reference-pump, serial_number: SIM-0005,
         channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL, running: true}}}}}}
      - {{id: PUMP-06, unit: 6, map: reference-pump, serial_number: SIM-0006,
         channels: {{"1": {{rate: 10.5 mL/h, reservoir: 50 mL}}}}}}
"""
CONFIG = """\
site: clinic
node: ward-a
data_dir: {directory}/var
mqtt: {{host: 127.0.0.1, port: {mqtt}}}
library: {library}
dashboard: {{host: 127.0.0.1, port: {web}}}
fleet: fleet.csv
templates:
  - {{name: Low dose, drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, volume: 50 mL,
     duration_min: 120, dose: 0.1 mg/kg/h, dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h}}
pumps:
"""
ORDER = (
    ", programme: {drug: ketamine, concentration: 2 mg/mL, care_area: pain-clinic, weight: 70 kg,"
    " dose_min: 0.1 mg/kg/h, dose_max: 0.5 mg/kg/h, volume: 50 mL, duration_min: 120}"
)


def files(
    directory: Path, mqtt: int, pausable: int, contact: str, serials: Mapping[str, str]
) -> tuple[Path, Path, int]:
    """Write the configuration, the fleet and the ward; return the first and the last, and the page's port.

    Bed 1 runs at 1.2 mg/kg/h, over the limit; bed 2 is nearly finished; without an order 3 and 5 run, 4 and
    6 stand. The bed ``pausable`` has an order, too; with it, it and bed 2 may be paused; ``contact`` is a
    program to call, and ``serials`` are those of pumps that are plugged in at another's port.
    """
    lines, web = free_port(), free_port()
    ward, config = directory / "ward.yaml", directory / "pumpd.yaml"
    simulated = WARD.format(lines=lines).splitlines(keepends=True)
    for pump, serial in serials.items():
        at = next(i for i, line in enumerate(simulated) if pump in line)
        simulated[at] = re.sub("SIM-[0-9]+", serial, simulated[at])
    ward.write_text("".join(simulated))
    rows = [f"PUMP-{bed:02},pumpd project,REF-1,SIM-{bed:04},1.0\n" for bed in range(1, BEDS + 1)]
    (directory / "fleet.csv").write_text(",".join(COLUMNS) + "\n" + "".join(rows))
    library = ROOT / "config" / "demo" / "drug-library.yaml"
    text = CONFIG.format(directory=directory, mqtt=mqtt, library=library, web=web)
    if contact:
        text = f"alarms: {{contacts: [{{name: on call, kind: command, command: [{contact}]}}]}}\n" + text
    for bed in range(1, BEDS + 1):
        order = ORDER if bed < 3 or bed == pausable else ""
        order += ", enforcement: pause" if pausable and bed in {2, pausable} else ""
        text += (
            f"  - {{id: PUMP-{bed:02}, url: 'modbus-tcp://127.0.0.1:{lines}/{bed}', driver: reference-pump, "
            f"bed: '{bed}', ward: pain-clinic{order}}}\n"
        )
    config.write_text(text)
    return config, ward, web


@contextlib.contextmanager
def hospital(
    directory: Path, pausable: int = 0, contact: str = "", serials: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Served]:
    """Yield the page of a hospital in which every pump is live that is at its own port; see ``files``."""
    broker = Mosquitto(directory)
    config, ward, web = files(directory, broker.port, pausable, contact, serials)
    prepare(directory / "var")
    broker.start()
    programs = [
        start("-m", "pumpd.cli", "dashboard", "-c", str(config)),
        start("-m", "pumpd.cli", "simulate", "-c", str(ward)),
        start("-m", "pumpd.cli", "run", "-c", str(config)),
    ]
    made = Served(f"http://127.0.0.1:{web}", broker, programs[0], programs[2])

    def all_live(state: Any) -> bool:
        live = [p for p in state["pumps"] if p["not_live"] == "" and p["reading"] is not None]
        return len(live) == BEDS - len(serials)

    try:
        made.until("/api/state", all_live, within_s=40)
        yield made
    finally:
        for program in programs:
            program.send_signal(signal.SIGTERM)
        for program in programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(timeout=10)
            program.kill()
            program.wait()
        broker.stop()
