"""The door in a real browser: sign-in, a shared screen's PIN pad, and a session that ends while one types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.people import PASSWORD, new_context
from tests.dashboard.screens_people import age_sessions, press, shared_screen
from tests.dashboard.served import Served, served
from tests.dashboard.test_look import CONTRASTS

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the dashboard of these tests lives."""
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def made(directory: Path) -> Iterator[Served]:
    """Yield one dashboard for all tests here; each answers an alarm of its own."""
    with served(directory, "busy") as running:
        yield running


@pytest.mark.requirement("PEOPLE-2", "PEOPLE-4")
def test_somebody_signs_in_sees_the_ward_and_signs_out(browser: Browser, made: Served) -> None:
    """The address asked for is found again; wrong words say nothing of which; every text can be read."""
    page = browser.new_context(color_scheme="dark", reduced_motion="reduce").new_page()
    page.goto(f"{made.url}/#/pump/PUMP-01/1")
    expect(page).to_have_url(re.compile("/sign-in#/pump/PUMP-01/1$"))
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type("Eve")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_have_text("Name or password is wrong.")
    assert page.evaluate(CONTRASTS) == []
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".top-who")).to_contain_text(re.compile(r"Eve engineer, until \d\d:\d\d"))
    expect(page).to_have_url(f"{made.url}/#/pump/PUMP-01/1")
    expect(page.locator(".infusion")).to_contain_text("a nurse begins and changes infusions")
    page.get_by_text("Sign out").click()
    expect(page.locator("[name=username]")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("B.K.")
    page.context.close()


@pytest.mark.requirement("PEOPLE-3", "PEOPLE-5")
def test_at_a_shared_screen_the_alarm_is_taken_by_name_and_pin(browser: Browser, made: Served) -> None:
    """Large keys, no keyboard: the card says who has it; a wrong PIN is told, and giving up does nothing."""
    context = shared_screen(browser, viewport={"width": 360, "height": 780}, has_touch=True)
    page: Page = context.new_page()
    page.goto(made.url)
    card = page.locator("[data-key='PUMP-04/1']")
    card.locator(".have-it").tap()
    page.locator(".pad-people button", has_text="Ben").tap()
    sizes = page.locator(".pad-keys button").evaluate_all("(all) => all.map((key) => key.clientHeight)")
    assert len(sizes) == 12
    assert min(sizes) >= 56
    press(page, "1111")
    page.get_by_role("button", name="OK").tap()
    expect(page.locator(".sheet [role=alert]")).to_have_text("Name or PIN is wrong.")
    page.get_by_role("button", name="Back").tap()
    expect(page.locator(".sheet")).to_have_count(0)
    expect(card.locator(".have-it")).to_be_enabled()
    card.locator(".have-it").tap()
    page.locator(".pad-people button", has_text="Ben").tap()
    press(page, "2580")
    page.get_by_role("button", name="OK").tap()
    expect(card.locator(".band-action")).to_contain_text("Ben has it")
    context.close()


@pytest.mark.requirement("PEOPLE-4")
def test_when_the_rights_end_the_picture_stays_and_what_was_typed_too(
    browser: Browser, made: Served, directory: Path
) -> None:
    """It says so ahead and after; the form asks who it is, and goes on with all that was typed."""
    context = new_context(browser)
    page = context.new_page()
    age_sessions(directory, 13 * 60 + 30)
    page.goto(f"{made.url}/#/pump/PUMP-01/1")
    expect(page.locator(".session-strip")).to_contain_text("Your sign-in ends in")
    page.get_by_text("Take it off the line").click()
    page.fill(".off-line [name=reason]", "in the workshop")
    age_sessions(directory, 30 * 60)
    page.locator(".off-line button[type=submit]").click()
    expect(page.locator(".sheet")).to_contain_text("Your sign-in has ended")
    expect(page.locator(".session-strip")).to_contain_text("The picture stays")
    expect(page.locator(".figure b").first).to_be_visible()
    page.fill(".sheet [name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_have_count(0)
    expect(page.locator(".top-who")).to_contain_text("Ann")
    expect(page.locator(".off-line [name=reason]")).to_have_value("in the workshop")
    expect(page.locator(".figure b").first).to_be_visible()
    context.close()
