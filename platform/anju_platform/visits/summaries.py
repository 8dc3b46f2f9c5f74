"""Visits in few fields, as plain values: what pages and other slices may know of many visits at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anju_core.scope import Scope
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.visits.models import VisitTask
from anju_platform.visits.repository import VisitRepository

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
        self._visits = VisitRepository(session)

    def find_last(self, home_id: str) -> VisitBrief | None:
        """Return a home's visit that ended last."""
        row = self._visits.find_last_of_home(home_id)
        return None if row is None else _brief(row)

    def find_next(self, home_id: str) -> VisitBrief | None:
        """Return a home's visit that runs or comes next."""
        row = self._visits.find_next_of_home(home_id)
        return None if row is None else _brief(row)

    def find_findings(self, alert_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Return what the newest report of a visit because of each of these alerts says; without one it is absent."""
        reported = self._visits.list_reported(alert_ids)
        return {row.alert_id: str(row.report.get("summary", "")) for row in reported if row.alert_id is not None}

    def find_repairs(self, home_ids: Collection[str]) -> Mapping[str, VisitState]:
        """Return the state of the repair visit that is under way in homes, by home."""
        return {row.home_id: VisitState(row.state) for row in self._visits.list_repairs(home_ids)}

    def list_timelines(self, start: datetime, until: datetime, scope: Scope) -> Sequence[VisitTimeline]:
        """Return the visits of a scope that were made or due from `start` up to and without `until`, by that time."""
        return [_timeline(row) for row in self._visits.list_of_period(start, until, scope)]

    def count_offers(self, start: datetime, until: datetime, scope: Scope) -> Mapping[tuple[str, OfferState], int]:
        """Return how many offers each provider got from `start` up to and without `until`, by what became of them."""
        counts = self._visits.count_offers(start, until, scope)
        return {(provider, OfferState(state)): count for provider, state, count in counts}

    def list_provider_names(self) -> Mapping[str, str]:
        """Return the names of all providers, by id, in the order of the names."""
        return self._visits.list_provider_names()


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
