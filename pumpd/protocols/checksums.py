"""Checks that dialects put at the end of a frame.

Source: MODBUS over Serial Line Specification V1.02 (modbus.org, 2006), 6.2.2. The check value of its CRC is
that of CRC-16/MODBUS in Greg Cook's catalogue of parametrised CRC algorithms.
"""

from __future__ import annotations

from typing import Final


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        rows.append(crc)
    return tuple(rows)


_CRC16_MODBUS: Final = _table()


def crc16_modbus(data: bytes | bytearray) -> int:
    """Return the CRC-16 of MODBUS over Serial Line V1.02, 6.2.2; 0 over a whole undamaged frame.

    Start FFFF, polynomial A001 reflected. It travels low byte first.
    """
    crc = 0xFFFF
    table = _CRC16_MODBUS
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


EXAMPLES: Final = ((b"123456789", 0x4B37),)
"""(bytes, their CRC-16/MODBUS): the catalogue's check value."""
