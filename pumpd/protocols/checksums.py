"""Checks that dialects put at the end of a frame.

Source: MODBUS over Serial Line Specification V1.02 (modbus.org, 2006), 6.2.2. The check value of its CRC is
that of CRC-16/MODBUS in Greg Cook's catalogue of parametrised CRC algorithms, as are those of CRC-16/XMODEM
and CRC-16/IBM-3740, which other dialects use.
"""

from __future__ import annotations

import binascii
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


def whole_frame_bytes(data: bytes | bytearray, least_bytes: int, most_bytes: int) -> int:
    """Return how many first bytes, the fewest within the bounds, have a MODBUS CRC-16 of 0; 0 for none.

    One pass over the bytes, since they may be anybody's noise.
    """
    crc = 0xFFFF
    table = _CRC16_MODBUS
    for size, byte in enumerate(data[:most_bytes], 1):
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
        if crc == 0 and size >= least_bytes:
            return size
    return 0


def crc16_ccitt(data: bytes, start: int) -> int:
    """Return the CRC-16 of polynomial 1021: XMODEM from 0, IBM-3740 (CCITT-FALSE) from FFFF."""
    return binascii.crc_hqx(data, start)


EXAMPLES: Final = (
    (crc16_modbus, b"123456789", 0x4B37),
    (lambda data: crc16_ccitt(data, 0), b"123456789", 0x31C3),
    (lambda data: crc16_ccitt(data, 0xFFFF), b"123456789", 0x29B1),
)
"""(check, bytes, value): the catalogue's check values."""
