"""A synthetic fleet for the benchmark of the nightly job: records, habits, and the last day's readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select

from anju_detect.routine import MEASURES, RoutineDetector, change
from anju_detect.routine.state import PAST_DAYS
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.models import Device, Gateway
from anju_platform.monitoring.detector_snapshots import SnapshotStore
from anju_platform.residents.models import Community, Home
from anju_platform.routine.models import RoutineDay, RoutineNote
from anju_platform.routine.nightly_job import CLOSE_S, NAME, OVERLAP_S, PARAMETERS
from anju_platform.timeseries.store import Readings, SeriesStore, Source
from anju_research.bench.synthetic_homes import DAY_S, HOUR_S, MIDNIGHT_S

LOCAL_S = 8 * HOUR_S
LAST_PASS_S = MIDNIGHT_S + DAY_S - LOCAL_S + CLOSE_S
"""End of the pass before, two hours after a local midnight; the measured one comes a day later."""
NEXT_PASS_S = LAST_PASS_S + DAY_S + 60.0
ROOMS = ("living", "bedroom", "kitchen", "bathroom", "hall")
MOVES_AN_HOUR = 20.0
"""By day; each has a reading when it begins and when it ends."""
BEATS_AN_HOUR = 60
SPREAD = np.array([measure.least_scale for measure in MEASURES])
"""Standard deviation of each measure between a person's days."""
LEAD_DAYS = 30
_AT_ONCE = 5000


def home_of(number: int) -> str:
    """Return the name of a home, `home-00007`."""
    return f"home-{number:05d}"


def insert_homes(work: WorkFactory, homes: int) -> None:
    """Insert the homes, each with a gateway, movement sensors and a door contact, into one community."""
    with work() as unit:
        unit.session.add(Community(id="bench", name="bench"))
        unit.session.flush()
    for lo in range(0, homes, _AT_ONCE):
        some = [home_of(number) for number in range(lo, min(lo + _AT_ONCE, homes))]
        with work() as unit:
            _insert(unit, some)


def _insert(unit: UnitOfWork, homes: list[str]) -> None:
    insert = unit.session.bulk_insert_mappings
    place = {"community_id": "bench", "estate": "", "building": "", "room": ""}
    insert(Home.__mapper__, [{"id": home, **place} for home in homes])
    insert(Gateway.__mapper__, [{"id": f"gw-{home}", "home_id": home} for home in homes])
    kinds = [("door-entrance", "door", "entrance"), *((f"motion-{room}", "motion", room) for room in ROOMS)]
    insert(
        Device.__mapper__,
        [{"home_id": home, "id": one, "kind": kind, "room": room} for home in homes for one, kind, room in kinds],
    )


def save_empty_state(work: WorkFactory) -> None:
    """Store the state of a pass that knew no home: the next pass only measures the day."""
    with work() as unit:
        at = datetime.fromtimestamp(LAST_PASS_S, UTC)
        SnapshotStore(unit.session).save_snapshot(NAME, at, RoutineDetector(PARAMETERS).dump_snapshot())


