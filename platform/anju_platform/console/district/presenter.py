"""The district's indicators in words: for its page and for the list of cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_platform.console.rendering import percent, yuan
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address as spoken
from anju_platform.i18n.display_names import LABELS, display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.read_models.district.kpis import Case
from anju_platform.read_models.district.service import (
    CaseList,
    DistrictReport,
    Figure,
    Kpi,
    NamedCase,
    ProviderRow,
    TrendPoint,
)

_UNITS = {"s": 1.0, "h": 3600.0}
"""Seconds in a case's unit."""
_COLUMNS = (
    N_("派给"),
    N_("接受"),
    N_("拒绝"),
    N_("没回应"),
    N_("上门"),
    N_("准时"),
    N_("到达中位数"),
    N_("应付"),
)
NOT_MEASURED = N_("未测量")


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiCard:
    """One indicator in words. `said`: whether the target is reached, or why that is not said."""

    name: str
    meaning: str
    value: str
    measured: bool
    target: str
    source: str
    met: bool | None
    said: str
    base: str
    trend: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictPage:
    """The whole page; a community's figure comes with its two numbers."""

    homes: str
    kpis: Sequence[KpiCard]
    place_columns: Sequence[str]
    places: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    provider_columns: Sequence[str]
    providers: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class TrendTable:
    """The figures of the charts: a row for each week or month, a column for each indicator."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case behind an indicator."""

    at: str
    what: str
    name: str
    address: str
    value: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesPage:
    """The cases behind one indicator. `masked`: homes stand there by their id until the reader says why."""

    kpi: KpiCard
    short: Sequence[CaseRow]
    others: Sequence[CaseRow]
    left_out: int
    masked: bool


def show_report(report: DistrictReport, words: Words, query: str) -> DistrictPage:
    """Return the page's words; `query` holds its days for the links."""
    return DistrictPage(
        homes=describe_homes(report, words),
        kpis=[show_kpi(one, words, f"/district/cases?kpi={one.id}&{query}") for one in report.kpis],
        place_columns=[words(one.name) for one in report.kpis],
        places=[
            (row.name, [_with_base(row.values[one.id], one.unit, words) for one in report.kpis])
            for row in report.communities
        ],
        provider_columns=provider_columns(words),
        providers=[(row.name, provider_values(row, words)) for row in report.providers],
    )


def describe_homes(report: DistrictReport, words: Words) -> str:
    """Return how many homes are counted, and from when on."""
    said = words.counted("共 %(n)s 户，从每户开通之日算起。", report.homes)
    if report.not_enrolled:
        said += words.counted("%(n)s 户没有登记监测同意，不计入。", report.not_enrolled)
    return said


def show_kpi(one: Kpi, words: Words, href: str = "") -> KpiCard:
    """Return one indicator in words."""
    sign = "≥" if one.higher_is_better else "≤"
    return KpiCard(
        name=words(one.name),
        meaning=words(one.meaning),
        value=format_value(one.value, one.unit, words),
        measured=one.value is not None,
        target=f"{sign} {format_value(one.target, one.unit, words)}",
        source=words(one.target_source),
        met=one.met,
        said=describe_target(one, words),
        base=words(
            "%(name)s %(n)s / %(of)s %(all)s",
            name=words(one.numerator_name),
            n=plain(one.numerator),
            of=words(one.denominator_name),
            all=plain(one.denominator),
        ),
        trend="" if one.previous is None else words("上一期 %(v)s", v=format_value(one.previous, one.unit, words)),
        href=href,
    )


def show_trend(report: DistrictReport, trend: Sequence[TrendPoint], words: Words, zone: ZoneInfo) -> TrendTable:
    """Return the table beside the charts, the newest week or month first."""
    rows = [
        (describe_point(point, words, zone), [_with_base(point.values[one.id], one.unit, words) for one in report.kpis])
        for point in reversed(trend)
    ]
    return TrendTable([words(one.name) for one in report.kpis], rows)


def describe_point(point: TrendPoint, words: Words, zone: ZoneInfo) -> str:
    """Return from which day a week or month begins."""
    return words("%(day)s起", day=time_format.day(words, time_format.local_date(point.start, zone)))


def show_cases(found: CaseList, actor: Actor, words: Words, zone: ZoneInfo, why: str) -> CasesPage:
    """Return the list of cases with links to their reports."""
    return CasesPage(
        kpi=show_kpi(found.kpi, words),
        short=[_case(one, words, zone, why) for one in found.short],
        others=[_case(one, words, zone, why) for one in found.others],
        left_out=found.left_out,
        masked=not (actor.sees_names or actor.opens_case(why)),
    )


def format_value(value: float | None, unit: str, words: Words) -> str:
    """Return a figure with its unit, or that nothing was measured."""
    if value is None:
        return words(NOT_MEASURED)
    return percent(value) if unit == "share" else f"{value:.2f}"


def describe_target(one: Kpi, words: Words) -> str:
    """Return whether the target is reached, or why that cannot be said."""
    if one.value is None:
        return words("这段时间没有可以计算的事")
    if one.met is None:
        return words("数据还太少，不下结论")
    return words("达到") if one.met else words("没有达到")


def provider_columns(words: Words) -> Sequence[str]:
    """Return the heads of the columns of `provider_values`."""
    return [words(column) for column in _COLUMNS]


def provider_values(row: ProviderRow, words: Words) -> Sequence[str]:
    """Return a provider's figures in words."""
    counts = [row.offered, row.accepted, row.declined, row.timed_out, row.visits, row.on_time]
    minutes = row.median_arrival_min
    arrival = words(NOT_MEASURED) if minutes is None else time_format.span(words, minutes * 60)
    return [*(str(count) for count in counts), arrival, yuan(words, row.fee_fen)]


def describe_case(case: Case, words: Words) -> str:
    """Return what a case was, and how it ended."""
    kind, _, outcome = case.what.partition(":")
    parts = (
        display_name(words, "kind" if kind in LABELS["kind"] else "late", kind),
        display_name(words, "outcome", outcome),
    )
    return " · ".join(part for part in parts if part)


def describe_length(case: Case, words: Words) -> str:
    """Return how long it took or lasted; a dash where it has no length."""
    if case.value is None:
        return "–"
    return time_format.span(words, case.value * _UNITS.get(case.unit, 1.0))


def _case(one: NamedCase, words: Words, zone: ZoneInfo, why: str) -> CaseRow:
    case, home = one.case, one.home
    address = f"/reports/{case.kind}s/{case.id}"
    return CaseRow(
        at=time_format.exact(case.at, zone),
        what=describe_case(case, words),
        name=one.name,
        address=spoken(words, home.estate, home.building, home.unit, home.room),
        value=describe_length(case, words),
        href=f"{address}?{urlencode({'why': why})}" if why else address,
    )


def _with_base(figure: Figure, unit: str, words: Words) -> tuple[str, str]:
    """Return a figure, and its two numbers."""
    base = f"{plain(figure.numerator)} / {plain(figure.denominator)}"
    return format_value(figure.value, unit, words), base


def plain(value: float) -> str:
    """Return a number of an indicator: whole ones without decimals, others with one, those below 1 with three."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}" if value >= 1 else f"{value:.3f}"
