"""The look, measured in a real browser: contrast, full rows, hostile words, other beds, a wrong clock."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import IN_A_BROWSER
from tests.dashboard.people import new_context
from tests.dashboard.served import served, wall_ms, write_hour

pytestmark = IN_A_BROWSER

CONTRASTS = """() => {
  const parse = (text) => (text.match(/[0-9.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (top, under) => {
    const a = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a));
  };
  const ground = (of) => {
    if (!of) return [255, 255, 255];
    const own = parse(getComputedStyle(of).backgroundColor);
    return own[3] === 0 ? ground(of.parentElement) : over(own, ground(of.parentElement));
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const of = walk.currentNode.parentElement;
    const text = walk.currentNode.data.trim();
    if (!text || of.closest(".watermark, .spoken, svg, script, noscript, :disabled")) continue;
    const under = ground(of);
    let ink = parse(getComputedStyle(of).color);
    for (let up = of; up; up = up.parentElement) {
      ink = over([...ink.slice(0, 3), Number(getComputedStyle(up).opacity)], under);
    }
    const value = ratio(ink, under);
    if (value < 4.5) found.push(`${of.className || of.tagName}: ${value.toFixed(2)} ${text}`);
  }
  const shape = (of, against, way) => {
    if (!document.querySelector(against)) return;
    const node = document.querySelector(of);
    if (!node) return;
    const value = ratio(parse(getComputedStyle(node)[way]), ground(document.querySelector(against)));
    if (value < 3) found.push(`${of}: ${value.toFixed(2)} as a shape`);
  };
  for (const of of [".limits-usual", ".limits-end"]) shape(of, ".fresh-fresh .card-body", "fill");
  shape(".spark path", ".fresh-fresh .card-body", "stroke");
  for (const level of ["HIGH", "MEDIUM", "LOW"]) {
    shape(`.band-${level}.is-on .icon > :first-child`, `.band-${level}.is-on`, "fill");
  }
  return found;
}"""


def shown(browser: Browser, url: str, **how: Any) -> Page:
    """Return an open page; the context is the caller's to close."""
    made = new_context(browser, reduced_motion="reduce", **how).new_page()
    made.goto(url)
    made.wait_for_selector(".figure b")
    return made


@pytest.mark.requirement("DASH-1")
def test_every_text_and_shape_is_seen_by_day_and_by_night(browser, tmp_path):
    """4.5:1 for text and 3:1 for shapes, on the ward, the wall and a pump's page, in light and dark."""
    with served(tmp_path, "busy") as made:
        for scheme in ("light", "dark"):
            for path in ("/", "/?wall", "/#/pump/PUMP-04/1"):
                page = shown(
                    browser, made.url + path, color_scheme=scheme, viewport={"width": 1440, "height": 900}
                )
                assert (scheme, path, page.evaluate(CONTRASTS)) == (scheme, path, [])
                page.context.close()


GRID = """() => {
  const slots = [...document.querySelectorAll(".slot")].map((slot) => {
    const {left, right, top, bottom} = slot.getBoundingClientRect();
    const inside = slot.firstElementChild.getBoundingClientRect();
    return {left, right, top: Math.round(top), bottom: Math.round(bottom), card: Math.round(inside.bottom)};
  });
  const rows = Map.groupBy(slots, (slot) => slot.top);
  const right = document.querySelector(".ward").getBoundingClientRect().right;
  const last = Math.max(...rows.keys());
  return {
    ragged: [...rows.values()].filter((row) =>
      row.some(({bottom, card}) => bottom !== row[0].bottom || card !== bottom)).length,
    holes: [...rows].filter(([top, row]) =>
      top !== last && right - Math.max(...row.map((slot) => slot.right)) > 2).length,
    wide: document.documentElement.scrollWidth,
    spilt: [...document.querySelectorAll(".card *")].filter((part) => !part.closest(".watermark, svg")
      && part.getBoundingClientRect().right > part.closest(".card").getBoundingClientRect().right + 1).length,
  };
}"""


@pytest.mark.requirement("DASH-1")
def test_rows_are_full_and_equally_high_at_any_width(browser, tmp_path):
    """No hole beside an alarm, no card shorter than its row, nothing spills; 720 is 200 %."""
    good = {"ragged": 0, "holes": 0, "spilt": 0}
    with served(tmp_path, "busy") as made:
        for width in (360, 720, 900, 1280, 1440, 1920, 2560):
            page = shown(browser, made.url, viewport={"width": width, "height": 900})
            assert page.evaluate(GRID) == {"wide": width, **good}
            page.context.close()


@pytest.mark.requirement("DASH-1")
def test_an_odd_number_of_alarms_squeezes_nothing_off_the_wall(browser, tmp_path):
    """One alarm takes two columns of the wall, no card is narrower than a column, and nothing is cut off."""
    with served(tmp_path, "stale") as made:
        page = shown(browser, made.url + "/?wall", viewport={"width": 1920, "height": 1080})
        expect(page.locator(".group-alarm")).to_have_count(1)
        places = page.locator(".slot").evaluate_all(
            "(all) => all.map((slot) => slot.getBoundingClientRect().toJSON())"
        )
        assert min(place["width"] for place in places) >= 450
        assert max(place["right"] for place in places) <= 1920
        assert 900 <= places[0]["width"] < 960
        page.context.close()


@pytest.mark.requirement("DASH-1", "INV-4")
def test_an_alarm_at_another_bed_is_seen_on_a_pumps_own_page(page, tmp_path):
    """Looking at bed 1 does not hide bed 4; one click leads there, and its own alarm is not told twice."""
    with served(tmp_path, "busy") as made:
        page.goto(made.url + "/#/pump/PUMP-01/1")
        expect(page.locator(".others .other").first).to_contain_text("Bed 4 TOO FAST")
        page.locator(".others .other").first.click()
        expect(page.locator(".pump-side .band-title")).to_contain_text("TOO FAST")
        expect(page.locator(".others")).not_to_contain_text("Bed 4")
        page.goto(made.url + "/#/pump/%E0%A4%A")
        expect(page.locator(".empty")).to_contain_text("No pump")
        page.locator(".empty a").click()
        expect(page.locator(".card")).to_have_count(12)


CUT = """(all) => all.flatMap((of) => {
  const own = of.getBoundingClientRect();
  const card = of.closest(".card").getBoundingClientRect();
  const whole = own.width > 20 && own.right <= card.right && own.bottom <= card.bottom;
  return whole ? [] : [of.closest(".card").dataset.key];
})"""


@pytest.mark.requirement("DASH-1")
def test_hostile_words_stay_words_and_inside_their_card(browser, tmp_path):
    """Markup is text, 10,000 characters end in an ellipsis, the grid stands, a concentration is never cut."""
    with served(tmp_path, "hostile") as made:
        for path, width in (("/", 360), ("/", 1440), ("/?wall", 1920)):
            page = shown(browser, made.url + path, viewport={"width": width, "height": 1080})
            cut = page.locator(".strength").evaluate_all(CUT)
            assert (path, width, cut) == (path, width, [])
            measured = page.evaluate(GRID)
            assert (measured["wide"], measured["ragged"], measured["spilt"]) == (width, 0, 0)
            assert page.locator("main img, main script, main iframe").count() == 0
            expect(page.locator(".card-label").first).to_contain_text("<img src=x onerror=alert(1)>")
            page.context.close()


@pytest.mark.requirement("DASH-4")
def test_a_screen_whose_clock_is_wrong_by_hours_still_draws_the_last_hour(browser, tmp_path: Path):
    """The chart asks for the server's hour, not for that of the screen."""
    (tmp_path / "var").mkdir()
    kept = tmp_path / "var" / "history.db"
    writing = threading.Thread(target=lambda: asyncio.run(write_hour(kept, 1, wall_ms())))
    writing.start()
    writing.join()
    with served(tmp_path, "calm") as made:
        context = new_context(browser)
        context.add_init_script("const real = Date.now; Date.now = () => real() - 9 * 3600000;")
        page = context.new_page()
        asked: list[str] = []
        page.on(
            "request",
            lambda request: asked.append(request.url) if "/api/history/PUMP-01" in request.url else None,
        )
        page.goto(made.url + "/#/pump/PUMP-01/1")
        page.wait_for_selector(".trend canvas")
        expect(page.locator(".pump-main")).not_to_contain_text("No readings are kept")
        ends = [int(url.partition("end=")[2].partition("&")[0]) for url in asked]
        assert ends
        assert all(abs(end - wall_ms()) < 60_000 for end in ends)
        context.close()
