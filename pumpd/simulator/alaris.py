"""A simulated Alaris / Asena syringe pump: messages in, replies out; control only while it is refreshed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.errors import WireError
from pumpd.protocols.alaris import DIALECT, AlarisServer
from pumpd.protocols.alaris_frame import code_of
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import FLOWING

ALARMS: Final = {
    PumpAlarm.OCCLUSION: "AL_OCCLU",
    PumpAlarm.FAULT: "AL_FAULT",
    PumpAlarm.BATTERY_DEPLETED: "AL_EMBAT",
    PumpAlarm.END: "AL_EOIST",
    PumpAlarm.NEAR_END: "AL_NEOIN",
    PumpAlarm.BATTERY_LOW: "AL_LWBAT",
}
"""In the order in which the one that is told is chosen."""
REMOTE_NS: Final = 5 * NS_PER_S
"""How long control lasts without being refreshed: not known of the pump, taken here."""


class AlarisFace(PumpFace):
    """One pump."""

    def __init__(
        self, models: dict[str, PumpModel], serial_number: str, firmware: str, now_ns: Callable[[], int]
    ) -> None:
        """Make it; it permits remote control unless ``permits`` is taken away, as newer software does."""
        super().__init__(
            models, {"serial_number": serial_number, "firmware": firmware, "model": "Asena"}, now_ns
        )
        self.permits = True
        self._remote_until_ns: dict[str, int] = {}
        self._lapsed = False

    @property
    def model(self) -> PumpModel:
        """Its one channel."""
        return self.models["1"]

    def catch_up(self) -> None:
        """Let time pass; control that nobody refreshed lapses with an alarm."""
        super().catch_up()
        if any(until_ns < self._last_ns for until_ns in self._remote_until_ns.values()):
            self._remote_until_ns, self._lapsed = {}, True

    def answer(self, payload: bytes) -> bytes:
        """Return the reply; WireError, which is silence, for what it does not know."""
        self.catch_up()
        name, *fields = payload.decode("ascii", "replace").split("^")
        told = {
            "COMMS_PROTOCOL": self.texts["firmware"],
            "INST_SERIALNO": self.texts["serial_number"],
            "COMMS_RESPONSE_MAX": "4000^ms",
            "ALARM": f"{self._alarm()}^ ^ ",
            "INF_VI": f"{_decimals(self.model.delivered_nl, 3)}^ml",
            "INF": self._infusion(),
            "INF_RATE": f"{_decimals(self.model.set_rate_nl_h, 2)}^ml/h",
        }
        if name in told and not fields:
            return f"{name}^{told[name]}".encode()
        if name in {"REMOTE_CTRL", "REMOTE_CFG"} and fields:
            return self._remote(name, fields)
        return self._done(name, fields, obeys=bool(self._remote_until_ns) and not self.model.locked)

    def refuse(self, payload: bytes, code: int) -> bytes:
        """No refusal of any code is known: silence."""
        raise WireError(f"{payload!r}: no refusal {code} is known")

    def _alarm(self) -> str:
        present = self.model.present_alarms()
        found = next((code for alarm, code in ALARMS.items() if alarm in present), "")
        lapsed = "AL_COMTO" if self._lapsed else "AL_NOALM"
        return str(self.forced.get("alarm", found or lapsed))

    def _infusion(self) -> str:
        model = self.model
        running = model.status in FLOWING
        shown = {
            "mode": "SET" if running else "HLD",
            "rate": _decimals(model.shown_flow_nl_h, 2),
        } | self.forced
        flag = "-" if self._alarm() == "AL_NOALM" else "A"
        mmhg = model.pressure_pa * 100_000 // 133_322
        return (
            f"{self.texts['serial_number']}^{flag}^{shown['mode']}^{shown['rate']}^ml/h^^"
            f"{_decimals(model.delivered_nl, 3)}^ml^{mmhg // 100}.{mmhg % 100:02}^mmHg^24+^EVENT^1"
        )

    def _remote(self, name: str, fields: list[str]) -> bytes:
        if fields[0] == "ENABLED":
            permitted = self.permits and fields[1:] == [code_of(self.texts["serial_number"])]
            if permitted:
                self._remote_until_ns[name] = self._last_ns + REMOTE_NS
                self._lapsed = False
            return f"{name}^ENABLED^****^{'PERMIT' if permitted else 'DENY'}^0^ms".encode()
        self._remote_until_ns.pop(name, None)
        return f"{name}^DISABLED^****^PERMIT^0^ms".encode()

    def _done(self, name: str, fields: list[str], *, obeys: bool) -> bytes:
        """Obey and echo; without remote control echo alone, which is why a restraint is read back."""
        model = self.model
        keys = {
            "INF_STOP": model.pause,
            "INF_START": model.press_start,
            "INF_VI_CLEAR": model.reset_counter,
        }
        if name in keys:
            if obeys:
                keys[name]()
        elif name == "INF_RATE" and fields[1:] == ["ml/h"]:
            rate_nl_h = int(float(fields[0]) * 100 + 0.5) * 10_000
            if obeys and 0 < rate_nl_h <= model.traits.highest_rate_nl_h:
                model.turn_rate(rate_nl_h)
            return f"INF_RATE^{_decimals(model.set_rate_nl_h, 2)}^ml/h".encode()
        else:
            raise WireError(f"{name} is not known")
        return "^".join([name, *fields]).encode()


def _decimals(millionths: int, places: int) -> str:
    """Return nanolitres in millilitres, rounded down."""
    scaled = millionths // 10 ** (6 - places)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}}"


KIND: Final = SimulatedKind(
    dialect=DIALECT.name,
    addresses=DIALECT.addresses,
    server_framer=AlarisServer,
    face=AlarisFace,
    channels={
        "1": Sayings(
            statuses=frozenset({PumpStatus.RUNNING, PumpStatus.PAUSED}),
            alarms=frozenset(ALARMS),
            steps={"flow": 10_000, "set flow": 10_000, "volume": 1_000, "pressure": 2},
            odd_status={"mode": "ZZZ"},
            odd_alarm={"alarm": "AL_WHAT"},
            odd_flow={"mode": "SET", "rate": "9999.99"},
        )
    },
    tells=frozenset({"serial_number", "firmware"}),
    firmware="[A-Za-z0-9. -]{0,8}",
)
