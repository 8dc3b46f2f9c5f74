"""The trained view of a silence: how likely an innocent one goes on, and how likely its beginning was a collapse.

`hazard` gives, for each step into the silence, the probability that an innocent one ends within it. `weight` gives the
log of how much more often a collapse than an innocent silence would begin like this, if collapses strike uniformly over
the time that a person is up and about at home. A call after d hours then costs exp(weight) · d hours of delay and
price · P(an innocent silence lasts longer) of false alert; the deadline is where the sum is least.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused
from anju_detect.inactivity import gaps
from anju_detect.inactivity.features import NAMES, began_at_exit, features, step_features
from anju_detect.inactivity.habits import TAIL_REACH, is_exit
from anju_detect.inactivity.state import HomeState
from anju_detect.inactivity.steps import EDGES_S, STEPS
from anju_detect.inactivity.stepwise import StepwiseForest
from anju_detect.shipped import load_arrays
from anju_detect.trees import Forest, sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TAIL = 0.005
TAIL_PRIOR = 2.0
TAIL_POWER = 1.0
TAIL_RANGE = (0.05, 300.0)
CHUNK = 256
# Homes with other sensors will differ from the recorded ones, so that no silence is taken for much more or less likely
# a collapse than others, but for one that began at a way out.
MOST_WEIGHT, LEAST_WEIGHT, LEAST_AT_EXIT = 2.0, -2.5, -4.0
# Below this log weight a silence that began at a way out is an absence, and a long one an alert of its own kind.
AWAY_WEIGHT = -2.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """One row per silence: survival at `EDGES_S`, log weight of a collapse, whether it began at a way out."""

    survival: Floats
    log_weight: Floats
    at_exit: NDArray[np.bool_]

    def take(self, rows: Ints | list[int]) -> Outlook:
        """Only these."""
        return Outlook(self.survival[rows], self.log_weight[rows], self.at_exit[rows])

    def survival_at(self, silent_s: Floats) -> Floats:
        """P(an innocent silence lasts at least so long), interpolated."""
        rows = zip(silent_s, self.survival, strict=True)
        return np.array([np.interp(silent, EDGES_S, row) for silent, row in rows], np.float64)

    def tail_s(self, share: float) -> Floats:
        """Length that at most this share of the innocent silences reaches; infinite above 24 h."""
        rare = self.survival <= share
        tail: Floats = np.where(rare.any(axis=1), EDGES_S[rare.argmax(axis=1)], np.inf)
        return tail

    def tail(self) -> tuple[Floats, Floats]:
        """Length that `TAIL` of the innocent silences reach (infinite above 24 h), and the share ending soon after."""
        from_s = self.tail_s(TAIL)
        ends = np.minimum(np.where(np.isfinite(from_s), TAIL_REACH * from_s, EDGES_S[-1]), EDGES_S[-1])
        share = np.maximum(TAIL - self.survival_at(ends), 0.2 * TAIL)
        return from_s, np.where(np.isfinite(from_s), share, 0.0)

    def cheapest_s(self, price_h: Floats) -> Floats:
        """Length at which to call, for the price of a false alert in hours of delay."""
        cost = np.exp(self.log_weight)[:, None] * EDGES_S / gaps.HOUR_S + price_h[:, None] * self.survival
        chosen: Floats = EDGES_S[np.argmin(cost, axis=1)]
        return chosen

    @property
    def away(self) -> NDArray[np.bool_]:
        """Silences that are taken for absences."""
        return self.at_exit & (self.log_weight < AWAY_WEIGHT)


@dataclass(frozen=True, slots=True)
class SilenceModel:
    """Two forests, and what a false alert must be priced at (hours) for a wished rate per home and 30 days."""

    hazard: Forest
    weight: Forest
    wishes: Floats
    prices_h: Floats
    _stepwise: StepwiseForest = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a price list that a higher wish could make dearer."""
        object.__setattr__(self, "_stepwise", StepwiseForest.of(self.hazard, len(NAMES)))
        if len(self.wishes) < 2 or np.any(np.diff(self.wishes) <= 0) or np.any(np.diff(self.prices_h) >= 0):  # noqa: PLR2004
            raise ModelRefused("wishes must rise and prices fall")

    def outlook(self, s: HomeState, rows: Ints, began_s: Floats) -> Outlook:
        """What to expect of silences of these homes that began at `began_s`; their state is that of the beginning."""
        survival = np.ones((len(rows), STEPS + 1))
        weight = np.zeros(len(rows))
        for lo in range(0, len(rows), CHUNK):
            part = slice(lo, lo + CHUNK)
            x, steps = features(s, rows[part], began_s[part]), step_features(s, rows[part], began_s[part])
            weight[part] = self.log_weight(x)
            survival[part, 1:] = self.survival(x, steps)
        return Outlook(survival, weight, is_exit(s["last_kind"][rows], s["last_room"][rows]))

    def survival(self, x: Floats, steps: Floats) -> Floats:
        """Survival at the end of each step; x is (n, features), steps (n, STEPS, step features)."""
        ends = sigmoid(self._stepwise.logit(x, steps))
        return np.cumprod(1.0 - ends, axis=1).astype(np.float64)

    def log_weight(self, x: Floats) -> Floats:
        """How much more often a collapse begins like this; within bounds, as homes with other sensors will differ."""
        least = np.where(began_at_exit(x), LEAST_AT_EXIT, LEAST_WEIGHT)
        return np.clip(self.weight.logit(x), least, MOST_WEIGHT).astype(np.float64)

    def price_h(self, wish: Floats, surprise: Floats) -> Floats:
        """Price of a false alert; `surprise` is how much more often than thought a home's silences are long."""
        log_wish = np.log(np.clip(wish, self.wishes[0] / 10, self.wishes[-1] * 10))
        known = np.log(self.wishes), np.log(self.prices_h)
        price = np.asarray(np.interp(log_wish, *known), np.float64)
        for end, inner in ((0, 1), (-1, -2)):
            slope = (known[1][end] - known[1][inner]) / (known[0][end] - known[0][inner])
            beyond = log_wish < known[0][0] if end == 0 else log_wish > known[0][-1]
            price[beyond] = known[1][end] + slope * (log_wish[beyond] - known[0][end])
        priced: Floats = np.exp(price) * surprise
        return priced

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays."""
        forests = self.hazard.arrays("hazard") | self.weight.arrays("weight")
        return forests | {"wishes": self.wishes, "prices_h": self.prices_h}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> SilenceModel:
        """The inverse of `arrays`."""
        try:
            wishes, prices = arrays["wishes"].astype(np.float64), arrays["prices_h"].astype(np.float64)
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error
        return cls(Forest.of(arrays, "hazard"), Forest.of(arrays, "weight"), wishes, prices)

    @classmethod
    def shipped(cls) -> SilenceModel:
        """The model that came with this package."""
        return cls.of(load_arrays("inactivity"))


def surprise_of(excess: NDArray[np.floating[Any]], expected: NDArray[np.floating[Any]]) -> Floats:
    """How much more often than thought a home's silences end in their tail, shrunk towards one."""
    ratio = ((TAIL_PRIOR + excess) / (TAIL_PRIOR + expected)) ** TAIL_POWER
    return np.clip(ratio, *TAIL_RANGE).astype(np.float64)
