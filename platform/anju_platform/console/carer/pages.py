"""The carer's phone: offers, today, and one visit step by step; a step may come late and twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from pydantic import AwareDatetime, BaseModel, Field

from anju_core.dispatch import Place
from anju_core.errors import DomainError
from anju_core.vocabulary import DeclineReason, Role, VisitState
from anju_platform.accounts.guards import require
from anju_platform.console.board.visit_summary import visit_status
from anju_platform.console.error_messages import explain
from anju_platform.console.home_card import HomeCard, card
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.rendering import STATIC
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.display_names import LABELS, DisplayStatus, display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.visits.queries import OfferRow, VisitRow
from anju_platform.visits.schemas import Condition, ElderWord
from anju_platform.visits.service import VisitService
from anju_platform.web.errors import status_of

carer = APIRouter(prefix="/carer", dependencies=[Depends(require(Role.CARER))])
STEPS = (
    ("go", N_("路上")),
    ("arrive", N_("到达")),
    ("tasks", N_("要做的事")),
    ("leave", N_("离开")),
    ("done", N_("完成")),
)
_STEP_AT = {
    VisitState.ACCEPTED: "go",
    VisitState.CHECKED_IN: "tasks",
    VisitState.CHECKED_OUT: "done",
    VisitState.CONFIRMED: "done",
}
WORKER_HEADERS = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/carer"}
_ETAS = (5, 10, 15, 20, 30, 45)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShown:
    """One item of the checklist."""

    id: str
    text: str
    done: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitShown:
    """A visit as the phone shows it; `step` is one of `STEPS`, or `cancelled`."""

    id: UUID
    name: str
    age: int | None
    address: str
    category: str
    reason: str
    note: str
    step: str
    state: str
    status: DisplayStatus
    arrive_by: datetime
    phone: str
    duty_phone: str
    map_url: str
    fee_fen: int
    door: list[tuple[str, str]]
    tasks: list[TaskShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferShown:
    """An offer: who, where, how far, what, pay, and until when."""

    visit_id: UUID
    name: str
    age: int | None
    address: str
    distance_m: float | None
    category: str
    reason: str
    note: str
    arrive_by: datetime
    fee_fen: int
    eta: int
    offered_at: datetime
    expires_at: datetime


class PhoneForm(BaseModel):
    """What every step of the phone carries: its own id, and the phone's time."""

    step_id: str | None = Field(None, min_length=1, max_length=80)
    phone_at: AwareDatetime | None = None


class CheckInForm(PhoneForm):
    """At the door. An empty place is no place."""

    code: str = Field("", max_length=12)
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | str | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | str | None = None

    def place(self) -> Place | None:
        """Where the phone is, if it knows."""
        if isinstance(self.latitude, float) and isinstance(self.longitude, float):
            return Place(self.latitude, self.longitude)
        return None


class TaskForm(PhoneForm):
    """One item of the checklist."""

    task: str = Field(min_length=1, max_length=40)
    done: bool


class CheckOutForm(PhoneForm):
    """Leaving."""

    condition: Condition
    summary: str = Field(min_length=1, max_length=2000)
    elder: ElderWord


@carer.get("", name="carer")
def today(page: PageContextDep) -> Response:
    """Offers that wait, then the visits of today in their order."""
    return _today(page)


