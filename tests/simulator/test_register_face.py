"""A simulated pump refuses what it does not know, whatever bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.errors import WireError
from pumpd.protocols.maps import shipped_map
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace

BUILDER = FaceBuilder(shipped_map("reference-pump"))
pytestmark = pytest.mark.requirement("SIM-2")


def face(serial_number="SIM-1", firmware="1.0") -> RegisterFace:
    return RegisterFace(BUILDER, {"1": PumpModel()}, serial_number, firmware, lambda: 0)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("01 04 0000 0001", "01 04 02 0001"),
        ("01 04 0000 0000", "01 84 03"),
        ("01 04 0000 007E", "01 84 03"),
        ("01 04 000D 0001", "01 04 02 0000"),
        ("01 04 000E 0001", "01 84 02"),
        ("01 04 FFFF 0002", "01 84 02"),
        ("01 03 0000 0001", "01 83 02"),
        ("01 01 0000 0001", "01 81 02"),
        ("01 05 0000 FF00", "01 05 0000 FF00"),
        ("01 05 0000 0000", "01 85 03"),
        ("01 05 0000 1234", "01 85 03"),
        ("01 05 0002 FF00", "01 85 02"),
        ("01 06 0000 0001", "01 86 02"),
        ("01 0F 0000 0001 01 01", "01 8F 01"),
        ("01 10 0000 0001 02 0001", "01 90 01"),
        ("01 2B 0E 01 00", "01 AB 01"),
    ],
)
def test_each_request_has_the_answer_of_the_specification(asked, answered):
    """Values for what the map names, exception 1, 2 or 3 for what it does not."""
    assert face().answer(bytes.fromhex(asked)) == bytes.fromhex(answered)


@pytest.mark.parametrize("order", ["01 05 0000 FF00", "01 05 0001 FF00"])
def test_a_locked_pump_answers_and_takes_no_orders(order):
    """What would change it is refused as a failure of the device and changes nothing; reads go on."""
    locked = face()
    locked.models["1"].set_rate_nl_h = 1_000_000
    locked.models["1"].locked = True
    before = locked.models["1"].status
    assert locked.answer(bytes.fromhex(order)) == bytes.fromhex("01 85 04")
    assert locked.answer(bytes.fromhex("01 04 0000 0001")) == bytes.fromhex("01 04 02 0001")
    assert locked.models["1"].status is before
    locked.models["1"].locked = False
    assert locked.answer(bytes.fromhex("01 05 0000 FF00")) == bytes.fromhex("01 05 0000 FF00")


@given(st.binary(max_size=260))
def test_any_bytes_are_answered_or_ignored(payload):
    """Nothing that arrives breaks a simulated pump."""
    try:
        reply = face().answer(payload)
    except WireError:
        assert len(payload) < 2
    else:
        assert reply[0] == payload[0]
        assert reply[1] & 0x7F == payload[1] & 0x7F


@pytest.mark.requirement("INV-5")
def test_a_simulated_pump_can_not_call_itself_real():
    """A serial number without SIM- in front, or too long to be shown whole, makes no pump."""
    with pytest.raises(ValueError, match="begins with SIM-"):
        face("0001")
    with pytest.raises(ValueError, match="does not fit"):
        face("SIM-0123456789ABCDEF")
