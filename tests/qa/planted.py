"""Defects planted in the product, never in a judge: exploration must find each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from pumpd.contract import age
from pumpd.core import alarms
from pumpd.core.infusion_begin import moved_to
from pumpd.core.telemetry import Provenance
from pumpd.daemon import infusion_book, infusion_desk, outbox_publisher, publisher_telemetry, restoring
from pumpd.daemon.dose_times import DoseTimes
from pumpd.daemon.journalling import JournalDesk
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.session import Session
from pumpd.daemon.watchdog import Watchdog
from pumpd.drivers.register_map import RegisterMapDriver
from pumpd.errors import WireError
from pumpd.protocols import framing_rtu
from pumpd.protocols.framing_mbap import MbapFramer
from pumpd.protocols.modbus import WriteCoil
from pumpd.protocols.wire import Permission
from pumpd.store.base import Durable
from pumpd.transports.outgoing import OutgoingFilter

START = 1
"""The reference pump's coil that starts it."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One defect."""

    name: str
    invariant: str
    breaks: str
    """What the product does then."""
    plant: Callable[[pytest.MonkeyPatch], None]
    seed: int
    """Of the first hospital that showed it; ``make test`` begins its search there, ``make proof`` at 1."""


def _start(unit: int) -> WriteCoil:
    return WriteCoil(unit, START, on=True, permission=Permission.PAUSE)


def _no_filter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OutgoingFilter, "check", lambda *_: None)


def _wakes_to_recognise(patch: pytest.MonkeyPatch) -> None:
    _no_filter(patch)
    whole = RegisterMapDriver.identify

    async def identify(self, line):
        await line.ask(_start(self._reads[0].unit))
        return await whole(self, line)

    patch.setattr(RegisterMapDriver, "identify", identify)


def _wakes_to_pause(patch: pytest.MonkeyPatch) -> None:
    _no_filter(patch)
    whole = RegisterMapDriver.pause

    async def pause(self, line, channel):
        with suppress(WireError):
            await line.ask(_start(self._reads[0].unit))
        await whole(self, line, channel)

    patch.setattr(RegisterMapDriver, "pause", pause)


def _one_transaction(patch: pytest.MonkeyPatch) -> None:
    whole = MbapFramer.encode

    def encode(self, request):
        self._transaction_id = 6
        return whole(self, request)

    patch.setattr(MbapFramer, "encode", encode)
    patch.setattr(MbapFramer, "_filled_up", lambda *_: False)


def _no_checksum(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(framing_rtu, "crc16_modbus", lambda _: 0)


def _recognised_once(patch: pytest.MonkeyPatch) -> None:
    whole = Session._recognise

    async def recognise(self):
        if self._first is not None and self._line.opening:
            self._recognised = self._line.opening
        return await whole(self)

    patch.setattr(Session, "_recognise", recognise)


def _ageless(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        publisher_telemetry,
        "_age_ms",
        lambda reading, now_ns: min(500, (now_ns - reading.taken_ns) // 10**6 + 1),
    )


def _asleep_with_the_line(patch: pytest.MonkeyPatch) -> None:
    whole = Watchdog._look_at

    def look_at(self, pumps):
        whole(self, [live for live in pumps if live.link.state.value == "up"])

    patch.setattr(Watchdog, "_look_at", look_at)


def _transit_forgotten(patch: pytest.MonkeyPatch) -> None:
    whole = age.Transit.observe

    def observe(self, sent_ms, arrived_ms):
        self._slots.clear()
        return whole(self, sent_ms, arrived_ms)

    patch.setattr(age.Transit, "observe", observe)


def _any_revision(patch: pytest.MonkeyPatch) -> None:
    whole = alarms.acknowledge

    def acknowledge(present, condition, revision, by, now):
        alarm = present.get(condition)
        return whole(present, condition, alarm.revision if alarm else revision, by, now)

    patch.setattr(alarms, "acknowledge", acknowledge)


def _never_worse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alarms, "_is_worse", lambda finding, alarm: finding.priority > alarm.priority)


def _late_is_said_to_be_on_disk(patch: pytest.MonkeyPatch) -> None:
    whole = JournalDesk._late

    def late(self, entry):
        entry.events = tuple(event.model_copy(update={"journalled": True}) for event in entry.events)
        whole(self, entry)

    patch.setattr(JournalDesk, "_late", late)


def _latched_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    whole = restoring.take_up

    def take_up(live, durable, watch=None):
        kept = {c: a for c, a in durable.alarms.items() if a.signal is not alarms.AlarmSignal.LATCHED}
        whole(live, Durable(durable.pump, durable.channel, kept, durable.restraints), watch)

    patch.setattr(restoring, "take_up", take_up)


def _fifth_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    whole = outbox_publisher._event

    def event(line, *, resent):
        return None if line.seq % 5 == 0 and not resent else whole(line, resent=resent)

    patch.setattr(outbox_publisher, "_event", event)


def _nothing_latches(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alarms, "step", lambda signal, event, *, latches: alarms.TRANSITIONS[signal][event][False])


def _real_as_configured(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PumpPlan, "provenance", lambda self, _: Provenance.REAL if self.real else Provenance.DEMO)


def _resent_without_provenance(patch: pytest.MonkeyPatch) -> None:
    whole = outbox_publisher._event

    def event(line, *, resent):
        said = whole(line, resent=resent)
        return said.replace(b'"provenance":"demo"', b'"provenance":null') if resent and said else said

    patch.setattr(outbox_publisher, "_event", event)


def _swap_forgets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(infusion_desk, "moved_to", lambda watch: moved_to(watch)._replace(given_e6_p=0, given_nl=0))


def _begun_anew_by_restart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DoseTimes, "watch", lambda *_: None)


