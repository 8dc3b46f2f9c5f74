"""Simulates false alerts and delays for costs of a false alert, on homes left out; inverts that to costs by target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations, false_alert_budget
from anju_detect.inactivity.habits import TAIL_REACH
from anju_detect.inactivity.model import SurvivalForecast, tail_calibration_of
from anju_research.inactivity.sampling import GapMoments, TrainingSample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

MONTH_DAYS = 30.0
HORIZON_H = 24.0
TARGETS = np.geomspace(0.1, 10.0, 13)
COSTS_H = np.geomspace(1.0, 1e6, 49)
_SETTLED = 3


@dataclass(frozen=True, slots=True)
class CostCurve:
    """False alerts and delays over falling targets, each home judged by a model of other homes.

    Arrays of shape (targets, homes): `false` alerts in all, `false_home` without those while the home was provably
    empty, mean `delay_h` after a collapse (24 where it was not found), share `found` within 24 h. `days` and
    `home_days` are the scored time of each home, and `homes` their numbers in the sample.
    """

    targets: Floats
    false_alert_costs_h: Floats
    false: Floats
    false_home: Floats
    delay_h: Floats
    found: Floats
    days: Floats
    home_days: Floats
    homes: Ints

    @property
    def all_rate(self) -> Floats:
        """False alerts per home and 30 days, by target."""
        rate: Floats = MONTH_DAYS * self.false.sum(axis=1) / self.days.sum()
        return rate

    @property
    def home_rate(self) -> Floats:
        """The same while somebody may have been at home."""
        rate: Floats = MONTH_DAYS * self.false_home.sum(axis=1) / self.home_days.sum()
        return rate

    @property
    def mean_delay_h(self) -> Floats:
        """Mean delay over homes, by target."""
        mean: Floats = self.delay_h.mean(axis=1)
        return mean

    @property
    def worst(self) -> Floats:
        """Highest rate of a single home, by target."""
        worst: Floats = (MONTH_DAYS * self.false / self.days).max(axis=1)
        return worst

    def at_rate(self, rate: float, *, at_home: bool = False) -> tuple[float, float, float]:
        """Interpolate mean delay (h), share found and the worst home's rate at a measured rate of false alerts."""
        measured = (self.home_rate if at_home else self.all_rate)[::-1]
        x = np.log(np.maximum.accumulate(measured) + 0.01)
        columns = (self.mean_delay_h, self.found.mean(axis=1), self.worst)
        delay, found, worst = (float(np.interp(np.log(rate + 0.01), x, column[::-1])) for column in columns)
        return delay, found, worst


def compute_cost_curve(sample: TrainingSample, gaps: SurvivalForecast, collapses: SurvivalForecast) -> CostCurve:
    """Simulate all homes at each target, with the cost that brings about as many false alerts as targeted."""
    own = np.unique(sample.collapses.home)
    own = own[~sample.is_copy[own]]
    simulations = [_HomeSimulation.from_sample(sample, gaps, collapses, int(home)) for home in own]
    days, home_days = sample.days[own], sample.home_days[own]
    targets = TARGETS[::-1]
    rough = [life.simulate(COSTS_H, np.full(len(COSTS_H), np.inf)) for life in simulations]
    cost_h = _cost_at(targets, COSTS_H, _rate(rough, days))
    for _ in range(_SETTLED):
        lived = [life.simulate(cost_h, targets) for life in simulations]
        cost_h = cost_h * np.clip(_rate(lived, days) / targets, 0.25, 4.0)
        cost_h = np.maximum.accumulate(cost_h)
    lived = [life.simulate(cost_h, targets) for life in simulations]
    return CostCurve(
        targets,
        cost_h,
        np.stack([one.false for one in lived], axis=1),
        np.stack([one.inside for one in lived], axis=1),
        np.stack([one.delay_h for one in lived], axis=1),
        np.stack([one.found for one in lived], axis=1),
        days,
        home_days,
        own,
    )


def cost_table(curve: CostCurve) -> tuple[Floats, Floats]:
    """Return rising targets, and the cost for each, strictly falling."""
    cost_h = np.minimum.accumulate(curve.false_alert_costs_h[::-1])
    return curve.targets[::-1], cost_h * (1.0 - 1e-6) ** np.arange(len(cost_h))


