"""Line and bar charts as inline SVG that fit the screen of a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 420, 310
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 58
COLOURS = ("#0f6fb8", "#c2410c", "#3f7d20", "#7c3aed", "#64748b", "#be185d", "#0e9384", "#a16207")
_TICKS = 6


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Points in order; `band` has a lower and an upper y for each; not connected where `joined` is False."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    band: tuple[Sequence[float], Sequence[float]] | None = None
    joined: bool = True
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """Label of an axis in both languages, its ends, and whether it is logarithmic."""

    zh: str
    en: str
    low: float
    high: float
    log: bool = False

    def tick_values(self) -> list[float]:
        """Return round numbers along the axis."""
        if self.log:
            every = [m * 10.0**e for e in range(-4, 5) for m in (1, 2, 5)]
            return [value for value in every if self.low <= value <= self.high]
        step = 10.0 ** np.floor(np.log10((self.high - self.low) / _TICKS))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (m * step) <= _TICKS)
        first = np.ceil(self.low / step - 1e-9) * step + 0.0
        return [float(value) + 0.0 for value in np.arange(first, self.high + step * 1e-6, step)]

    def position_of(self, value: float) -> float:
        """Return where a value lies on the axis, 0 … 1."""
        ends = (self.low, self.high, value)
        low, high, at = (np.log(max(end, 1e-9)) if self.log else end for end in ends)
        return float(np.clip((at - low) / (high - low), 0.0, 1.0))


def chart(title: str, x: ChartAxis, y: ChartAxis, lines: Sequence[ChartSeries]) -> str:
    """Return a figure with its series and a legend."""
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">', *_frame(x, y)]
    for number, line in enumerate(lines):
        parts += _line(line, COLOURS[number % len(COLOURS)], x, y)
    parts.append("</svg>")
    keys = "".join(
        f'<li><span style="background:{COLOURS[number % len(COLOURS)]}"></span>{escape(line.name)}</li>'
        for number, line in enumerate(lines)
        if line.name
    )
    return f'<figure>{"".join(parts)}<ul class="legend">{keys}</ul></figure>'


def _frame(x: ChartAxis, y: ChartAxis) -> list[str]:
    across, down = _places(x, y)
    parts = []
    for value in y.tick_values():
        at = down(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in x.tick_values():
        at = across(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{value:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 22}" text-anchor="middle">{escape(x.zh)}</text>')
    parts.append(f'<text class="en" x="{middle}" y="{HEIGHT - 7}" text-anchor="middle">{escape(x.en)}</text>')
    turned = f"translate(13 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"
    parts.append(
        f'<text transform="{turned}" text-anchor="middle">{escape(y.zh)} '
        f'<tspan class="en">{escape(y.en)}</tspan></text>'
    )
    return parts


def _line(line: ChartSeries, colour: str, x: ChartAxis, y: ChartAxis) -> list[str]:
    across, down = _places(x, y)
    known = [i for i in range(len(line.x)) if np.isfinite(line.x[i]) and np.isfinite(line.y[i])]
    points = [(across(line.x[i]), down(line.y[i])) for i in known]
    parts = []
    if line.band is not None and line.joined:
        low, high = line.band
        seen = [i for i in known if np.isfinite(low[i]) and np.isfinite(high[i])]
        edge = [(across(line.x[i]), down(high[i])) for i in seen] + [
            (across(line.x[i]), down(low[i])) for i in seen[::-1]
        ]
        parts.append(f'<polygon points="{_joined(edge)}" fill="{colour}" fill-opacity="0.14"/>')
    elif line.band is not None:
        low, high = line.band
        parts += [_whisker(across(line.x[i]), down(low[i]), down(high[i]), colour) for i in known]
    if line.joined and points:
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        parts.append(f'<polyline points="{_joined(points)}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
    if not line.joined or len(points) < 12:  # noqa: PLR2004 - dots on a dense curve hide it
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.2" fill="{colour}"/>' for a, b in points if not line.dashed]
    return parts


def _whisker(at: float, low: float, high: float, colour: str) -> str:
    return f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>'


def _places(x: ChartAxis, y: ChartAxis) -> tuple[Callable[[float], float], Callable[[float], float]]:
    return (
        lambda value: LEFT + x.position_of(value) * (WIDTH - LEFT - RIGHT),
        lambda value: HEIGHT - BOTTOM - y.position_of(value) * (HEIGHT - TOP - BOTTOM),
    )


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)


def bars(rows: Sequence[tuple[str, float, tuple[float, float], str]]) -> str:
    """Return a bar chart of shares 0 … 1 with names, intervals and notes."""
    height = 34
    parts = [f'<svg viewBox="0 0 {WIDTH} {height * len(rows) + 4}" role="img" aria-label="bars">']
    wide = WIDTH - 110
    for number, (name, value, (low, high), words) in enumerate(rows):
        top = number * height
        parts.append(f'<text x="0" y="{top + 13}">{escape(name)}</text>')
        parts.append(f'<rect class="rail" x="0" y="{top + 18}" width="{wide}" height="9" rx="2"/>')
        parts.append(f'<rect x="0" y="{top + 18}" width="{value * wide:.1f}" height="9" rx="2" fill="{COLOURS[1]}"/>')
        span = f'x1="{low * wide:.1f}" x2="{high * wide:.1f}" y1="{top + 22.5}" y2="{top + 22.5}"'
        parts.append(f'<line {span} stroke="currentColor"/>')
        parts.append(f'<text x="{wide + 8}" y="{top + 27}">{escape(words)}</text>')
    return f"<figure>{''.join(parts)}</svg></figure>"
