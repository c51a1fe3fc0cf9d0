"""Serial ports as the kernel tells them, on recorded trees."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.errors import ConfigError
from pumpd.transports.adapters import SerialPort, UsbIdentity, serial_ports
from tests.transports.sysfs_tree import laid_out


def found(name: str, below: Path) -> dict[str, SerialPort]:
    return {Path(port.path).name: port for port in serial_ports(*laid_out(name, below))}


@pytest.mark.requirement("ENG-1")
def test_an_ftdi_adapter_is_known_by_its_serial_number(tmp_path):
    """Vendor, product, words, serial number, driver and the name that stays; beside it a built-in port."""
    ports = found("ftdi", tmp_path)
    assert set(ports) == {"ttyS0", "ttyUSB0"}, "a console and a name without hardware are no ports"
    port = ports["ttyUSB0"]
    assert port.usb == UsbIdentity("0403", "6001", "FTDI", "FT232R USB UART", "A50285BI")
    assert (port.driver, Path(port.by_id).name) == (
        "ftdi_sio",
        "usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0",
    )
    assert ports["ttyS0"].usb is None
    assert ports["ttyS0"].openable


@pytest.mark.requirement("ENG-1")
def test_two_ch340_adapters_are_told_apart_by_their_sockets_alone(tmp_path):
    """Neither has a serial number, and udev has one name for both: the second has none that stays with it."""
    ports = found("ch340", tmp_path)
    assert [port.usb.serial_number for port in ports.values() if port.usb] == ["", ""]
    assert [bool(port.by_id) for port in ports.values()] == [True, False]
    assert len({port.by_path for port in ports.values()}) == 2


@pytest.mark.requirement("ENG-1")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ftdi", ["FTDI FT232R USB UART (0403:6001)", "A50285BI", "ftdi_sio", "by-id/usb-FTDI"]),
        ("ch340", ["USB Serial (1a86:7523)", "nothing tells two such adapters apart", "by-path/pci-"]),
        ("prolific", ["Prolific Technology Inc. USB-Serial Controller D (067b:2303)", "pl2303"]),
    ],
)
def test_the_verb_says_which_name_to_write(name, words, tmp_path):
    """``pumpd ports`` on another machine's sysfs: adapter, number, and what to do where there is none."""
    sysfs, dev = laid_out(name, tmp_path)
    said = CliRunner().invoke(app, ["ports", "--sysfs", str(sysfs), "--dev", str(dev)])
    assert said.exit_code == 0
    for part in words:
        assert part in said.output


def test_a_machine_without_serial_ports_says_so(tmp_path):
    """A sysfs that lists none is no error: there is nothing to list."""
    (tmp_path / "class").mkdir()
    said = CliRunner().invoke(app, ["ports", "--sysfs", str(tmp_path), "--dev", str(tmp_path)])
    assert (said.exit_code, "no serial port" in said.output) == (0, True)


def test_what_an_adapter_says_can_not_move_the_cursor(tmp_path):
    """Escape sequences in an attribute come out as replacement characters."""
    sysfs, dev = laid_out("ftdi", tmp_path)
    next(sysfs.rglob("product")).write_bytes(b"\x1b[2JFT\xff232R\n")
    usb = next(port.usb for port in serial_ports(sysfs, dev) if port.usb)
    assert usb.product == "\ufffd[2JFT\ufffd232R"


@pytest.mark.requirement("ENG-1")
def test_a_folder_that_is_no_sysfs_is_no_machine_without_ports(tmp_path):
    """A mistyped name: nobody looks for an adapter because of it."""
    for name in ("absent", "."):
        said = CliRunner().invoke(app, ["ports", "--sysfs", str(tmp_path / name)])
        assert isinstance(said.exception, ConfigError)
        assert "has no folder class" in said.exception.problems[0].what
