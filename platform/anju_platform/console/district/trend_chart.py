"""Draws an indicator by week or month, with its target; a time in which nothing was measured is a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from markupsafe import Markup

from anju_platform.console.district.presenter import describe_point, format_value
from anju_platform.i18n.translation import Words
from anju_platform.read_models.district.service import Kpi, TrendPoint

WIDTH, HEIGHT = 340, 150
LEFT, RIGHT, TOP, FOOT = 8, 8, 22, 26
"""Room around the drawing, px."""
_ROOM = 1.15
"""Top of the scale over the highest value of a count."""


def draw_trend(kpi: Kpi, trend: Sequence[TrendPoint], words: Words, zone: ZoneInfo) -> Markup:
    """Return the chart; its label tells the figures of the table beside it."""
    values = [point.values[kpi.id].value for point in trend]
    top = _top(kpi, values)
    xs = [_x(at, len(values)) for at in range(len(values))]
    ys = [None if value is None else _y(value, top) for value in values]
    parts = [*_frame(kpi, top, words), *_line(xs, ys), *_names(trend, words, zone)]
    parts += _last(kpi, values, words)
    return Markup('<svg class="drawing trend" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        _described(kpi, trend, words, zone), WIDTH, HEIGHT, Markup("").join(parts)
    )


def _top(kpi: Kpi, values: Sequence[float | None]) -> float:
    if kpi.unit == "share" and kpi.higher_is_better:
        return 1.0
    return max([kpi.target, *(value for value in values if value is not None)]) * _ROOM


def _x(at: int, count: int) -> float:
    inner = WIDTH - LEFT - RIGHT - 24
    return LEFT + 12 + inner * (at / (count - 1) if count > 1 else 1.0)


def _y(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - FOOT)


def _frame(kpi: Kpi, top: float, words: Words) -> Iterable[Markup]:
    foot, target = HEIGHT - FOOT, _y(kpi.target, top)
    yield Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(LEFT, WIDTH - RIGHT, foot)
    yield Markup('<line class="target" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>').format(
        LEFT, WIDTH - RIGHT, target
    )
    sign = "≥" if kpi.higher_is_better else "≤"
    said = words("目标 %(t)s", t=f"{sign} {format_value(kpi.target, kpi.unit, words)}")
    yield _text(LEFT, 13, said, "start")


def _line(xs: Sequence[float], ys: Sequence[float | None]) -> Iterable[Markup]:
    for (x, y), (right, after) in pairwise(zip(xs, ys, strict=True)):
        if y is not None and after is not None:
            yield Markup('<line class="value" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
                x, y, right, after
            )
    for x, y in zip(xs, ys, strict=True):
        if y is not None:
            yield Markup('<circle class="value" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(x, y)


def _names(trend: Sequence[TrendPoint], words: Words, zone: ZoneInfo) -> Iterable[Markup]:
    """Yield the first day of the first point and of the last one."""
    ends = {0: "start", len(trend) - 1: "end"} if trend else {}
    for at, anchor in ends.items():
        x = LEFT if anchor == "start" else WIDTH - RIGHT
        yield _text(x, HEIGHT - 6, describe_point(trend[at], words, zone), anchor)


def _last(kpi: Kpi, values: Sequence[float | None], words: Words) -> Iterable[Markup]:
    """Yield the figure of the last point that was measured, in the corner over it."""
    measured = next((value for value in reversed(values) if value is not None), None)
    yield _text(WIDTH - RIGHT, 13, format_value(measured, kpi.unit, words), "end")


def _text(x: float, y: float, said: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, said)


def _described(kpi: Kpi, trend: Sequence[TrendPoint], words: Words, zone: ZoneInfo) -> str:
    said = [
        words(
            "%(when)s：%(value)s",
            when=describe_point(point, words, zone),
            value=format_value(point.values[kpi.id].value, kpi.unit, words),
        )
        for point in trend
    ]
    return words("%(when)s：%(value)s", when=words(kpi.name), value=words("；").join(said))
