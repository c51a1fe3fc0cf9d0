"""What stands on the retained topics, worked out from present state: nothing here remembers anything."""

from __future__ import annotations

from pumpd.clock import Clock
from pumpd.contract.parts import HistoryPart
from pumpd.contract.payloads import AlarmPart, AlarmPayload, NodeStatusPayload
from pumpd.daemon.events import alarm_parts
from pumpd.daemon.seams import LivePump, Ward
from pumpd.store.base import WriterStatus


def alarms(ward: Ward, live: LivePump) -> dict[str, AlarmPayload]:
    """Return what stands on the alarm topics of one channel: condition -> payload."""

    def payload(part: AlarmPart) -> AlarmPayload:
        return AlarmPayload(
            node=ward.node,
            pump=live.pump,
            channel=live.channel,
            bed=live.place.bed,
            ward=live.place.ward,
            provenance=live.state.setup.provenance.value,
            alarm=part,
        )

    return {part.condition: payload(part) for part in alarm_parts(live.told)}


def online(ward: Ward, clock: Clock, commands_refused: str) -> NodeStatusPayload:
    """Return how the node is; ``commands_refused`` says why it takes none, empty when it does."""
    library = ward.library
    return NodeStatusPayload(
        node=ward.node,
        boot_id=ward.boot_id,
        state="online",
        version=ward.version,
        at=clock.wall(),
        config_sha256=ward.config_sha256,
        library_version="" if library is None else library.version,
        library_sha256="" if library is None else library.sha256,
        library_signed_for=[] if library is None else sorted(p.value for p in library.signed_for),
        journal_seq=ward.journal_seq,
        journal_head=str(ward.journal_head) if ward.journal_head.seq else "",
        pumps=[f"{pump}/{channel}" for pump, channel in ward.pumps],
        alarms=alarm_parts(ward.told),
        commands_refused=commands_refused,
        contacts=list(ward.contacts),
        history=None if ward.history is None else _history(ward.history),
    )


def _history(status: WriterStatus) -> HistoryPart:
    left_h = None if status.left_h is None else int(min(status.left_h, 99_999))
    return HistoryPart(waiting=status.waiting, dropped=status.dropped, left_h=left_h)


def gone(ward: Ward, clock: Clock | None) -> NodeStatusPayload:
    """Return ``offline`` for a goodbye at the time of ``clock``, ``lost`` (the last will) without one."""
    return NodeStatusPayload(
        node=ward.node,
        boot_id=ward.boot_id,
        state="lost" if clock is None else "offline",
        version=ward.version,
        at=None if clock is None else clock.wall(),
        config_sha256=ward.config_sha256,
        journal_seq=ward.journal_seq,
        journal_head=str(ward.journal_head) if ward.journal_head.seq else "",
        pumps=[f"{pump}/{channel}" for pump, channel in ward.pumps],
    )
