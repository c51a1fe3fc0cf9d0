"""``pumpd map``: a map against its own examples, and against a simulated pump on a real wire."""

import asyncio
import re
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.drivers.registry import find, of_register_map
from pumpd.errors import ConfigError, TransportError
from pumpd.map_bench import read_map
from pumpd.protocols.framing_mbap import MbapServerFramer
from pumpd.protocols.modbus_serving import IncomingRead, parse_request, registers_reply
from pumpd.protocols.registers import load_map
from pumpd.qa.conformance.rig import over_pty, over_tcp, rig
from pumpd.qa.conformance.subject import MODBUS, subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.transports.memory import MemoryWire
from tests.transports.devices import Device

REFERENCE = (resources.files("pumpd.protocols.maps") / "reference-pump.yaml").read_text(encoding="utf-8")


def in_file(text: str, folder: Path) -> Path:
    file = folder / "map.yaml"
    file.write_text(text)
    return file


async def read_over_a_wire(file: Path, folder: Path, *, pump: str = REFERENCE, framing: int = 0):
    """Read by ``file`` a simulated pump that was made by the map ``pump``."""
    register_map = load_map(pump, "pump.yaml")
    subject = subject_of(of_register_map(find("reference-pump").card, register_map))
    over = (over_tcp, over_pty(folder / "port"))[framing]
    said: list[str] = []
    async with rig(subject, MODBUS[framing], over=over) as on:
        await on.bus.link.close(TransportError("the line is for the map"))
        well = await read_map(file, on.url, said.append)
    return well, "\n".join(said)


@pytest.mark.requirement("ENG-3")
@pytest.mark.real
@pytest.mark.parametrize("framing", [0, 1], ids=["socket", "pseudo-terminal"])
def test_every_register_is_told_with_its_words_and_verdict(framing, tmp_path):
    """Path, place, raw words, value and verdict of each, and no hint where all makes sense."""
    well, said = asyncio.run(read_over_a_wire(in_file(REFERENCE, tmp_path), tmp_path, framing=framing))
    assert well, said
    assert re.search(r"^channels\.1\.set_flow +input 2 +0000 03E8 +10 mL/h +in range$", said, re.MULTILINE)
    assert re.search(r"^channels\.1\.status +input 0 +0001 +1: stopped +named$", said, re.MULTILINE)
    assert re.search(r"^identity\.serial_number .*'SIM-0001' +text$", said, re.MULTILINE)
    assert "12 of 12 registers make sense" in said
    assert "hint" not in said


@pytest.mark.requirement("ENG-3")
@pytest.mark.real
@pytest.mark.parametrize("order", ["cdab", "dcba"])
def test_another_word_order_is_hinted_at(order, tmp_path):
    """A pump whose words stand the other way round: values out of range, and which order would do."""
    pump = REFERENCE.replace("order: abcd", f"order: {order}")
    well, said = asyncio.run(read_over_a_wire(in_file(REFERENCE, tmp_path), tmp_path, pump=pump))
    assert not well
    assert "OUT OF RANGE" in said
    hints = re.findall(r"^hint: (.*?) makes sense", said, re.MULTILINE)
    assert hints == [f"order: {order}"]


@pytest.mark.requirement("ENG-3")
@pytest.mark.real
def test_another_address_base_is_hinted_at(tmp_path):
    """A document that counts from 1, written down as if it counted from 0."""
    wrong = re.sub(r"(address|start): (\d+)", lambda found: f"{found[1]}: {int(found[2]) + 1}", REFERENCE)
    well, said = asyncio.run(read_over_a_wire(in_file(wrong, tmp_path), tmp_path))
    assert not well
    assert "hint: address_base: 1 makes sense of 9 of 9 values" in said


