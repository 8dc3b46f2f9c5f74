"""The sheets of the district's workbook: what the page shows, with every denominator and the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from anju_platform.console.district import presenter
from anju_platform.console.district.workbook import Cell
from anju_platform.i18n import time_format
from anju_platform.i18n.translation import N_, Words
from anju_platform.read_models.district.service import DistrictReport, Figure, TrendPoint

Rows = Sequence[Sequence[Cell]]

_KPI_HEAD = (
    N_("指标"),
    N_("数值"),
    N_("分子"),
    N_("分子是什么"),
    N_("分母"),
    N_("分母是什么"),
    N_("上一期"),
    N_("目标"),
    N_("目标来源"),
    N_("结论"),
    N_("说明"),
)
_CASE_HEAD = (N_("指标"), N_("时间"), N_("情况"), N_("住户编号"), N_("用时"))


def kpi_cells(report: DistrictReport, words: Words, zone: ZoneInfo) -> Rows:
    """Return period, homes and indicators, each with numerator, denominator and target."""
    first, until = (time_format.exact(at, zone) for at in (report.start, report.until))
    rows: list[Sequence[Cell]] = [
        [words("期间（不含末刻）"), first, until],
        [words("住户"), presenter.describe_homes(report, words)],
        [],
        [words(name) for name in _KPI_HEAD],
    ]
    rows += [
        [
            words(one.name),
            _number(one.value, words),
            one.numerator,
            words(one.numerator_name),
            one.denominator,
            words(one.denominator_name),
            _number(one.previous, words),
            one.target,
            words(one.target_source),
            presenter.describe_target(one, words),
            words(one.meaning),
        ]
        for one in report.kpis
    ]
    return rows


def trend_cells(report: DistrictReport, trend: Sequence[TrendPoint], words: Words, zone: ZoneInfo) -> Rows:
    """Return a row for each week or month: of each indicator value, numerator and denominator."""
    rows = [
        [time_format.local_date(point.start, zone).isoformat(), *_numbers(report, point.values, words)]
        for point in trend
    ]
    return [[words("从"), *_columns(report, words)], *rows]


def community_cells(report: DistrictReport, words: Words) -> Rows:
    """Return a row for each community: of each indicator value, numerator and denominator."""
    rows = [[row.name, *_numbers(report, row.values, words)] for row in report.communities]
    return [[words("社区"), *_columns(report, words)], *rows]


def provider_cells(report: DistrictReport, words: Words) -> Rows:
    """Return a row for each provider."""
    rows = [[row.name, *presenter.provider_values(row, words)] for row in report.providers]
    return [[words("机构"), *presenter.provider_columns(words)], *rows]


def case_cells(report: DistrictReport, words: Words, zone: ZoneInfo) -> Rows:
    """Return the cases that fell short; homes stand there by their id."""
    rows = [
        [
            words(one.name),
            time_format.exact(case.at, zone),
            presenter.describe_case(case, words),
            case.home_id,
            presenter.describe_length(case, words),
        ]
        for one in report.kpis
        for case in one.cases
    ]
    return [[words(name) for name in _CASE_HEAD], *rows]


def _columns(report: DistrictReport, words: Words) -> list[Cell]:
    parts = (words("数值"), words("分子"), words("分母"))
    return [f"{words(one.name)} · {part}" for one in report.kpis for part in parts]


def _numbers(report: DistrictReport, values: Mapping[str, Figure], words: Words) -> list[Cell]:
    found = [values[one.id] for one in report.kpis]
    return [cell for one in found for cell in (_number(one.value, words), one.numerator, one.denominator)]


def _number(value: float | None, words: Words) -> Cell:
    return words(presenter.NOT_MEASURED) if value is None else value
