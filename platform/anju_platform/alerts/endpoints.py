"""JSON endpoints of alerts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query
from fastapi.responses import StreamingResponse

from anju_core.actor import Actor
from anju_core.scope import Communities, Scope, WholeDistrict
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import StillDep, require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.queries import AlertDetail, AlertSummary
from anju_platform.alerts.schemas import (
    ArrivalGiven,
    ContactAttemptGiven,
    DispatchGiven,
    Listed,
    NoteGiven,
    ResolutionGiven,
)
from anju_platform.alerts.streamed_looks import StreamedLooks
from anju_platform.web.dependencies import ServicesDep, UnitDep, provide
from anju_platform.web.hub import event_stream
from anju_platform.web.topics import EVERY_COMMUNITY, account_topic, community_topic

router = APIRouter(tags=["alerts"])
AlertsDep = Annotated[AlertSlice, Depends(provide(AlertSlice))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
Watcher = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER))]


@router.get("/alerts")
def list_alerts(actor: Watcher, alerts: AlertsDep, work: UnitDep, state: Listed = "open") -> list[AlertSummary]:
    """List the alerts of the asker's scope: open ones by deadline, closed ones newest first."""
    work.only_read()
    return alerts.queries.list_alerts(work, actor, state=None if state == "all" else state)


@router.get(
    "/alerts/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def stream_alerts(
    actor: Watcher, services: ServicesDep, still: StillDep, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Stream server-sent events: `alert` when one of the asker's scope changed, `told` when the asker is notified.

    The look at each home that an event is about is audited.
    """
    topics = {*_topics_of(actor.scope), account_topic(actor.account_id)}
    return event_stream(
        services.hub,
        topics,
        owner=actor.account_id,
        last_event_id=last_event_id,
        still=still,
        on_sent=StreamedLooks(services.work, actor),
    )


@router.get("/alerts/{alert_id}")
def show_alert(
    alert_id: UUID, actor: Watcher, alerts: AlertsDep, work: UnitDep, why: Annotated[str, Query(max_length=200)] = ""
) -> AlertDetail:
    """Return one alert with its history; the read is audited.

    District and tester see the home's id; the district also who lives there, where it says `why` it opens the case.
    """
    work.only_read()
    return alerts.queries.get_alert(work, alert_id, actor, why)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge_alert(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetail:
    """Acknowledge the alert. 409 `alert-already-acknowledged` says who was first."""
    alerts.service.acknowledge_alert(work, alert_id, actor)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/unacknowledge")
def unacknowledge_alert(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetail:
    """Hand the alert back; within ten seconds of acknowledging it nobody is told."""
    alerts.service.unacknowledge_alert(work, alert_id, actor)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/contact-attempts")
def record_contact_attempt(
    alert_id: UUID, given: ContactAttemptGiven, actor: Staff, alerts: AlertsDep, work: UnitDep
) -> AlertDetail:
    """Record a call and how it ended."""
    alerts.service.record_contact_attempt(work, alert_id, actor, who=given.who, outcome=given.outcome, note=given.note)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/dispatch")
def dispatch_carer(
    alert_id: UUID,
    actor: Staff,
    alerts: AlertsDep,
    work: UnitDep,
    given: Annotated[DispatchGiven | None, Body()] = None,
) -> AlertDetail:
    """Request a provider's visit."""
    asked = given or DispatchGiven()
    alerts.service.dispatch_carer(work, alert_id, actor, category=asked.category, note=asked.note)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/en-route")
def mark_en_route(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetail:
    """Say that the asker goes there in person."""
    alerts.service.mark_en_route(work, alert_id, actor)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/arrive")
def mark_arrived(
    alert_id: UUID,
    actor: Staff,
    alerts: AlertsDep,
    work: UnitDep,
    given: Annotated[ArrivalGiven | None, Body()] = None,
) -> AlertDetail:
    """Say that the asker is at the home, with the code that is heard there.

    Without it the alert goes on escalating after five minutes (`arrival_proven` false). 422 `wrong-arrival-code` counts
    wrong codes.
    """
    alerts.service.mark_arrived(work, alert_id, actor, code=None if given is None else given.code)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/note")
def add_note(alert_id: UUID, given: NoteGiven, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetail:
    """Add a note to the history, also after the end."""
    alerts.service.add_note(work, alert_id, actor, given.note)
    return alerts.queries.get_alert(work, alert_id, actor)


@router.post("/alerts/{alert_id}/resolve")
def resolve_alert(
    alert_id: UUID, given: ResolutionGiven, actor: Staff, alerts: AlertsDep, work: UnitDep
) -> AlertDetail:
    """Close the alert with what it turned out to be.

    Any outcome but real help needs evidence on record: 409 `contact-missing`, 422 `closing-note-missing`.
    """
    alerts.service.resolve_alert(work, alert_id, actor, outcome=given.outcome, note=given.note)
    return alerts.queries.get_alert(work, alert_id, actor)


def _topics_of(scope: Scope) -> set[str]:
    """Return the topics on which alerts of a scope are published."""
    if isinstance(scope, WholeDistrict):
        return {EVERY_COMMUNITY}
    return {community_topic(one) for one in scope.ids} if isinstance(scope, Communities) else set()
