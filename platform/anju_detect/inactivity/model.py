"""The inactivity model: survival of innocent gaps, and the likelihood ratio of a collapse at their beginning.

`hazard` predicts, for each interval into a gap, the probability that an innocent gap ends within it. `weight` predicts
the log of how much more often a collapse than an innocent gap begins like this, if collapses strike uniformly over the
time that a person is up and about at home. A call after d hours costs exp(weight) · d hours of delay plus cost · P(an
innocent gap lasts longer); the deadline is where the sum is least.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.inactivity import durations
from anju_detect.inactivity.discrete_time_hazard import DiscreteTimeHazard
from anju_detect.inactivity.features import NAMES, began_at_exit, features, step_features
from anju_detect.inactivity.habits import TAIL_REACH, is_exit
from anju_detect.inactivity.hazard_grid import EDGES_S, STEPS
from anju_detect.inactivity.state import HomeState
from anju_detect.model_store import load_arrays
from anju_detect.trees import GradientBoostedTrees, sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TAIL = 0.005
TAIL_PRIOR = 2.0
TAIL_POWER = 1.0
TAIL_RANGE = (0.05, 300.0)
CHUNK = 256
# Bounds of the log likelihood ratio: homes with other sensors differ from the training homes. Gaps that began at the
# outer door may be much less likely a collapse.
MOST_WEIGHT, LEAST_WEIGHT, LEAST_AT_EXIT = 2.0, -2.5, -4.0
# Below this log weight a gap that began at the outer door is an absence, and a long one raises `away_long`.
AWAY_WEIGHT = -2.0


@dataclass(frozen=True, slots=True)
class SurvivalForecast:
    """Forecast of gaps, one row each.

    Attributes
    ----------
    survival
        Shape (gaps, STEPS + 1): P(an innocent gap lasts at least so long), at `EDGES_S`.
    log_weight
        Shape (gaps,): log likelihood ratio of a collapse.
    at_exit
        Shape (gaps,): whether it began at the outer door.

    """

    survival: Floats
    log_weight: Floats
    at_exit: NDArray[np.bool_]

    def select_rows(self, rows: Ints | list[int]) -> SurvivalForecast:
        """Return only these rows."""
        return SurvivalForecast(self.survival[rows], self.log_weight[rows], self.at_exit[rows])

    def survival_at(self, silent_s: Floats) -> Floats:
        """P(an innocent gap lasts at least so long), interpolated; one length in seconds for each row."""
        rows = zip(silent_s, self.survival, strict=True)
        return np.array([np.interp(silent, EDGES_S, row) for silent, row in rows], np.float64)

    def tail_s(self, share: float) -> Floats:
        """Length in seconds that at most this share of innocent gaps reaches; infinite above 24 h."""
        rare = self.survival <= share
        tail: Floats = np.where(rare.any(axis=1), EDGES_S[rare.argmax(axis=1)], np.inf)
        return tail

    def tail_interval(self) -> tuple[Floats, Floats]:
        """Length that `TAIL` of innocent gaps reach (infinite above 24 h), and the share ending soon after."""
        from_s = self.tail_s(TAIL)
        ends = np.minimum(np.where(np.isfinite(from_s), TAIL_REACH * from_s, EDGES_S[-1]), EDGES_S[-1])
        share = np.maximum(TAIL - self.survival_at(ends), 0.2 * TAIL)
        return from_s, np.where(np.isfinite(from_s), share, 0.0)

    def least_cost_s(self, false_alert_cost_h: Floats) -> Floats:
        """Length in seconds at which a call costs least, for the cost of a false alert in hours of delay."""
        cost = (
            np.exp(self.log_weight)[:, None] * EDGES_S / durations.HOUR_S + false_alert_cost_h[:, None] * self.survival
        )
        chosen: Floats = EDGES_S[np.argmin(cost, axis=1)]
        return chosen

    @property
    def away(self) -> NDArray[np.bool_]:
        """Gaps that are taken for absences."""
        return self.at_exit & (self.log_weight < AWAY_WEIGHT)


@dataclass(frozen=True, slots=True)
class InactivityModel:
    """Hazard and weight trees, and the cost of a false alert for each target.

    Attributes
    ----------
    hazard, weight
        Trees for the hazard and for the log likelihood ratio of a collapse.
    targets, false_alert_costs_h
        Rising targets (false alerts per home and 30 days), and the cost of a false alert (hours of delay) for each,
        falling.

    Raises
    ------
    ModelRefused
        Targets do not rise or costs do not fall.

    """

    hazard: GradientBoostedTrees
    weight: GradientBoostedTrees
    targets: Floats
    false_alert_costs_h: Floats
    _stepwise: DiscreteTimeHazard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that a higher target never costs more, and prepare the hazard."""
        object.__setattr__(self, "_stepwise", DiscreteTimeHazard.from_trees(self.hazard, len(NAMES)))
        if (
            len(self.targets) < 2  # noqa: PLR2004 - a straight line needs two
            or np.any(np.diff(self.targets) <= 0)
            or np.any(np.diff(self.false_alert_costs_h) >= 0)
        ):
            raise ModelRefused("targets must rise and costs fall")

    def forecast_gaps(self, s: HomeState, rows: Ints, began_s: Floats) -> SurvivalForecast:
        """Forecast gaps of these homes that began at `began_s`; their state must be that of the beginning."""
        survival = np.ones((len(rows), STEPS + 1))
        weight = np.zeros(len(rows))
        for lo in range(0, len(rows), CHUNK):
            part = slice(lo, lo + CHUNK)
            x, steps = features(s, rows[part], began_s[part]), step_features(s, rows[part], began_s[part])
            weight[part] = self.predict_log_weight(x)
            survival[part, 1:] = self.predict_survival(x, steps)
        return SurvivalForecast(survival, weight, is_exit(s["last_kind"][rows], s["last_room"][rows]))

    def predict_survival(self, x: Floats, steps: Floats) -> Floats:
        """Survival at the end of each interval; x is (n, features), steps (n, STEPS, interval features)."""
        ends = sigmoid(self._stepwise.decision_function(x, steps))
        return np.cumprod(1.0 - ends, axis=1).astype(np.float64)

    def predict_log_weight(self, x: Floats) -> Floats:
        """Log likelihood ratio of a collapse, bounded because other homes have other sensors; shape (n,)."""
        least = np.where(began_at_exit(x), LEAST_AT_EXIT, LEAST_WEIGHT)
        return np.clip(self.weight.decision_function(x), least, MOST_WEIGHT).astype(np.float64)

    def false_alert_cost_h(self, target: Floats, tail_calibration: Floats) -> Floats:
        """Cost of a false alert in hours of delay, for targets and tail calibrations of homes; extrapolated log-log."""
        log_target = np.log(np.clip(target, self.targets[0] / 10, self.targets[-1] * 10))
        known = np.log(self.targets), np.log(self.false_alert_costs_h)
        log_cost = np.asarray(np.interp(log_target, *known), np.float64)
        for end, inner in ((0, 1), (-1, -2)):
            gradient = (known[1][end] - known[1][inner]) / (known[0][end] - known[0][inner])
            beyond = log_target < known[0][0] if end == 0 else log_target > known[0][-1]
            log_cost[beyond] = known[1][end] + gradient * (log_target[beyond] - known[0][end])
        costs_h: Floats = np.exp(log_cost) * tail_calibration
        return costs_h

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the model as named arrays; `wishes` and `prices_h` are the names in stored files."""
        trees = self.hazard.to_arrays("hazard") | self.weight.to_arrays("weight")
        return trees | {"wishes": self.targets, "prices_h": self.false_alert_costs_h}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> InactivityModel:
        """Rebuild the model from `to_arrays`. Raises `ModelRefused` where an array is missing."""
        try:
            targets, costs = arrays["wishes"].astype(np.float64), arrays["prices_h"].astype(np.float64)
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error
        return cls(
            GradientBoostedTrees.from_arrays(arrays, "hazard"),
            GradientBoostedTrees.from_arrays(arrays, "weight"),
            targets,
            costs,
        )

    @classmethod
    def load_stored(cls) -> InactivityModel:
        """Load the model that this package ships."""
        return cls.from_arrays(load_arrays("inactivity"))


def tail_calibration_of(excess: NDArray[np.floating[Any]], expected: NDArray[np.floating[Any]]) -> Floats:
    """Ratio of observed to expected gaps in the tail of a home, shrunk towards 1 and bounded by `TAIL_RANGE`."""
    ratio = ((TAIL_PRIOR + excess) / (TAIL_PRIOR + expected)) ** TAIL_POWER
    return np.clip(ratio, *TAIL_RANGE).astype(np.float64)
