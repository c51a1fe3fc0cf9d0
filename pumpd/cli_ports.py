"""The verb about serial ports: which there are, and by which name to call each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from pumpd.cli_words import out
from pumpd.errors import ConfigError, Problem

SYSFS: Final = Path("/sys")


def add_to(app: typer.Typer) -> None:
    """Add the verb of this module to the command line."""
    app.command()(ports)


def ports(
    sysfs: Annotated[
        Path, typer.Option("--sysfs", metavar="DIR", help="Another machine's sysfs, to be read instead.")
    ] = SYSFS,
    dev: Annotated[Path, typer.Option("--dev", metavar="DIR", help="Where its device files stand.")] = Path(
        "/dev"
    ),
) -> None:
    """List the serial ports, the USB adapter behind each, and the name to write into the configuration."""
    from pumpd.transports.adapters import serial_ports

    if sysfs != SYSFS and not (sysfs / "class").is_dir():
        what = f"{sysfs} has no folder class, which every sysfs has"
        problem = Problem("(command line)", 0, "--sysfs", what, "a sysfs, or a copy of one", "mend the name")
        raise ConfigError((problem,))
    found = serial_ports(sysfs, dev)
    if not found:
        out().print("no serial port: plug the adapter in, and look again")
        return
    for port in found:
        out().print(f"{port.path}: {port.usb or 'built in'}")
        told = {"driver": port.driver, "write": port.by_id or port.by_path or port.path}
        if port.usb is not None:
            told = {"serial number": port.usb.serial_number, **told}
        for name, value in told.items():
            out().print(f"    {name:14} {value or 'none'}")
        if not port.openable:
            out().print("    this user may not open it; add the user to the group that owns it")
        if port.usb is not None and not port.usb.serial_number:
            place = f"; {port.by_path} stays with its socket" if port.by_path else ""
            out().print(f"    without a serial number nothing tells two such adapters apart{place}")
