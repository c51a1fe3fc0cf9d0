"""A simulated NeuroWave AP-4000: messages in, replies out, both channels in one; control only with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.errors import WireError
from pumpd.protocols.neurowave import DIALECT, NONE, NeuroWaveServer
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel

ALARMS: Final = {
    PumpAlarm.AIR: "PA.01",
    PumpAlarm.OCCLUSION: "PA.02",
    PumpAlarm.OCCLUSION_UPSTREAM: "PA.03",
    PumpAlarm.FAULT: "PE.01",
    PumpAlarm.NEAR_END: "PA.07",
    PumpAlarm.END: "PA.08",
    PumpAlarm.BATTERY_LOW: "BA.02",
    PumpAlarm.BATTERY_DEPLETED: "BA.03",
}
KEY_NS: Final = 120 * NS_PER_S
_FIELDS: Final = 100
_MOST: Final = 4


class NeuroWaveFace(PumpFace):
    """One pump of two channels."""

    def __init__(
        self, models: dict[str, PumpModel], serial_number: str, firmware: str, now_ns: Callable[[], int]
    ) -> None:
        """Make it; it gives control unless ``gives`` is taken away."""
        super().__init__(
            models, {"serial_number": serial_number, "firmware": firmware, "model": "AP-4000"}, now_ns
        )
        self.gives = True
        self._key = ("", 0)

    def answer(self, payload: bytes) -> bytes:
        """Return the reply; WireError, which is silence, for what it does not know."""
        self.catch_up()
        name, *fields = payload.decode("ascii", "replace").split("^")
        if name == "CONNREQ" and not fields:
            system = (self.texts["serial_number"], self.texts["firmware"])
            return "^".join([name, "v0.2", *system, "v1.0", *self._time(".")]).encode()
        if name == "STATREQ" and len(fields) == 1:
            return "^".join([name, *self._status()]).encode()
        if name == "CNTLREQ" and len(fields) == 4:
            known = fields == [self.texts["serial_number"], "1", *self._serial_numbers()]
            key = f"KEY{self._last_ns // NS_PER_S}" if known and self.gives else ""
            self._key = (key, self._last_ns + KEY_NS)
            return f"{name}^{fields[0]}^1^{key}".encode()
        if name in {"INFPAUS", "INFRESM", "INFPROG"} and len(fields) in {5, 11}:
            self._obey(name, fields)
            return payload
        raise WireError(f"{payload!r} is not known")

    def refuse(self, payload: bytes, code: int) -> bytes:
        """No refusal of any code is known: silence."""
        raise WireError(f"{payload!r}: no refusal {code} is known")

    def _serial_numbers(self) -> list[str]:
        return [f"{self.texts['serial_number']}-{channel}" for channel in self.models]

    def _time(self, point: str) -> tuple[str, str]:
        ms = self._last_ns // 1_000_000
        seconds = ms // 1000
        clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{ms % 1000:03}"
        return "2026-01-01", clock

    def _status(self) -> list[str]:
        """Return what follows the name; what is not known of the pump is no value here."""
        told = [NONE] * _FIELDS
        told[0], (told[2], told[3]), told[5] = self.texts["serial_number"], self._time(":"), "1"
        told[10] = str(self.forced.get("state", "0"))
        alarms = self._alarms()[:_MOST]
        told[11] = str(self.forced.get("count", len(alarms) or NONE))
        for at, (code, device) in enumerate(alarms):
            told[13 + 4 * at : 17 + 4 * at] = [code, device, "HIGH", "HP_PUMP"]
        for at, model in enumerate(self.models.values()):
            first, left_nl = 33 + 33 * at, model.to_be_infused_left_nl
            told[first] = self._serial_numbers()[at]
            told[first + 8] = _millilitres(model.to_be_infused_nl)
            told[first + 22] = _millilitres(model.delivered_nl)
            told[first + 24] = NONE if left_nl is None else _millilitres(left_nl)
            told[first + 27] = str(self.forced.get("rate", _millilitres(model.target_nl_h)))
        return told

    def _alarms(self) -> list[tuple[str, str]]:
        """Return codes and devices: those of the battery are the system's, and told once."""
        found = {
            (ALARMS[alarm], "SYSTEM" if ALARMS[alarm].startswith("BA") else f"PUMP{channel}"): None
            for channel, model in self.models.items()
            for alarm in ALARMS
            if alarm in model.present_alarms()
        }
        return [(str(self.forced["alarm"]), "SYSTEM")] if "alarm" in self.forced else list(found)

    def _obey(self, name: str, fields: list[str]) -> None:
        """Do what the order says of each channel, with a good key alone."""
        step = (len(fields) - 1) // 2
        heads = [fields[1 + at * step : 1 + (at + 1) * step] for at in range(2)]
        if fields[0] != self._key[0] or not fields[0] or self._last_ns > self._key[1]:
            return
        if [head[0] for head in heads] != self._serial_numbers():
            return
        for model, (_, *orders) in zip(self.models.values(), heads, strict=True):
            if model.locked or orders[0] == NONE:
                continue
            if name == "INFPROG":
                model.turn_rate(min(int(orders[0]) * 1_000_000, model.traits.highest_rate_nl_h))
            elif orders[0] == "1":
                (model.pause if name == "INFPAUS" else model.press_start)()


def _millilitres(nl: int) -> str:
    return f"{nl // 1_000_000}.{nl // 1_000 % 1_000:03}"


_SAYS: Final = Sayings(
    statuses=frozenset({PumpStatus.RUNNING, PumpStatus.STOPPED}),
    alarms=frozenset(ALARMS),
    steps={"flow": 1_000, "volume": 1_000, "volume to be infused": 1_000},
    odd_status={"rate": "WHAT"},
    odd_alarm={"alarm": "ZZ.99"},
    odd_flow={"rate": "1.0E3"},
)
KIND: Final = SimulatedKind(
    dialect=DIALECT.name,
    addresses=DIALECT.addresses,
    server_framer=NeuroWaveServer,
    face=NeuroWaveFace,
    channels={"1": _SAYS, "2": _SAYS},
    tells=frozenset({"serial_number", "firmware"}),
    serial_bytes=38,  # and -1 or -2 for its channels
    firmware="[A-Za-z0-9. -]{0,8}",
)
