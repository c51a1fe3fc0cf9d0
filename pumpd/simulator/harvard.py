"""Simulated Harvard and KD Scientific syringe pumps: commands in, lines and a prompt out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.protocols.harvard import ELITE, FL_PER_NL, REFUSALS, ULTRA, XON, HarvardServer, fl_s_of
from pumpd.protocols.wire import Dialect
from pumpd.simulator.face import PumpFace, Sayings, SimulatedKind
from pumpd.simulator.model import PumpModel
from pumpd.simulator.traits import FLOWING

_NUMBER: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?([munp])l?(?:/(h|m|s)\w*)?")
_NL: Final = {"m": 1_000_000, "u": 1_000, "n": 1, "p": 0.001}
_PER_H: Final = {"h": 1, "m": 60, "s": 3600}
_SETTINGS: Final = frozenset({"diameter", "svolume", "force", "gang", "ttime", "dim", "ascale", "echo"})
"""Taken and kept; nothing here follows from them."""


class HarvardFace(PumpFace):
    """One pump."""

    def __init__(
        self,
        models: dict[str, PumpModel],
        serial_number: str,
        firmware: str,
        now_ns: Callable[[], int],
        *,
        name: str,
        short: bool,
    ) -> None:
        """Make it; ``short`` flags are the five of the PHD Ultra, which has limit switches."""
        super().__init__(
            models, {"serial_number": serial_number, "firmware": firmware, "model": name}, now_ns
        )
        self.settings: dict[str, str] = {}
        self._short = short
        self._marked = False

    @property
    def model(self) -> PumpModel:
        """Its one channel."""
        return self.models["1"]

    def answer(self, payload: bytes) -> bytes:
        """Return lines, NUL and the prompt."""
        self.catch_up()
        name, _, argument = payload.decode("ascii", "replace").lstrip("@").partition(" ")
        lines = self._done(name, argument.strip())
        return b"".join(line.encode() + b"\r" for line in lines) + b"\x00" + self._prompt()

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of any command."""
        del payload
        lines = self._refused(code)
        return b"".join(line.encode() + b"\r" for line in lines) + b"\x00" + self._prompt()

    def _refused(self, code: int) -> list[str]:
        return [f"{REFUSALS[code]}: ", "   it is refused"]

    def _prompt(self) -> bytes:
        model = self.model
        alarms = model.present_alarms()
        prompt = b">" if model.status in FLOWING else b":"
        if PumpAlarm.OCCLUSION in alarms:
            prompt = b"*"
        elif PumpAlarm.END in alarms and model.status not in FLOWING:
            prompt = b"T*"
        return prompt + (XON if self._marked else b"")

    def _status(self) -> str:
        model = self.model
        running = model.status in FLOWING
        alarms = model.present_alarms()
        flags = {
            "direction": "I" if running else "i",
            "limit": "I" if PumpAlarm.EMPTY in alarms and self._short else ".",
            "stall": "S" if PumpAlarm.OCCLUSION in alarms else ".",
            "trigger": ".",
            "port": "" if self._short else "I",
            "target": "T" if PumpAlarm.END in alarms else ".",
        }
        said = "".join(str(self.forced.get(name, flag)) for name, flag in flags.items())
        rate_fl_s = fl_s_of(model.target_nl_h if running else model.set_rate_nl_h)
        rate_fl_s = self.forced.get("rate", rate_fl_s)
        return f"{rate_fl_s} {model.now_ns // 1000} {model.delivered_nl * FL_PER_NL} {said}"

    def _done(self, name: str, argument: str) -> list[str]:
        model = self.model
        if name == "status":
            return [self._status()]
        if name == "ver":
            return [f" {self.texts['model']} {self.texts['firmware']}"]
        if name == "poll":
            self._marked = argument == "on"
        elif model.locked:
            return self._refused(1)
        elif name in {"stp", "stop"}:
            model.pause()
        elif name in {"run", "irun"}:
            model.press_start()
        elif name in {"civolume", "cvolume"}:
            model.reset_counter()
        elif name == "ctvolume":
            model.programme(0)
        elif name in _SETTINGS:
            self.settings[name] = argument
        elif name in {"irate", "irat", "tvolume"}:
            return self._number(name, argument)
        else:
            return self._refused(1)
        return []

    def _number(self, name: str, argument: str) -> list[str]:
        """Set rate or target; without an argument tell it, in mL."""
        model = self.model
        if not argument:
            value_nl = model.to_be_infused_nl if name == "tvolume" else model.set_rate_nl_h
            return [f"{value_nl / 1e6:.4f} {'ml' if name == 'tvolume' else 'ml/hr'}"]
        found = _NUMBER.fullmatch(argument)
        if found is None or (found[3] is None) is not (name == "tvolume"):
            return self._refused(2)
        value_nl = int(float(found[1]) * _NL[found[2]] * _PER_H.get(found[3], 1))
        if name == "tvolume":
            model.programme(value_nl)
        elif not 0 < value_nl <= model.traits.highest_rate_nl_h:
            return self._refused(2)
        else:
            model.turn_rate(value_nl)
        return []


def _kind(dialect: Dialect, name: str, *, short: bool) -> SimulatedKind:
    alarms = {PumpAlarm.OCCLUSION, PumpAlarm.END} | ({PumpAlarm.EMPTY} if short else set())
    return SimulatedKind(
        dialect=dialect.name,
        addresses=dialect.addresses,
        server_framer=HarvardServer,
        face=partial(HarvardFace, name=name, short=short),
        channels={
            "1": Sayings(
                statuses=frozenset({PumpStatus.RUNNING, PumpStatus.STOPPED}),
                alarms=frozenset(alarms),
                steps={"flow": 1_000, "set flow": 1_000, "volume": 1},
                odd_status={"direction": "X"},
                odd_alarm={"stall": "Z"},
                odd_flow={"direction": "I", "rate": 10**17},
            )
        },
        tells=frozenset({"firmware"}),
        firmware=r"[0-9.]*\d\.\d[0-9.]*",
    )


KIND_ELITE: Final = _kind(ELITE, "11 Elite", short=False)
KIND_ULTRA: Final = _kind(ULTRA, "PHD Ultra", short=True)
