"""The journal says of every reading whose it was: as the daemon itself labelled it when it came."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpd.core.infusion_record import Patient
from pumpd.core.infusion_words import beginning_words
from pumpd.store.journal_entry import microseconds
from pumpd.store.journal_stays import label_in, stays_of
from tests import proof
from tests.core.infusion_scene import LIBRARY, infusion
from tests.daemon.infusion_asks import Nurse
from tests.daemon.ward_scene import WardScene, play, pump

FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
pytestmark = pytest.mark.requirement("HIST-5")


def test_the_journal_says_whose_every_reading_was() -> None:
    """Begun, transferred, swapped and ended, by one patient after another: each reading has one label."""

    async def story(scene: WardScene) -> None:
        first, second = Nurse(scene, 1), Nurse(scene, 2)
        await asyncio.sleep(3.1)
        await first.begin()
        await asyncio.sleep(20)
        await first.transfer("7")
        await first.swap(2)
        await asyncio.sleep(20)
        await first.begin(label="C.D.", identifier="99")
        await second.end()
        await asyncio.sleep(20)
        await second.begin()
        await asyncio.sleep(20)
        lines = [
            (microseconds(e.at), e.pump or "", e.channel or "", e.model_dump_json())
            for _, e in scene.outlet.happened("infusion")
        ]
        assert all(json.loads(payload)["event"] for *_, payload in lines)
        for label in ("B.K.", "C.D."):
            stays = stays_of(lines, label)
            assert len(stays) == (3 if label == "B.K." else 1)
            rows = scene.history.rows
            assert sum(row.label == label for row in rows) > 15
            for row in rows:
                of = (row.telemetry.pump, row.telemetry.channel)
                within = [
                    s for s in stays if (s.pump, s.channel) == of and s.start_ms <= row.at_ms < s.until_ms
                ]
                assert bool(within) == (row.label == label), (row.label, row.at_ms, stays)

    play(story, [pump(1, **FREE), pump(2, **FREE | {"bed": "2"})], drugs=LIBRARY)


@given(label=st.text(st.characters(codec="utf-8"), min_size=1, max_size=32))
@proof.examples("a label is read back from the words about a beginning", small=100, full=10_000)
def test_a_label_is_read_back_from_the_words_about_a_beginning(label: str) -> None:
    """Also a label that holds colons and spaces: it is never taken for another one."""
    begun = infusion()
    assert label_in(beginning_words(replace(begun, patient=Patient(label, "1")))) == label
