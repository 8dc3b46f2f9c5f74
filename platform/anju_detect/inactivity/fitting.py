"""From a `Sample` to a `SilenceModel`, and the price list by homes that the forests never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.boosting import BoostingParameters, grow
from anju_detect.inactivity import gaps, model
from anju_detect.inactivity.features import began_at_exit
from anju_detect.inactivity.model import Outlook, SilenceModel, surprise_of
from anju_detect.inactivity.steps import EDGES_S, STEPS
from anju_detect.inactivity.training import FOLDS, HAZARD, PRICES_H, WEIGHT, WISHES, Moments, Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

MONTH_DAYS = 30.0
# What a false alert costs while the person is out, against one while they are in. 0.3 would shorten the delay by 3 % at
# equal false alerts while in, and lengthen it by 10 % at equal false alerts in all.
AWAY_COST = 1.0
HORIZON_H = 24.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One row per price: false alerts per home and 30 days (in all, and not while out), mean delay, found in 24 h.

    `worst` is the highest rate of a single home, `false` and `delay_h` hold the figures by home, shape (prices, homes).
    """

    prices_h: Floats
    all_rate: Floats
    home_rate: Floats
    mean_delay_h: Floats
    found: Floats
    worst: Floats
    false: Floats
    delay_h: Floats

    def at_rate(self, wish: float, *, at_home: bool = False) -> tuple[float, float, float]:
        """Mean delay (h), share found and worst home's rate, interpolated at a measured rate of false alerts."""
        rate = (self.home_rate if at_home else self.all_rate)[::-1]
        x = np.log(np.maximum.accumulate(rate) + 0.01)
        columns = (self.mean_delay_h, self.found, self.worst)
        delay, found, worst = (float(np.interp(np.log(wish + 0.01), x, column[::-1])) for column in columns)
        return delay, found, worst


def fit(
    sample: Sample,
    tick: Callable[[float], object] = float,
    *,
    hazard: BoostingParameters = HAZARD,
    weight: BoostingParameters = WEIGHT,
) -> tuple[SilenceModel, Curve]:
    """The model of all homes, priced by how models of other homes did on each; and that curve.

    The same sample gives the same model.
    """
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        tick(done / ((FOLDS + 1) * (hazard.trees + weight.trees)))

    silences, collapses = sample.silences, sample.collapses
    grown = _Growing(sample, hazard, weight, step)
    innocent, struck = _blank(len(silences.home)), _blank(len(collapses.home))
    for fold in range(FOLDS):
        part = _forests(grown, silences.home % FOLDS != fold, collapses.home % FOLDS != fold)
        _fill(innocent, part, silences, np.flatnonzero(silences.home % FOLDS == fold))
        _fill(struck, part, collapses, np.flatnonzero(collapses.home % FOLDS == fold))
    curve = price_curve(sample, innocent, struck)
    final = _forests(grown, np.ones(len(silences.home), bool), np.ones(len(collapses.home), bool))
    return SilenceModel(final.hazard, final.weight, WISHES, _price_list(curve)), curve


@dataclass(frozen=True, slots=True)
class _Growing:
    sample: Sample
    hazard: BoostingParameters
    weight: BoostingParameters
    step: Callable[[], None]


def _forests(growing: _Growing, silences: Truths, collapses: Truths) -> SilenceModel:
    """Forests of these rows; their prices mean nothing yet."""
    sample, step = growing.sample, growing.step
    chosen = np.flatnonzero(silences)
    cost = np.where(sample.away, AWAY_COST, 1.0)
    x, ended, counted = _steps(sample.silences.take(chosen), sample.length_s[chosen], cost[chosen])
    hazard = grow(x, ended, counted, growing.hazard, step)
    innocent = sample.silences.take(silences)
    struck = sample.collapses.take(collapses)
    share = 1.0 / np.bincount(struck.home)[struck.home]
    share *= cost[silences].sum() / share.sum()
    y = np.concatenate([np.ones(len(struck.home)), np.zeros(len(innocent.home))])
    every = np.concatenate([share, cost[silences]])
    weight = grow(np.concatenate([struck.x, innocent.x]), y, every, growing.weight, step)
    return SilenceModel(hazard, weight, WISHES, PRICES_H[: len(WISHES)][::-1])


