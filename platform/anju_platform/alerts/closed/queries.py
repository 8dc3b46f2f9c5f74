"""Closed alerts as plain values: who, where, what it was, who saw to it, and when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.alerts.closed.repository import ClosedAlertFilter, ClosedAlertRepository
from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import read_homes
from anju_platform.residents.matching import find_matching_homes
from anju_platform.residents.records import HomeRecord
from anju_platform.residents.search import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedAlertSearch:
    """What closed alerts are looked for; what is empty or None asks for nothing.

    text: a name, its pinyin or an address, as people type it. home_id: one home. closed_from, closed_before: when they
    were closed, the second without its moment.
    """

    text: str = ""
    home_id: str = ""
    community_id: str = ""
    kind: AlertKind | None = None
    outcome: Outcome | None = None
    closed_from: datetime | None = None
    closed_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedAlert:
    """One closed alert. Times are in UTC; home: as the asker may know it. outcome: None where none was entered."""

    id: UUID
    home: HomeRecord
    kind: AlertKind
    happened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by_name: str
    closed_at: datetime
    outcome: Outcome | None
    note: str


class ClosedAlertQueries:
    """Reads within one unit of work."""

    def list_closed(
        self,
        work: UnitOfWork,
        actor: Actor,
        search: ClosedAlertSearch,
        *,
        limit: int,
        offset: int = 0,
        look: str = "closed_alerts",
    ) -> tuple[Sequence[ClosedAlert], int]:
        """Return closed alerts of the actor's scope, those closed last first, and how many there are in all.

        The look at each home is written down, for the reason `look`.
        """
        repository, wanted = ClosedAlertRepository(work.session), _filter_of(work, actor, search)
        alerts = repository.list_closed(actor.scope, wanted, limit, offset)
        homes = read_homes(work, actor, {alert.home_id for alert in alerts}, look)
        rows = [_row(alert, homes[alert.home_id], named=actor.sees_names) for alert in alerts]
        return rows, repository.count_closed(actor.scope, wanted)


def _filter_of(work: UnitOfWork, actor: Actor, search: ClosedAlertSearch) -> ClosedAlertFilter:
    homes = find_matching_homes(work, actor, parse(search.text)) if search.text.strip() else None
    if search.home_id:
        homes = {search.home_id} if homes is None else homes & {search.home_id}
    return ClosedAlertFilter(
        community_id=search.community_id or None,
        home_ids=homes,
        kind=search.kind,
        outcome=search.outcome,
        closed_from=search.closed_from,
        closed_before=search.closed_before,
    )


def _row(alert: Alert, home: HomeRecord, *, named: bool) -> ClosedAlert:
    return ClosedAlert(
        id=alert.id,
        home=home,
        kind=AlertKind(alert.kind),
        happened_at=alert.happened_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by_name=alert.acknowledged_by_name,
        closed_at=alert.closed_at or alert.raised_at,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
        note=alert.outcome_note if named else "",
    )
