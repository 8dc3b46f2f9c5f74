"""Draws the days of a home: nights, and bars for counts; each panel says the same in words.

Drawn on the server as SVG with positions in per cent, so that letters keep their size on a phone.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import MEASURE_NAMES
from anju_platform.i18n.reasons import describe_measure
from anju_platform.i18n.translation import N_, Words
from anju_platform.routine.records import DayView, RoutineView

EVENING_H, NOON_H = -6.0, 12.0
"""First and last hour of a drawn night, from the midnight between: the evening before to noon."""
NIGHT, BARS, FOOT, HEAD = 132, 64, 22, 16
"""Heights, px; above the bars stays room for their numbers."""
SHARE = 0.64
"""Share of a day's width that is drawn."""
MOST_NUMBERS = 10
"""Most days with numbers on the bars; with more, only the table has them."""
EDGE = 7.0
"""Half a date's width on a phone, per cent."""
_HOURS = (-2, 2, 6, 10)
_BARS = (
    ("night_bathroom", N_("夜间如厕（次）"), 4.0),
    ("out_h", N_("外出（小时）"), 3.0),
    ("active_h", N_("有活动的时间（小时）"), 4.0),
)
"""Measures, their names, and the least top of the scale."""
_TABLE = ("sleep_h", "wake_h", "night_bathroom", "night_active_min", "out_h", "active_h", "day_rest_h")
Parts = Iterable[Markup]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart with its name."""

    name: str
    drawn: Markup


@dataclass(frozen=True, slots=True)
class RoutineCharts:
    """The charts and the table of a home's routine."""

    panels: Sequence[Panel]
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """Each day with its numbers, the newest first."""


def draw_routine(view: RoutineView, words: Words) -> RoutineCharts | None:
    """Return charts and table; None where nothing is known of any of the days."""
    known = {day.day: day for day in view.days if day.known}
    if not known:
        return None
    count = (view.until - view.since).days + 1
    days = [known.get(view.since + timedelta(days=number)) for number in range(count)]
    panels = [Panel(words("睡眠"), _nights(view, days, words))]
    panels += [Panel(words(name), _bars(view, days, measure, least, words)) for measure, name, least in _BARS]
    names = [words(MEASURE_NAMES[name]) for name in _TABLE]
    rows = [
        (
            time_format.day(words, view.since + timedelta(days=number)),
            [_told(name, days[number], words) for name in _TABLE],
        )
        for number in reversed(range(count))
    ]
    return RoutineCharts(panels, names, rows)


def _nights(view: RoutineView, days: Sequence[DayView | None], words: Words) -> Markup:
    def y(hour: float) -> float:
        return (min(max(hour, EVENING_H), NOON_H) - EVENING_H) / (NOON_H - EVENING_H) * NIGHT

    def night(place: _Place, day: DayView) -> Iterator[Markup]:
        if day.sleep_h is None or day.wake_h is None:
            yield place.unknown(NIGHT)
        else:
            yield place.box("life", y(day.sleep_h), max(y(day.wake_h) - y(day.sleep_h), 2.0))

    scale = [(y(hour), f"{hour % 24:02d}:00") for hour in _HOURS]
    described = " ".join(_describe(name, days, words) for name in ("sleep_h", "wake_h"))
    return _drawn(NIGHT, described, scale, _each(days, NIGHT, night), _dates(view, NIGHT))


