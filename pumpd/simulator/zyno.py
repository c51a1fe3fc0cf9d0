"""A simulated Zyno pump: messages in, replies out, and a log of what happened to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.errors import WireError
from pumpd.protocols.wire import Dialect
from pumpd.protocols.zyno import MIVA, NIMBUS_H, RING, ZynoServer
from pumpd.protocols.zyno_frame import Check, summed, xored
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import FLOWING

ALARMS: Final = {
    PumpAlarm.EMPTY: (3, 0),
    PumpAlarm.OCCLUSION_UPSTREAM: (9, 1),
    PumpAlarm.OCCLUSION: (9, 2),
    PumpAlarm.DOOR: (14, 0),
    PumpAlarm.FAULT: (18, 8),
    PumpAlarm.BATTERY_DEPLETED: (28, 0),
    PumpAlarm.BATTERY_LOW: (30, 0),
}
ENDED: Final = {
    PumpAlarm.OCCLUSION_UPSTREAM: (9, 4),
    PumpAlarm.OCCLUSION: (9, 4),
    PumpAlarm.BATTERY_DEPLETED: (13, 16),
    PumpAlarm.BATTERY_LOW: (13, 16),
}
"""What it writes when they are over; of others it writes nothing."""
BOLUS_NL: Final = NL_PER_ML
_VOLTS_E2: Final = 400


class ZynoFace(PumpFace):
    """One pump."""

    def __init__(
        self,
        models: dict[str, PumpModel],
        serial_number: str,
        firmware: str,
        now_ns: Callable[[], int],
        *,
        name: str,
    ) -> None:
        """Make it, switched on just then."""
        super().__init__(
            models, {"serial_number": serial_number, "firmware": firmware, "model": name}, now_ns
        )
        self.log: list[bytes] = []
        """The newest last; index 0 is the first that was ever written."""
        self.snapshots = False
        self._was = (PumpStatus.STANDBY, frozenset[PumpAlarm]())
        self.note(24, 1)

    @property
    def model(self) -> PumpModel:
        """Its one channel."""
        return self.models["1"]

    def note(self, kind: int, sub: int, data: bytes = b"") -> None:
        """Write an entry into the log."""
        at_s = (self._last_ns // NS_PER_S & 0xFFF_FFFF).to_bytes(4, "little")
        self.log.append((bytes((kind,)) + at_s + sub.to_bytes(2) + data).ljust(16, b"\0"))

    def catch_up(self) -> None:
        """Let time pass, and write down what it brought."""
        super().catch_up()
        status, present = self.model.status, self.model.present_alarms() & ALARMS.keys()
        was, stood = self._was
        self._was = (status, present)
        for ended in sorted({ENDED[alarm] for alarm in stood - present if alarm in ENDED}):
            self.note(*ended)
        if status in FLOWING and was not in FLOWING:
            self.note(1, 0)
        for event in sorted(ALARMS[alarm] for alarm in present - stood):
            self.note(*event)
        if status is PumpStatus.PAUSED and was is not status:
            self.note(2, 0)
        if "event" in self.forced:
            self.note(*self.forced.pop("event"))

    def answer(self, payload: bytes) -> bytes:
        """Return the reply; WireError, which is silence, for what it does not know."""
        self.catch_up()
        text = payload.decode("ascii", "replace")
        told = self._counters() | self._infusion()
        if text in told:
            return f"{'' if text[0] in ':*' else text}{told[text]}".encode()
        if asked := re.fullmatch("RE([0-9A-F]{8})", text):
            return f"{text}{self._entry(int(asked[1], 16))}".encode()
        return self._done(text)

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the one word with which it refuses, behind what it repeats."""
        del code
        text = payload.decode("ascii", "replace")
        echoed = "" if text[0] in ":*" else text if text[:2] == "RE" else text[:2]
        return f"{echoed}ERROR".encode()

    def _entry(self, index: int) -> str:
        newest = len(self.log) - 1
        at = newest - (newest - index) % RING
        return self.log[at].hex().upper() if at >= 0 else "FF" * 16

    def _infusion(self) -> dict[str, str]:
        model = self.model
        bolus = model.status is PumpStatus.BOLUS
        running = model.status in FLOWING and not bolus
        rate_nl_h = model.target_nl_h if running else 0
        left_nl = model.to_be_infused_left_nl or 0
        forced = self.forced
        return {
            "Q0": forced.get("mode", "CONT"),
            "Q3": f"{self._last_ns // NS_PER_S:08X}",
            "Q4": forced.get("unit", "ML/HR"),
            "Q5": _hundredths(model.delivered_nl),
            "Q6": _hundredths(left_nl),
            "Q7": forced.get("bolus", "1" if bolus else "0"),
            "Q8": _hundredths(model.target_nl_h if bolus else 0),
            "Q9": _hundredths(0),
            "QA": _hundredths(BOLUS_NL),
            "QC": "ML/HR",
            "QD": _hundredths(model.to_be_infused_nl),
            "QE": f"{3600 * model.to_be_infused_nl // max(1, model.set_rate_nl_h):08X}",
            "QF": "HR",
            "QG": _hundredths(model.traits.bolus_nl_h),
            "QH": "ERROR",
            "QI": "ERROR",
            ":INFU:RUN?": forced.get("running", "TRUE" if running or bolus else "FALSE"),
            ":INFU:RATE?": f"{rate_nl_h // 1_000_000}.{rate_nl_h // 10_000 % 100:02}",
        }

    def _counters(self) -> dict[str, str]:
        model, newest, on_s = self.model, len(self.log) - 1, self._last_ns // NS_PER_S
        sensed = f"{0x800 | (0x400 if model.status in FLOWING else 0) | 0xFF:03X}"
        return {
            "RN": f"{self.texts['serial_number']:8}",
            "RS": self.texts["firmware"],
            "RL": f"{'PUMPD 1.0':20}",
            "RM": "01",
            "RI": f"{max(0, newest - RING + 1) % RING:08X}{newest % RING:08X}",
            "R3": f"{model.delivered_nl // 100_000 & 0xFFFF:04X}",
            "R7": f"{_VOLTS_E2:04X}",
            "R8": f"{4600:04X}{model.delivered_nl // 23_000 & 0xFF_FFFF:06X}",
            "R9": f"{on_s:08X}",
            "RA": f"{1000:04X}{_VOLTS_E2:04X}",
            "RC": f"F{on_s & 0xFFF_FFFF:07X}",
            "RD": "00FF00FF",
            "S9": f"{sensed}0FF{_VOLTS_E2:03X}",
            "*IDN?": f"ZYNO,{self.texts['model'].upper()},{self.texts['serial_number']}",
            ":SERIAL?": self.texts["serial_number"],
            ":SERVICE:TIME?": f"{on_s:08X}",
            ":TOTAL:TIME?": f"{on_s:08X}",
        }

    def _done(self, text: str) -> bytes:
        """Obey and echo; a locked pump echoes alone, which is why a stop is read back."""
        model = self.model
        acts: dict[str, Callable[[], None]] = {
            "WT00": model.switch_off,
            "WT01": model.press_start,
            "WT02": model.pause,
            "KE51": model.switch_off,
            "KE61": model.press_start,
            "KE70": partial(model.give_bolus, BOLUS_NL),
            "KE81": model.press_stop,
        }
        if text in {"W00", "W01"}:
            self.snapshots = text == "W01"
            return b"W0"
        if text not in acts and not re.fullmatch("KE[1-8][0-2]", text):
            raise WireError(f"{text} is not known")
        if text in acts and not model.locked:
            acts[text]()
        return text.encode() if text.startswith("KE") else b"WT"


def _hundredths(nl: int) -> str:
    return f"{nl // 10_000:08X}"


def _kind(dialect: Dialect, name: str, check: Check) -> SimulatedKind:
    return SimulatedKind(
        dialect=dialect.name,
        addresses=dialect.addresses,
        server_framer=partial(ZynoServer, check),
        face=partial(ZynoFace, name=name),
        channels={
            "1": Sayings(
                # In a bolus the counter goes on by several steps while the log is read.
                statuses=frozenset({PumpStatus.RUNNING, PumpStatus.PAUSED, PumpStatus.STOPPED}),
                alarms=frozenset(ALARMS),
                steps={"flow": 10_000, "volume": 10_000},
                odd_status={"running": "WHAT"},
                odd_alarm={"event": (99, 7)},
                odd_flow={"running": "TRUE", "unit": "MG/HR"},
            )
        },
        tells=frozenset({"serial_number", "firmware"}),
        serial_bytes=8,
        firmware="[ -~]{1,8}",
    )


KIND_MIVA: Final = _kind(MIVA, "MIVA", summed)
KIND_NIMBUS_H: Final = _kind(NIMBUS_H, "Nimbus", xored)
