"""What the MQTT payloads hold, schema version 1.

Numbers that matter are decimal strings with their unit in the key; times are ISO 8601 with offset; every
payload says ``advisory: true``. The daemon writes them, the dashboard (or any other program) reads them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from pumpd.contract.infusion_payloads import InfusionPart
from pumpd.contract.parts import CommandPayload, HistoryPart, Part, Payload, Said
from pumpd.contract.quieting import EscalationPart, InactivationPart, SeenAlarmPayload


class AlarmPart(Part):
    """One alarm whose signal is not OFF, as it stands in snapshots, events and alarm topics."""

    condition: str
    priority: Literal["LOW", "MEDIUM", "HIGH"]
    signal: Literal["off", "on", "latched", "acknowledged"]
    revision: int
    since: AwareDatetime
    title: str
    action: str
    measured: str = ""
    allowed: str = ""
    audience: Literal["nurse", "engineer"] = "nurse"
    acknowledged_by: str = ""
    acknowledged_at: AwareDatetime | None = None
    inactivation: InactivationPart | None = None
    suppressed_by: str = ""
    """The dead line whose own alarm speaks for this one: it is shown and does not sound."""
    escalation: EscalationPart | None = None
    """Null before the first step."""
    soft: bool = False
    """It is of a limit that a person may accept with a reason, while an infusion goes on."""
    journalled: bool = True
    """False while the journal has not confirmed its last transition within 1 s."""


class ReadingPart(Part):
    """The numbers of one reading; null is not known, ``invalid`` names those that can not be believed."""

    pump: str
    channel: str
    seq: int
    age_ms: int
    """Age at the moment of sending (``sent_ms`` of the payload)."""
    status: str
    flow_ml_h: str | None = None
    set_flow_ml_h: str | None = None
    volume_ml: str | None = None
    vtbi_ml: str | None = None
    """What of the programmed volume is still to be infused, as the pump says."""
    dose: str | None = None
    """Dose rate in the unit of the programme in the snapshot (``dose_unit``); null without a programme."""
    pressure_kpa: str | None = None
    battery_percent: int | None = None
    invalid: list[str] = Field(default_factory=list)
    provenance: Literal["real", "demo"]


class TelemetryPayload(Payload):
    """``node/{node}/telemetry``: the newest reading of each channel that has one since the last payload."""

    node: str
    boot_id: str
    seq: int
    """1, 2, 3 ... per boot."""
    sent_ms: int
    """The node's monotonic clock."""
    readings: list[ReadingPart]


class LimitsPart(Part):
    """The library's limits for the running programme, as dose in ``unit`` and as flow on this pump."""

    unit: str
    soft_min: str | None = None
    soft_max: str | None = None
    hard_min: str | None = None
    hard_max: str | None = None
    hard_max_flow_ml_h: str | None = None
    soft_max_flow_ml_h: str | None = None
    soft_min_flow_ml_h: str | None = None
    ceiling_ml_h: str | None = None


class ProgrammePart(Part):
    """What was ordered."""

    drug: str
    concentration: str
    care_area: str
    form: str = ""
    indication: str = ""
    weight_kg: str | None
    dose_min: str
    dose_max: str
    dose_unit: str
    volume_ml: str | None = None
    duration_s: int | None = None


class RestraintPart(Part):
    """What pumpd may do to this pump, and why not where it may not."""

    may_pause: bool
    enforcement: Literal["alarm", "cap", "pause"]
    library_signed: bool
    library_allows: Literal["none", "cap", "pause"]
    pause_proven: bool
    phase: Literal["idle", "asked"]


class LinkPart(Part):
    """How the line to this pump is."""

    state: Literal["connecting", "up", "down", "wrong-device", "stopped"]
    detail: str = ""
    instead: str = ""
    """The pump of the fleet that answers in its place; empty when none does."""
    driver: str
    verified: str
    """What the driver's card says: none, simulator, transcript or hardware."""
    unverified: tuple[str, ...] = ()
    """What the card says of the driver that its documents leave open, each in a sentence."""
    human_use: bool = True
    """False for a laboratory pump: no infusion can begin on a real one."""
    url: str
    round_trip_ms: float | None = None
    errors: int = 0


