"""What a nurse types, as a dashboard sends it, for tests of the daemon."""

from __future__ import annotations

from typing import Any

from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    ObservePayload,
    SwapPayload,
    TransferPayload,
)
from pumpd.core.telemetry import PumpId
from tests.core.infusion_scene import NEVER, NO
from tests.daemon.orders import CHANNEL
from tests.daemon.ward_scene import WardScene

ORDER: dict[str, Any] = {
    "drug": "ketamine",
    "concentration": "2 mg/mL",
    "care_area": "pain-clinic",
    "weight_kg": "70",
    "dose": "0.3",
    "dose_min": "0.1",
    "dose_max": "0.5",
    "dose_unit": "mg/kg/h",
    "volume_ml": "35",
    "duration_min": 120,
}
ANSWERS = [{"ask": NO.ask, "yes": False}, {"ask": NEVER.ask, "yes": False}]


class Nurse:
    """Somebody at a dashboard; every request has an id of its own."""

    def __init__(self, scene: WardScene, number: int = 1) -> None:
        self.scene = scene
        self.number = number
        self.count = 0

    def _common(self, **more: Any) -> dict[str, Any]:
        self.count += 1
        return {
            "id": f"nurse-{self.number}-{self.count:04}",
            "dashboard": "d",
            "user": "A. Nurse",
            "role": "nurse",
            "boot_id": self.scene.app.ward.boot_id,
            "expires_ms": 0,
            "pump": f"PUMP-{self.number:02}",
            "channel": "1",
            **more,
        }

    @property
    def infusion(self) -> str:
        """The infusion on her pump."""
        watch = self.scene.app.ward.pumps[PumpId(f"PUMP-{self.number:02}"), CHANNEL].state.watch
        assert watch is not None
        return watch.infusion.id

    async def begin(self, order: dict[str, Any] | None = None, **more: Any) -> None:
        """Begin the infusion of B.K."""
        asked = {
            "label": "B.K.",
            "identifier": "1234",
            "order": ORDER if order is None else ORDER | order,
            "checked_by": "C. Second",
            "answers": ANSWERS,
            **more,
        }
        await self.scene.app.requests.infusion(BeginPayload.model_validate(self._common(**asked)))

    async def change(self, **more: Any) -> None:
        """Change the order or the dose."""
        watch = self.scene.app.ward.pumps[PumpId(f"PUMP-{self.number:02}"), CHANNEL].state.watch
        assert watch is not None
        on_screen = {"infusion": watch.infusion.id, "dose_revision": watch.infusion.ordered.dose_revision}
        more = {**on_screen, "version": 1, **more}
        await self.scene.app.requests.infusion(ChangePayload.model_validate(self._common(**more)))

    async def observe(self, **seen: Any) -> None:
        """Write down what was seen."""
        asked = self._common(**{"infusion": self.infusion, **seen})
        await self.scene.app.requests.infusion(ObservePayload.model_validate(asked))

    async def end(self, **more: Any) -> None:
        """End it."""
        asked = {"infusion": self.infusion, "reason": "no pain", "witness": "C. Second", **more}
        await self.scene.app.requests.infusion(EndPayload.model_validate(self._common(**asked)))

    async def swap(self, to: int, **more: Any) -> None:
        """Move it to another pump."""
        asked = {"infusion": self.infusion, "to_pump": f"PUMP-{to:02}", "to_channel": "1", "reason": "broken"}
        await self.scene.app.requests.infusion(SwapPayload.model_validate(self._common(**{**asked, **more})))

    async def transfer(self, bed: str, **more: Any) -> str:
        """Move patient and pump to another bed; return what else was done."""
        asked = {"infusion": self.infusion, "bed": bed, "reason": "recovery", **more}
        return await self.scene.app.requests.infusion(TransferPayload.model_validate(self._common(**asked)))
