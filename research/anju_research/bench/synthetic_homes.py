"""Synthetic signals for the benchmarks: days of many homes, and minutes of many wearers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import KINDS, ROOMS, InactivityDetector, LifeBatch
from anju_detect.inactivity.state import COLUMNS

Ints = NDArray[np.int64]

DAY_S, HOUR_S, QUARTER_S = 86400.0, 3600.0, 900.0
MIDNIGHT_S = 1_700_006_400.0
EVENTS_A_DAY = 60
"""So few that a home is without signs of life for 15 minutes 25 times a day."""
GAPS_A_DAY = 25
LEARNT_DAYS = 14
EPISODES = 2000
"""Distinct homes; a larger fleet consists of copies of them."""
QUIET_SHARE = 0.2

WALK_HZ, WALK_G, NOISE_G = 1.8, 0.25, 0.008
IMPACT_S = 0.03


def day_of_life(rng: np.random.Generator, homes: int, midnight_s: float) -> LifeBatch:
    """Generate one day of all homes: up between seven and ten, one outing, two visits to the bathroom at night."""
    wake = midnight_s + rng.normal(7.0, 0.7, (homes, 1)) * HOUR_S
    at_s = wake + rng.random((homes, EVENTS_A_DAY)) * rng.normal(15.0, 0.7, (homes, 1)) * HOUR_S
    room = rng.choice(len(ROOMS), at_s.shape, p=(0.3, 0.15, 0.25, 0.1, 0.1, 0.05, 0.05))
    kind = rng.choice(len(KINDS) - 1, at_s.shape, p=(0.8, 0.1, 0.08, 0.01, 0.01))
    out = midnight_s + rng.uniform(9.0, 16.0, (homes, 1)) * HOUR_S
    away = (at_s > out) & (at_s < out + 1.5 * HOUR_S)
    at_s[away] = np.broadcast_to(out, at_s.shape)[away]
    room[away], kind[away] = ROOMS.index("entrance"), KINDS.index("door")
    at_s[:, :2] = midnight_s + rng.uniform(0.0, 5.0, (homes, 2)) * HOUR_S
    room[:, :2], kind[:, :2] = ROOMS.index("bathroom"), KINDS.index("motion")
    home = np.broadcast_to(np.arange(homes)[:, None], at_s.shape)
    return LifeBatch(home.ravel(), at_s.ravel(), room.ravel().astype(np.int8), kind.ravel().astype(np.int8))


def _before(batch: LifeBatch, until_s: NDArray[np.float64]) -> LifeBatch:
    keep = batch.at_s < until_s[batch.home]
    return LifeBatch(batch.home[keep], batch.at_s[keep], batch.room[keep], batch.kind[keep])


def lived_in(rng: np.random.Generator, homes: int, due: int) -> tuple[InactivityDetector, float]:
    """Return a detector of `homes` homes after two weeks, and the time of its next sweep.

    It is early afternoon. Every home has a pending deadline; those of about `due` homes passed since the last sweep. As
    many homes as do so by day had a sign of life within the last 15 minutes.
    """
    seeds = InactivityDetector(capacity=EPISODES)
    for number in range(min(EPISODES, homes)):
        seeds.add_home(str(number), utc_offset_s=0.0)
    count = seeds.state.size
    for day in range(LEARNT_DAYS):
        seeds.process_batch(day_of_life(rng, count, MIDNIGHT_S + day * DAY_S))
    swept_s = MIDNIGHT_S + LEARNT_DAYS * DAY_S + 15 * HOUR_S
    ends = np.full(count, swept_s - QUARTER_S)
    quiet = rng.random(count) < QUIET_SHARE
    ends[quiet] -= rng.uniform(0.0, 8.0, int(quiet.sum())) * HOUR_S
    seeds.process_batch(_before(day_of_life(rng, count, swept_s - 15 * HOUR_S), ends))
    seeds.sweep_homes(swept_s)
    now_s = swept_s + QUARTER_S
    deadline = seeds.list_deadlines()[1]
    calm = np.flatnonzero(~(deadline <= now_s + HOUR_S))
    passed = np.flatnonzero((deadline > swept_s) & (deadline <= now_s))
    rows = rng.choice(calm, homes)
    if len(passed):
        rows[rng.choice(homes, min(due, homes), replace=False)] = np.resize(passed, min(due, homes))
    detector = copied(seeds, rows)
    detector.process_batch(fresh_life(rng, homes, now_s))
    return detector, now_s


def copied(seeds: InactivityDetector, rows: Ints) -> InactivityDetector:
    """Return a detector whose homes are copies of these rows."""
    detector = InactivityDetector(capacity=len(rows))
    for number in range(len(rows)):
        detector.state.add_home(str(number))
    for name, *_ in COLUMNS:
        detector.state[name][:] = seeds.state[name][rows]
    return detector


def fresh_life(rng: np.random.Generator, homes: int, now_s: float) -> LifeBatch:
    """Generate one sign of life of each home that will be without another for 15 minutes within the next 15."""
    count = round(homes * GAPS_A_DAY * QUARTER_S / DAY_S)
    home = rng.choice(homes, count, replace=False)
    at_s = now_s - rng.random(count) * QUARTER_S
    room = rng.choice(len(ROOMS), count).astype(np.int8)
    return LifeBatch(home, at_s, room, np.full(count, KINDS.index("motion"), np.int8))


def worn(rng: np.random.Generator, seconds: float, fs_hz: float, impacts_an_hour: float) -> NDArray[np.int16]:
    """Generate milli-g of one wearer: changing postures, walking for a fifth of the time, impacts above the trigger."""
    n = int(seconds * fs_hz)
    t = np.arange(n) / fs_hz
    turns = np.cumsum(rng.normal(0.0, 0.02, (n // int(fs_hz) + 2, 3)), axis=0) + rng.normal(0.0, 1.0, 3)
    posture = np.stack([np.interp(t, np.arange(len(turns)), turns[:, axis]) for axis in range(3)], axis=1)
    posture /= np.linalg.norm(posture, axis=1, keepdims=True)
    walking = np.repeat(rng.random(n // int(30 * fs_hz) + 1) < 0.2, int(30 * fs_hz))[:n]  # noqa: PLR2004
    size = 1.0 + WALK_G * walking * np.sin(2 * np.pi * WALK_HZ * t)
    for at in rng.uniform(0.0, seconds, rng.poisson(impacts_an_hour * seconds / HOUR_S)):
        near = slice(max(int((at - 0.3) * fs_hz), 0), int((at + 0.3) * fs_hz))
        size[near] += rng.uniform(0.8, 2.5) * np.exp(-0.5 * ((t[near] - at) / IMPACT_S) ** 2)
    samples = posture * size[:, None] + rng.normal(0.0, NOISE_G, (n, 3))
    return np.clip(np.round(samples * 1000), -16000, 16000).astype(np.int16)
