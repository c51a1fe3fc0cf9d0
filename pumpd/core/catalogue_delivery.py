"""Conditions of what was delivered: counter against set rate, set rate against the order."""

from __future__ import annotations

from pumpd.core.conditions import AlarmCondition, AlarmPriority, Audience, ConditionId

_HIGH, _MEDIUM, _LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW
_NURSE, _ENGINEER = Audience.NURSE, Audience.ENGINEER
_GIP = "Generic Infusion Pump v1.0 (MS-CIS-08-31) "

OF_DELIVERY = (
    AlarmCondition(
        ConditionId.FREE_FLOW,
        _HIGH,
        _HIGH,
        "FLOWING WHILE STOPPED: {measured}",
        "Clamp the line now. Take another pump.",
        _NURSE,
        _GIP + "1.13, 1.2.2",
    ),
    AlarmCondition(
        ConditionId.REVERSE_FLOW,
        _HIGH,
        _HIGH,
        "FLOWING BACK: {measured}",
        "Clamp the line and look at the pump.",
        _NURSE,
        _GIP + "1.14, 1.8.1",
    ),
    AlarmCondition(
        ConditionId.OVER_INFUSION,
        _HIGH,
        _HIGH,
        "GIVING TOO MUCH: {measured} more than set, set to {allowed}",
        "Stop the pump and take another one.",
        _NURSE,
        _GIP + "1.10, 1.2.2; GPCA over-infusion, two bands",
    ),
    AlarmCondition(
        ConditionId.UNDER_INFUSION,
        _MEDIUM,
        None,
        "Giving too little: {measured} less than set, set to {allowed}",
        "Look at the pump, the line and the syringe.",
        _NURSE,
        _GIP + "1.10, 1.2.3; GPCA under-infusion, two bands",
    ),
    AlarmCondition(
        ConditionId.SILENT_STOP,
        _MEDIUM,
        None,
        "Says it runs, but gives nothing: {measured} missing, set to {allowed}",
        "Look at the pump and the line.",
        _NURSE,
        _GIP + "1.16, 1.22; Open-PCA 1.0.0: flow stop at once",
    ),
    AlarmCondition(
        ConditionId.VOLUME_EXCEEDED,
        _HIGH,
        _HIGH,
        "MORE THAN ORDERED: {measured} of {allowed}",
        "Stop the pump. Check the order.",
        _NURSE,
        "GPCA alarm 5; " + _GIP + "1.10",
    ),
    AlarmCondition(
        ConditionId.TEN_FOLD,
        _HIGH,
        _HIGH,
        "RATE MAY BE A SLIP: {measured}, ordered {allowed}",
        "Check the rate digit by digit, and its unit.",
        _NURSE,
        _GIP + "8.14; ISMP 2020: rate and dose mixed up, ten-fold",
    ),
    AlarmCondition(
        ConditionId.PRESSURE_RISING,
        _LOW,
        None,
        "Pressure rises as in a blocked line: {measured}, the pump alarms at {allowed}",
        "Look at the line and the cannula.",
        _NURSE,
        _GIP + "1.7, 1.10; Doenmez et al. 2005: two hours to the alarm at 0.5 mL/h",
    ),
    AlarmCondition(
        ConditionId.COUNTER_FROZEN,
        _MEDIUM,
        None,
        "The pump's counter stands while it delivers: {measured}",
        "Exchange the pump. Until then delivery is not checked.",
        _ENGINEER,
        _GIP + "1.22",
    ),
    AlarmCondition(
        ConditionId.COUNTER_RESET,
        _LOW,
        None,
        "The pump's counter began anew {measured}",
        "Ask whether somebody reset it. What it showed before is kept.",
        _ENGINEER,
        _GIP + "3.3.4; a restarted pump begins at 0",
    ),
)
"""Each of them once; the catalogue takes them up."""
