"""One infusion that goes on evenly while its daemon is killed, to see whether any of it is lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pumpd.config import load
from pumpd.core.quantities import NL_PER_ML
from pumpd.signing import Signer
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import RegisterFace
from tests.asking import signed
from tests.mosquitto import publish

RATE_NL_H = 17_500_000
"""0.5 mg/kg/h for 70 kg: the top of what was ordered, and just within the library."""
TICK_NL = NL_PER_ML // 1000
ORDER = {
    "drug": "ketamine",
    "concentration": "2 mg/mL",
    "care_area": "pain-clinic",
    "weight_kg": "70",
    "dose": "0.5",
    "dose_min": "0.1",
    "dose_max": "0.5",
    "dose_unit": "mg/kg/h",
    "volume_ml": "30",
}


@dataclass(slots=True)
class Steady:
    """A pump with an infusion; ``asked`` is what is to be sent to the daemon."""

    model: PumpModel
    face: RegisterFace
    pump: str
    port: int
    topics: str
    signer: Signer

    async def begin(self, config: Path, boot_id: str) -> str:
        """Ask for its beginning while the pump stands; return the command's id."""
        library = load(config).library
        assert library is not None
        (entry,) = [each for each in library.entries if str(each.concentration) == ORDER["concentration"]]
        answers = [{"ask": question.ask, "yes": False} for question in entry.checklist]
        more = {"label": "B.K.", "identifier": "1234", "checked_by": "C. Second"}
        return await self._ask("begin", boot_id, order=ORDER, answers=answers, **more)

    async def end(self, journal: Path, boot_id: str) -> str:
        """Ask for its end; return the command's id."""
        infusion = self.kept(journal)["infusion"]["id"]
        more = {"reason": "pain eased", "witness": "C. Second"}
        return await self._ask("end", boot_id, infusion=infusion, **more)

    def start(self) -> None:
        """Let a person start the pump."""
        self.face.catch_up()
        self.model.turn_rate(RATE_NL_H)
        self.model.press_start()

    def stop(self) -> None:
        """Let a person stop it."""
        self.face.catch_up()
        self.model.press_stop()

    def counted_nl(self) -> int:
        """Return what the pump's counter has come to, in whole steps."""
        return self.model.delivered_nl // TICK_NL * TICK_NL

    def kept(self, journal: Path) -> dict[str, Any]:
        """Return what the journal holds of it, read without pumpd."""
        db = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        try:
            ((body,),) = db.execute("SELECT body FROM durable WHERE pump = ?", (self.pump,)).fetchall()
        finally:
            db.close()
        watch: dict[str, Any] = json.loads(body)["watch"]
        return watch

    async def _ask(self, verb: str, boot_id: str, **more: object) -> str:
        command = {
            "id": f"steady-{verb}",
            "user": "Ann",
            "boot_id": boot_id,
            "expires_ms": time.monotonic_ns() // 1_000_000 + 10_000,  # noqa: TID251 - the daemon's own clock
            "pump": self.pump,
            "channel": "1",
            **more,
        }
        topic = f"{self.topics}/command/{verb}"
        await asyncio.to_thread(publish, self.port, topic, signed(self.signer, topic, command))
        return f"steady-{verb}"
