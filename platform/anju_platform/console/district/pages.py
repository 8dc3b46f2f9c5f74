"""The district's pages: the indicators, the cases behind each, and both as a workbook for a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import dropwhile
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.district import presenter, tables
from anju_platform.console.district.trend_chart import draw_trend
from anju_platform.console.district.workbook import Sheet, write_workbook
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.read_models.district.catalogue import KPIS
from anju_platform.read_models.district.service import DistrictReport, DistrictService, TrendPoint

router = APIRouter(prefix="/district", dependencies=[Depends(require(Role.DISTRICT, Role.SUPERVISOR))])

POINTS = 12
"""Weeks or months of the trend."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Step(StrEnum):
    """The length of one point of the trend."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a page, both included, in the reader's time zone."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The beginning of the first day."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The end of the last day."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    @property
    def query(self) -> str:
        """The days in an address."""
        return f"from={self.first.isoformat()}&until={self.last.isoformat()}"


def read_days(
    page: PageContextDep, start: Annotated[date | None, Query(alias="from")] = None, until: date | None = None
) -> Days:
    """Return the days of the query, or the month so far."""
    today = time_format.local_date(page.services.clock.now(), page.zone)
    return Days(start or today.replace(day=1), until or today, page.zone)


DaysDep = Annotated[Days, Depends(read_days)]


@router.get("", name="district")
def show_kpis(page: PageContextDep, days: DaysDep, by: Step = Step.WEEK) -> Response:
    """Show the month so far, or the days of the query, with the trend up to their end by week or month."""
    with page.work() as work:
        report, trend = _compute(work, page, days, by)
    view = presenter.show_report(report, page.words, days.query)
    charts = [draw_trend(one, trend, page.words, page.zone) for one in report.kpis]
    table = presenter.show_trend(report, trend, page.words, page.zone)
    return page.render("district.html", "district", report=view, days=days, charts=charts, trend=table, by=by.value)


@router.get("/export", name="district_export")
def export_kpis(page: PageContextDep, days: DaysDep, by: Step = Step.WEEK) -> Response:
    """Return what the page shows as a workbook; the cases name homes by their id."""
    words = page.words
    with page.work() as work:
        report, trend = _compute(work, page, days, by, "kpis_export")
    sheets = [
        Sheet(words("指标"), tables.kpi_cells(report, words, page.zone)),
        Sheet(words("趋势"), tables.trend_cells(report, trend, words, page.zone)),
        Sheet(words("各社区"), tables.community_cells(report, words)),
        Sheet(words("各服务机构"), tables.provider_cells(report, words)),
        Sheet(words("个案"), tables.case_cells(report, words, page.zone)),
    ]
    name = f"anju-{days.first.isoformat()}-{days.last.isoformat()}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(write_workbook(sheets), media_type=XLSX, headers=headers)


@router.get("/cases", name="district_cases")
def show_cases(
    page: PageContextDep,
    days: DaysDep,
    kpi: Annotated[str, Query(max_length=40)] = KPIS[0].id,
    why: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show the cases behind an indicator; the district reads names where it says why, and the look is written down."""
    with page.work() as work:
        found = page.service(DistrictService).list_cases(
            work, page.actor, kpi, start=days.start, until=days.until, why=why
        )
    view = presenter.show_cases(found, page.actor, page.words, page.zone, why.strip())
    return page.render("district_cases.html", "district", cases=view, days=days, kpi_id=kpi, why=why.strip())


def _compute(
    work: UnitOfWork, page: PageContext, days: Days, by: Step, look: str = "kpis"
) -> tuple[DistrictReport, list[TrendPoint]]:
    service = page.service(DistrictService)
    report = service.compute_report(work, page.actor, days.start, days.until, look=look)
    trend = service.compute_trend(work, page.actor, _edges(days, by))
    return report, [*dropwhile(_is_empty, trend[:-1]), *trend[-1:]]


def _is_empty(point: TrendPoint) -> bool:
    """Tell whether nothing was measured: before the first home was enrolled there is nothing to draw."""
    return not any(figure.denominator for figure in point.values.values())


def _edges(days: Days, by: Step) -> list[datetime]:
    """Return the beginnings of the last `POINTS` weeks (from Monday) or months, and the end of the last day."""
    if by is Step.WEEK:
        monday = days.last - timedelta(days=days.last.weekday())
        firsts = [monday - timedelta(weeks=back) for back in reversed(range(POINTS))]
    else:
        months = days.last.year * 12 + days.last.month - 1
        firsts = [date(one // 12, one % 12 + 1, 1) for one in range(months - POINTS + 1, months + 1)]
    return [*(datetime.combine(first, time(), days.zone) for first in firsts), days.until]
