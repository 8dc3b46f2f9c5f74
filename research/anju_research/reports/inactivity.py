"""Report on inactivity detection: delay against false alerts, each home, target against measured rate, baselines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from anju_cli.recordings import RecordingUnreadable
from anju_research.evaluation.inactivity_statistics import (
    AXES,
    HORIZON_H,
    DetectorRuns,
    PairedComparison,
    TargetRun,
    compare_runs,
)
from anju_research.reports.charts import ChartAxis, ChartSeries, chart
from anju_research.reports.page import heading, page, pair, paragraph, table

RATES = (0.25, 1.0, 3.0)
SHOWN_TARGET = 1.0
MOST = 3.0
AXIS_WORDS = {"all": ("全部时间", "all time"), "home": ("可能在家的时间", "while possibly at home")}
_RATE_X = ("每户每月误报", "false alerts per home and month")
_DELAY_Y = ("平均延迟（小时）", "mean delay, h")
_SHARE = 100.0


def read_baselines(folder: Path, days: dict[str, tuple[float, float]]) -> dict[str, DetectorRuns]:
    """Read baselines' results by name, as the scorer writes them, for the homes whose scored days are given.

    Raises `RecordingUnreadable`.
    """
    baselines = {}
    for path in sorted(folder.glob("*.json")):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))["raw"]
            homes = [home.rpartition("/")[2] for home in raw["homes"]]
            known = [number for number, home in enumerate(homes) if home in days]
            runs = tuple(_baseline_run(false, late, known) for false, late in raw["runs"])
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise RecordingUnreadable(path, f"not a scored baseline: {error!r}") from error
        names = tuple(homes[number] for number in known)
        baselines[path.stem.removeprefix("dev_")] = DetectorRuns(names, np.array([days[name] for name in names]), runs)
    if not baselines:
        raise RecordingUnreadable(folder, "no <baseline>.json in it")
    return baselines


def _baseline_run(false: list[list[float]], late: list[list[float]], homes: list[int]) -> TargetRun:
    delay_h = np.array(late, np.float64)[homes]
    return TargetRun(float("nan"), np.array(false, np.float64)[homes], np.where(delay_h > HORIZON_H, np.inf, delay_h))


def compare(ours: DetectorRuns, baselines: dict[str, DetectorRuns]) -> list[tuple[str, PairedComparison]]:
    """Compare with every baseline at every shown rate on both axes."""
    return [
        (name, compare_runs(ours, theirs, rate, axis))
        for name, theirs in baselines.items()
        for axis in AXES
        for rate in RATES
    ]


def console_tables(ours: DetectorRuns, compared: Sequence[tuple[str, PairedComparison]]) -> list[Table]:
    """Tabulate the figures of the report for a terminal."""
    figures = Table(title=f"inactivity, {len(ours.homes)} homes, 95 % intervals over homes")
    for name in ("false alerts per home and month", "counted", "mean delay, h", "found in 24 h"):
        figures.add_column(name)
    for axis in AXES:
        for rate in RATES:
            figures.add_row(f"{rate:g}", axis, *_figures(ours, rate, axis))
    shown = [figures]
    if compared:
        ratios = Table(title="mean delay over a baseline's at equal false alerts")
        for name in ("baseline", "counted", "rate", "ours, h", "theirs, h", "ratio"):
            ratios.add_column(name)
        for name, one in compared:
            ratios.add_row(name, one.axis, f"{one.rate:g}", *_ratio(one))
        shown.append(ratios)
    return shown


def _figures(ours: DetectorRuns, rate: float, axis: str) -> tuple[str, str]:
    point = ours.at_rate(rate, axis)
    delay = _ranged(point.mean_h, ours.interval_at_rate(rate, axis, "mean_h"), 1.0)
    return delay, _ranged(point.found, ours.interval_at_rate(rate, axis, "found"), _SHARE)


def _ranged(value: float, interval: tuple[float, float], scale: float) -> str:
    """A figure with its interval; a dash where it lies outside the measured range."""
    if not np.isfinite(value):
        return "–"
    unit = " %" if scale == _SHARE else ""
    digits = 1 if scale == _SHARE else 2
    low, high = interval
    words = f"{value * scale:.{digits}f}{unit}"
    return words if not np.isfinite(low) else f"{words} ({low * scale:.{digits}f}–{high * scale:.{digits}f})"


def _ratio(one: PairedComparison) -> tuple[str, str, str]:
    return (
        _ranged(one.ours_h, (np.nan, np.nan), 1.0),
        _ranged(one.theirs_h, (np.nan, np.nan), 1.0),
        _ranged(one.ratio, one.interval, 1.0),
    )


def inactivity_report(
    ours: DetectorRuns,
    baselines: dict[str, DetectorRuns],
    compared: Sequence[tuple[str, PairedComparison]],
    how: tuple[str, str],
) -> str:
    """Return the whole page; `how` says by which models the homes were judged."""
    days, struck = ours.days.sum(axis=0), ours.runs[0].delay_h.size
    parts = [
        paragraph(
            f"{len(ours.homes)} 户，计分 {days[0]:.0f} 户日；模拟倒下 {struck} 次，延迟最多计 24 小时。{how[0]}",
            f"{len(ours.homes)} homes, {days[0]:.0f} scored home-days; {struck} simulated collapses, "
            f"delays counted to 24 h. {how[1]}",
        ),
        heading("延迟与误报", "Delay against false alerts"),
        pair(*(_delay_chart(ours, baselines, axis) for axis in AXES)),
        heading("同等误报下的延迟", "Delays at equal false alerts, all the time and while somebody may be at home"),
        _rates_table(ours),
    ]
    if compared:
        parts += [heading("与已发表方法相比", "Against published methods"), _comparison_table(compared)]
    parts += [
        heading("想要多少，得到多少", "Target and measured rate"),
        pair(_target_chart(ours), _worst_chart(ours)),
        heading("各户", f"Each home, at the target of {SHOWN_TARGET:g}"),
        _home_table(ours),
    ]
    return page("静默报警评估", "Evaluation of inactivity detection", parts)


def _span(values: Sequence[float], *, log: bool = True) -> tuple[float, float]:
    known = [value for value in values if np.isfinite(value) and (value > 0 or not log)]
    return (min(known, default=0.1), max(known, default=1.0))


def _delay_chart(ours: DetectorRuns, baselines: dict[str, DetectorRuns], axis: str) -> str:
    """Our curve with its band, the baselines', and our worst home at the shown target."""
    every = np.arange(len(ours.homes))
    points = sorted(
        ((ours.summarize_run(run, every), run) for run in ours.runs), key=lambda pair: pair[0].rate_on(axis)
    )
    rates = [point.rate_on(axis) for point, _ in points]
    bands = [ours.delay_interval(run) for _, run in points]
    band = [low for low, _ in bands], [high for _, high in bands]
    lines = [ChartSeries("安居 Anju", rates, [point.mean_h for point, _ in points], band)]
    for name, theirs in baselines.items():
        other = sorted(theirs.summarize_all(), key=lambda point: point.rate_on(axis))
        lines.append(ChartSeries(name, [p.rate_on(axis) for p in other], [p.mean_h for p in other], dashed=True))
    run = shown_run(ours)
    worst = int(np.argmax(ours.home_rates(run)[:, AXES.index(axis)]))
    there = ours.summarize_run(run, np.array([worst]))
    lines.append(
        ChartSeries(
            f"误报最多的一户 worst home: {ours.homes[worst]}", [there.rate_on(axis)], [there.mean_h], joined=False
        )
    )
    zh, en = AXIS_WORDS[axis]
    low, high = _span([*rates, there.rate_on(axis)])
    x = ChartAxis(f"{_RATE_X[0]}（{zh}）", f"{_RATE_X[1]}, {en}", min(low, 0.2), max(high, 5.0), log=True)
    return chart(f"{_DELAY_Y[1]}, {en}", x, ChartAxis(*_DELAY_Y, 0.0, HORIZON_H), lines)


