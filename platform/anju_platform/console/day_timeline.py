"""Builds the rows of an activity timeline from readings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from anju_platform.console.activity_timeline import TimelineRow, TimeSpan
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import Words
from anju_wire.profiles import LIFE_QUANTITIES, QUANTITIES, Quantity
from anju_wire.vocabulary import Room

BLINK = timedelta(minutes=2)
"""Drawn length of a single sign of life."""
JOIN = timedelta(minutes=5)
"""Signs of life that are nearer than this are drawn as one."""
LONGEST = timedelta(minutes=30)
"""Longest drawn movement: sensors may fail to report its end."""
USUAL_SHARE = 0.5
"""Share of days on which a room must show activity within half an hour of a half hour for that to be usual."""
LEAST_DAYS = 3
_SLOT = timedelta(minutes=30)
_SLOTS = 48


class Sign(Protocol):
    """The part of a reading that is drawn."""

    @property
    def at_s(self) -> float:
        """Event time, Unix s."""

    @property
    def room(self) -> str:
        """A `Room` value."""

    @property
    def device(self) -> str:
        """The device's id within the home."""

    @property
    def quantity(self) -> str:
        """A `Quantity` value."""

    @property
    def value(self) -> float | None:
        """The number; a truth value is 1 or 0."""


def find_activity(signs: Iterable[Sign]) -> dict[str, list[TimeSpan]]:
    """Return when somebody was noticed, by room; `signs` in order of time."""
    seen: dict[str, list[TimeSpan]] = defaultdict(list)
    begun: dict[str, datetime] = {}
    for sign in signs:
        row = QUANTITIES.get(Quantity(sign.quantity)) if sign.quantity in LIFE_QUANTITIES else None
        if row is None:
            continue
        at = datetime.fromtimestamp(sign.at_s, UTC)
        if row.lasts and not sign.value:
            start = begun.pop(sign.device, None)
            if start is not None:
                _join(seen[sign.room], TimeSpan(start, min(at, start + LONGEST)))
        elif row.lasts:
            begun.setdefault(sign.device, at)
        if row.shows_life(sign.value):
            _join(seen[sign.room], TimeSpan(at, at + BLINK))
    return seen


def build_rows(
    signs: Sequence[Sign],
    start: datetime,
    end: datetime,
    words: Words,
    usual: Mapping[str, Sequence[TimeSpan]] | None = None,
) -> list[TimelineRow]:
    """Return the rows of a timeline from `start` to `end`: every room with activity, in the order of the vocabulary."""
    seen = find_activity(signs)
    shaded = usual or {}
    rooms = [room.value for room in Room if room.value in seen or room.value in shaded]
    return [
        TimelineRow(
            display_name(words, "room", room),
            _within(seen.get(room, ()), start, end),
            _within(shaded.get(room, ()), start, end),
        )
        for room in rooms
    ]


def find_usual_hours(
    signs: Sequence[Sign], before: datetime, start: datetime, end: datetime, zone: ZoneInfo
) -> dict[str, list[TimeSpan]]:
    """Return when each room usually shows activity, from the days before `before`, laid on `start` to `end`."""
    days: dict[tuple[str, int], set[object]] = defaultdict(set)
    every: set[object] = set()
    for room, marks in find_activity(sign for sign in signs if sign.at_s < before.timestamp()).items():
        for mark in marks:
            for at in _slots(mark):
                local = at.astimezone(zone)
                every.add(local.date())
                slot = local.hour * 2 + local.minute // 30
                for near in (slot - 1, slot, slot + 1):
                    days[room, near % _SLOTS].add(local.date())
    if len(every) < LEAST_DAYS:
        return {}
    found: dict[str, list[TimeSpan]] = defaultdict(list)
    for day in _days(start, end, zone):
        for slot in range(_SLOTS):
            at = day + slot * _SLOT
            for room in {room for room, number in days if number == slot}:
                if len(days[room, slot]) >= USUAL_SHARE * len(every):
                    _join(found[room], TimeSpan(at, at + _SLOT))
    return found


def _join(marks: list[TimeSpan], new: TimeSpan) -> None:
    if marks and new.start - marks[-1].end <= JOIN:
        marks[-1] = TimeSpan(marks[-1].start, max(marks[-1].end, new.end))
    else:
        marks.append(new)


def _within(marks: Iterable[TimeSpan], start: datetime, end: datetime) -> list[TimeSpan]:
    return [TimeSpan(max(one.start, start), min(one.end, end)) for one in marks if one.end > start and one.start < end]


def _slots(mark: TimeSpan) -> Iterable[datetime]:
    at = mark.start
    while at < mark.end:
        yield at
        at += _SLOT


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterable[datetime]:
    day = time_format.midnight(start, zone)
    while day < end:
        yield day
        day = time_format.day_after(day)
