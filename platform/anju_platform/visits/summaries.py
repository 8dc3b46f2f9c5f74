"""Visits in few fields, as plain values: what pages and other slices may know of many visits at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from anju_core.scope import Scope
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.visits.models import Offer, Provider, VisitTask
from anju_platform.visits.repository import visit_within

_OVER = (VisitState.CONFIRMED.value, VisitState.CANCELLED.value, VisitState.UNFILLED.value)
_ENDED = (VisitState.CHECKED_OUT.value, VisitState.CONFIRMED.value)
_PLANNED = frozenset({VisitCategory.ROUTINE.value, VisitCategory.WELFARE_CHECK.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBrief:
    """A visit in one line; `at` is when it was, or is to be."""

    id: UUID
    category: str
    state: str
    at: datetime
    carer_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTimeline:
    """When a visit reached which point; None where it did not. `fee_fen` in 0.01 yuan."""

    id: str
    home_id: str
    community_id: str
    provider_id: str | None
    planned: bool
    cancelled: bool
    created_at: datetime
    arrive_by: datetime
    accepted_at: datetime | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    confirmed_at: datetime | None
    fee_fen: int


class VisitSummaries:
    """Reads within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_last(self, home_id: str) -> VisitBrief | None:
        """Return a home's visit that ended last."""
        query = select(VisitTask).where(VisitTask.home_id == home_id, VisitTask.state.in_(_ENDED))
        row = self._session.scalars(query.order_by(VisitTask.checked_out_at.desc()).limit(1)).one_or_none()
        return None if row is None else _brief(row)

    def find_next(self, home_id: str) -> VisitBrief | None:
        """Return a home's visit that runs or comes next."""
        query = select(VisitTask).where(VisitTask.home_id == home_id, VisitTask.state.not_in(_OVER))
        query = query.where(VisitTask.checked_out_at.is_(None)).order_by(VisitTask.arrive_by, VisitTask.id)
        row = self._session.scalars(query.limit(1)).one_or_none()
        return None if row is None else _brief(row)

    def find_repairs(self, home_ids: Collection[str]) -> Mapping[str, VisitState]:
        """Return the state of the repair visit that is under way in homes, by home."""
        query = select(VisitTask).where(VisitTask.home_id.in_(home_ids), VisitTask.state.not_in(_OVER))
        query = query.where(VisitTask.category == VisitCategory.REPAIR.value).order_by(VisitTask.created_at)
        return {row.home_id: VisitState(row.state) for row in self._session.scalars(query)}

    def list_timelines(self, start: datetime, until: datetime, scope: Scope) -> Sequence[VisitTimeline]:
        """Return the visits of a scope that were made or due from `start` up to and without `until`, by that time."""
        created = (VisitTask.created_at >= start) & (VisitTask.created_at < until)
        due = (VisitTask.arrive_by >= start) & (VisitTask.arrive_by < until)
        query = select(VisitTask).where(or_(created, due), visit_within(scope))
        return [_timeline(row) for row in self._session.scalars(query.order_by(VisitTask.arrive_by, VisitTask.id))]

    def count_offers(self, start: datetime, until: datetime, scope: Scope) -> Mapping[tuple[str, OfferState], int]:
        """Return how many offers each provider got from `start` up to and without `until`, by what became of them."""
        query = select(Offer.provider_id, Offer.state, func.count()).join(VisitTask, VisitTask.id == Offer.visit_id)
        query = query.where(Offer.offered_at >= start, Offer.offered_at < until, visit_within(scope))
        rows = self._session.execute(query.group_by(Offer.provider_id, Offer.state))
        return {(provider, OfferState(state)): count for provider, state, count in rows}

    def list_provider_names(self) -> Mapping[str, str]:
        """Return the names of all providers, by id, in the order of the names."""
        rows = self._session.execute(select(Provider.id, Provider.name).order_by(Provider.name, Provider.id))
        return {provider: name for provider, name in rows}  # noqa: C416 - rows are not tuples to mypy


def _brief(row: VisitTask) -> VisitBrief:
    at = row.checked_out_at or row.checked_in_at or row.arrive_by
    return VisitBrief(id=row.id, category=row.category, state=row.state, at=at, carer_name=row.carer_name)


def _timeline(row: VisitTask) -> VisitTimeline:
    return VisitTimeline(
        id=str(row.id),
        home_id=row.home_id,
        community_id=row.community_id,
        provider_id=row.provider_id,
        planned=row.category in _PLANNED and row.alert_id is None,
        cancelled=row.state == VisitState.CANCELLED.value,
        created_at=row.created_at,
        arrive_by=row.arrive_by,
        accepted_at=row.accepted_at,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        confirmed_at=row.confirmed_at,
        fee_fen=row.fee_fen,
    )
