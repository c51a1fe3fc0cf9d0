"""The last step before the wire (invariant 1): each outgoing frame is decoded and held to what is declared.

It reads the bytes, not the object that wrote them, so a wrong digit in a map or a codec stops here.
Source: MODBUS Application Protocol Specification V1.1b3 (Modbus Organization, 2012), 6.1 to 6.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from pumpd.errors import ForbiddenFrameError, WireError
from pumpd.protocols.modbus import HIGHEST_UNIT, LOWEST_UNIT, MAX_BITS, MAX_REGISTERS
from pumpd.protocols.wire import Dialect, Permission

_MOST: Final = {1: MAX_BITS, 2: MAX_BITS, 3: MAX_REGISTERS, 4: MAX_REGISTERS}
_WRITE_PERMISSIONS: Final = frozenset({Permission.PAUSE, Permission.LOWER, Permission.LINK})


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One thing that may be written to one pump: where, which values, and what that does."""

    function: int
    """5 for a coil, 6 for a register."""
    at: int
    """PDU address, 0-based."""
    lowest: int
    highest: int
    """Allowed raw values, both included; a coil that is set has the raw value 0xFF00, a cleared one 0."""
    permission: Permission

    def __post_init__(self) -> None:
        """Refuse what is no control point."""
        if self.function not in {5, 6} or self.permission not in _WRITE_PERMISSIONS:
            raise ValueError(f"{self}: function 5 or 6, and PAUSE, LOWER or LINK")
        if not 0 <= self.at <= 0xFFFF or not 0 <= self.lowest <= self.highest <= 0xFFFF:
            raise ValueError(f"{self}: address and values are 0 to 65535")
        if self.function == 5 and (self.lowest != self.highest or self.lowest not in {0, 0xFF00}):
            raise ValueError(f"{self}: a coil is set (0xFF00) or cleared (0), never both")


Control = ControlPoint | Permission
"""What a driver may send besides reads: a control point of Modbus, a permission of a framed dialect."""


class OutgoingFilter:
    """Knows what may be sent to each unit of one line, and drops the rest."""

    def __init__(
        self,
        payload_of: Callable[[bytes], bytes],
        on_blocked: Callable[[int | None, bytes, str], None],
    ) -> None:
        """Read frames with ``payload_of``; tell ``on_blocked`` unit, frame and reason of each one dropped."""
        self._payload_of = payload_of
        self._on_blocked = on_blocked
        self._controls: dict[tuple[int, int, int], tuple[ControlPoint, ...]] = {}

    def declare(self, unit: int, controls: Iterable[Control]) -> None:
        """Allow these writes to ``unit``; reads are allowed to every unit."""
        for point in controls:
            if not isinstance(point, ControlPoint):
                raise TypeError(f"{point}: a Modbus pump declares control points")
            key = (unit, point.function, point.at)
            self._controls[key] = (*self._controls.get(key, ()), point)

    def check(self, frame: bytes, permission: Permission) -> None:
        """Return if ``frame`` is a read, or a declared write of this ``permission``.

        ForbiddenFrameError, after ``on_blocked`` was told, if it is anything else.
        """
        unit: int | None = None
        try:
            unit, reason = self._judged(frame, permission)
        except WireError as error:
            reason = str(error)
        if reason is not None:
            self.refuse(unit, frame, reason)

    def refuse(self, unit: int | None, frame: bytes, reason: str) -> NoReturn:
        """Tell ``on_blocked`` and raise ForbiddenFrameError."""
        self._on_blocked(unit, frame, reason)
        raise ForbiddenFrameError(
            f"held back before the wire: {reason}; frame {frame.hex(' ') or 'not written'}"
        )

    def _judged(self, frame: bytes, permission: Permission) -> tuple[int | None, str | None]:
        """Return whom a frame asks and what speaks against it; WireError when it can not be read."""
        payload = self._payload_of(frame)
        return payload[0], self._objection(payload, permission)

    def _objection(self, payload: bytes, permission: Permission) -> str | None:
        if len(payload) != 6:
            return f"{len(payload)} bytes of unit and PDU; all that may be sent has 6"
        unit, function = payload[0], payload[1]
        at, value = int.from_bytes(payload[2:4]), int.from_bytes(payload[4:6])
        if not LOWEST_UNIT <= unit <= HIGHEST_UNIT:
            return f"unit {unit}; allowed {LOWEST_UNIT} to {HIGHEST_UNIT}"
        most = _MOST.get(function)
        if most is not None:
            if permission is not Permission.READ:
                return f"a read was announced as {permission.name}"
            return None if 1 <= value <= most else f"a read of {value}; allowed 1 to {most}"
        for point in self._controls.get((unit, function, at), ()):
            if point.lowest <= value <= point.highest and point.permission is permission:
                return None
        return (
            f"function {function} to address {at} of unit {unit}, value {value}: not a declared control point"
        )


class DialectFilter(OutgoingFilter):
    """The filter of a line that speaks a framed dialect, whose own judge reads each frame."""

    def __init__(self, dialect: Dialect, on_blocked: Callable[[int | None, bytes, str], None]) -> None:
        """Tell ``on_blocked`` address, frame and reason of each frame that is dropped."""
        super().__init__(bytes, on_blocked)
        self._judge = dialect.judge
        self._declared: dict[int | None, frozenset[Permission]] = {}

    def declare(self, unit: int, controls: Iterable[Control]) -> None:
        """Allow messages of these permissions to one address; reads are allowed to every address."""
        permissions = [control for control in controls if isinstance(control, Permission)]
        self._declared[unit] = frozenset(permissions)
        if Permission.LINK in permissions:
            self._declared[None] = frozenset({Permission.LINK})

    def _judged(self, frame: bytes, permission: Permission) -> tuple[int | None, str | None]:
        address, does = self._judge(frame)
        if does is not permission:
            return address, f"a message that may {does.name} was announced as {permission.name}"
        if does is not Permission.READ and does not in self._declared.get(address, frozenset()):
            return address, f"{does.name} is not declared for address {address}"
        return address, None
