"""The community worker's board: who needs me now, why, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from anju_core.alerts import AlertNotFound
from anju_core.errors import DomainError
from anju_core.ids import parse_uuid
from anju_core.vocabulary import CallOutcome, Outcome, Role, VisitState
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.console.board.reading import read_alert, read_board, read_waiting
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import N_
from anju_platform.residents.errors import NoDoorCode
from anju_platform.residents.service import ResidentService
from anju_platform.visits.assembly import VisitSlice
from anju_platform.visits.closing import GOES_IN_PERSON

_TAKEN = N_("已由您处理")
_RETURNED = N_("已转回，等别人接手")
_RECORDED = N_("已记下")

router = APIRouter(prefix="/board", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])


@router.get("", name="board")
def show_board(page: PageContextDep) -> Response:
    """Show the list with nothing chosen."""
    return _page(page, None)


@router.get("/list", name="board_list")
def show_list(page: PageContextDep, chosen: str = "") -> Response:
    """Show the list alone; the page asks for it when something happens."""
    view = read_board(page)
    return page.render("board/list.html", "board", board=view, chosen=chosen)


@router.get("/alarms", name="board_alarms")
def show_alarms(page: PageContextDep) -> Response:
    """Show the bar of alerts that nobody has taken; every page of the staff asks for it."""
    return page.render("board/alarms.html", "board", waiting=read_waiting(page))


@router.post("/groups/acknowledge")
def acknowledge_group(page: PageContextDep, alert_ids: Annotated[list[UUID], Form(max_length=500)]) -> Response:
    """Make the reader the one who sees to all of these alerts but those that somebody else has taken meanwhile."""
    alerts, taken = page.service(AlertSlice).service, 0
    for alert_id in alert_ids:
        with suppress(DomainError), page.work() as work:
            alerts.acknowledge_alert(work, alert_id, page.actor, asks=True)
            taken += 1
    if not page.fragment:
        return RedirectResponse("/board", status_code=303)
    answer = page.render("board/list.html", "board", board=read_board(page), chosen="")
    answer.headers["X-Done"] = quote(page.words.counted("已由您处理：%(n)s 户", taken))
    return answer


@router.get("/{alert_id}", name="board_alert")
def show_alert(alert_id: UUID, page: PageContextDep) -> Response:
    """Show one alert."""
    return _answer(page, alert_id)


@router.post("/{alert_id}/acknowledge")
def acknowledge_alert(alert_id: UUID, page: PageContextDep, over: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Make the reader the one who sees to the alert.

    over: the account of who has it, as the reader was shown and asked; without it nothing is taken from anybody.
    """
    alerts = page.service(AlertSlice).service

    def acknowledge(work: UnitOfWork) -> None:
        alerts.acknowledge_alert(work, alert_id, page.actor, asks=True, over=parse_uuid(over))

    return _carry_out(page, alert_id, acknowledge, _TAKEN)


@router.post("/{alert_id}/unacknowledge")
def unacknowledge_alert(alert_id: UUID, page: PageContextDep) -> Response:
    """Undo the acknowledgement, or hand the alert back."""
    alerts = page.service(AlertSlice).service
    return _carry_out(page, alert_id, lambda work: alerts.unacknowledge_alert(work, alert_id, page.actor), _RETURNED)


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

    return _carry_out(page, alert_id, record)


@router.post("/{alert_id}/dispatch")
def dispatch_carer(alert_id: UUID, page: PageContextDep, note: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Request a provider's visit."""
    alerts = page.service(AlertSlice).service
    return _carry_out(page, alert_id, lambda work: alerts.dispatch_carer(work, alert_id, page.actor, note=note.strip()))


@router.post("/{alert_id}/en-route")
def mark_en_route(alert_id: UUID, page: PageContextDep) -> Response:
    """Say that the reader goes there in person; carers who have not accepted yet are told that somebody goes."""

    def set_out(work: UnitOfWork) -> None:
        page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        visits = page.service(VisitSlice)
        for visit in visits.queries.list_of_alert(work, alert_id):
            if visit.state is VisitState.OFFERED:
                visits.service.cancel_visit(work, visit.id, page.actor, GOES_IN_PERSON)
        page.service(AlertSlice).service.mark_en_route(work, alert_id, page.actor)

    return _carry_out(page, alert_id, set_out)


@router.post("/{alert_id}/arrive")
def mark_arrived(alert_id: UUID, page: PageContextDep, code: Annotated[str, Form(max_length=12)] = "") -> Response:
    """Say that the reader is at the home, with the code that the home says."""
    alerts = page.service(AlertSlice).service
    return _carry_out(page, alert_id, lambda work: alerts.mark_arrived(work, alert_id, page.actor, code=code or None))


@router.post("/{alert_id}/attest")
def attest_arrival(alert_id: UUID, page: PageContextDep) -> Response:
    """Attest that the carer of the newest visit is at the door; the record names the reader."""

    def attest(work: UnitOfWork) -> None:
        page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        visits = page.service(VisitSlice)
        for visit in visits.queries.list_of_alert(work, alert_id)[:1]:
            visits.execution.check_in(work, visit.id, page.actor)

    return _carry_out(page, alert_id, attest)


@router.post("/{alert_id}/note")
def add_note(alert_id: UUID, page: PageContextDep, note: Annotated[str, Form(max_length=2000)]) -> Response:
    """Add a note to the history."""
    alerts = page.service(AlertSlice).service
    return _carry_out(page, alert_id, lambda work: alerts.add_note(work, alert_id, page.actor, note.strip()))


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

    return _carry_out(page, alert_id, resolve)


@router.post("/{alert_id}/door-code")
def show_door_code(alert_id: UUID, page: PageContextDep) -> HTMLResponse:
    """Show the door code, or that there is none to show; who asked is audited in the same transaction."""
    with page.work() as work:
        seen = page.service(AlertSlice).queries.get_alert(work, alert_id, page.actor)
        try:
            code = page.service(ResidentService).show_door_code(work, page.actor, seen.home_id, str(alert_id))
        except NoDoorCode:
            code = ""
    return page.render("board/door_code.html", code=code)


def _carry_out(
    page: PageContext, alert_id: UUID, command: Callable[[UnitOfWork], None], done: str = _RECORDED
) -> Response:
    """Carry out a command in one transaction, then show the alert; a refusal is shown where the button was.

    done: the message that tells of success.
    """
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
    answer = _answer(page, alert_id, problem)
    if not problem:
        answer.headers["X-Done"] = quote(page.words(done))
    return answer


def _answer(page: PageContext, alert_id: UUID, problem: str = "") -> Response:
    if not page.fragment:
        return _page(page, alert_id, problem)
    view = read_alert(page, alert_id)
    return page.in_zone(view.zone).render("board/detail.html", "board", detail=view, problem=problem)


def _page(page: PageContext, alert_id: UUID | None, problem: str = "") -> Response:
    chosen = None if alert_id is None else read_alert(page, alert_id)
    view = read_board(page)
    shown_in = page if chosen is None else page.in_zone(chosen.zone)
    return shown_in.render(
        "board/page.html", "board", board=view, detail=chosen, chosen=alert_id or "", problem=problem
    )
