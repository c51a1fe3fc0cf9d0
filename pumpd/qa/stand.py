"""A small ward for a test: simulated pumps, a broker and the real daemon, without a scenario's timeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pumpd.config_library import check_library
from pumpd.contract.payloads import SnapshotPayload
from pumpd.contract.topics import Topics
from pumpd.document import read_document
from pumpd.errors import ConfigError
from pumpd.example_files import EXAMPLES
from pumpd.qa.broker import MemoryBroker
from pumpd.qa.hospital import SITE, Hospital
from pumpd.qa.record import Record
from pumpd.qa.scenario import LoadedScenario, Scenario
from pumpd.simulator.faults import FaultDesk
from pumpd.simulator.model import PumpModel

LIBRARY: Final = EXAMPLES / "demo" / "drug-library.yaml"
"""The drug library of the demo: signed for simulated pumps."""
A_DAY_S: Final = 86_400


class StandWard:
    """Simulated pumps in memory, called PUMP-01, PUMP-02 ...; they live by the running loop's time."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital

    @property
    def pumps(self) -> tuple[str, ...]:
        """The pumps' names."""
        return tuple(self.hospital.beds.stage.pumps)

    def model(self, pump: str, channel: str = "1") -> PumpModel:
        """Return what a pump is at this moment: read it, press its keys, let things befall it."""
        face = self.hospital.beds.stage.pumps[pump].pump.face
        face.catch_up()
        return face.models[channel]

    def faults(self, pump: str) -> FaultDesk:
        """Return where faults of a pump's line are ordered; each pump has a line of its own, at unit 1."""
        return self.hospital.beds.stage.pumps[pump].served.line.faults


class StandDaemon:
    """The real daemon on a ward, as the broker shows it."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self._topics = Topics(SITE)

    def snapshot(self, pump: str, channel: str = "1") -> SnapshotPayload:
        """Return the retained whole picture of a channel; KeyError before there is one."""
        return SnapshotPayload.model_validate_json(
            self.hospital.broker.retained[self._topics.snapshot(pump, channel)]
        )

    def alarms(self, pump: str, channel: str = "1") -> dict[str, str]:
        """Return the alarms of a channel: condition -> on, acknowledged or latched."""
        return {alarm.condition: alarm.signal for alarm in self.snapshot(pump, channel).alarms}


@asynccontextmanager
async def stand_ward(
    directory: Path,
    broker: MemoryBroker,
    *,
    pump_count: int = 1,
    library: Path = LIBRARY,
    driver: str = "reference-pump",
    simulated: Mapping[str, Any] | None = None,
    seed: int = 1,
    **pump: Any,
) -> AsyncIterator[StandWard]:
    """Make equal pumps; ``pump`` and ``simulated`` hold the keys of a scenario's pump.

    ``directory`` keeps the journal. ConfigError when a key or the library is wrong.
    """
    document = read_document(library)
    found, problems = check_library(document)
    if problems or found is None:
        raise ConfigError(tuple(problems))
    pumps = [
        {
            "url": f"modbus-tcp://10.0.0.{at}:502/1",
            **pump,
            "id": f"PUMP-{at:02}",
            "driver": driver,
            "simulated": simulated or {},
        }
        for at in range(1, pump_count + 1)
    ]
    scenario = Scenario.model_validate({"title": "a stand", "duration_s": A_DAY_S, "pumps": pumps})
    loaded = LoadedScenario(Path("stand.yaml"), document.sha256, scenario, found)
    hospital = Hospital(loaded, seed, directory, Record(), broker=broker)
    await hospital.open()
    try:
        yield StandWard(hospital)
    finally:
        await hospital.close()


@asynccontextmanager
async def stand_daemon(ward: StandWard, settle_s: float = 5.0) -> AsyncIterator[StandDaemon]:
    """Start the daemon on a ward, and let it read every pump for ``settle_s``; it is stopped at the end."""
    hospital = ward.hospital
    await hospital.start()
    try:
        await asyncio.sleep(settle_s)
        yield StandDaemon(hospital)
    finally:
        await hospital.stop()
