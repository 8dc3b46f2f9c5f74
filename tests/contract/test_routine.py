"""What the routine detector is held to: bad numbers, holes, repeats, disorder, clocks, restarts, missing sensors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, batch
from fixtures._routine_days import CLOSES, FIRST_DAY, Habit, Rows, live, one_day, watched
from hypothesis import given, settings
from hypothesis import strategies as st

from anju_detect.errors import BatchRefused, DetectionError, HomeNotAdded, ParameterOutOfRange, SnapshotRefused
from anju_detect.inactivity import LifeBatch
from anju_detect.routine import Digest, RoutineDetector, RoutineParameters


def _days(count: int, habit: Habit | None = None, seed: int = 1) -> list[Rows]:
    rng = np.random.default_rng(seed)
    return [one_day(number, habit or Habit(), rng) for number in range(count)]


def _fed(days: list[Rows], *, offset_s: float = 0.0) -> RoutineDetector:
    detector = RoutineDetector()
    detector.add_home("a", utc_offset_s=offset_s)
    for number, rows in enumerate(days):
        detector.process_batch(batch(rows))
        detector.close_days(START + (number + 1) * DAY + CLOSES - offset_s)
    return detector


def _told(digest: Digest) -> tuple[object, ...]:
    figures = (digest.sleep_h, digest.wake_h, digest.night_bathroom, digest.night_active_min, digest.out_h)
    return (digest.day, digest.rooms, *(None if math.isnan(v) else round(v, 6) for v in figures), digest.known)


def test_a_day_is_told_as_it_was_lived() -> None:
    digest = _fed(_days(4)).digest_day("a")
    assert digest.day == FIRST_DAY + 3
    assert digest.sleep_h == pytest.approx(-2.0, abs=0.6)
    assert digest.wake_h == pytest.approx(7.0, abs=0.6)
    assert 1 <= digest.night_bathroom <= 3
    assert digest.out_h == pytest.approx(1.5, abs=0.4)
    assert set(digest.rooms) == {"living", "kitchen", "hall", "bedroom", "bathroom"}
    assert 3.0 < digest.active_h < 13.0


@pytest.mark.parametrize("column", ["at_s", "home", "room", "kind"])
def test_refuses_a_bad_row_and_takes_none(column: str) -> None:
    detector = watched()
    good = batch([(0, START, "living", "motion"), (0, START + 60, "kitchen", "motion")])
    columns = {name: getattr(good, name).copy() for name in ("home", "at_s", "room", "kind")}
    columns[column][1] = {"at_s": np.nan, "home": 7, "room": 99, "kind": -1}[column]
    with pytest.raises(BatchRefused) as refused:
        detector.process_batch(LifeBatch(**columns))
    assert (refused.value.field, refused.value.row) == (column, 1)
    assert detector.last_closed_day("a") is None


def test_refuses_columns_of_different_length_and_times_that_are_no_numbers() -> None:
    detector = watched()
    with pytest.raises(BatchRefused):
        detector.process_batch(
            LifeBatch(np.zeros(2, np.int64), np.zeros(1), np.zeros(2, np.int8), np.zeros(2, np.int8))
        )
    for ask in (
        lambda: detector.close_days(math.nan),
        lambda: detector.set_outage("a", math.inf, None),
        lambda: detector.set_outage("a", START, START),
        lambda: detector.add_home("b", utc_offset_s=1e6),
        lambda: RoutineDetector(capacity=0),
        lambda: RoutineParameters(false_alerts_per_month=0.0),
    ):
        with pytest.raises((BatchRefused, ParameterOutOfRange)):
            ask()
    with pytest.raises(HomeNotAdded):
        detector.digest_day("nobody")


def test_repeats_and_disorder_change_nothing() -> None:
    days = _days(4)
    shuffled = [[day[i] for i in np.random.default_rng(3).permutation(len(day))] for day in days]
    twice = [[row for row in day for _ in range(2)] for day in days]
    told = [_told(_fed(given).digest_day("a")) for given in (days, shuffled, twice)]
    assert told[0] == told[1] == told[2]


def test_a_reading_up_to_two_hours_after_midnight_is_still_in_its_day() -> None:
    days = _days(4)
    late = [row for row in days[3] if row[1] > START + 3 * DAY + 15 * HOUR and row[3] != "heartbeat"]
    detector = _fed([*days[:3], [row for row in days[3] if row not in late]])
    missing = detector.digest_day("a").active_h
    again = _fed(days[:3])
    again.process_batch(batch([row for row in days[3] if row not in late]))
    again.close_days(START + 4 * DAY)
    again.process_batch(batch(late))
    again.close_days(START + 4 * DAY + CLOSES)
    assert again.digest_day("a").active_h > missing
    assert _told(again.digest_day("a")) == _told(_fed(days).digest_day("a"))


def test_what_is_older_than_two_days_and_what_is_ten_years_ahead_is_left_out() -> None:
    days = _days(5)
    plain, other = _fed(days), _fed(days)
    other.process_batch(batch([(0, START + DAY, "bathroom", "motion"), (0, START + 3650 * DAY, "hall", "motion")]))
    assert other.last_closed_day("a") == plain.last_closed_day("a")
    assert _told(other.digest_day("a", FIRST_DAY + 1)) == _told(plain.digest_day("a", FIRST_DAY + 1))


def test_a_backlog_of_weeks_in_one_batch_is_the_same_as_day_by_day() -> None:
    days = _days(12)
    detector = watched()
    detector.process_batch(batch([row for day in days for row in day]))
    detector.close_days(START + 12 * DAY + CLOSES)
    day_by_day = _fed(days)
    for day in range(FIRST_DAY, FIRST_DAY + 12):
        assert _told(detector.digest_day("a", day)) == _told(day_by_day.digest_day("a", day))


def test_the_offset_moves_the_day_with_the_sun() -> None:
    shift = 8 * HOUR
    moved = [[(home, at - shift, room, kind) for home, at, room, kind in day] for day in _days(4)]
    assert _told(_fed(moved, offset_s=shift).digest_day("a")) == _told(_fed(_days(4)).digest_day("a"))


@pytest.mark.parametrize("step_s", [-HOUR, HOUR])
def test_daylight_saving_moves_no_digest_by_more_than_the_hour(step_s: float) -> None:
    days = _days(6)
    detector = _fed(days[:4])
    detector.add_home("a", utc_offset_s=step_s)
    for number in (4, 5):
        detector.process_batch(batch([(home, at - step_s, room, kind) for home, at, room, kind in days[number]]))
        detector.close_days(START + (number + 1) * DAY + CLOSES - step_s)
    plain = _fed(days)
    for day in (FIRST_DAY + 4, FIRST_DAY + 5):
        assert detector.digest_day("a", day).wake_h == pytest.approx(plain.digest_day("a", day).wake_h, abs=1.0 + 1e-6)
    assert _told(detector.digest_day("a")) == _told(plain.digest_day("a"))


def test_an_outage_is_unknown_not_quiet() -> None:
    days = _days(5)
    detector = _fed(days[:3])
    detector.set_outage("a", START + 3 * DAY + 8 * HOUR, START + 3 * DAY + 18 * HOUR)
    cut = [row for row in days[3] if not 8 * HOUR < row[1] - START - 3 * DAY < 18 * HOUR]
    detector.process_batch(batch(cut))
    detector.close_days(START + 4 * DAY + CLOSES)
    digest = detector.digest_day("a")
    assert math.isfinite(digest.wake_h)
    assert math.isnan(digest.active_h)
    assert digest.rooms == ()
    detector.set_outage("a", START + 4 * DAY + HOUR, None)
    detector.close_days(START + 5 * DAY + CLOSES)
    assert not detector.digest_day("a").known


def test_a_gateway_that_stopped_beating_makes_the_day_unknown() -> None:
    days = _days(4)
    cut = [row for row in days[3] if row[1] < START + 3 * DAY + 9 * HOUR]
    assert math.isnan(_fed([*days[:3], cut]).digest_day("a").active_h)
    beats = [row for row in days[3] if row[3] == "heartbeat" and row[1] > START + 3 * DAY + 9 * HOUR]
    assert _fed([*days[:3], cut + beats]).digest_day("a").active_h < 3.0


def test_a_day_without_any_life_is_unknown() -> None:
    days = _days(4)
    beats = [row for row in days[3] if row[3] == "heartbeat"]
    assert not _fed([*days[:3], beats]).digest_day("a").known


def test_a_night_spent_elsewhere_is_no_sleep_at_home() -> None:
    days = _days(4, Habit(visits=0))
    leaves, back = START + 2 * DAY + 19 * HOUR, START + 3 * DAY + 9 * HOUR
    rows = [[row for row in day if not leaves - 60 < row[1] < back + 60 or row[3] == "heartbeat"] for day in days]
    rows[2].append((0, leaves, "entrance", "door"))
    rows[3].append((0, back, "entrance", "door"))
    digest = _fed(rows).digest_day("a")
    assert math.isnan(digest.sleep_h)
    assert digest.out_h >= 9.0


def test_an_empty_home_and_one_without_a_close() -> None:
    detector = watched()
    detector.process_batch(batch([]))
    assert detector.close_days(START) == []
    assert not detector.digest_day("a").known
    assert detector.explain_home("a") == ()


def test_one_sensor_only_says_what_it_can() -> None:
    days = [
        [(h, at, "living" if k == "motion" else r, k) for h, at, r, k in day if r != "entrance"] for day in _days(4)
    ]
    digest = _fed(days).digest_day("a")
    assert digest.rooms == ("living",)
    assert math.isfinite(digest.wake_h)
    assert math.isnan(digest.night_bathroom)
    assert math.isnan(digest.out_h)


def test_a_stuck_sensor_in_the_night_makes_it_unknown() -> None:
    days = _days(4)
    days[3] += [(0, START + 3 * DAY + minute * 60 - 4 * HOUR, "hall", "motion") for minute in range(720)]
    assert math.isnan(_fed(days).digest_day("a").sleep_h)


@pytest.mark.parametrize("broken", [3, 17, 30])
def test_a_restart_in_the_middle_changes_nothing(broken: int) -> None:
    habits = [Habit()] * 30 + [Habit(visits=6)] * 10
    whole = watched()
    changes = live(whole, habits)
    assert changes
    rng = np.random.default_rng(1)
    detector = watched()
    again = []
    for number, habit in enumerate(habits):
        rows = one_day(number, habit, rng)
        half = len(rows) // 2
        detector.process_batch(batch(rows[:half]))
        if number == broken:
            detector = RoutineDetector.from_snapshot(detector.dump_snapshot())
        detector.process_batch(batch(rows[half:]))
        again += detector.close_days(START + (number + 1) * DAY + CLOSES)
    assert again == changes
    assert detector.digest_day("a") == whole.digest_day("a")
    assert detector.explain_home("a") == whole.explain_home("a")


def test_a_torn_snapshot_is_refused() -> None:
    data = watched().dump_snapshot()
    for torn in (b"", data[:100], data[:-30], b"no archive at all"):
        with pytest.raises(SnapshotRefused):
            RoutineDetector.from_snapshot(torn)


def test_a_home_that_was_silent_for_a_year_starts_anew() -> None:
    detector = _fed(_days(20))
    detector.close_days(START + 400 * DAY)
    assert detector.last_closed_day("a") == FIRST_DAY + 398
    assert not detector.digest_day("a").known
    assert detector.explain_home("a")[0].known_days == 0


def test_homes_do_not_touch_each_other() -> None:
    alone = _fed(_days(4)).digest_day("a")
    detector = RoutineDetector(capacity=1)
    for name in ("a", "b", "c"):
        detector.add_home(name, utc_offset_s=0.0)
    other = _days(4, Habit(wake=5.0, visits=5), seed=9)
    for number, rows in enumerate(_days(4)):
        detector.process_batch(batch([*rows, *((2, at, room, kind) for _, at, room, kind in other[number])]))
        detector.close_days(START + (number + 1) * DAY + CLOSES)
    assert detector.digest_day("a") == alone
    assert detector.last_closed_day("b") is None
    assert detector.digest_day("c").wake_h == pytest.approx(5.0, abs=0.6)


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(
            st.floats(0.0, 3 * DAY - 1.0),
            st.sampled_from(["living", "bathroom", "bedroom", "entrance"]),
            st.sampled_from(["motion", "door", "heartbeat"]),
        ),
        max_size=60,
    ),
    seed=st.integers(0, 999),
)
def test_any_order_and_any_cut_into_batches_tells_the_same(rows: list[tuple[float, str, str]], seed: int) -> None:
    given_rows: Rows = [(0, START + at, room, kind) for at, room, kind in [(10.0, "living", "motion"), *rows]]
    rng = np.random.default_rng(seed)
    digests = []
    for order in (np.arange(len(given_rows)), rng.permutation(len(given_rows))):
        detector = watched()
        detector.process_batch(batch([given_rows[0]]))
        for part in np.array_split(order, 1 + seed % 4):
            detector.process_batch(batch([given_rows[i] for i in part]))
        detector.close_days(START + 3 * DAY + CLOSES)
        digests.append([_told(detector.digest_day("a", FIRST_DAY + day)) for day in range(3)])
    assert digests[0] == digests[1]


@settings(max_examples=20)
@given(target=st.tuples(st.floats(0.02, 2.0), st.floats(0.02, 2.0)), visits=st.integers(3, 8))
def test_a_higher_target_never_delays_the_first_change(target: tuple[float, float], visits: int) -> None:
    first = []
    for rate in sorted(target):
        detector = RoutineDetector(RoutineParameters(false_alerts_per_month=rate, draws=199))
        detector.add_home("a", utc_offset_s=0.0)
        changes = live(detector, [Habit()] * 24 + [Habit(visits=visits)] * 8)
        first.append(changes[0].day if changes else 10**9)
    assert first[1] <= first[0]


def test_every_refusal_is_a_detection_error() -> None:
    for kind in (BatchRefused, HomeNotAdded, ParameterOutOfRange, SnapshotRefused):
        assert issubclass(kind, DetectionError)
