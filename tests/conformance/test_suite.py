"""Every driver that ships, through the whole conformance suite; and that the suite can tell a bad one."""

from __future__ import annotations

import pytest

from pumpd.drivers.registry import shipped
from pumpd.protocols.maps import shipped_names
from pumpd.qa.conformance.family import FAMILIES, Point
from pumpd.qa.conformance.score import points_of
from pumpd.qa.conformance.subject import subject_of
from tests.conformance import cost_page, drivers_page


def each(*families: str) -> pytest.MarkDecorator:
    """Parametrise over the points of some families, of every driver."""
    named.update(families)
    points = [
        (name, point)
        for name, spec in shipped().items()
        for point in points_of(spec, families)
        if not point.missing  # its reason stands in docs/drivers.md, which is held to the suite below
    ]
    return pytest.mark.parametrize("point", [pytest.param(p, id=f"{name}: {p.name}") for name, p in points])


named: set[str] = set()


def shown(point: Point) -> None:
    """A shipped driver reaches every point that its protocol lets it try."""
    point.run()


@pytest.mark.requirement("MAP-2")
@each("example read", "example written", "card")
def test_it_reads_and_writes_what_its_document_prints(point):
    """Raw words and values of the document, in both directions; and the card says what there is."""
    shown(point)


@pytest.mark.requirement("LINK-3")
@each("whole", "byte by byte", "after noise", "after a foreign frame", "after a damaged frame")
def test_the_reply_is_found_however_it_comes(point):
    """In pieces, twice, behind noise, behind foreign and damaged frames."""
    shown(point)


@pytest.mark.requirement("INV-2")
@each("flipped", "garbage without end", "late reply", "hurt reply", "foreign reply")
def test_nothing_else_is_taken_for_the_reply(point):
    """Damage, garbage, late and foreign replies never become a reading."""
    shown(point)


@pytest.mark.requirement("INV-5")
@each("identity", "provenance")
def test_a_simulator_says_so_to_the_driver(point):
    """Model, serial number and firmware come back; SIM- in front means simulated."""
    shown(point)


@pytest.mark.requirement("FLEET-3")
@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_card_says_where_a_pump_can_not_be_known(name):
    """Identity not checked: it stands on the cards of pumps that tell no serial number, and on no others."""
    subject = subject_of(shipped()[name])
    assert subject.spec.card.checks_identity is ("serial_number" in subject.tells)


@pytest.mark.requirement("SIM-1", "MAP-1")
@each("status", "alarm")
def test_the_driver_reads_what_the_model_holds(point):
    """Every status, every value, every alarm."""
    shown(point)


@pytest.mark.requirement("MAP-3", "CORE-9")
@each("odd alarm", "odd status", "odd flow")
def test_what_nobody_has_named_becomes_no_number(point):
    """An unknown alarm is OTHER, an unknown status UNKNOWN, a flow that can not be INVALID; all kept raw."""
    shown(point)


@pytest.mark.requirement("INV-1", "RES-1")
@each("pause", "never sent", "silence", "refusal")
def test_a_driver_may_pause_and_nothing_more(point):
    """The pause stops the pump; a start is held back; silence and refusals do not act."""
    shown(point)


@pytest.mark.requirement("INV-1", "RES-1")
@each("lower", "lower, a hand was quicker", "lower, no answer")
def test_a_driver_that_claims_a_lower_rate_has_it_and_no_other(point):
    """What is set is never above what was asked, and where a hand was quicker nothing is."""
    shown(point)


@pytest.mark.requirement("INV-3")
@each("stored values")
def test_a_gateway_that_answers_from_its_memory_is_found_out(point):
    """Stored values are no live ones."""
    shown(point)


@pytest.mark.requirement("HOUSE-DOCS", "DIAL-4")
def test_the_pages_tell_the_score_of_every_shipped_driver():
    """docs/drivers.md and the table in README.md are what suite and cards say; so is what is unverified."""
    again = "write them anew: python -m tests.conformance.drivers_page"
    assert drivers_page.PAGE.read_text() == drivers_page.page(), again
    assert drivers_page.README.read_text() == drivers_page.readme(), again


@pytest.mark.requirement("HOUSE-DOCS")
def test_the_page_of_what_a_pump_costs_is_counted():
    """docs/one-more-pump.md holds the lines of code that there are."""
    again = "write it anew: python -m tests.conformance.cost_page"
    assert cost_page.PAGE.read_text() == cost_page.page(), again


def test_every_family_of_the_suite_is_run_here():
    """A family that is added to the suite is tried on the shipped drivers."""
    assert named == set(FAMILIES)


def test_every_map_has_a_card_and_every_card_a_map():
    """No pump model ships without saying who verified it and how."""
    mapped = {spec.card.register_map for spec in shipped().values() if spec.register_map is not None}
    assert mapped == set(shipped_names())
