"""An infusion from its beginning to its end in a real browser, with a real daemon behind the page."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.hospital import hospital
from tests.dashboard.people import PIN
from tests.dashboard.served import Served

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield one hospital for all tests here; each uses a bed of its own."""
    with hospital(tmp_path_factory.mktemp("hospital")) as running:
        yield running


def card_of(made: Served, pump: str) -> dict[str, Any]:
    """Return a card as the daemon tells it."""
    return next(dict(card) for card in made.get("/api/state")["pumps"] if card["pump"] == pump)


def confirm(page: Page, name: str) -> None:
    """Let a second person type the PIN."""
    expect(page.locator(".sheet .pad-who")).to_contain_text(name)
    expect(page.locator(".sheet .pad-key").first).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_have_count(0)


def fill(page: Page, **fields: str) -> None:
    """Type into fields by their names."""
    for name, text in fields.items():
        page.fill(f".infusion input[name={name}]", text)


@pytest.mark.requirement("DASH-9", "INF-1")
def test_an_infusion_is_begun_titrated_observed_and_ended_on_a_pump_that_runs(page: Page, made: Served):
    """Every refusal stands beside its field with all else still typed; the daemon's numbers come round."""
    page.goto(f"{made.url}/#/pump/PUMP-03/1")
    panel = page.locator(".infusion")
    panel.get_by_text("Begin an infusion").click()
    fill(page, label="B.K.", identifier="4711", weight_kg="70,5", dose="0.3", checked_by="ann")
    submit = panel.locator("button[type=submit]")
    submit.click()
    expect(panel.locator("#field-weight_kg-told")).to_contain_text("a point, not a comma")
    expect(panel.locator("[name=weight_kg]")).to_be_focused()
    fill(page, weight_kg="300")
    submit.click()
    expect(panel.locator("#field-checked_by-told")).to_contain_text("somebody else")
    expect(panel.locator("[name=identifier]")).to_have_value("4711")
    fill(page, checked_by="Ben")
    submit.click()
    confirm(page, "Ben")
    expect(panel.locator("#field-weight_kg-told")).to_contain_text("300 kg is above the heaviest")
    fill(page, weight_kg="70")
    submit.click()
    expect(panel.locator(".to-set-flow")).to_have_text(re.compile(r"^10\.5.mL/h$"))
    expect(panel.locator(".agrees")).to_have_text("✓ The pump is set to it", timeout=15_000)
    card = card_of(made, "PUMP-03")
    assert (card["label"], card["infusion"]["begun_by"], card["infusion"]["attached"]) == (
        "B.K.",
        "Ann",
        True,
    )
    assert "4711" not in str(card)

    panel.get_by_text("Answer the checklist").click()
    for question in panel.locator(".question").all():
        question.locator("label.choice", has_text="No").click()
    submit.click()
    expect(panel.get_by_text("Answer the checklist")).to_have_count(0)

    panel.get_by_text("Change the dose").click()
    fill(page, dose="0.4")
    submit.click()
    expect(panel.locator(".to-set-flow")).to_have_text(re.compile(r"^14.mL/h$"))
    expect(panel.locator(".agrees")).to_have_text("✗ The pump is set to 10.5 mL/h")

    panel.get_by_text("Write what you saw").click()
    submit.click()
    expect(panel.locator(".form-told")).to_contain_text("Nothing is written down yet")
    panel.locator("label.choice", has_text=re.compile("^6$")).click()
    fill(page, spo2_percent="97", side_effects="dizzy")
    submit.click()
    expect(panel.locator(".observations tbody tr")).to_have_count(1)
    expect(panel.locator(".observations tbody")).to_contain_text("dizzy")

    panel.get_by_text("End it").click()
    panel.get_by_text("Pain eased").click()
    submit.click()
    expect(panel.locator("#field-witness-told")).to_contain_text("Who sees the rest thrown away?")
    fill(page, witness="Ben")
    submit.click()
    confirm(page, "Ben")
    expect(panel).to_contain_text("Ended by Ann")
    assert card_of(made, "PUMP-03")["label"] == ""


@pytest.mark.requirement("DASH-9")
def test_what_was_typed_outlives_a_lost_link_and_a_look_at_another_page(page: Page, made: Served):
    """Offline the button waits; the words stay, also after the ward page was looked at."""
    page.goto(f"{made.url}/#/pump/PUMP-04/1")
    panel = page.locator(".infusion")
    panel.get_by_text("Begin an infusion").click()
    fill(page, label="C.D.", weight_kg="54")
    made.dashboard.send_signal(signal.SIGSTOP)
    try:
        page.wait_for_selector(".lost")
        expect(panel.locator("button[type=submit]")).to_be_disabled()
        expect(panel.locator("[name=weight_kg]")).to_have_value("54")
    finally:
        made.dashboard.send_signal(signal.SIGCONT)
    expect(page.locator(".lost")).to_have_count(0, timeout=15_000)
    page.click(".crumb a")
    page.click("[data-key='PUMP-04/1'] h2 a")
    panel.get_by_text("Begin an infusion").click()
    expect(panel.locator("[name=label]")).to_have_value("C.D.")
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".question .field-told").first).to_have_text("Answer yes or no.")
