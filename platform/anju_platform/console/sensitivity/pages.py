"""The pages on which communities choose their false-alert target and see what it would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pydantic import BaseModel

from anju_core.errors import DomainError
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.sensitivity import presenter
from anju_platform.console.sensitivity.charts import draw_curve
from anju_platform.i18n.translation import Words
from anju_platform.read_models.sensitivity.overview import (
    ROUTINE_STEPS,
    CommunitySensitivity,
    SensitivityOverviewService,
    forecast,
)
from anju_platform.sensitivity.service import SensitivityService
from anju_platform.sensitivity.targets import FalseAlertTarget, TargetChange
from anju_platform.web.errors import status_of

router = APIRouter(prefix="/sensitivity", dependencies=[Depends(require(Role.DISTRICT, Role.SUPERVISOR))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One radio button: its value, the number, and what it brings."""

    value: str
    number: str
    brings: Sequence[str]
    now: bool
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """A change that waits for its confirmation: what would be different, line by line."""

    target: FalseAlertTarget
    lines: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityPage:
    """The whole page of a community."""

    community_id: str
    name: str
    target: FalseAlertTarget
    meaning: Sequence[str]
    recent: Sequence[str]
    drawn: Markup
    false_alerts: Sequence[Choice]
    routine_changes: Sequence[Choice]
    confirm: PendingChange | None
    changes: Sequence[tuple[TargetChange, str]]


class TargetForm(BaseModel):
    """What the confirming form sends: the choice, and what it was made against."""

    false_alerts: float
    routine_changes: float
    seen_false_alerts: float
    seen_routine_changes: float


@router.get("", name="sensitivity")
def list_communities(page: PageContextDep) -> Response:
    """List the communities of the reader's scope; redirect where it is one."""
    with page.work() as work:
        work.only_read()
        found = page.service(SensitivityOverviewService).list_communities(work, page.actor)
    if len(found) == 1:
        return RedirectResponse(f"/sensitivity/{found[0].community_id}", HTTPStatus.SEE_OTHER)
    rows = [
        (
            one,
            presenter.describe_false_alerts(one.forecast, page.words),
            presenter.describe_delay(one.forecast, page.words),
        )
        for one in found
    ]
    return page.render("sensitivity/all.html", "sensitivity", rows=rows)


@router.get("/{community_id}", name="community_sensitivity")
def show_sensitivity(
    community_id: str,
    page: PageContextDep,
    false_alerts: Annotated[float | None, Query()] = None,
    routine_changes: Annotated[float | None, Query()] = None,
    *,
    done: bool = False,
) -> Response:
    """Show the present target and the choices; with a choice in the query, what it would change."""
    return _page(page, community_id, false_alerts, routine_changes, done=done)


@router.post("/{community_id}")
def choose_target(community_id: str, page: PageContextDep, given: Annotated[TargetForm, Form()]) -> Response:
    """Change the target; the running detectors take it within a second."""
    wanted = FalseAlertTarget(false_alerts=given.false_alerts, routine_changes=given.routine_changes)
    seen = FalseAlertTarget(false_alerts=given.seen_false_alerts, routine_changes=given.seen_routine_changes)
    try:
        with page.work() as work:
            page.service(SensitivityService).choose_target(work, page.actor, community_id, wanted, seen)
    except DomainError as refusal:
        problem, status = explain(refusal, page.words), status_of(refusal)
        return _page(page, community_id, problem=problem, status=status)
    return RedirectResponse(f"/sensitivity/{community_id}?done=1", HTTPStatus.SEE_OTHER)


def _page(
    page: PageContext,
    community_id: str,
    false_alerts: float | None = None,
    routine_changes: float | None = None,
    *,
    problem: str = "",
    status: int = HTTPStatus.OK,
    done: bool = False,
) -> Response:
    with page.work() as work:
        work.only_read()
        found = page.service(SensitivityOverviewService).describe_community(work, page.actor, community_id)
    wanted = FalseAlertTarget(
        false_alerts=found.target.false_alerts if false_alerts is None else false_alerts,
        routine_changes=found.target.routine_changes if routine_changes is None else routine_changes,
    )
    try:
        page.service(SensitivityService).check_target(wanted)
    except DomainError as refusal:
        problem, status, wanted = explain(refusal, page.words), status_of(refusal), found.target
    unchanged = wanted == found.target and (false_alerts, routine_changes) != (None, None) and not problem
    view = {"sensitivity": _shown(found, wanted, page.words), "problem": problem, "done": done, "unchanged": unchanged}
    return page.render("sensitivity/one.html", "sensitivity", status=status, **view)


def _shown(found: CommunitySensitivity, wanted: FalseAlertTarget, words: Words) -> SensitivityPage:
    wanted_brings = forecast(wanted.false_alerts, found.homes)
    return SensitivityPage(
        community_id=found.community_id,
        name=found.name,
        target=found.target,
        meaning=presenter.describe_target(found, words),
        recent=presenter.describe_recent(found, words),
        drawn=draw_curve(found.forecast, wanted_brings, words),
        false_alerts=_false_alerts(found, wanted, words),
        routine_changes=_routine_changes(found, wanted, words),
        confirm=PendingChange(target=wanted, lines=presenter.describe_change(found, wanted, wanted_brings, words))
        if wanted != found.target
        else None,
        changes=[(change, presenter.describe_past_change(change, words)) for change in found.changes],
    )


def _false_alerts(found: CommunitySensitivity, wanted: FalseAlertTarget, words: Words) -> list[Choice]:
    """Return the offered steps, and the present value where it is none of them."""
    offered = {one.false_alerts: one for one in (*found.choices, found.forecast)}
    return [
        Choice(
            value=f"{one.false_alerts:g}",
            number=words("每月 %(n)s 次", n=f"{one.false_alerts:g}"),
            brings=[presenter.describe_false_alerts(one, words), presenter.describe_delay(one, words)],
            now=one.false_alerts == found.target.false_alerts,
            chosen=one.false_alerts == wanted.false_alerts,
        )
        for _, one in sorted(offered.items())
    ]


def _routine_changes(found: CommunitySensitivity, wanted: FalseAlertTarget, words: Words) -> list[Choice]:
    return [
        Choice(
            value=f"{value:g}",
            number=words("每月 %(n)s 次", n=f"{value:g}"),
            brings=[presenter.describe_notes(value, found.homes, words)],
            now=value == found.target.routine_changes,
            chosen=value == wanted.routine_changes,
        )
        for value in sorted({*ROUTINE_STEPS, found.target.routine_changes})
    ]
