"""The serial ports of this machine and the USB adapters behind them, as the kernel tells them in sysfs.

Source: the kernel's Documentation/ABI/testing/sysfs-bus-usb and sysfs-tty, and udev's 60-serial.rules for the
names under ``/dev/serial``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYSFS: Final = Path("/sys")
DEV: Final = Path("/dev")
_NO_HARDWARE: Final = "0"
"""PORT_UNKNOWN in ``type`` of a built-in port: a name without a port (include/uapi/linux/serial_core.h)."""
_LONGEST_ATTRIBUTE: Final = 256


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """What an adapter tells of itself; empty where it tells nothing."""

    vendor_id: str
    """Four hexadecimal digits."""
    product_id: str
    manufacturer: str
    product: str
    serial_number: str

    def __str__(self) -> str:
        """Return it in words."""
        words = " ".join(word for word in (self.manufacturer, self.product) if word)
        return f"{words or 'an adapter without a name'} ({self.vendor_id}:{self.product_id})"


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port."""

    path: str
    """Such as ``/dev/ttyUSB0``: another name after the next unplugging."""
    driver: str
    """The kernel's driver, such as ``ftdi_sio``; empty where it tells none."""
    usb: UsbIdentity | None
    """None for a port that is built in."""
    by_id: str
    """The name that stays with the adapter; empty where there is none."""
    by_path: str
    """The name that stays with the socket it is plugged into; empty where there is none."""
    openable: bool
    """Whether this user may open it."""


def serial_ports(sysfs: Path = SYSFS, dev: Path = DEV) -> tuple[SerialPort, ...]:
    """Return every serial port below a sysfs root, in order of their names; empty where there is no sysfs."""
    by_id, by_path = _links(dev / "serial" / "by-id"), _links(dev / "serial" / "by-path")
    found = []
    for entry in _entries(sysfs / "class" / "tty"):
        device = entry / "device"
        if not device.exists() or _read(entry / "type") == _NO_HARDWARE:
            continue  # a console, a pseudo-terminal, or a built-in name without hardware
        path = dev / entry.name
        found.append(
            SerialPort(
                path=str(path),
                driver=_target_name(device / "driver"),
                usb=_usb(device.resolve(), sysfs.resolve()),
                by_id=by_id.get(entry.name, ""),
                by_path=by_path.get(entry.name, ""),
                openable=os.access(path, os.R_OK | os.W_OK),
            )
        )
    return tuple(found)


def _usb(device: Path, root: Path) -> UsbIdentity | None:
    """Return the nearest USB device at or above ``device``: the interface and the port stand below it."""
    for place in (device, *device.parents):
        if place == root:
            return None
        if (place / "idVendor").is_file():
            told = [_read(place / name) for name in ("manufacturer", "product", "serial")]
            return UsbIdentity(_read(place / "idVendor"), _read(place / "idProduct"), *told)
    return None


def _links(folder: Path) -> dict[str, str]:
    """Return name of the port -> stable name; of two adapters with one stable name only the last has it."""
    return {_target_name(link): str(link) for link in _entries(folder)}


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir(), key=lambda entry: (len(entry.name), entry.name))


def _target_name(link: Path) -> str:
    return link.readlink().name if link.is_symlink() else ""


def _read(file: Path) -> str:
    """Return one attribute in letters that can be seen; an adapter may say anything."""
    try:
        raw = file.read_bytes()[:_LONGEST_ATTRIBUTE]
    except OSError:  # an attribute that a device has not, or that went while it was read
        return ""
    text = raw.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
