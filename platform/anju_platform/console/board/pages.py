"""The community worker's board: who needs me now, why, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from anju_core.alerts import AlertNotFound
from anju_core.errors import DomainError
from anju_core.vocabulary import AlertKind, CallOutcome, Outcome, Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.queries import AlertDetail
from anju_platform.console import day_timeline
from anju_platform.console.activity_timeline import ActivityTimeline, TimeSpan
from anju_platform.console.board import presenter
from anju_platform.console.board.view_models import Board, Detail, QuietNote
from anju_platform.console.board.visit_summary import summarise_visit
from anju_platform.console.error_messages import explain
from anju_platform.console.home_card import card
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.waveform_chart import WaveformChart, magnitudes
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.status import ONLINE, HomeStatusReader
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address
from anju_platform.i18n.reasons import Reader, describe_reason
from anju_platform.i18n.translation import Words
from anju_platform.residents.directory import find_home, list_home_ids
from anju_platform.routine.records import NoteView
from anju_platform.routine.service import RoutineService
from anju_platform.timeseries.store import SeriesUnavailable
from anju_platform.visits.service import VisitService
from anju_wire.profiles import LIFE_QUANTITIES

router = APIRouter(prefix="/board", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])

USUAL_DAYS = 7
AHEAD = timedelta(hours=1)
"""So much of the strip lies after the present, so that what happened just now is not at its edge."""
_GAPS = frozenset({AlertKind.INACTIVITY, AlertKind.AWAY_LONG})


@router.get("", name="board")
def show_board(page: PageContextDep) -> Response:
    """The list; nothing chosen."""
    return _page(page, None)


@router.get("/list", name="board_list")
def show_list(page: PageContextDep, chosen: str = "") -> Response:
    """The list alone, redrawn when something happens."""
    view = _board(page)
    return page.render("board/list.html", "board", board=view, chosen=chosen)


@router.get("/{alert_id}", name="board_alert")
def show_alert(alert_id: UUID, page: PageContextDep) -> Response:
    """One alert; a look of a person (not a redrawing) is logged."""
    if page.request.headers.get("hx-trigger") != "detail":
        with page.work() as work:
            seen = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
            page.audit_read(work, "alert", seen.home_id, str(alert_id))
    return _answer(page, alert_id)


@router.post("/{alert_id}/acknowledge")
def acknowledge_alert(alert_id: UUID, page: PageContextDep) -> Response:
    """Make the reader the one who sees to the alert."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.acknowledge_alert(work, alert_id, page.actor))


@router.post("/{alert_id}/unacknowledge")
def unacknowledge_alert(alert_id: UUID, page: PageContextDep) -> Response:
    """Undo the acknowledgement, or hand the alert back."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.unacknowledge_alert(work, alert_id, page.actor))


@router.post("/{alert_id}/contact-attempts")
def record_contact_attempt(
    alert_id: UUID,
    page: PageContextDep,
    who: Annotated[str, Form(max_length=100)],
    outcome: Annotated[CallOutcome, Form()],
) -> Response:
    """Record how a call ended."""

    def record(work: UnitOfWork) -> None:
        page.service(AlertSlice).service.record_contact_attempt(work, alert_id, page.actor, who=who, outcome=outcome)

    return _do(page, alert_id, record)


@router.post("/{alert_id}/dispatch")
def dispatch_carer(alert_id: UUID, page: PageContextDep, note: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Request a provider's visit."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.dispatch_carer(work, alert_id, page.actor, note=note.strip()))


@router.post("/{alert_id}/en-route")
def mark_en_route(alert_id: UUID, page: PageContextDep) -> Response:
    """Say that the reader goes there in person."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.mark_en_route(work, alert_id, page.actor))


@router.post("/{alert_id}/arrive")
def mark_arrived(alert_id: UUID, page: PageContextDep) -> Response:
    """Say that the reader is at the home."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.mark_arrived(work, alert_id, page.actor))


@router.post("/{alert_id}/note")
def add_note(alert_id: UUID, page: PageContextDep, note: Annotated[str, Form(max_length=2000)]) -> Response:
    """Add a note to the history."""
    alerts = page.service(AlertSlice).service
    return _do(page, alert_id, lambda work: alerts.add_note(work, alert_id, page.actor, note.strip()))


@router.post("/{alert_id}/resolve")
def resolve_alert(
    alert_id: UUID,
    page: PageContextDep,
    outcome: Annotated[Outcome, Form()],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Close the alert; a visit that was made is confirmed with it, one not yet begun is called off."""

    def resolve(work: UnitOfWork) -> None:
        page.service(AlertSlice).service.resolve_alert(work, alert_id, page.actor, outcome=outcome, note=note.strip())

    return _do(page, alert_id, resolve)


