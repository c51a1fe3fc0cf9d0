"""Conditions of the node: its disk, its clock, its broker, its own tasks, and the age of its drug library."""

from __future__ import annotations

from pumpd.core.conditions import AlarmCondition, AlarmPriority, Audience, ConditionId, Harm, Onset

_MEDIUM, _LOW = AlarmPriority.MEDIUM, AlarmPriority.LOW
_ENGINEER = Audience.ENGINEER
_SEVERE, _REVERSIBLE, _MINOR = Harm.SEVERE, Harm.REVERSIBLE, Harm.MINOR
_DELAYED = Onset.DELAYED
_GIP = "Generic Infusion Pump v1.0 (MS-CIS-08-31) "

OF_NODE = (
    AlarmCondition(
        ConditionId.BROKER_LOST,
        _MEDIUM,
        None,
        "pumpd does not reach the broker: {measured}",
        "Check broker and network. Pages show nothing new until it is back.",
        _ENGINEER,
        "the time without a broker, with 10 s",
        _SEVERE,
        _DELAYED,
        ("GIP-2.4", "MON-1"),
        "Open-PCA 1.0.0 EC18",
        ends="the broker is back",
    ),
    AlarmCondition(
        ConditionId.TASK_SILENT,
        _MEDIUM,
        None,
        "A part of pumpd stopped: {measured}",
        "pumpd started it again. If it comes back, start the daemon anew and send the log.",
        _ENGINEER,
        "a task of the daemon, with one that runs; and the time between two looks, with 10 s",
        _SEVERE,
        _DELAYED,
        ("MON-1",),
        _GIP + "3.5: a watchdog for each task, after 90 s at the latest",
        ends="a minute without another",
    ),
    AlarmCondition(
        ConditionId.DISK_LOW,
        _MEDIUM,
        None,
        "Disk nearly full: {measured}",
        "Make room before the journal and the history can not be written.",
        _ENGINEER,
        "what is free on the disk of journal and history, with what the configuration wants",
        _SEVERE,
        _DELAYED,
        ("GIP-3.3", "MON-7"),
        "GPCA alarm 17",
        ends="half as much again is free",
    ),
    AlarmCondition(
        ConditionId.CLOCK_STEPPED,
        _LOW,
        None,
        "The time of day was set {measured}",
        "Ask who set it. Delays, ages and doses do not depend on it; times in the journal do.",
        _ENGINEER,
        "time of day, with monotonic time: more than 2 s apart within a second",
        _MINOR,
        _DELAYED,
        ("MON-13",),
        _GIP + "4.1.2: date and time of each event",
        ends="a minute without another",
    ),
    AlarmCondition(
        ConditionId.CLOCK_UNSYNCHRONISED,
        _LOW,
        None,
        "The time of day may be wrong: {measured}",
        "Give this machine a time server.",
        _ENGINEER,
        "what the machine says of its time of day, for 5 min",
        _MINOR,
        _DELAYED,
        ("MON-13",),
        _GIP + "4.1.2: date and time of each event",
        ends="it follows a time server",
    ),
    AlarmCondition(
        ConditionId.LIBRARY_DATE,
        _LOW,
        None,
        "The drug library {measured}",
        "Ask the pharmacist for the one that holds today. Until then its limits are watched.",
        _ENGINEER,
        "today, with the first and the last day of the drug library",
        _REVERSIBLE,
        _DELAYED,
        ("GIP-5.6", "MON-12"),
        _GIP + "6.1.6",
        ends="a library that holds today",
    ),
)
"""Each of them once; the catalogue takes them up."""
