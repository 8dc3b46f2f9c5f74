"""The reports of an alert and of a visit: absolute times, the outcome, nothing to press; they print well."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.console.home_card import HomeCard, card
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.reports import presenter
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import HomeNotFound
from anju_platform.visits.assembly import VisitSlice

router = APIRouter(prefix="/reports", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR, Role.DISTRICT))])
Why = Annotated[str, Query(max_length=200)]


@router.get("/alerts/{alert_id}", name="alert_report")
def show_alert_report(alert_id: UUID, page: PageContextDep, why: Why = "") -> Response:
    """Show the report of one alert; the district reads names where it says why. The look is written down."""
    reason = why.strip()
    named = page.actor.sees_names or page.actor.opens_case(reason)
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        found = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor, reason)
        home = _card(work, page, found.home_id, now, named=named)
        visits = page.service(VisitSlice).queries.list_of_alert(work, alert_id) if named else []
    view = presenter.show_alert(found, home, visits, page.words, now, named=named)
    return page.in_zone(home.zone).render("reports/alert.html", report=view, why=reason)


@router.get("/visits/{visit_id}", name="visit_report")
def show_visit_report(visit_id: UUID, page: PageContextDep, why: Why = "") -> Response:
    """Show the report of one visit, on one page; the district reads names where it says why."""
    reason = why.strip()
    named = page.actor.sees_names or page.actor.opens_case(reason)
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        found = page.service(VisitSlice).queries.get_visit(work, visit_id, page.actor, reason)
        home = _card(work, page, found.home_id, now, named=named)
    view = presenter.show_visit(found, home, page.words, now, named=named)
    return page.in_zone(home.zone).render("reports/visit.html", report=view, why=reason)


def _card(work: UnitOfWork, page: PageContext, home_id: str, now: datetime, *, named: bool) -> HomeCard:
    home = card(work, home_id, page.words, now)
    if home is None:
        raise HomeNotFound(home_id)
    return home if named else presenter.conceal(home)
