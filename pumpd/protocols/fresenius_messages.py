"""What may be said to Fresenius bases and pumps, and how they refuse.

Source: infupy 2022.1.11 (ISC), backends/fresenius.py: Command, VarId, Error and ERRdescr.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from pumpd.errors import DeviceRefusedError, WireError
from pumpd.protocols.framed import Ask
from pumpd.protocols.fresenius_frame import NAK
from pumpd.protocols.wire import Permission

R_co = TypeVar("R_co", covariant=True)

LINK_ERRORS: Final = {
    1: "reception",
    2: "checksum",
    4: "address",
    5: "no acknowledgement in time",
    6: "receiver not ready",
    7: "frame length",
    8: "control code in the frame",
}
"""Why the pump did not take a frame, by the character behind its NAK."""
REFUSALS: Final = {
    0x01: "unknown command",
    0x02: "disabled in this mode",
    0x03: "disabled in this status",
    0x04: "syntax",
    0x05: "mode not authorised",
    0x06: "mode already active",
    0x07: "new mode disabled in this mode",
    0x08: "out of limits",
    0x09: "new mode disabled in this status",
    0x0A: "identifier not used",
    0x0B: "identifier incorrect",
    0x0C: "message too long",
    0x0D: "no session with the base",
    0x0E: "the module can not be reached",
    0x12: "an alarm is present",
    0x14: "no rate was set",
    0x15: "not enough volume for a bolus",
    0x16: "empty-syringe mode impossible",
    0x1A: "event number incorrect",
    0x1E: "no session with the module",
    0x1F: "a module is not in manual mode",
    0x20: "not authorised on this port",
    0x22: "new mode not authorised",
    0x24: "connection mode incorrect",
    0x25: "drug number incorrect",
}
MODE_ACTIVE: Final = 0x06
NO_BASE_SESSION: Final = 0x0D
NO_MODULE_SESSION: Final = 0x1E


class Command(Ask[R_co]):
    """One command."""

    @property
    def text(self) -> str:
        """As it travels, with the base's address where it is for that."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[object, ...]:
        """Whose it is and what it asks.

        Commands that are answered by a bare "done" are told apart by their order alone, so that a pause need
        not wait: one taken for another tells no value, its own is then missing, and a reading judges.
        """
        return (self.address, self.text)

    def fits(self, data: str) -> bool:
        """Return whether a good reply to it can say this."""
        return not data

    def to_bytes(self) -> bytes:
        """Return the text."""
        return self.text.encode()

    def parse_reply(self, frame: bytes) -> R_co:
        """Return what it means."""
        raise NotImplementedError

    def data(self, frame: bytes) -> str:
        """Return what a good reply says; DeviceRefusedError with the code; WireError for a NAK."""
        text = frame.decode("ascii", "replace")
        if frame[:1] == NAK:
            why = LINK_ERRORS.get(int(text[1:]) if text[1:].isdecimal() else 0, "unknown")
            raise WireError(f"{self.text}: the pump did not take it: {why} ({text[1:]})")
        status, _, data = text.lstrip("012345").partition(";")
        if status == "I" and re.fullmatch("[0-9A-F]{2}", data):
            code = int(data, 16)
            raise DeviceRefusedError(f"{self.text}: {REFUSALS.get(code, 'unknown')} ({data})", code)
        if status != "C" or not self.fits(data):
            raise WireError(f"{text!r} is no reply to {self.text}")
        return data


class _Do(Command[None]):
    def parse_reply(self, frame: bytes) -> None:
        """Take a bare "done"; a reading tells whether it is so."""
        self.data(frame)


class ConnectBase(_Do):
    """Begin the session with the base of the pump."""

    text = "0DC"
    permission = Permission.LINK


class Connect(_Do):
    """Begin the session with the pump."""

    text = "DC"
    permission = Permission.LINK


class TakeControl(_Do):
    """Take control from the keys, as a part of a pause: it may go only where that may."""

    text = "MO;2"
    permission = Permission.PAUSE


class GiveBack(_Do):
    """Give control back to the keys."""

    text = "MO;1"
    permission = Permission.LINK


class Pause(_Do):
    """Stop the infusion."""

    text = "PO"
    permission = Permission.PAUSE


class ReadType(Command[str]):
    """Ask for the type of the device."""

    text = "LF;b"

    def fits(self, data: str) -> bool:
        """Return whether it is a type."""
        return data[:1] == "b"

    def parse_reply(self, frame: bytes) -> str:
        """Return it as it came."""
        return self.data(frame)[1:]


@dataclass(frozen=True, slots=True)
class ReadVariables(Command[dict[str, str]]):
    """Ask for variables, each by its letter: a alarm, e error, m mode, d rate, r volume infused."""

    letters: str = "aemdr"

    @property
    def text(self) -> str:
        """The letters follow in one word."""
        return f"LE;{self.letters}"

    def fits(self, data: str) -> bool:
        """Return whether it tells each of them once."""
        return sorted(said[:1] for said in data.split(";")) == sorted(self.letters)

    def parse_reply(self, frame: bytes) -> dict[str, str]:
        """Return what each says, by its letter."""
        return {said[0]: said[1:] for said in self.data(frame).split(";")}
