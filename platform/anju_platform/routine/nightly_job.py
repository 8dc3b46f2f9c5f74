"""The nightly pass: two hours after midnight the day that is over is read from the series, measured and kept.

A pass is done in small pieces, so that a district's readings are read over minutes and nobody waits for them. Its
end is the snapshot of the detector: until that is written, a pass that was cut short is done again from the last one,
and what it kept already is not kept twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import structlog

from anju_core.scope import WHOLE_DISTRICT
from anju_detect.errors import SnapshotRefused
from anju_detect.routine import Digest, RoutineChange, RoutineDetector, RoutineParameters
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.roster import DeviceRoster
from anju_platform.monitoring.activity_reader import ActivityReader
from anju_platform.monitoring.detector_snapshots import SnapshotStore
from anju_platform.residents.directory import list_absences_since, list_places
from anju_platform.residents.records import HomePlace
from anju_platform.routine.models import RoutineDay, RoutineNote
from anju_platform.routine.repository import RoutineRepository
from anju_platform.timeseries.store import SeriesStore, SeriesUnavailable
from anju_wire.clock import Clock

NAME = "routine"
"""Name of the detector's snapshot."""
DAY_S = 86400.0
CLOSE_S = 7200.0
PARAMETERS = RoutineParameters(close_after_s=CLOSE_S, ahead_s=7 * DAY_S)
HISTORY_S = 64 * DAY_S
"""How far back the first pass reads, s."""
OVERLAP_S = 8 * 3600.0
"""Overlap of passes, s: readings from so long before the last pass are read again, since some came late."""
PIECE_READINGS, READINGS_A_DAY = 50_000, 300
"""Readings that are read at once, and thinned readings of a home in a day; both about."""
SHORTEST_PIECE_S = 1800.0
BUDGET_S = 0.2
"""Time budget of one step, s of the machine's clock."""
DAYS_AT_ONCE = 200
"""Digests that are stored in one transaction, so that others can write between."""
NEWS_DAYS = 3
"""Age in days from which a change is no longer reported (found in the first pass, or after a long outage)."""
KEPT = timedelta(days=92)
_LEAST_RATE, _MOST_RATE = 0.01, 5.0
"""What the detector accepts, per home and month."""
_EPOCH = date(1970, 1, 1).toordinal()
log = structlog.get_logger("anju.routine")


class NightlyJob:
    """Runs the nightly passes in steps; used by one thread."""

    def __init__(self, work: WorkFactory, clock: Clock, series: SeriesStore) -> None:
        self._work, self._clock, self._series = work, clock, series
        self._detector: RoutineDetector | None = None
        self._until_s = -math.inf
        self._next_s = -math.inf
        self._pass: Iterator[None] | None = None

    def begin_anew(self) -> None:
        """Forget what was read and when: another process may have run passes meanwhile. Not while `step` runs."""
        self._give_up()
        self._next_s = -math.inf

    def step(self, now: datetime) -> bool:
        """Run a part of the pass that is due and tell whether more is to do. After an error the pass begins anew."""
        now_s = now.timestamp()
        if self._pass is None:
            if now_s < self._next_s <= now_s + 2 * DAY_S:  # further away it was set by a clock that was ahead
                return False
            self._pass = self._run(now_s)
        began = time.monotonic()
        try:
            for _ in self._pass:
                if time.monotonic() - began >= BUDGET_S:
                    return True
        except SeriesUnavailable as error:
            self._give_up()
            log.warning("series_not_readable", error=str(error))
            return False
        except BaseException:
            self._give_up()
            raise
        self._pass = None
        return False

    def _give_up(self) -> None:
        """Drop the detector, whose state may not be stored: the next pass begins with the snapshot."""
        self._pass = self._detector = None

    def _run(self, now_s: float) -> Iterator[None]:
        with self._work() as work:
            work.only_read()
            places = list_places(work, WHOLE_DISTRICT)
            offsets = {place.home_id: place.utc_offset_s(work.clock.now()) for place in places}
            detector = self._detector or self._recall(work)
        self._detector = detector
        if self._until_s < max((_closed_s(offset_s, now_s) for offset_s in offsets.values()), default=-math.inf):
            rows = {place.home_id: _add(detector, place, offsets[place.home_id]) for place in places}
            yield from self._read(detector, rows, now_s)
            changes: list[RoutineChange] = []
            for found in detector.close_days_in_steps(now_s):
                changes += found
                yield
            yield from self._keep(detector, list(rows), changes, now_s)
        self._next_s = min((_closed_s(offset_s, now_s) for offset_s in offsets.values()), default=now_s - DAY_S) + DAY_S

    def _recall(self, work: UnitOfWork) -> RoutineDetector:
        snapshot = SnapshotStore(work.session).find_snapshot(NAME)
        self._until_s = -math.inf
        if snapshot is None:
            return RoutineDetector(PARAMETERS)
        try:
            detector = RoutineDetector.from_snapshot(snapshot.state, PARAMETERS)
        except SnapshotRefused as error:
            log.warning("snapshot_refused", error=str(error))
            return RoutineDetector(PARAMETERS)
        self._until_s = snapshot.at_s
        return detector

    def _read(self, detector: RoutineDetector, rows: dict[str, int], now_s: float) -> Iterator[None]:
        from_s = max(self._until_s - OVERLAP_S, now_s - HISTORY_S)
        self._tell_absences(detector, rows, from_s)
        lives = ActivityReader(DeviceRoster(self._work), rows)
        piece_s = _piece_s(len(rows))
        from_s = from_s // SHORTEST_PIECE_S * SHORTEST_PIECE_S
        while from_s < now_s:
            until_s = min(from_s + piece_s, now_s)
            for batch in lives.read_thinned(self._series, from_s, until_s):
                detector.process_batch(batch)
                yield
            from_s = until_s
            yield
        # Days are closed with what was told until now: told absences of a home replace each other.
        self._tell_absences(detector, rows, now_s - 2 * DAY_S)

    def _tell_absences(self, detector: RoutineDetector, rows: dict[str, int], since_s: float) -> None:
        with self._work() as work:
            work.only_read()
            since = datetime.fromtimestamp(since_s, UTC)
            absences = list_absences_since(work, since)
        for absence in absences:
            if absence.home_id in rows and absence.end > max(absence.start, since):
                detector.set_outage(absence.home_id, absence.start.timestamp(), absence.end.timestamp())

    def _keep(
        self, detector: RoutineDetector, homes: Sequence[str], changes: Iterable[RoutineChange], now_s: float
    ) -> Iterator[None]:
        with self._work() as work:
            work.only_read()
            last = RoutineRepository(work).find_last_days()
        before = self._clock.now().date() - KEPT
        for some in _pieces(detector, homes, last):
            with self._work() as work:
                RoutineRepository(work).insert_days(some, before)
            yield
        known = set(homes)
        # Packing takes a second for ten thousand homes: not while a transaction keeps other writers waiting.
        state = detector.dump_snapshot()
        yield
        with self._work() as work:
            repository = RoutineRepository(work)
            repository.insert_notes(
                [_note(work, one) for one in changes if one.home in known and one.at_s > now_s - NEWS_DAYS * DAY_S]
            )
            SnapshotStore(work.session).save_snapshot(NAME, datetime.fromtimestamp(now_s, UTC), state)
        self._until_s = now_s


