"""Tests whether a measure has changed against a person's own past.

A day's score is its distance from the median of the past weeks in robust standard deviations (1.4826 · MAD; Rousseeuw &
Croux, doi:10.1080/01621459.1993.10476408), clipped at ±`MOST_Z`. Two such days in a row in one direction are a sudden
change; Page's cumulative sum (doi:10.1093/biomet/41.1-2.100) finds a gradual one. P-values come from a block bootstrap
of the person's own past, which keeps good and bad days together (Künsch, doi:10.1214/aos/1176347265): median and scale
are estimated anew from each resampled past, and the share of resampled months that reach as much is the p-value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAST, SKIPPED = 48, 7
"""Days of the past that is compared with, and days between it and today."""
MOST_Z = 4.0
ALLOWANCE = 0.5
"""Reference value of Page's test: half the shift, in standard deviations, that it is tuned to."""
MAD_TO_SD = 1.4826
BLOCK_DAYS = 4
MONTH_DAYS, LEAD_DAYS = 30, 14
BANDWIDTH, BLUR_DF = 1.06, 3
"""Silverman's factor, and degrees of freedom of the t that blurs resampled values: no short past holds the range of
an unchanged life, and days have heavy tails."""
LEAST_SUDDEN, LEAST_DRIFT = 3.0, 3.0
"""Below these nothing is resampled: an unchanged routine reaches as much every other week."""


@dataclass(frozen=True, slots=True)
class PastSummary:
    """Median, robust standard deviation and number of known days, each of shape (homes, measures)."""

    median: Floats
    scale: Floats
    days: Ints


def summarize_past(values: Floats, least_scale: Floats) -> PastSummary:
    """Summarise values of shape (homes, days, measures), where nan is unknown; `least_scale` bounds the scale below."""
    median, days = median_known(values)
    spread, _ = median_known(np.abs(values - median[:, None]))
    return PastSummary(median, np.maximum(MAD_TO_SD * spread, least_scale), days)


def median_known(values: Floats) -> tuple[Floats, Ints]:
    """Return the median over axis 1 of known values (nan where there is none), and the number of known values."""
    ordered = np.sort(values, axis=1)
    known = np.isfinite(ordered).sum(axis=1)
    low, high = np.maximum(known - 1, 0) // 2, known // 2
    high = np.minimum(high, ordered.shape[1] - 1)
    pair = [np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (low, high)]
    median: Floats = np.where(known > 0, (pair[0] + pair[1]) / 2.0, np.nan)
    return median, known


def robust_z_score(value: Floats, past: PastSummary) -> Floats:
    """Robust z-score of values of shape (homes, measures), clipped at ±`MOST_Z`; nan where unknown."""
    z: Floats = np.clip((value - past.median) / past.scale, -MOST_Z, MOST_Z)
    return z


def update_cusum(drift: Floats, z: Floats) -> Floats:
    """Page's cumulative sums a day later, shape (homes, 2, measures): up, down; unknown days change nothing."""
    both = np.stack([z, -z], axis=1) - ALLOWANCE
    later: Floats = np.where(np.isnan(both), drift, np.maximum(drift + both, 0.0))
    return later


def sudden_statistic(today: Floats, yesterday: Floats) -> Floats:
    """Sum of two days' z-scores on one side, in standard deviations of such a sum; 0 where one is unknown."""
    same = today * yesterday > 0
    return np.where(same, np.abs(today + yesterday) / np.sqrt(2.0), 0.0)


def bootstrap_p_values(
    past: Floats, least_scale: float, reached: tuple[float, float], draws: int, seed: list[int]
) -> Floats:
    """P-values of a sudden and a gradual change: shares of resampled months that reach as much.

    Parameters
    ----------
    past
        Known values of one measure of one home, in order of days; at least `BLOCK_DAYS` of them.
    least_scale
        Lower bound of the robust standard deviation.
    reached
        Observed `sudden_statistic`, and the larger of Page's sums.
    draws, seed
        Number of resampled months, and seed of the random numbers.

    """
    rng = np.random.default_rng(seed)
    days = len(past) + LEAD_DAYS + MONTH_DAYS
    blocks = rng.integers(0, len(past), (draws, -(-days // BLOCK_DAYS)))
    order = (blocks[:, :, None] + np.arange(BLOCK_DAYS)) % len(past)
    drawn = past[order.reshape(draws, -1)[:, :days]]
    width = BANDWIDTH * len(past) ** -0.2 * summarize_past(past[None, :, None], np.array([least_scale])).scale[0, 0]
    drawn = drawn + width * rng.standard_t(BLUR_DF, drawn.shape)
    known = summarize_past(drawn[:, : len(past), None], np.array([least_scale]))
    z = np.clip((drawn[:, len(past) :] - known.median) / known.scale, -MOST_Z, MOST_Z)
    highest = np.zeros((draws, 2))
    drift = np.zeros((draws, 2, 1))
    for day in range(LEAD_DAYS + MONTH_DAYS):
        drift = update_cusum(drift, z[:, day : day + 1])
        if day >= LEAD_DAYS:
            highest[:, 0] = np.maximum(highest[:, 0], sudden_statistic(z[:, day], z[:, day - 1]))
            highest[:, 1] = np.maximum(highest[:, 1], drift[:, :, 0].max(axis=1))
    p: Floats = (1.0 + (highest >= np.array(reached)).sum(axis=0)) / (1.0 + draws)
    return p
