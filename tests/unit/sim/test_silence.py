from __future__ import annotations

import pytest
from fixtures._simulated_homes import home

from anju_sim.life import DAY_S, Happening, Life
from anju_sim.silence import NoCutFound, cut_for, longest_run, moved, signs_of_life
from anju_wire.profiles import Quantity

NOW = 1_790_000_000.0


def _steps(hours_by_hour: bool) -> object:  # noqa: FBT001
    """A detector that allows three hours, or by day more than by night, with a jump between."""

    def ask(rows: list[Happening], ends: list[float]) -> list[float | None]:
        limits = []
        for end in ends:
            last = max(row.at_s for row in rows if row.at_s <= end)
            hour = (last % DAY_S) // 3600
            limits.append(last + 3600 * (3.0 if not hours_by_hour else 2.0 + (hour % 5)))
        return list(limits)

    return ask


@pytest.mark.parametrize("by_hour", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_past_is_cut_and_moved_so_that_it_is_due_when_wanted(seed: int, by_hour: bool) -> None:  # noqa: FBT001
    life = list(Life(home(), seed).between(NOW - 14 * DAY_S, NOW))
    ask = _steps(by_hour)
    past = cut_for("home-01", life, NOW + 10, NOW, ask)  # type: ignore[arg-type]
    assert past.deadline_s == pytest.approx(NOW + 10, abs=1.0)
    assert past.happenings == sorted(past.happenings)
    assert past.happenings[-1].at_s < NOW - 1800
    assert all(h.value or h.quantity is Quantity.CONTACT for h in past.happenings)
    told = ask(past.happenings, [past.happenings[-1].at_s])  # type: ignore[operator]
    assert told[0] == pytest.approx(past.deadline_s)


def test_a_home_that_is_never_due_is_said_so() -> None:
    life = list(Life(home(), 1).between(NOW - DAY_S, NOW))
    with pytest.raises(NoCutFound, match="none is ever due"):
        cut_for("home-01", life, NOW + 10, NOW, lambda _rows, ends: [None] * len(ends))
    with pytest.raises(NoCutFound, match="misses by"):
        cut_for("home-01", life, NOW + 10, NOW, lambda _rows, ends: [end + 90 * DAY_S for end in ends])
    with pytest.raises(NoCutFound):
        cut_for("home-01", [], NOW + 10, NOW, lambda _rows, ends: [None] * len(ends))


def test_the_longest_run_without_a_hole() -> None:
    def at(*days: float) -> list[Happening]:
        return [Happening(day * DAY_S, "m", Quantity.OCCUPANCY, True) for day in days]

    assert longest_run(at(0, 1, 5, 6, 7, 8, 12)) == at(5, 6, 7, 8)
    assert longest_run(at(3)) == at(3)
    assert longest_run([]) == []


def test_moving_and_thinning() -> None:
    life = [Happening(1.0, "m", Quantity.OCCUPANCY, True), Happening(2.0, "m", Quantity.OCCUPANCY, False)]
    assert signs_of_life(life) == life[:1]
    assert [h.at_s for h in moved(life, 5)] == [6.0, 7.0]
