"""A serial port without a wire: what a third party's client writes, a simulated pump answers at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.drivers.registry import find
from pumpd.simulator.face import PumpFace
from pumpd.simulator.framed_list import kinds
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.model import PumpModel


class SilentError(Exception):
    """Nothing more comes; a client without a time-out would wait for ever."""


class PeerPort:
    """One simulated pump behind a port, with the methods of ``serial.Serial`` that clients use.

    Time stands still but for ``pass_s``. ``raises_on_silence`` ends a client that waits without a time-out.
    """

    def __init__(
        self, driver: str, address: int, *, serial_number: str = "SIM-0001", raises_on_silence: bool = True
    ) -> None:
        dialect = find(driver).dialect
        assert dialect is not None
        kind = kinds()[dialect.name]
        self.now_s = 0.0
        models = {name: PumpModel(to_be_infused_nl=40 * NL_PER_ML) for name in kind.channels}
        for model in models.values():
            model.turn_rate(10 * NL_PER_ML)
        self.face: PumpFace = kind.face(models, serial_number, "1.0", lambda: round(self.now_s * NS_PER_S))
        self.address = address
        self.line = SimulatedLine(
            [SimulatedPump("peer", address, self.face)],
            random.Random(1),
            lambda: self.now_s,
        )
        self.sent: list[bytes] = []
        self.is_open = True
        self._framer = kind.server_framer()
        self._waiting = b""
        self._raises = raises_on_silence

    @property
    def model(self) -> PumpModel:
        """The first channel."""
        return next(iter(self.face.models.values()))

    @property
    def in_waiting(self) -> int:
        """Bytes to be read."""
        return len(self._waiting)

    def pass_s(self, seconds: float) -> None:
        """Let time pass for the pump."""
        self.now_s += seconds
        self.face.catch_up()

    def write(self, data: bytes) -> int:
        """Hand bytes to the pump; its replies wait to be read."""
        self.sent.append(bytes(data))
        for question in self._framer.feed(bytes(data)):
            for _, reply in self.line.replies(question, self._framer):
                self._waiting += reply
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Return what waits, up to ``size``; SilentError, or nothing, when that is nothing."""
        if not self._waiting and self._raises:
            raise SilentError
        data, self._waiting = self._waiting[:size], self._waiting[size:]
        return data

    def flush(self) -> None:
        """Everything is on its way already."""

    def close(self) -> None:
        """Be closed."""
        self.is_open = False


Steps = Mapping[str, Callable[[], object]]


def perform(operations: Steps) -> dict[str, str]:
    """Perform everything a client offers; return each with what it gave or how it failed."""
    found = {}
    for name, operation in operations.items():
        try:
            found[name] = repr(operation())
        except Exception as error:  # noqa: BLE001 - how a client fails is what is looked at
            found[name] = type(error).__name__
    return found


def tell(client: str, when: str, performed: Mapping[str, str]) -> None:
    """Print what a client did, for the report of the tests."""
    print(f"{client}, {when}: " + ", ".join(f"{name} -> {said}" for name, said in performed.items()))
