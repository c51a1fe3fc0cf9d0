"""The last step before the wire: whatever wrote the bytes, only reads and declared writes pass."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import ForbiddenFrameError
from pumpd.protocols import framing_mbap, framing_rtu
from pumpd.protocols.wire import Permission
from pumpd.transports.outgoing import ControlPoint, OutgoingFilter
from tests import proof

PERMISSIONS = st.sampled_from(list(Permission))
PAUSE_COIL = ControlPoint(5, 0, 0xFF00, 0xFF00, Permission.PAUSE)
PAUSE_REGISTER = ControlPoint(6, 10, 2, 2, Permission.PAUSE)
LOWER_REGISTER = ControlPoint(6, 11, 0, 500, Permission.LOWER)
BEAT = ControlPoint(6, 12, 0, 0xFFFF, Permission.LINK)
DECLARED = (PAUSE_COIL, PAUSE_REGISTER, LOWER_REGISTER, BEAT)


def a_filter(framing=framing_rtu):
    """Return a filter that allows unit 3 the declared writes, and what it blocked so far."""
    blocked = []
    outgoing = OutgoingFilter(framing.payload_of, lambda *told: blocked.append(told))
    outgoing.declare(3, DECLARED)
    return outgoing, blocked


def passes(payload, permission):
    """Return whether the frame of ``payload`` passes; what is dropped must have been told."""
    outgoing, blocked = a_filter()
    frame = framing_rtu.frame_of(payload)
    try:
        outgoing.check(frame, permission)
    except ForbiddenFrameError:
        assert [told[1] for told in blocked] == [frame]
        return False
    assert blocked == []
    return True


def is_declared(payload, permission):
    """Judge again, from the list alone: a read of a possible length, or one of the declared writes."""
    if len(payload) != 6:
        return False
    unit, function = payload[0], payload[1]
    at, value = int.from_bytes(payload[2:4]), int.from_bytes(payload[4:6])
    if function in {1, 2, 3, 4}:
        most = 2000 if function < 3 else 125
        return 1 <= unit <= 247 and 1 <= value <= most and permission is Permission.READ
    return unit == 3 and any(
        (function, at, permission) == (p.function, p.at, p.permission) and p.lowest <= value <= p.highest
        for p in DECLARED
    )


near_misses = st.builds(
    lambda unit, function, at, value: bytes((unit, function)) + at.to_bytes(2) + value.to_bytes(2),
    st.sampled_from([0, 2, 3, 4, 255]),
    st.sampled_from([1, 3, 5, 6, 15, 16, 22, 23, 0x2B]),
    st.integers(0, 14),
    st.one_of(st.sampled_from([0, 1, 2, 3, 499, 500, 501, 0xFF00, 0xFFFF]), st.integers(0, 0xFFFF)),
)


@pytest.mark.requirement("INV-1")
@pytest.mark.timeout(600)
@proof.examples("outgoing frames close to what is declared", 500, 20_000)
@given(payload=near_misses, permission=PERMISSIONS)
def test_nothing_that_writes_passes_unless_it_is_declared(payload, permission):
    """Right unit, function, address, value and permission together, or it is dropped and told."""
    assert passes(payload, permission) == is_declared(payload, permission)


@pytest.mark.requirement("INV-1")
@pytest.mark.timeout(600)
@proof.examples("outgoing frames of any bytes", 300, 10_000)
@given(payload=st.binary(min_size=2, max_size=40), permission=PERMISSIONS)
def test_no_bytes_pass_that_write_anything_undeclared(payload, permission):
    """The same for frames of any length and content."""
    assert passes(payload, permission) == is_declared(payload, permission)


@pytest.mark.requirement("INV-1")
def test_every_declared_control_passes_and_no_single_bit_of_it_may_change():
    """One digit may part a stop from a start: each flipped bit of a declared pause is dropped."""
    for point in (PAUSE_COIL, PAUSE_REGISTER):
        payload = bytes((3, point.function)) + point.at.to_bytes(2) + point.lowest.to_bytes(2)
        assert passes(payload, Permission.PAUSE)
        for bit in range(8 * len(payload)):
            changed = bytearray(payload)
            changed[bit // 8] ^= 1 << bit % 8
            assert not passes(bytes(changed), Permission.PAUSE)


@pytest.mark.requirement("INV-1")
@pytest.mark.parametrize("framing", [framing_rtu, framing_mbap], ids=["rtu", "mbap"])
def test_what_is_not_exactly_one_whole_frame_is_dropped(framing):
    """Two frames at once, a damaged or a cut one are dropped, whatever they would do."""
    read = bytes.fromhex("03 03 0000 0001")
    good = framing.frame_of(read) if framing is framing_rtu else framing.frame_of(7, read)
    outgoing, blocked = a_filter(framing)
    outgoing.check(good, Permission.READ)
    for frame in (good + good, good[:-1], b"", good[:2] + bytes((good[2] ^ 1,)) + good[3:], bytes(300)):
        with pytest.raises(ForbiddenFrameError):
            outgoing.check(frame, Permission.READ)
    assert len(blocked) == 5


@pytest.mark.parametrize(
    "point",
    [
        (5, 0, 0, 0xFF00, Permission.PAUSE),  # a coil both set and cleared
        (5, 0, 1, 1, Permission.PAUSE),
        (16, 0, 0, 1, Permission.PAUSE),
        (6, 0, 5, 4, Permission.PAUSE),
        (6, 70_000, 0, 1, Permission.PAUSE),
        (6, 0, 0, 1, Permission.READ),
    ],
)
def test_a_control_point_that_says_too_much_can_not_be_declared(point):
    """A declaration is one coil value, or a range of one register, that pauses, lowers or keeps the link."""
    with pytest.raises(ValueError):
        ControlPoint(*point)


ASKS_A_START = """
from pumpd.protocols.modbus import ReadRegisters
from pumpd.protocols.modbus_serving import IncomingCoils
from pumpd.transports.bus import LineConversation

async def allowed(line: LineConversation) -> tuple[int, ...]:
    return await line.ask(ReadRegisters(1, 3, 0, 2))

async def start(line: LineConversation) -> None:
    await line.ask(IncomingCoils(1, 5, 1, (True,)))
"""


@pytest.mark.requirement("INV-1")
@pytest.mark.real
def test_mypy_refuses_a_program_that_asks_a_start(tmp_path):
    """What a simulator understands is a type that ``ask`` does not accept."""
    program = tmp_path / "program.py"
    program.write_text(ASKS_A_START)
    root = Path(__file__).parents[2]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", "--no-incremental", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in checked.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1, checked.stdout
    asks_at = ASKS_A_START.splitlines().index("    await line.ask(IncomingCoils(1, 5, 1, (True,)))") + 1
    assert f"program.py:{asks_at}:" in errors[0]
    assert "IncomingCoils" in errors[0]
