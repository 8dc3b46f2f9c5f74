"""History arrives in batches, with its own times; a bad row is refused by itself."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.logger import BEAT_S, HISTORY_PACK, LoggerAdapter
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import Quantity

NOW = 1_750_000_000.0


def read_payload(payload: object) -> AdapterResult:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    result = LoggerAdapter("home-07", "gw-1", DeviceRegistry([])).read_message(
        "home-07/logger/history", raw, retained=False, now_s=NOW
    )
    assert result is not None
    return result


def test_history_becomes_packs_in_order() -> None:
    rows = [[NOW - 1000 + n, "motion-living", "occupancy", True] for n in range(450)]
    result = read_payload({"device": "logger-1", "rows": rows})
    assert [len(pack) for pack in result.history] == [HISTORY_PACK, HISTORY_PACK, 50]
    assert [reading.at_s for pack in result.history for reading in pack] == [row[0] for row in rows]
    assert not result.readings


def test_truth_may_be_a_number_in_history() -> None:
    (pack,) = read_payload({"rows": [[NOW - 5, "door", "contact", 0], [NOW - 4, "door", "contact", 1.0]]}).history
    assert [reading.value for reading in pack] == [False, True]


def test_an_alarm_in_history_is_an_alarm_with_its_own_time() -> None:
    result = read_payload({"rows": [[NOW - 5000, "leak", "water_leak", True], [NOW - 4999, "door", "contact", True]]})
    assert result.alarms == [[DeviceReading("leak", Quantity.WATER_LEAK, NOW - 5000, True)]]
    assert len(result.history) == 1


@pytest.mark.parametrize(
    "row",
    [
        [NOW + 3600, "door", "contact", True],
        [12.0, "door", "contact", True],
        [NOW - 5, "door", "mood", True],
        [NOW - 5, "door", "contact", 0.5],
        [NOW - 5, "door", "battery", True],
        [NOW - 5, "door", "battery", 400],
    ],
)
def test_a_row_without_meaning_is_refused_and_the_others_count(row: list[object]) -> None:
    result = read_payload({"rows": [row, [NOW - 1, "door", "contact", True]]})
    assert len(result.refused) == 1
    assert [len(pack) for pack in result.history] == [1]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        {"rows": 5},
        {"rows": [[1, 2]]},
        {"rows": [["now", "d", "contact", True]]},
        b"\xff",
        b"[" * 9999,
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_with_a_reason(payload: object) -> None:
    result = read_payload(payload)
    assert len(result.refused) == 1
    assert result.refused[0].why


def test_a_batch_of_ten_megabytes_is_refused_unread() -> None:
    assert "bytes" in read_payload(b" " * 10_000_000).refused[0].why


def test_other_topics_are_not_ours() -> None:
    assert (
        LoggerAdapter("home-07", "gw-1", DeviceRegistry([])).read_message(
            "home-08/logger/history", b"", retained=False, now_s=NOW
        )
        is None
    )


def test_a_time_that_was_logged_without_a_break_has_its_heartbeats() -> None:
    rows = [[NOW - 6 * 3600, "door", "contact", True], [NOW - 5 * 3600, "door", "contact", False]]
    readings = [r for pack in read_payload({"rows": rows, "awake": [NOW - 6 * 3600, NOW]}).history for r in pack]
    times = [reading.at_s for reading in readings]
    assert times == sorted(times)
    beats = [reading.at_s for reading in readings if reading.quantity is Quantity.HEARTBEAT]
    assert {reading.device for reading in readings if reading.quantity is Quantity.HEARTBEAT} == {"gw-1"}
    assert (beats[0], beats[-1]) == (NOW - 6 * 3600, NOW)
    assert max(after - before for before, after in pairwise(beats)) <= BEAT_S
    assert [r.at_s for r in readings if r.quantity is Quantity.CONTACT] == [row[0] for row in rows]


@pytest.mark.parametrize("awake", [[NOW - 400 * 86400, NOW], [NOW + 3600, NOW + 7200], [NOW - 5, NOW - 50], [1.0, 2.0]])
def test_a_time_that_cannot_have_been_logged_gives_no_heartbeats(awake: list[float]) -> None:
    result = read_payload({"rows": [[NOW - 1, "door", "contact", True]], "awake": awake})
    assert len(result.refused) == 1
    assert [len(pack) for pack in result.history] == [1]
