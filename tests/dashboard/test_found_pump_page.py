"""Who answers at a port, in a real browser: a pump of the house that waits for a tap; a laboratory pump."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.hospital import hospital
from tests.dashboard.screens_people import shared_screen
from tests.dashboard.served import Served, served, wall_ms
from tests.dashboard.test_asking_page import by_pin
from tests.dashboard.test_infusion_page import card_of
from tests.dashboard.test_look import CONTRASTS

pytestmark = IN_A_BROWSER
EXCHANGED = {"PUMP-04": "SIM-0006", "PUMP-06": "SIM-0004"}
"""The pumps of beds 4 and 6 were plugged in the wrong way round; both stand, and have no order."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a hospital with these two."""
    with hospital(tmp_path_factory.mktemp("hospital"), serials=EXCHANGED) as running:
        running.until(
            "/api/state", lambda _: [card_of(running, p)["link"]["instead"] for p in EXCHANGED] != ["", ""]
        )
        yield running


def taps(made: Served) -> list[dict[str, Any]]:
    """Return what the journal says of exchanged ports, oldest first."""
    now_ms = wall_ms()
    lines = made.get(f"/api/journal?start={now_ms - 600_000}&end={now_ms + 60_000}")
    return [line for line in reversed(lines) if line["event"] == "exchange-ports"]


@pytest.mark.requirement("FLEET-5", "PEOPLE-3")
def test_one_tap_says_where_a_pump_of_the_house_is(browser: Browser, page: Page, made: Served) -> None:
    """Announced on both cards and on the wall, where nothing can be tapped; an engineer may, no viewer.

    From then on both pumps are read, and the journal has the name of who said it.
    """
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{made.url}/?wall")
    band = page.locator("[data-key='PUMP-04/1'] .band-title")
    expect(band).to_have_text("ANOTHER PUMP ANSWERS HERE: PUMP-06, expected PUMP-04")
    expect(page.locator(".found")).to_have_count(0)
    context = shared_screen(browser, viewport={"width": 1440, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(made.url)
    found, other = (page.locator(f"[data-key='{pump}/1'] .found") for pump in EXCHANGED)
    expect(found.locator(".found-who")).to_have_text("PUMP-06 is known: it belongs to bed 6.")
    expect(other).to_contain_text("PUMP-04 is known: it belongs to bed 4.")
    expect(found.locator("button")).to_have_text(
        ["It stands here, at bed 4", "It stands at bed 6, only the cable changed"]
    )
    assert page.evaluate(CONTRASTS) == []
    found.get_by_text("It stands here").tap()
    by_pin(page, "Vera")
    expect(found.locator("[role=alert]")).to_contain_text("is for: engineer or nurse")
    assert taps(made) == []
    found.get_by_text("It stands here").tap()
    by_pin(page, "Eve")
    expect(page.locator(".found")).to_have_count(0)
    for bed, pump in (("4", "PUMP-06"), ("6", "PUMP-04")):
        card = page.locator(f"[data-key='{pump}/1']")
        expect(card.locator("h2")).to_have_text(bed)
        expect(card.locator(".figure b").first).to_be_visible(
            timeout=15_000
        )  # struck out while it is not live
        assert card_of(made, pump)["serial_number"] == f"SIM-000{pump[-1]}"
    lines = taps(made)
    assert [(line["pump"], line["by"]) for line in lines] == [("PUMP-06", "Eve"), ("PUMP-04", "Eve")]
    page.goto(f"{made.url}/#/pump/PUMP-06/1")
    expect(page.locator(".pump-page")).to_contain_text(re.compile("PUMP-06 is read at .* at bed 4, by Eve"))
    context.close()


@pytest.mark.requirement("FLEET-3", "FLEET-4")
def test_a_real_laboratory_pump_offers_no_infusion_and_is_not_known_for_sure(
    page: Page, tmp_path: Path
) -> None:
    """Its page says that it is not for people and that its identity is not checked; there is no button."""
    with served(tmp_path, "laboratory") as made:
        page.goto(f"{made.url}/#/pump/PUMP-12/1")
        panel = page.locator(".infusion")
        expect(panel).to_contain_text("PUMP-12 is a laboratory pump: it is not for people.")
        expect(panel.get_by_text("Begin an infusion")).to_have_count(0)
        expect(page.locator(".facts")).to_contain_text("identity not checked")
        expect(page.locator(".facts")).to_contain_text("no: a laboratory pump")
        expect(page.locator(".card .unverified")).to_contain_text("laboratory pump")
        page.goto(f"{made.url}/#/pump/PUMP-11/1")
        expect(page.get_by_role("button", name="Begin an infusion")).to_have_count(1)