def save_known_past(rng: np.random.Generator, work: WorkFactory, homes: int) -> None:
    """Store the state of a pass that knew every home for two months, similar to the measured day.

    The day itself is deleted, so that the next pass measures it again.
    """
    detector = RoutineDetector(PARAMETERS, capacity=homes)
    for number in range(homes):
        detector.add_home(home_of(number), utc_offset_s=LOCAL_S)
    state, today = detector._s, int((LAST_PASS_S + LOCAL_S) // DAY_S)  # noqa: SLF001 - a life is put in, not lived
    state["open_day"][:], state["judged_day"][:], state["beats"][:] = today, today - 1, True
    state["seen"][:] = np.uint8(0xFF)
    usual = _measured(work, homes)
    for lo in range(0, homes, _AT_ONCE):
        some = usual[lo : lo + _AT_ONCE]
        days = some[:, None] + SPREAD * rng.normal(size=(len(some), PAST_DAYS, len(SPREAD)))
        state["past"][lo : lo + _AT_ONCE] = days
        state["drift"][lo : lo + _AT_ONCE] = _drifted(days[:, -LEAD_DAYS:], some)
    with work() as unit:
        unit.session.execute(delete(RoutineDay))
        unit.session.execute(delete(RoutineNote))
        at = datetime.fromtimestamp(LAST_PASS_S, UTC)
        SnapshotStore(unit.session).save_snapshot(NAME, at, detector.dump_snapshot())
        blank = {"known": True, "rooms": []}
        kept = date(1970, 1, 1) + timedelta(days=today - 1)
        rows = [{"home_id": home_of(number), "day": kept, **blank} for number in range(homes)]
        unit.session.bulk_insert_mappings(RoutineDay.__mapper__, rows)


def _measured(work: WorkFactory, homes: int) -> NDArray[np.float64]:
    """Measures of the last stored day of each home, shape (homes, measures)."""
    usual = np.full((homes, len(MEASURES)), np.nan)
    with work() as unit:
        unit.only_read()
        for row in unit.session.scalars(select(RoutineDay).order_by(RoutineDay.day)):
            values = [len(row.rooms) if one.name == "rooms" else getattr(row, one.name) for one in MEASURES]
            usual[int(row.home_id.rpartition("-")[2])] = [np.nan if value is None else value for value in values]
    return usual


def _drifted(days: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Page's cumulative sums after so many ordinary days."""
    drift = np.zeros((len(days), 2, len(SPREAD)))
    for number in range(days.shape[1]):
        drift = change.update_cusum(drift, (days[:, number] - usual) / SPREAD)
    return drift


def generate_readings(rng: np.random.Generator, series: SeriesStore, homes: int) -> int:
    """Write all homes' readings between the two passes, hour by hour; return how many."""
    sources = [_sources(home_of(number)) for number in range(homes)]
    wake, sleep = (rng.normal(hour, 0.7, homes) for hour in (7.0, 22.0))
    count = 0
    for hour_s in np.arange(LAST_PASS_S - OVERLAP_S, NEXT_PASS_S, HOUR_S):
        clock_h = (hour_s + LOCAL_S) % DAY_S / HOUR_S
        rates = np.where((wake < clock_h) & (clock_h < sleep), MOVES_AN_HOUR, 0.5)
        for lo in range(0, homes, _AT_ONCE):
            some = slice(lo, lo + _AT_ONCE)
            count += _hour(rng, series, sources[some], rates[some], float(hour_s))
    return count


def _sources(home: str) -> list[Source]:
    moving = [Source(home, f"motion-{room}", room, "occupancy") for room in ROOMS]
    return [Source(home, f"gw-{home}", "other", "heartbeat"), *moving]


def _hour(
    rng: np.random.Generator,
    series: SeriesStore,
    sources: list[list[Source]],
    rates: NDArray[np.float64],
    hour_s: float,
) -> int:
    moves = rng.poisson(rates)
    home = np.concatenate(
        [np.repeat(np.arange(len(sources)), BEATS_AN_HOUR), np.repeat(np.arange(len(sources)), moves)]
    )
    beats = np.tile(np.arange(BEATS_AN_HOUR) * HOUR_S / BEATS_AN_HOUR, len(sources))
    place = np.concatenate([np.zeros(len(beats), int), rng.integers(1, len(ROOMS) + 1, int(moves.sum()))])
    at_s = hour_s + np.concatenate([beats, rng.random(int(moves.sum())) * HOUR_S])
    ended = np.flatnonzero(place)
    home, place = np.concatenate([home, home[ended]]), np.concatenate([place, place[ended]])
    value = np.concatenate([np.ones(len(at_s)), np.zeros(len(ended))])
    at_s = np.concatenate([at_s, at_s[ended] + 30.0])
    order = np.argsort(at_s, kind="stable")
    names = [sources[one][number] for one, number in zip(home[order].tolist(), place[order].tolist(), strict=True)]
    series.write_readings(Readings(names, at_s[order].tolist(), value[order].tolist()))
    return len(names)
