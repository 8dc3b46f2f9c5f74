"""The district's indicators: each with its target, its denominator and the cases behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.district.kpis import Case
from anju_platform.console.district.service import DistrictReport, DistrictService, Kpi, ProviderRow
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.rendering import percent, yuan
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import LABELS, display_name
from anju_platform.i18n.translation import N_, Words

router = APIRouter(prefix="/district", dependencies=[Depends(require(Role.DISTRICT, Role.SUPERVISOR))])

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case behind an indicator."""

    at: datetime
    what: str
    where: str
    value: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiCard:
    """One indicator in words."""

    name: str
    meaning: str
    value: str
    target: str
    source: str
    met: bool | None
    base: str
    trend: str
    cases: Sequence[CaseRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictPage:
    """The whole page."""

    title: str
    start: str
    until: str
    kpis: Sequence[KpiCard]
    place_columns: Sequence[str]
    places: Sequence[tuple[str, Sequence[str]]]
    provider_columns: Sequence[str]
    providers: Sequence[tuple[str, Sequence[str]]]


@router.get("", name="district")
def show_kpis(
    page: PageContextDep, start: Annotated[date | None, Query(alias="from")] = None, until: date | None = None
) -> Response:
    """Show the month so far, or the days of the query, both included."""
    today = time_format.local_date(page.services.clock.now(), page.zone)
    first, last = start or today.replace(day=1), until or today
    with page.work() as work:
        report = page.service(DistrictService).compute_report(
            work, page.actor, _begin(first, page.zone), _begin(last + timedelta(days=1), page.zone)
        )
    return page.render("district.html", "district", report=_shown(report, page, first, last))


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _shown(report: DistrictReport, page: PageContext, first: date, last: date) -> DistrictPage:
    words = page.words
    return DistrictPage(
        title=f"{time_format.day(words, first)} – {time_format.day(words, last)}",
        start=first.isoformat(),
        until=last.isoformat(),
        kpis=[_kpi(one, words, page) for one in report.kpis],
        place_columns=[words(one.name) for one in report.kpis],
        places=[
            (row.name, [_value(row.values.get(one.id), one.unit) for one in report.kpis]) for row in report.communities
        ],
        provider_columns=[words(column) for column in _COLUMNS],
        providers=[(row.name, _provider(row, words)) for row in report.providers],
    )


def _kpi(one: Kpi, words: Words, page: PageContext) -> KpiCard:
    sign = "≥" if one.higher_is_better else "≤"
    if one.unit == "share":
        base = words("%(n)s / %(all)s", n=_plain(one.numerator), all=_plain(one.denominator))
    else:
        base = words("%(n)s 件 / %(all)s 百户日", n=_plain(one.numerator), all=_plain(one.denominator))
    trend = words("上一期 %(v)s", v=_value(one.previous, one.unit)) if one.previous is not None else ""
    return KpiCard(
        name=words(one.name),
        meaning=words(one.meaning),
        value=_value(one.value, one.unit),
        target=f"{sign} {_value(one.target, one.unit)}",
        source=words(one.target_source),
        met=one.met,
        base=base,
        trend=trend,
        cases=[_case(case, words, page) for case in one.cases],
    )


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.2f}"  # noqa: PLR2004 - two decimals


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return percent(value) if unit == "share" else f"{value:.2f}"


def _case(case: Case, words: Words, page: PageContext) -> CaseRow:
    kind, _, outcome = case.what.partition(":")
    parts = [
        display_name(words, "kind" if kind in LABELS["kind"] else "late", kind),
        display_name(words, "outcome", outcome),
    ]
    seconds = None if case.value is None else case.value * _UNITS.get(case.unit, 1.0)
    worker = page.actor.role is Role.SUPERVISOR
    return CaseRow(
        at=case.at,
        what=" · ".join(part for part in parts if part),
        where=case.home_id,
        value="–" if seconds is None else time_format.span(words, seconds),
        href=f"/board/{case.id}" if worker and case.kind == "alert" else "",
    )


def _provider(row: ProviderRow, words: Words) -> list[str]:
    counts = [row.offered, row.accepted, row.declined, row.timed_out, row.visits, row.on_time]
    arrival = "–" if row.median_arrival_min is None else time_format.span(words, row.median_arrival_min * 60)
    return [*(str(count) for count in counts), arrival, yuan(words, row.fee_fen)]
