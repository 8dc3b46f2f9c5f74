"""Whether somebody is on call at every moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anju_core.rota import find_gap

START = datetime(2026, 3, 2, tzinfo=UTC)
hours = st.integers(0, 30)
shifts = st.lists(st.tuples(hours, hours).filter(lambda one: one[0] < one[1]), max_size=8)


@given(shifts, hours, hours)
def test_a_gap_is_the_first_hour_that_nobody_has(planned: list[tuple[int, int]], first: int, last: int) -> None:
    def at(hour: int) -> datetime:
        return START + timedelta(hours=hour)

    gap = find_gap(at(first), at(last), [(at(begins), at(ends)) for begins, ends in planned])
    uncovered = [hour for hour in range(first, last) if not any(begins <= hour < ends for begins, ends in planned)]
    assert (gap is None) == (not uncovered)
    if gap is not None:
        assert gap[0] == at(uncovered[0])
        assert gap[0] < gap[1] <= at(last)
