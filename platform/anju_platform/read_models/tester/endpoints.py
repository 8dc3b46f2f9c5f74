"""The tester's panel over the API. Every path answers 409 unless the platform was started with `ANJU_SIM_CONTROL`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status
from pydantic import BaseModel, ConfigDict, Field

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.read_models.tester.service import TesterService
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["tester"])
TesterDep = Annotated[TesterService, Depends(provide(TesterService))]
Tester = Annotated[Actor, Depends(require(Role.TESTER, Role.ADMIN))]
_MOST_LIFE, _MOST_ENDS = 200_000, 2_000


class Order(BaseModel):
    """A command for a simulated home."""

    home: str
    action: str
    args: dict[str, str | float | bool] = {}


class Ordered(BaseModel):
    """The id of the command, which the events carry."""

    id: str


class StageView(BaseModel):
    """A stage: milliseconds since the press, impact or deadline, and the limit."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    ms: int | None
    limit_ms: int | None
    late: bool


class TraceView(BaseModel):
    """One event through its stages."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    home_id: str
    action: str
    at: datetime | None
    stages: list[StageView]
    alert_id: UUID | None
    note: str


class DeadlineQuestion(BaseModel):
    """Signs of life (Unix s, room, kind), and the times at which they might have ended."""

    home: str
    life: Annotated[list[tuple[float, str, str]], Field(max_length=_MOST_LIFE)]
    ends: Annotated[list[float], Field(max_length=_MOST_ENDS)]


class DeadlinePreview(BaseModel):
    """When each inactivity would be due; null: never."""

    deadlines: list[datetime | None]


@router.post("/tester/actions", status_code=status.HTTP_202_ACCEPTED)
def send_order(given: Order, actor: Tester, panel: TesterDep, work: UnitDep) -> Ordered:
    """Send a command to a simulated home."""
    return Ordered(id=panel.send_order(work, actor, given.home, given.action, given.args))


@router.get("/tester/events")
def list_events(actor: Tester, panel: TesterDep, work: UnitDep) -> list[TraceView]:
    """List the commands with their stages, newest first."""
    work.only_read()
    return [TraceView.model_validate(line) for line in panel.list_traces(work, actor)]


@router.get(
    "/tester/scenario",
    response_class=Response,
    responses={200: {"content": {"application/yaml": {"schema": {"type": "object"}}}}},
)
def save_scenario(_actor: Tester, panel: TesterDep) -> Response:
    """Export the commands as a scenario for `anju sim run`."""
    headers = {"Content-Disposition": "attachment; filename=saved.yaml"}
    return Response(panel.export_scenario(), media_type="application/yaml", headers=headers)


@router.post("/tester/deadlines")
def preview_deadlines(given: DeadlineQuestion, actor: Tester, panel: TesterDep, work: UnitDep) -> DeadlinePreview:
    """Preview inactivity deadlines for given signs of life; nothing is stored."""
    work.only_read()
    found = panel.preview_deadlines(work, actor, given.home, given.life, given.ends)
    return DeadlinePreview(deadlines=[None if at is None else datetime.fromtimestamp(at, UTC) for at in found])
