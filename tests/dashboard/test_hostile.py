"""What strangers may send: odd questions, unreadable names, texts that would bend the page, floods."""

from __future__ import annotations

import asyncio
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.page import Pages
from dashboard.plain_text import LONGEST, UNSEEN, plain
from pumpd.core.conditions import ConditionId
from pumpd.qa.virtual_time import in_virtual_time
from tests.dashboard import canned
from tests.dashboard.test_api import OURS, client
from tests.dashboard.test_stream import KEY, Serving, _end

__all__ = ["client"]

TURNED, BROAD, HUGE = "\u202e4 deb\u202c", "\u200b\u2066B\ufeff", "x" * 10_000
QUESTION = {
    "node": "ward-a",
    "boot_id": "b",
    "pump": "PUMP-01",
    "channel": "1",
    "condition": "over-hard",
    "revision": 1,
}


@given(st.text(st.characters(), max_size=300))
def test_plain_text_is_short_seen_and_in_one_line(text):
    """No control, direction mark, surrogate or line break is left; plain text stays as it is."""
    made = plain(text)
    assert len(made) <= LONGEST
    assert not {unicodedata.category(character) for character in made} & UNSEEN
    assert plain(made) == made


@pytest.mark.parametrize(
    "text", ["B.K.", "Søren Ä.", "TOO FAST: 1.4 mg/kg/h, limit 1 mg/kg/h", "<b>4</b>", "中文"]
)
def test_plain_text_says_what_it_said(text):
    """Names and words of any language stay as they are; markup is text and stays text."""
    assert plain(text) == text


@pytest.mark.requirement("DASH-1")
@in_virtual_time
async def test_texts_from_the_broker_can_not_bend_the_page():
    """Bed, label, drug, model and alarm words arrive plain and bounded, in the picture and in every frame."""
    serving = Serving()
    words = canned.alarm(ConditionId.OVER_HARD, measured="1", allowed="1")
    bad = canned.snapshot(
        sent_ms=serving.now_ms() + 1,
        bed=TURNED,
        label=HUGE,
        model=BROAD,
        programme=canned.KETAMINE.model_copy(update={"drug": BROAD + HUGE}),
        alarms=[words.model_copy(update={"title": TURNED + HUGE, "action": "a\n\u2028b\x00"})],
    )
    page, task = serving.open()
    await asyncio.sleep(0.5)
    serving.take("pump/PUMP-01/1/snapshot", bad)
    await asyncio.sleep(0.5)
    pictures: Pages = serving.pages
    for card in (pictures.picture()["pumps"][0], page.of("cards")[-1]["pumps"][0]):
        assert card["bed"] == "4 deb"
        assert card["model"] == "B"
        assert len(card["label"]) == LONGEST
        assert len(card["programme"]["drug"]) == LONGEST
        assert len(card["alarms"][0]["title"]) == LONGEST
        assert card["alarms"][0]["action"] == "a b"
        assert card["alarms"][0]["condition"] == "over-hard"
    await _end(task)


@pytest.mark.requirement("DASH-6")
@in_virtual_time
async def test_a_flood_of_snapshots_is_told_ten_times_a_second_and_cuts_no_page():
    """A thousand snapshots a second: the page hears the newest, stays, and hears the next one at once."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.2)
    for number in range(2000):
        serving.take(
            "pump/PUMP-01/1/snapshot", canned.snapshot(sent_ms=serving.now_ms() + 1, label=f"L{number}")
        )
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.2)
    assert page.closed is None
    assert len(page.of("cards")) <= 25
    assert page.of("cards")[-1]["pumps"][0]["label"] == "L1999"
    await asyncio.sleep(1)
    before = serving.now_ms()
    serving.take("pump/PUMP-01/1/snapshot", canned.snapshot(sent_ms=before, label="now"))
    await asyncio.sleep(0.001)
    assert page.of("cards")[-1]["pumps"][0]["label"] == "now"
    await _end(task)


@in_virtual_time
async def test_a_page_that_takes_nothing_for_a_moment_is_not_cut_by_a_flood():
    """Cards of one pump do not pile up while a page is slow."""
    serving = Serving()
    page, task = serving.open()
    await asyncio.sleep(0.2)
    page.takes.clear()
    for number in range(2000):
        serving.take(
            "pump/PUMP-01/1/snapshot", canned.snapshot(sent_ms=serving.now_ms() + 1, label=f"{number}")
        )
        await asyncio.sleep(0.001)
    page.takes.set()
    await asyncio.sleep(0.5)
    assert page.closed is None
    assert page.of("cards")[-1]["pumps"][0]["label"] == "1999"
    await _end(task)


@pytest.mark.parametrize(
    "answer", ["[" * 100_000, '{"seen":1e999}', '{"seen":null}', "NaN", '{"seen":-5}', "[]"]
)
@in_virtual_time
async def test_a_page_that_answers_nonsense_does_not_end_its_stream(answer):
    """What is no heartbeat's answer is passed over."""
    serving = Serving()
    page, task = serving.open()
    page.answers.put_nowait(answer)
    await asyncio.sleep(2.5)
    assert not task.done()
    assert page.of("beat")[-1]["n"] >= 3
    assert page.of("picture")[0]["pumps"][0]["key"] == KEY
    await _end(task)


LATE = 10**30


@pytest.mark.requirement("DASH-4")
@pytest.mark.parametrize(
    "question",
    [
        f"/api/history/PUMP-01/1/flow_ml_h?start={LATE}&end={LATE + 5}",
        f"/api/history/PUMP-01/1/flow_ml_h?start={2**63 - 2}&end={2**63 + 5}",
        f"/api/journal?start={LATE}&end={LATE + 5}",
        "/api/history/PUMP-01/1/flow_ml_h?start=NaN&end=5",
        "/api/history/PUMP-01/1/flow_ml_h?start=0&end=5&buckets=0",
    ],
)
def test_a_time_that_no_calendar_has_is_refused(client, question):
    """It is an answer with a reason, never a server error."""
    assert client.get(question).status_code == 422


@pytest.mark.requirement("DASH-4")
@pytest.mark.parametrize(
    "body",
    [
        json.dumps({**QUESTION, "user": "Eve"}),
        json.dumps({**QUESTION, "revision": 10**40}),
        json.dumps({**QUESTION, "\ud800": 1}),
        '{"revision": NaN}',
        '{"revision": 1e999}',
        '"' + "a" * 60_000 + '"',
        "[]",
    ],
)
def test_an_acknowledgement_that_nobody_can_read_is_refused(client, body):
    """Nobody names himself; what was sent does not come back; nothing is a server error."""
    answer = client.post(
        "/api/acknowledge",
        content=body.encode(),
        headers={"origin": OURS, "content-type": "application/json"},
    )
    assert answer.status_code == 422
    assert len(answer.content) < 5000
