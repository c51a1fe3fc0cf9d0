"""A serial port at the far end of a Telnet connection, as its client sees it: data and commands kept apart.

Source: RFC 854 (Telnet), RFC 856 (binary transmission), RFC 858 (suppress go ahead), RFC 2217 (COM ports).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_IAC, _DONT, _DO, _WONT, _WILL, _SB, _SE = 255, 254, 253, 252, 251, 250, 240
_BINARY, _GO_AHEAD, _COM_PORT = 0, 3, 44
_BAUD, _BITS, _PARITY, _STOP, _CONTROL, _LINE_MASK, _MODEM_MASK, _PURGE = 1, 2, 3, 4, 5, 10, 11, 12
_FROM_SERVER: Final = 100
"""What the server says of a command has the command's number and this (RFC 2217, section 3)."""
_PARITIES: Final = {1: "N", 2: "O", 3: "E", 4: "M", 5: "S"}
_STOP_BITS: Final = {1: "1", 2: "2", 3: "1.5"}
_NO_FLOW_CONTROL, _DTR_ON, _RTS_ON = 1, 8, 11
_BOTH_BUFFERS: Final = 3
_LONGEST_COMMAND: Final = 64

EXAMPLES: Final = (
    ("IAC WILL TRANSMIT-BINARY", "ff fb 00"),
    ("IAC WILL COM-PORT-OPTION", "ff fb 2c"),
    ("IAC SB COM-PORT-OPTION SET-BAUDRATE 9600 IAC SE", "ff fa 2c 01 00 00 25 80 ff f0"),
    ("IAC SB COM-PORT-OPTION SET-DATASIZE 7 IAC SE", "ff fa 2c 02 07 ff f0"),
    ("IAC SB COM-PORT-OPTION SET-PARITY EVEN IAC SE", "ff fa 2c 03 03 ff f0"),
    ("IAC SB COM-PORT-OPTION SET-STOPSIZE 1 IAC SE", "ff fa 2c 04 01 ff f0"),
    ("IAC SB COM-PORT-OPTION PURGE-DATA BOTH IAC SE", "ff fa 2c 0c 03 ff f0"),
)
"""What the client says for 9600 7E1, in the words of RFC 2217 section 3 and in the numbers of its tables."""


@dataclass(slots=True)
class ComPort:
    """One connection: what is asked of the far port, and what has been granted."""

    baud: int
    bits: int
    parity: str
    """N, E or O."""
    stop_bits: int
    refused: str = ""
    """Why the port can not be had as it was asked for; empty while it may yet be."""
    _granted: set[int] = field(default_factory=set)
    _asked: bool = False
    _answered: set[tuple[int, int]] = field(default_factory=set)
    _command: bytearray = field(default_factory=bytearray)
    """What has come of a command that is not complete."""

    @property
    def ready(self) -> bool:
        """True once the server has granted speed, bits, parity and stop bits; what came before is stale."""
        return self._granted >= {_BAUD, _BITS, _PARITY, _STOP}

    def opening(self) -> bytes:
        """Return what the client says first: eight bits both ways, and the port to be set."""
        said = [(_WILL, _BINARY), (_DO, _BINARY), (_WILL, _GO_AHEAD), (_DO, _GO_AHEAD), (_WILL, _COM_PORT)]
        self._answered.update(said)
        return b"".join(bytes((_IAC, verb, option)) for verb, option in said)

    def encode(self, data: bytes) -> bytes:
        """Return how ``data`` travels: the byte that begins a command is doubled (RFC 854, page 14)."""
        return data.replace(b"\xff", b"\xff\xff")

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what the server sent; return the data in it, and what it has to be answered."""
        payload, answer = bytearray(), bytearray()
        for byte in data:
            command = self._command
            if not command and byte != _IAC:
                payload.append(byte)
                continue
            command.append(byte)
            if command == b"\xff\xff":
                payload.append(_IAC)
            elif _is_open(command):
                continue
            else:
                answer += self._obey(command)
            command.clear()
        return bytes(payload), bytes(answer)

    def _obey(self, command: bytearray) -> bytes:
        """Take one whole command; return what it has to be answered."""
        if command[1] == _SB:
            self._told(bytes(command[2:-2]).replace(b"\xff\xff", b"\xff"))
        elif len(command) == 3:
            return self._negotiate(command[1], command[2])
        return b""

    def _negotiate(self, verb: int, option: int) -> bytes:
        if option == _COM_PORT and verb == _DO and not self._asked:
            self._asked = True
            return self._settings()
        if option == _COM_PORT and verb == _DONT:
            self.refused = "the serial server sets no port for its clients; set it there, and write tcp://"
        elif option == _BINARY and verb in {_DONT, _WONT}:
            self.refused = "the serial server does not pass bytes of eight bits"
        wanted = option in {_BINARY, _GO_AHEAD} or (option == _COM_PORT and verb == _DO)
        answer = {_DO: _WILL if wanted else _WONT, _WILL: _DO if wanted else _DONT}.get(verb)
        if answer is None or (answer, option) in self._answered:
            return b""  # an answer is never answered, and nothing is answered twice
        self._answered.add((answer, option))
        return bytes((_IAC, answer, option))

    def _settings(self) -> bytes:
        """Return the port's settings, no reports of modem lines, and away with what it has kept."""
        parity = next(code for code, name in _PARITIES.items() if name == self.parity)
        asked = [
            (_LINE_MASK, b"\0"),
            (_MODEM_MASK, b"\0"),
            (_BAUD, self.baud.to_bytes(4)),
            (_BITS, bytes((self.bits,))),
            (_PARITY, bytes((parity,))),
            (_STOP, bytes((self.stop_bits,))),
            (_CONTROL, bytes((_NO_FLOW_CONTROL,))),
            (_CONTROL, bytes((_DTR_ON,))),
            (_CONTROL, bytes((_RTS_ON,))),
            (_PURGE, bytes((_BOTH_BUFFERS,))),
        ]
        return b"".join(
            bytes((_IAC, _SB, _COM_PORT, what)) + self.encode(value) + bytes((_IAC, _SE))
            for what, value in asked
        )

    def _told(self, said: bytes) -> None:
        """Learn what the server has made of a command: it says the value that is in force."""
        if len(said) < 3 or said[0] != _COM_PORT:
            return
        what, value = said[1] - _FROM_SERVER, int.from_bytes(said[2:])
        told: dict[int, tuple[str, object, object]] = {
            _BAUD: ("baud", self.baud, value),
            _BITS: ("bits", self.bits, value),
            _PARITY: ("parity", self.parity, _PARITIES.get(value, value)),
            _STOP: ("stop", str(self.stop_bits), _STOP_BITS.get(value, value)),
        }
        if what not in told:
            return
        name, asked, got = told[what]
        if asked == got:
            self._granted.add(what)
        else:
            self.refused = f"{name}={asked} was asked of the serial server, and it set {name}={got}"


def _is_open(command: bytearray) -> bool:
    """Return whether more belongs to a command; one without an end is given up."""
    if len(command) == 1:
        return True
    if command[1] == _SB:
        ended = len(command) >= 4 and command[-1] == _SE and _ends_odd(command)
        return not ended and len(command) < _LONGEST_COMMAND
    return command[1] >= _WILL and len(command) < 3


def _ends_odd(command: bytearray) -> bool:
    """Return whether the byte before the last begins a command, and is not a doubled one of the value."""
    before = command[2:-1]
    return (len(before) - len(before.rstrip(b"\xff"))) % 2 == 1