def _label_stays(patch: pytest.MonkeyPatch) -> None:
    whole = infusion_book.place

    def place(live, watch):
        label = live.place.label
        whole(live, watch)
        live.place = replace(live.place, label=live.place.label or label)

    patch.setattr(infusion_desk, "place", place)


PLANTED = (
    Planted(
        "wakes a pump to recognise it",
        "INV-1",
        "Recognising a pump sends its start, and the filter lets it by.",
        _wakes_to_recognise,
        1,
    ),
    Planted(
        "wakes a pump to pause it",
        "INV-1",
        "Each pause sends a start first, and the filter lets it by.",
        _wakes_to_pause,
        289,
    ),
    Planted(
        "one transaction for all",
        "INV-2",
        "Questions on Modbus TCP share a transaction id, and a filled-up frame is taken.",
        _one_transaction,
        3,
    ),
    Planted(
        "no checksum",
        "INV-2",
        "Damaged frames are taken on RTU.",
        _no_checksum,
        12,
    ),
    Planted(
        "recognised once",
        "INV-2",
        "A pump is never recognised again.",
        _recognised_once,
        1,
    ),
    Planted(
        "never older than half a second",
        "INV-3",
        "The age of a reading is cut off at 500 ms.",
        _ageless,
        1,
    ),
    Planted(
        "asleep with the line",
        "INV-3",
        "The watchdog passes over pumps whose link is down.",
        _asleep_with_the_line,
        1,
    ),
    Planted(
        "transit forgotten",
        "INV-3",
        "The smallest transit is not remembered: a frozen broker makes old readings new.",
        _transit_forgotten,
        2,
    ),
    Planted(
        "any revision will do",
        "INV-4",
        "An acknowledgement is taken whatever revision it names.",
        _any_revision,
        29,
    ),
    Planted(
        "only priority is worse",
        "INV-4",
        "A flow far above the acknowledged one is not told anew.",
        _never_worse,
        73,
    ),
    Planted(
        "late is called on disk",
        "INV-4",
        "What waits for the disk goes out as journalled.",
        _late_is_said_to_be_on_disk,
        24,
    ),
    Planted(
        "latched is forgotten",
        "INV-4",
        "A latched alarm does not survive a restart.",
        _latched_is_forgotten,
        1,
    ),
    Planted(
        "every fifth event skipped",
        "INV-4",
        "Every fifth line of the journal is passed over the first time.",
        _fifth_is_passed_over,
        1,
    ),
    Planted(
        "nothing latches",
        "INV-4",
        "A HIGH alarm goes with its condition, seen or not.",
        _nothing_latches,
        1,
    ),
    Planted(
        "real as configured",
        "INV-5",
        "Who answered does not decide what is real.",
        _real_as_configured,
        2,
    ),
    Planted(
        "sent again without provenance",
        "INV-5",
        "Events that are sent again say nothing of their provenance.",
        _resent_without_provenance,
        1,
    ),
    Planted(
        "a swap forgets the account",
        "INF-2",
        "What an infusion gave begins at nothing on another pump.",
        _swap_forgets,
        26,
    ),
    Planted(
        "no infusion after a restart",
        "INF-2",
        "The infusions of an earlier run are not taken up.",
        _begun_anew_by_restart,
        12,
    ),
    Planted(
        "the label stays",
        "INF-2",
        "The end of an infusion does not take the patient's label away.",
        _label_stays,
        5,
    ),
)
"""Two at least for each invariant, and for infusions."""
