"""The wall screen: what is open by urgency, the oldest that waits, and the share answered today; nobody is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.queries import AlertSummary
from anju_platform.console.board.triage import sort_by_urgency
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.rendering import percent
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import DisplayStatus, alert_status, display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.read_models.district.service import DistrictService, Figure
from anju_platform.residents.directory import list_communities

router = APIRouter(prefix="/wall", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR, Role.DISTRICT))])

MOST_ROWS = 8
"""Alerts that fit on the screen; more are counted."""
_COUNTED = (
    (DisplayStatus.NOW, N_("等人接手")),
    (DisplayStatus.WAY, N_("处理中")),
    (DisplayStatus.DARK, N_("失联")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallRow:
    """One open alert without who or where, but for its community."""

    status: DisplayStatus
    kind: str
    community: str
    progress: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What the screen shows. `answered`: the share of today in words, with its two numbers."""

    counts: Sequence[tuple[DisplayStatus, int, str]]
    oldest: datetime | None
    """Since when the alert waits that nobody has taken for longest."""
    answered: Sequence[tuple[str, str, str]]
    rows: Sequence[WallRow]
    more: int


@router.get("", name="wall")
def show_wall(page: PageContextDep) -> Response:
    """Show the screen; it follows the stream of alerts."""
    return page.render("wall/page.html", "wall", wall=_read(page))


@router.get("/now", name="wall_now")
def show_now(page: PageContextDep) -> Response:
    """Show what changes on the screen; the page asks for it when something happens."""
    return page.render("wall/now.html", "wall", wall=_read(page))


def _read(page: PageContext) -> Wall:
    with page.work() as work:
        work.only_read()
        now = work.clock.now()
        today = time_format.midnight(now, page.zone)
        alerts = page.service(AlertSlice).queries.list_alerts(work, page.actor)
        names = {one.id: one.name for one in list_communities(work, page.actor.scope)}
        edges = [today, now + timedelta(microseconds=1)]
        figures = page.service(DistrictService).compute_trend(work, page.actor, edges)[0].values
    counted = Counter(_status(one) for one in alerts)
    waiting = [one.due_since for one in alerts if _status(one) is DisplayStatus.NOW and one.acknowledged_at is None]
    ordered = sort_by_urgency(alerts)
    answered = (("answered_60s", page.words("60 秒内接手")), ("answered_180s", page.words("180 秒内接手")))
    return Wall(
        counts=[(status, counted[status], page.words(name)) for status, name in _COUNTED],
        oldest=min(waiting, default=None),
        answered=[(name, *_figure(figures[kpi], page.words)) for kpi, name in answered],
        rows=[_row(one, names, page.words) for one in ordered[:MOST_ROWS]],
        more=max(0, len(ordered) - MOST_ROWS),
    )


def _figure(figure: Figure, words: Words) -> tuple[str, str]:
    if figure.value is None:
        return words("未测量"), words("今天还没有可计算的报警")
    base = words("%(all)s 件中 %(n)s 件", all=int(figure.denominator), n=int(figure.numerator))
    return percent(figure.value, 0), base


def _row(one: AlertSummary, communities: dict[str, str], words: Words) -> WallRow:
    return WallRow(
        status=_status(one),
        kind=display_name(words, "kind", one.kind),
        community=communities.get(one.community_id, one.community_id),
        progress=display_name(words, "state", one.state),
        since=one.due_since,
    )


def _status(one: AlertSummary) -> DisplayStatus:
    return alert_status(one.kind, one.state, late=one.late)
