"""A pump's flow over time with its limits, and the alarms below it, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from pumpd.core.infusion import FlowLimits, flow_limits
from pumpd.core.quantities import NL_PER_ML, FlowRate
from pumpd.drivers.registry import find
from pumpd.qa.record import Channel
from pumpd.qa.runner import Outcome
from pumpd.qa.scenario import ScenarioPump

WIDTH, LEFT, RIGHT = 900, 180, 70
CURVE_HEIGHT, ROW_HEIGHT, LETTERS_HEIGHT = 150, 20, 11
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_SHOWN_BEYOND = 4
"""A limit more than so many times above all that flowed would only flatten the curve."""
GAP_S = 5.0
"""Readings further apart than this are not joined: nothing old is drawn as if it were read."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from left to right."""

    duration_s: float

    def x(self, at_s: float) -> float:
        """Return where a moment stands."""
        return LEFT + (WIDTH - LEFT - RIGHT) * min(at_s, self.duration_s) / self.duration_s

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield round moments and what to write there."""
        step = next((s for s in _STEPS_S if self.duration_s / s <= 9), _STEPS_S[-1])
        for count in range(int(self.duration_s // step) + 1):
            at_s = count * step
            minutes, seconds = divmod(at_s, 60)
            hours, minutes = divmod(minutes, 60)
            yield (
                at_s,
                f"{hours}:{minutes:02}:{seconds:02}"
                if self.duration_s >= 3600
                else f"{minutes}:{seconds:02}",
            )


def flow_curve(outcome: Outcome, pump: ScenarioPump, channel: str) -> str:
    """Return the SVG of one channel: what flowed, what pumpd read, and the limits."""
    record, axis = outcome.record, Axis(outcome.loaded.scenario.duration_s)
    flowed = [(s.at_s, s.flow_nl_h / NL_PER_ML) for s in record.samples.get((pump.id, channel), [])]
    read = record.read.get((pump.id, channel), [])
    highest = max([flow for _, flow in (*flowed, *read)], default=0.0) or 1.0
    limits = [(name, flow) for name, flow in _limits(outcome, pump) if flow <= highest * _SHOWN_BEYOND]
    top = 1.15 * max([highest, *(flow for _, flow in limits)])

    def y(flow: float) -> float:
        return 10 + (CURVE_HEIGHT - 20) * (1 - flow / top)

    across = f'x1="{LEFT}" x2="{WIDTH - RIGHT}"'
    width, height = WIDTH - LEFT - RIGHT, CURVE_HEIGHT - 20
    parts = [f'<rect class="plot" x="{LEFT}" y="10" width="{width}" height="{height}"/>']
    for share in (0.0, 0.5, 1.0):
        flow = share * top / 1.15
        at = f"{y(flow):.1f}"
        parts.append(f'<line class="grid" {across} y1="{at}" y2="{at}"/>')
        parts.append(_text(LEFT - 6, y(flow) + 4, f"{flow:.4g} mL/h{_dose(pump, flow)}", anchor="end"))
    lettered: list[float] = []
    for name, flow in limits:
        at = f"{y(flow):.1f}"
        parts.append(f'<line class="limit {name}" {across} y1="{at}" y2="{at}"/>')
        if all(abs(y(flow) - other) >= LETTERS_HEIGHT for other in lettered):
            parts.append(_text(WIDTH - RIGHT + 4, y(flow) + 4, name.replace("-", " ")))
            lettered.append(y(flow))

    def drawn(points: Sequence[Point]) -> list[Point]:
        return [(axis.x(at), y(flow)) for at, flow in _corners(points)]

    parts.extend(_line("read", drawn(piece)) for piece in _pieces(read))
    parts.append(_line("flowed", drawn(flowed)))
    parts += _happenings(outcome, axis, CURVE_HEIGHT - 10)
    return _svg(f"Flow of {pump.id}, channel {channel}", CURVE_HEIGHT, parts)


def alarm_rows(outcome: Outcome) -> str:
    """Return the SVG of every alarm that was told: a row each, coloured by priority, while it stood."""
    axis = Axis(outcome.loaded.scenario.duration_s)
    rows: dict[tuple[Channel | None, str], list[str]] = {}
    since: dict[tuple[Channel | None, str], tuple[float, str, str]] = {}

    def bar(key: tuple[Channel | None, str], until_s: float) -> None:
        began_s, signal, priority = since.pop(key)
        place = list(rows).index(key)
        left, right = axis.x(began_s), axis.x(until_s)
        what = f"{key[1]} {priority} {signal} from {began_s:.1f} s to {until_s:.1f} s"
        rows[key].append(
            f'<rect class="bar {priority} {signal}" x="{left:.1f}" width="{max(2.0, right - left):.1f}" '
            f'y="{place * ROW_HEIGHT + 4}" height="{ROW_HEIGHT - 8}"><title>{escape(what)}</title></rect>'
        )

    for seen in outcome.record.transitions:
        key = (seen.whose, seen.alarm)
        rows.setdefault(key, [])
        if key in since:
            bar(key, seen.at_s)
        if seen.signal != "off":
            since[key] = (seen.at_s, seen.signal, seen.priority)
    for key in list(since):
        bar(key, axis.duration_s)
    parts = []
    for place, ((whose, alarm), bars) in enumerate(rows.items()):
        label = f"{whose[0] if whose else 'node'}: {alarm}"
        parts.append(_text(LEFT - 6, place * ROW_HEIGHT + 14, label, anchor="end"))
        parts += bars
    height = len(rows) * ROW_HEIGHT
    parts += _happenings(outcome, axis, height)
    for at_s, text in axis.ticks():
        parts.append(_text(axis.x(at_s), height + 14, text, anchor="middle"))
    return _svg("Alarms", height + 20, parts)


def _happenings(outcome: Outcome, axis: Axis, height: int) -> list[str]:
    lines = []
    for event in outcome.loaded.scenario.timeline:
        at = f"{axis.x(event.at_s):.1f}"
        said = f"<title>{event.at_s:g} s: {escape(event.action)}</title>"
        lines.append(f'<line class="event" x1="{at}" x2="{at}" y1="0" y2="{height}">{said}</line>')
    return lines


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _limits(outcome: Outcome, pump: ScenarioPump) -> Iterator[tuple[str, float]]:
    if pump.ceiling is not None:
        yield "ceiling", pump.ceiling.nl_per_h / NL_PER_ML
    if pump.programme is None:
        return
    programme = pump.programme.programme()
    entry = outcome.loaded.library.lookup(
        programme.drug, programme.concentration, programme.care_area, programme.form, programme.indication
    )
    if entry is None:
        return
    flows: FlowLimits = flow_limits(entry, programme, find(pump.driver).flow_step)
    named: Sequence[tuple[str, FlowRate | None]] = (
        ("hard-max", flows.hard_max),
        ("soft-max", flows.soft_max),
        ("soft-min", flows.soft_min),
        ("hard-min", flows.hard_min),
    )
    yield from ((name, flow.nl_per_h / NL_PER_ML) for name, flow in named if flow is not None)


def _dose(pump: ScenarioPump, flow_ml_h: float) -> str:
    """Return what dose a flow is, where there is an order."""
    if pump.programme is None:
        return ""
    programme = pump.programme.programme()
    factor = float(programme.dose(FlowRate(NL_PER_ML)).amount)
    return f" = {flow_ml_h * factor:.3g} {programme.unit.value}"


def _pieces(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    """Yield runs of readings: where none came for a while, there is no line."""
    began = 0
    for at in range(1, len(points) + 1):
        if at == len(points) or points[at][0] - points[at - 1][0] > GAP_S:
            yield points[began:at]
            began = at


def _corners(points: Sequence[Point]) -> Iterator[Point]:
    """Yield what a stepped line needs: each change, with the value up to it, and the end."""
    last: float | None = None
    for at, (x, y) in enumerate(points):
        if last is None or y != last or at == len(points) - 1:
            if last is not None:
                yield x, last
            yield x, y
        last = y


def _line(name: str, points: Iterable[Point]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{name}" points="{path}"/>'


def _svg(label: str, height: int, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'
