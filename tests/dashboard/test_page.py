"""The page in a real browser, fed by a real broker and a canned ward."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import threading
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.people import COOKIE, new_context
from tests.dashboard.served import now_s, served, wall_ms, write_hour
from tests.promises import another_try

pytestmark = IN_A_BROWSER


def beds(page: Page) -> list[str]:
    """Return the beds in the order of the page."""
    return page.locator(".card h2").all_inner_texts()


@pytest.mark.requirement("DASH-1", "DASH-4", "INV-4")
def test_alarms_stand_first_with_words_and_are_answered_in_two_keys(page, tmp_path):
    """A and Enter say "I have it"; the daemon's state shows that Ann has it; silence is NOT DONE."""
    with served(tmp_path, "busy") as made:
        page.goto(made.url)
        page.wait_for_selector(".card")
        assert beds(page)[:6] == ["4", "8", "7", "2", "10", "5"]
        first = page.locator(".card").first
        expect(first.locator(".band-title")).to_have_text(
            re.compile(r"TOO FAST: 1\.4.mg/kg/h, limit 1.mg/kg/h")
        )
        expect(first.locator(".band-action")).to_contain_text("Look at the pump.")
        expect(page.locator("[aria-live]")).to_contain_text("Bed 4, HIGH alarm: TOO FAST")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.locator("[data-key='PUMP-04/1'] .band-action")).to_contain_text("Ann has it")
        page.click("[data-key='PUMP-10/1'] .have-it")
        expect(page.locator("[data-key='PUMP-10/1'] .have-it")).to_have_text("Asked…")
        expect(page.locator("[data-key='PUMP-10/1'] .not-done")).to_have_text("NOT DONE. Use the pump")
        expect(page.locator("[data-key='PUMP-10/1'] .band")).to_have_class(re.compile("is-on"))
        expect(page.locator(".notes summary")).to_have_text("1 note for the engineer")


@pytest.mark.requirement("DASH-3", "INV-5")
@pytest.mark.parametrize(("scene", "marked"), [("calm", 12), ("real", 0)])
def test_training_is_marked_on_every_card_and_real_on_none(page, tmp_path, scene, marked):
    """A strip and a watermark on each card; a real ward has neither; sound waits for a person."""
    with served(tmp_path, scene) as made:
        page.goto(made.url)
        page.wait_for_selector(".card")
        assert page.locator(".card").count() == 12
        assert page.locator(".card.demo .watermark").count() == marked
        assert page.locator(".watermark").count() == marked
        assert page.locator(".training").count() == (1 if marked else 0)
        assert page.locator(".card.real").count() == 12 - marked
        expect(page.locator(".foot")).to_contain_text("not a primary alarm")
        expect(page.locator(".foot")).to_contain_text("signed for training")
        expect(page.locator(".top .warn")).to_contain_text("Sound is OFF")
        page.click(".top .warn")
        expect(page.locator(".top")).to_contain_text("Sound on")


@pytest.mark.requirement("DASH-2", "INV-3")
def test_a_page_that_hears_nothing_says_so_within_three_seconds_and_comes_back(page, tmp_path):
    """The server is stopped in its tracks: banner, no live number; thawed, all is live again by itself."""
    with served(tmp_path, "calm") as made:
        page.goto(made.url)
        page.wait_for_selector(".card b")
        took_s: list[float] = []
        while another_try(took_s, 4):
            made.dashboard.send_signal(signal.SIGSTOP)
            frozen_s = now_s()
            try:
                page.wait_for_selector(".lost")
                took_s.append(now_s() - frozen_s)
                expect(page.locator(".lost")).to_contain_text("NO LIVE DATA since")
                expect(page.locator(".figure b")).to_have_count(0)
                assert page.locator(".figure s").count() >= 12
            finally:
                made.dashboard.send_signal(signal.SIGCONT)
            expect(page.locator(".lost")).to_have_count(0, timeout=15_000)
            assert page.locator(".figure b").count() >= 12
        assert min(took_s) < 4


@pytest.mark.requirement("DASH-2", "INV-3")
def test_a_frozen_broker_makes_everything_stale_and_what_it_held_back_is_not_live(page, tmp_path):
    """While it is frozen ages grow; what it lets go carries its age; then all is live again."""
    with served(tmp_path, "calm") as made:
        page.goto(made.url)
        page.wait_for_selector(".card b")
        made.broker.freeze()
        try:
            expect(page.locator(".figure b")).to_have_count(0, timeout=20_000)
        finally:
            made.broker.thaw()
        expect(page.locator(".figure b").first).to_be_visible(timeout=30_000)
        ages = [p["age_ms"] for p in made.get("/api/state")["pumps"] if p["not_live"] == ""]
        assert all(age is not None and age < 5000 for age in ages)


