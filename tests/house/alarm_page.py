"""docs/alarms.md from the table and the catalogue: ``python -m tests.house.alarm_page`` writes it anew."""

from __future__ import annotations

from pumpd.core.alarms import TRANSITIONS, AlarmEvent, AlarmSignal
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import AlarmCondition
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "alarms.md"
WORDS = {
    AlarmSignal.OFF: "nothing is told",
    AlarmSignal.ON: "the condition is present and nobody has said *I have it*",
    AlarmSignal.LATCHED: "the condition is gone, and nobody has seen it yet",
    AlarmSignal.ACKNOWLEDGED: "the condition is present, and a named person has it",
}


def diagram() -> list[str]:
    """Return the table as a Mermaid state diagram, one arrow for each pair of signals."""
    arrows: dict[tuple[AlarmSignal, AlarmSignal], list[str]] = {}
    for signal, row in TRANSITIONS.items():
        for event, (plain, latching) in row.items():
            for after, note in (
                (plain, "" if plain is latching else " (not latching)"),
                (latching, " (latching)"),
            ):
                if after is signal or (note == " (latching)" and plain is latching):
                    continue
                arrows.setdefault((signal, after), []).append(event.value + note)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> off"]
    lines += [f"    {a.value} --> {b.value}: {', '.join(events)}" for (a, b), events in arrows.items()]
    return [*lines, "```"]


def table() -> list[str]:
    """Return every cell of the table."""
    lines = [
        "| signal | " + " | ".join(e.value for e in AlarmEvent) + " |",
        "|---" * (len(AlarmEvent) + 1) + "|",
    ]
    for signal, row in TRANSITIONS.items():
        cells = []
        for event in AlarmEvent:
            plain, latching = row[event]
            cells.append(
                plain.value if plain is latching else f"{plain.value}; {latching.value} if it latches"
            )
        lines.append(f"| **{signal.value}** | " + " | ".join(cells) + " |")
    return lines


def catalogue() -> list[str]:
    """Return every condition, worst first: what it says, and then how it is decided."""
    worst_first = sorted(CATALOGUE.values(), key=lambda c: -c.priority)
    told = ["| id | priority | told as | what to do | for |", "|---" * 5 + "|"]
    told += [
        f"| `{c.id.value}` | {c.priority.name} | {c.title} | {c.action} | {c.audience.value} |"
        for c in worst_first
    ]
    rules = [
        "| id | what is compared with what | delay | ends | latches | harm | onset | hazards | source |",
        "|---" * 9 + "|",
        *map(_rule, worst_first),
    ]
    return [*told, "", *_RULES, "", *rules]


_RULES = (
    "How each is decided. The priority follows from harm and onset by the table of IEC 60601-1-8; where one",
    "does not, its reason stands beside the harm. Hazards are those of [hazards](hazards.yaml).",
)


_UNTOLD = (
    "What no condition tells, and why:",
    "",
    "- **A pump's clock that is wrong.** No register map and no dialect that ships carries a pump's time of",
    "  day. Ages and doses are by the clock of pumpd alone; what is wrong with that one is `clock-stepped`",
    "  or `clock-unsynchronised`.",
    "- **Drug, concentration, weight or patient typed at the pump that are not those of the order.** No",
    "  register map and no dialect that ships carries them. A pump that is not the one configured is",
    "  `wrong-device`; an infusion of another patient in the same bed is refused when it is begun.",
    "- **A rate set at the pump inside of the order.** It is a line in the journal; a raise beyond the",
    "  library's step or time is `titration`, a rate outside of the order `above-order` or `below-order`.",
)


def _rule(c: AlarmCondition) -> str:
    latches = "no" if c.latch_from is None else f"from {c.latch_from.name}"
    ends = c.ends or (f"{c.clear_after_s} s without it" if c.clear_after_s else "a reading without it")
    harm = c.harm.value + (f" ({c.departs})" if c.departs else "")
    return (
        f"| `{c.id.value}` | {c.compares} | {c.delay_s} s | {ends} | {latches} | {harm} | {c.onset.value} "
        f"| {', '.join(c.hazards)} | {c.source} |"
    )


def page() -> str:
    """Return the whole page."""
    lines = [
        "# What alarms are there, and what do they mean?",
        "",
        "Written by `python -m tests.house.alarm_page` from the table and the catalogue in `pumpd/core/`.",
        "",
        "A *condition* is present or not. Its *signal* says what people are told:",
        "",
        *(f"- **{signal.value}**: {WORDS[signal]}." for signal in AlarmSignal),
        "",
        *diagram(),
        "",
        "Every cell, also those in which nothing moves:",
        "",
        *table(),
        "",
        "An alarm keeps the worst priority that it has had since it was raised. A new or worse one gets a",
        "higher revision; an acknowledgement names the revision that was on the screen and is refused when",
        "that is no longer the alarm's. A delay is not begun anew by one good reading. LINK_LOST is MEDIUM",
        "when the last reading is stale and HIGH when it is lost, while the pump delivers or may; LOW when",
        "it stood still. `{measured}` and `{allowed}` stand for values.",
        "",
        *catalogue(),
        "",
        *_UNTOLD,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
