"""The nightly pass on both databases: what is kept of a day, what is told of a change, and what a restart forgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures._inactivity_homes import DAY
from fixtures._routine_days import Habit
from fixtures._stored_days import LOCAL_S, after_midnight, write_day
from fixtures.alert_harness import ManualClock
from sqlalchemy import select

from anju_detect.routine import RoutineDetector
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices.models import Device, Gateway
from anju_platform.devices.roster import DeviceRoster
from anju_platform.monitoring.activity_reader import ActivityReader
from anju_platform.monitoring.models import DetectorSnapshot
from anju_platform.residents.models import Absence, Community, Home
from anju_platform.routine.models import RoutineDay, RoutineNote
from anju_platform.routine.nightly_job import OVERLAP_S, NightlyJob
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_platform.timeseries.store import Readings, SeriesUnavailable, Source

AT_NIGHT = {"night_bathroom", "night_active_min"}
HOMES = ("home-01", "home-02")
ROOMS = ("living", "kitchen", "hall", "bedroom", "bathroom")


class UnavailableSeries(DuckDbSeries):
    """A store that can be away."""

    away = False

    def read_peaks(self, start_s: float, end_s: float, quantities: Sequence[str], every_s: int) -> Iterator[Readings]:
        if self.away:
            raise SeriesUnavailable("away")
        return super().read_peaks(start_s, end_s, quantities, every_s)


@dataclass
class Nights:
    """Two homes, and passes at night."""

    clock: ManualClock
    work: WorkFactory
    series: UnavailableSeries
    digester: NightlyJob = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.digester = NightlyJob(self.work, self.clock, self.series)

    def step(self, at_s: float) -> bool:
        self.clock.forward(at_s - self.clock.time())
        return self.digester.step(self.clock.now())

    def passes(self, at_s: float) -> None:
        while self.step(at_s):
            continue

    def days(self, home: str = HOMES[0]) -> list[RoutineDay]:
        with self.work() as work:
            query = select(RoutineDay).where(RoutineDay.home_id == home).order_by(RoutineDay.day)
            return list(work.session.scalars(query))

    def notes(self) -> list[RoutineNote]:
        with self.work() as work:
            return list(work.session.scalars(select(RoutineNote).order_by(RoutineNote.day)))


@pytest.fixture
def nights(database_url: str, tmp_path: Path) -> Iterator[Nights]:
    engine = make_engine(database_url)
    sessions, bus, clock = make_sessions(engine), EventDispatcher(), ManualClock(datetime(2023, 11, 14, tzinfo=UTC))

    def work() -> UnitOfWork:
        return UnitOfWork(sessions, bus, clock)

    with work() as unit:
        unit.session.add(Community(id="anning", name="安宁社区", routine_changes_per_month=1.0))
        unit.session.flush()
        unit.session.add_all(
            Home(id=home, community_id="anning", estate="一号院", building="1", room="1") for home in HOMES
        )
        unit.session.flush()
        for home in HOMES:
            unit.session.add(Gateway(id=f"gw-{home}", home_id=home))
            unit.session.add(Device(home_id=home, id="door-entrance", kind="door", room="entrance"))
            unit.session.add_all(Device(home_id=home, id=f"motion-{room}", kind="motion", room=room) for room in ROOMS)
    series = UnavailableSeries(tmp_path / "series.duckdb")
    yield Nights(clock, work, series)
    series.close()
    engine.dispose()


def test_a_day_is_kept_two_hours_after_its_midnight_and_not_before(nights: Nights) -> None:
    for day in range(3):
        write_day(nights.series, HOMES[0], day, Habit())
    nights.passes(after_midnight(1, 1.9))
    assert [day.day.isoformat() for day in nights.days()] == ["2023-11-15"]
    nights.passes(after_midnight(1, 2.1))
    _, second = nights.days()
    assert second.known
    assert second.sleep_h == pytest.approx(-2.0, abs=0.8)
    assert second.wake_h == pytest.approx(7.0, abs=0.8)
    assert second.night_bathroom == pytest.approx(2, abs=1)
    assert second.out_h == pytest.approx(1.5, abs=0.4)
    assert set(second.rooms) <= set(ROOMS)
    assert nights.days(HOMES[1]) == []


def test_readings_that_came_late_but_before_the_pass_are_in_it(nights: Nights) -> None:
    write_day(nights.series, HOMES[0], 0, Habit())
    nights.passes(after_midnight(0, 2.1))
    nights.clock.forward(20 * 3600)
    write_day(nights.series, HOMES[0], 1, Habit())
    nights.passes(after_midnight(1, 2.1))
    assert [day.known for day in nights.days()] == [True, True]


def test_who_leads_again_goes_on_from_what_another_kept_meanwhile(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(5):
        write_day(nights.series, HOMES[0], day, Habit())
    nights.passes(after_midnight(0, 2.1))
    first = nights.digester
    nights.restart()
    nights.passes(after_midnight(3, 2.1))
    starts, read = [], nights.series.read_peaks

    def read_peaks(start_s: float, *more: Any) -> Iterator[Readings]:  # noqa: ANN401 - as it comes
        starts.append(start_s)
        return read(start_s, *more)

    monkeypatch.setattr(nights.series, "read_peaks", read_peaks)
    nights.digester = first
    first.begin_anew()
    nights.passes(after_midnight(4, 2.1))
    assert min(starts) > after_midnight(3, 2.1) - OVERLAP_S - 3600.0
    assert [day.known for day in nights.days()] == [True] * 5


def test_between_two_passes_nothing_is_read(nights: Nights) -> None:
    write_day(nights.series, HOMES[0], 0, Habit())
    nights.passes(after_midnight(0, 2.1))
    nights.series.away = True
    assert nights.step(after_midnight(0, 20.0)) is False
    nights.step(after_midnight(1, 2.1))
    assert len(nights.days()) == 1
    nights.series.away = False
    nights.passes(after_midnight(1, 2.2))
    assert len(nights.days()) == 2


def test_a_change_becomes_one_note_with_its_figures_whatever_is_restarted(nights: Nights) -> None:
    for day in range(45):
        visits = 2 if day < 38 else 7
        write_day(nights.series, HOMES[0], day, Habit(visits=visits))
        write_day(nights.series, HOMES[1], day, Habit(), seed=2)
    nights.passes(after_midnight(36, 2.1))
    assert nights.notes() == []
    for day in range(37, 45):
        for _ in range(3):
            nights.step(after_midnight(day, 2.1))
        nights.restart()
        nights.passes(after_midnight(day, 3.0))
        nights.restart()
        nights.passes(after_midnight(day, 4.0))
    told = nights.notes()
    assert [(note.home_id, note.read_at) for note in told] == [(HOMES[0], None)]
    assert told[0].measure in AT_NIGHT
    assert told[0].recent > 2 * told[0].usual
    assert (told[0].reason_code, told[0].reason_facts["measure"]) == ("routine_change", told[0].measure)
    assert told[0].at <= nights.clock.now()
    assert len(nights.days()) == 45


def test_a_pass_that_fails_at_its_end_is_done_again_and_tells_nothing_twice(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(40):
        write_day(nights.series, HOMES[0], day, Habit(visits=2 if day < 38 else 8))
    nights.passes(after_midnight(38, 2.1))
    with monkeypatch.context() as broken:
        broken.setattr("anju_platform.monitoring.detector_snapshots.SnapshotStore.save_snapshot", _fails)
        with pytest.raises(OSError, match="away"):
            nights.passes(after_midnight(39, 2.1))
    assert len(nights.notes()) == 0
    nights.passes(after_midnight(39, 2.5))
    assert len(nights.days()) == 40
    (note,) = nights.notes()
    assert note.measure in AT_NIGHT


def _fails(*_: object) -> None:
    raise OSError("the records are away")


def test_old_changes_are_no_news(nights: Nights) -> None:
    for day in range(50):
        write_day(nights.series, HOMES[0], day, Habit(visits=2 if day < 36 else 8))
    nights.passes(after_midnight(49, 2.1))
    assert nights.notes() == []
    assert len(nights.days()) == 50


def test_an_absence_that_was_told_makes_a_day_unknown(nights: Nights) -> None:
    for day in range(3):
        write_day(nights.series, HOMES[0], day, Habit())
    with nights.work() as work:
        start = datetime.fromtimestamp(after_midnight(0, 0.0), UTC)
        work.session.add(
            Absence(id=work.new_id(), home_id=HOMES[0], start=start, until=start + timedelta(days=1), told_by="女儿")
        )
    nights.passes(after_midnight(1, 2.1))
    assert [day.known for day in nights.days()] == [True, False]


def test_digests_go_after_three_months_and_a_torn_snapshot_costs_no_more_than_another_reading(nights: Nights) -> None:
    for day in range(2):
        write_day(nights.series, HOMES[0], day, Habit())
    nights.passes(after_midnight(0, 2.1))
    with nights.work() as work:
        work.session.get_one(DetectorSnapshot, "routine").state = b"torn"
    nights.restart()
    nights.passes(after_midnight(1, 2.1))
    assert [day.known for day in nights.days()] == [True, True]
    nights.passes(after_midnight(1, 2.1) + 93 * DAY)
    assert all(day.day.isoformat() > "2023-11-16" for day in nights.days())


def test_thinned_readings_say_of_a_day_what_all_of_them_say(nights: Nights) -> None:
    for day in range(3):
        write_day(nights.series, HOMES[0], day, Habit())
    beats, source = Readings(), Source(HOMES[0], f"gw-{HOMES[0]}", "other", "heartbeat")
    for at_s in range(int(after_midnight(0, 0.0)), int(after_midnight(2, 0.0)), 60):
        beats.add_number(source, at_s, 1.0)
    nights.series.write_readings(beats)
    digests, counts = [], []
    for thinned in (False, True):
        lives = ActivityReader(DeviceRoster(nights.work), {HOMES[0]: 0})
        detector = RoutineDetector()
        detector.add_home(HOMES[0], utc_offset_s=LOCAL_S)
        from_s, until_s = after_midnight(-1, 0.0) - DAY, after_midnight(2, 2.1)
        read = lives.read_thinned if thinned else lives.read_batches
        batches = list(read(nights.series, from_s, until_s))
        for batch in batches:
            detector.process_batch(batch)
        detector.close_days(until_s)
        last = detector.last_closed_day(HOMES[0])
        assert last is not None
        digests.append([repr(detector.digest_day(HOMES[0], last - number)) for number in range(3)])
        counts.append(sum(len(batch.home) for batch in batches))
    assert digests[0] == digests[1]
    assert all("known=True" in digest for digest in digests[0])
    assert counts[1] < counts[0] / 3
