"""Closed alerts of a community or of one resident: searched, listed, exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from anju_core.vocabulary import AlertKind, Outcome, Role
from anju_platform.accounts.guards import require
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.closed.queries import ClosedAlert, ClosedAlertSearch
from anju_platform.console.board.history import describe_withdrawal
from anju_platform.console.closed.export import write_csv
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.i18n.addresses import address
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import N_, Words
from anju_platform.residents.directory import list_communities

PAGE = 50
MOST_EXPORTED = 5000
"""Rows of one export: more are asked for in parts, by their dates."""
_HEADER = (
    N_("社区"),
    N_("姓名"),
    N_("年龄"),
    N_("住址"),
    N_("报警类型"),
    N_("发生时间"),
    N_("接手时间"),
    N_("接手人"),
    N_("结束时间"),
    N_("结果"),
    N_("备注"),
    N_("编号"),
)

router = APIRouter(prefix="/closed", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm:
    """What the reader asked for, as the address holds it."""

    q: str = ""
    home: str = ""
    community: str = ""
    kind: AlertKind | None = None
    outcome: Outcome | None = None
    since: date | None = None
    until: date | None = None

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything was asked for."""
        return bool(self.address())

    def address(self) -> str:
        """Return the fields that are filled, as a query of an address."""
        given = {name: getattr(self, name) for name in ("q", "home", "community", "kind", "outcome", "since", "until")}
        return urlencode({name: str(value) for name, value in given.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLine:
    """One row of the list."""

    id: UUID
    home_id: str
    name: str
    age: int | None
    address: str
    kind: str
    happened_at: datetime
    closed_at: datetime
    zone: ZoneInfo
    by_name: str
    outcome: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPage:
    """The whole page. before, after: the addresses of the neighbouring pages, empty where there is none."""

    form: SearchForm
    rows: Sequence[ClosedLine]
    total: int
    first: int
    before: str
    after: str
    export: str
    home_name: str
    communities: Sequence[tuple[str, str]]


def read_form(
    *,
    q: Annotated[str, Query(max_length=100)] = "",
    home: Annotated[str, Query(max_length=63)] = "",
    community: Annotated[str, Query(max_length=63)] = "",
    kind: Annotated[AlertKind | str, Query(max_length=20)] = "",
    outcome: Annotated[Outcome | str, Query(max_length=20)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> SearchForm:
    """Return the search of an address; what cannot be read asks for nothing, as an empty field of the form does."""
    return SearchForm(
        q=q.strip(),
        home=home,
        community=community,
        kind=AlertKind(kind) if kind in set(AlertKind) else None,
        outcome=Outcome(outcome) if outcome in set(Outcome) else None,
        since=_day(since),
        until=_day(until),
    )


FormDep = Annotated[SearchForm, Depends(read_form)]


@router.get("", name="closed")
def list_closed(page: PageContextDep, form: FormDep, number: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """List the closed alerts of the reader's scope that were asked for, those closed last first."""
    with page.work() as work:
        work.only_read()
        search, start = _search(form, page.zone), (number - 1) * PAGE
        found, total = page.service(AlertSlice).closed.list_closed(work, page.actor, search, limit=PAGE, offset=start)
        communities = [(one.id, one.name) for one in list_communities(work, page.actor.scope)]
    rows = [_line(one, page.words) for one in found]
    view = ClosedPage(
        form=form,
        rows=rows,
        total=total,
        first=start + 1,
        before=_turn(form, number - 1) if number > 1 else "",
        after=_turn(form, number + 1) if start + PAGE < total else "",
        export=f"/closed/export?{form.address()}".rstrip("?"),
        home_name=rows[0].name if form.home and rows else "",
        communities=communities if len(communities) > 1 else [],
    )
    return page.render("closed.html", "closed", closed=view, kinds=[*AlertKind], outcomes=[*Outcome])


@router.get("/export", name="export_closed")
def export_closed(page: PageContextDep, form: FormDep) -> Response:
    """Return what was asked for as a table for a spreadsheet; the look at each home is written down as an export."""
    with page.work() as work:
        work.only_read()
        body = _export(work, page, form)
        today = time_format.local_date(work.clock.now(), page.zone)
    headers = {
        "Content-Disposition": f'attachment; filename="closed-alerts-{today.isoformat()}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def _export(work: UnitOfWork, page: PageContext, form: SearchForm) -> bytes:
    words, search = page.words, _search(form, page.zone)
    found, total = page.service(AlertSlice).closed.list_closed(
        work, page.actor, search, limit=MOST_EXPORTED, look="closed_alerts_export"
    )
    rows = [_cells(one, words) for one in found]
    if total > len(rows):
        rows.append([words("只导出了最近的 %(n)s 条，共 %(all)s 条：请按日期分几次导出。", n=len(rows), all=total)])
    return write_csv([words(title) for title in _HEADER], rows)


def _cells(one: ClosedAlert, words: Words) -> list[str]:
    line = _line(one, words)
    moments = (one.happened_at, one.acknowledged_at, one.closed_at)
    happened, taken, closed = ("" if at is None else time_format.exact(at, line.zone) for at in moments)
    age = "" if line.age is None else str(line.age)
    who = [one.home.community_name, line.name, age, line.address]
    return [
        *who,
        display_name(words, "kind", one.kind),
        happened,
        taken,
        line.by_name,
        closed,
        line.outcome,
        line.note,
        str(one.id),
    ]


def _line(one: ClosedAlert, words: Words) -> ClosedLine:
    home = one.home
    return ClosedLine(
        id=one.id,
        home_id=home.id,
        name=words("、").join(person.name for person in home.residents) or home.id,
        age=home.age_at(one.closed_at),
        address=address(words, home.estate, home.building, home.unit, home.room),
        kind=one.kind,
        happened_at=one.happened_at,
        closed_at=one.closed_at,
        zone=home.timezone,
        by_name=one.acknowledged_by_name,
        outcome=display_name(words, "outcome", one.outcome) if one.outcome else "",
        note=describe_withdrawal(one.note, words) or one.note,
    )


def _search(form: SearchForm, zone: ZoneInfo) -> ClosedAlertSearch:
    """Return what a form asks for; its days are local, and the last one is whole."""
    return ClosedAlertSearch(
        text=form.q,
        home_id=form.home,
        community_id=form.community,
        kind=form.kind,
        outcome=form.outcome,
        closed_from=None if form.since is None else datetime.combine(form.since, time.min, zone),
        closed_before=None if form.until is None else datetime.combine(form.until + timedelta(days=1), time.min, zone),
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST else None


_FIRST, _LAST = date(1970, 1, 2), date(9998, 12, 31)
"""Days that every database holds, with a day to spare for time zones."""


def _turn(form: SearchForm, number: int) -> str:
    query = form.address()
    return f"/closed?{query}{'&' if query else ''}number={number}"