def _pieces(
    detector: RoutineDetector, homes: Sequence[str], last: Mapping[str, date]
) -> Iterator[Sequence[RoutineDay]]:
    """Yield the digests that are not stored yet, of some homes at a time."""
    some: list[RoutineDay] = []
    for home in homes:
        some += _fresh(detector, home, last.get(home))
        if len(some) >= DAYS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _closed_s(utc_offset_s: float, now_s: float) -> float:
    """Return when the last day of a home with this offset was closed, Unix s."""
    local_s = now_s + utc_offset_s - CLOSE_S
    return local_s // DAY_S * DAY_S + CLOSE_S - utc_offset_s


def _piece_s(homes: int) -> float:
    """Return the length of time that is read at once for so many homes, s."""
    wanted_s = min(max(PIECE_READINGS / (READINGS_A_DAY * max(homes, 1)) * DAY_S, SHORTEST_PIECE_S), DAY_S)
    return wanted_s // SHORTEST_PIECE_S * SHORTEST_PIECE_S


def _add(detector: RoutineDetector, place: HomePlace, utc_offset_s: float) -> int:
    rate = min(max(place.routine_changes_per_month, _LEAST_RATE), _MOST_RATE)
    return detector.add_home(place.home_id, utc_offset_s=utc_offset_s, false_alerts_per_month=rate)


def _fresh(detector: RoutineDetector, home: str, kept: date | None) -> list[RoutineDay]:
    """Return the digests of closed days that are not stored yet; a home's first is of a day with something known."""
    last = detector.last_closed_day(home)
    if last is None:
        return []
    first = last - int(HISTORY_S / DAY_S) + 1
    first = first if kept is None else max(first, kept.toordinal() - _EPOCH + 1)
    digests = [detector.digest_day(home, day) for day in range(first, last + 1)]
    if kept is None:
        begins = next((number for number, one in enumerate(digests) if one.known), len(digests))
        digests = digests[begins:]
    return [_day(one) for one in digests]


def _day(one: Digest) -> RoutineDay:
    return RoutineDay(
        home_id=one.home,
        day=_date(one.day),
        known=one.known,
        sleep_h=_known(one.sleep_h),
        wake_h=_known(one.wake_h),
        night_bathroom=_known(one.night_bathroom),
        night_active_min=_known(one.night_active_min),
        out_h=_known(one.out_h),
        rooms=list(one.rooms),
        active_h=_known(one.active_h),
        day_rest_h=_known(one.day_rest_h),
    )


def _note(work: UnitOfWork, one: RoutineChange) -> RoutineNote:
    note = RoutineNote(id=work.new_id(), home_id=one.home, day=_date(one.day), measure=one.measure, kind=one.kind)
    note.recent, note.usual, note.p = one.recent, one.usual, one.p
    note.reason_code, note.reason_facts = one.reason.code, dict(one.reason.facts)
    note.at = datetime.fromtimestamp(one.at_s, UTC)
    return note


def _date(day: int) -> date:
    return date.fromordinal(_EPOCH + day)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
