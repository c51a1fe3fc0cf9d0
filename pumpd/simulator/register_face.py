"""A simulated Modbus pump as the wire sees it: a request in, a reply out, by the driver's own map."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from pumpd.protocols import modbus_serving as serving
from pumpd.protocols.modbus_serving import IncomingCoils, IncomingRead, IncomingRegisters
from pumpd.protocols.registers import LowerControl, RegisterMap
from pumpd.protocols.registers_codec import words_of_text
from pumpd.simulator.face import PumpFace
from pumpd.simulator.layout import DeviceSettings, Layout, Render, Words
from pumpd.simulator.model import PumpModel

Recipe = tuple[tuple[str, int, int, Render], ...]
"""Path, offset in the reply, width and renderer of each value that a read brings."""


class FaceBuilder:
    """What all simulated pumps of one map and one setting share."""

    def __init__(self, register_map: RegisterMap, settings: DeviceSettings | None = None) -> None:
        self.map = register_map
        self.layout = Layout(register_map, settings or DeviceSettings())
        self.recipe = cache(self._recipe)
        self.controls: dict[tuple[int, int, int], Callable[[dict[str, PumpModel]], None]] = {}
        self.rates: dict[int, tuple[str, LowerControl]] = {}
        """PDU address of each register that sets a rate: it obeys whatever is written there, up or down."""
        for name, channel in register_map.channels.items():
            if channel.pause is not None:
                at = register_map.pdu(channel.pause.address)
                self.controls[channel.pause.function, at, channel.pause.value] = _pause(name)
            if channel.lower is not None:
                self.rates[register_map.pdu(channel.lower.address)] = (name, channel.lower)
        for name, start in register_map.never_sent.items():
            word, _, channel_name = name.partition(" ")
            if word == "start":
                at = register_map.pdu(start.address)
                self.controls[start.function, at, start.value] = _start(channel_name)
        self.control_addresses = frozenset((function, at) for function, at, _ in self.controls)

    def _recipe(self, function: int, start: int, count: int) -> Recipe | None:
        """Return what makes up a read; None when it touches an address that the pump does not have."""
        if any((function, start + at) not in self.layout.readable for at in range(count)):
            return None
        return tuple(
            (path, first - start, width, render)
            for path, its_function, first, width, render in self.layout.fields
            if its_function == function and first < start + count and first + width > start
        )


def _pause(channel: str) -> Callable[[dict[str, PumpModel]], None]:
    return lambda models: models[channel].pause()


def _start(channel: str) -> Callable[[dict[str, PumpModel]], None]:
    def start(models: dict[str, PumpModel]) -> None:
        for name, model in models.items():
            if channel in {"", name}:
                model.press_start()

    return start


class RegisterFace(PumpFace):
    """One simulated Modbus pump."""

    forced: dict[str, Words]
    """Path -> raw words shown instead of the model's own."""

    def __init__(
        self,
        builder: FaceBuilder,
        models: dict[str, PumpModel],
        serial_number: str,
        firmware: str,
        now_ns: Callable[[], int],
    ) -> None:
        """Make it; ValueError unless ``serial_number`` says "simulated" and all fits the map."""
        texts = {"serial_number": serial_number, "firmware": firmware, "model": builder.map.model}
        super().__init__(models, texts, now_ns)
        if set(models) != set(builder.map.channels):
            raise ValueError(f"channels {sorted(models)}: the map has {sorted(builder.map.channels)}")
        spec = builder.map.identity
        for name, text in self.texts.items():
            field = getattr(spec, name)
            if field is not None:
                words_of_text(text, field, "abcd")
        self._builder = builder

    def answer(self, payload: bytes) -> bytes:
        """Return the reply to a request's unit and PDU; WireError when it is too short to be one."""
        asked = serving.parse_request(payload)
        self.catch_up()
        if isinstance(asked, IncomingRead):
            return self._read(asked)
        if isinstance(asked, (IncomingCoils, IncomingRegisters)):
            return self._write(asked)
        return serving.exception_reply(asked, asked.exception_code)

    def refuse(self, payload: bytes, code: int) -> bytes:
        """Return the refusal of any request, whatever the pump would have answered."""
        return serving.exception_reply(serving.parse_request(payload), code)

    def _read(self, asked: IncomingRead) -> bytes:
        recipe = self._builder.recipe(asked.function, asked.start, asked.count)
        if recipe is None:
            return serving.exception_reply(asked, serving.ILLEGAL_ADDRESS)
        words = [0] * asked.count
        for path, offset, width, render in recipe:
            value = self.forced.get(path) or render(self)
            if offset >= 0 and offset + width <= asked.count:
                words[offset : offset + width] = value
            else:
                for at in range(max(0, offset), min(asked.count, offset + width)):
                    words[at] = value[at - offset]
        if asked.function in {1, 2}:
            return serving.bits_reply(asked, [bool(word) for word in words])
        return serving.registers_reply(asked, words)

    def _write(self, asked: IncomingCoils | IncomingRegisters) -> bytes:
        if asked.function not in {5, 6}:
            return serving.exception_reply(asked, serving.ILLEGAL_FUNCTION)
        rate = self._builder.rates.get(asked.start) if asked.function == 6 else None
        if rate is not None:
            return self._set_rate(asked, *rate)
        if (asked.function, asked.start) not in self._builder.control_addresses:
            return serving.exception_reply(asked, serving.ILLEGAL_ADDRESS)
        control = self._builder.controls.get((asked.function, asked.start, int(asked.values[0])))
        if control is None:
            return serving.exception_reply(asked, serving.ILLEGAL_VALUE)
        if any(model.locked for model in self.models.values()):
            return serving.exception_reply(asked, serving.DEVICE_FAILURE)
        control(self.models)
        return serving.write_reply(asked)

    def _set_rate(
        self, asked: IncomingCoils | IncomingRegisters, channel: str, control: LowerControl
    ) -> bytes:
        model, counts = self.models[channel], int(asked.values[0])
        rate_nl_h = counts * control.step_nl_h
        if counts > control.highest or rate_nl_h > model.traits.highest_rate_nl_h:
            return serving.exception_reply(asked, serving.ILLEGAL_VALUE)
        if model.locked:
            return serving.exception_reply(asked, serving.DEVICE_FAILURE)
        model.turn_rate(rate_nl_h)
        return serving.write_reply(asked)
