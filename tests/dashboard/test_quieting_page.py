"""Silence and "Remind me" in a real browser, with a real daemon and simulated pumps behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.hospital import hospital
from tests.dashboard.served import Served

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield one hospital for all tests here; each uses beds of its own."""
    with hospital(tmp_path_factory.mktemp("hospital")) as running:
        yield running


def alarm_at(made: Served, pump: str, condition: str) -> dict[str, object]:
    """Return an alarm as the daemon tells it."""
    cards = {card["pump"]: card for card in made.get("/api/state")["pumps"]}
    (found,) = [a for a in cards[pump]["alarms"] if a["condition"] == condition]
    return dict(found)


@pytest.mark.requirement("DASH-4", "DASH-8")
def test_an_alarm_is_silenced_in_two_keys_counts_down_and_sounds_again_on_demand(page: Page, made: Served):
    """S and Enter: the daemon's own word comes round with who and how long; nothing is hidden."""
    page.goto(made.url)
    card = page.locator("[data-key='PUMP-01/1']")
    expect(card.locator(".band-title")).to_contain_text("TOO FAST")
    page.keyboard.press("s")
    expect(card.locator(".silence")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.locator(".band-quiet").first).to_have_text(re.compile(r"Silent for [12]:\d\d \(Ann\)"))
    told = alarm_at(made, "PUMP-01", "over-hard")
    assert (told["signal"], told["acknowledged_by"]) == ("on", "")
    expect(card.locator(".band")).to_have_class(re.compile("is-on"))
    expect(card.locator(".have-it")).to_be_enabled()
    expect(card.get_by_text("Remind me")).to_have_count(0)
    card.get_by_text("Sound again").click()
    expect(card.locator(".band-quiet")).to_have_count(0)
    assert alarm_at(made, "PUMP-01", "over-hard")["inactivation"] is None


@pytest.mark.requirement("DASH-8")
def test_a_lesser_alarm_is_put_off_with_a_reason_until_a_time_and_taken_back(page: Page, made: Served):
    """The form asks for a time and a reason; the card says them, and who; other beds go before it."""
    with page.expect_websocket() as opened:
        page.goto(made.url)
    card = page.locator("[data-key='PUMP-02/1']")
    expect(card.locator(".band-title")).to_contain_text("Nearly finished")
    open_form = card.locator("button", has_text="Remind me at")
    words = open_form.inner_text()
    open_form.click()
    card.locator("button.have-it").click()
    expect(card.locator("form")).to_be_visible()
    card.locator("input[name=reason]").click()
    for _ in range(3):  # new numbers take nobody's place in a form
        opened.value.wait_for_event("framereceived")
    expect(card.locator("input[name=reason]")).to_be_focused()
    card.locator("input[name=reason]").fill("the syringe comes")
    card.locator("button.have-it", has_text=words).click()
    at = words.rpartition(" ")[2]
    expect(card.locator(".band-quiet").first).to_have_text(f"Put off by Ann until {at}: the syringe comes")
    expect(card.locator(".band")).to_have_class(re.compile("is-shelved"))
    card.get_by_text("Remind me now").click()
    expect(card.locator(".band-quiet")).to_have_count(0)
    expect(card.locator(".band")).to_have_class(re.compile("is-on"))


@pytest.mark.requirement("DASH-8")
def test_a_pump_that_stands_is_taken_off_the_line_and_put_back(page: Page, made: Served):
    """Its card says until when and why, and calls nobody; one that delivers is refused in words."""
    page.goto(f"{made.url}/#/pump/PUMP-03/1")
    panel = page.locator(".off-line")
    submit = panel.locator("button[type=submit]")
    panel.get_by_text("Take it off the line").click()
    panel.get_by_text("Being cleaned").click()
    submit.click()
    expect(panel).to_contain_text(re.compile("deliver|run", re.IGNORECASE))
    expect(panel.locator("[role=alert], .is-wrong .field-told").first).to_be_visible()
    page.goto(f"{made.url}/#/pump/PUMP-04/1")
    panel.get_by_text("Take it off the line").click()
    panel.get_by_text("Being cleaned").click()
    submit.click()
    expect(page.locator(".card .stale-words")).to_contain_text("Off the line until")
    expect(page.locator(".card .band")).to_have_count(0)
    panel.get_by_text("Put it back on the line").click()
    submit.click()
    expect(page.locator(".card .stale-words")).to_have_count(0)
    assert "off-line" not in [a["condition"] for c in made.get("/api/state")["pumps"] for a in c["alarms"]]