@dataclass(frozen=True, slots=True)
class _SimulatedOutcome:
    """Outcome for each cost, summed over one home."""

    false: Floats
    inside: Floats
    delay_h: Floats
    found: Floats


@dataclass(frozen=True, slots=True)
class _HomeSimulation:
    """Gaps of one home in order of time, and its simulated collapses."""

    gaps: GapMoments
    forecast: SurvivalForecast
    length_s: Floats
    away: Truths
    scored: Truths
    collapses: GapMoments
    struck: SurvivalForecast

    @classmethod
    def from_sample(
        cls, sample: TrainingSample, gaps: SurvivalForecast, collapses: SurvivalForecast, home: int
    ) -> _HomeSimulation:
        rows = np.flatnonzero(sample.gaps.home == home)
        rows = rows[np.argsort(sample.gaps.began_s[rows], kind="stable")]
        mine = np.flatnonzero(sample.collapses.home == home)
        return cls(
            sample.gaps.select_rows(rows),
            gaps.select_rows(rows),
            sample.length_s[rows],
            sample.away[rows],
            sample.scored[rows],
            sample.collapses.select_rows(mine),
            collapses.select_rows(mine),
        )

    def simulate(self, false_alert_costs_h: Floats, targets: Floats) -> _SimulatedOutcome:
        """Raise what each cost would raise; false alerts raise the cost of the next ones."""
        tail_calibration, before = self._tail_calibration()
        began = self.gaps.began_s
        count, factors = np.zeros(len(false_alert_costs_h)), np.ones((len(began) + 1, len(false_alert_costs_h)))
        false, inside = np.zeros((2, len(false_alert_costs_h)))
        for number in range(len(began)):
            passed = began[number] - (began[number - 1] if number else began[0])
            count = count * np.exp(-passed / false_alert_budget.MONTH_S)
            factors[number] = false_alert_budget.cost_factor(count, targets)
            at_s = self.forecast.select_rows([number]).least_cost_s(
                false_alert_costs_h * factors[number] * tail_calibration[number]
            )
            raised = (at_s < self.length_s[number]) & ~self.forecast.away[number]
            count = count + raised
            false += raised & self.scored[number]
            inside += raised & self.scored[number] & ~self.away[number]
        factors[-1] = false_alert_budget.cost_factor(count, targets)
        return _SimulatedOutcome(false, inside, *self._struck(false_alert_costs_h, tail_calibration, before, factors))

    def _tail_calibration(self) -> tuple[Floats, Ints]:
        """Tail calibration known at each gap, and the number of gaps before each collapse."""
        tail_s, share = self.forecast.tail_interval()
        excess = (self.length_s >= tail_s) & (self.length_s < TAIL_REACH * tail_s)
        tail_calibration = tail_calibration_of(
            *(np.concatenate([[0.0], np.cumsum(column)]) for column in (excess, share))
        )
        return tail_calibration, np.searchsorted(self.gaps.began_s, self.collapses.began_s, "left")

    def _struck(
        self, false_alert_costs_h: Floats, tail_calibration: Floats, before: Ints, factors: Floats
    ) -> tuple[Floats, Floats]:
        """Mean delay (h) and share found."""
        age_h = (self.collapses.now_s - self.collapses.began_s) / durations.HOUR_S
        delay, found = [], []
        for number, cost_h in enumerate(false_alert_costs_h):
            chosen_h = (
                self.struck.least_cost_s(cost_h * tail_calibration[before] * factors[before, number]) / durations.HOUR_S
            )
            late = np.where(self.struck.away, HORIZON_H, np.minimum(chosen_h - age_h, HORIZON_H))
            delay.append(late.mean())
            found.append((late < HORIZON_H).mean())
        return np.array(delay), np.array(found)


def _rate(lived: list[_SimulatedOutcome], days: Floats) -> Floats:
    rate: Floats = MONTH_DAYS * np.sum([one.false for one in lived], axis=0) / days.sum()
    return rate


def _cost_at(targets: Floats, false_alert_costs_h: Floats, rate: Floats) -> Floats:
    """Cost that gave each targeted rate."""
    falling = np.minimum.accumulate(rate) + 1e-6 * np.arange(len(rate))[::-1]
    found = np.interp(np.log(targets + 0.01), np.log(falling[::-1] + 0.01), np.log(false_alert_costs_h[::-1]))
    cost_h: Floats = np.exp(found)
    return cost_h
