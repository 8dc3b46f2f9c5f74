"""What false alerts and delays a price brings, on homes that the forests never saw; and so the price of a wish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import gaps, quota
from anju_detect.inactivity.habits import TAIL_REACH
from anju_detect.inactivity.model import Outlook, surprise_of
from anju_research.inactivity.sampling import Moments, Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

MONTH_DAYS = 30.0
HORIZON_H = 24.0
WISHES = np.geomspace(0.1, 10.0, 13)
PRICES_H = np.geomspace(1.0, 1e6, 49)
_SETTLED = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """False alerts and delays over a falling list of wishes, each home judged by forests of other homes.

    Arrays of shape (wishes, homes): `false` alerts in all and `false_home` without those while the home was provably
    empty, mean `delay_h` after a collapse (24 where it was not found) and the share `found` within 24 h. Rates are per
    home and 30 days; `days` and `home_days` are the time that counts for each home, and `homes` their
    numbers in the sample.
    """

    wishes: Floats
    prices_h: Floats
    false: Floats
    false_home: Floats
    delay_h: Floats
    found: Floats
    days: Floats
    home_days: Floats
    homes: Ints

    @property
    def all_rate(self) -> Floats:
        """False alerts per home and 30 days."""
        rate: Floats = MONTH_DAYS * self.false.sum(axis=1) / self.days.sum()
        return rate

    @property
    def home_rate(self) -> Floats:
        """The same while somebody may have been at home."""
        rate: Floats = MONTH_DAYS * self.false_home.sum(axis=1) / self.home_days.sum()
        return rate

    @property
    def mean_delay_h(self) -> Floats:
        """Mean over the homes."""
        mean: Floats = self.delay_h.mean(axis=1)
        return mean

    @property
    def worst(self) -> Floats:
        """Highest rate of a single home."""
        worst: Floats = (MONTH_DAYS * self.false / self.days).max(axis=1)
        return worst

    def at_rate(self, rate: float, *, at_home: bool = False) -> tuple[float, float, float]:
        """Mean delay (h), share found and worst home's rate, interpolated at a measured rate of false alerts."""
        measured = (self.home_rate if at_home else self.all_rate)[::-1]
        x = np.log(np.maximum.accumulate(measured) + 0.01)
        columns = (self.mean_delay_h, self.found.mean(axis=1), self.worst)
        delay, found, worst = (float(np.interp(np.log(rate + 0.01), x, column[::-1])) for column in columns)
        return delay, found, worst


def price_curve(sample: Sample, silences: Outlook, collapses: Outlook) -> Curve:
    """Live through the homes at each wish, at the price that brings about as many false alerts as wished for."""
    own = np.unique(sample.collapses.home)
    own = own[~sample.is_copy[own]]
    lives = [_Life.of(sample, silences, collapses, int(home)) for home in own]
    days, home_days = sample.days[own], sample.home_days[own]
    wishes = WISHES[::-1]
    rough = [life.live(PRICES_H, np.full(len(PRICES_H), np.inf)) for life in lives]
    price = _price_at(wishes, PRICES_H, _rate(rough, days))
    for _ in range(_SETTLED):
        lived = [life.live(price, wishes) for life in lives]
        price = price * np.clip(_rate(lived, days) / wishes, 0.25, 4.0)
        price = np.maximum.accumulate(price)
    lived = [life.live(price, wishes) for life in lives]
    return Curve(
        wishes,
        price,
        np.stack([one.false for one in lived], axis=1),
        np.stack([one.inside for one in lived], axis=1),
        np.stack([one.delay_h for one in lived], axis=1),
        np.stack([one.found for one in lived], axis=1),
        days,
        home_days,
        own,
    )


def price_list(curve: Curve) -> tuple[Floats, Floats]:
    """Wishes that rise, and the price for each, falling strictly."""
    price = np.minimum.accumulate(curve.prices_h[::-1])
    return curve.wishes[::-1], price * (1.0 - 1e-6) ** np.arange(len(price))


