"""What an alarm condition is: id, priority, audience, latching, delay and words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class AlarmPriority(IntEnum):
    """IEC 60601-1-8 priorities; a higher number is worse."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Audience(Enum):
    """Who acts on a condition; an engineer's condition never sounds at a nurse."""

    NURSE = "nurse"
    ENGINEER = "engineer"


class Harm(Enum):
    """What may come to the patient when nobody answers: the rows of IEC 60601-1-8's table of priorities."""

    SEVERE = "death or irreversible injury"
    REVERSIBLE = "reversible injury"
    MINOR = "minor injury or discomfort"


class Onset(Enum):
    """How soon it comes: the columns of that table."""

    IMMEDIATE = "immediate"
    """Too soon for a person to prevent it."""
    PROMPT = "prompt"
    """A person who comes now can prevent it."""
    DELAYED = "delayed"
    """There is time beyond that."""


_HIGH, _MEDIUM, _LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW
MATRIX: dict[Harm, dict[Onset, AlarmPriority]] = {
    Harm.SEVERE: {Onset.IMMEDIATE: _HIGH, Onset.PROMPT: _HIGH, Onset.DELAYED: _MEDIUM},
    Harm.REVERSIBLE: {Onset.IMMEDIATE: _HIGH, Onset.PROMPT: _MEDIUM, Onset.DELAYED: _LOW},
    Harm.MINOR: {Onset.IMMEDIATE: _MEDIUM, Onset.PROMPT: _LOW, Onset.DELAYED: _LOW},
}
"""IEC 60601-1-8, as reproduced in Open-PCA 1.0.0; it leaves the last cell at low or none."""


class ConditionId(Enum):
    """The id of each condition, as it stands in topics, journal and docs."""

    __hash__ = object.__hash__  # each is one object, looked up many times in a reading

    OVER_HARD = "over-hard"
    OVER_SOFT = "over-soft"
    UNDER_HARD = "under-hard"
    UNDER_SOFT = "under-soft"
    ABOVE_ORDER = "above-order"
    BELOW_ORDER = "below-order"
    FLOW_CEILING = "flow-ceiling"
    FREE_FLOW = "free-flow"
    REVERSE_FLOW = "reverse-flow"
    OVER_INFUSION = "over-infusion"
    UNDER_INFUSION = "under-infusion"
    SILENT_STOP = "silent-stop"
    VOLUME_EXCEEDED = "volume-exceeded"
    TEN_FOLD = "ten-fold"
    PRESSURE_RISING = "pressure-rising"
    COUNTER_FROZEN = "counter-frozen"
    COUNTER_RESET = "counter-reset"
    TOTAL_DOSE_HARD = "total-dose-hard"
    TOTAL_DOSE_SOFT = "total-dose-soft"
    BOLUS_HARD = "bolus-hard"
    BOLUS_SOFT = "bolus-soft"
    TITRATION = "titration"
    STILL_RUNNING = "still-running"
    OBSERVATION_DUE = "observation-due"
    NOT_STARTED = "not-started"
    LONG_PAUSE = "long-pause"
    DURATION = "duration"
    SAME_DRUG = "same-drug"
    LIBRARY_TIGHTER = "library-tighter"
    NO_PROGRAMME = "no-programme"
    LIBRARY_MISSING = "library-missing"
    LINK_LOST = "link-lost"
    LINE_LOST = "line-lost"
    OFF_LINE = "off-line"
    OFF_LINE_DELIVERS = "off-line-delivers"
    INVALID_VALUE = "invalid-value"
    UNKNOWN_STATUS = "unknown-status"
    WRONG_DEVICE = "wrong-device"
    UNKNOWN_PUMP = "unknown-pump"
    OCCLUSION = "occlusion"
    OCCLUSION_UPSTREAM = "occlusion-upstream"
    AIR = "air"
    EMPTY = "empty"
    DOOR = "door"
    NEAR_END = "near-end"
    INFUSION_COMPLETE = "infusion-complete"
    KVO = "kvo"
    ALERT_LOOP = "alert-loop"
    BATTERY_LOW = "battery-low"
    BATTERY_DEPLETED = "battery-depleted"
    PUMP_FAULT = "pump-fault"
    PUMP_OTHER = "pump-other"
    RESTRAINED = "restrained"
    RATE_LOWERED = "rate-lowered"
    RESTRAINT_FAILED = "restraint-failed"
    FRAME_BLOCKED = "frame-blocked"
    JOURNAL_LATE = "journal-late"
    HISTORY_FAILING = "history-failing"
    ESCALATION_FAILING = "escalation-failing"
    LINE_DISTURBED = "line-disturbed"
    SESSION_CRASHED = "session-crashed"
    BROKER_LOST = "broker-lost"
    TASK_SILENT = "task-silent"
    DISK_LOW = "disk-low"
    CLOCK_STEPPED = "clock-stepped"
    CLOCK_UNSYNCHRONISED = "clock-unsynchronised"
    LIBRARY_DATE = "library-date"
    CERTIFICATE_SOON = "certificate-ends-soon"
    CERTIFICATE_ENDS = "certificate-ends"
    STATE_UNREADABLE = "state-unreadable"


@dataclass(frozen=True, slots=True)
class AlarmCondition:
    """One kind of thing that can be wrong.

    ``title`` and ``action`` are str.format templates over ``measured`` and ``allowed``.
    """

    id: ConditionId
    priority: AlarmPriority
    latch_from: AlarmPriority | None
    """From this priority up the signal outlives the condition until a person has seen it; None: never."""
    title: str
    """What is wrong, in the nurse's words."""
    action: str
    """What to do about it."""
    audience: Audience
    compares: str
    """What is held against what."""
    harm: Harm
    onset: Onset
    hazards: tuple[str, ...]
    """Ids in docs/hazards.yaml: GIP-1.13 is a hazard of Generic Infusion Pump v1.0, MON-1 one of monitors."""
    source: str
    """Where the rule comes from."""
    delay_s: int = 0
    """How long it must hold before it is raised."""
    clear_after_s: int = 0
    """How long a reading must have been without it before it ends; where ``delay_s`` is 0, at once."""
    ends: str = ""
    """What ends it, where that is not a reading without it."""
    departs: str = ""
    """Why ``priority`` is not the one of ``MATRIX``; empty where it is."""

    @property
    def by_matrix(self) -> AlarmPriority:
        """The priority that harm and onset give."""
        return MATRIX[self.harm][self.onset]
