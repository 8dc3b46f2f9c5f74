from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest.duplicates import SequenceTracker


def test_a_pack_out_of_order_waits_for_the_hole() -> None:
    stream = SequenceTracker()
    stream.take(1, 1)
    stream.take(3, 1)
    assert (stream.upto, stream.has(3), stream.has(2)) == (1, True, False)
    stream.take(2, 1)
    assert (stream.upto, stream.ahead) == (3, set())


def test_what_the_gateway_no_longer_holds_is_not_waited_for() -> None:
    stream = SequenceTracker()
    stream.take(5, base=5)
    assert stream.upto == 5
    stream.take(9, base=8)
    assert (stream.upto, stream.has(7), stream.has(8)) == (7, True, False)


def test_an_old_base_takes_nothing_back() -> None:
    stream = SequenceTracker(upto=10)
    stream.take(4, base=1)
    assert (stream.upto, stream.ahead) == (10, set())


def test_a_copy_is_its_own() -> None:
    stream = SequenceTracker(1, {3})
    tried = stream.copy()
    tried.take(2, 1)
    assert (stream.upto, stream.ahead, tried.upto) == (1, {3}, 3)


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11)))
def test_any_order_with_any_repeats_ends_complete(order: list[int], again: list[int]) -> None:
    stream = SequenceTracker()
    seen: set[int] = set()
    for seq in (*order, *again):
        assert stream.has(seq) == (seq in seen)
        stream.take(seq, 1)
        seen.add(seq)
        complete = next(number for number in range(1, 13) if number not in seen) - 1
        assert stream.upto == complete
    assert (stream.upto, stream.ahead) == (11, set())
