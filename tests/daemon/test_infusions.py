"""Infusions in a whole daemon: begun, changed, observed, moved and ended, and never a word to the pump."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import pytest

from pumpd.contract.payloads import SnapshotPayload
from pumpd.core.quantities import FlowRate
from pumpd.core.telemetry import PumpId
from pumpd.daemon.publisher_infusion import infusion_part
from pumpd.daemon.publisher_snapshot import SnapshotWriter
from pumpd.daemon.publisher_telemetry import TelemetryWriter
from tests.core.infusion_scene import LIBRARY, NO
from tests.daemon.infusion_asks import ANSWERS, ORDER, Nurse
from tests.daemon.orders import CHANNEL
from tests.daemon.ward_scene import WardScene, play, pump

MG_E6 = 10**15
FREE: dict[str, Any] = {"programme": None, "bed": "1", "ward": "pain-clinic"}
pytestmark = pytest.mark.requirement("INF-2")


def _part(scene: WardScene, number: int = 1):
    part = infusion_part(scene.live(number), scene.clock, scene.app.ward.library)
    assert part is not None
    return part


def _writes(scene: WardScene) -> int:
    return sum(len(wire.writes()) for wire in scene.wires.values())


def _notes(scene: WardScene) -> list[tuple[str, str]]:
    return [(e.event, e.by) for _, e in scene.outlet.happened("infusion")]


def test_an_infusion_from_its_beginning_to_its_end():
    """Limits hold from its beginning, what it gave is counted, its end empties the label."""

    async def story(scene: WardScene) -> None:
        nurse, live = Nurse(scene), scene.live()
        await asyncio.sleep(3)
        assert scene.live().state.limits is None
        await nurse.begin()
        limits = scene.live().state.limits
        assert limits is not None
        assert limits.hard_max == FlowRate.parse(35)
        assert (live.place.label, live.place.bed) == ("B.K.", "1")
        await asyncio.sleep(1200)
        part = _part(scene)
        assert (part.state, part.set_ml_h, part.agrees, part.attached) == ("running", "10.5", True, True)
        assert abs(Fraction(part.given) - 7) < Fraction(1, 20)
        assert Fraction(part.given) + Fraction(part.to_waste) == 70
        await nurse.observe(pain=3, sedation="awake")
        await nurse.end()
        assert live.place.label == ""
        assert live.state.setup.programme is None
        assert _part(scene).state == "ended"
        assert _writes(scene) == 0
        assert _notes(scene) == [("begun", "A. Nurse"), ("observed", "A. Nurse"), ("ended", "A. Nurse")]

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_what_the_library_does_not_allow_is_not_begun():
    """The reason comes back, and the pump stays without an order; the same of a busy pump, bed or patient."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        for wrong, words in (
            ({"checked_by": ""}, "a second person must check"),
            ({"order": {"dose_max": "1.1"}}, "hard limit"),
            ({"order": {"concentration": "5 mg/mL"}}, "no limits for ketamine 5 mg/mL"),
            ({"order": {"volume_ml": "0"}}, "a volume of 0 mL"),
            ({"order": {"weight_kg": "34"}}, "below the lightest"),
            ({"answers": [*ANSWERS, {"ask": "Tall?", "yes": True}]}, "not on the checklist"),
            ({"pump": "PUMP-09"}, "watches no such pump"),
        ):
            with pytest.raises(ValueError, match=words):
                await nurse.begin(**wrong)
            assert scene.live().state.watch is None
        await nurse.begin()
        with pytest.raises(ValueError, match="carries an infusion"):
            await nurse.begin()
        with pytest.raises(ValueError, match="bed 1 has an infusion of another patient"):
            await Nurse(scene, 2).begin(label="C.D.", identifier="99")
        await Nurse(scene, 2).begin()
        assert _notes(scene) == [("begun", "A. Nurse")] * 2

    play(story, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY)


def test_a_standing_pump_needs_the_whole_checklist_and_a_running_one_may_owe_it():
    """Before a start every question is answered; an infusion that already runs is watched at once."""

    async def story(scene: WardScene) -> None:
        first, second = Nurse(scene, 1), Nurse(scene, 2)
        scene.model(2).press_stop()
        await asyncio.sleep(3)
        await first.begin(answers=ANSWERS[:1])
        assert _part(scene, 1).checklist_open == ["Seizures in the past?"]
        await first.change(answers=ANSWERS[1:])
        assert _part(scene, 1).checklist_open == []
        with pytest.raises(ValueError, match=r"answer the checklist before the start: Seizures"):
            await second.begin(answers=ANSWERS[:1])
        await second.begin()
        assert (_part(scene, 2).state, _part(scene, 2).attached) == ("begun", False)

    play(story, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY)


