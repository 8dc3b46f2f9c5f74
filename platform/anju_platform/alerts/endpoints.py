"""Alerts over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header
from fastapi.responses import StreamingResponse

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import AccountsDep, StillDep, require
from anju_platform.alerts.models import Alert
from anju_platform.alerts.queries import AlertDetail
from anju_platform.alerts.schemas import (
    AlertDetailView,
    AlertView,
    CallView,
    Contacted,
    Dispatch,
    HistoryView,
    Listed,
    NoteGiven,
    Resolution,
)
from anju_platform.alerts.service import AlertService
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.web.dependencies import ServicesDep, UnitDep, provide
from anju_platform.web.hub import event_stream

ONE_LOOK = timedelta(minutes=10)
"""A page that refreshes itself looks once."""
router = APIRouter(tags=["alerts"])
AlertsDep = Annotated[AlertService, Depends(provide(AlertService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
Watcher = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER))]

EVERY_COMMUNITY = "community:*"
"""Topic of pages that may see every community."""


@router.get("/alerts")
def list_alerts(actor: Watcher, alerts: AlertsDep, work: UnitDep, state: Listed = "open") -> list[AlertView]:
    """Alerts of the asker's scope: open ones by deadline, closed ones newest first."""
    work.only_read()
    chosen = None if state == "all" else state
    rows = alerts.board(work, actor.community_id, work.clock.now(), state=chosen)
    return [AlertView.model_validate(row) for row in rows]


@router.get("/alerts/stream")
def stream_alerts(
    actor: Watcher, services: ServicesDep, still: StillDep, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events: `alert` when one of the asker's scope changed, `told` when the asker is told in person."""
    scope = EVERY_COMMUNITY if actor.community_id is None else f"community:{actor.community_id}"
    topics = {scope, f"account:{actor.account_id}"}
    return event_stream(services.hub, topics, last_event_id=last_event_id, still=still)


@router.get("/alerts/{alert_id}")
def show_alert(
    alert_id: UUID, actor: Watcher, alerts: AlertsDep, accounts: AccountsDep, work: UnitDep
) -> AlertDetailView:
    """One alert with its history; the look is logged."""
    detail = alerts.detail(work, alert_id, actor)
    accounts.log_look(work, actor, "alert", detail.row.home_id, once_in=ONE_LOOK)
    return _view(detail)


@router.post("/alerts/{alert_id}/acknowledge")
def take(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """I will see to it. 409 `alert-already-acknowledged` says who was first."""
    return _after(alerts, work, actor, alerts.take(work, alert_id, actor))


@router.post("/alerts/{alert_id}/unacknowledge")
def release(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """Hand it back; quietly within ten seconds of taking it."""
    return _after(alerts, work, actor, alerts.release(work, alert_id, actor))


@router.post("/alerts/{alert_id}/contact-attempts")
def contacted(alert_id: UUID, given: Contacted, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """A call was made."""
    alert = alerts.contacted(work, alert_id, actor, who=given.who, outcome=given.outcome, note=given.note)
    return _after(alerts, work, actor, alert)


@router.post("/alerts/{alert_id}/dispatch")
def dispatch(
    alert_id: UUID,
    actor: Staff,
    alerts: AlertsDep,
    work: UnitDep,
    given: Annotated[Dispatch | None, Body()] = None,
) -> AlertDetailView:
    """Send a provider's carer."""
    asked = given or Dispatch()
    alert = alerts.dispatch(work, alert_id, actor, category=asked.category, note=asked.note)
    return _after(alerts, work, actor, alert)


@router.post("/alerts/{alert_id}/en-route")
def go(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """I am going there myself."""
    return _after(alerts, work, actor, alerts.go_myself(work, alert_id, actor))


@router.post("/alerts/{alert_id}/arrive")
def arrive(alert_id: UUID, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """I am there."""
    return _after(alerts, work, actor, alerts.arrive(work, alert_id, actor))


@router.post("/alerts/{alert_id}/note")
def note(alert_id: UUID, given: NoteGiven, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """Write something down."""
    return _after(alerts, work, actor, alerts.note(work, alert_id, actor, given.note))


@router.post("/alerts/{alert_id}/resolve")
def resolve(alert_id: UUID, given: Resolution, actor: Staff, alerts: AlertsDep, work: UnitDep) -> AlertDetailView:
    """Close it with its outcome."""
    alert = alerts.resolve(work, alert_id, actor, outcome=given.outcome, note=given.note)
    return _after(alerts, work, actor, alert)


def _after(alerts: AlertsDep, work: UnitOfWork, actor: Actor, alert: Alert) -> AlertDetailView:
    return _view(alerts.detail(work, alert.id, actor))


def _view(detail: AlertDetail) -> AlertDetailView:
    return AlertDetailView(
        **AlertView.model_validate(detail.row).model_dump(),
        history=[HistoryView.model_validate(step) for step in detail.history],
        calls=[CallView.model_validate(call) for call in detail.calls.values()],
        commands=list(detail.commands),
        undo_until=detail.undo_until,
    )
