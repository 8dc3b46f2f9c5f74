"""When devices were last seen: the latest time, the last battery and link quality, and nothing twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.sensors import Sensor, SensorTable, sensor_of
from anju_platform.ingest.last_seen import LastSeenBuffer
from anju_platform.timeseries.store import Source

QUANTITIES = ("occupancy", "battery", "link_quality")
SENSORS = [
    sensor_of(Source(home, device, "hall", quantity), 0, quantity, "motion")
    for home in ("home-1", "home-2")
    for device in ("hall", "bath")
    for quantity in QUANTITIES
]
READINGS = st.lists(
    st.tuples(st.integers(0, len(SENSORS) - 1), st.integers(1, 50).map(float), st.integers(0, 9).map(float)),
    max_size=12,
)


@pytest.fixture
def buffer() -> LastSeenBuffer:
    return LastSeenBuffer(table_of(SENSORS))


def table_of(sensors: list[Sensor]) -> SensorTable:
    table = SensorTable()
    for sensor in sensors:
        table.put(sensor)
    return table


def expected(rows: list[tuple[int, float, float]]) -> dict[tuple[str, str], LastSeen]:
    """The same, reading by reading."""
    found: defaultdict[tuple[str, str], LastSeen] = defaultdict(lambda: LastSeen(0.0))
    for row, at_s, value in rows:
        source = SENSORS[row].source
        seen = found[source.home, source.device]
        seen.at_s = max(seen.at_s, at_s)
        if source.quantity != "occupancy":
            setattr(seen, source.quantity, value)
    return dict(found)


@given(READINGS, READINGS)
def test_columns_say_the_same_as_reading_by_reading(
    first: list[tuple[int, float, float]], second: list[tuple[int, float, float]]
) -> None:
    table = table_of(SENSORS)
    columns, single = LastSeenBuffer(table), LastSeenBuffer(table)
    for rows in (first, second):
        row, at_s, value = np.array(rows).reshape(-1, 3).T
        columns.record_rows(row.astype(np.int64), at_s, value)
        for number, time_s, given_value in rows:
            single.record_reading(SENSORS[number], time_s, given_value)
    assert columns.drain() == single.drain() == expected(first + second)
    assert columns.drain() == {} == single.drain()


def test_both_ways_together_are_one_entry_for_each_device(buffer: LastSeenBuffer) -> None:
    buffer.record_device("home-1", "gw-1", 30.0)
    buffer.record_device("home-1", "gw-1", 20.0)
    buffer.record_reading(SENSORS[0], 40.0, None)
    buffer.record_reading(SENSORS[1], 10.0, None)
    buffer.record_rows(np.array([1, 2]), np.array([50.0, 5.0]), np.array([87.0, 0.5]))
    assert buffer.drain() == {("home-1", "gw-1"): LastSeen(30.0), ("home-1", "hall"): LastSeen(50.0, 87.0, 0.5)}


def test_what_was_drained_does_not_come_again_with_a_later_sensor(buffer: LastSeenBuffer) -> None:
    buffer.record_rows(np.array([1]), np.array([50.0]), np.array([87.0]))
    buffer.drain()
    buffer.record_rows(np.array([0]), np.array([20.0]), np.array([1.0]))
    assert buffer.drain() == {("home-1", "hall"): LastSeen(20.0)}, "an older reading that comes late counts by itself"


def test_sensors_that_join_later_are_collected_too() -> None:
    table = table_of(SENSORS[:2])
    buffer = LastSeenBuffer(table)
    buffer.record_rows(np.array([1]), np.array([9.0]), np.array([70.0]))
    table.put(SENSORS[4])
    moved = replace(SENSORS[4], source=replace(SENSORS[4].source, room="bathroom"))
    table.put(moved)
    buffer.record_rows(np.array([2]), np.array([8.0]), np.array([60.0]))
    assert buffer.drain() == {("home-1", "hall"): LastSeen(9.0, 70.0), ("home-1", "bath"): LastSeen(8.0, 60.0)}


def test_a_battery_that_only_says_low_is_kept_as_a_truth_by_either_way() -> None:
    low = sensor_of(Source("home-1", "hall", "hall", "battery_low"), 0, "battery_low", "motion")
    buffer = LastSeenBuffer(table_of([low]))
    for value, said in ((1.0, True), (0.0, False)):
        buffer.record_rows(np.array([0]), np.array([9.0]), np.array([value]))
        (columns,) = buffer.drain().values()
        buffer.record_reading(low, 9.0, value)
        (single,) = buffer.drain().values()
        assert columns.battery_low is single.battery_low is said
