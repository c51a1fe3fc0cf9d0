"""A simulated Acme pump: questions in, replies out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from acme_ascii.driver import ALARMS, NL_H_PER_COUNT, NL_PER_COUNT, ONE, STATUSES
from acme_ascii.protocol import DIALECT, AcmeServerFramer
from pumpd.core.telemetry import PumpStatus
from pumpd.errors import WireError
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel

CODES: Final = {status: code for code, status in STATUSES.items()}


class AcmeFace(PumpFace):
    """One pump."""

    def answer(self, payload: bytes) -> bytes:
        """Return the reply; WireError for what it does not understand."""
        self.catch_up()
        (model,) = self.models.values()
        if payload == b"I":
            return f"I{self.texts['serial_number']},{self.texts['firmware']}".encode()
        if payload == b"S":
            return b"S" + ",".join(self._said(model)).encode()
        if payload == b"H":
            model.pause()
            return b"HK"
        if payload == b"G":
            model.press_start()
            return b"GK"
        raise WireError(f"{payload!r} is no question")

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of a question."""
        return b"N%s%02d" % (payload[:1], code)

    def _said(self, model: PumpModel) -> list[str]:
        present = model.present_alarms()
        near = PumpStatus.RUNNING if model.status.delivers else PumpStatus.STOPPED
        shown = {
            "status": CODES.get(model.status, CODES[near]),
            "flow": str(model.shown_flow_nl_h // NL_H_PER_COUNT),
            "set flow": str(model.set_rate_nl_h // NL_H_PER_COUNT),
            "volume": str(model.delivered_nl // NL_PER_COUNT),
            "alarm": next((code for code, alarm in ALARMS.items() if alarm in present), "0"),
        }
        return list((shown | self.forced).values())


def made(
    models: dict[str, PumpModel], serial_number: str, firmware: str, now_ns: Callable[[], int]
) -> AcmeFace:
    """Return a pump."""
    return AcmeFace(models, {"serial_number": serial_number, "firmware": firmware, "model": "A-1"}, now_ns)


KIND: Final = SimulatedKind(
    dialect=DIALECT.name,
    server_framer=AcmeServerFramer,
    face=made,
    channels={
        str(ONE): Sayings(
            statuses=frozenset(STATUSES.values()),
            alarms=frozenset(ALARMS.values()),
            steps={"flow": NL_H_PER_COUNT, "set flow": NL_H_PER_COUNT, "volume": NL_PER_COUNT},
            odd_status={"status": "?"},
            odd_alarm={"alarm": "8"},
            odd_flow={"flow": "99999"},
        )
    },
    tells=frozenset({"serial_number", "firmware"}),
)
