"""Report on fall detection: ROC, activities, free living, calibration and latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from anju_research.evaluation import fall_statistics as falls
from anju_research.evaluation.fall_runs import ScoredRecordings
from anju_research.evaluation.fall_statistics import Share
from anju_research.reports.charts import ChartAxis, ChartSeries, bars, chart
from anju_research.reports.page import heading, page, pair, paragraph, table

ALARMS = (("每天 1 次", "1 per 24 h", 1.0), ("每周 1 次", "1 per week", 1.0 / 7.0))
MOST_ACTIVITIES = 14
OLD = "elderly"
_HEAD = [
    ("人群", "people"),
    ("工作点", "operating point"),
    ("灵敏度", "sensitivity"),
    ("特异度", "specificity"),
    ("自由生活误报/24 小时", "false alarms, free living"),
]


@dataclass(frozen=True, slots=True)
class Section:
    """One wearing position as one kind of sensor records it, and its threshold in this evaluation."""

    zh: str
    en: str
    judged: ScoredRecordings


def operating_points(section: Section) -> list[tuple[str, str, Share, Share, float]]:
    """Return name, English name, sensitivity, specificity and free-living alarms a day of each operating point."""
    trials, living = section.judged.trials, section.judged.living
    raised = [trial.score for trial in trials if trial.raised]
    shipped = min(raised, default=1.0)
    points = [
        (
            "出厂阈值",
            "as fitted",
            falls.sensitivity(trials),
            falls.specificity(trials),
            falls.alarms_per_day(living, shipped),
        )
    ]
    old = [trial for trial in trials if trial.age == OLD]
    if old:
        points.append(
            ("其中老年人", "the old among them", falls.sensitivity(old), falls.specificity(old), float("nan"))
        )
    for zh, en, alarms in ALARMS if living else ():
        score = falls.score_at(living, alarms)
        found, left = falls.sensitivity(trials, score), falls.specificity(trials, score)
        points.append((f"误报{zh}", f"{en} of free living", found, left, falls.alarms_per_day(living, score)))
    return points


def shown(share: Share) -> str:
    """Format a share with Wilson's interval and the one over people."""
    if not share.trials:
        return "–"
    both = (f"{100 * low:.1f}–{100 * high:.1f}" for low, high in (share.wilson, share.people))
    return f"{share.value:.1%} ({'; '.join(both)})"


def console_table(section: Section) -> Table:
    """Tabulate the figures for a terminal."""
    shown_table = Table(title=f"falls, {section.en}; Wilson's interval; over people, resampled")
    for name in ("operating point", "sensitivity", "specificity", "false alarms per 24 h of free living"):
        shown_table.add_column(name)
    for _, en, found, left, alarms in operating_points(section):
        shown_table.add_row(en, shown(found), shown(left), _alarms(alarms))
    return shown_table


def _alarms(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def fall_report(sections: Sequence[Section], how: tuple[str, str]) -> str:
    """Return the whole page; `how` says by which models the people were judged."""
    parts = [paragraph(*how)]
    rows = [
        (section.zh, f"{zh} {en}", shown(found), shown(left), _alarms(alarms))
        for section in sections
        for zh, en, found, left, alarms in operating_points(section)
    ]
    parts += [
        heading("找到多少，误报多少", "Found and falsely raised"),
        paragraph(
            "括号内：威尔逊 95 % 区间；按人重抽样的 95 % 区间。",
            "In brackets: Wilson's 95 % interval; the one over people, resampled.",
        ),
        table(_HEAD, rows),
    ]
    for section in sections:
        parts += [heading(section.zh, section.en), *_figures(section)]
    return page("跌倒识别评估", "How falls are found", parts)


def _figures(section: Section) -> list[str]:
    trials = section.judged.trials
    figures = [_roc_chart(section), _calibration_chart(section), _latency_chart(section)]
    if any(len(one.scores) for one in section.judged.living):
        figures.append(_living_chart(section))
    wrong = [row for row in falls.errors_by_activity(trials) if row.wrong][:MOST_ACTIVITIES]
    rows = [
        (
            f"{'漏报' if row.fell else '误报'} {row.activity}",
            row.wrong / row.trials,
            row.interval,
            f"{row.wrong}/{row.trials}",
        )
        for row in wrong
    ]
    parts = [
        pair(*figures),
        paragraph(
            "各活动的错误（带 95 % 区间）：",
            "Errors by activity, with 95 % intervals; 漏报 missed, 误报 falsely raised:",
        ),
    ]
    return [*parts, bars(rows) if rows else paragraph("没有错误。", "None.")]


def _roc_chart(section: Section) -> str:
    curve = falls.roc(section.judged.trials)
    found, left = falls.sensitivity(section.judged.trials), falls.specificity(section.judged.trials)
    lines = [
        ChartSeries(f"ROC, AUC {curve.area:.4f}", (curve.false * 100).tolist(), (curve.found * 100).tolist()),
        ChartSeries("出厂阈值 as fitted", [100 * (1 - left.value)], [100 * found.value], joined=False),
    ]
    x = ChartAxis("误报的日常活动（%）", "daily activities raised, %", 0.0, 10.0)
    return chart(
        "receiver operating characteristic", x, ChartAxis("找到的跌倒（%）", "falls found, %", 80.0, 100.0), lines
    )


def _calibration_chart(section: Section) -> str:
    labelled = falls.calibration(section.judged.trials)
    lines = [
        ChartSeries(
            "分数与实际 score against truth",
            labelled.score.tolist(),
            labelled.fell.tolist(),
            (labelled.low.tolist(), labelled.high.tolist()),
            joined=False,
        ),
        ChartSeries("理想 ideal", [0.0, 1.0], [0.0, 1.0], dashed=True),
    ]
    x = ChartAxis("分数", "score", 0.0, 1.0)
    return chart("calibration", x, ChartAxis("确为跌倒", "share that fell", 0.0, 1.0), lines)


def _latency_chart(section: Section) -> str:
    late = np.sort([trial.latency_s for trial in section.judged.trials if np.isfinite(trial.latency_s)])
    upto = np.arange(1, len(late) + 1) / max(len(late), 1) * 100
    p95 = float(np.percentile(late, 95)) if len(late) else float("nan")
    lines = [ChartSeries(f"p95 {p95:.2f} s", late.tolist(), upto.tolist())]
    high = max(float(late.max(initial=5.0)), 5.0) * 1.05
    x = ChartAxis("撞击到判定（秒）", "impact to decision, s", 0.0, high)
    return chart("latency", x, ChartAxis("已判定（%）", "decided, %", 0.0, 100.0), lines)


def _living_chart(section: Section) -> str:
    """Falls found against false alarms of free living, over all scores."""
    trials, living = section.judged.trials, section.judged.living
    scores = np.unique(np.quantile(np.concatenate([one.scores for one in living]), 1 - np.geomspace(1e-4, 0.2, 40)))
    alarms = [falls.alarms_per_day(living, float(score)) for score in scores]
    found = [100 * falls.sensitivity(trials, float(score)).value for score in scores]
    lines = [ChartSeries("自由生活 free living", alarms, found)]
    x = ChartAxis("每 24 小时误报", "false alarms per 24 h", 0.1, 100.0, log=True)
    return chart("free living", x, ChartAxis("找到的跌倒（%）", "falls found, %", 50.0, 100.0), lines)
