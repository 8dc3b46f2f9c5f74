"""Alarms of locked homes: in order, in their turn, and bounded."""

from __future__ import annotations

import pytest

from anju_platform.ingest import locked_homes
from anju_platform.ingest.locked_homes import RETRY_S, LockedHomes
from anju_platform.ingest.raw_message import RawMessage


def alarm(home: str, number: int) -> RawMessage:
    return RawMessage(f"anju/v1/anning/{home}/alarm", str(number).encode(), 0.0)


@pytest.fixture
def now_s() -> list[float]:
    return [100.0]


@pytest.fixture
def locked(now_s: list[float]) -> LockedHomes:
    return LockedHomes(lambda: now_s[0])


def test_what_comes_later_waits_behind_what_waits_of_its_home_alone(locked: LockedHomes, now_s: list[float]) -> None:
    first, second, other = alarm("a", 1), alarm("a", 2), alarm("b", 1)
    locked.keep_message(first)
    now_s[0] += 1.0
    assert locked.keep_back([first, second, other]) == [other]
    assert locked.waiting_since_s == 100.0
    (home,) = locked.list_due()
    for expected in (first, second):
        assert locked.find_first(home) is expected
        locked.drop_first(home)
    assert (locked.find_first(home), locked.waiting_since_s, locked.list_due()) == (None, None, ())
    assert locked.keep_back([first]) == [first]


def test_they_are_tried_again_in_intervals(locked: LockedHomes, now_s: list[float]) -> None:
    locked.keep_message(alarm("a", 1))
    for _ in range(3):
        assert locked.list_due() == ()
        now_s[0] += RETRY_S
        assert len(locked.list_due()) == 1
        locked.postpone()


def test_a_home_that_is_locked_for_long_takes_no_more_than_its_room(
    locked: LockedHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked_homes, "_MOST_OF_HOME", 3)
    monkeypatch.setattr(locked_homes, "_MOST", 5)
    for home in ("a", "b"):
        for number in range(10):
            locked.keep_message(alarm(home, number))
    kept = {home: [] for home in ("a", "b")}
    for home, payloads in kept.items():
        while (raw := locked.find_first(home)) is not None:
            payloads.append(raw.payload)
            locked.drop_first(home)
    assert kept == {"a": [b"0", b"1", b"2"], "b": [b"0", b"1"]}
