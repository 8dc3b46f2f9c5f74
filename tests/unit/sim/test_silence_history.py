from __future__ import annotations

import pytest
from fixtures._simulated_homes import home

from anju_sim.resident_model import DAY_S, ResidentModel, SensorEvent
from anju_sim.silence_history import NoCutFound, cut_history, longest_run, shift_events, signs_of_life
from anju_wire.profiles import Quantity

NOW = 1_790_000_000.0


def _steps(hours_by_hour: bool) -> object:  # noqa: FBT001
    """A detector that allows three hours, or by day more than by night, with a jump between."""

    def ask(rows: list[SensorEvent], ends: list[float]) -> list[float | None]:
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
    life = list(ResidentModel(home(), seed).events_between(NOW - 14 * DAY_S, NOW))
    ask = _steps(by_hour)
    past = cut_history("home-01", life, NOW + 10, NOW, ask)  # type: ignore[arg-type]
    assert past.deadline_s == pytest.approx(NOW + 10, abs=1.0)
    assert past.events == sorted(past.events)
    assert past.events[-1].at_s < NOW - 1800
    assert all(h.value or h.quantity is Quantity.CONTACT for h in past.events)
    told = ask(past.events, [past.events[-1].at_s])  # type: ignore[operator]
    assert told[0] == pytest.approx(past.deadline_s)


def test_a_home_that_is_never_due_is_said_so() -> None:
    life = list(ResidentModel(home(), 1).events_between(NOW - DAY_S, NOW))
    with pytest.raises(NoCutFound, match="none is ever due"):
        cut_history("home-01", life, NOW + 10, NOW, lambda _rows, ends: [None] * len(ends))
    with pytest.raises(NoCutFound, match="misses by"):
        cut_history("home-01", life, NOW + 10, NOW, lambda _rows, ends: [end + 90 * DAY_S for end in ends])
    with pytest.raises(NoCutFound):
        cut_history("home-01", [], NOW + 10, NOW, lambda _rows, ends: [None] * len(ends))


def test_the_longest_run_without_a_hole() -> None:
    def at(*days: float) -> list[SensorEvent]:
        return [SensorEvent(day * DAY_S, "m", Quantity.OCCUPANCY, True) for day in days]

    assert longest_run(at(0, 1, 5, 6, 7, 8, 12)) == at(5, 6, 7, 8)
    assert longest_run(at(3)) == at(3)
    assert longest_run([]) == []


def test_moving_and_thinning() -> None:
    life = [SensorEvent(1.0, "m", Quantity.OCCUPANCY, True), SensorEvent(2.0, "m", Quantity.OCCUPANCY, False)]
    assert signs_of_life(life) == life[:1]
    assert [h.at_s for h in shift_events(life, 5)] == [6.0, 7.0]
