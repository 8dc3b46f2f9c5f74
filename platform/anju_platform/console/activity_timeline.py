"""Draws the activity of a home over time: rooms as rows, usual hours shaded, a gap or an impact marked.

Drawn on the server as SVG with positions in per cent, so that letters and lines keep their size on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from anju_platform.i18n import time_format
from anju_platform.i18n.translation import Words

ROW = 30
"""Height of a room's row, px."""
FOOT = 24
"""Height of the hours below, px."""
LEAST = 0.35
"""Width of the shortest mark, per cent: about five minutes of a day, visible on a phone."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From `start` to `end`, aware times."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One room: when activity was seen there, and when it usually is."""

    room: str
    """The room's name in the reader's language."""
    seen: Sequence[TimeSpan]
    usual: Sequence[TimeSpan] = ()


@dataclass(frozen=True, slots=True)
class ActivityTimeline:
    """A timeline to draw."""

    start: datetime
    end: datetime
    rows: Sequence[TimelineRow]
    now: datetime
    zone: ZoneInfo
    """Of the home's clocks."""
    gap: TimeSpan | None = None
    """The inactivity that is the reason for an alert."""
    impact: datetime | None = None
    """The moment of a press or a fall."""
    dark: Sequence[TimeSpan] = field(default=())
    """When no data was received from the home."""


def draw(strip: ActivityTimeline, words: Words) -> Markup:
    """Return the timeline as an HTML figure; its text alternative says the same in words."""
    height = ROW * len(strip.rows)
    parts = [
        *_dark(strip, height),
        *(part for number, row in enumerate(strip.rows) for part in _row(strip, row, number)),
        *_hours(strip, height),
        *_marks(strip, words, height),
    ]
    labels = Markup("").join(Markup("<li>{}</li>").format(row.room) for row in strip.rows)
    return Markup(
        '<figure class="strip"><ul class="strip-rooms" aria-hidden="true">{}</ul>'
        '<svg class="drawing" role="img" aria-label="{}" width="100%" height="{}">{}</svg></figure>'
    ).format(labels, describe(strip, words), height + FOOT, Markup("").join(parts))


def describe(strip: ActivityTimeline, words: Words) -> str:
    """Return the timeline in words."""
    seen = [(row, [one for one in row.seen if one.end > strip.start]) for row in strip.rows]
    rooms = [words.counted("%(room)s %(n)s 次", len(marks), room=row.room) for row, marks in seen if marks]
    told = [words("看到的活动：%(rooms)s。", rooms=words("、").join(rooms)) if rooms else words("没有看到活动。")]
    last = max(((one.end, row.room) for row, marks in seen for one in marks), default=None)
    if last:
        when = time_format.moment(words, strip.now, last[0], strip.zone)
        told.append(words("最后一次：%(when)s，%(room)s。", when=when, room=last[1]))
    if strip.gap:
        length = time_format.span(words, (strip.gap.end - strip.gap.start).total_seconds())
        told.append(words("之后 %(span)s 没有活动。", span=length))
    if strip.impact:
        told.append(words("报警时刻：%(when)s。", when=time_format.moment(words, strip.now, strip.impact, strip.zone)))
    return "".join(told)


def _share(strip: ActivityTimeline, at: datetime) -> float:
    """Return the position of a time, per cent of the width, from 0 to 100."""
    share = (at - strip.start) / (strip.end - strip.start) * 100
    return min(100.0, max(0.0, share))


def _box(strip: ActivityTimeline, one: TimeSpan, top: float, height: float, look: str) -> Markup | None:
    left, right = _share(strip, one.start), _share(strip, one.end)
    if right <= left and not strip.start <= one.start <= strip.end:
        return None
    width = max(right - left, LEAST)
    return Markup('<rect class="{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}"/>').format(
        look, min(left, 100 - LEAST), top, width, height
    )


def _row(strip: ActivityTimeline, row: TimelineRow, number: int) -> Iterator[Markup]:
    top = number * ROW
    for one in row.usual:
        if box := _box(strip, one, top + 3, ROW - 6, "usual"):
            yield box
    for one in row.seen:
        if box := _box(strip, one, top + 8, ROW - 16, "life"):
            yield box
    yield Markup('<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(top + ROW)


def _dark(strip: ActivityTimeline, height: int) -> Iterator[Markup]:
    for one in strip.dark:
        if box := _box(strip, one, 0, height, "dark"):
            yield box


def _hours(strip: ActivityTimeline, height: int) -> Iterator[Markup]:
    length = strip.end - strip.start
    step = timedelta(hours=6) if length <= timedelta(days=2) else timedelta(days=max(1, length.days // 7))
    at = time_format.midnight(strip.start, strip.zone)
    while at <= strip.end:
        if at >= strip.start:
            yield _tick(strip, at, height, f"{at:%H:%M}" if step < timedelta(days=1) else f"{at.month}/{at.day}")
        at += step


def _tick(strip: ActivityTimeline, at: datetime, height: int, label: str) -> Markup:
    share = _share(strip, at)
    anchor = "start" if share < 4 else "end" if share > 96 else "middle"  # noqa: PLR2004 - near an edge the word turns inwards
    return Markup(
        '<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>'
        '<text x="{0:.2f}%" y="{2}" text-anchor="{3}">{4}</text>'
    ).format(share, height + 4, height + 18, anchor, label)


def _marks(strip: ActivityTimeline, words: Words, height: int) -> Iterator[Markup]:
    if strip.gap:
        yield from _gap(strip, strip.gap, words, height)
    if strip.start <= strip.now <= strip.end:
        share = _share(strip, strip.now)
        yield Markup('<line class="now" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>').format(share, height)
    if strip.impact and strip.start <= strip.impact <= strip.end:
        share = _share(strip, strip.impact)
        yield Markup(
            '<line class="gap-edge" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>'
            '<svg x="{0:.2f}%" y="0" overflow="visible"><path class="impact" d="M-9 0h18L0 14z"/></svg>'
        ).format(share, height)


def _gap(strip: ActivityTimeline, gap: TimeSpan, words: Words, height: int) -> Iterator[Markup]:
    if box := _box(strip, gap, 0, height, "gap"):
        yield box
    left, right = _share(strip, gap.start), _share(strip, gap.end)
    yield Markup('<line class="gap-edge" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>').format(left, height)
    word = time_format.span(words, (gap.end - gap.start).total_seconds())
    middle = (left + right) / 2
    anchor = "start" if middle < 12 else "end" if middle > 88 else "middle"  # noqa: PLR2004 - near an edge the word turns inwards
    at = {"start": left, "end": right, "middle": middle}[anchor]
    yield Markup('<text class="gap-word" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
        at, height / 2 + 4, anchor, escape(word)
    )
