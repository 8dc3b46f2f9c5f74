"""A few of a home's rejected messages are kept, the others counted; no home takes another's share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest import quarantine_rate
from anju_platform.ingest.quarantine_rate import BURST, PER_S, QuarantineRate


def count_kept(rate: QuarantineRate, home: str, messages: int, now_s: float) -> int:
    return sum(rate.choose_kept([home] * messages, now_s))


def test_a_burst_is_kept_then_three_a_minute() -> None:
    rate = QuarantineRate()
    assert rate.choose_kept(["a"] * (BURST + 2), 100.0) == [True] * BURST + [False] * 2
    assert [count_kept(rate, "a", 5, 100.0 + at_s) for at_s in (19.9, 20.0, 39.9, 60.0)] == [0, 1, 0, 2]
    assert count_kept(rate, "b", 1, 60.0) == 1, "another home has its own share"
    assert count_kept(rate, "a", 99, 100_000.0) == BURST, "no more than a burst, however long it was quiet"


def test_what_is_not_kept_is_counted_and_its_home_named_once() -> None:
    rate = QuarantineRate()
    assert (rate.drain_dropped(), rate.drain_flooding()) == ({}, [])
    rate.choose_kept(["a"] * (BURST + 3) + ["b"] + ["c"] * (BURST + 1), 100.0)
    assert (rate.drain_dropped(), rate.drain_flooding()) == ({"a": 3, "c": 1}, ["a", "c"])
    assert (rate.drain_dropped(), rate.drain_flooding()) == ({}, [])


@given(st.lists(st.sampled_from("ab"), max_size=60), st.integers(0, 30))
def test_what_is_taken_back_is_as_if_it_had_never_come(homes: list[str], before: int) -> None:
    plain, rate = QuarantineRate(), QuarantineRate()
    for one in (plain, rate):
        one.choose_kept(["a"] * before, 100.0)
    dropped = plain.drain_dropped()
    rate.take_back(homes, rate.choose_kept(homes, 100.0))
    assert rate.drain_dropped() == dropped
    assert rate.choose_kept(homes, 101.0) == plain.choose_kept(homes, 101.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    rate = QuarantineRate()
    count_kept(rate, "a", BURST, 100.0)
    assert count_kept(rate, "a", 1, 50.0) == 0


def test_of_many_homes_those_are_remembered_that_have_not_their_whole_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_rate, "_MOST_HOMES", 4)
    rate, whole_s = QuarantineRate(), BURST / PER_S
    for at_s, home in ((0.0, "early"), (0.1, "late"), (10.0, "c"), (10.0, "d")):
        count_kept(rate, home, BURST, at_s)
    assert count_kept(rate, "e", BURST, whole_s) == BURST
    assert count_kept(rate, "late", BURST, whole_s) == BURST - 1, "it had sent meanwhile"
    assert count_kept(rate, "early", BURST, whole_s) == BURST
    for number in range(50):
        count_kept(rate, f"invented-{number}", BURST, whole_s)
    assert len(rate._shares) <= 4