def _rates_table(ours: DetectorRuns) -> str:
    head = [("误报/户月", "false alerts"), ("计入", "counted"), _DELAY_Y, ("24 小时内发现", "found in 24 h")]
    rows = [(f"{rate:g}", AXIS_WORDS[axis][0], *_figures(ours, rate, axis)) for axis in AXES for rate in RATES]
    return table(head, rows)


def _comparison_table(compared: Sequence[tuple[str, PairedComparison]]) -> str:
    head = [
        ("方法", "method"),
        ("计入", "counted"),
        ("误报/户月", "false alerts"),
        ("安居", "ours, h"),
        ("对方", "theirs, h"),
        ("比值（95 % 区间）", "ratio, 95 % interval"),
    ]
    return table(head, [(name, AXIS_WORDS[one.axis][0], f"{one.rate:g}", *_ratio(one)) for name, one in compared])


def _target_chart(ours: DetectorRuns) -> str:
    targets = [run.target for run in ours.runs]
    homes = np.arange(len(ours.homes))
    lines = [ChartSeries("理想 ideal", targets, targets, dashed=True)]
    for axis in AXES:
        rates = [ours.summarize_run(run, homes).rate_on(axis) for run in ours.runs]
        bounds = [ours.rate_interval(run, axis) for run in ours.runs]
        lines.append(
            ChartSeries(" ".join(AXIS_WORDS[axis]), targets, rates, ([a for a, _ in bounds], [b for _, b in bounds]))
        )
    low, high = _span(targets)
    x = ChartAxis("希望的误报/户月", "targeted false alerts per home and month", low, high, log=True)
    y = ChartAxis("实际误报", "measured", min(low, 0.05), high * 3, log=True)
    return chart("calibration of the target", x, y, lines)


