"""JSON endpoints of visits."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header
from fastapi.responses import StreamingResponse

from anju_core.actor import Actor
from anju_core.dispatch import Place
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import StillDep, require
from anju_platform.alerts.streamed_looks import StreamedLooks
from anju_platform.visits.assembly import VisitSlice
from anju_platform.visits.queries import OfferedVisit, VisitDetail, VisitSummary
from anju_platform.visits.schemas import (
    Accept,
    Assignment,
    Cancellation,
    CheckIn,
    CheckOut,
    Confirmation,
    Decline,
    HelpCall,
    Mine,
    TaskDone,
)
from anju_platform.web.dependencies import ServicesDep, UnitDep, provide
from anju_platform.web.hub import event_stream
from anju_platform.web.topics import account_topic, provider_topic

router = APIRouter(tags=["visits"])
VisitsDep = Annotated[VisitSlice, Depends(provide(VisitSlice))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
CarerOnly = Annotated[Actor, Depends(require(Role.CARER))]
Dispatcher = Annotated[Actor, Depends(require(Role.PROVIDER))]
Dispatched = Annotated[Actor, Depends(require(Role.CARER, Role.PROVIDER))]
AtTheDoor = Annotated[Actor, Depends(require(Role.CARER, Role.WORKER, Role.SUPERVISOR))]
Concerned = Annotated[
    Actor,
    Depends(require(Role.CARER, Role.PROVIDER, Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER)),
]


@router.get("/visits")
def list_visits(
    actor: Concerned, visits: VisitsDep, work: UnitDep, mine: Mine | None = None
) -> list[OfferedVisit] | list[VisitSummary]:
    """List visits. `mine=offers`: what waits for the asker's answer; `mine=today`: her route; without: her scope."""
    work.only_read()
    if mine == "offers":
        return visits.queries.list_offers(work, actor)
    if mine == "today":
        return visits.queries.list_of_carer(work, actor)
    return visits.queries.list_visits(work, actor)


@router.get(
    "/visits/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def stream_visits(
    actor: Dispatched, services: ServicesDep, still: StillDep, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Stream server-sent events: `visit` when one that concerns the asker changed, `told` when the asker is notified.

    The look at each home that an event is about is audited.
    """
    topics = {account_topic(actor.account_id)}
    if actor.role is Role.PROVIDER and actor.provider_id is not None:
        topics.add(provider_topic(actor.provider_id))
    return event_stream(
        services.hub,
        topics,
        owner=actor.account_id,
        last_event_id=last_event_id,
        still=still,
        on_sent=StreamedLooks(services.work, actor),
    )


@router.get("/visits/{visit_id}")
def show_visit(visit_id: UUID, actor: Concerned, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Return one visit with its offers and history; the read is audited."""
    work.only_read()
    return visits.queries.get_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/accept")
def accept_offer(
    visit_id: UUID,
    actor: CarerOnly,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Accept | None, Body()] = None,
) -> VisitDetail:
    """Accept the offer. 409 `visit-already-accepted` says who was first."""
    visits.service.accept_offer(work, visit_id, actor, None if given is None else given.eta)
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/decline")
def decline_offer(visit_id: UUID, given: Decline, actor: CarerOnly, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Decline the offer, or hand an accepted visit back; the next carer is asked."""
    visits.service.decline_offer(work, visit_id, actor, given.reason)
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/assign")
def assign_carer(visit_id: UUID, given: Assignment, actor: Dispatcher, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Choose the carer who is asked, also in the place of one who was asked or, as `taken_from`, has accepted.

    She may decline. 409 `visit-already-accepted` or `visit-changed-hands` says who has the visit meanwhile, 409
    `carer-unavailable` why she cannot be asked.
    """
    visits.assignments.assign_carer(
        work, visit_id, actor, given.carer_id, given.reason, taken_from=given.taken_from, note=given.note
    )
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/check-in")
def check_in(visit_id: UUID, given: CheckIn, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Arrive, proven by the home's code or, for staff, by their word. 422 `arrival-not-proven` counts wrong codes."""
    visits.execution.check_in(
        work,
        visit_id,
        actor,
        code=given.code,
        place=Place.known(given.latitude, given.longitude),
        phone_at=given.phone_at,
        step_id=given.step_id,
    )
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/code", status_code=204)
def repeat_code(visit_id: UUID, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> None:
    """Have the home say the arrival code once more, slowly and twice: the carer stands at the door."""
    visits.execution.repeat_code(work, visit_id, actor)


@router.post("/visits/{visit_id}/tasks")
def answer_task(visit_id: UUID, given: TaskDone, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Answer one item of the checklist."""
    done = {given.task: given.done}
    visits.execution.answer_tasks(work, visit_id, actor, done, phone_at=given.phone_at, step_id=given.step_id)
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/help")
def call_for_help(visit_id: UUID, given: HelpCall, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Call for help at once, in whatever state the visit is: everybody concerned with the alert is told."""
    visits.execution.call_for_help(
        work, visit_id, actor, task=given.task, phone_at=given.phone_at, step_id=given.step_id
    )
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/check-out")
def check_out(visit_id: UUID, given: CheckOut, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetail:
    """Leave, with a report."""
    report = given.report.model_dump(mode="json")
    visits.execution.check_out(work, visit_id, actor, report, phone_at=given.phone_at, step_id=given.step_id)
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/confirm")
def confirm_visit(
    visit_id: UUID,
    actor: Staff,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Confirmation | None, Body()] = None,
) -> VisitDetail:
    """Confirm that the visit was made as reported."""
    visits.service.confirm_visit(work, visit_id, actor, "" if given is None else given.note)
    return visits.queries.describe_visit(work, visit_id, actor)


@router.post("/visits/{visit_id}/cancel")
def cancel_visit(
    visit_id: UUID,
    actor: Staff,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Cancellation | None, Body()] = None,
) -> VisitDetail:
    """Call the visit off."""
    visits.service.cancel_visit(work, visit_id, actor, "" if given is None else given.why)
    return visits.queries.describe_visit(work, visit_id, actor)
