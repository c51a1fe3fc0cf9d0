"""A register map that is wrong is refused with line, what is allowed and a remedy."""

import pytest

from pumpd.errors import ConfigError
from pumpd.protocols.maps import shipped_map
from pumpd.protocols.registers import load_map
from pumpd.protocols.registers_fields import Code, Quirks, TextField
from pumpd.protocols.registers_plan import Read, plan

GOOD = """\
name: a-pump
make: A
model: B
source: {document: D, revision: "1", pages: "3"}
address_base: 1
order: abcd
channels:
  "1":
    status: {function: 3, address: 1, codes: {0: stopped, 1: running}}
    flow: {function: 3, address: 2, type: u16, scale: 0.1, unit: mL/h, range: [0, 999]}
    pause: {function: 5, address: 1, value: 1, permission: pause}
examples:
  - source: page 3
    raw: [{function: 3, start: 1, words: [1, 105]}]
    expect: {"1": {status: running, flow: 10.5 mL/h}}
"""


AT_9, COIL_9 = "function: 3, address: 9", "function: 1, address: 9"


def test_the_smallest_map_is_accepted():
    """What the other tests break is good."""
    assert load_map(GOOD, "map.yaml").channels["1"].flow.unit == "mL/h"


@pytest.mark.requirement("MAP-1")
@pytest.mark.parametrize(
    ("good", "bad", "line", "path", "words"),
    [
        ("address_base: 1", "", 1, "address_base", "missing"),
        ("address_base: 1", "address_base: 2", 5, "address_base", "2"),
        ("address: 2", "address: 0", 0, "", "address_base 1"),
        ("type: u16", "type: u8", 10, "channels.1.flow.type", "'u8'"),
        ("unit: mL/h", "unit: ml/hr", 10, "channels.1.flow", "ml/hr"),
        ("unit: mL/h", "unit: mL", 10, "channels.1.flow", "no unit of flow"),
        ("scale: 0.1", "scale: 0", 10, "channels.1.flow.scale", "0"),
        ("scale: 0.1", "scale: 0.00000001", 10, "channels.1.flow", "finer"),
        ("range: [0, 999]", "range: [9, 1]", 10, "channels.1.flow", "empty"),
        (", range: [0, 999]", "", 10, "channels.1.flow.range", "missing"),
        ("type: u16", "type: f32", 10, "channels.1.flow", "resolution"),
        ("1: running", "1: runing", 9, "channels.1.status.codes.1", "runing"),
        ("permission: pause", "permission: start", 11, "channels.1.pause.permission", "start"),
        (", permission: pause", "", 11, "channels.1.pause.permission", "missing"),
        ("value: 1,", "value: 2,", 11, "channels.1.pause", "coil can not be 2"),
        ("order: abcd", "order: {function: 3, address: 9}", 6, "order", "one way"),
        ("order: abcd", "order: abcd\nspeed: 3", 7, "speed", "speed"),
        ("order: abcd", f"order: {{{AT_9}, type: u16, pattern: 9}}", 6, "order", "pattern with type u32"),
        ("order: abcd", f"order: {{{AT_9}, type: u16, codes: {{0: abdc}}}}", 6, "order.codes.0", "abdc"),
        ("unit: mL/h", f"unit: {{{COIL_9}, type: bits, codes: {{1: mL/h}}}}", 10, "", "count: 2 to 16"),
        ("unit: mL/h", f"unit: {{{COIL_9}, type: u16, codes: {{1: mL/h}}}}", 10, "", "single bits"),
        ("unit: mL/h", f"unit: {{{AT_9}, codes: {{1: mL/h}}}}", 10, "channels.1.flow", "range_unit"),
        ("999]", f"999], range_unit: L/h, unit: {{{AT_9}, codes: {{1: ml}}}}", 10, "", "twice"),
        ("1: running}", "1: running}, first: [{name: x, " + AT_9 + ", codes: {0: stopped}}]", 9, "", "null"),
        ("    flow:", "    fitted: {" + AT_9 + ", codes: {0: maybe}}\n    flow:", 10, "", "maybe"),
        ("examples:", "never_sent: {start: {function: 5, address: 1, value: 1}}\nexamples:", 0, "", "pause"),
    ],
)
def test_a_broken_map_is_refused_at_its_line(good, bad, line, path, words):
    """Each fault is named where it stands, with what is allowed and how to mend it."""
    text = GOOD.replace(good, bad, 1)
    assert text != GOOD
    with pytest.raises(ConfigError) as refused:
        load_map(text, "map.yaml")
    problems = refused.value.problems
    found = [p for p in problems if words in f"{p.path} {p.what} {p.allowed}"]
    assert found, problems
    if path:
        assert (found[0].line, found[0].path) == (line, path)
    assert found[0].allowed
    assert found[0].remedy


def test_neighbours_come_in_one_request_and_gaps_only_where_they_may_be_read():
    """A gap of two registers splits the request unless the map says that it can be read."""
    places = {"a": Code(function=3, address=10), "b": Code(function=3, address=13, type="u32")}
    assert plan(places, 0, Quirks()).reads == (Read(3, 10, 1), Read(3, 13, 2))
    assert plan(places, 0, Quirks(readable_gap=2)).reads == (Read(3, 10, 5),)


def test_a_value_is_never_split_over_two_requests():
    """Three 32-bit values with room for five registers: the third begins a request of its own."""
    places = {str(at): Code(function=4, address=at, type="u32") for at in (0, 2, 4)}
    made = plan(places, 0, Quirks(largest_read=5))
    assert made.reads == (Read(4, 0, 4), Read(4, 4, 2))
    assert (made.slots["4"].reply, made.slots["4"].at) == (1, 0)


def test_one_field_per_request_is_kept():
    """A device that can not bear more gets one value a request, save those in the same register."""
    places = {
        "a": Code(function=3, address=1),
        "b": Code(function=3, address=2),
        "bit": Code(function=3, address=2, type="bit", bit=3),
    }
    made = plan(places, 1, Quirks(one_field_per_request=True))
    assert made.reads == (Read(3, 0, 1), Read(3, 1, 1))


@pytest.mark.requirement("MAP-1")
def test_the_reference_pump_is_read_in_one_request():
    """All telemetry in one read of at most 32 registers, the identity in another."""
    reference = shipped_map("reference-pump")
    (reading,) = plan(reference.telemetry_places(), 0, reference.quirks).reads
    assert reading.count <= 32
    assert len(plan(reference.identity_places(), 0, reference.quirks).reads) == 1
    assert isinstance(reference.identity.serial_number, TextField)
