"""An infusion passes a soft limit, is ordered anew and moved, in a real browser with a real daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.hospital import hospital
from tests.dashboard.served import Served
from tests.dashboard.test_infusion_page import card_of, confirm, fill

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield one hospital."""
    directory: Path = tmp_path_factory.mktemp("hospital")
    with hospital(directory) as running:
        yield running


@pytest.mark.requirement("DASH-9", "ACCEPT-1", "TITRATION-1")
def test_a_soft_limit_is_accepted_an_order_changed_and_the_infusion_moved(page: Page, made: Served) -> None:
    """Each asks for its reason beside the field, and the card says afterwards who allowed what."""
    page.goto(f"{made.url}/#/pump/PUMP-05/1")
    panel, submit = page.locator(".infusion"), page.locator(".infusion button[type=submit]")
    panel.get_by_text("Begin an infusion").click()
    expect(panel).to_contain_text("The pump runs already")
    fill(page, label="E.F.", identifier="9", weight_kg="40", dose="0.5", checked_by="Ben")
    submit.click()
    confirm(page, "Ben")
    expect(panel.locator(".to-set-flow")).to_have_text(re.compile(r"^10.mL/h$"))
    expect(panel).to_contain_text("the pump ran already")

    band = page.locator("section.band")
    for words in ("Faster than usual: 0.525 mg/kg/h", "More than usual in all: 42"):
        expect(band).to_contain_text(words, timeout=60_000)
    band.get_by_text("It may be so…").click()
    band.locator("label.choice", has_text="Faster than usual").click()
    band.locator("[name=reason]").fill("severe pain")
    band.get_by_text("Accept it").click()
    expect(band).not_to_contain_text("Faster than usual")
    band.get_by_text("It may be so…").click()
    band.locator("[name=reason]").fill("as Dr N. says")
    band.get_by_text("Accept it").click()
    expect(band).to_have_count(0)
    expect(panel).to_contain_text(re.compile(r"Faster than usual: 0.525 .* By Ann at .*: severe pain"))
    reasons = [one["reason"] for one in card_of(made, "PUMP-05")["infusion"]["accepted"]]
    assert reasons == ["severe pain", "as Dr N. says"]

    panel.get_by_text("Change the dose").click()
    fill(page, dose="0.65")
    expect(panel).to_contain_text("This is outside of the order")
    fill(page, dose_max="0.7", reason="pain 8 of 10", checked_by="Ben")
    submit.click()
    confirm(page, "Ben")
    expect(panel.locator("#field-accepted-told")).to_contain_text(
        "above the library's soft limit of 0.5 mg/kg/h"
    )
    expect(panel.locator("[name=accepted]")).to_be_focused()
    fill(page, accepted="Dr N. ordered it", dose_max="1.2")
    submit.click()
    expect(panel.locator("#field-dose_max-told")).to_contain_text("hard limit of 1 mg/kg/h")
    fill(page, dose_max="0.7")
    submit.click()
    expect(panel).to_contain_text(re.compile("Order changed.*by Ann at .*: pain 8 of 10"))
    expect(panel.locator(".to-set-flow")).to_have_text(re.compile(r"^13.mL/h$"))
    expect(panel).to_contain_text("largest step of 0.1 mg/kg/h. By Ann")

    panel.get_by_text("Move it").click()
    submit.click()
    expect(panel.locator("#field-to-told")).to_have_text("Choose the other pump.")
    panel.locator("label.choice", has_text="PUMP-06").click()
    fill(page, reason="battery")
    submit.click()
    expect(panel.get_by_text("Begin an infusion")).to_have_count(1)
    page.goto(f"{made.url}/#/pump/PUMP-06/1")
    expect(panel).to_contain_text("E.F.")
    expect(panel).to_contain_text("begun by Ann")
    panel.get_by_text("Move it").click()
    panel.get_by_text("The patient goes to another bed, with every pump").click()
    fill(page, bed="1", reason="nearer to the desk")
    submit.click()
    expect(panel.locator("form")).to_have_count(0)
    card = card_of(made, "PUMP-06")
    assert (card["bed"], card["infusion"]["pumps"]) == ("1", ["PUMP-05/1", "PUMP-06/1"])
