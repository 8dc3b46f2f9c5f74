"""Collects training data: what the live detector knew at each gap of recorded homes, and how long it lasted.

Homes are run through the detector itself, so that training sees what inference sees. Collapses are not recorded; they
are taken to strike uniformly within 15 minutes after a sign of life inside the home, outside gaps that outer door
events bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations, habits
from anju_detect.inactivity.detector import InactivityDetector
from anju_detect.inactivity.features import features, step_features
from anju_detect.inactivity.signals import LifeBatch
from anju_detect.inactivity.vocabulary import ENTRANCE, HEARTBEAT, MOTION, ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

TICK_S = 300.0
AT_HOME_S = 900.0
DOOR_BEFORE_S, DOOR_AFTER_S = 300.0, 120.0
WARM_UP_S, HISTORY_S = 14 * durations.DAY_S, 21 * durations.DAY_S
INNER = [room for room in range(len(ROOMS)) if room != ENTRANCE]
COLLAPSES_A_HOME = 1000
COLLAPSE_SHARE = 0.3
FOLDS = 7
# Each home also trains copies with movement sensors in these rooms only, by turns.
FEWER = tuple(
    tuple(ROOMS.index(room) for room in rooms)
    for rooms in (
        ("living", "kitchen"),
        ("living", "bathroom"),
        ("kitchen", "hall"),
        ("bedroom", "kitchen"),
        ("kitchen",),
        ("living",),
        ("hall",),
        ("living", "hall"),
    )
)


@dataclass(frozen=True, slots=True)
class RecordedHome:
    """One home's log in order of time, local seconds; `outages` are (from, until) in which nothing was recorded."""

    at_s: Floats
    room: NDArray[np.int8]
    kind: NDArray[np.int8]
    outages: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class GapMoments:
    """Moments within gaps: home, last sign of life, now, and the features of the gap."""

    home: Ints
    began_s: Floats
    now_s: Floats
    x: Floats
    steps: NDArray[np.float32]

    def select_rows(self, rows: Ints | Truths) -> GapMoments:
        """Return only these rows."""
        return GapMoments(self.home[rows], self.began_s[rows], self.now_s[rows], self.x[rows], self.steps[rows])


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """Gaps and possible collapses of recorded homes.

    `gaps` are gaps with their `length_s`; `away` are bounded by outer door events, `scored` are after the warm-up,
    `late` after the time from which on collapses strike; `collapses` are moments of possible collapses; `days` is the
    scored time per home, `home_days` without absences. `source` is the home of which each home is a copy, itself where
    it is none.
    """

    gaps: GapMoments
    length_s: Floats
    away: Truths
    scored: Truths
    late: Truths
    collapses: GapMoments
    days: Floats
    home_days: Floats
    source: Ints

    @property
    def is_copy(self) -> Truths:
        """Which homes are copies of another."""
        copies: Truths = self.source != np.arange(len(self.source))
        return copies


def with_fewer_sensors(homes: list[RecordedHome]) -> tuple[list[RecordedHome], Ints]:
    """Return the homes, then two copies of each with fewer sensors; and the source of each.

    Homes elsewhere have fewer sensors than the recorded ones, and long gaps every night. The first copy lacks movement
    outside the rooms of one entry of `FEWER`, the second has movement there and the outer door only.
    """
    first, second = [], []
    for number, home in enumerate(homes):
        moves, exits = home.kind == MOTION, home.room == ENTRANCE
        kept = np.isin(home.room, FEWER[number % len(FEWER)])
        first.append(_of_rows(home, kept | ~moves))
        kept = np.isin(home.room, FEWER[(3 * number + 4) % len(FEWER)])
        second.append(_of_rows(home, np.where(moves, kept, exits | (home.kind == HEARTBEAT))))
    copies = [*enumerate(first), *enumerate(second)]
    alive = [(number, copy) for number, copy in copies if (copy.kind != HEARTBEAT).any()]
    source = [*range(len(homes)), *(number for number, _ in alive)]
    return [*homes, *(copy for _, copy in alive)], np.array(source)


def _of_rows(home: RecordedHome, keep: Truths) -> RecordedHome:
    return RecordedHome(home.at_s[keep], home.room[keep], home.kind[keep], home.outages)


def collect_sample(
    recorded: list[RecordedHome], tick: Callable[[float], object] = float, *, seed: int = 7
) -> TrainingSample:
    """Run the homes and their copies through the detector in steps of five minutes; collect gaps and collapses."""
    homes, source = with_fewer_sensors(recorded)
    detector = InactivityDetector(capacity=len(homes))
    for number in range(len(homes)):
        detector.add_home(str(number), utc_offset_s=0.0)
    at_s = np.concatenate([home.at_s for home in homes])
    order = np.argsort(at_s, kind="stable")
    row = np.repeat(np.arange(len(homes)), [len(home.at_s) for home in homes])[order]
    columns = [np.concatenate([getattr(home, name) for home in homes])[order] for name in ("room", "kind")]
    at_s = at_s[order]
    ticks = np.arange(np.ceil(at_s[0] / TICK_S), np.ceil(at_s[-1] / TICK_S) + 1) * TICK_S
    edges = np.concatenate([[0], np.searchsorted(at_s, ticks, "right")])
    outages = sorted((span, number) for number, home in enumerate(homes) for span in home.outages)
    ends = np.array([home.at_s[-1] for home in homes])
    seen = np.full(len(homes), np.nan)
    gaps: list[GapMoments] = []
    collapses: list[GapMoments] = []
    rng = np.random.default_rng(seed)
    for number, now in enumerate(ticks):
        while outages and outages[0][0][0] <= now:
            (began, until), home = outages.pop(0)
            detector.set_outage(str(home), began, until)
        part = slice(edges[number], edges[number + 1])
        detector.process_batch(LifeBatch(row[part], at_s[part], columns[0][part], columns[1][part]))
        s = detector.state
        last = s["last_life_s"]
        silent = np.where(np.isfinite(last) & (now <= ends), now - last, np.nan)
        fresh = np.flatnonzero((silent >= durations.MIN_GAP_S) & (seen != last))
        seen[fresh] = last[fresh]
        gaps += _moments(detector, fresh, now)
        inner = np.where(habits.is_exit(s["last_kind"], s["last_room"]), s["room_s"][:, INNER].max(axis=1), last)
        inside = (silent < AT_HOME_S) & (now - inner < AT_HOME_S)
        collapses += _moments(detector, np.flatnonzero(inside & (rng.random(len(homes)) < COLLAPSE_SHARE)), now)
        tick((number + 1) / len(ticks))
    return _labelled(homes, source, _joined(gaps), _joined(collapses))


