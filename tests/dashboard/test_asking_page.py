"""A pause and a test of a contact in a real browser, with a real daemon and simulated pumps behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.hospital import hospital
from tests.dashboard.screens_people import press, shared_screen
from tests.dashboard.served import Served, wall_ms
from tests.dashboard.test_infusion_page import card_of
from tests.dashboard.test_look import CONTRASTS

pytestmark = IN_A_BROWSER
PAUSABLE = 3


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the contact's program writes."""
    return tmp_path_factory.mktemp("called") / "message"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, called: Path) -> Iterator[Served]:
    """Yield a hospital in which bed 3 may be paused and somebody can be called."""
    program = called.parent / "pager"
    program.write_text(f"#!/bin/sh\ncat > {called}\n")
    program.chmod(0o700)
    with hospital(tmp_path_factory.mktemp("hospital"), PAUSABLE, str(program)) as running:
        yield running


def by_pin(page: Page, name: str) -> None:
    """Type this person's PIN on the pad."""
    page.locator(".pad-people button", has_text=name).tap()
    press(page, "2580")
    page.get_by_role("button", name="OK").tap()


def restraints(made: Served) -> list[dict[str, Any]]:
    """Return what the journal says of restraints of the bed, oldest first."""
    now_ms = wall_ms()
    lines = made.get(f"/api/journal?start={now_ms - 600_000}&end={now_ms + 60_000}&pump=PUMP-03")
    return [line for line in reversed(lines) if line["kind"] == "restraint"]


@pytest.mark.requirement("DASH-10", "INV-1", "PEOPLE-3")
def test_a_nurse_has_a_pump_paused_by_name_and_pin_and_starts_none(browser: Browser, made: Served) -> None:
    """Asked twice, with a reason; read back from the pump; nothing on the page starts it again."""
    context = shared_screen(browser, viewport={"width": 360, "height": 780}, has_touch=True)
    page = context.new_page()
    page.goto(f"{made.url}/#/pump/PUMP-03/1")
    panel, submit = page.locator(".pause-pump"), page.locator(".pause-pump button[type=submit]")
    panel.get_by_text("Pause this pump…").tap()
    expect(panel).to_contain_text("Only a hand at the pump can start it again.")
    submit.tap()
    expect(panel.locator("#field-reason-told")).to_have_text("Write why.")
    assert page.evaluate(CONTRASTS) == []
    panel.get_by_text("The patient is unwell").tap()
    submit.tap()
    by_pin(page, "Eve")
    expect(panel.locator("[role=alert], .is-wrong .field-told").first).to_contain_text("is for: nurse")
    assert restraints(made) == []
    submit.tap()
    by_pin(page, "Ann")
    expect(panel).to_have_count(0)
    expect(page.locator(".card-status")).to_have_text(re.compile("PAUSED|STOPPED"))
    expect(page.locator(".card .band-title")).to_contain_text("PAUSED this pump")
    assert card_of(made, "PUMP-03")["reading"]["flow_ml_h"] == "0"
    lines = restraints(made)
    assert lines[0]["event"] == "asked"
    assert (lines[0]["by"], lines[0]["detail"]) == ("Ann", "by a person: The patient is unwell")
    assert lines[-1]["event"] == "paused"
    words = " ".join(page.locator("button").all_inner_texts()).lower()
    assert not re.search(r"\b(start|run|resume|bolus|faster|raise)\b", words)
    context.close()


@pytest.mark.requirement("DASH-10")
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_what_may_be_asked_takes_no_room_from_what_the_pump_does(
    browser: Browser, made: Served, width: int
) -> None:
    """The button stands under the numbers, also beside the band of an alarm; neither is squeezed or cut."""
    context = shared_screen(browser, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(made.url)
    card = page.locator("[data-key='PUMP-02/1']")
    expect(card.locator(".pause-pump")).to_be_visible()
    body, button = (card.locator(part).bounding_box() for part in (".card-body", ".pause-pump"))
    assert body is not None
    assert button is not None
    assert button["y"] >= body["y"] + body["height"] - 1
    assert abs(button["x"] - body["x"]) < 1
    figures = card.locator(".figures").bounding_box()
    assert figures is not None
    assert figures["width"] >= 200
    context.close()


@pytest.mark.requirement("DASH-10")
def test_a_pause_is_not_offered_where_pumpd_may_not_pause(page: Page, made: Served) -> None:
    """Bed 4 has neither an order nor leave; on a wall screen no pump has such a button."""
    page.goto(f"{made.url}/#/pump/PUMP-04/1")
    expect(page.locator(".facts")).to_contain_text("pumpd may pause it")
    expect(page.locator(".pause-pump")).to_have_count(0)
    page.goto(f"{made.url}/?wall")
    expect(page.locator("[data-key='PUMP-01/1'] .band")).to_have_count(1)
    expect(page.locator(".pause-pump")).to_have_count(0)


@pytest.mark.requirement("DASH-11", "PEOPLE-1")
def test_an_engineer_sends_a_contact_a_test_and_a_nurse_is_not_asked_to(
    browser: Browser, page: Page, made: Served, called: Path
) -> None:
    """The contact's own program has what is said to be a test; its name is on the page, its way is not."""
    page.goto(made.url)
    expect(page.locator(".card").first).to_be_visible()
    expect(page.get_by_text("that can be called")).to_have_count(0)
    screen = shared_screen(browser, has_touch=True)
    other = screen.new_page()
    other.goto(made.url)
    other.get_by_text("1 contact that can be called").tap()
    line = other.locator("details li", has_text="on call")
    line.get_by_text("Send a test").tap()
    by_pin(other, "Eve")
    expect(line).to_contain_text(re.compile(r"Test taken at \d\d:\d\d"))
    assert "test" in called.read_text().lower()
    assert str(called.parent) not in other.content()
    screen.close()
