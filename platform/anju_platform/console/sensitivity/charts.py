"""Draws the delay of alerts against the false alerts that a community accepts.

The figures are those of `anju_detect.inactivity.MEASURED_OUTCOMES`, and the axes end where they do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup

from anju_detect.inactivity import MEASURED_OUTCOMES, MeasuredOutcome
from anju_platform.i18n.translation import Words
from anju_platform.read_models.sensitivity.overview import Forecast

WIDTH, HEIGHT = 340, 236
LEFT, RIGHT, TOP, FOOT, INSET = 26, 14, 30, 40, 14
"""Room around the drawing, and left of the first figure, px."""
KEY = 84
"""Width of a line's sample and name, px."""
MOST_H = 20.0
"""Top of the scale; the latest that was measured is just below."""
_TICKS = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
_HOURS = (0, 4, 8, 12, 16, 20)


def draw_curve(now: Forecast, wanted: Forecast, words: Words) -> Markup:
    """Return the chart with the present choice, and the wanted one where it differs; its label says the same."""
    parts = [*_grid(words), *_lines(words)]
    if wanted.false_alerts != now.false_alerts:
        parts += _mark(wanted, words("改为"), "chosen")
    parts += _mark(now, words("现在"), "present")
    return Markup(
        '<svg class="drawing sensitivity-curve" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>'
    ).format(_described(words), WIDTH, HEIGHT, Markup("").join(parts))


def _x(rate: float) -> float:
    low, high = math.log(MEASURED_OUTCOMES[0].target), math.log(MEASURED_OUTCOMES[-1].target)
    return LEFT + INSET + (math.log(rate) - low) / (high - low) * (WIDTH - LEFT - INSET - RIGHT)


def _y(hours: float) -> float:
    return TOP + (1 - hours / MOST_H) * (HEIGHT - TOP - FOOT)


def _grid(words: Words) -> Iterable[Markup]:
    for hour in _HOURS:
        yield Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>').format(
            LEFT, WIDTH - RIGHT, _y(hour)
        )
        yield _text(LEFT - 6, _y(hour) + 4, str(hour), "end")
    for rate in _TICKS:
        yield _text(_x(rate), HEIGHT - FOOT + 18, f"{rate:g}", "middle")
    yield _text(0, 14, words("多少小时后报警"), "start")
    yield _text(WIDTH - RIGHT, HEIGHT - 4, words("每户每月几次虚惊"), "end")


def _lines(words: Words) -> Iterable[Markup]:
    named: tuple[tuple[str, Callable[[MeasuredOutcome], float], str, float], ...] = (
        ("night", lambda one: one.night_h, words("夜里"), WIDTH - RIGHT),
        ("mean", lambda one: one.delay_h, words("平均"), WIDTH - RIGHT - KEY),
    )
    for look, hours, name, end in named:
        points = " ".join(f"{_x(one.target):.1f},{_y(hours(one)):.1f}" for one in MEASURED_OUTCOMES)
        yield Markup('<polyline class="{}" points="{}"/>').format(look, points)
        yield Markup('<polyline class="{0}" points="{1},{3} {2},{3}"/>').format(
            look, end - KEY + 12, end - KEY + 32, 10
        )
        yield _text(end - KEY + 36, 14, name, "start")


def _mark(one: Forecast, name: str, look: str) -> Iterable[Markup]:
    """Yield a dot on the mean line with its drop line and its name: the present above the line, the wanted below."""
    if one.delay_h is None:
        return
    x, y = _x(one.false_alerts), _y(one.delay_h)
    yield Markup('<line class="drop {0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{3}"/>').format(
        look, x, y, HEIGHT - FOOT
    )
    yield Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="6"/>').format(look, x, y)
    above = look == "present" or x < LEFT + INSET + 30
    left = x > WIDTH - RIGHT - 30 if above else True
    yield Markup('<text class="name" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x - 8 if left else x + 8, y - 8 if above else y + 17, "end" if left else "start", name
    )


def _text(x: float, y: float, said: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, said)


def _described(words: Words) -> str:
    said = [
        words("%(n)s 次：平均 %(h)s 小时，夜里 %(night)s 小时", n=f"{one.target:g}", h=one.delay_h, night=one.night_h)
        for one in MEASURED_OUTCOMES
    ]
    return words("每户每月允许的虚惊越少，报警越晚。") + words("；").join(said)
