"""Motion sensors as a coordinator publishes them: movements, their ends, and check-ins that repeat what is cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anju_gateway.adapters.report_filter import BooleanReportFilter
from anju_wire.profiles import PROFILES, DeviceKind

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

HOUR_S = 3600.0
HORIZON_S = 26 * HOUR_S
"""A collapse is followed so long: the last hard rule is 24 h."""
ENDS_S = 90.0
"""From the last movement to its end, as zigbee2mqtt reports it unless told otherwise."""
LOST = 0.02
"""Share of ends that are lost on the way, so that the cached state stays true until the next movement ends."""
JITTER = 0.02
"""Most by which one gap between check-ins differs from the period, as a share of it."""
_FEATURE = PROFILES[DeviceKind.MOTION].features["occupancy"]


@dataclass(frozen=True, slots=True)
class CheckIns:
    """How sensors repeat themselves.

    Attributes
    ----------
    period_s
        Seconds between check-ins; infinite for none.
    ends
        Whether sensors report the end of a movement.
    stuck
        Whether the last end before a collapse is lost, so that they go on repeating true.
    restarts
        The gateway restarts at each check-in, and every sensor is published at once.

    """

    period_s: float
    ends: bool = True
    stuck: bool = False
    restarts: bool = False


class Reports(NamedTuple):
    """Reports of one sensor in order of time, s: whether somebody is there, and whether each is a movement."""

    at_s: Floats
    value: Truths
    moved: Truths


def reports_of(moved_s: Floats, check_ins: CheckIns, rng: np.random.Generator) -> Reports:
    """Return what a sensor reports of movements at these times, up to `HORIZON_S` after the last one."""
    state = _states(moved_s, ends=check_ins.ends)
    ticks = _ticks(float(moved_s[0]), float(moved_s[-1]) + HORIZON_S, check_ins, rng)
    cached = state.value[np.searchsorted(state.at_s, ticks, "right") - 1]
    at_s = np.concatenate([state.at_s, ticks])
    order = np.argsort(at_s, kind="stable")
    moved = np.concatenate([state.moved, np.zeros(len(ticks), bool)])
    return Reports(at_s[order], np.concatenate([state.value, cached])[order], moved[order])


def _states(moved_s: Floats, *, ends: bool) -> Reports:
    """Movements and their ends; the ends that are lost are the same whatever the check-ins."""
    over = np.append(np.diff(moved_s) > ENDS_S, True)
    kept = np.random.default_rng(len(moved_s)).random(len(moved_s)) >= LOST
    ended_s = moved_s[over & kept] + ENDS_S if ends else np.zeros(0)
    at_s = np.concatenate([moved_s, ended_s])
    moved = np.concatenate([np.ones(len(moved_s), bool), np.zeros(len(ended_s), bool)])
    order = np.argsort(at_s, kind="stable")
    return Reports(at_s[order], moved[order], moved[order])


def _ticks(from_s: float, until_s: float, check_ins: CheckIns, rng: np.random.Generator) -> Floats:
    period_s = check_ins.period_s
    if not np.isfinite(period_s):
        return np.zeros(0)
    if check_ins.restarts:
        return np.arange(np.ceil(from_s / period_s), until_s / period_s) * period_s
    gaps = period_s * rng.uniform(1.0 - JITTER, 1.0 + JITTER, int((until_s - from_s) / period_s * (1 + 2 * JITTER)) + 2)
    ticks: Floats = from_s + rng.uniform(0.0, period_s) + np.concatenate([[0.0], np.cumsum(gaps)])
    return ticks[ticks <= until_s]


class SensedLife(NamedTuple):
    """Signs of life of one sensor: of the whole recording, and after each collapse."""

    at_s: Floats
    after: list[Floats]


def sense_life(reports: Reports, collapses_s: Floats, check_ins: CheckIns) -> SensedLife:
    """Return what the gateway's filter lets pass as life; after a collapse nobody moves and check-ins go on."""
    gateway = BooleanReportFilter.parse(None, detects=_FEATURE.detects)
    life: list[float] = []
    after: list[Floats] = [np.zeros(0)] * len(collapses_s)
    rows = list(zip(reports.at_s.tolist(), reports.value.tolist(), strict=True))
    forks = _forks(reports, collapses_s, check_ins)
    for number, (at_s, value) in enumerate(rows):
        if check_ins.restarts:
            gateway = BooleanReportFilter.parse(str(gateway), detects=_FEATURE.detects)
        life += _add(gateway, value, at_s)
        for collapse in forks.get(number, ()):
            after[collapse] = _after(str(gateway), reports, number, float(collapses_s[collapse]), check_ins)
    moved_until_s = float(reports.at_s[reports.moved][-1])
    return SensedLife(np.sort(np.array([at_s for at_s in life if at_s <= moved_until_s])), after)


def _forks(reports: Reports, collapses_s: Floats, check_ins: CheckIns) -> dict[int, list[int]]:
    """Which collapses branch off after which report: the last movement before it, or the last report of any kind."""
    rows = np.flatnonzero(reports.moved) if check_ins.stuck else np.arange(len(reports.at_s))
    found: dict[int, list[int]] = {}
    for collapse, place in enumerate((np.searchsorted(reports.at_s[rows], collapses_s, "right") - 1).tolist()):
        if place >= 0:
            found.setdefault(int(rows[place]), []).append(collapse)
    return found


def _after(kept: str, reports: Reports, number: int, collapse_s: float, check_ins: CheckIns) -> Floats:
    """Times of signs of life after a collapse: none of them is one."""
    gateway = BooleanReportFilter.parse(kept, detects=_FEATURE.detects)
    until = int(np.searchsorted(reports.at_s, collapse_s + HORIZON_S, "right"))
    rows = number + 1 + np.flatnonzero(_is_check_in(reports, slice(number + 1, until)))
    says_true = check_ins.stuck or not check_ins.ends
    found: list[float] = []
    if not says_true and reports.value[number]:
        # The movement that was under way ends by itself.
        found += _add(gateway, False, float(reports.at_s[: number + 1][reports.moved[: number + 1]][-1]) + ENDS_S)
    for at_s in reports.at_s[rows].tolist():
        found += _add(gateway, says_true, at_s)
    return np.array([at_s for at_s in found if at_s > collapse_s])


def _is_check_in(reports: Reports, rows: slice) -> Truths:
    """Reports that are neither a movement nor the end of one."""
    ends = np.append(False, reports.value[:-1] & ~reports.value[1:])[rows]
    found: Truths = ~reports.moved[rows] & ~ends
    return found


def _add(gateway: BooleanReportFilter, value: bool, at_s: float) -> list[float]:
    return [when for when, what in gateway.add_report(value, at_s, _FEATURE.again_s) if what]
