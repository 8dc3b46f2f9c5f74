from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest.duplicates import SequenceTracker


def test_a_pack_out_of_order_waits_for_the_hole() -> None:
    stream = SequenceTracker()
    stream.mark_stored(1, 1)
    stream.mark_stored(3, 1)
    assert (stream.upto, stream.is_stored(3), stream.is_stored(2)) == (1, True, False)
    stream.mark_stored(2, 1)
    assert (stream.upto, stream.ahead) == (3, set())


def test_what_the_gateway_no_longer_holds_is_not_waited_for() -> None:
    stream = SequenceTracker()
    stream.mark_stored(5, base=5)
    assert stream.upto == 5
    stream.mark_stored(9, base=8)
    assert (stream.upto, stream.is_stored(7), stream.is_stored(8)) == (7, True, False)


def test_an_old_base_takes_nothing_back() -> None:
    stream = SequenceTracker(upto=10)
    stream.mark_stored(4, base=1)
    assert (stream.upto, stream.ahead) == (10, set())


def test_a_copy_is_its_own() -> None:
    stream = SequenceTracker(1, {3})
    tried = stream.copy()
    tried.mark_stored(2, 1)
    assert (stream.upto, stream.ahead, tried.upto) == (1, {3}, 3)


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11)))
def test_any_order_with_any_repeats_ends_complete(order: list[int], again: list[int]) -> None:
    stream = SequenceTracker()
    seen: set[int] = set()
    for seq in (*order, *again):
        assert stream.is_stored(seq) == (seq in seen)
        stream.mark_stored(seq, 1)
        seen.add(seq)
        complete = next(number for number in range(1, 13) if number not in seen) - 1
        assert stream.upto == complete
    assert (stream.upto, stream.ahead) == (11, set())
