from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from fixtures._simulated_homes import home

from anju_sim.resident_model import DAY_S, SHANGHAI_S, ResidentModel, SensorEvent
from anju_wire.profiles import Quantity

START = 1_790_000_000.0


def test_the_same_seed_gives_the_same_life_however_it_is_cut() -> None:
    whole = list(ResidentModel(home(), 1).events_between(START, START + 3 * DAY_S))
    parts = [
        event
        for begin, end in pairwise([START, START + 1000.5, START + DAY_S * 1.7, START + 3 * DAY_S])
        for event in ResidentModel(home(), 1).events_between(begin, end)
    ]
    assert whole == parts
    assert whole == sorted(whole)


@pytest.mark.parametrize(("seed", "name"), [(2, "home-01"), (1, "home-02")])
def test_another_seed_or_home_is_another_life(seed: int, name: str) -> None:
    one = list(ResidentModel(home(), 1).events_between(START, START + DAY_S))
    assert one != list(ResidentModel(home(name), seed).events_between(START, START + DAY_S))


@pytest.mark.parametrize("seed", range(8))
def test_a_week_looks_like_a_persons_week(seed: int) -> None:
    life = list(ResidentModel(home(), seed).events_between(START, START + 7 * DAY_S))
    moves = [h for h in life if h.quantity is Quantity.OCCUPANCY and h.value]
    assert 40 < len(moves) / 7 < 600
    gaps = np.diff([h.at_s for h in moves])
    assert gaps.max() < 9 * 3600
    hours = np.array([(h.at_s + SHANGHAI_S) % DAY_S / 3600 for h in moves])
    night = np.mean((hours > 0.5) & (hours < 4.5))
    assert night < 0.1, "people sleep at night"


def test_doors_are_closed_after_they_were_opened() -> None:
    contacts: dict[str, list[SensorEvent]] = {}
    for event in ResidentModel(home(), 3).events_between(START, START + 7 * DAY_S):
        if event.quantity is Quantity.CONTACT:
            contacts.setdefault(event.device, []).append(event)
    assert set(contacts) == {"door-entrance", "fridge"}
    for said in contacts.values():
        assert sum(not h.value for h in said) == pytest.approx(sum(h.value for h in said), abs=2)