def _moments(detector: InactivityDetector, rows: Ints, now_s: float) -> list[GapMoments]:
    if not len(rows):
        return []
    s = detector.state
    began = s["last_life_s"][rows]
    x, steps = features(s, rows, began), step_features(s, rows, began).astype(np.float32)
    return [GapMoments(rows, began, np.full(len(rows), now_s), x, steps)]


def _joined(parts: list[GapMoments]) -> GapMoments:
    names = ("home", "began_s", "now_s", "x", "steps")
    return GapMoments(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _labelled(homes: list[RecordedHome], source: Ints, gaps: GapMoments, collapses: GapMoments) -> TrainingSample:
    """Lengths of the gaps, and which moments count; what an outage touches is left out."""
    length = np.full(len(gaps.home), np.nan)
    away, scored, late = np.zeros((3, len(length)), bool)
    keep = np.zeros(len(collapses.home), bool)
    days = np.zeros((2, len(homes)))
    for number, home in enumerate(homes):
        rows, mine = np.flatnonzero(gaps.home == number), np.flatnonzero(collapses.home == number)
        starts_s = float(home.at_s[home.kind != HEARTBEAT][0])
        began = gaps.began_s[rows]
        length[rows], away[rows] = _ends(home, began)
        scored[rows], late[rows] = began > starts_s + WARM_UP_S, began > starts_s + HISTORY_S
        out = away[rows]
        gone = [*zip(began[out], (began + length[rows])[out], strict=True), *home.outages]
        keep[mine] = (collapses.now_s[mine] > starts_s + HISTORY_S) & ~_within(collapses.now_s[mine], gone)
        days[:, number] = [_outside_days(starts_s + WARM_UP_S, home.at_s[-1], holes) for holes in (home.outages, gone)]
    known = np.isfinite(length)
    chosen = _some_of_each(np.flatnonzero(keep), collapses.home)
    days = np.maximum(days, 0.1)
    return TrainingSample(
        gaps.select_rows(known),
        length[known],
        away[known],
        scored[known],
        late[known],
        collapses.select_rows(chosen),
        days[0],
        days[1],
        source,
    )


def _ends(home: RecordedHome, began: Floats) -> tuple[Floats, Truths]:
    """Lengths of the gaps (nan where an outage touches them), and whether outer door events bound them."""
    life = home.kind != HEARTBEAT
    at_s, exits = home.at_s[life], home.at_s[life][habits.is_exit(home.kind[life], home.room[life])]
    after = np.searchsorted(at_s, began + 1e-4, "right")
    ended = np.where(after < len(at_s), at_s[np.minimum(after, len(at_s) - 1)], np.nan)
    cut = np.zeros(len(began), bool)
    for start, until in home.outages:
        cut |= (began < until) & (ended > start)
    away = _near(exits, began - DOOR_BEFORE_S, began) & _near(exits, ended, ended + DOOR_AFTER_S)
    return np.where(cut, np.nan, ended - began), away & np.isfinite(ended) & ~cut


def _within(at_s: Floats, spans: list[tuple[float, float]]) -> Truths:
    inside = np.zeros(len(at_s), bool)
    for start, until in spans:
        inside |= (at_s > start) & (at_s < until)
    return inside


def _outside_days(from_s: float, until_s: float, holes: Iterable[tuple[float, float]]) -> float:
    """Days between the two times outside the holes, which may overlap."""
    edge, covered = from_s, 0.0
    for start, until in sorted(holes):
        lo, hi = max(start, edge), min(until, until_s)
        covered += max(hi - lo, 0.0)
        edge = max(edge, hi)
    return max(until_s - from_s - covered, 0.0) / durations.DAY_S


def _some_of_each(rows: Ints, home: Ints) -> Ints:
    """At most `COLLAPSES_A_HOME` of the rows of each home, evenly spread."""
    parts = [rows[home[rows] == number] for number in np.unique(home[rows])]
    return np.concatenate(
        [part[np.linspace(0, len(part) - 1, min(len(part), COLLAPSES_A_HOME)).astype(np.int64)] for part in parts]
    )


def _near(exits: Floats, from_s: Floats, until_s: Floats) -> Truths:
    """Whether an outer door event lies in [from, until]."""
    if not len(exits):
        return np.zeros(len(from_s), bool)
    first = np.searchsorted(exits, from_s)
    found: Truths = (first < len(exits)) & (exits[np.minimum(first, len(exits) - 1)] <= until_s)
    return found