@pytest.mark.requirement("DASH-2", "DASH-7", "INV-3")
def test_a_daemon_that_dies_leaves_history_marked_so(page, tmp_path):
    """Every card says NOT WATCHED; the pump's page still draws what was kept, and says that it is history."""
    (tmp_path / "var").mkdir()
    kept = tmp_path / "var" / "history.db"
    # The browser's own loop runs in this thread.
    writing = threading.Thread(target=lambda: asyncio.run(write_hour(kept, 12, wall_ms())))
    writing.start()
    writing.join()
    with served(tmp_path, "calm") as made:
        page.goto(made.url)
        page.wait_for_selector(".card b")
        assert made.ward is not None
        made.ward.kill()
        expect(page.locator(".lost")).to_contain_text("IS NOT WATCHING", timeout=20_000)
        expect(page.locator(".figure b")).to_have_count(0)
        expect(page.locator(".stale-words").first).to_contain_text("NOT WATCHED")
        page.click(".card h2 a >> nth=0")
        expect(page.locator(".pump-main")).to_contain_text("History only")
        page.wait_for_selector(".trend canvas")
        expect(page.locator(".pump-main")).not_to_contain_text("No readings are kept")


@pytest.mark.requirement("DASH-7")
def test_with_no_broker_and_no_daemon_the_page_stands_and_says_so(page, tmp_path):
    """It starts, names the pumps of the configuration, and shows none of them as watched."""
    with served(tmp_path, None, broker=False) as made:
        page.goto(made.url)
        page.wait_for_selector(".card")
        expect(page.locator(".lost")).to_contain_text("NO LIVE DATA")
        assert page.locator(".card").count() == 12
        expect(page.locator(".stale-words").first).to_contain_text("NOT WATCHED")


MEASURES = """() => {
  const px = (of) => parseFloat(getComputedStyle(document.querySelector(of)).fontSize);
  return {
    wide: document.documentElement.scrollWidth,
    high: document.documentElement.scrollHeight,
    bands: [...document.querySelectorAll(".band")].map((band) => band.getBoundingClientRect().bottom),
    text: Math.min(px(".band-title"), px(".card-drug"), px(".card-status")),
    figure: px(".figure b"),
    button: document.querySelector("button.have-it")?.getBoundingClientRect().height ?? 0,
  };
}"""


@pytest.mark.requirement("DASH-1")
def test_the_wall_hides_no_alarm_and_the_phone_scrolls_no_way_but_down(browser, tmp_path):
    """On the wall all fits, in sizes read at three metres; a phone scrolls down only, for thumbs."""
    found = {}
    with served(tmp_path, "busy") as made:
        for path, width, height in (("/?wall", 1920, 1080), ("/", 360, 780)):
            context = new_context(
                browser, viewport={"width": width, "height": height}, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(made.url + path)
            page.wait_for_selector(".figure b")
            expect(page.locator(".rest")).to_have_count(1 if width == 1920 else 0)
            found[width] = page.evaluate(MEASURES)
            context.close()
    wall, phone = found[1920], found[360]
    assert len(wall["bands"]) == len(phone["bands"]) == 6
    assert (wall["wide"], wall["high"]) == (1920, 1080)
    assert max(wall["bands"]) < 1080
    assert wall["figure"] >= 60
    assert wall["text"] >= 32
    assert phone["wide"] == 360
    assert phone["button"] >= 44


@pytest.mark.requirement("DASH-6")
def test_a_real_page_that_reads_nothing_is_cut_and_sigterm_ends_the_rest_within_two_seconds(tmp_path):
    """A socket whose other end never reads is closed by the server; open pages do not hold up its end."""
    took_s: list[float] = []
    while another_try(took_s, 2):
        (folder := tmp_path / str(len(took_s))).mkdir()
        with served(folder, "calm") as made:
            port = int(made.url.rpartition(":")[2])
            with closing(_open_stream(port)):
                made.until("/healthz", lambda answer: answer["pages"] == 1)
                made.until("/healthz", lambda answer: answer["pages"] == 0, within_s=20)
            with closing(_open_stream(port)):
                made.until("/healthz", lambda answer: answer["pages"] == 1)
                made.dashboard.send_signal(signal.SIGTERM)
                began_s = now_s()
                assert made.dashboard.wait(timeout=10) == 0
                took_s.append(now_s() - began_s)
    assert min(took_s) < 2


def _open_stream(port: int) -> socket.socket:
    """Return a WebSocket that was opened and is never read."""
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.sendall(
        f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Cookie: {COOKIE['Cookie']}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return made
