"""One URL names line, settings, framing and unit, and a wrong one says what is allowed."""

import pytest

from pumpd.transports.com_port import ComPortTransport
from pumpd.transports.serial_line import SerialSettings, SerialTransport
from pumpd.transports.tcp import TcpTransport
from pumpd.transports.url import Framing, parse_url


@pytest.mark.parametrize(
    ("url", "framing", "line", "unit", "settings", "baud"),
    [
        ("modbus-tcp://127.0.0.1:5021/1", Framing.MODBUS_TCP, "127.0.0.1:5021", 1, None, None),
        ("modbus-tcp://pump-3.ward/247", Framing.MODBUS_TCP, "pump-3.ward:502", 247, None, None),
        ("modbus-tcp://[::1]:502/1", Framing.MODBUS_TCP, "[::1]:502", 1, None, None),
        (
            "modbus-rtu:///dev/ttyUSB0/7?baud=19200&parity=E",
            Framing.MODBUS_RTU,
            "/dev/ttyUSB0",
            7,
            SerialSettings(19200, "E"),
            None,
        ),
        ("modbus-rtu://10.0.0.5:4001/2?baud=9600", Framing.MODBUS_RTU, "10.0.0.5:4001", 2, None, 9600),
        (
            "serial:///dev/serial/by-id/usb-x?baud=9600&parity=E&bits=7",
            Framing.DIALECT,
            "/dev/serial/by-id/usb-x",
            None,
            SerialSettings(9600, "E", 7),
            None,
        ),
        ("tcp://10.0.0.5:4001?baud=9600", Framing.DIALECT, "10.0.0.5:4001", None, None, 9600),
        (
            "rfc2217://10.0.0.5:4001?baud=9600&parity=E&bits=7",
            Framing.DIALECT,
            "10.0.0.5:4001",
            None,
            None,
            9600,
        ),
        ("modbus-rtu+rfc2217://[::1]:4001/3?baud=9600", Framing.MODBUS_RTU, "[::1]:4001", 3, None, 9600),
    ],
)
def test_a_url_is_read(url, framing, line, unit, settings, baud):
    """Every form of the documentation is understood and makes the right transport."""
    at = parse_url(url)
    assert (at.framing, at.line, at.unit, at.settings, at.baud) == (framing, line, unit, settings, baud)
    transport = at.transport()
    kinds = {"serial": SerialTransport, "rfc2217": ComPortTransport, "modbus-rtu+rfc2217": ComPortTransport}
    scheme = "serial" if settings is not None else url.partition(":")[0]
    assert isinstance(transport, kinds.get(scheme, TcpTransport))
    assert transport.name == line


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ttyUSB0", "modbus-tcp://"),
        ("http://127.0.0.1/1", "modbus-tcp://"),
        ("modbus-tcp://127.0.0.1:502", "unit"),
        ("modbus-tcp://127.0.0.1:502/0", "broadcast"),
        ("modbus-tcp://127.0.0.1:502/248", "1 to 247"),
        ("modbus-tcp://127.0.0.1:502/x", "unit"),
        ("modbus-tcp://127.0.0.1:502/a/1", "nothing but the unit"),
        ("modbus-tcp://127.0.0.1:99999/1", "1 to 65535"),
        ("modbus-tcp:///1", "host:port"),
        ("modbus-tcp://127.0.0.1/1?baud=9600", "no option"),
        ("modbus-tcp://user:secret@127.0.0.1/1", "user name"),
        ("modbus-rtu:///dev/ttyUSB0/1", "baud"),
        ("modbus-rtu:///dev/ttyUSB0?baud=9600", "unit"),
        ("modbus-rtu:///1?baud=9600", "three slashes"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud=9601", "19200"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud=9600&parity=X", "N, E, O"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud=9600&bits=7", "needs 8"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud=9600&stop=3", "1, 2"),
        ("modbus-rtu:///dev/ttyUSB0/1?speed=9600", "unknown speed; allowed baud, parity, bits, stop$"),
        ("tcp://127.0.0.1:4001?adress=1", "unknown adress; allowed baud, parity, bits, stop, address"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud=9600&baud=9600", "twice"),
        ("modbus-rtu:///dev/ttyUSB0/1?baud", "?baud=9600"),
        ("modbus-rtu://127.0.0.1/1", "host and port"),
        ("serial://ttyUSB0?baud=9600", "three slashes"),
        ("serial:///dev/ttyUSB0", "baud"),
        ("tcp://127.0.0.1", "host and port"),
        ("tcp://127.0.0.1:4001/3", "nothing but the unit"),
        ("rfc2217://127.0.0.1:4001", "how fast"),
        ("rfc2217:///dev/ttyUSB0?baud=9600", "host:port"),
        ("rfc2217://127.0.0.1:4001/3?baud=9600", "nothing but the unit"),
        ("rfc2217://127.0.0.1?baud=9600", "host and port"),
        ("modbus-rtu+rfc2217://127.0.0.1:4001?baud=9600", "unit"),
        ("modbus-rtu+rfc2217://127.0.0.1:4001/1?baud=9600&bits=7", "needs 8"),
    ],
)
def test_a_wrong_url_says_what_is_allowed(url, says):
    """ValueError with the remedy in it."""
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        parse_url(url)


def test_urls_on_one_line_must_agree():
    """Two pumps on one wire have one speed and one framing."""
    first = parse_url("modbus-rtu:///dev/ttyUSB0/1?baud=19200")
    assert first.agrees_with(parse_url("modbus-rtu:///dev/ttyUSB0/2?baud=19200"))
    assert not first.agrees_with(parse_url("modbus-rtu:///dev/ttyUSB0/2?baud=9600"))
    assert not first.agrees_with(parse_url("serial:///dev/ttyUSB0?baud=19200"))
    asked = parse_url("rfc2217://127.0.0.1:4001?baud=9600&address=1")
    assert asked.agrees_with(parse_url("rfc2217://127.0.0.1:4001?baud=9600&address=2"))
    assert not asked.agrees_with(parse_url("rfc2217://127.0.0.1:4001?baud=9600&parity=E&address=2"))
    assert not asked.agrees_with(parse_url("tcp://127.0.0.1:4001?baud=9600&address=2"))