def test_titrated_inside_the_order_is_a_message_and_outside_it_a_new_version():
    """The pump's own key inside the order is told once; an order needs a reason and the version seen."""

    async def story(scene: WardScene) -> None:
        nurse, live = Nurse(scene), scene.live()
        await asyncio.sleep(3)
        await nurse.begin()
        await asyncio.sleep(10)
        scene.model().turn_rate(FlowRate.parse("14").nl_per_h)
        await asyncio.sleep(10)
        part = _part(scene)
        assert (part.dose, part.set_ml_h, part.agrees, part.version) == ("0.4", "14", True, 1)
        await nurse.change(dose="0.2")
        part = _part(scene)
        assert (part.set_ml_h, part.agrees) == ("7", None)
        with pytest.raises(ValueError, match="outside the ordered"):
            await nurse.change(dose="0.6")
        more = ORDER | {"dose_max": "0.6", "dose": "0.55", "duration_min": 100}
        with pytest.raises(ValueError, match="say why the order changes"):
            await nurse.change(order=more, checked_by="C. Second", accepted="pain")
        with pytest.raises(ValueError, match="soft limit of 0"):
            await nurse.change(order=more, checked_by="C. Second", reason="pain")
        await nurse.change(order=more, checked_by="C. Second", accepted="pain", reason="pain")
        assert [v.reason for v in _part(scene).versions] == ["", "pain"]
        assert live.state.limits is not None
        assert live.state.limits.soft_max == FlowRate.parse(21)
        with pytest.raises(ValueError, match="the order was changed since"):
            await nurse.change(dose="0.2")
        with pytest.raises(ValueError, match="nothing is changed"):
            await nurse.change(version=2)
        assert [e for e, _ in _notes(scene)] == ["begun", "titrated", "dose", "changed"]
        assert _writes(scene) == 0

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_of_two_who_set_the_dose_at_once_the_second_is_refused_in_words():
    """What stood on the second screen was older: a dose, an order and a library are refused, answers not."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        await nurse.begin(answers=ANSWERS[:1])
        seen = _part(scene).dose_revision
        await nurse.change(dose="0.2", dose_revision=seen)
        for more in ({"dose": "0.4"}, {"order": ORDER, "reason": "pain"}, {"library_sha256": "ab" * 32}):
            with pytest.raises(ValueError, match=r"somebody set the dose since, to 0.2 mg/kg/h: look again"):
                await nurse.change(**more, dose_revision=seen)
        assert (_part(scene).dose, _part(scene).version, _part(scene).dose_revision) == ("0.2", 1, seen + 1)
        await nurse.change(answers=ANSWERS[1:], dose_revision=seen)
        await nurse.change(dose="0.4", dose_revision=seen + 1)
        await nurse.change(order=ORDER, reason="pain", checked_by="C. Second", dose_revision=seen + 2)
        assert (_part(scene).version, _part(scene).dose_revision) == (2, 0)

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_a_swap_takes_the_account_along_and_a_transfer_the_bed():
    """What the first pump gave stands on the second, and each request names the infusion it saw."""

    async def story(scene: WardScene) -> None:
        nurse, there = Nurse(scene, 1), Nurse(scene, 2)
        scene.model(2).press_stop()
        await asyncio.sleep(3)
        await nurse.begin()
        await asyncio.sleep(600)
        before = Fraction(_part(scene).given)
        scene.model(1).press_stop()
        await asyncio.sleep(2)
        with pytest.raises(ValueError, match="is on this pump already"):
            await nurse.swap(1)
        await nurse.swap(2)
        assert infusion_part(scene.live(1), scene.clock, scene.app.ward.library) is None
        assert (scene.live(1).place.label, scene.live(2).place.label) == ("", "B.K.")
        with pytest.raises(ValueError, match="goes on on PUMP-02"):
            await nurse.observe(pain=1)
        scene.model(2).press_start()
        await asyncio.sleep(600)
        part = _part(scene, 2)
        assert abs(Fraction(part.given) - 2 * before) < Fraction(1, 10)
        assert part.pumps == ["PUMP-01/1", "PUMP-02/1"]
        await there.transfer("7")
        assert scene.live(2).place.bed == "7"
        with pytest.raises(ValueError, match="there already"):
            await there.transfer("7")
        await there.end()
        assert (scene.live(2).place.bed, scene.live(2).place.label) == ("1", "")
        assert _writes(scene) == 0

    play(story, [pump(1, **FREE), pump(2, **FREE)], drugs=LIBRARY)


def test_a_request_sent_twice_is_carried_out_once():
    """The same id has no second effect, and another infusion's id is refused."""

    async def story(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        await nurse.begin()
        await nurse.observe(pain=1)
        nurse.count -= 1
        await nurse.observe(pain=1)
        assert len(_part(scene).observations) == 1
        with pytest.raises(ValueError, match="not on PUMP-01: look again"):
            await nurse.observe(infusion="another", pain=1)

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_an_infusion_outlives_kill_9(tmp_path):
    """After a crash it has its order, label, versions and what it gave; what flowed meanwhile is credited."""
    path = tmp_path / "journal.db"
    given: list[int] = []

    async def before(scene: WardScene) -> None:
        nurse = Nurse(scene)
        await asyncio.sleep(3)
        await nurse.begin()
        await asyncio.sleep(100)
        await nurse.observe(pain=4)
        await asyncio.sleep(9)
        watch = scene.live().state.watch
        assert watch is not None
        given.append(watch.given_e6_p)
        scene.journal.crash()

    async def after(scene: WardScene) -> None:
        live = scene.live()
        watch = live.state.watch
        assert watch is not None
        assert 0 <= given[0] - watch.given_e6_p <= MG_E6 // 10
        assert (live.place.label, live.state.ordered is None) == ("B.K.", False)
        assert watch.infusion.observations[0].pain == 4
        assert watch.infusion.library_version == LIBRARY.version
        assert watch.infusion.answers[0].ask == NO.ask
        await asyncio.sleep(30)
        assert live.state.watch is not None
        assert live.state.watch.given_e6_p > watch.given_e6_p

    play(before, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)
    play(after, [pump(1, **FREE)], drugs=LIBRARY, journal_path=path)


def test_a_configured_order_holds_until_an_infusion_is_begun(tmp_path):
    """A programme in the file is watched; once a person began and ended one, it is not taken up again."""
    path = tmp_path / "journal.db"
    configured = [pump(1)]

    async def first(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.live().state.setup.programme is not None
        assert infusion_part(scene.live(), scene.clock, scene.app.ward.library) is None
        nurse = Nurse(scene)
        await nurse.begin({"dose_max": "0.4"})
        ordered = scene.live().state.ordered
        assert ordered is not None
        assert ordered.high == FlowRate.parse(14)
        await nurse.end()

    async def second(scene: WardScene) -> None:
        await asyncio.sleep(3)
        assert scene.live().state.setup.programme is None

    play(first, configured, drugs=LIBRARY, journal_path=path)
    play(second, configured, drugs=LIBRARY, journal_path=path)


def test_the_snapshot_holds_the_infusion_and_never_the_second_identifier():
    """What goes over the network is what the contract says, without the patient's second mark."""

    async def story(scene: WardScene) -> None:
        live = scene.app.ward.pumps[PumpId("PUMP-01"), CHANNEL]
        writer = SnapshotWriter(scene.app.ward, live, TelemetryWriter(scene.app.ward), scene.clock)
        await asyncio.sleep(3)
        await Nurse(scene).begin(identifier="secret-77")
        await asyncio.sleep(5)
        text = writer.write()
        assert b"secret-77" not in text
        told = scene.outlet.happened("infusion")
        assert told
        assert "secret-77" not in str(told)
        snapshot = SnapshotPayload.model_validate_json(text)
        assert snapshot.label == "B.K."
        assert snapshot.infusion == _part(scene)
        await Nurse(scene, 1).end(id="nurse-other-1")
        ended = SnapshotPayload.model_validate_json(writer.write())
        assert ended.label == ""
        assert ended.infusion is not None
        assert "B.K." not in ended.infusion.model_dump_json()

    play(story, [pump(1, **FREE)], drugs=LIBRARY)


def test_the_card_says_how_much_of_the_ordered_time_is_left():
    """By how long it has flowed, to the second; nothing of time where the order names none."""

    async def story(scene: WardScene) -> None:
        await asyncio.sleep(3)
        await Nurse(scene).begin({"volume_ml": "20", "duration_min": 60})
        await asyncio.sleep(120)
        left_s = _part(scene).remaining_s
        assert left_s is not None
        assert 3600 - 122 <= left_s <= 3600 - 117
        await Nurse(scene).end()
        await Nurse(scene, 2).begin({"volume_ml": "20", "duration_min": None}, label="C.D.", identifier="99")
        await asyncio.sleep(3)
        assert _part(scene, 2).remaining_s is None

    play(story, [pump(1, **FREE), pump(2, **FREE | {"bed": "2"})], drugs=LIBRARY)
