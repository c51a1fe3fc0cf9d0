"""A real browser for the tests that look at the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.dashboard.browsers import complaints
from tests.dashboard.people import new_context


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield one headless Chromium for all tests of a module."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page in a context of its own, with Ann signed in; anything on its console fails the test."""
    context = new_context(browser, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    made = context.new_page()
    told: list[str] = []
    made.on("pageerror", lambda error: told.append(str(error)))
    made.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    yield made
    context.close()
    assert complaints(told) == []