def _steps(silences: Moments, length_s: Floats, cost: Floats) -> tuple[Floats, Floats, Floats]:
    """Every step that every silence reached, whether it ended there, and how much the silence counts."""
    parts, ends, counts = [], [], []
    for number in range(STEPS):
        rows = np.flatnonzero(length_s > EDGES_S[number])
        parts.append(np.concatenate([silences.x[rows], silences.steps[rows, number]], axis=1))
        ends.append((length_s[rows] <= EDGES_S[number + 1]).astype(np.float64))
        counts.append(cost[rows])
    return np.concatenate(parts), np.concatenate(ends), np.concatenate(counts)


def _blank(size: int) -> Outlook:
    return Outlook(np.ones((size, STEPS + 1)), np.zeros(size), np.zeros(size, bool))


def _fill(whole: Outlook, part: SilenceModel, moments: Moments, rows: Ints) -> None:
    """Write into `whole` what this model expects of these rows."""
    for lo in range(0, len(rows), model.CHUNK):
        some = rows[lo : lo + model.CHUNK]
        whole.survival[some, 1:] = part.survival(moments.x[some], moments.steps[some].astype(np.float64))
        whole.log_weight[some] = part.log_weight(moments.x[some])
        whole.at_exit[some] = began_at_exit(moments.x[some])


def price_curve(sample: Sample, silences: Outlook, collapses: Outlook) -> Curve:
    """False alerts and delays of these outlooks over `PRICES_H`, each home's surprise growing as it would live."""
    surprise, later = _surprises(sample, silences)
    homes = len(sample.days)
    age_h = (sample.collapses.now_s - sample.collapses.began_s) / gaps.HOUR_S
    share = 1.0 / np.bincount(sample.collapses.home, minlength=homes)[sample.collapses.home]
    alert_rows = sample.scored & ~silences.away
    rows = []
    for price in PRICES_H:
        false = alert_rows & (silences.cheapest_s(price * surprise) < sample.length_s)
        delay = np.minimum(collapses.cheapest_s(price * later) / gaps.HOUR_S - age_h, HORIZON_H)
        delay[collapses.away] = HORIZON_H
        by_home = np.bincount(sample.silences.home[false], minlength=homes)
        inside = int((false & ~sample.away).sum())
        mean = np.bincount(sample.collapses.home, delay * share, homes)
        found = float(np.average(delay < HORIZON_H, weights=share))
        rows.append((by_home, inside, mean, found))
    false_by_home = np.array([row[0] for row in rows], np.float64)
    delay_by_home = np.array([row[2] for row in rows])
    had = np.bincount(sample.collapses.home, minlength=homes) > 0
    month = MONTH_DAYS / sample.days.sum()
    return Curve(
        PRICES_H,
        false_by_home.sum(axis=1) * month,
        np.array([row[1] for row in rows]) * month,
        delay_by_home[:, had].mean(axis=1),
        np.array([row[3] for row in rows]),
        (false_by_home * MONTH_DAYS / sample.days).max(axis=1),
        false_by_home,
        delay_by_home,
    )


def _surprises(sample: Sample, outlook: Outlook) -> tuple[Floats, Floats]:
    """Surprise of each silence's home when it began, and of each collapse's; as `HomeState` would have counted it."""
    at_silence = np.ones(len(outlook.log_weight))
    at_collapse = np.ones(len(sample.collapses.home))
    tail = outlook.tail_s(model.TAIL)
    for home in range(len(sample.days)):
        rows = np.flatnonzero(sample.silences.home == home)
        rows = rows[np.argsort(sample.silences.began_s[rows], kind="stable")]
        long = sample.length_s[rows] >= tail[rows]
        counted = np.concatenate([[0.0], np.cumsum(long)])
        ratio = surprise_of(counted, model.TAIL * np.arange(len(rows) + 1))
        at_silence[rows] = ratio[:-1]
        mine = np.flatnonzero(sample.collapses.home == home)
        before = np.searchsorted(sample.silences.began_s[rows], sample.collapses.began_s[mine], "left")
        at_collapse[mine] = ratio[before]
    return at_silence, at_collapse


def _price_list(curve: Curve) -> Floats:
    """The price that gave each wished rate, falling strictly."""
    rate = np.minimum.accumulate(curve.all_rate) + 1e-6 * np.arange(len(curve.all_rate))[::-1]
    price = np.exp(np.interp(np.log(WISHES + 0.01), np.log(rate[::-1] + 0.01), np.log(curve.prices_h[::-1])))
    falling: Floats = np.minimum.accumulate(price) * (1.0 - 1e-6) ** np.arange(len(price))
    return falling