@router.post("/{alert_id}/door-code")
def door_code(alert_id: UUID, page: PageContextDep) -> HTMLResponse:
    """The door code, once page for; who page is logged in the same transaction."""
    with page.work() as work:
        seen = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        home = find_home(work, seen.home_id)
        page.audit_read(work, "door_code", seen.home_id, str(alert_id))
        code = "" if home is None else home.door_code
    return page.render("board/door_code.html", code=code)


def _do(page: PageContext, alert_id: UUID, command: Callable[[UnitOfWork], None]) -> Response:
    """Do one thing in one transaction, then show the alert as it is; a refusal is said where the button was."""
    problem = ""
    try:
        with page.work() as work:
            command(work)
    except AlertNotFound:
        raise
    except DomainError as refusal:
        problem = explain(refusal, page.words)
    if not page.fragment and not problem:
        return RedirectResponse(f"/board/{alert_id}", status_code=303)
    return _answer(page, alert_id, problem)


def _answer(page: PageContext, alert_id: UUID, problem: str = "") -> Response:
    if not page.fragment:
        return _page(page, alert_id, problem)
    view = _detail(page, alert_id)
    return page.in_zone(view.zone).render("board/detail.html", "board", detail=view, problem=problem)


def _page(page: PageContext, alert_id: UUID | None, problem: str = "") -> Response:
    chosen = None if alert_id is None else _detail(page, alert_id)
    view = _board(page)
    shown_in = page if chosen is None else page.in_zone(chosen.zone)
    return shown_in.render(
        "board/page.html", "board", board=view, detail=chosen, chosen=alert_id or "", problem=problem
    )


def _board(page: PageContext) -> Board:
    actor = page.actor
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        rows = page.service(AlertSlice).queries.list_alerts(work, actor.community_id)
        load = page.service(AlertSlice).queries.count_recent(work, actor.community_id)
        homes = list_home_ids(work, actor.community_id)
        offline = HomeStatusReader(work.session).list_offline().keys() & homes.keys()
        notes = [_quiet(one, page.words, now) for one in page.service(RoutineService).list_unread_notes(work, actor)]
    drawn = presenter.board(
        rows, page.words, now.astimezone(page.zone), load=load, homes=len(homes), offline=len(offline)
    )
    return replace(drawn, notes=notes)


def _quiet(one: NoteView, words: Words, now: datetime) -> QuietNote:
    where = address(words, one.estate, one.building, one.unit, one.room)
    return QuietNote(
        id=one.id,
        home_id=one.home_id,
        name=one.name,
        address=where,
        reason=describe_reason(one.reason, Reader(words, now, ZoneInfo(one.timezone))),
    )


def _detail(page: PageContext, alert_id: UUID) -> Detail:
    words = page.words
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        found = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        home = card(work, found.home_id, words, now)
        if home is None:
            raise AlertNotFound(alert_id)
        visit = summarise_visit(next(iter(page.service(VisitService).of_alert(work, alert_id)), None), words)
        status = HomeStatusReader(work.session)
        offline_since = status.find_supervision([home.id]).get(home.id, ONLINE).offline_since
    also = ""
    if offline_since is not None and found.kind is not AlertKind.HOME_OFFLINE:
        also = words("这家现在看不到，从 %(when)s 起", when=time_format.moment(words, now, offline_since, home.zone))
    strip, wave = _drawings(page, found, now)
    return presenter.detail(found, page.actor, home, words, now, visit=visit, strip=strip, wave=wave, also=also)


def _drawings(
    page: PageContext, found: AlertDetail, now: datetime
) -> tuple[ActivityTimeline | None, WaveformChart | None]:
    """The day and the fall; without the series store the alert is shown all the same."""
    one = found
    upto = one.closed_at or now
    end = upto + AHEAD
    start = end - timedelta(days=1)
    falls, zone = one.kind is AlertKind.FALL, ZoneInfo(one.timezone)
    try:
        signs = page.services.series.read_home(
            one.home_id, (start - timedelta(days=USUAL_DAYS)).timestamp(), end.timestamp(), quantities=LIFE_QUANTITIES
        )
        clip = page.services.series.read_clip(one.home_id, one.happened_at.timestamp()) if falls else None
    except SeriesUnavailable:
        return None, None
    rows = day_timeline.build_rows(
        signs, start, end, page.words, day_timeline.find_usual_hours(signs, start, start, end, zone)
    )
    gap = TimeSpan(max(one.happened_at, start), upto) if one.kind in _GAPS else None
    impact = None if gap or one.kind is AlertKind.HOME_OFFLINE else one.happened_at
    dark = [TimeSpan(max(one.happened_at, start), upto)] if one.kind is AlertKind.HOME_OFFLINE else []
    strip = ActivityTimeline(start, end, rows, upto, zone, gap=gap, impact=impact, dark=dark) if rows else None
    wave = None
    if clip is not None:
        impact_s = max(0.0, one.happened_at.timestamp() - clip.start_s)
        wave = WaveformChart(magnitudes(clip.data), clip.fs_hz, impact_s)
    return strip, wave
