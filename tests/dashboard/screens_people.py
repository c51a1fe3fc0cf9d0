"""Screenshots of the door: ``python -m tests.dashboard.screens_people DIRECTORY``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from dashboard.demo_accounts import add_demo_accounts
from dashboard.visitor import DEVICE
from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.dashboard.people import SHARED, new_context, open_store
from tests.dashboard.served import Served, served

DESK, PHONE = ViewportSize(width=1180, height=860), ViewportSize(width=360, height=780)


def shared_screen(browser: Browser, **how: object) -> BrowserContext:
    """Return a browser that is a shared screen."""
    context = browser.new_context(**how)  # type: ignore[arg-type]
    context.add_cookies([{"name": DEVICE, "value": SHARED, "domain": "127.0.0.1", "path": "/"}])
    return context


def age_sessions(directory: Path, seconds: int) -> None:
    """Let so much time pass for every session."""
    store = open_store(directory / "var" / "people.db")
    with store._db.writing() as db:
        db.execute("UPDATE session SET active_ms = active_ms - ?", (seconds * 1000,))
    store.close()


def press(page: Page, digits: str) -> None:
    """Press keys of the pad."""
    for digit in digits:
        page.locator(".pad-key", has_text=digit).click()


def door(browser: Browser, made: Served, target: Path) -> None:
    """Take the sign-in by day, by night and on a phone, and a refusal."""
    for name, size, scheme in (("", DESK, "light"), ("-dark", DESK, "dark"), ("-phone", PHONE, "light")):
        page = browser.new_context(viewport=size, color_scheme=scheme).new_page()  # type: ignore[arg-type]
        page.goto(made.url)
        page.wait_for_selector("[name=username]")
        page.screenshot(path=target / f"sign-in{name}.png")
        if not name:
            page.fill("[name=username]", "Ann")
            for _ in range(6):
                page.fill("[name=password]", "it was another one")
                page.keyboard.press("Enter")
                page.wait_for_selector("[role=alert]")
                page.wait_for_timeout(250)
            page.screenshot(path=target / "sign-in-wait.png")
        page.context.close()


def pads(browser: Browser, made: Served, target: Path) -> None:
    """Take the shared screen's names and keys."""
    for name, size in (("", DESK), ("-phone", PHONE)):
        context = shared_screen(browser, viewport=size)
        page = context.new_page()
        page.goto(made.url)
        page.locator("button.have-it").first.click()
        page.wait_for_selector(".pad-people button")
        page.screenshot(path=target / f"pin-names{name}.png")
        page.locator(".pad-people button", has_text="Ann").click()
        press(page, "14")
        page.screenshot(path=target / f"pin{name}.png")
        context.close()


def main(target: Path) -> None:
    """Take them all."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        directory = Path(kept)
        with served(directory, "busy") as made:
            door(browser, made, target)
            pads(browser, made, target)
            page = new_context(browser, viewport=DESK).new_page()
            page.goto(made.url)
            page.wait_for_selector(".top-who")
            page.screenshot(path=target / "signed-in.png")
            age_sessions(directory, 13 * 60 + 30)
            page.reload()
            page.wait_for_selector(".session-strip")
            page.screenshot(path=target / "session-ends.png")
            age_sessions(directory, 120)
            page.reload()
            page.wait_for_selector(".session-strip")
            page.screenshot(path=target / "session-ended.png")
            page.locator("button.have-it").first.click()
            page.wait_for_selector(".sheet")
            page.screenshot(path=target / "session-ended-asked.png")
        (directory / "var" / "people.db").unlink()
        with tempfile.TemporaryDirectory() as other, served(Path(other), "calm") as made:
            store = open_store(Path(other) / "var" / "people.db")
            with store._db.writing() as db:
                db.execute("DELETE FROM session")
                db.execute("DELETE FROM account")
            page = browser.new_context(viewport=DESK).new_page()
            page.goto(made.url)
            page.wait_for_selector(".door-first")
            page.screenshot(path=target / "first-start.png")
            add_demo_accounts(store)
            store.close()
            page.reload()
            page.wait_for_selector(".door-demo")
            page.screenshot(path=target / "sign-in-demo.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
