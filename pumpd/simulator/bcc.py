"""A simulated rack of B. Braun pumps behind a ComDevice: a question in, a block for each pump out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pumpd.core.quantities import NS_PER_H, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.errors import WireError
from pumpd.protocols.bcc import DIALECT, PLACES, BccServer
from pumpd.protocols.bcc_frame import ACK, LAST, MORE, NAK, PLAIN
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import FLOWING

ALARMS: Final = {
    PumpAlarm.BATTERY_DEPLETED: "INA1",
    PumpAlarm.EMPTY: "INA2",
    PumpAlarm.OCCLUSION: "INA3",
    PumpAlarm.END: "INA7",
    PumpAlarm.FAULT: "INA9",
    PumpAlarm.BATTERY_LOW: "INA11",
    PumpAlarm.NEAR_END: "INA12",
    PumpAlarm.DOOR: "INA13",
    PumpAlarm.AIR: "INA15",
}
MODES: Final = {
    PumpStatus.BOLUS: "INM2",
    PumpStatus.STANDBY: "INM6",
    PumpStatus.KVO: "INM10",
    PumpStatus.PRIMING: "INM14",
}
WORDS: Final = frozenset({"ALARM1", "ALARM2", "STATUS1", "PREALARM"})
"""Where one of them is switched on, the single bits are gone."""
BED_ID: Final = "SpaceCOM"


class BccFace(PumpFace):
    """One rack."""

    def __init__(
        self, models: dict[str, PumpModel], serial_number: str, firmware: str, now_ns: Callable[[], int]
    ) -> None:
        """Make it; its ComDevice stuffs unless ``stuffs`` is taken away."""
        texts = {"serial_number": serial_number, "firmware": firmware, "model": "Space rack"}
        super().__init__(models, texts, now_ns)
        self.stuffs = True
        self.removed: dict[str, bool] = {}
        """Places whose pump was taken out; True once that was told."""
        self._blocks: Iterator[bytes] = iter(())
        self._said = b""

    def answer(self, payload: bytes) -> bytes:
        """Return a block; WireError, which is silence, for ACK and NAK where nothing is left to be said."""
        self.catch_up()
        if payload == ACK:
            self._said = next(self._blocks, b"")
        elif payload != NAK:
            self._blocks = self._answers(payload)
            self._said = next(self._blocks)
        if not self._said:
            raise WireError("nothing more is to be said")
        return self._said

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the ComDevice's refusal of anything."""
        del payload
        self._blocks = iter(())
        self._said = self._block(f"GNERR,{code}")
        return self._said

    def _block(self, *texts: str, place: str = "00", more: bool = False) -> bytes:
        """Return ``parameter,value`` of one address as a message."""
        said = "\x1e".join(f"{self._last_ns // NS_PER_S},501{place},{text}" for text in texts)
        return (b"" if self.stuffs else PLAIN) + f"{BED_ID}/1/1>{said}".encode() + (MORE if more else LAST)

    def _answers(self, payload: bytes) -> Iterator[bytes]:
        text = payload.removeprefix(PLAIN).removesuffix(LAST).decode("ascii", "replace")
        bed_id, _, question = text.partition("/1/1>")
        stuffed = not payload.startswith(PLAIN)
        places = [place for place in PLACES if place in self.models and not self.removed.get(place)]
        if stuffed is not self.stuffs or (bed_id != BED_ID and question != "ADMIN:ALIVE"):
            yield self._block("GNERR,68")
        elif question == "ADMIN:ALIVE":
            yield self._block("GNACK,0")
        elif question == "ADMIN:VERSION":
            yield self._block(f"V{self.texts['firmware']}")
        elif question.startswith("MEM:GETSLOT#"):
            place = question.removeprefix("MEM:GETSLOT#")
            yield self._pump(place, more=False) if place in places else self._block("GNERR,811")
        elif question != "MEM:GET":
            yield self._block("GNERR,68")
        elif not places:
            yield self._block("GNERR,11")
        else:
            for place in places:
                yield self._pump(place, more=place != places[-1])

    def _pump(self, place: str, *, more: bool) -> bytes:
        if place in self.removed:
            self.removed[place] = True
            return self._block("GNERR,39", place=place, more=more)
        told = self._told(self.models[place]) | self.forced
        if WORDS & told.keys():
            told = {name: value for name, value in told.items() if name[:3] not in {"INM", "INA"}}
        return self._block(*(f"{name},{value}" for name, value in told.items()), place=place, more=more)

    def _told(self, model: PumpModel) -> dict[str, str]:
        """Return what a pump tells, in the order of the specification's example."""
        bolus = model.status is PumpStatus.BOLUS
        shown_nl_h = model.shown_flow_nl_h if model.status is PumpStatus.KVO else model.set_rate_nl_h
        present = {ALARMS[alarm] for alarm in model.present_alarms() if alarm in ALARMS}
        modes = {"INM3"} if model.status in FLOWING else set()
        modes |= {MODES[model.status]} if model.status in MODES else set()
        modes |= {"INM8"} if model.on_mains else set()
        left_s = (
            model.reservoir_left_nl * NS_PER_H // (model.flow_nl_h * NS_PER_S) if model.flow_nl_h else 65535
        )
        told = {
            "GNMODEL": "688F030006",
            "INRT": _hundredths(shown_nl_h),
            "INVOLACT": _hundredths(model.reservoir_left_nl),
            "INRMT": str(min(65535, left_s)),
            "INVI": _tenths(model.delivered_nl),
            "INBORT": _hundredths(model.shown_flow_nl_h if bolus else model.traits.bolus_nl_h),
            "INSERNUM": self.texts["serial_number"],
            "DSSTATUS": "00051" if model.powered else "00050",
            "OPMODE": "0",
        }
        told |= {f"INM{bit}": "1" if f"INM{bit}" in modes else "0" for bit in range(1, 15)}
        told |= {f"INA{bit}": "1" if f"INA{bit}" in present else "0" for bit in range(1, 17)}
        return told | dict.fromkeys(("INM4", "INM9", "INA6", "INA10"), "_NV")


def _hundredths(nl: int) -> str:
    return f"{nl // 1_000_000}.{nl // 10_000 % 100:02}"


def _tenths(nl: int) -> str:
    """Return a counter, which stays at its end."""
    tenths = min(nl // 100_000, 99_999)
    return f"{tenths // 10}.{tenths % 10}"


_SAYINGS: Final = Sayings(
    statuses=frozenset({PumpStatus.RUNNING, PumpStatus.STOPPED, PumpStatus.STANDBY, PumpStatus.BOLUS}),
    alarms=frozenset(ALARMS),
    steps={"flow": 10_000, "set flow": 10_000, "volume": 100_000},
    odd_status={"INM3": "7"},
    odd_alarm={"INA17": "1"},
    odd_flow={"INM3": "1", "INRT": "1800.01"},
)
KIND: Final = SimulatedKind(
    dialect=DIALECT.name,
    addresses=DIALECT.addresses,
    server_framer=BccServer,
    face=BccFace,
    channels=dict.fromkeys(PLACES, _SAYINGS),
    tells=frozenset({"serial_number", "firmware"}),
    firmware="[A-Za-z0-9. -]{0,8}",
    rack=True,
)
