"""Reads and writes the tables of visits, offers, carers and contracts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.dispatch import Place
from anju_core.scope import Scope
from anju_core.visits import BOOKED, UNDER_WAY, VisitStep
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.db.scoping import is_within
from anju_platform.visits.models import Carer, Contract, Offer, Provider, VisitEvent, VisitTask

_BOOKED = [state.value for state in BOOKED]
_UNDER_WAY = [state.value for state in UNDER_WAY]
_OVER = (VisitState.CONFIRMED.value, VisitState.CANCELLED.value, VisitState.UNFILLED.value)
_ENDED = (VisitState.CHECKED_OUT.value, VisitState.CONFIRMED.value)


class VisitRepository:
    """Visits of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_visit(self, visit_id: UUID) -> VisitTask | None:
        """Return the visit with its offers and history, only to read; None when there is none."""
        query = select(VisitTask).where(VisitTask.id == visit_id)
        query = query.options(selectinload(VisitTask.offers), selectinload(VisitTask.history))
        return self._session.scalars(query).one_or_none()

    def find_home_id(self, visit_id: UUID) -> str | None:
        """Return the id of the visit's home; None when there is no such visit."""
        return self._session.scalar(select(VisitTask.home_id).where(VisitTask.id == visit_id))

    def reload_visit(self, visit_id: UUID) -> VisitTask | None:
        """Return the visit with its offers as the database has them now, whatever this session read before."""
        query = select(VisitTask).where(VisitTask.id == visit_id).options(selectinload(VisitTask.offers))
        return self._session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def lock_carer(self, account_id: UUID) -> Carer | None:
        """Lock the carer until the end of the transaction and return her: nobody else books her meanwhile."""
        return self._session.get(Carer, account_id, with_for_update=True, populate_existing=True)

    def find_under_way(self, alert_id: UUID) -> VisitTask | None:
        """Return the visit that is being made because of an alert."""
        query = select(VisitTask).where(VisitTask.alert_id == alert_id, VisitTask.state.in_(_UNDER_WAY))
        return self._session.scalars(query.limit(1)).one_or_none()

    def list_expected(self, home_ids: Collection[str]) -> Sequence[VisitTask]:
        """Return the visits of homes to which a carer is on the way."""
        going = VisitTask.state == VisitState.ACCEPTED.value
        query = select(VisitTask).where(VisitTask.home_id.in_(home_ids), going)
        return self._session.scalars(query.order_by(VisitTask.id)).all()

    def find_booking(self, carer_id: UUID) -> VisitTask | None:
        """Return the visit that takes up a carer now."""
        query = select(VisitTask).where(VisitTask.carer_id == carer_id, VisitTask.state.in_(_BOOKED))
        return self._session.scalars(query.limit(1)).one_or_none()

    def has_step(self, source: str) -> bool:
        """Return whether a phone's step was already counted."""
        return self._session.scalar(select(VisitEvent.id).where(VisitEvent.source == source)) is not None

    def add_visit(self, visit: VisitTask) -> None:
        """Store a new visit."""
        self._session.add(visit)
        self._session.flush()

    def lock_running(self, *, wait: bool) -> Sequence[VisitTask]:
        """Return and lock the visits that wait for an answer, an arrival or a check-out, with their offers.

        wait: for those that others have locked; without it, these are left out.
        """
        states = [state.value for state in (VisitState.OFFERED, VisitState.ACCEPTED, VisitState.CHECKED_IN)]
        query = select(VisitTask).where(VisitTask.state.in_(states)).order_by(VisitTask.id)
        query = query.options(selectinload(VisitTask.offers)).with_for_update(skip_locked=not wait)
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

    def list_due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return visits whose deadline has passed, the longest overdue first."""
        query = select(VisitTask.id).where(VisitTask.next_due_at <= now)
        return self._session.scalars(query.order_by(VisitTask.next_due_at, VisitTask.id).limit(limit)).all()

    def list_of_alert(self, alert_id: UUID) -> Sequence[VisitTask]:
        """Return every visit because of an alert, newest first."""
        query = select(VisitTask).where(VisitTask.alert_id == alert_id).options(selectinload(VisitTask.offers))
        return self._session.scalars(query.order_by(VisitTask.id.desc())).all()

    def list_reported(self, alert_ids: Collection[UUID]) -> Sequence[VisitTask]:
        """Return the visits because of these alerts that were made, oldest first."""
        query = select(VisitTask).where(VisitTask.alert_id.in_(alert_ids), VisitTask.state.in_(_ENDED))
        return self._session.scalars(query.order_by(VisitTask.checked_out_at, VisitTask.id)).all()

    def list_open_offers(self, carer_id: UUID, now: datetime) -> Sequence[Offer]:
        """Return the offers that wait for a carer's answer, the first to lapse first."""
        query = (
            select(Offer)
            .where(Offer.carer_id == carer_id, Offer.state == OfferState.PENDING.value, Offer.expires_at > now)
            .options(selectinload(Offer.visit))
            .order_by(Offer.expires_at, Offer.id)
        )
        return self._session.scalars(query).all()

    def list_withdrawals(self, carer_id: UUID, since: datetime) -> Sequence[tuple[VisitEvent, Offer]]:
        """Return every withdrawal since then of a visit that the carer was asked to make, with each offer to her."""
        query = select(VisitEvent, Offer).join(Offer, Offer.visit_id == VisitEvent.visit_id)
        query = query.where(Offer.carer_id == carer_id, VisitEvent.at >= since)
        query = query.where(VisitEvent.step == VisitStep.WITHDRAWN.value).options(selectinload(Offer.visit))
        return [(event, offer) for event, offer in self._session.execute(query)]

    def find_start(self, carer_id: UUID) -> Place | None:
        """Return where a carer starts from; None where it is not known."""
        carer = self._session.get(Carer, carer_id)
        return None if carer is None else Place.known(carer.latitude, carer.longitude)

    def list_of_carer(self, carer_id: UUID, since: datetime) -> Sequence[VisitTask]:
        """Return a carer's visits that are not over and those that ended since then, in the order of arrival."""
        running = or_(VisitTask.state.in_(_BOOKED), VisitTask.checked_out_at >= since)
        query = select(VisitTask).where(VisitTask.carer_id == carer_id, running).options(selectinload(VisitTask.offers))
        return self._session.scalars(query.order_by(VisitTask.arrive_by, VisitTask.id)).all()

    def list_of_scope(self, scope: Scope, limit: int) -> Sequence[VisitTask]:
        """Return visits of a scope with their offers, newest first."""
        query = select(VisitTask).where(visit_within(scope)).options(selectinload(VisitTask.offers))
        return self._session.scalars(query.order_by(VisitTask.id.desc()).limit(limit)).all()

    def list_contracted(self, community_id: str) -> Sequence[tuple[Carer, Contract]]:
        """Return every carer of every provider that has a contract with a community, once for each contract."""
        query = select(Carer, Contract).join(Contract, Contract.provider_id == Carer.provider_id)
        rows = self._session.execute(query.where(Contract.community_id == community_id))
        return [(carer, contract) for carer, contract in rows]

    def list_carers(self, provider_id: str) -> Sequence[Carer]:
        """Return the carers of a provider, in no order."""
        return self._session.scalars(select(Carer).where(Carer.provider_id == provider_id)).all()

    def list_offers_of_provider(self, provider_id: str, limit: int) -> Sequence[Offer]:
        """Return the offers to a provider's carers, newest first."""
        query = select(Offer).where(Offer.provider_id == provider_id)
        return self._session.scalars(query.order_by(Offer.offered_at.desc()).limit(limit)).all()

    def list_offers_of_visits(self, visit_ids: Collection[UUID]) -> Sequence[Offer]:
        """Return the offers of these visits in the order in which they were made."""
        query = select(Offer).where(Offer.visit_id.in_(visit_ids)).order_by(Offer.visit_id, Offer.number)
        return self._session.scalars(query).all()

    def find_providers(self, provider_ids: Collection[str]) -> Mapping[str, Provider]:
        """Return providers by id."""
        query = select(Provider).where(Provider.id.in_(provider_ids))
        return {provider.id: provider for provider in self._session.scalars(query)}

    def find_booked(self, carer_ids: Collection[UUID]) -> set[UUID]:
        """Return which of these carers have accepted a visit that is not over."""
        query = select(VisitTask.carer_id).where(VisitTask.carer_id.in_(carer_ids), VisitTask.state.in_(_BOOKED))
        return {carer_id for carer_id in self._session.scalars(query) if carer_id is not None}

    def count_open_offers(self, carer_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how many open offers wait for the answer of each carer who has any."""
        query = (
            select(Offer.carer_id, func.count())
            .join(VisitTask, VisitTask.id == Offer.visit_id)
            .where(Offer.carer_id.in_(carer_ids), Offer.state == OfferState.PENDING.value)
            .where(VisitTask.state == VisitState.OFFERED.value)
            .group_by(Offer.carer_id)
        )
        return dict(self._session.execute(query).all())

    # --- summaries -------------------------------------------------------------------------------------------------

    def find_last_of_home(self, home_id: str) -> VisitTask | None:
        """Return a home's visit that ended last."""
        query = select(VisitTask).where(VisitTask.home_id == home_id, VisitTask.state.in_(_ENDED))
        return self._session.scalars(query.order_by(VisitTask.checked_out_at.desc()).limit(1)).one_or_none()

    def find_next_of_home(self, home_id: str) -> VisitTask | None:
        """Return a home's visit that runs or comes next."""
        query = select(VisitTask).where(VisitTask.home_id == home_id, VisitTask.state.not_in(_OVER))
        query = query.where(VisitTask.checked_out_at.is_(None)).order_by(VisitTask.arrive_by, VisitTask.id)
        return self._session.scalars(query.limit(1)).one_or_none()

    def list_repairs(self, home_ids: Collection[str]) -> Sequence[VisitTask]:
        """Return the repair visits that are under way in homes, the first that was asked for first."""
        query = select(VisitTask).where(VisitTask.home_id.in_(home_ids), VisitTask.state.not_in(_OVER))
        query = query.where(VisitTask.category == VisitCategory.REPAIR.value)
        return self._session.scalars(query.order_by(VisitTask.created_at)).all()

    def list_of_period(self, start: datetime, until: datetime, scope: Scope) -> Sequence[VisitTask]:
        """Return the visits of a scope that were made or due from `start` up to and without `until`, by that time."""
        created = (VisitTask.created_at >= start) & (VisitTask.created_at < until)
        due = (VisitTask.arrive_by >= start) & (VisitTask.arrive_by < until)
        query = select(VisitTask).where(or_(created, due), visit_within(scope))
        return self._session.scalars(query.order_by(VisitTask.arrive_by, VisitTask.id)).all()

    def count_offers(self, start: datetime, until: datetime, scope: Scope) -> Sequence[tuple[str, str, int]]:
        """Return how many offers were made from `start` up to and without `until`: provider, state, count."""
        query = select(Offer.provider_id, Offer.state, func.count()).join(VisitTask, VisitTask.id == Offer.visit_id)
        query = query.where(Offer.offered_at >= start, Offer.offered_at < until, visit_within(scope))
        return self._session.execute(query.group_by(Offer.provider_id, Offer.state)).all()

    def list_provider_names(self) -> Mapping[str, str]:
        """Return the names of all providers, by id, in the order of the names."""
        query = select(Provider.id, Provider.name).order_by(Provider.name, Provider.id)
        return dict(self._session.execute(query).all())


def visit_within(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a visit lies within a scope; a provider's are those it was asked to make or makes."""

    def asked(provider_id: str) -> ColumnElement[bool]:
        offered = select(Offer.visit_id).where(Offer.provider_id == provider_id)
        return or_(VisitTask.provider_id == provider_id, VisitTask.id.in_(offered))

    return is_within(
        scope,
        community=VisitTask.community_id.in_,
        home=lambda own: VisitTask.home_id == own,
        provider=asked,
    )
