"""Registers to numbers and back."""

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pumpd.core.telemetry import Validity
from pumpd.protocols.registers_codec import decoder, encoder, extractor, text_of, words_of, words_of_text
from pumpd.protocols.registers_fields import ORDERS, WIDTHS, NumberField, TextField
from pumpd.protocols.registers_plan import Slot
from pumpd.protocols.registers_units import Quantity

pytestmark = pytest.mark.requirement("MAP-2")


def number(kind="u16", **kwargs) -> NumberField:
    given_ = {"function": 4, "address": 0, "type": kind, "unit": "mL/h", "range": (0, 10**9)} | kwargs
    return NumberField.model_validate(given_)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("abcd", (0x1122, 0x3344)),
        ("cdab", (0x3344, 0x1122)),
        ("badc", (0x2211, 0x4433)),
        ("dcba", (0x4433, 0x2211)),
    ],
)
def test_the_four_orders_put_the_bytes_where_their_names_say(order, words):
    """0x11223344 in each of the four orders, written out."""
    assert words_of(0x11223344, 2, order) == words
    assert extractor(Slot(0, 0), 2, order)([words]) == 0x11223344


@given(st.integers(0, 0xFFFF_FFFF), st.sampled_from(ORDERS), st.sampled_from([1, 2]))
def test_words_of_is_undone_by_extractor(pattern, order, width):
    """Every pattern of every width comes back in every order."""
    pattern &= (1 << 16 * width) - 1
    assert extractor(Slot(1, 3), width, order)([(), (0, 0, 0, *words_of(pattern, width, order))]) == pattern


@given(
    st.sampled_from(["u16", "i16", "u32", "i32", "f32"]),
    st.sampled_from(["1", "0.1", "0.01", "0.001", "5", "0.25"]),
    st.sampled_from(list(Quantity.FLOW.units)),
    st.integers(0, 0x7FFF),
)
def test_what_is_encoded_decodes_to_the_same_counts(kind, scale, unit, steps):
    """Each type, scale and unit keeps a value that stands on its own grid."""
    field_scale, resolution = (Decimal(scale), None) if kind != "f32" else (Decimal(1), Decimal(scale))
    counts = steps * Fraction(scale) * Quantity.FLOW.units[unit]
    assume(counts.denominator == 1)
    field = number(kind, scale=field_scale, resolution=resolution, unit=unit)
    pattern = encoder(field, Quantity.FLOW, unit)(int(counts))
    assert decoder(field, Quantity.FLOW, unit)(pattern).value == counts


@given(st.integers(0, 0xFFFF_FFFF), st.sampled_from(["u16", "i16", "u32", "i32", "f32"]))
def test_any_pattern_is_a_number_in_range_or_no_number_at_all(pattern, kind):
    """Whatever arrives, what comes out as valid lies in the declared range; the rest keeps its raw text."""
    field = number(kind, range=(1, 99), resolution=Decimal("0.1") if kind == "f32" else None)
    measured = decoder(field, Quantity.FLOW, "mL/h")(pattern & ((1 << 16 * WIDTHS[kind]) - 1))
    if measured.value is not None:
        assert 1_000_000 <= measured.value <= 99_000_000
    else:
        assert measured.validity is Validity.INVALID
        assert measured.raw is not None
        assert measured.raw.startswith("0x")


def test_a_float_is_rounded_to_its_resolution():
    """10.5 mL/h that comes as 10.499999 is 10.5 mL/h: limits are compared on the pump's grid."""
    field = number("f32", resolution=Decimal("0.1"))
    pattern = int.from_bytes(struct.pack(">f", 10.499999), "big")
    assert decoder(field, Quantity.FLOW, "mL/h")(pattern).value == 10_500_000


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("says", "expected"), [("invalid", Validity.INVALID), ("missing", Validity.MISSING)])
def test_not_a_number_is_what_the_map_declares(bad, says, expected):
    """NaN and infinities never become a number."""
    field = number("f32", resolution=Decimal("0.1"), not_a_number=says)
    pattern = int.from_bytes(struct.pack(">f", bad), "big")
    assert decoder(field, Quantity.FLOW, "mL/h")(pattern).validity is expected


def test_a_sentinel_is_missing_even_inside_the_range():
    """The pattern that means "no value" wins."""
    field = number("u16", no_value=(500,))
    assert decoder(field, Quantity.FLOW, "mL/h")(500).validity is Validity.MISSING
    assert decoder(field, Quantity.FLOW, "mL/h")(501).validity is Validity.VALID


def test_a_negative_flow_is_invalid_whatever_the_range_says():
    """No pump runs backwards into a patient."""
    field = number("i16", range=(-10, 10))
    measured = decoder(field, Quantity.FLOW, "mL/h")(0xFFFF)
    assert measured.validity is Validity.INVALID
    assert measured.raw == "0xFFFF (-1 mL/h), allowed -10 to 10 mL/h"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8), st.sampled_from(ORDERS))
def test_text_comes_back(text, order):
    """Text survives each byte order."""
    field = TextField(function=4, address=0, length=4)
    assert text_of(words_of_text(text, field, order), order) == text


@pytest.mark.parametrize(
    ("unit", "counts"),
    [("mL/min", 60_000_000), ("uL/h", 1000), ("uL/min", 60_000), ("nL/min", 60), ("L/h", 10**9)],
)
def test_units_of_flow_are_exact(unit, counts):
    """One of each unit in nanolitres per hour, worked out by hand."""
    assert Quantity.FLOW.units[unit] == counts


def test_text_that_can_not_be_seen_is_marked():
    """A pump's text reaches terminals and screens: control characters come as U+FFFD."""
    field = TextField(function=4, address=0, length=4)
    assert text_of(words_of_text("\x1b[2J\x07", field, "abcd"), "abcd") == "\ufffd[2J\ufffd"


def test_a_text_may_fill_its_registers_and_no_more():
    """Four letters in two registers; the fifth is refused."""
    field = TextField(function=4, address=0, length=2)
    assert words_of_text("ABCD", field, "abcd") == (0x4142, 0x4344)
    with pytest.raises(ValueError, match="does not fit in 2 registers"):
        words_of_text("ABCDE", field, "abcd")


@pytest.mark.parametrize(
    ("kind", "counts", "pattern"),
    [("u16", 40_000, 40_000), ("u16", -1, 0), ("i16", 40_000, 0x7FFF), ("i16", -1, 0xFFFF)],
)
def test_what_a_type_can_not_show_is_shown_as_its_last(kind, counts, pattern):
    """A type without a sign ends at nought below and reaches twice as far above."""
    field = number(kind, unit="kPa", range=(-(10**6), 10**6))
    assert encoder(field, Quantity.PRESSURE, "kPa")(10 * counts) == pattern
