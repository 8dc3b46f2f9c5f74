from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest.duplicates import MOST_RUNS, SequenceTracker


def tracker(*stored: int) -> SequenceTracker:
    made = SequenceTracker()
    for seq in stored:
        made.mark_stored(seq)
    return made


def test_a_pack_out_of_order_waits_for_the_hole() -> None:
    stream = tracker(1, 3)
    assert (stream.stored_from(1), stream.is_stored(3), stream.is_stored(2)) == (1, True, False)
    stream.mark_stored(2)
    assert (stream.stored_from(1), stream.runs) == (3, [(1, 3)])


def test_what_the_gateway_no_longer_holds_is_not_waited_for() -> None:
    stream = tracker(5)
    assert (stream.stored_from(5), stream.stored_from(1), stream.stored_from(6)) == (5, 0, 5)
    stream.mark_stored(9)
    assert (stream.stored_from(8), stream.stored_from(9)) == (7, 9)


@given(st.integers(3, 2**53), st.integers(1, 100))
def test_a_number_far_ahead_marks_nothing_below_it(far: int, count: int) -> None:
    stream = tracker(1, far)
    for seq in range(2, min(far, 2 + count)):
        assert not stream.is_stored(seq)
        stream.mark_stored(seq)
        assert stream.stored_from(1) >= seq
    assert stream.is_stored(far)


def test_a_copy_is_its_own() -> None:
    stream = tracker(1, 3)
    tried = stream.copy()
    tried.mark_stored(2)
    assert (stream.runs, tried.runs) == ([(1, 1), (3, 3)], [(1, 3)])


def test_it_remembers_the_runs_that_were_touched_last() -> None:
    stream = tracker(*range(1, 4 * MOST_RUNS, 2))
    assert len(stream.runs) == MOST_RUNS
    assert (stream.is_stored(1), stream.is_stored(4 * MOST_RUNS - 1)) == (False, True)
    assert tracker(1, 2, 3, 9).longest_run() == (1, 3)
    assert SequenceTracker().longest_run() is None


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11)))
def test_any_order_with_any_repeats_ends_complete(order: list[int], again: list[int]) -> None:
    stream = SequenceTracker()
    seen: set[int] = set()
    for seq in (*order, *again):
        assert stream.is_stored(seq) == (seq in seen)
        stream.mark_stored(seq)
        seen.add(seq)
        complete = next(number for number in range(1, 13) if number not in seen) - 1
        assert stream.stored_from(1) == complete
    assert stream.runs == [(1, 11)]
