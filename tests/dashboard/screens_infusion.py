"""Screenshots of an infusion with a real daemon: ``python -m tests.dashboard.screens_infusion DIRECTORY``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.dashboard.hospital import hospital
from tests.dashboard.people import PIN, new_context

DESK, PHONE = (1180, 900), (360, 780)
LOOKS: dict[str, tuple[tuple[int, int], Literal["light", "dark"]]] = {
    "": (DESK, "light"),
    "-dark": (DESK, "dark"),
    "-phone": (PHONE, "light"),
}


def begin(page: Page, weight: str) -> None:
    """Type a whole beginning, and send it."""
    page.get_by_text("Begin an infusion").click()
    fields = {"label": "B.K.", "identifier": "4711", "dose": "0.3", "weight_kg": weight, "checked_by": "Ben"}
    for name, text in fields.items():
        page.fill(f".infusion input[name={name}]", text)
    page.click(".infusion button[type=submit]")


def shoot(page: Page, file: Path, button: str) -> None:
    """Take the whole page, with the form behind ``button`` open."""
    if button:
        page.get_by_text(button, exact=True).click()
        page.wait_for_selector(".ask-form")
    page.evaluate("() => scrollTo(0, 0)")
    page.screenshot(path=file, full_page=True)
    if button and page.locator(".ask-form").count():
        page.locator(".ask-form").get_by_text("Back", exact=True).click()


def main(target: Path) -> None:
    """Take them: a refusal, a running infusion and its forms, in each look."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept, hospital(Path(kept)) as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for look, ((width, height), scheme) in LOOKS.items():
            context = new_context(browser, viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.goto(f"{made.url}/#/pump/PUMP-03/1")
            page.wait_for_selector(".infusion button")
            if not look:
                begin(page, "70,5")
                page.wait_for_selector(".is-wrong")
                page.evaluate("() => scrollTo(0, 0)")
                page.screenshot(path=target / "refused.png")
                page.fill(".infusion input[name=weight_kg]", "70")
                page.click(".infusion button[type=submit]")
                page.wait_for_selector(".sheet .pad-key:focus")
                page.keyboard.type(PIN)
                page.keyboard.press("Enter")
                page.get_by_text("✓ The pump is set to it").wait_for()
                page.get_by_text("Write what you saw").click()
                page.locator("label.choice", has_text="6").click()
                page.fill(".infusion input[name=systolic_mmhg]", "132")
                page.fill(".infusion input[name=diastolic_mmhg]", "84")
                page.fill(".infusion input[name=side_effects]", "dizzy")
                page.click(".infusion button[type=submit]")
                page.wait_for_selector(".observations tbody tr")
            for name, button in (("infusion", ""), ("change", "Change the dose"), ("end", "End it")):
                shoot(page, target / f"{name}{look}.png", button)
            page.goto(f"{made.url}/#/pump/PUMP-04/1")
            shoot(page, target / f"begin{look}.png", "Begin an infusion")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