class SnapshotPayload(Payload):
    """``pump/{pump}/{channel}/snapshot``: the whole picture, retained: the truth."""

    node: str
    boot_id: str
    seq: int
    """The ``seq`` of the reading inside, shared with telemetry; 0 before the first."""
    sent_ms: int
    """The node's monotonic clock, as in telemetry."""
    at: AwareDatetime
    pump: str
    channel: str
    bed: str
    ward: str
    label: str = ""
    """Patient label: initials at most."""
    make: str = ""
    model: str = ""
    serial_number: str = ""
    provenance: Literal["real", "demo"]
    freshness: Literal["fresh", "stale", "lost"]
    stale_after_ms: int
    lost_after_ms: int
    flow_step_ml_h: str
    reading: ReadingPart | None
    programme: ProgrammePart | None
    limits: LimitsPart | None
    infusion: InfusionPart | None = None
    """The infusion begun by a person; null for an order that stands in the configuration, or none."""
    alarms: list[AlarmPart]
    """Worst first."""
    restraint: RestraintPart
    link: LinkPart
    library_version: str
    library_sha256: str


class AlarmPayload(Payload):
    """``pump/{pump}/{channel}/alarm/{condition}``: retained, emptied when OFF."""

    node: str
    pump: str
    channel: str
    bed: str
    ward: str
    provenance: Literal["real", "demo"]
    alarm: AlarmPart


class EventPayload(Payload):
    """``node/{node}/event``: one transition; ``seq`` is its place in the journal."""

    id: str
    """``{boot_id}-{n}``: unique for ever, the same however often it is sent."""
    node: str
    boot_id: str
    seq: int | None
    """Its place in the journal, 1, 2, 3 ... per node; null while the journal has not confirmed it."""
    journalled: bool
    """False when it was published before the journal confirmed it; it is sent again once it is."""
    resent: bool = False
    """True when it is sent again after a broker was lost; ``id`` is the same."""
    at: AwareDatetime
    kind: Literal["alarm", "restraint", "infusion", "command", "node"]
    pump: str | None = None
    channel: str | None = None
    bed: str = ""
    ward: str = ""
    provenance: Literal["real", "demo"] | None = None
    event: str
    """The alarm event (raise, worsen, clear, acknowledge, pause-audio, ...) or what happened."""
    before: str = ""
    alarm: AlarmPart | None = None
    by: str = ""
    detail: str = ""


class NodeStatusPayload(Payload):
    """``node/{node}/status``: retained; ``lost`` is the last will."""

    node: str
    boot_id: str
    state: Literal["online", "offline", "lost"]
    version: str = ""
    at: AwareDatetime | None = None
    config_sha256: str = ""
    library_version: str = ""
    library_sha256: str = ""
    library_signed_for: list[Literal["real", "demo"]] = Field(default_factory=list)
    journal_seq: int = 0
    journal_head: str = ""
    """A line's number and hash, as ``pumpd audit verify --head`` takes it; empty without a journal."""
    pumps: list[str] = Field(default_factory=list)
    """``pump/channel`` of every channel this node watches."""
    alarms: list[AlarmPart] = Field(default_factory=list)
    """Alarms of the node itself."""
    commands_refused: str = ""
    """Why this node takes no commands; empty when it does."""
    contacts: list[str] = Field(default_factory=list)
    """Names of those that the configuration can call; how they are reached stands nowhere on the network."""
    history: HistoryPart | None = None


class AcknowledgePayload(SeenAlarmPayload):
    """Verb ``acknowledge``: "I have it"; ``pump`` and ``channel`` null: an alarm of the node itself."""


class PausePumpPayload(CommandPayload):
    """Verb ``pause-pump``: a nurse asks for a pause; the same three gates hold."""

    pump: str
    channel: str
    reason: Said = Field(min_length=1, max_length=200)


class ReplyPayload(Payload):
    """``node/{node}/reply/{id}``: accepted or refused, and why."""

    id: str
    of: str = ""
    """Which message it answers: the first 32 hex digits of the SHA-256 of that message."""
    accepted: bool
    """True once it is done: on disk, or read back from the pump."""
    reason: str = ""
    """Why it is refused; of what is done, what else was done with it."""
    field: str = ""
    """The key of the command that a refusal is about, without the objects around it; empty: the whole."""


class PresencePayload(Payload):
    """``dashboard/{id}/presence``: a dashboard that watches; the last will says it is gone."""

    dashboard: str
    watching: bool
    pages: int = 0
