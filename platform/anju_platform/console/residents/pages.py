"""The list of residents, and the page of a home: its days, its people, its devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.summaries import OpenAlert
from anju_platform.console import day_timeline
from anju_platform.console.activity_timeline import ActivityTimeline, TimeSpan
from anju_platform.console.home_card import DOOR
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.routine import charts
from anju_platform.devices.status import DeviceStatus, RefusedReport
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address
from anju_platform.i18n.display_names import DisplayStatus, alert_status, display_name
from anju_platform.i18n.reasons import Reader, as_reason, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.read_models.homes.overview import HomeDetail, HomeOverviewService, ResidentCard, ResidentRow
from anju_platform.residents.records import AbsenceView, ConsentView, ContactRecord
from anju_platform.routine.service import RoutineService
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.profiles import LIFE_QUANTITIES

router = APIRouter(dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])
USUAL_DAYS = 7
LEAST_ROUTINE_DAYS = 7
_DAYS = (1, 7, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentLine:
    """A resident in the list."""

    home_id: str
    name: str
    age: int | None
    address: str
    status: DisplayStatus
    last_life_at: datetime | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """The whole page of a home."""

    id: str
    name: str
    age: int | None
    address: str
    phone: str
    status: DisplayStatus
    saying: str
    open_alerts: Sequence[OpenAlert]
    explained: str
    strips: Sequence[tuple[str, ActivityTimeline]]
    routine: charts.RoutineCharts | None
    contacts: Sequence[ContactRecord]
    door: Sequence[tuple[str, str]]
    devices: Sequence[DeviceStatus]
    refused: Sequence[RefusedReport]
    absences: Sequence[AbsenceView]
    consents: Sequence[ConsentView]


@router.get("/residents", name="residents")
def search_residents(page: PageContextDep, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """List residents by name, initials of pinyin, estate or building."""
    with page.work() as work:
        found = page.service(HomeOverviewService).search_residents(work, page.actor, q)
    rows = [_found(row, page.words) for row in found.rows]
    return page.render("residents/search.html", "residents", rows=rows, query=q, more=found.more)


@router.get("/homes/{home_id}", name="home")
def show_home(home_id: str, page: PageContextDep, days: Annotated[int, Query(ge=1, le=30)] = 7) -> Response:
    """Show one home with the timelines of its last days."""
    wanted = min(_DAYS, key=lambda one: abs(one - days))
    with page.work() as work:
        found = page.service(HomeOverviewService).describe_home(work, page.actor, home_id)
        now = work.clock.now()
        routine = page.service(RoutineService).list_days(work, page.actor, home_id, max(wanted, LEAST_ROUTINE_DAYS))
    shown = _shown(page, found, now, _strips(page, found, now, wanted), charts.draw_routine(routine, page.words))
    return page.in_zone(ZoneInfo(found.timezone)).render("residents/home.html", "residents", home=shown, days=wanted)


def _found(row: ResidentRow, words: Words) -> ResidentLine:
    status = DisplayStatus.FINE
    if row.open_alerts:
        status = DisplayStatus.WAY if row.all_acknowledged else DisplayStatus.NOW
    elif row.offline_since is not None:
        status = DisplayStatus.DARK
    return ResidentLine(
        home_id=row.home_id,
        name=row.name,
        age=row.age,
        address=address(words, row.estate, row.building, row.unit, row.room),
        status=status,
        last_life_at=row.last_life_at,
        zone=ZoneInfo(row.timezone),
    )


def _shown(
    page: PageContext,
    found: HomeDetail,
    now: datetime,
    strips: Sequence[tuple[str, ActivityTimeline]],
    routine: charts.RoutineCharts | None,
) -> HomePage:
    words, people = page.words, found.residents
    reader = Reader(words, now, ZoneInfo(found.timezone))
    status, saying = _display_status(found, reader)
    return HomePage(
        id=found.id,
        name=words("、").join(one.name for one in people) or found.id,
        age=people[0].age if people else None,
        address=address(words, found.estate, found.building, found.unit, found.room),
        phone=next((one.phone for one in people if one.phone), ""),
        status=status,
        saying=saying,
        open_alerts=found.open_alerts,
        explained=_explained(found.inactivity.explained, reader),
        strips=strips,
        routine=routine,
        contacts=[contact for one in people for contact in one.contacts],
        door=[line for one in people for line in _door(one, words)],
        devices=found.devices,
        refused=found.refused,
        absences=found.absences,
        consents=[consent for one in people for consent in one.consents],
    )


def _display_status(found: HomeDetail, reader: Reader) -> tuple[DisplayStatus, str]:
    """Return the home's status and the text beside it."""
    words = reader.words
    statuses = {alert_status(alert.kind, alert.state) for alert in found.open_alerts}
    since = found.supervision.offline_since
    for one in (DisplayStatus.NOW, DisplayStatus.WAY):
        if one in statuses:
            return one, display_name(words, "status", one)
    if since is not None or DisplayStatus.DARK in statuses:
        why = found.supervision.reason
        reason = "" if why is None else describe_reason(why, reader)
        when = time_format.ago(words, reader.now, since, reader.zone) if since else ""
        return DisplayStatus.DARK, " · ".join(
            part for part in (display_name(words, "status", DisplayStatus.DARK), reason, when) if part
        )
    return DisplayStatus.FINE, display_name(words, "status", DisplayStatus.FINE)


def _explained(explained: Mapping[str, object], reader: Reader) -> str:
    """Return the detector's explanation of the present inactivity, in the reader's language."""
    reason = explained.get("reason")
    if not isinstance(reason, Mapping):
        return ""
    return describe_reason(as_reason(str(reason.get("code", "")), reason.get("facts") or {}), reader)


def _door(person: ResidentCard, words: Words) -> list[tuple[str, str]]:
    return [(words(name), text) for field, name in DOOR if (text := getattr(person, field))]


def _strips(page: PageContext, home: HomeDetail, now: datetime, days: int) -> list[tuple[str, ActivityTimeline]]:
    """Return the timeline of each local day, today first; none where the series store does not answer."""
    zone = ZoneInfo(home.timezone)
    today = time_format.midnight(now, zone)
    first = today - timedelta(days=days - 1)
    try:
        signs = page.services.series.read_home(
            home.id, (first - timedelta(days=USUAL_DAYS)).timestamp(), now.timestamp(), quantities=LIFE_QUANTITIES
        )
    except SeriesUnavailable:
        return []
    drawn = []
    for number in range(days):
        start = time_format.midnight(today - timedelta(days=number, hours=-12), zone)
        end = start + timedelta(days=1)
        usual: dict[str, list[TimeSpan]] = day_timeline.find_usual_hours(signs, today, start, end, zone)
        rows = day_timeline.build_rows(signs, start, end, page.words, usual)
        if rows:
            drawn.append((time_format.day(page.words, start.date()), ActivityTimeline(start, end, rows, now, zone)))
    return drawn
