"""When data come and how often is swept must not matter: the platform sweeps each second, `anju detect` each minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, batch, beats

from anju_detect.inactivity import InactivityDetector, InactivitySignal

Row = tuple[int, float, str, str]
Due = tuple[float, float]
"""Last sign of life, and when its silence is worth a call."""
DAYS = 3
SILENT_S = START + (DAYS - 1) * DAY + 15 * HOUR
END_S = SILENT_S + 27 * HOUR
MINUTE = 60.0
SEEDS = range(2)


def resting(seed: int) -> list[Row]:
    """Somebody who sits in one room for hours and stirs every few minutes or half hours; silent from `SILENT_S` on."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for day in range(DAYS):
        at, evening = START + day * DAY + 7 * HOUR, START + day * DAY + 22 * HOUR
        while at < evening:
            room = str(rng.choice(["living", "kitchen", "bedroom"]))
            for _ in range(int(rng.integers(1, 9))):
                rows.append((0, at, room, "motion"))
                at += float(rng.choice([rng.uniform(60, 850), rng.uniform(895, 960), rng.uniform(960, 2700)]))
    return sorted([row for row in rows if row[1] <= SILENT_S] + beats(0, START, END_S), key=lambda row: row[1])


@dataclass(frozen=True)
class Line:
    """How what happens gets to the detector: a sweep every `step_s`; what is of `held` comes after it, in parts."""

    step_s: float
    held: tuple[float, float] = (0.0, 0.0)
    parts: int = 1

    def arriving(self, rows: list[Row]) -> Iterator[tuple[float, list[Row]]]:
        """What came since the last sweep, at each."""
        held = [self.held[0] < row[1] <= self.held[1] for row in rows]
        late = [row for row, is_held in zip(rows, held, strict=True) if is_held]
        rest = [row for row, is_held in zip(rows, held, strict=True) if not is_held]
        pieces = np.array_split(np.arange(len(late)), self.parts) if late else []
        came = {self.held[1] + second: piece for second, piece in enumerate(pieces, 1)}
        ticks = np.union1d(np.arange(START, END_S, self.step_s), np.arange(START, END_S, HOUR))
        ticks = np.union1d(ticks, list(came))
        edges = np.searchsorted([row[1] for row in rest], ticks, "right").tolist()
        for now, lo, hi in zip(ticks.tolist(), [0, *edges], edges, strict=False):
            yield now, [late[number] for number in came.get(now, [])] + rest[lo:hi]


def watched(rows: list[Row], line: Line) -> tuple[list[tuple[str, float, float]], dict[float, Due]]:
    """The alerts, and what was pending at each full hour."""
    detector = InactivityDetector()
    detector.add_home("a", utc_offset_s=0.0)
    detector.sweep_homes(START)
    raised: list[InactivitySignal] = []
    pending: dict[float, Due] = {}
    for now, fresh in line.arriving(rows):
        detector.process_batch(batch(fresh))
        raised += detector.sweep_homes(now)
        if (now - START) % HOUR == 0:
            pending[now] = float(detector.state["last_life_s"][0]), float(detector.list_deadlines()[1][0])
    return [(one.kind, one.since_s, one.deadline_s) for one in raised], pending


@pytest.mark.parametrize("seed", SEEDS)
def test_how_often_is_swept_changes_no_deadline(seed: int) -> None:
    rows = resting(seed)
    alerts, pending = watched(rows, Line(MINUTE))
    assert [since for _, since, _ in alerts] == [max(row[1] for row in rows if row[3] == "motion")]
    for step_s in (13.0, 300.0):
        assert watched(rows, Line(step_s)) == (alerts, pending)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_backlog_in_pieces_changes_no_deadline(seed: int, parts: int) -> None:
    rows = resting(seed)
    alerts, pending = watched(rows, Line(MINUTE))
    for day in range(1, DAYS):
        for until in (12.7, 14.9):
            end = START + day * DAY + until * HOUR
            held = (end - 2.6 * HOUR, end)
            late_alerts, late_pending = watched(rows, Line(MINUTE, held, parts))
            assert late_alerts == alerts
            assert all(due == pending[now] for now, due in late_pending.items() if not held[0] < now <= held[1])
