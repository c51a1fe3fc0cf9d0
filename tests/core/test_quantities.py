"""Exact quantities: text in, integers inside, text out, nothing lost."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.quantities import (
    NL_PER_ML,
    NS_PER_S,
    Concentration,
    DoseRate,
    DoseUnit,
    FlowIntegral,
    FlowRate,
    Volume,
    Weight,
    decimal_text,
)
from tests import proof
from tests.oracle.dose import volume_ml


@pytest.mark.requirement("CORE-1")
def test_a_day_at_the_slowest_flow_loses_nothing() -> None:
    """0.05 mL/h, read 86,400 times, is 1.2 mL to the nanolitre."""
    integral = FlowIntegral()
    for _ in range(86_400):
        integral = integral.plus(FlowRate.parse("0.05"), NS_PER_S)
    assert integral.volume() == Volume.parse("1.2")


@pytest.mark.requirement("CORE-1")
@proof.examples("volume of changing flows against the oracle", small=200, full=20_000)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**11)), max_size=40))
def test_a_volume_is_added_up_exactly(pieces: list[tuple[int, int]]) -> None:
    """However often the flow changes, the volume is the oracle's, rounded down to a nanolitre."""
    integral = FlowIntegral()
    for nl_per_h, ns in pieces:
        integral = integral.plus(FlowRate(nl_per_h), ns)
    exact = volume_ml([(Fraction(f, NL_PER_ML), Fraction(ns, NS_PER_S)) for f, ns in pieces])
    assert integral.volume().nl == int(exact * NL_PER_ML)


@pytest.mark.requirement("CORE-1")
@proof.examples("decimal text there and back", small=300, full=20_000)
@given(st.integers(-(10**15), 10**15), st.sampled_from([1, 10, 1000, 10**6, 10**9, 10**12]))
def test_decimal_text_is_exact_and_plain(count: int, per: int) -> None:
    """Digits only: no exponent, no bare point, no trailing zero, and the same number back."""
    text = decimal_text(count, per)
    assert Fraction(text) == Fraction(count, per)
    assert not set(text) - set("-0123456789.")
    assert not text.endswith(".")
    assert not text.lstrip("-").startswith(".")
    assert "." not in text or not text.endswith("0")
    assert text != "-0"


@pytest.mark.requirement("CORE-1")
@proof.examples("quantities through their own text", small=200, full=10_000)
@given(st.integers(0, 10**13))
def test_what_a_quantity_says_it_understands(count: int) -> None:
    """Every flow, volume and weight reads back from its own text."""
    assert FlowRate.parse(FlowRate(count).ml_per_h) == FlowRate(count)
    assert Volume.parse(Volume(count).ml) == Volume(count)
    assert Weight.parse(Weight(count + 1).kg) == Weight(count + 1)


@pytest.mark.requirement("CORE-1")
@pytest.mark.parametrize(
    ("parse", "text", "why"),
    [
        (FlowRate.parse, "12,5", "not a decimal number"),
        (FlowRate.parse, "", "not a decimal number"),
        (FlowRate.parse, "12.5 mL/h", "not a decimal number"),
        (FlowRate.parse, "NaN", "not finite"),
        (FlowRate.parse, "Infinity", "not finite"),
        (FlowRate.parse, "-1", "below 0"),
        (FlowRate.parse, "0.0000001", "finer than"),
        (Volume.parse, "0.0000001", "finer than"),
        (Weight.parse, "0", "not above 0"),
        (Weight.parse, "-70", "not above 0"),
        (Weight.parse, "0.0001", "finer than"),
        (Concentration.parse, "2", "the unit must be one of"),
        (Concentration.parse, "2 mg/l", "the unit must be one of"),
        (Concentration.parse, "0 mg/mL", "not above 0"),
        (Concentration.parse, "two mg/mL", "not a decimal number"),
        (DoseRate.parse, "0.3", "the unit must be one of"),
        (DoseRate.parse, "0.3 mg/kg", "the unit must be one of"),
        (DoseRate.parse, "0.3 MG/KG/H", "the unit must be one of"),
        (DoseRate.parse, "0,3 mg/kg/h", "not a decimal number"),
        (DoseRate.parse, "NaN mg/kg/h", "not finite"),
        (DoseRate.parse, "-0.3 mg/kg/h", "below 0"),
    ],
)
def test_what_is_no_quantity_is_refused_with_the_reason(parse: object, text: str, why: str) -> None:
    """A comma, a missing unit, a sign or a digit too fine is refused, never guessed."""
    assert callable(parse)
    with pytest.raises(ValueError, match=why):
        parse(text)


@pytest.mark.requirement("CORE-1")
@given(st.fractions(min_value=0, max_value=10**6), st.integers(0, 6))
def test_a_dose_is_shown_rounded_half_up(amount: Fraction, places: int) -> None:
    """What is shown is never further than half of the last digit shown from what is."""
    shown = Fraction(Decimal(DoseRate(amount, DoseUnit.MG_H).digits(places)))
    assert abs(shown - amount) <= Fraction(1, 2 * 10**places)


@pytest.mark.requirement("CORE-1")
@pytest.mark.parametrize("text", ["2 mg/mL", "0.05 mg/mL", "1 U/mL", "100 U/mL"])
def test_a_concentration_is_said_as_it_was_read(text: str) -> None:
    """Concentrations keep their spelling in mg and U."""
    assert str(Concentration.parse(text)) == text


def test_the_same_strength_in_other_words_is_the_same() -> None:
    """A library entry in ug/mL is found by a programme in mg/mL."""
    assert Concentration.parse("2000 ug/mL") == Concentration.parse("2 mg/mL")
