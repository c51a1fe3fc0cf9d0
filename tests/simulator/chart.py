"""A small line chart as SVG text: axes with ticks, lines, bands, words. The same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]
_PLOT = (56.0, 34.0, 380.0, 190.0)
"""Left, top, width and height of the plot in its panel, in pixels."""
PANEL_WIDTH, PANEL_HEIGHT = 460, 270
_INK = ("#1f5fa8", "#b3541e", "#2e7d4f")
"""Line colours, with at least 4.5:1 contrast to white; dashes tell them apart without colour."""
_DASHES = ("", "6 3", "2 3")


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class Panel:
    """One chart: its title, its axes, and what is drawn on it."""

    title: str
    x_title: str
    y_title: str
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    x_at: Sequence[float] | None = None
    """Where the ticks of x stand when not at their value: categories evenly apart."""
    drawn: list[str] = field(default_factory=list)
    _lines: int = 0

    def _x(self, value: float) -> float:
        ticks = self.x_at or self.x_ticks
        return _PLOT[0] + _PLOT[2] * (value - ticks[0]) / (ticks[-1] - ticks[0])

    def _y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return _PLOT[1] + _PLOT[3] * (high - min(high, max(low, value))) / (high - low)

    def line(self, points: Sequence[Point], label: str, label_at: Point) -> None:
        """Draw a line, and its name beginning at ``label_at``."""
        ink, dash = _INK[self._lines % len(_INK)], _DASHES[self._lines % len(_DASHES)]
        self._lines += 1
        path = " ".join(f"{_number(self._x(x))},{_number(self._y(y))}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="1.5"{dashed}/>'
        )
        self.words(label, label_at, ink)

    def level(self, y: float, label: str) -> None:
        """Draw a horizontal line across, with a word above its right end."""
        at, right = _number(self._y(y)), _number(_PLOT[0] + _PLOT[2])
        self.drawn.append(
            f'<line x1="{_PLOT[0]:g}" y1="{at}" x2="{right}" y2="{at}" stroke="#555" stroke-dasharray="4 4"/>'
        )
        if label:
            above = _number(self._y(y) - 4)
            self.drawn.append(f'<text x="{right}" y="{above}" text-anchor="end" fill="#555">{label}</text>')

    def span(self, low: float, high: float) -> None:
        """Shade what was measured, from ``low`` to ``high`` on x."""
        left, right = self._x(low), self._x(high)
        self.drawn.insert(
            0,
            f'<rect x="{_number(left)}" y="{_PLOT[1]:g}" width="{_number(right - left)}" '
            f'height="{_PLOT[3]:g}" fill="#d9e2ec"/>',
        )

    def words(self, text: str, at: Point, ink: str = "#222") -> None:
        """Write ``text`` beginning at a point of the chart."""
        self.drawn.append(
            f'<text x="{_number(self._x(at[0]))}" y="{_number(self._y(at[1]))}" fill="{ink}">{text}</text>'
        )

    def svg(self, left_px: int) -> list[str]:
        """Return its elements, ``left_px`` from the left of the picture."""
        left, top, width, height = _PLOT
        bottom, middle = top + height, left + width / 2
        found = [f'<g transform="translate({left_px} 0)">']
        found.append(f'<text x="{left:g}" y="18" font-weight="bold" fill="#222">{self.title}</text>')
        found += self.drawn
        found.append(
            f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" '
            'fill="none" stroke="#222"/>'
        )
        for tick, at in zip(self.x_ticks, self.x_at or self.x_ticks, strict=True):
            x = _number(self._x(at))
            found.append(f'<line x1="{x}" y1="{bottom:g}" x2="{x}" y2="{bottom + 4:g}" stroke="#222"/>')
            found.append(f'<text x="{x}" y="{bottom + 17:g}" text-anchor="middle">{_number(tick)}</text>')
        for tick in self.y_ticks:
            y = self._y(tick)
            found.append(
                f'<line x1="{left - 4:g}" y1="{_number(y)}" x2="{left:g}" y2="{_number(y)}" stroke="#222"/>'
            )
            found.append(
                f'<text x="{left - 7:g}" y="{_number(y + 4)}" text-anchor="end">{_number(tick)}</text>'
            )
        found.append(f'<text x="{middle:g}" y="{bottom + 35:g}" text-anchor="middle">{self.x_title}</text>')
        centre = _number(top + height / 2)
        found.append(
            f'<text x="12" y="{centre}" text-anchor="middle" transform="rotate(-90 12 {centre})">'
            f"{self.y_title}</text>"
        )
        return [*found, "</g>"]


def picture(panels: Sequence[Panel], described: str) -> str:
    """Return the panels side by side as one SVG file; ``described`` is what a screen reader says."""
    width = PANEL_WIDTH * len(panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {PANEL_HEIGHT}" width="{width}" '
        f'height="{PANEL_HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="#222">'
    )
    body = [line for at, panel in enumerate(panels) for line in panel.svg(at * PANEL_WIDTH)]
    return "\n".join(
        [
            head,
            f"<title>{described}</title>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *body,
            "</svg>",
            "",
        ]
    )
