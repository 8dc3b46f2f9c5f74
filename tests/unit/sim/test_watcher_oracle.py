"""The oracle of what the family and the board are shown: it accepts the truth, and finds every kind of untruth."""

from __future__ import annotations

import pytest

from anju_sim.elder_oracle import ElderRecord
from anju_sim.watcher_oracle import (
    BoardSample,
    FamilySample,
    HomeSamples,
    find_board_untruths,
    find_family_untruths,
)

T0 = 1_790_000_000.0
STAFF = frozenset({"王姐", "陈护理员"})
TAKEN = [(0.2, "raised", "a"), (20.0, "acknowledged", "a")]
BACK = [*TAKEN, (40.0, "unacknowledged", "a")]
CLOSED = [*TAKEN, (60.0, "resolved", "a")]
NOBODY = "还没有人接手，紧急请拨 120"


def record(steps: list[tuple[float, str, str]]) -> ElderRecord:
    people = [(T0 + at, "王姐", alert) for at, step, alert in steps if step == "acknowledged"]
    return ElderRecord(steps=[(T0 + at, step, alert) for at, step, alert in steps], people=people)


@pytest.mark.parametrize(
    ("steps", "at_s", "state", "words", "why"),
    [
        (TAKEN, 10, "checking", NOBODY, None),
        (TAKEN, 10, "checking", "王姐已接手，紧急请拨 120", "nobody had taken it"),
        (TAKEN, 10, "checking", "社区正在联系", "nobody had taken it"),
        (TAKEN, 10, "fine", NOBODY, "nobody had taken it"),
        (TAKEN, 22, "checking", NOBODY, None),
        (TAKEN, 30, "checking", "王姐已接手", None),
        (TAKEN, 30, "checking", "有人已接手", "nobody who had is named"),
        (TAKEN, 30, "checking", "陈护理员已接手", "nobody who had is named"),
        (TAKEN, 30, "safe", "王姐已接手", "a person had taken it"),
        (BACK, 50, "checking", NOBODY, None),
        (BACK, 50, "checking", "王姐已接手，紧急请拨 120", "nobody had taken it"),
        (CLOSED, 70, "safe", "王姐已上门", None),
        (CLOSED, 70, "checking", "王姐已接手", "it was over"),
        (CLOSED, 70, "fine", "今天很好", "it was over"),
        ([(0.2, "raised", "a"), (9.0, "withdrawn", "a")], 30, "fine", "今天很好", None),
        ([*CLOSED, (70.0, "raised", "b")], 80, "checking", f"{NOBODY} 王姐已上门", None),
    ],
)
def test_it_judges_the_family_page(
    steps: list[tuple[float, str, str]], at_s: float, state: str, words: str, why: str | None
) -> None:
    shown = HomeSamples(family=[FamilySample(T0 + at_s, state, words)], staff=STAFF)
    found = find_family_untruths(record(steps), shown)
    assert [why in one for one in found if why] == ([] if why is None else [True]), found
    assert bool(found) == (why is not None)


@pytest.mark.parametrize(
    ("steps", "at_s", "states", "true"),
    [
        (TAKEN, 10, {"a": "notified"}, True),
        (TAKEN, 10, {}, False),
        (TAKEN, 10, {"a": "acknowledged"}, False),
        (TAKEN, 22, {"a": "notified"}, True),
        (TAKEN, 30, {"a": "acknowledged"}, True),
        (TAKEN, 30, {"a": "raised"}, False),
        (BACK, 50, {"a": "acknowledged"}, False),
        ([*TAKEN, (30.0, "arrived", "a")], 50, {"a": "arrived"}, True),
        (CLOSED, 70, {}, True),
        (CLOSED, 70, {"a": "acknowledged"}, False),
        ([*TAKEN, (21.0, "raised", "b")], 40, {"a": "acknowledged"}, False),
        ([], 40, {}, True),
    ],
)
def test_it_judges_the_board(
    steps: list[tuple[float, str, str]], at_s: float, states: dict[str, str], *, true: bool
) -> None:
    assert (find_board_untruths(record(steps), [BoardSample(T0 + at_s, states)]) == []) is true
