"""A simulated New Era pump: commands in, replies out, a safe-mode timer behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pumpd.core.quantities import NS_PER_S
from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.protocols.new_era import (
    DIALECT,
    REFUSALS,
    NewEraServer,
)
from pumpd.protocols.new_era_numbers import NL_H_PER_UNIT, NL_PER_UNIT, digits, exact
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import FLOWING

LETTERS: Final = {PumpStatus.PAUSED: "P", PumpStatus.PRIMING: "X"}
ALARMS: Final = {PumpAlarm.OCCLUSION: "S", PumpAlarm.FAULT: "E"}
STEP_NL: Final = 1_000


class NewEraFace(PumpFace):
    """One pump. An alarm is told once, in place of the next answer."""

    def __init__(
        self, models: dict[str, PumpModel], serial_number: str, firmware: str, now_ns: Callable[[], int]
    ) -> None:
        texts = {"serial_number": serial_number, "firmware": firmware, "model": "NE-1000"}
        super().__init__(models, texts, now_ns)
        self._told: frozenset[str] = frozenset()
        self._unit = "MH"
        self._volume_unit = "ML"
        self._diameter = "26.59"
        self._direction = "INF"
        self._withdrawn = "0.000"
        self._safe_s = 0
        self._heard_ns: int | None = None
        self._timed_out = False

    @property
    def model(self) -> PumpModel:
        """Its one channel."""
        return self.models["1"]

    def catch_up(self) -> None:
        """Let time pass; a pump in safe mode that heard nothing for too long has stopped in it."""
        if self._safe_s and self._heard_ns is not None:
            ends_ns = self._heard_ns + self._safe_s * NS_PER_S
            if self._last_ns <= ends_ns < self._now_ns():
                self.model.advance(ends_ns - self._last_ns)
                self._last_ns = ends_ns
                self._timed_out, self._heard_ns = True, None
                self.model.pause()
        super().catch_up()

    def answer(self, payload: bytes) -> bytes:
        """Return status and data; what it does not know is refused with a question mark."""
        self.catch_up()
        command = payload.removeprefix(b"\x02").decode("ascii")
        packed = payload.startswith(b"\x02")
        if self._safe_s and not packed:
            return self._said(REFUSALS[4])
        alarm = self._alarm()
        if packed:
            self._heard_ns = self._last_ns
        if alarm:
            return f"A?{alarm}".encode()
        return self._said(self._done(command[:3], command[3:]))

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of any command."""
        del payload
        return self._said(REFUSALS[code])

    def _said(self, data: str) -> bytes:
        status = self.model.status
        letter = LETTERS.get(status, "I" if status in FLOWING else "S")
        if letter == "I" and self._direction == "WDR":
            letter = "W"
        return f"{self.forced.get('status', letter)}{data}".encode()

    def _alarm(self) -> str:
        """Return the letter of an alarm that it has not told."""
        if "alarm" in self.forced:
            return str(self.forced["alarm"])
        present = frozenset(ALARMS[alarm] for alarm in self.model.present_alarms() if alarm in ALARMS)
        present |= {"T"} if self._timed_out else frozenset()
        untold = sorted(present - self._told)
        self._told = (self._told & present) | frozenset(untold[:1])
        self._timed_out = self._timed_out and "T" not in untold[:1]
        return untold[0] if untold else ""

    def _done(self, name: str, argument: str) -> str:
        model = self.model
        running = model.status in FLOWING
        if model.locked and (argument or name in {"RUN", "STP", "PUR"}):
            return REFUSALS[2]
        if name == "STP":
            _stop(model)
        elif name in {"RUN", "PUR"}:
            if running:
                return REFUSALS[2]
            (model.press_start if name == "RUN" else model.prime)()
        elif name == "RAT":
            return self._rate(argument, running=running)
        elif name == "VOL":
            return self._volume(argument, running=running)
        elif name == "SAF":
            return self._safe(argument)
        elif name == "CLD" and argument in {"INF", "WDR"}:
            if running:
                return REFUSALS[2]
            if argument == "INF":
                model.reset_counter()
        elif name in {"DIA", "DIR"} and argument:
            return self._setting(name, argument, running=running)
        elif name:
            return self._told_of(name)
        return ""

    def _told_of(self, name: str) -> str:
        dispensed = f"I{digits(self.model.delivered_nl, NL_PER_UNIT['ML'])}W{self._withdrawn}ML"
        said = {
            "DIS": dispensed,
            "DIA": self._diameter,
            "DIR": self._direction,
            "VER": f"NE1000V{self.texts['firmware']}",
        }
        return said.get(name, REFUSALS[1])

    def _rate(self, argument: str, *, running: bool) -> str:
        rate_nl_h = self.model.target_nl_h if running else self.model.set_rate_nl_h
        if not argument:
            shown = f"{digits(rate_nl_h, NL_H_PER_UNIT[self._unit])}{self._unit}"
            return str(self.forced.get("rate", shown))
        number = argument.rstrip("MHU")
        unit = argument[len(number) :]
        if running and unit:
            return REFUSALS[2]
        new_nl_h = exact(number, unit or self._unit, NL_H_PER_UNIT)
        if new_nl_h is None or not 0 < new_nl_h <= self.model.traits.highest_rate_nl_h:
            return REFUSALS[3]
        self._unit = unit or self._unit
        self.model.turn_rate(new_nl_h)
        return ""

    def _volume(self, argument: str, *, running: bool) -> str:
        if not argument:
            return f"{digits(self.model.to_be_infused_nl, NL_PER_UNIT[self._volume_unit])}{self._volume_unit}"
        if running:
            return REFUSALS[2]
        if argument in NL_PER_UNIT:
            self._volume_unit = argument
            return ""
        volume_nl = exact(argument, self._volume_unit, NL_PER_UNIT)
        if volume_nl is None:
            return REFUSALS[3]
        self.model.programme(volume_nl)
        return ""

    def _setting(self, name: str, argument: str, *, running: bool) -> str:
        if running:
            return REFUSALS[2]
        if name == "DIR":
            if argument not in {"INF", "WDR", "REV"}:
                return REFUSALS[3]
            other = "WDR" if self._direction == "INF" else "INF"
            self._direction = other if argument == "REV" else argument
            return ""
        tenths_um = exact(argument, "MM", {"MM": 10_000})
        if tenths_um is None or not 1_000 <= tenths_um <= 500_000:
            return REFUSALS[3]
        self._diameter = digits(tenths_um, 10_000)
        return ""

    def _safe(self, argument: str) -> str:
        if not argument:
            return str(self._safe_s)
        if not argument.isdecimal() or int(argument) > 255:
            return REFUSALS[3]
        self._safe_s = int(argument)
        return ""


def _stop(model: PumpModel) -> None:
    """The first stop pauses the programme, the second ends it."""
    if model.status in FLOWING:
        model.pause()
    elif model.status is PumpStatus.PAUSED:
        model.press_stop()


KIND: Final = SimulatedKind(
    dialect=DIALECT.name,
    addresses=DIALECT.addresses,
    server_framer=NewEraServer,
    face=NewEraFace,
    channels={
        "1": Sayings(
            statuses=frozenset({PumpStatus.RUNNING, PumpStatus.STOPPED, PumpStatus.PAUSED}),
            alarms=frozenset(ALARMS),
            steps={"flow": STEP_NL, "set flow": STEP_NL, "volume": 10 * STEP_NL},
            odd_status={"status": "Q"},
            odd_alarm={"alarm": "Z"},
            odd_flow={"status": "I", "rate": "12345MH"},
        )
    },
    tells=frozenset({"firmware"}),
    firmware="[0-9.]{1,8}",
)