@dataclass(frozen=True, slots=True)
class _Lived:
    """What came of each price."""

    false: Floats
    inside: Floats
    delay_h: Floats
    found: Floats


@dataclass(frozen=True, slots=True)
class _Life:
    """One home's silences in order of time, and the collapses that could have struck."""

    silences: Moments
    outlook: Outlook
    length_s: Floats
    away: Truths
    scored: Truths
    collapses: Moments
    struck: Outlook

    @classmethod
    def of(cls, sample: Sample, silences: Outlook, collapses: Outlook, home: int) -> _Life:
        rows = np.flatnonzero(sample.silences.home == home)
        rows = rows[np.argsort(sample.silences.began_s[rows], kind="stable")]
        mine = np.flatnonzero(sample.collapses.home == home)
        return cls(
            sample.silences.take(rows),
            silences.take(rows),
            sample.length_s[rows],
            sample.away[rows],
            sample.scored[rows],
            sample.collapses.take(mine),
            collapses.take(mine),
        )

    def live(self, prices_h: Floats, wishes: Floats) -> _Lived:
        """Raise what each price would raise, false alerts making the next ones dearer."""
        surprise, before = self._surprise()
        began = self.silences.began_s
        count, factors = np.zeros(len(prices_h)), np.ones((len(began) + 1, len(prices_h)))
        false, inside = np.zeros((2, len(prices_h)))
        for number in range(len(began)):
            passed = began[number] - (began[number - 1] if number else began[0])
            count = count * np.exp(-passed / quota.MONTH_S)
            factors[number] = quota.factor(count, wishes)
            at_s = self.outlook.take([number]).cheapest_s(prices_h * factors[number] * surprise[number])
            raised = (at_s < self.length_s[number]) & ~self.outlook.away[number]
            count = count + raised
            false += raised & self.scored[number]
            inside += raised & self.scored[number] & ~self.away[number]
        factors[-1] = quota.factor(count, wishes)
        return _Lived(false, inside, *self._struck(prices_h, surprise, before, factors))

    def _surprise(self) -> tuple[Floats, Ints]:
        """How surprising the home was known to be at each silence, and how many silences each collapse came after."""
        tail_s, share = self.outlook.tail()
        excess = (self.length_s >= tail_s) & (self.length_s < TAIL_REACH * tail_s)
        surprise = surprise_of(*(np.concatenate([[0.0], np.cumsum(column)]) for column in (excess, share)))
        return surprise, np.searchsorted(self.silences.began_s, self.collapses.began_s, "left")

    def _struck(self, prices_h: Floats, surprise: Floats, before: Ints, factors: Floats) -> tuple[Floats, Floats]:
        """Mean delay and share found."""
        age_h = (self.collapses.now_s - self.collapses.began_s) / gaps.HOUR_S
        delay, found = [], []
        for number, price in enumerate(prices_h):
            chosen_h = self.struck.cheapest_s(price * surprise[before] * factors[before, number]) / gaps.HOUR_S
            late = np.where(self.struck.away, HORIZON_H, np.minimum(chosen_h - age_h, HORIZON_H))
            delay.append(late.mean())
            found.append((late < HORIZON_H).mean())
        return np.array(delay), np.array(found)


def _rate(lived: list[_Lived], days: Floats) -> Floats:
    rate: Floats = MONTH_DAYS * np.sum([one.false for one in lived], axis=0) / days.sum()
    return rate


def _price_at(wishes: Floats, prices_h: Floats, rate: Floats) -> Floats:
    """The price that gave each wished rate."""
    falling = np.minimum.accumulate(rate) + 1e-6 * np.arange(len(rate))[::-1]
    found = np.interp(np.log(wishes + 0.01), np.log(falling[::-1] + 0.01), np.log(prices_h[::-1]))
    price: Floats = np.exp(found)
    return price
