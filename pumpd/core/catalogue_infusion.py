"""Conditions of an infusion: its total dose, and what people owe it."""

from __future__ import annotations

from pumpd.core.conditions import AlarmCondition, AlarmPriority, Audience, ConditionId, Harm, Onset

_HIGH, _MEDIUM, _LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW
_NURSE = Audience.NURSE
_SEVERE, _REVERSIBLE, _MINOR = Harm.SEVERE, Harm.REVERSIBLE, Harm.MINOR
_PROMPT, _DELAYED = Onset.PROMPT, Onset.DELAYED
_GIP = "Generic Infusion Pump v1.0 (MS-CIS-08-31) "

OF_INFUSION = (
    AlarmCondition(
        ConditionId.TOTAL_DOSE_HARD,
        _HIGH,
        _HIGH,
        "TOO MUCH IN ALL: {measured}, limit {allowed}",
        "Look at the order. Stop the pump if it is wrong.",
        _NURSE,
        "what was given and will be if it goes on, with the library's hard limit of the total dose",
        _SEVERE,
        _PROMPT,
        ("GIP-1.5",),
        _GIP + "1.4.12; Open-PCA 1.0.0: the window is filled by what goes on",
        ends="no window holds or will hold more",
    ),
    AlarmCondition(
        ConditionId.TOTAL_DOSE_SOFT,
        _MEDIUM,
        _MEDIUM,
        "More than usual in all: {measured}, usual up to {allowed}",
        "Check the rate and what is left against the order.",
        _NURSE,
        "what was given and will be if it goes on, with the library's soft limit of the total dose",
        _REVERSIBLE,
        _PROMPT,
        ("GIP-1.5",),
        _GIP + "1.4.12",
        ends="no window holds or will hold more",
    ),
    AlarmCondition(
        ConditionId.STILL_RUNNING,
        _HIGH,
        _HIGH,
        "STILL RUNNING: its infusion was ended",
        "Stop the pump, or begin an infusion on it.",
        _NURSE,
        "what the pump says it does, with the end that a person wrote down",
        _SEVERE,
        _PROMPT,
        ("GIP-1.1",),
        "An end on paper alone is no end",
        delay_s=10,
        clear_after_s=5,
    ),
    AlarmCondition(
        ConditionId.OBSERVATION_DUE,
        _LOW,
        None,
        "Look at the patient",
        "Write down pain, sedation, blood pressure, pulse and SpO2.",
        _NURSE,
        "when somebody last looked, with the library's clock, also after the end",
        _REVERSIBLE,
        _DELAYED,
        ("MON-1",),
        "RCHT ketamine guideline V6, June 2022: observations by the clock",
        ends="an observation",
    ),
    AlarmCondition(
        ConditionId.NOT_STARTED,
        _LOW,
        None,
        "Set up, not started",
        "Start the pump, or end the infusion here.",
        _NURSE,
        "how long the infusion was begun, with 5 min without flow",
        _MINOR,
        _PROMPT,
        ("GIP-1.28",),
        _GIP + "2.2.4",
        ends="flow, or the end of the infusion",
    ),
    AlarmCondition(
        ConditionId.LONG_PAUSE,
        _LOW,
        None,
        "Paused for {measured}",
        "Go on, or end the infusion.",
        _NURSE,
        "how long the pump has stood in an infusion that was not ended, with 5 min",
        _MINOR,
        _PROMPT,
        ("GIP-1.28",),
        _GIP + "2.2.2",
    ),
)
"""Each of them once; the catalogue takes them up."""
