"""The routine detector: digests of closed days, and changes against the person's own past weeks."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import BatchRefused, ParameterOutOfRange
from anju_detect.inactivity import LifeBatch
from anju_detect.local_time import UTC_OFFSET_S, check_utc_offset
from anju_detect.routine import change, days
from anju_detect.routine.measures import MEASURES, decode_rooms, measure_days
from anju_detect.routine.parameters import RoutineParameters
from anju_detect.routine.reasons import routine_change
from anju_detect.routine.signals import GRADUAL, SUDDEN, Digest, RoutineChange, Standing
from anju_detect.routine.state import KEPT_DAYS, NO_DAY, PAST_DAYS, RoutineState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 256
FEW_DRAWS, FAR = 99, 0.12
"""Number of draws of a first, cheap test, and how far above the target level its p-value dismisses a change: 12 more of
99 months than the level allows are six standard deviations.
"""
LEAST_SCALE = np.array([measure.least_scale for measure in MEASURES])
LEAST_CHANGE = np.array([measure.least_change for measure in MEASURES])
RECENT_DAYS = {SUDDEN: 2, GRADUAL: 7}
KINDS = (SUDDEN, GRADUAL)


@dataclass(frozen=True, slots=True)
class _Found:
    """A change that was found: indices in `KINDS` and `MEASURES`, its p-value, recent and usual value."""

    kind: int
    measure: int
    p: float
    recent: float
    usual: float


class RoutineDetector:
    """Watches the daily routine of any number of homes; time comes in through arguments only.

    Signs of life are stored as slots of five minutes, so that repeats and order do not matter. `close_days` ends each
    local day that is over; a day of which too much could not be seen is unknown, not quiet. Nothing clinical is
    claimed.

    Parameters
    ----------
    parameters
        Settings; the defaults if None.
    capacity
        Homes to allocate for; grows by itself.

    """

    def __init__(self, parameters: RoutineParameters | None = None, *, capacity: int = 64) -> None:
        if capacity < 1:
            raise ParameterOutOfRange("capacity", capacity, "at least 1")
        self._p = parameters or RoutineParameters()
        self._s = RoutineState(capacity)
        self._closed_s = -math.inf

    def add_home(
        self, home: str, *, utc_offset_s: float = UTC_OFFSET_S, false_alerts_per_month: float | None = None
    ) -> int:
        """Add a home or update its settings; return its row.

        Parameters
        ----------
        home
            Any stable name.
        utc_offset_s
            Local minus universal time, seconds.
        false_alerts_per_month
            Target: changes that may be reported in 30 days although nothing changed; the parameters' if None.

        Raises
        ------
        ParameterOutOfRange
            The offset or the target lies outside its range.

        """
        check_utc_offset(utc_offset_s)
        target = self._p.false_alerts_per_month if false_alerts_per_month is None else false_alerts_per_month
        row = self._s.add_home(home)
        self._s["offset_s"][row] = utc_offset_s
        self._s["false_alert_target"][row] = replace(self._p, false_alerts_per_month=target).false_alerts_per_month
        return row

    def process_batch(self, batch: LifeBatch) -> None:
        """Process signs of life and heartbeats of any homes, in any order; repeated and late rows are harmless.

        Rows older than the day before the open one are dropped. Raises `BatchRefused`; then no row was processed.
        """
        rows = days.validate_batch(batch, self._s, self._closed_s + self._p.ahead_s)
        fresh = rows.home[self._s["open_day"][rows.home] == NO_DAY]
        if len(fresh):
            first = np.full(self._s.size, np.iinfo(np.int32).max, np.int64)
            np.minimum.at(first, rows.home, rows.day)
            self._s["open_day"][fresh] = first[fresh]
            self._s["judged_day"][fresh] = first[fresh] - 1
        for day in np.unique(rows.day):
            self._roll(np.unique(rows.home[rows.day == day]), int(day) - KEPT_DAYS + 2)
            days.mark_activity(self._s, rows.select_day(int(day)))

    def close_days(self, now_s: float) -> list[RoutineChange]:
        """Close every local day that is over at `now_s` (Unix seconds); return the changes found in those days."""
        return [change for some in self.close_days_in_steps(now_s) for change in some]

    def close_days_in_steps(self, now_s: float) -> Iterator[list[RoutineChange]]:
        """As `close_days`, in steps of a few hundred homes and one day, so that other work can run between them."""
        _finite("now_s", now_s)
        self._closed_s = max(self._closed_s, now_s)
        s = self._s
        lived = np.flatnonzero(s["open_day"] != NO_DAY)
        local = now_s + s["offset_s"][lived].astype(np.float64) - self._p.close_after_s
        today = (local // days.DAY_S).astype(np.int64)
        for lo in range(0, len(lived), CHUNK):
            some, until = lived[lo : lo + CHUNK], today[lo : lo + CHUNK]
            for day in np.unique(until):
                self._roll(some[until == day], int(day))
            yield []
        yield from self._judge(lived)

    def set_outage(self, home: str, from_s: float, until_s: float | None) -> None:
        """Record that the home is offline or empty from … until (None: not known yet): those days are unknown."""
        row = self._s.row_of(home)
        until = math.inf if until_s is None else until_s
        _finite("from_s", from_s)
        if not until > from_s:
            raise BatchRefused("until_s", 0, until, f"must be later than from_s = {from_s}")
        days.mark_outages(self._s, np.array([row]))
        self._s["outage_from_s"][row], self._s["outage_until_s"][row] = from_s, until
        days.mark_outages(self._s, np.array([row]))

    def last_closed_day(self, home: str) -> int | None:
        """Return the last closed local day (days since 1970-01-01); None before the first."""
        row = self._s.row_of(home)
        opened = int(self._s["open_day"][row])
        return None if opened == NO_DAY else opened - 1

    def digest_day(self, home: str, day: int | None = None) -> Digest:
        """Return the digest of a closed day, the last one if None; unknown if older than 64 days or not closed."""
        row = self._s.row_of(home)
        last = self.last_closed_day(home)
        day = day if day is not None else NO_DAY if last is None else last
        values = self._value(row, day)
        known = last is not None and last - PAST_DAYS < day <= last
        rooms = decode_rooms(int(self._s["used"][row, day % PAST_DAYS])) if known and not math.isnan(values[5]) else ()
        sleep, wake, bathroom, active_min, out, _, active, rest = values
        anything = any(math.isfinite(value) for value in values)
        return Digest(home, day, anything, sleep, wake, bathroom, active_min, out, rooms, active, rest)

    def explain_home(self, home: str) -> tuple[Standing, ...]:
        """Compare each measure of the last closed day with the person's own past weeks; changes nothing."""
        row = self._s.row_of(home)
        last = self.last_closed_day(home)
        if last is None:
            return ()
        before = self._before(row, last)
        past = change.summarize_past(before[None], LEAST_SCALE)
        today = np.array([self._value(row, last)])
        z = change.robust_z_score(today, past)[0]
        standings = []
        for number, measure in enumerate(MEASURES):
            known = before[:, number][np.isfinite(before[:, number])]
            usual = float(past.median[0, number])
            low, high = np.quantile(known, (0.1, 0.9)) if len(known) else (math.nan, math.nan)
            value = float(today[0, number])
            drift = self._s["drift"][row, :, number]
            figures = (float(z[number]), float(drift[0]), float(drift[1]))
            standings.append(Standing(measure.name, value, usual, float(low), float(high), len(known), *figures))
        return tuple(standings)

    def dump_snapshot(self) -> bytes:
        """Return the whole state, for `from_snapshot`."""
        return self._s.dump_snapshot()

    @classmethod
    def from_snapshot(cls, data: bytes, parameters: RoutineParameters | None = None) -> RoutineDetector:
        """Rebuild a detector from `dump_snapshot`. Raises `SnapshotRefused`."""
        detector = cls(parameters)
        detector._s = RoutineState.from_snapshot(data)
        return detector

    # --- days ------------------------------------------------------------------------------------------------------

    def _roll(self, rows: Ints, opened: int) -> None:
        """Close the days of these homes before local day `opened`; of a long gap only the last days are written."""
        s = self._s
        while True:
            behind = rows[s["open_day"][rows] < opened]
            if not len(behind):
                return
            skip = behind[s["open_day"][behind] < opened - PAST_DAYS]
            if len(skip):
                s["past"][skip], s["pieces"][skip], s["visibility"][skip] = np.nan, 0, 0
                s["open_day"][skip] = opened - PAST_DAYS
                s["judged_day"][skip] = opened - PAST_DAYS - 1
            for day in np.unique(s["open_day"][behind]):
                same = behind[s["open_day"][behind] == day]
                for lo in range(0, len(same), CHUNK):
                    self._close_day(same[lo : lo + CHUNK], int(day))

    def _close_day(self, rows: Ints, day: int) -> None:
        s = self._s
        days.mark_outages(s, rows)
        pieces = days.three_day_slots(s, rows, day)
        values = measure_days(pieces, days.unseen_slots(s, rows, day, self._p.heartbeat_gap_s), s["seen"][rows])
        s["past"][rows, day % PAST_DAYS] = values
        s["used"][rows, day % PAST_DAYS] = days.rooms_used(pieces)
        s["pieces"][rows, (day - 1) % KEPT_DAYS] = 0
        s["visibility"][rows, (day - 1) % KEPT_DAYS] = 0
        s["open_day"][rows] = day + 1

    def _value(self, row: int, day: int) -> list[float]:
        last = int(self._s["open_day"][row]) - 1
        if not last - PAST_DAYS < day <= last:
            return [math.nan] * len(MEASURES)
        values: list[float] = self._s["past"][row, day % PAST_DAYS].astype(np.float64).tolist()
        return values

    def _span(self, rows: Ints, from_day: int, until_day: int) -> Floats:
        """Values of these days, both included; shape (homes, days, measures)."""
        day = np.arange(from_day, until_day + 1)
        values: Floats = self._s["past"][rows[:, None], day % PAST_DAYS].astype(np.float64)
        values[day < self._s["open_day"][rows][:, None] - PAST_DAYS] = np.nan
        return values

    def _before(self, row: int, day: int) -> Floats:
        """The past that a day is compared with; shape (days, measures)."""
        until = day - change.SKIPPED
        before: Floats = self._span(np.array([row]), until - change.PAST + 1, until)[0]
        return before

    # --- changes ---------------------------------------------------------------------------------------------------

    def _judge(self, lived: Ints) -> Iterator[list[RoutineChange]]:
        """Test every closed day that was not tested yet, in order."""
        s = self._s
        while True:
            waiting = lived[s["judged_day"][lived] < s["open_day"][lived] - 1]
            if not len(waiting):
                return
            for day in np.unique(s["judged_day"][waiting]) + 1:
                same = waiting[s["judged_day"][waiting] == day - 1]
                for lo in range(0, len(same), CHUNK):
                    yield self._judge_day(same[lo : lo + CHUNK], int(day))

    def _judge_day(self, rows: Ints, day: int) -> list[RoutineChange]:
        s = self._s
        values = self._span(rows, day - change.SKIPPED - change.PAST + 1, day)
        before = values[:, : change.PAST]
        past = change.summarize_past(before, LEAST_SCALE)
        enough = past.days >= self._p.least_days
        z, yesterday = (np.where(enough, change.robust_z_score(values[:, at], past), np.nan) for at in (-1, -2))
        s["drift"][rows] = drift = change.update_cusum(s["drift"][rows].astype(np.float64), z)
        s["judged_day"][rows] = day
        reached = np.stack([change.sudden_statistic(z, yesterday), drift.max(axis=1)], axis=1)
        ready = (s["rest_until_day"][rows] < day) & np.isfinite(z)
        stands = (reached >= np.array([change.LEAST_SUDDEN, change.LEAST_DRIFT])[:, None]) & ready[:, None]
        raised = []
        for home in np.flatnonzero(stands.any(axis=(1, 2))):
            found = self._most_unlikely(int(rows[home]), day, values[home], reached[home], stands[home])
            if found is not None:
                raised.append(self._raise(int(rows[home]), day, found))
        return raised

    def _most_unlikely(
        self, row: int, day: int, values: Floats, reached: Floats, stands: NDArray[np.bool_]
    ) -> _Found | None:
        """The change with the smallest p-value, if that is below the home's level."""
        level = float(self._s["false_alert_target"][row]) / (len(KINDS) * len(MEASURES))
        best: _Found | None = None
        for number in np.flatnonzero(stands.any(axis=0)):
            column = values[: change.PAST, number]
            known = column[np.isfinite(column)]
            seed = [self._p.seed, zlib.crc32(self._s.names[row].encode()), day, int(number)]
            both = (float(reached[0, number]), float(reached[1, number]))
            scale = float(LEAST_SCALE[number])
            if (change.bootstrap_p_values(known, scale, both, FEW_DRAWS, [*seed, FEW_DRAWS]) > level + FAR)[
                stands[:, number]
            ].all():
                continue
            p = change.bootstrap_p_values(known, scale, both, self._p.draws, seed)
            for kind in np.flatnonzero(stands[:, number]):
                recent = values[:, number][np.isfinite(values[:, number])][-RECENT_DAYS[KINDS[kind]] :]
                now, usual = float(np.median(recent)), float(np.median(known))
                lasting = abs(now - usual) >= LEAST_CHANGE[number]
                if lasting and p[kind] <= level and (best is None or p[kind] < best.p):
                    best = _Found(int(kind), int(number), float(p[kind]), now, usual)
        return best

    def _raise(self, row: int, day: int, found: _Found) -> RoutineChange:
        s = self._s
        measure, kind = MEASURES[found.measure], KINDS[found.kind]
        rest = s["rest_until_day"][row]
        rest[:] = np.maximum(rest, day + self._p.rest_days)
        rest[found.measure] = max(rest[found.measure], day + self._p.measure_rest_days)
        s["drift"][row, :, found.measure] = 0.0
        known = np.isfinite(self._before(row, day)[:, found.measure])
        weeks = math.ceil((change.PAST - int(np.argmax(known))) / 7)
        reason = routine_change(measure.name, kind, found.recent, found.usual, min(weeks, change.PAST // 7))
        at_s = (day + 1) * days.DAY_S - float(s["offset_s"][row]) + self._p.close_after_s
        return RoutineChange(s.names[row], day, measure.name, kind, found.recent, found.usual, found.p, at_s, reason)


def _finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise BatchRefused(name, 0, value, "must be a finite time")