@pytest.mark.requirement("ENG-3")
@pytest.mark.real
def test_a_refused_register_is_told_and_the_others_are_read(tmp_path):
    """A map with a register that the pump has not."""
    more = REFERENCE.replace("battery: {function: 4, address: 11,", "battery: {function: 3, address: 900,")
    more = re.sub(r"    lower: .*\n", "", more)
    well, said = asyncio.run(read_over_a_wire(in_file(more, tmp_path), tmp_path))
    assert not well
    assert re.search(r"^channels\.1\.battery +holding 900 +refused$", said, re.MULTILINE)
    assert "11 of 12 registers make sense" in said


@pytest.mark.requirement("ENG-3")
def test_check_tells_what_a_map_costs_and_holds_its_examples(tmp_path):
    """Requests, bytes and wire time of a reading; a wrong example is named with what was found."""
    good = CliRunner().invoke(app, ["map", "check", str(in_file(REFERENCE, tmp_path))])
    assert good.exit_code == 0, good.output
    assert "a reading takes 1 requests, 41 bytes on a serial line: 43 ms at 9600 baud" in good.output
    assert "3 examples, read and written: all hold" in good.output
    wrong = in_file(REFERENCE.replace("pressure: 6.4 kPa", "pressure: 64 kPa"), tmp_path)
    bad = CliRunner().invoke(app, ["map", "check", str(wrong)])
    assert bad.exit_code == 1
    assert "pressure: 6.4 kPa, expected 64 kPa" in bad.output


@pytest.mark.requirement("ENG-3")
def test_what_is_no_map_is_the_operators_to_mend(tmp_path):
    """An unknown key ends the program with 2, whatever the verb."""
    from pumpd.errors import ConfigError

    ran = CliRunner().invoke(app, ["map", "check", str(in_file(REFERENCE + "speed: 3\n", tmp_path))])
    assert isinstance(ran.exception, ConfigError)


@pytest.mark.requirement("ENG-3")
@pytest.mark.parametrize("order", ["abcd", "cdab", "dcba"])
@in_virtual_time
async def test_another_base_is_hinted_at_where_every_register_answers_and_the_pump_tells_its_order(
    order, tmp_path
):
    """ProMinent's map written as if counted from 1: the constant is found one on, in its own order."""
    text = (resources.files("pumpd.protocols.maps") / "prominent-gamma-x.yaml").read_text(encoding="utf-8")
    words = {63: (0xAABB, 0xCCDD), 1018: (0x3FC0, 0), 1022: (1,), 1034: (0x4148, 0), 1200: (1,)}
    held: dict[int, int] = {}
    for at, in_order in words.items():
        shown = in_order if order == "abcd" else in_order[::-1]
        exchanged = order == "dcba"
        held |= {
            at + n: word >> 8 | (word & 0xFF) << 8 if exchanged else word for n, word in enumerate(shown)
        }

    def reply(payload):
        asked = parse_request(payload)
        assert isinstance(asked, IncomingRead)
        return registers_reply(asked, [held.get(asked.start + n, 0) for n in range(asked.count)])

    wire = MemoryWire()
    device = Device(wire.answering, MbapServerFramer(), reply)
    await device.open()
    wrong = in_file(text.replace("address_base: 0", "address_base: 1"), tmp_path)
    said: list[str] = []
    assert not await read_map(wrong, "modbus-tcp://memory:502/1", said.append, wire=wire.asking)
    hinted = [line for line in said if line.startswith("hint: ")]
    assert len(hinted) == 1, said
    told = f"hint: address_base: 0, where the pump tells the order {order}, makes sense of 9 of 9 values"
    assert hinted[0].startswith(told)


@pytest.mark.requirement("CFG-5")
def test_a_file_of_another_kind_is_told_by_the_keys_that_a_map_must_have() -> None:
    """What is missing is told with what must be there, in the words of the file."""
    ward = Path(__file__).parents[2] / "config" / "demo" / "ward.yaml"
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(app, ["map", "check", str(ward)], catch_exceptions=False)
    (found,) = [each for each in caught.value.problems if each.path == "make"]
    assert found.what == "'make' is missing"
    assert found.allowed == (
        "name, make, model, source, address_base, order, channels, examples must be there"
    )
    assert found.remedy == "add make"
