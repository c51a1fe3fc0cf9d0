"""A simulated Fresenius module or pump: sessions, variables, control, and what it tells unasked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.errors import WireError
from pumpd.protocols.fresenius import ORCHESTRA, PILOT, BaseServer, PilotServer
from pumpd.protocols.fresenius_frame import ENQ, NAK
from pumpd.protocols.wire import Dialect, ServerFramer
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel

ALARM_BITS: Final = tuple(alarm for alarm in PumpAlarm if alarm is not PumpAlarm.FAULT)
"""Which bit is which is not known of the pump; this order is taken here. A fault is its error."""
NL_H_PER_STEP: Final = 100_000
NL_PER_STEP: Final = 1_000
LINK_ERROR: Final = 0x100
"""Beyond it a code of ``refuse`` is the character behind a NAK."""


class FreseniusFace(PumpFace):
    """One pump; the first of its line answers for the base, too."""

    def __init__(
        self,
        models: dict[str, PumpModel],
        serial_number: str,
        firmware: str,
        now_ns: Callable[[], int],
        *,
        base: bool,
    ) -> None:
        """Make it; ``base`` says that it is plugged into one, whose session its own needs."""
        texts = {"serial_number": serial_number, "firmware": firmware, "model": "DPS"}
        super().__init__(models, texts, now_ns)
        self.base_connected = not base
        self.connected = False
        self.controlled = False
        self._watched = ""
        self._told: dict[str, str] = {}

    @property
    def model(self) -> PumpModel:
        """Its one channel."""
        return self.models["1"]

    def answer(self, payload: bytes) -> bytes:
        """Return a line for each frame; WireError, which is silence, when the host only takes note."""
        self.catch_up()
        text = payload.decode("ascii", "replace")
        if text in {"E", "M"}:
            raise WireError("the host has taken note of what was told unasked")
        name, _, data = text.removeprefix("0").partition(";")
        said = self._of_base(name, data) if text[0] == "0" else self._of_pump(name, data)
        return f"{self._unasked()}{said}".encode()

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of anything; a link error as a NAK."""
        del payload
        return b"%s%d" % (NAK, code - LINK_ERROR) if code > LINK_ERROR else b"I;%02X" % code

    def _unasked(self) -> str:
        """Return what has changed of the variables that the host wants to be told, after an ENQ."""
        told = {letter: self._variables()[letter] for letter in self._watched}
        changed = [letter + value for letter, value in told.items() if self._told.get(letter) != value]
        self._told = told
        return f"{ENQ.decode()}\nE;{';'.join(changed)}\n" if changed else ""

    def _of_base(self, name: str, data: str) -> str:
        if name in {"DC", "FC"}:
            self.base_connected = name == "DC"
            return "C"
        if not self.base_connected:
            return "I;0D"
        return self._read(data, self._of_modules()) if name == "LE" else "I;01"

    def _of_modules(self) -> dict[str, str]:
        mask = sum(1 << unit - 1 for unit in self.beside)
        return {"i": f"{len(self.beside):02X}", "b": f"{mask:02X}"}

    def _of_pump(self, name: str, data: str) -> str:
        base = next(iter(self.beside.values()), self)
        if isinstance(base, FreseniusFace) and not base.base_connected:
            return "I;0D"
        if name in {"DC", "FC"}:
            self.connected = name == "DC"
            return "C"
        if not self.connected:
            return "I;1E"
        obeyed: dict[str, Callable[[str], str]] = {
            "LE": lambda letters: self._read(letters, self._variables()),
            "LF": lambda letters: f"C;b{self.texts['model']}" if letters == "b" else "I;0B",
            "LP": lambda _: "C;no drug",
            "MO": self._mode,
            "PO": self._pause,
            "PR": self._rate,
            "RV": self._reset,
            "DE": self._watch,
            "AE": self._watch,
        }
        return obeyed[name](data) if name in obeyed else "I;01"

    def _read(self, letters: str, variables: dict[str, str]) -> str:
        known = [letter + variables[letter] for letter in letters if letter in variables]
        return f"C;{';'.join(known)}" if letters and len(known) == len(letters) else "I;0B"

    def _variables(self) -> dict[str, str]:
        present = self.model.present_alarms()
        bits = sum(1 << at for at, alarm in enumerate(ALARM_BITS) if alarm in present)
        return {
            "a": f"{bits:04X}",
            "e": f"{PumpAlarm.FAULT in present:04X}",
            "m": "2" if self.controlled else "1",
            "d": f"{self.model.shown_flow_nl_h // NL_H_PER_STEP:04X}",
            "r": f"{self.model.delivered_nl // NL_PER_STEP:06X}",
        } | self.forced

    def _mode(self, wanted: str) -> str:
        if wanted not in {"1", "2"}:
            return "I;22"
        if self.controlled is (wanted == "2"):
            return "I;06"
        self.controlled = wanted == "2"
        return "C"

    def _objection(self) -> str:
        """Return why a command that changes delivery is refused."""
        if self.model.locked:
            return "I;20"
        if not self.controlled:
            return "I;02"
        return "I;12" if self.model.status is PumpStatus.ALARM else ""

    def _pause(self, _: str) -> str:
        objection = self._objection()
        if not objection:
            self.model.pause()
        return objection or "C"

    def _rate(self, digits: str) -> str:
        """Set the rate and run: how the pump takes it is not known, what it tells itself is taken here."""
        steps = int(digits, 16) if digits.isalnum() and set(digits) <= set("0123456789ABCDEF") else None
        if steps is None:
            return "I;04"
        if not 0 < steps * NL_H_PER_STEP <= self.model.traits.highest_rate_nl_h:
            return "I;08"
        objection = self._objection()
        if not objection:
            self.model.turn_rate(steps * NL_H_PER_STEP)
            self.model.press_start()
        return objection or "C"

    def _reset(self, _: str) -> str:
        self.model.reset_counter()
        return "C"

    def _watch(self, letters: str) -> str:
        """Tell changes of these from here on; none ends it."""
        if not set(letters) <= set(self._variables()):
            return "I;0B"
        self._watched = letters
        self._told = self._variables()
        return "C"


def _kind(dialect: Dialect, server: Callable[[], ServerFramer], *, base: bool) -> SimulatedKind:
    return SimulatedKind(
        dialect=dialect.name,
        addresses=dialect.addresses,
        server_framer=server,
        face=partial(FreseniusFace, base=base),
        channels={
            "1": Sayings(
                statuses=frozenset({PumpStatus.RUNNING, PumpStatus.STOPPED}),
                alarms=frozenset({PumpAlarm.OTHER}),
                steps={"flow": NL_H_PER_STEP, "volume": NL_PER_STEP},
                odd_status={"m": "7"},
                odd_alarm={"a": "8000"},
                odd_flow={"d": "----"},
            )
        },
        tells=frozenset(),
    )


KIND_BASE: Final = _kind(ORCHESTRA, BaseServer, base=True)
KIND_PILOT: Final = _kind(PILOT, PilotServer, base=False)
