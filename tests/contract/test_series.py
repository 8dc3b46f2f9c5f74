from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixtures.influx import InfluxServer

from anju_platform.timeseries.open import open_series
from anju_platform.timeseries.store import Clip, InvalidReading, Reading, Readings, SeriesStore, Source

DOOR = Source("home-01", "door-entrance", "entrance", "contact")
TEMPERATURE = Source("home-01", "door-entrance", "entrance", "temperature")
FALL = Source("home-01", "wearable-1", "other", "fall")
NEIGHBOUR = Source("home-02", "door-entrance", "entrance", "contact")
START_S = 1_790_000_000


@pytest.fixture(params=["duckdb", "influx"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    if request.param == "duckdb":
        opened = open_series(f"duckdb:///{tmp_path}/series.duckdb")
    else:
        server: InfluxServer = request.getfixturevalue("influx")
        opened = open_series(f"influx+{server.url}/{server.make_bucket()}", org=server.org, token=server.token)
    yield opened
    opened.close()


def batch(*rows: tuple[Source, float, float | str]) -> Readings:
    readings = Readings()
    for source, at, value in rows:
        if isinstance(value, str):
            readings.add_text(source, START_S + at, value)
        else:
            readings.add_number(source, START_S + at, value)
    return readings


def all_of(store: SeriesStore, home: str = "home-01") -> list[Reading]:
    return store.read_home(home, START_S - 10, START_S + 10_000)


def test_what_was_written_is_read_in_order_of_time(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 5, 1.0), (TEMPERATURE, 3.25, 21.5), (FALL, 4, "suspected:f-1"), (DOOR, 1, 0.0)))
    assert all_of(store) == [
        Reading(START_S + 1, "door-entrance", "entrance", "contact", 0.0),
        Reading(START_S + 3.25, "door-entrance", "entrance", "temperature", 21.5),
        Reading(START_S + 4, "wearable-1", "other", "fall", None, "suspected:f-1"),
        Reading(START_S + 5, "door-entrance", "entrance", "contact", 1.0),
    ]


def test_the_end_is_open_and_homes_are_apart(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 0, 1.0), (DOOR, 10, 0.0), (NEIGHBOUR, 5, 1.0)))
    assert [one.at_s for one in store.read_home("home-01", START_S, START_S + 10)] == [START_S]
    assert [one.at_s for one in store.read_home("home-02", START_S, START_S + 10)] == [START_S + 5]
    assert store.read_home("home-03", START_S, START_S + 10) == []
    assert store.read_home("home-01", START_S + 10, START_S) == []


def test_quantities_choose(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 0, 1.0), (TEMPERATURE, 1, 20.0), (FALL, 2, "confirmed:f-1")))
    chosen = store.read_home("home-01", START_S, START_S + 10, ["temperature", "fall"])
    assert [one.quantity for one in chosen] == ["temperature", "fall"]
    assert store.read_home("home-01", START_S, START_S + 10, []) == []


def test_a_replay_overwrites(store: SeriesStore) -> None:
    rows = batch((DOOR, 0, 1.0), (TEMPERATURE, 0, 20.0), (FALL, 2, "confirmed:f-1"))
    store.write_readings(rows)
    store.write_readings(rows)
    store.write_readings(batch((TEMPERATURE, 0, 22.0)))
    assert [(one.quantity, one.value, one.text) for one in all_of(store)] == [
        ("contact", 1.0, None),
        ("temperature", 22.0, None),
        ("fall", None, "confirmed:f-1"),
    ]


def test_a_device_that_was_registered_in_between_is_not_doubled(store: SeriesStore) -> None:
    store.write_readings(batch((replace(DOOR, room="other"), 0, 1.0)))
    store.write_readings(batch((DOOR, 0, 1.0)))
    assert len(all_of(store)) == 1


def test_readings_a_microsecond_apart_are_two(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 0.25, 1.0), (DOOR, 0.250001, 0.0)))
    assert [(round(one.at_s - START_S, 6), one.value) for one in all_of(store)] == [(0.25, 1.0), (0.250001, 0.0)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_refused_before_it_is_written(value: float) -> None:
    with pytest.raises(InvalidReading, match="home-01/door-entrance/contact"):
        Readings().add_number(DOOR, START_S, value)
    with pytest.raises(InvalidReading):
        Readings().add_text(FALL, value, "confirmed:f-1")


def test_an_empty_batch_is_nothing(store: SeriesStore) -> None:
    store.write_readings(batch())
    assert all_of(store) == []


@pytest.mark.parametrize("device", ["door, hall=1", 'quo"ted', "门磁-一", "a\\b", "${x}"])
def test_names_cannot_break_out(store: SeriesStore, device: str) -> None:
    text = 'he said "hi, \\o/"\nline=2 ${evil}'
    store.write_readings(batch((replace(DOOR, device=device), 0, 1.0), (replace(FALL, device=device), 1, text)))
    found = all_of(store)
    assert [one.value for one in found] == [1.0, None]
    assert found[1].text == text
    assert len({one.device for one in found}) == 1


def test_a_home_that_is_an_injection_reads_nothing(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 0, 1.0)))
    assert store.read_home('home-01" or true or r.home == "', START_S, START_S + 10) == []
    assert store.read_home("home-01' OR '1'='1", START_S, START_S + 10) == []


