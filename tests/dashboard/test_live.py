"""What is live and what is not, from MQTT messages fed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from dashboard.live import Change, Kind, LiveWard, NotLive
from pumpd.contract.payloads import EventPayload
from tests.dashboard import canned
from tests.dashboard.canned import BOOT, NODE, SITE

KEY = "PUMP-01/1"


class Feeding:
    """A ward with a clock that is ``offset_ms`` ahead of the daemon's."""

    def __init__(self, offset_ms: int = 500_000) -> None:
        self.ward = LiveWard(SITE)
        self.offset_ms = offset_ms
        self.ward.broker(up=True, now_ms=offset_ms)

    def take(self, topic: str, payload: BaseModel | bytes, *, retained: bool = False, at_ms: int) -> Change:
        body = payload if isinstance(payload, bytes) else payload.model_dump_json().encode()
        return self.ward.receive(topic, body, retained=retained, now_ms=at_ms + self.offset_ms)

    def snapshot(self, at_ms: int, *, retained: bool = False, late_ms: int = 0, **fields) -> Change:
        topic = self.ward.topics.snapshot("PUMP-01", "1")
        body = canned.snapshot(sent_ms=at_ms - late_ms, **fields)
        return self.take(topic, body, retained=retained, at_ms=at_ms)

    def telemetry(self, at_ms: int, *readings, late_ms: int = 0, **fields) -> Change:
        body = canned.telemetry(*readings, sent_ms=at_ms - late_ms, **fields)
        return self.take(self.ward.topics.node_telemetry(NODE), body, at_ms=at_ms)

    def status(self, state, at_ms: int = 0) -> Change:
        return self.take(self.ward.topics.node_status(NODE), canned.status(state), retained=True, at_ms=at_ms)

    def why(self) -> NotLive:
        return self.ward.not_live(self.ward.channels[KEY])

    def age(self, at_ms: int) -> int | None:
        return self.ward.age_ms(self.ward.channels[KEY], at_ms + self.offset_ms)


@pytest.mark.requirement("INV-3", "DASH-2")
def test_what_the_broker_kept_is_not_live_until_a_fresh_message_of_the_same_boot_follows():
    """A retained snapshot waits; another boot's telemetry does not help; its own does."""
    feeding = Feeding()
    feeding.status("online")
    feeding.snapshot(1000, retained=True)
    assert feeding.why() is NotLive.WAITING
    feeding.telemetry(2000, boot="another-boot")
    assert feeding.why() is NotLive.WAITING
    change = feeding.telemetry(3000)
    assert feeding.why() is NotLive.LIVE
    assert change == Change(Kind.CARD, (KEY,))


@pytest.mark.requirement("INV-3", "DASH-2")
def test_an_old_retained_snapshot_shows_its_true_age_once_the_clock_difference_is_known():
    """A snapshot kept for 40 s is 40 s old, whatever the difference of the two clocks."""
    feeding = Feeding(offset_ms=-123_456)
    feeding.snapshot(41_000, retained=True, late_ms=40_000)
    feeding.telemetry(41_500)
    assert feeding.age(41_500) == 40_600


@pytest.mark.requirement("INV-3", "DASH-2")
def test_readings_delayed_by_a_frozen_broker_are_never_new():
    """Messages released after a freeze of 45 s carry those 45 s, the first of them too."""
    feeding = Feeding()
    feeding.snapshot(1000)
    for second in range(2, 30):
        feeding.telemetry(second * 1000, canned.reading(seq=second))
        assert feeding.age(second * 1000) == 100
    for second in range(30, 75):
        feeding.telemetry(75_000, canned.reading(seq=second), late_ms=(75 - second) * 1000)
        assert feeding.age(75_000) == (75 - second) * 1000 + 100


@pytest.mark.requirement("INV-3", "DASH-2")
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 60_000), st.booleans()), min_size=1, max_size=40)
)
def test_no_reading_is_ever_shown_younger_than_it_is(steps):
    """Whatever is late, retained or out of order, the age shown is at least the true one."""
    feeding = Feeding()
    feeding.snapshot(0, seq=0)
    at_ms, sent = 0, {0: 0}
    for number, (wait_ms, late_ms, retained) in enumerate(steps, start=1):
        at_ms += wait_ms
        sent[number] = at_ms - late_ms
        if retained:
            feeding.snapshot(at_ms, seq=number, retained=True, late_ms=late_ms)
        else:
            feeding.telemetry(at_ms, canned.reading(seq=number), late_ms=late_ms)
        channel = feeding.ward.channels[KEY]
        shown = feeding.age(at_ms)
        assert channel.reading is not None
        assert shown is not None
        assert shown >= at_ms - sent[channel.reading.seq]


@pytest.mark.requirement("INV-3")
def test_an_older_reading_never_takes_the_place_of_a_newer_one():
    """Telemetry and snapshots share a sequence: what is behind it is passed over, from either."""
    feeding = Feeding()
    feeding.snapshot(1000, seq=5)
    assert feeding.telemetry(1500, canned.reading(seq=4, flow_ml_h="99")) == Change(Kind.NOTHING)
    feeding.telemetry(2000, canned.reading(seq=7, flow_ml_h="12"))
    feeding.snapshot(2100, seq=6)
    reading = feeding.ward.channels[KEY].reading
    assert reading is not None
    assert (reading.seq, reading.flow_ml_h) == (7, "12")


@pytest.mark.requirement("INV-3", "DASH-2")
@pytest.mark.parametrize(
    ("state", "why"),
    [("lost", NotLive.NODE_LOST), ("offline", NotLive.NODE_OFFLINE), ("online", NotLive.LIVE)],
)
def test_a_node_that_is_gone_makes_all_its_pumps_not_live(state, why):
    """The last will and a clean stop are both heard; numbers stay, but not as live ones."""
    feeding = Feeding()
    feeding.snapshot(1000)
    feeding.telemetry(2000)
    feeding.status(state)
    assert feeding.why() is why


