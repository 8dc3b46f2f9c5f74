"""One suite over every detector: bad numbers, holes, repeats, disorder, clocks, restarts, dead and stuck sensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, batch, beats, days_of_life, fall_stream, watch

from anju_detect.errors import BatchRefused, DetectionError, SnapshotRefused
from anju_detect.fall import FallDetector, FallSignal
from anju_detect.inactivity import InactivityDetector, LifeBatch

Rows = list[tuple[int, float, str, str]]


# --- what every detector is asked, told in its own terms


def _falls(order: Callable[[list[int]], list[int]] = list) -> list[FallSignal]:
    stream = fall_stream(after="still")
    detector = FallDetector(50.0, "waist", 16.0)
    starts = order(list(range(0, len(stream), 50)))
    return [signal for at in starts for signal in detector.process_samples(START + at / 50.0, stream[at : at + 50])]


def _silence(rows: Rows | None = None, *, offset_s: float = 0.0) -> list[tuple[str, str, float]]:
    detector = InactivityDetector()
    detector.add_home("a", utc_offset_s=offset_s)
    rows = days_of_life(0, 5) if rows is None else rows
    last = max(at for _, at, _, kind in rows if kind != "heartbeat")
    quiet = beats(0, np.ceil(last / HOUR) * HOUR, last + 30 * HOUR)
    return watch(detector, [*rows, *quiet], last + 30 * HOUR)


def _cut(hour: float) -> Rows:
    """Five days of life, and then none from this hour of the fifth day on."""
    end = START + 4 * DAY + hour * HOUR
    return [row for row in days_of_life(0, 5) if row[1] <= end]


class TestFall:
    def test_finds_a_fall_within_five_seconds_and_confirms_it(self) -> None:
        stages = [(signal.stage, round(signal.at_s - signal.impact_s, 1)) for signal in _falls()]
        assert stages[0] == ("suspected", 4.0)
        assert stages[1][0] == "confirmed"
        assert 30.0 <= stages[1][1] <= 60.0
        assert len(stages) == 2

    def test_the_cut_into_chunks_changes_nothing(self) -> None:
        stream = fall_stream(after="still")
        whole = FallDetector(50.0).process_samples(START, stream)
        pieces = FallDetector(50.0)
        small = [
            s for at in range(0, len(stream), 7) for s in pieces.process_samples(START + at / 50.0, stream[at : at + 7])
        ]
        assert [(s.stage, s.fall_id, round(s.at_s, 3)) for s in whole] == [
            (s.stage, s.fall_id, round(s.at_s, 3)) for s in small
        ]

    def test_repeated_and_late_chunks_change_nothing(self) -> None:
        plain = _falls()
        assert _falls(lambda starts: [at for start in starts for at in (start, start)]) == plain
        assert _falls(lambda starts: [at for start in starts for at in (start, max(start - 500, 0))]) == plain

    def test_a_later_answer_never_depends_on_samples_not_there_yet(self) -> None:
        stream = fall_stream(after="still")
        early = FallDetector(50.0).process_samples(START, stream[: int(14.5 * 50)])
        assert [s.stage for s in early] == ["suspected"]
        assert early == FallDetector(50.0).process_samples(START, stream)[:1]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_refuses_times_that_are_no_numbers(self, bad: float) -> None:
        detector = FallDetector(50.0)
        with pytest.raises(DetectionError):
            detector.process_samples(bad, np.zeros((50, 3), np.int16))
        with pytest.raises(DetectionError):
            detector.cancel_falls(bad)

    @pytest.mark.parametrize("bad", [np.zeros((5, 2), np.int16), np.zeros(5, np.int16), np.full((5, 3), np.nan)])
    def test_refuses_samples_of_another_form(self, bad: np.ndarray) -> None:
        with pytest.raises(DetectionError):
            FallDetector(50.0).process_samples(START, bad)

    def test_a_hole_after_the_impact_is_not_recovery(self) -> None:
        stream = fall_stream(after="still")
        detector = FallDetector(50.0)
        signals = detector.process_samples(START, stream[: 15 * 50])
        signals += detector.process_samples(START + 80.0, stream[60 * 50 :])
        assert [s.stage for s in signals] == ["suspected", "confirmed"]

    def test_an_empty_chunk_and_an_hour_of_nothing(self) -> None:
        detector = FallDetector(50.0)
        assert detector.process_samples(START, np.zeros((0, 3), np.int16)) == []
        lying = np.tile(np.array([[0, 0, 1000]], np.int16), (3600 * 50, 1))
        assert detector.process_samples(START, lying) == []

    def test_a_stuck_sensor_says_nothing(self) -> None:
        stuck = np.full((60 * 50, 3), 2000, np.int16)
        assert FallDetector(50.0, clip_g=2.0).process_samples(START, stuck) == []

    @pytest.mark.parametrize("fs_hz", [25.0, 50.0, 100.0])
    @pytest.mark.parametrize("clip_g", [2.0, 16.0])
    def test_other_rates_and_ranges(self, fs_hz: float, clip_g: float) -> None:
        limit = int(clip_g * 1000)
        stream = np.clip(fall_stream(after="still", fs_hz=fs_hz), -limit, limit).astype(np.int16)
        stages = [s.stage for s in FallDetector(fs_hz, "waist", clip_g).process_samples(START, stream)]
        assert stages == ["suspected", "confirmed"]

    def test_turning_the_sensor_changes_nothing_that_is_said(self) -> None:
        turned = fall_stream(after="still")[:, [2, 0, 1]] * np.array([1, -1, -1], np.int16)
        plain, other = FallDetector(50.0), FallDetector(50.0)
        first = plain.process_samples(START, fall_stream(after="still"))
        second = other.process_samples(START, turned.astype(np.int16))
        assert [(s.stage, s.fall_id) for s in first] == [(s.stage, s.fall_id) for s in second]
        assert first[0].score == pytest.approx(second[0].score, abs=1e-4)


SETTINGS_S = (-3600.0, -90.0, -7.5, -0.31, -0.004, 0.0, 0.004, 0.31, 7.5, 90.0, 3600.0)
CHUNKS = (7, 50, 700)


def _told_by(clock: Callable[[float], float], stream: np.ndarray, chunk: int, fs_hz: float = 50.0) -> list[FallSignal]:
    """What a detector says of a stream whose sender tells the time by this clock, from the true one."""
    detector = FallDetector(fs_hz)
    starts = range(0, len(stream), chunk)
    return [s for at in starts for s in detector.process_samples(clock(START + at / fs_hz), stream[at : at + chunk])]


class TestFallClock:
    """A wearable's clock is set: the stream goes on being judged, and what is told is told by the clock of then."""

    @pytest.mark.parametrize("chunk", CHUNKS)
    @pytest.mark.parametrize("by_s", SETTINGS_S)
    def test_a_fall_soon_after_the_clock_is_set_is_found(self, by_s: float, chunk: int) -> None:
        stream = np.concatenate([fall_stream(after="still", seconds=9.0, seed=8)] * 6 + [fall_stream(after="still")])
        set_s = START + 14.0
        signals = _told_by(lambda at_s: at_s + (by_s if at_s >= set_s else 0.0), stream, chunk)
        assert [s.stage for s in signals] == ["suspected", "confirmed"]
        impact_s = START + 64.0 + by_s
        assert signals[0].impact_s == pytest.approx(impact_s, abs=0.1)
        assert signals[0].at_s == pytest.approx(impact_s + 4.0, abs=0.1)
        assert signals[0].fall_id == signals[1].fall_id == str(int(signals[0].impact_s * 1000))

    @pytest.mark.parametrize("at", [8.0, 9.0, 11.0, 13.0, 20.0, 39.0])
    @pytest.mark.parametrize("by_s", SETTINGS_S)
    def test_set_in_the_middle_of_a_fall_it_is_found_and_confirmed_once(self, by_s: float, at: float) -> None:
        set_s = START + at
        signals = _told_by(lambda at_s: at_s + (by_s if at_s >= set_s else 0.0), fall_stream(after="still"), 50)
        assert [s.stage for s in signals] == ["suspected", "confirmed"]
        assert min(signals[1].at_s, signals[1].at_s - by_s) <= START + 71.0

    @pytest.mark.parametrize("by_s", SETTINGS_S)
    def test_the_clip_reaches_over_the_setting(self, by_s: float) -> None:
        stream, detector = fall_stream(after="still"), FallDetector(50.0)
        signals = detector.process_samples(START, stream[: 16 * 50])
        signals += detector.process_samples(START + 16.0 + by_s, stream[16 * 50 :])
        start_s, samples = detector.copy_waveform(signals[0].fall_id) or (0.0, np.zeros((0, 3)))
        assert start_s == pytest.approx(START + 6.0, abs=0.1)
        if by_s <= 0.0:
            assert len(samples) == pytest.approx(12 * 50, abs=2)
        if by_s < 600.0:
            assert [s.fall_id for s in detector.cancel_falls(START + 90.0 + by_s)] == [signals[0].fall_id]

    def test_a_clock_set_back_again_and_again_never_stops_detection(self) -> None:
        stream = np.concatenate([fall_stream(after="still", seconds=80.0, seed=n) for n in range(6)])
        signals = _told_by(lambda at_s: at_s - 3600.0 * ((at_s - START) // 80.0), stream, 50)
        assert [s.stage for s in signals] == ["suspected", "confirmed"] * 6

    def test_a_clock_that_trembles_changes_nothing_that_is_found(self) -> None:
        rng = np.random.default_rng(2)
        signals = _told_by(lambda at_s: at_s + rng.uniform(-0.03, 0.03), fall_stream(after="still"), 50)
        assert [s.stage for s in signals] == ["suspected", "confirmed"]

    @pytest.mark.parametrize("late_s", [2.0, 60.0, 3600.0])
    def test_a_straggler_is_no_setting(self, late_s: float) -> None:
        stream, detector = fall_stream(after="still"), FallDetector(50.0)
        plain = FallDetector(50.0).process_samples(START, stream)
        signals = detector.process_samples(START, stream[: 8 * 50])
        straggler = fall_stream(after="still", seed=9)[10 * 50 : 11 * 50]
        signals += detector.process_samples(START - late_s, straggler)
        signals += detector.process_samples(START + 8.0, stream[8 * 50 :])
        assert [(s.stage, s.fall_id) for s in signals] == [(s.stage, s.fall_id) for s in plain]

    @pytest.mark.parametrize("by_s", [-3600.0, 3600.0])
    def test_walking_through_a_setting_is_no_fall(self, by_s: float) -> None:
        walk = fall_stream(after="walking", seconds=90.0)[15 * 50 :]
        stream = np.concatenate([walk] * 4)
        assert _told_by(lambda at_s: at_s + (by_s if at_s >= START + 100.0 else 0.0), stream, 50) == []


class TestInactivity:
    def test_raises_a_silence_once_and_within_the_day(self) -> None:
        raised = _silence(_cut(11))
        assert [(home, kind) for home, kind, _ in raised] == [("a", "inactivity")]
        assert raised[0][2] - (START + 4 * DAY + 11 * HOUR) < 12 * HOUR

    def test_a_night_is_not_a_silence(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        assert watch(detector, days_of_life(0, 8), START + 7.9 * DAY) == []

    @pytest.mark.parametrize("column", ["at_s", "home", "room", "kind"])
    def test_refuses_a_bad_row_and_takes_none(self, column: str) -> None:
        detector = InactivityDetector()
        detector.add_home("a")
        good = batch([(0, START, "living", "motion"), (0, START + 60, "kitchen", "motion")])
        columns = {name: getattr(good, name).copy() for name in ("home", "at_s", "room", "kind")}
        columns[column][1] = {"at_s": np.nan, "home": 7, "room": 99, "kind": -1}[column]
        with pytest.raises(BatchRefused) as refused:
            detector.process_batch(LifeBatch(**columns))
        assert (refused.value.field, refused.value.row) == (column, 1)
        assert np.isinf(detector.list_deadlines()[1][0])

    @pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
    def test_refuses_times_that_are_no_numbers(self, bad: float) -> None:
        detector = InactivityDetector()
        detector.add_home("a")
        for ask in (
            lambda: detector.sweep_homes(bad),
            lambda: detector.explain_home("a", bad),
            lambda: detector.record_outcome("a", "false", bad),
            lambda: detector.set_absence("a", bad, START),
            lambda: detector.set_outage("a", bad, None),
            lambda: detector.process_batch(batch([(0, bad, "living", "motion")])),
        ):
            with pytest.raises(DetectionError):
                ask()

    def test_refuses_columns_of_different_length(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a")
        short = LifeBatch(np.zeros(2, np.int64), np.zeros(1), np.zeros(2, np.int8), np.zeros(2, np.int8))
        with pytest.raises(BatchRefused):
            detector.process_batch(short)

    def test_repeats_and_disorder_within_a_batch_change_nothing(self) -> None:
        rows = _cut(11)
        shuffled = [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
        states = []
        for given in (rows, shuffled, [row for row in rows for _ in range(2)], rows + rows):
            detector = InactivityDetector()
            detector.add_home("a", utc_offset_s=0.0)
            detector.process_batch(batch(given))
            states.append((detector.list_deadlines()[1][0], detector.dump_snapshot()))
        assert states == [states[0]] * 4

    def test_late_data_neither_hide_nor_raise(self) -> None:
        rows = _cut(11)
        plain = _silence(rows)
        late = [row for row in rows if row[3] != "heartbeat"][-400:-200]
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        detector.process_batch(batch(rows))
        deadline = detector.list_deadlines()[1][0]
        detector.process_batch(batch(late))
        assert detector.list_deadlines()[1][0] == deadline
        assert len(plain) == 1

    def test_a_backlog_does_not_raise_the_silence_that_it_is_about_to_fill(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        rows = days_of_life(0, 6)
        before = [row for row in rows if row[1] < START + 4 * DAY + 10 * HOUR]
        assert watch(detector, before, START + 4 * DAY + 10 * HOUR) == []
        now = START + 5 * DAY + 20 * HOUR  # a day and more without any word: blind, not silent
        assert detector.sweep_homes(now) == []
        rest = sorted((row for row in rows if before[-1][1] < row[1] <= now), key=lambda row: row[1])
        for at in range(0, len(rest), 50):
            detector.process_batch(batch(rest[at : at + 50]))
            assert detector.sweep_homes(now) == []

    @pytest.mark.parametrize("left_out", ["nothing", "heartbeat"])
    @pytest.mark.parametrize("size", [1, 3, 20, 77])
    @pytest.mark.parametrize("hour", [11.0, 19.5, 23.0])
    def test_how_a_backlog_is_cut_by_sweeps_does_not_matter(self, hour: float, size: int, left_out: str) -> None:
        rows = sorted((row for row in _cut(hour) if row[3] != left_out), key=lambda row: row[1])
        now = START + 4 * DAY + hour * HOUR + 600
        lived = [row for row in rows if row[1] <= START + 3 * DAY + 9 * HOUR]
        told_late = rows[len(lived) :]
        deadlines = []
        for step in (len(told_late), size):
            detector = InactivityDetector()
            detector.add_home("a", utc_offset_s=0.0)
            watch(detector, lived, lived[-1][1] + 600)
            for at in range(-step, len(told_late), step):
                detector.process_batch(batch(told_late[max(at, 0) : at + step]))
                for signal in detector.sweep_homes(now):
                    detector.retract_alert(signal, now)
            deadlines.append(detector.list_deadlines()[1][0])
        assert deadlines[0] == deadlines[1]

    def test_late_life_after_an_alert_opens_a_new_silence_not_a_second_alert_for_the_old(self) -> None:
        rows = _cut(11)
        last = max(at for _, at, _, kind in rows if kind != "heartbeat")
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        raised = watch(detector, [*rows, *beats(0, last, last + 12 * HOUR)], last + 12 * HOUR)
        assert len(raised) == 1
        now = last + 12 * HOUR
        detector.process_batch(batch([(0, now - 600, "kitchen", "motion")]))
        assert detector.sweep_homes(now) == []
        assert detector.explain_home("a", now).last_life_s == now - 600

    def test_a_clock_ten_years_ahead_is_ignored(self) -> None:
        rows = _cut(11)
        last = max(at for _, at, _, kind in rows if kind != "heartbeat")
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        watch(detector, rows, last)
        detector.process_batch(
            batch([(0, last + 3650 * DAY, "kitchen", "motion"), (0, last - 3650 * DAY, "hall", "motion")])
        )
        assert detector.explain_home("a", last).last_life_s == last

    def test_the_offset_moves_the_day_with_the_sun(self) -> None:
        shift = 8 * HOUR
        moved = [(home, at - shift, room, kind) for home, at, room, kind in _cut(11)]
        plain, east = _silence(_cut(11)), _silence(moved, offset_s=shift)
        assert [(h, k, at - shift) for h, k, at in plain] == east

    @pytest.mark.parametrize("step_s", [-HOUR, HOUR])
    def test_daylight_saving_in_the_night_raises_nothing(self, step_s: float) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        rows = days_of_life(0, 10)
        change = START + 6 * DAY + 2 * HOUR
        before = [row for row in rows if row[1] < change]
        after = [(h, at - step_s, r, k) for h, at, r, k in rows if at - step_s >= change]
        assert watch(detector, before, change) == []
        detector.add_home("a", utc_offset_s=step_s)
        assert watch(detector, after, START + 9.9 * DAY - step_s) == []

    def test_a_silence_over_midnight_is_one_silence(self) -> None:
        raised = _silence(_cut(21.5))
        assert len(raised) == 1
        assert raised[0][2] > START + 5 * DAY

    def test_an_empty_home_is_never_due(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a")
        detector.process_batch(batch([]))
        detector.process_batch(batch(beats(0, START, START + 2 * DAY)))
        assert detector.sweep_homes(START + 2 * DAY) == []
        told = detector.explain_home("a", START + 2 * DAY)
        assert (told.last_room, told.presence) == ("", "unknown")
        assert told.reason.code == "no_life_yet"

    def test_one_sensor_is_enough(self) -> None:
        rows: Rows = [(0, at, "living" if kind == "motion" else room, kind) for _, at, room, kind in _cut(11)]
        raised = [at for _, _, at in _silence(rows)]
        assert sum(at > START + 4 * DAY for at in raised) == 1
        assert len(raised) <= 2  # the first night may seem long where nothing says which room is the bedroom

    def test_a_stuck_sensor_hides_nothing_once_it_is_dead(self) -> None:
        rows = _cut(11)
        stuck: Rows = [(0, START + 3 * DAY + second, "hall", "motion") for second in range(0, int(DAY), 20)]
        assert len(_silence([*rows, *stuck])) == 1

    @pytest.mark.parametrize("cut", [500, 2000])
    def test_a_sensor_that_never_rests_is_not_life_for_ever(self, cut: int) -> None:
        rows = sorted(_cut(11), key=lambda row: row[1])
        last = max(at for _, at, _, kind in rows if kind != "heartbeat")
        stuck: Rows = [(0, last + second, "hall", "motion") for second in range(20, int(DAY), 20)]
        everything = sorted([*rows, *stuck, *beats(0, last, last + DAY)], key=lambda row: row[1])
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        raised = []
        for lo in range(0, len(everything), cut):
            detector.process_batch(batch(everything[lo : lo + cut]))
            raised += detector.sweep_homes(everything[min(lo + cut, len(everything)) - 1][1])
        assert [signal.room for signal in raised if signal.at_s > last] == ["hall"]
        at = last + DAY
        detector.process_batch(batch([(0, at, "kitchen", "motion")]))
        assert detector.explain_home("a", at).last_life_s == at

    def test_a_sensor_that_is_all_there_is_may_fire_all_day(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        rows: Rows = [(0, START + second, "living", "motion") for second in range(0, int(DAY), 120)]
        detector.process_batch(batch(rows))
        assert detector.explain_home("a", START + DAY).last_life_s == rows[-1][1]

    def test_a_sensor_that_dies_leaves_the_others_as_life(self) -> None:
        rows = [row for row in _cut(11) if row[2] != "kitchen" or row[1] < START + 3 * DAY]
        raised = _silence(rows)
        assert [at > START + 4 * DAY for _, _, at in raised] == [True]

    def test_an_outage_is_neither_life_nor_silence(self) -> None:
        rows = [row for row in days_of_life(0, 6) if not 4.4 * DAY < row[1] - START < 5.4 * DAY]
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        assert watch(detector, rows, START + 5.6 * DAY) == []

    @pytest.mark.parametrize("hour", [3.0, 9.5, 11.2, 12.0, 18.0, 23.9])
    def test_a_restart_raises_the_same_alerts_to_the_second(self, hour: float) -> None:
        rows = sorted(_cut(11), key=lambda row: row[1])
        last = rows[-1][1]
        rows += beats(0, np.ceil(last / HOUR) * HOUR, last + 20 * HOUR)
        plain = InactivityDetector()
        plain.add_home("a", utc_offset_s=0.0)
        whole = watch(plain, rows, START + 5.5 * DAY)
        first = InactivityDetector()
        first.add_home("a", utc_offset_s=0.0)
        broken = START + 4 * DAY + hour * HOUR
        raised = watch(first, [row for row in rows if row[1] <= broken], broken)
        again = InactivityDetector.from_snapshot(first.dump_snapshot())
        raised += watch(again, [row for row in rows if row[1] > broken], START + 5.5 * DAY)
        assert raised == whole
        assert len(whole) == 1

    def test_a_torn_snapshot_is_refused(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a")
        data = detector.dump_snapshot()
        for torn in (b"", data[:100], data[:-30], b"no archive at all"):
            with pytest.raises(SnapshotRefused):
                InactivityDetector.from_snapshot(torn)

    def test_homes_do_not_touch_each_other(self) -> None:
        alone = _silence(_cut(11))
        detector = InactivityDetector(capacity=1)
        for name in ("a", "b", "c"):
            detector.add_home(name, utc_offset_s=0.0)
        rows = _cut(11)
        last = max(at for _, at, _, kind in rows if kind != "heartbeat")
        others = [(home, at, room, kind) for home in (1, 2) for _, at, room, kind in days_of_life(0, 7, seed=home + 8)]
        quiet = beats(0, np.ceil(last / HOUR) * HOUR, last + 30 * HOUR)
        raised = watch(detector, [*rows, *others, *quiet], last + 30 * HOUR)
        assert [row for row in raised if row[0] == "a"] == alone