def _bars(view: RoutineView, days: Sequence[DayView | None], name: str, least: float, words: Words) -> Markup:
    most = max([least, *(value for day in days if (value := _value(day, name)) is not None)])

    def bar(place: _Place, day: DayView) -> Iterator[Markup]:
        value = _value(day, name)
        if value is None:
            yield place.unknown(BARS)
            return
        height = value / most * (BARS - HEAD)
        yield place.box("life", BARS - height, height)
        if len(days) <= MOST_NUMBERS:
            yield place.text(f"{round(value, 1):g}", BARS - height - 4)

    scale = [(BARS, "0"), (HEAD, f"{round(most, 1):g}")]
    return _drawn(BARS, _describe(name, days, words), scale, _each(days, BARS, bar), _dates(view, BARS))


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a day, per cent of the width."""

    number: int
    count: int

    @property
    def middle(self) -> float:
        return (self.number + 0.5) / self.count * 100

    def box(self, look: str, top: float, height: float) -> Markup:
        width = SHARE / self.count * 100
        return Markup('<rect class="{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}" rx="2"/>').format(
            look, self.middle - width / 2, top, width, height
        )

    def unknown(self, height: float) -> Markup:
        return self.box("dark", 0.0, height)

    def text(self, said: str, y: float) -> Markup:
        return Markup('<text x="{:.2f}%" y="{:.1f}" text-anchor="middle">{}</text>').format(self.middle, y, said)


def _each(days: Sequence[DayView | None], height: float, draw: Callable[[_Place, DayView], Iterator[Markup]]) -> Parts:
    for number, day in enumerate(days):
        place = _Place(number, len(days))
        if day is None:
            yield place.unknown(height)
        else:
            yield from draw(place, day)


def _drawn(height: int, described: str, scale: Sequence[tuple[float, str]], *parts: Parts) -> Markup:
    """A scale of fixed width, and beside it the days over its lines."""
    said = [Markup('<text x="100%" y="{:.1f}" text-anchor="end">{}</text>').format(y + 4, text) for y, text in scale]
    lines = [Markup('<line class="grid" x1="0" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/>').format(y) for y, _ in scale]
    inside = Markup("").join(part for some in (lines, *parts) for part in some)
    return Markup(
        '<svg class="drawing" aria-hidden="true" width="100%" height="{0}">{1}</svg>'
        '<svg class="drawing" role="img" aria-label="{2}" width="100%" height="{0}">{3}</svg>'
    ).format(height + FOOT, Markup("").join(said), described, inside)


def _dates(view: RoutineView, height: int) -> Parts:
    """Every day of a week, by its number where the month is clear; of a month the last day and those a week apart."""
    count = (view.until - view.since).days + 1
    step = 1 if count <= MOST_NUMBERS else 7
    for number in range(count - 1, -1, -step):
        day = view.since + timedelta(days=number)
        whole = number == 0 or day.day == 1 or step > 1
        middle = _Place(number, count).middle
        x, anchor = (middle, "middle") if step == 1 or EDGE <= middle <= 100 - EDGE else _at_edge(middle)
        yield Markup('<text x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
            x,
            height + 16,
            anchor,
            f"{day.month}/{day.day}" if whole else day.day,
        )


def _at_edge(middle: float) -> tuple[float, str]:
    """Where a date stands whole that would be cut off on a phone if it stood in the middle of its day."""
    return (0.0, "start") if middle < EDGE else (100.0, "end")


def _describe(name: str, days: Sequence[DayView | None], words: Words) -> str:
    """Return a measure of these days in words."""
    values = [value for day in days if (value := _value(day, name)) is not None]
    title = words(MEASURE_NAMES[name])
    if not values:
        return words("%(name)s：这些天都不知道。", name=title)
    usual, low, high = (
        describe_measure(name, one, words) for one in (statistics.median(values), min(values), max(values))
    )
    said = words("%(name)s：通常 %(usual)s，从 %(low)s 到 %(high)s。", name=title, usual=usual, low=low, high=high)
    unknown = len(days) - len(values)
    return said + (" " + words.counted("%(n)s 天不知道。", unknown) if unknown else "")


def _value(day: DayView | None, name: str) -> float | None:
    value: float | None = None if day is None else getattr(day, name)
    return value


def _told(name: str, day: DayView | None, words: Words) -> str:
    value = _value(day, name)
    return words("不知道") if value is None else describe_measure(name, value, words)