@pytest.mark.requirement("INV-3", "DASH-2")
def test_a_lost_broker_makes_everything_not_live_until_fresh_messages_come():
    """After a reconnect what was fresh before must prove itself anew."""
    feeding = Feeding()
    feeding.snapshot(1000)
    feeding.ward.broker(up=False, now_ms=502_000)
    assert feeding.why() is NotLive.BROKER
    feeding.ward.broker(up=True, now_ms=503_000)
    feeding.snapshot(4000, retained=True)
    assert feeding.why() is NotLive.WAITING
    feeding.telemetry(5000)
    assert feeding.why() is NotLive.LIVE


def test_a_restarted_daemon_is_live_with_its_new_boot_only():
    """Numbers of the old boot wait; a late retained copy of the old boot does not come back."""
    feeding = Feeding()
    feeding.snapshot(1000, seq=900)
    feeding.telemetry(2000, boot="b00t0002")
    assert feeding.why() is NotLive.WAITING
    feeding.snapshot(2500, boot_id="b00t0002", seq=1)
    assert feeding.why() is NotLive.LIVE
    feeding.snapshot(2600, retained=True, boot_id=BOOT, seq=901)
    assert feeding.ward.channels[KEY].snapshot.boot_id == "b00t0002"


def test_an_emptied_snapshot_takes_the_card_away():
    """A pump that was removed from the configuration leaves the page."""
    feeding = Feeding()
    feeding.snapshot(1000)
    change = feeding.take(feeding.ward.topics.snapshot("PUMP-01", "1"), b"", at_ms=2000)
    assert change == Change(Kind.CARD, (KEY,))
    assert feeding.ward.channels == {}


@pytest.mark.parametrize(
    "topic",
    [
        "pump/PUMP-01/1/snapshot",
        "node/ward-a/telemetry",
        "node/ward-a/status",
        "node/ward-a/event",
        "node/x/reply/1",
    ],
)
@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"v": 2}', b"\xff\xfe", b"null"])
def test_what_is_not_the_contract_changes_nothing_and_is_counted(topic, payload):
    """Garbage on any topic is refused aloud in a count, never shown."""
    feeding = Feeding()
    feeding.snapshot(1000)
    before = dict(feeding.ward.channels)
    change = feeding.take(f"{feeding.ward.topics.prefix}/{topic}", payload, at_ms=2000)
    assert change == Change(Kind.NOTHING)
    assert feeding.ward.channels == before
    assert feeding.ward.refused == 1


def test_a_snapshot_under_another_pumps_topic_is_refused():
    """A payload that names another pump than its topic can not put numbers on the wrong bed."""
    feeding = Feeding()
    topic = feeding.ward.topics.snapshot("PUMP-02", "1")
    assert feeding.take(topic, canned.snapshot("PUMP-01"), at_ms=1000) == Change(Kind.NOTHING)
    assert feeding.ward.channels == {}


@pytest.mark.requirement("INV-2")
def test_no_node_speaks_for_another():
    """What names another node or pump than its topic does is refused, whatever it is."""
    feeding = Feeding()
    feeding.snapshot(1000)
    topics, before = feeding.ward.topics, feeding.ward.channels[KEY]
    event = EventPayload(
        id="b-1", node=NODE, boot_id=BOOT, seq=1, journalled=True, at=canned.AT, kind="node", event="stopped"
    )
    strange = canned.reading("PUMP-02", seq=9)
    for topic, payload in (
        (topics.node_telemetry("ward-b"), canned.telemetry(canned.reading(seq=9), sent_ms=1100)),
        (topics.node_status("ward-b"), canned.status("lost")),
        (topics.node_event("ward-b"), event),
        (topics.snapshot("PUMP-01", "1"), canned.snapshot(sent_ms=1100, reading=strange)),
    ):
        assert feeding.take(topic, payload, at_ms=1200) == Change(Kind.NOTHING)
    assert feeding.ward.channels == {KEY: before}
    assert feeding.why() is NotLive.LIVE
    assert feeding.ward.refused == 4
    other = canned.telemetry(canned.reading(seq=9), sent_ms=1100).model_copy(update={"node": "ward-b"})
    feeding.take(topics.node_telemetry("ward-b"), other, at_ms=1300)
    assert feeding.ward.channels[KEY].reading == before.reading


def test_a_number_that_json_does_not_have_is_refused():
    """A page could not read the frame it would stand in."""
    feeding = Feeding()
    body = (
        canned.snapshot(sent_ms=1000).model_dump_json().replace('"errors":', '"round_trip_ms":NaN,"errors":')
    )
    assert "NaN" in body
    feeding.take(feeding.ward.topics.snapshot("PUMP-01", "1"), body.encode(), at_ms=1000)
    assert feeding.ward.channels == {}
    assert feeding.ward.refused == 1


def test_an_event_that_is_sent_again_takes_its_own_place():
    """The same id, first not journalled and then with its number, is one transition."""
    feeding = Feeding()
    event = EventPayload(
        id="b-1",
        node=NODE,
        boot_id=BOOT,
        seq=None,
        journalled=False,
        at=canned.AT,
        kind="node",
        event="started",
    )
    again = event.model_copy(update={"seq": 9, "journalled": True, "resent": True})
    for payload in (event, again):
        feeding.take(feeding.ward.topics.node_event(NODE), payload, at_ms=1000)
    assert [(e.id, e.seq) for e in feeding.ward.events.values()] == [("b-1", 9)]
