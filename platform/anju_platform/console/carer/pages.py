"""The carer's phone: offers, today, and one visit step by step; a step may come late and twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from anju_core.errors import DomainError
from anju_core.visits import VisitNotFound
from anju_core.vocabulary import DeclineReason, Role
from anju_platform.accounts.guards import require
from anju_platform.console.carer.forms import CheckInForm, CheckOutForm, HelpForm, TaskForm
from anju_platform.console.carer.presenter import STEPS, show_notice, show_offer, show_visit
from anju_platform.console.error_messages import explain
from anju_platform.console.home_card import HomeCard, visitor_card
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.rendering import STATIC
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits.assembly import VisitSlice
from anju_platform.web.errors import status_of

carer = APIRouter(prefix="/carer", dependencies=[Depends(require(Role.CARER))])
WORKER_HEADERS = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/carer"}


@carer.get("", name="carer")
def show_today(page: PageContextDep) -> Response:
    """Show the offers that wait, then the visits of today in their order."""
    return _today(page)


@carer.get("/manifest.json", include_in_schema=False)
def show_manifest(page: PageContextDep) -> JSONResponse:
    """Return the web app manifest: it lets the page be put on the phone's home screen."""
    icon = {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    name = page.words("安居")
    shown = {"name": name, "short_name": name, "start_url": "/carer", "scope": "/carer", "display": "standalone"}
    return JSONResponse({**shown, "icons": [icon]}, media_type="application/manifest+json")


@carer.get("/notices", name="carer_notices")
def show_notices(page: PageContextDep, *, offers: bool = False) -> Response:
    """Show what the carer need not do any more, and with `offers` what waits for her answer; every page asks for it."""
    with page.work() as work:
        work.only_read()
        view = _read_notices(page, work, offers=offers)
    return page.render("carer/notices.html", "carer", notices=view["notices"], waiting=view["waiting"])


@carer.get("/visits/{visit_id}", name="carer_visit")
def show_visit_page(visit_id: UUID, page: PageContextDep) -> Response:
    """Show one visit, one step at a time; one that was taken from the carer leads to the notice that says so."""
    return _visit(page, visit_id)


@carer.post("/visits/{visit_id}/accept")
def accept_offer(visit_id: UUID, page: PageContextDep, eta: Annotated[int, Form(ge=0, le=600)]) -> Response:
    """Accept an offer; `eta` in minutes to the door."""
    problem = _try(page, lambda work: page.service(VisitSlice).service.accept_offer(work, visit_id, page.actor, eta))
    if problem is not None:
        return _today(page, explain(problem, page.words), status_of(problem))
    return RedirectResponse(f"/carer/visits/{visit_id}", status_code=303)


@carer.post("/visits/{visit_id}/decline")
def decline_offer(visit_id: UUID, page: PageContextDep, reason: Annotated[DeclineReason, Form()]) -> Response:
    """Decline an offer, or hand an accepted visit back."""
    problem = _try(
        page, lambda work: page.service(VisitSlice).service.decline_offer(work, visit_id, page.actor, reason)
    )
    if problem is not None:
        return _today(page, explain(problem, page.words), status_of(problem))
    return RedirectResponse("/carer", status_code=303)


@carer.post("/visits/{visit_id}/check-in")
def check_in(visit_id: UUID, page: PageContextDep, given: Annotated[CheckInForm, Form()]) -> Response:
    """Arrive at the door."""

    def step(work: UnitOfWork) -> None:
        code = given.code.strip() or None
        page.service(VisitSlice).execution.check_in(
            work,
            visit_id,
            page.actor,
            code=code,
            place=given.read_place(),
            phone_at=given.phone_at,
            step_id=given.step_id,
        )

    return _step(page, visit_id, step)


@carer.post("/visits/{visit_id}/code")
def repeat_code(visit_id: UUID, page: PageContextDep) -> Response:
    """Have the home say the arrival code once more."""
    return _step(
        page,
        visit_id,
        lambda work: page.service(VisitSlice).execution.repeat_code(work, visit_id, page.actor),
    )


@carer.post("/visits/{visit_id}/tasks")
def answer_task(visit_id: UUID, page: PageContextDep, given: Annotated[TaskForm, Form()]) -> Response:
    """Answer one item of the checklist."""

    def step(work: UnitOfWork) -> None:
        done = {given.task: given.done}
        page.service(VisitSlice).execution.answer_tasks(
            work, visit_id, page.actor, done, phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


@carer.post("/visits/{visit_id}/help")
def call_for_help(visit_id: UUID, page: PageContextDep, given: Annotated[HelpForm, Form()]) -> Response:
    """Call for help at once, also before the check-in has arrived."""

    def step(work: UnitOfWork) -> None:
        page.service(VisitSlice).execution.call_for_help(
            work, visit_id, page.actor, task=given.task, phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


@carer.post("/visits/{visit_id}/check-out")
def check_out(visit_id: UUID, page: PageContextDep, given: Annotated[CheckOutForm, Form()]) -> Response:
    """Leave, with a report."""

    def step(work: UnitOfWork) -> None:
        report = {"condition": given.condition.value, "summary": given.summary.strip(), "elder": given.elder.value}
        page.service(VisitSlice).execution.check_out(
            work, visit_id, page.actor, report, phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


def _try(page: PageContext, act: Callable[[UnitOfWork], None]) -> DomainError | None:
    try:
        with page.work() as work:
            act(work)
    except DomainError as refusal:
        return refusal
    return None


def _step(page: PageContext, visit_id: UUID, act: Callable[[UnitOfWork], None]) -> Response:
    """One step of the phone: JSON for the page's outbox, a page for a browser without scripts."""
    refusal = _try(page, act)
    if "application/json" in page.request.headers.get("accept", ""):
        if refusal is None:
            return JSONResponse({"sent": True})
        return JSONResponse({"why": explain(refusal, page.words)}, status_of(refusal))
    if refusal is not None:
        return _visit(page, visit_id, explain(refusal, page.words), status_of(refusal))
    return RedirectResponse(f"/carer/visits/{visit_id}", status_code=303)


def _today(page: PageContext, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        work.only_read()
        offers = page.service(VisitSlice).queries.list_offers(work, page.actor)
        visits = page.service(VisitSlice).queries.list_of_carer(work, page.actor)
        cards = {row.home_id: _card(page, work, row.home_id) for row in visits}
        noticed = _read_notices(page, work, offers=False)
    view = {
        **noticed,
        "offers": [show_offer(offer, page.words) for offer in offers],
        "visits": [show_visit(visit, cards[visit.home_id], page.words, page.actor) for visit in visits],
        "decline_reasons": list(DeclineReason),
        "problem": problem,
    }
    return page.render("carer/today.html", "carer", status=status, **view)


def _read_notices(page: PageContext, work: UnitOfWork, *, offers: bool) -> dict[str, object]:
    slices = page.service(VisitSlice)
    waiting = slices.queries.list_offers(work, page.actor) if offers else []
    return {
        "notices": [show_notice(notice, page.words) for notice in slices.notices.list_notices(work, page.actor)],
        "waiting": [show_offer(offer, page.words) for offer in waiting],
    }


def _visit(page: PageContext, visit_id: UUID, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        work.only_read()
        noticed = _read_notices(page, work, offers=True)
        try:
            found = page.service(VisitSlice).queries.get_visit(work, visit_id, page.actor)
        except VisitNotFound:
            if any(one.visit_id == visit_id for one in page.service(VisitSlice).notices.list_notices(work, page.actor)):
                return RedirectResponse("/carer", status_code=303)
            raise
        home = _card(page, work, found.home_id) if found.place_known else None
    shown = show_visit(found, home, page.words, page.actor)
    steps = [(step, page.words(text)) for step, text in STEPS]
    view = {"visit": shown, "steps": steps, "problem": problem, **noticed}
    return page.render("carer/visit.html", "carer", status=status, **view)


def _card(page: PageContext, work: UnitOfWork, home_id: str) -> HomeCard | None:
    return visitor_card(work, home_id, page.words, work.clock.now())


router = APIRouter()


@router.get("/carer/sw.js", include_in_schema=False)
def serve_service_worker() -> FileResponse:
    """Serve the script that opens the page without a signal; from here, its scope is the carer's pages."""
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers=WORKER_HEADERS)


router.include_router(carer)