def _worst_chart(ours: DetectorRuns) -> str:
    """Each home's rate, from the best to the worst, at the shown target; the worst home is marked."""
    run = shown_run(ours)
    rates = ours.home_rates(run)[:, 0]
    order = np.argsort(rates)
    place = [float(number + 1) for number in range(len(order))]
    worst = int(order[-1])
    lines = [
        ChartSeries("各户 homes", place, rates[order].tolist(), joined=False),
        ChartSeries(f"误报最多 worst: {ours.homes[worst]}", place[-1:], [float(rates[worst])], joined=False),
        ChartSeries("三倍上限 three times the target", [1.0, place[-1]], [MOST * run.target] * 2, dashed=True),
    ]
    top = max(float(rates.max(initial=0.0)), MOST * run.target) * 1.1
    x = ChartAxis("各户，按误报排序", "homes in order of their false alerts", 0.0, place[-1] + 1)
    return chart("false alerts of each home", x, ChartAxis("误报/月", "per month", 0.0, top), lines)


def shown_run(ours: DetectorRuns) -> TargetRun:
    """Return the run whose target is nearest to the shown one."""
    return min(ours.runs, key=lambda run: abs(np.log(run.target / SHOWN_TARGET)))


def _home_table(ours: DetectorRuns) -> str:
    run = shown_run(ours)
    rates = ours.home_rates(run)
    order = np.argsort(-rates[:, 0], kind="stable")
    head = [
        ("住户", "home"),
        ("计分天数", "days"),
        ("误报/月", "false, all"),
        ("误报/月（在家）", "false, at home"),
        _DELAY_Y,
        ("24 小时内发现", "found"),
    ]
    rows = []
    for home in order.tolist():
        late = run.delay_h[home]
        delay = f"{np.minimum(late, HORIZON_H).mean():.1f}"
        found = f"{(late <= HORIZON_H).sum()}/{len(late)}"
        rows.append((ours.homes[home], f"{ours.days[home, 0]:.0f}", *(f"{r:.1f}" for r in rates[home]), delay, found))
    marked = [number for number, home in enumerate(order.tolist()) if rates[home, 0] > MOST * run.target]
    return table(head, rows, marked)