def test_ten_thousand_rows_of_many_homes(store: SeriesStore) -> None:
    homes, each = 50, 200
    readings = Readings()
    for number in range(homes):
        source = replace(DOOR, home=f"h-{number}")
        for row in range(each):
            readings.add_number(source, START_S + row, float(number * each + row))
    store.write_readings(readings)
    read = store.read_home("h-7", START_S, START_S + each)
    assert [one.value for one in read] == [float(7 * each + row) for row in range(each)]


def peaks(store: SeriesStore, *quantities: str, start: float = 0, end: float = 3000) -> list[tuple[str, float, float]]:
    found = store.read_peaks(START_S + start, START_S + end, quantities, 300)
    rows = [row for one in found for row in zip(one.sources, one.times, one.values, strict=True)]
    return [(f"{source.home}/{source.device}/{source.room}", at - START_S, value) for source, at, value in rows]


def test_peaks_are_the_highest_of_each_source_and_window_by_time(store: SeriesStore) -> None:
    assert START_S % 300 == 200
    moved = Source("home-01", "motion-living", "living", "occupancy")
    rows = ((moved, 10, 0.0), (moved, 50, 1.0), (moved, 60, 0.0), (moved, 99.9, 0.0), (moved, 100, 0.0))
    store.write_readings(
        batch(*rows, (DOOR, 900, 1.0), (NEIGHBOUR, 50, 0.0), (TEMPERATURE, 20, 21.0), (FALL, 30, "suspected:1"))
    )
    assert sorted(peaks(store, "occupancy", "contact", "fall")) == [
        ("home-01/door-entrance/entrance", 700.0, 1.0),
        ("home-01/motion-living/living", -200.0, 1.0),
        ("home-01/motion-living/living", 100.0, 0.0),
        ("home-02/door-entrance/entrance", -200.0, 0.0),
    ]
    times = [at for _, at, _ in peaks(store, "occupancy", "contact", "temperature")]
    assert times == sorted(times)
    assert peaks(store, "occupancy", start=60, end=100) == [("home-01/motion-living/living", -200.0, 0.0)]
    assert peaks(store, "steps") == peaks(store, "occupancy", start=300) == []


def test_of_a_reading_that_was_written_again_the_last_counts_among_the_peaks(store: SeriesStore) -> None:
    for value in (1.0, 0.0):
        store.write_readings(batch((DOOR, 5, value)))
    assert [value for _, _, value in peaks(store, "contact")] == [0.0]


def test_a_source_is_one_object_however_often_it_is_read(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 5, 1.0)))
    (first,) = (one for some in store.read_peaks(START_S, START_S + 10, ["contact"], 300) for one in some.sources)
    store.write_readings(batch((NEIGHBOUR, 6, 1.0), (DOOR, 700, 1.0)))
    again = [one for some in store.read_peaks(START_S, START_S + 1000, ["contact"], 300) for one in some.sources]
    assert [one is first for one in again if one.home == "home-01"] == [True, True]


def test_a_scan_sees_all_homes_in_order_of_time(store: SeriesStore) -> None:
    store.write_readings(batch((DOOR, 2, 1.0), (NEIGHBOUR, 1, 0.0), (TEMPERATURE, 0, 20.0), (DOOR, 50, 0.0)))
    found = [
        (home, one.at_s - START_S, one.quantity)
        for home, one in store.scan_readings(START_S, START_S + 50, ["contact"])
    ]
    assert found == [("home-02", 1, "contact"), ("home-01", 2, "contact")]


def test_a_reader_beside_a_writer(store: SeriesStore) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                all_of(store)
        except Exception as error:  # noqa: BLE001 - any failure is the finding
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        store.write_readings(batch((DOOR, number, 1.0)))
    reader.join()
    assert not failures
    assert len(all_of(store)) == 20


def test_a_clip_is_kept_once_and_found_by_its_time(store: SeriesStore) -> None:
    first = Clip(START_S + 0.5, 50.0, np.arange(300, dtype="<i2").tobytes())
    second = Clip(START_S + 0.5, 50.0, np.arange(600, dtype="<i2").tobytes())
    later = Clip(START_S + 30.0, 50.0, np.arange(30, dtype="<i2").tobytes())
    assert store.read_clip("home-01", START_S) is None
    for clip in (first, second, later):
        store.write_clip("home-01", "wearable-1", clip)
    assert store.read_clip("home-01", START_S + 2) == second
    assert store.read_clip("home-01", START_S + 29) == later
    assert store.read_clip("home-01", START_S + 300) is None
    assert store.read_clip("home-02", START_S) is None
