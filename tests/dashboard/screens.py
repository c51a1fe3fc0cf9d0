"""Screenshots of every state that matters: ``python -m tests.dashboard.screens DIRECTORY [NAME...]``."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.dashboard.people import new_context
from tests.dashboard.served import Served, served, wall_ms, write_hour

DESK, WALL, PHONE = (1440, 900), (1920, 1080), (360, 780)


def _nothing(_page: Page, _served: Served) -> None:
    """Look at it as it is."""


def _kill_dashboard(page: Page, made: Served) -> None:
    made.dashboard.send_signal(signal.SIGSTOP)
    page.wait_for_selector(".lost")
    page.wait_for_timeout(4000)


def _kill_broker(page: Page, made: Served) -> None:
    made.broker.kill()
    page.wait_for_selector(".lost")


def _kill_ward(page: Page, made: Served) -> None:
    assert made.ward is not None
    made.ward.kill()
    page.wait_for_selector(".lost", timeout=20_000)
    page.wait_for_timeout(1500)


def _older(page: Page, _made: Served) -> None:
    page.wait_for_timeout(12_000)


def _answer(page: Page, _made: Served) -> None:
    page.keyboard.press("a")
    page.keyboard.press("Enter")


def _not_done(page: Page, _made: Served) -> None:
    page.click("[data-key='PUMP-10/1'] button.have-it")
    page.wait_for_selector(".not-done")


Scene = tuple[str, str, tuple[int, int], str, Callable[[Page, Served], None]]
SCENES: dict[str, Scene] = {
    "calm": ("calm", "/", DESK, "light", _nothing),
    "busy": ("busy", "/", DESK, "light", _older),
    "busy-dark": ("busy", "/", DESK, "dark", _older),
    "stale": ("stale", "/", DESK, "light", _older),
    "real": ("real", "/", DESK, "light", _nothing),
    "link-lost": ("busy", "/", DESK, "light", _kill_dashboard),
    "broker-lost": ("calm", "/", DESK, "light", _kill_broker),
    "node-lost": ("calm", "/", DESK, "light", _kill_ward),
    "wall": ("busy", "/?wall", WALL, "dark", _older),
    "wall-calm": ("calm", "/?wall", WALL, "light", _nothing),
    "phone": ("busy", "/", PHONE, "light", _older),
    "phone-dark": ("busy", "/", PHONE, "dark", _older),
    "name": ("busy", "/", DESK, "light", _answer),
    "not-done": ("busy", "/", DESK, "light", _not_done),
    "pump": ("busy", "/#/pump/PUMP-04/1", DESK, "light", _older),
    "pump-dark": ("busy", "/#/pump/PUMP-04/1", DESK, "dark", _older),
    "pump-phone": ("calm", "/#/pump/PUMP-01/1", PHONE, "light", _nothing),
}


def main(target: Path, names: list[str]) -> None:
    """Take the named screenshots, or all."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        history = Path(kept) / "history.db"
        asyncio.run(write_hour(history, 12, wall_ms()))
        take(target, names or list(SCENES), history)


def take(target: Path, names: list[str], history: Path) -> None:
    """Take them, each with a broker, a ward and a dashboard of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for name in names:
            scene, path, (width, height), scheme, act = SCENES[name]
            with tempfile.TemporaryDirectory() as directory:
                file = Path(directory) / "var" / "history.db"
                file.parent.mkdir()
                shutil.copy(history, file)
                with served(Path(directory), scene) as made:
                    context = new_context(
                        browser,
                        viewport={"width": width, "height": height},
                        color_scheme="dark" if scheme == "dark" else "light",
                    )
                    page = context.new_page()
                    page.on("console", lambda message: print(f"{message.type}: {message.text}"))
                    page.on("pageerror", lambda error: print(f"error: {error}"))
                    page.goto(made.url + path)
                    page.wait_for_selector(".card")
                    page.wait_for_timeout(1500)
                    act(page, made)
                    page.screenshot(path=target / f"{name}.png", full_page=name.startswith("pump"))
                    context.close()
                    made.dashboard.send_signal(signal.SIGCONT)
            print(name)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
