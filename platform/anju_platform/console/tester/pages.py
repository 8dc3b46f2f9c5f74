"""The tester's panel: commands to simulated homes, and the stages of each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from anju_core.errors import DomainError
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.display_names import LABELS, DisplayStatus, alert_status, display_name
from anju_platform.i18n.translation import Words
from anju_platform.monitoring.status import HomeStatusReader
from anju_platform.read_models.tester.command_trace import EventTrace
from anju_platform.read_models.tester.service import TesterService
from anju_platform.residents.directory import list_home_ids
from anju_wire.simulation import SimAction

router = APIRouter(prefix="/tester", dependencies=[Depends(require(Role.TESTER))])
LINES = 12
_SECOND_MS = 1000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class HomeTile:
    """A home in the grid, by its id: who lives there is not a tester's to know."""

    id: str
    status: DisplayStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCell:
    """One stage of an event."""

    text: str
    ms: int | None
    told: str
    limit: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One event through its stages."""

    name: str
    what: str
    at: datetime | None
    stages: Sequence[StageCell]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TesterPage:
    """The whole page."""

    connected: bool
    homes: Sequence[HomeTile]
    chosen: str
    actions: Sequence[tuple[str, str]]
    lines: Sequence[TraceRow]


@router.get("", name="tester")
def show_panel(page: PageContextDep, home: str = "") -> Response:
    """Show all homes, the actions of the chosen one, and the events."""
    return page.render("tester/page.html", "tester", panel=_panel(page, home), problem="")


@router.get("/lines", name="tester_lines")
def show_lines(page: PageContextDep) -> Response:
    """Show the events alone."""
    return page.render("tester/lines.html", "tester", panel=_panel(page, ""), problem="")


@router.post("/actions")
def send_order(
    page: PageContextDep, home: Annotated[str, Form(max_length=63)], action: Annotated[str, Form(max_length=40)]
) -> Response:
    """Send a command."""
    problem = ""
    try:
        with page.work() as work:
            page.service(TesterService).send_order(work, page.actor, home, action, {})
    except DomainError as refusal:
        problem = explain(refusal, page.words)
    if page.fragment:
        return page.render("tester/lines.html", "tester", panel=_panel(page, home), problem=problem)
    return RedirectResponse(f"/tester?home={home}", status_code=303)


def _panel(page: PageContext, chosen: str) -> TesterPage:
    with page.work() as work:
        work.only_read()
        homes = _homes(page, work)
        lines = page.service(TesterService).list_traces(work, page.actor)[:LINES]
    return TesterPage(
        connected=page.service(TesterService).connected,
        homes=homes,
        chosen=chosen if chosen in {home.id for home in homes} else "",
        actions=[(action, display_name(page.words, "action", action)) for action in SimAction],
        lines=[_line(line, page.words) for line in lines],
    )


def _homes(page: PageContext, work: UnitOfWork) -> list[HomeTile]:
    states: dict[str, DisplayStatus] = {}
    for row in page.service(AlertSlice).queries.list_alerts(work, page.actor):
        worse = alert_status(row.kind, row.state)
        states[row.home_id] = DisplayStatus.NOW if DisplayStatus.NOW in {worse, states.get(row.home_id)} else worse
    offline = HomeStatusReader(work.session).list_offline()
    return [
        HomeTile(home, states.get(home) or (DisplayStatus.DARK if home in offline else DisplayStatus.FINE))
        for home in list_home_ids(work, page.actor.scope)
    ]


def _line(line: EventTrace, words: Words) -> TraceRow:
    return TraceRow(
        name=line.home_id,
        what=display_name(words, "action", line.action),
        at=line.at,
        stages=[
            StageCell(
                text=display_name(words, "stage", _stage(line, stage.name)),
                ms=stage.ms,
                told="" if stage.ms is None else _told(stage.ms),
                limit="" if stage.limit_ms is None else _told(stage.limit_ms),
                late=stage.late,
            )
            for stage in line.stages
        ],
        note=line.note,
    )


def _stage(line: EventTrace, stage: str) -> str:
    """Return the key of a stage's name; that of the first depends on the action."""
    return f"{stage}:{line.action}" if f"{stage}:{line.action}" in LABELS["stage"] else stage


def _told(milliseconds: int) -> str:
    if milliseconds < _SECOND_MS:
        return f"{milliseconds} ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / _SECOND_MS:.1f} s"
    return f"{milliseconds / _MINUTE_MS:.1f} min"