@carer.get("/manifest.json", include_in_schema=False)
def manifest(page: PageContextDep) -> JSONResponse:
    """Lets the page be put on the phone's home screen."""
    icon = {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    name = page.words("安居")
    shown = {"name": name, "short_name": name, "start_url": "/carer", "scope": "/carer", "display": "standalone"}
    return JSONResponse({**shown, "icons": [icon]}, media_type="application/manifest+json")


@carer.get("/visits/{visit_id}", name="carer_visit")
def show_visit(visit_id: UUID, page: PageContextDep) -> Response:
    """One visit, one step at a time."""
    return _visit(page, visit_id)


@carer.post("/visits/{visit_id}/accept")
def accept(visit_id: UUID, page: PageContextDep, eta: Annotated[int, Form(ge=0, le=600)]) -> Response:
    """I go."""
    problem = _try(page, lambda work: page.service(VisitService).accept(work, visit_id, page.actor, eta))
    if problem is not None:
        return _today(page, explain(problem, page.words), status_of(problem))
    return RedirectResponse(f"/carer/visits/{visit_id}", status_code=303)


@carer.post("/visits/{visit_id}/decline")
def decline(visit_id: UUID, page: PageContextDep, reason: Annotated[DeclineReason, Form()]) -> Response:
    """I cannot."""
    problem = _try(page, lambda work: page.service(VisitService).decline(work, visit_id, page.actor, reason))
    if problem is not None:
        return _today(page, explain(problem, page.words), status_of(problem))
    return RedirectResponse("/carer", status_code=303)


@carer.post("/visits/{visit_id}/check-in")
def check_in(visit_id: UUID, page: PageContextDep, given: Annotated[CheckInForm, Form()]) -> Response:
    """I am at the door."""

    def step(work: UnitOfWork) -> object:
        code = given.code.strip() or None
        return page.service(VisitService).check_in(
            work, visit_id, page.actor, code=code, place=given.place(), phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


@carer.post("/visits/{visit_id}/tasks")
def answer_task(visit_id: UUID, page: PageContextDep, given: Annotated[TaskForm, Form()]) -> Response:
    """One item of the checklist."""

    def step(work: UnitOfWork) -> object:
        done = {given.task: given.done}
        return page.service(VisitService).check(
            work, visit_id, page.actor, done, phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


@carer.post("/visits/{visit_id}/check-out")
def check_out(visit_id: UUID, page: PageContextDep, given: Annotated[CheckOutForm, Form()]) -> Response:
    """I leave, and this is how it was."""

    def step(work: UnitOfWork) -> object:
        report = {"condition": given.condition.value, "summary": given.summary.strip(), "elder": given.elder.value}
        return page.service(VisitService).check_out(
            work, visit_id, page.actor, report, phone_at=given.phone_at, step_id=given.step_id
        )

    return _step(page, visit_id, step)


def _try(page: PageContext, act: Callable[[UnitOfWork], object]) -> DomainError | None:
    try:
        with page.work() as work:
            act(work)
    except DomainError as refusal:
        return refusal
    return None


def _step(page: PageContext, visit_id: UUID, act: Callable[[UnitOfWork], object]) -> Response:
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
        offers = page.service(VisitService).offers_of(work, page.actor)
        visits = page.service(VisitService).today(work, page.actor)
        cards = {row.home_id: _card(page, work, row.home_id) for row in [*(offer.visit for offer in offers), *visits]}
    view = {
        "offers": [_offer(offer, cards[offer.visit.home_id], page.words) for offer in offers],
        "visits": [_shown(visit, cards[visit.home_id], page.words) for visit in visits],
        "decline_reasons": list(DeclineReason),
        "problem": problem,
    }
    return page.render("carer/today.html", "carer", status=status, **view)


def _visit(page: PageContext, visit_id: UUID, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        found = page.service(VisitService).detail(work, visit_id, page.actor)
        page.audit_read(work, "visit", found.row.home_id, str(visit_id))
        home = _card(page, work, found.row.home_id)
    shown = _shown(found.row, home, page.words)
    steps = [(step, page.words(text)) for step, text in STEPS]
    return page.render("carer/visit.html", "carer", status=status, visit=shown, steps=steps, problem=problem)


def _card(page: PageContext, work: UnitOfWork, home_id: str) -> HomeCard | None:
    return card(work, home_id, page.words, work.clock.now())


def _reason(row: VisitRow, words: Words) -> str:
    kind = LABELS["kind"].get(row.alert_kind or "", "")
    return words(kind) if kind else ""


def _shown(row: VisitRow, home: HomeCard | None, words: Words) -> VisitShown:
    map_url = f"geo:{row.latitude},{row.longitude}" if row.latitude is not None and row.longitude is not None else ""
    return VisitShown(
        id=row.id,
        name=row.name,
        age=home.age if home else None,
        address=home.address if home else row.address,
        category=row.category,
        reason=_reason(row, words),
        note=row.note,
        step=_STEP_AT.get(row.state, "cancelled"),
        state=row.state,
        status=visit_status(row.state),
        arrive_by=row.arrive_by,
        phone=home.phone if home else "",
        duty_phone=home.duty_phone if home else "",
        map_url=map_url,
        fee_fen=row.fee_fen,
        door=list(home.door) if home else [],
        tasks=[
            TaskShown(id=task.id, text=display_name(words, "checklist", task.id), done=task.done) for task in row.tasks
        ],
    )


def _offer(offer: OfferRow, home: HomeCard | None, words: Words) -> OfferShown:
    row = offer.visit
    guess = offer.eta_minutes or _ETAS[1]
    return OfferShown(
        visit_id=row.id,
        name=row.name,
        age=home.age if home else None,
        address=home.address if home else row.address,
        distance_m=offer.distance_m,
        category=row.category,
        reason=_reason(row, words),
        note=row.note,
        arrive_by=row.arrive_by,
        fee_fen=row.fee_fen,
        eta=next((one for one in _ETAS if one >= guess), _ETAS[-1]),
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
    )


router = APIRouter()


@router.get("/carer/sw.js", include_in_schema=False)
def service_worker() -> FileResponse:
    """The worker that lets the page open without a signal; served from here so that its scope is the carer's pages."""
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers=WORKER_HEADERS)


router.include_router(carer)
