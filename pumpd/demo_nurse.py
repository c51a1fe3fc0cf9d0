"""The demo's nurse: begins an infusion at the first bed as a page would, and looks at the patient once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from pydantic import ValidationError

from pumpd.brokers import broker_of
from pumpd.config import Config
from pumpd.contract.infusion_payloads import AnswerPart, BeginPayload, ObservePayload, OrderPart
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import SnapshotPayload
from pumpd.contract.roles import Role
from pumpd.contract.topics import Topics
from pumpd.core.drug_library import Question
from pumpd.key_files import own_key
from pumpd.mqtt import Incoming, MqttConnection

NURSE: Final = "A. Nurse"
DOSE: Final = "0.3"
"""What the first pump of the demo's ward runs at, in mg/kg/h."""
WAITS_S: Final = 5.0
"""Until every pump has been read, so that the card is seen without an infusion first."""
LOOKS_AFTER_S: Final = 60.0
VALID_FOR_MS: Final = 5_000


class DemoNurse:
    """One person at one bed; asks for nothing that a visitor of the demo could not ask for."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pump = config.pumps[0]
        self._topics = Topics(config.site)
        self._seen: SnapshotPayload | None = None
        self._heard_s = 0.0
        """When, on the loop's clock."""
        self._read = asyncio.Event()
        self._connection = MqttConnection(
            broker_of(config),
            identifier="pumpd-demo-nurse",
            on_message=self._hear,
            subscriptions=((self._topics.snapshot(self._pump.id, "1"), 1),),
        )

    async def run(self) -> None:
        """Do it, and return; an infusion that is there already is left as it is."""
        await self._connection.run(self._care)

    async def _care(self) -> None:
        await self._read.wait()
        await asyncio.sleep(WAITS_S)
        seen = self._now()
        if seen.infusion is not None:
            return
        await self._ask("begin", BeginPayload.model_validate({**self._common("begin"), **self._begun()}))
        await asyncio.sleep(LOOKS_AFTER_S)
        seen = self._now()
        if seen.infusion is not None:
            asked = {**self._common("look"), "infusion": seen.infusion.id, "pain": 6, "sedation": "awake"}
            await self._ask("observe", ObservePayload.model_validate(asked))

    def _now(self) -> SnapshotPayload:
        assert self._seen is not None
        return self._seen

    def _common(self, what: str) -> dict[str, Any]:
        """Return what every command has; it holds for a few seconds of the node's own clock."""
        seen = self._now()
        waited_ms = round((asyncio.get_running_loop().time() - self._heard_s) * 1000)
        return {
            "id": f"demo-{what}-{seen.boot_id}"[:64],
            "dashboard": self._config.dashboard.id,
            "user": NURSE,
            "role": Role.NURSE,
            "boot_id": seen.boot_id,
            "expires_ms": seen.sent_ms + waited_ms + VALID_FOR_MS,
            "pump": self._pump.id,
            "channel": "1",
        }

    def _begun(self) -> dict[str, Any]:
        """Return what she types: the clinic's first template, for the patient of the first bed."""
        template, programme = self._config.templates[0], self._pump.programme
        assert programme is not None
        order = OrderPart(
            drug=template.drug,
            concentration=str(template.concentration),
            care_area=template.care_area,
            form=template.form,
            indication=template.indication,
            weight_kg=None if programme.weight is None else programme.weight.kg,
            dose=DOSE,
            dose_min=template.dose_min.digits(6),
            dose_max=template.dose_max.digits(6),
            dose_unit=template.dose_max.unit.value,
            volume_ml=None if template.volume is None else template.volume.ml,
            duration_min=template.duration_min,
        )
        return {
            "label": self._pump.label,
            "identifier": "demo-0001",
            "order": order,
            "template": template.name,
            "checked_by": "C. Second",
            "answers": [AnswerPart(ask=question.ask, yes=False) for question in self._checklist()],
        }

    def _checklist(self) -> tuple[Question, ...]:
        template, library = self._config.templates[0], self._config.library
        what = (template.drug, template.concentration, template.care_area)
        entry = library.lookup(*what, template.form, template.indication)
        return () if entry is None else entry.checklist

    async def _ask(self, verb: str, command: CommandPayload) -> None:
        topic = self._topics.command(self._config.node, verb)
        # She sits at the demo's own dashboard, and its key lies in the demo's own directory.
        signer = own_key(self._config.dashboard_key_file, self._config.dashboard.id)
        await self._connection.publish(topic, signer.message(topic, command))

    def _hear(self, message: Incoming) -> None:
        with contextlib.suppress(ValidationError):
            self._seen = SnapshotPayload.model_validate_json(message.payload)
            self._heard_s = asyncio.get_running_loop().time()
            if self._seen.reading is not None and not message.retained:
                self._read.set()
