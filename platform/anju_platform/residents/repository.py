"""Queries over homes, residents and what other slices have noted of them; other slices' tables are only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.vocabulary import AlertKind, VisitCategory, VisitState
from anju_platform.alerts.models import Alert
from anju_platform.devices.models import Device, HomeSupervision, InactivityDeadline
from anju_platform.residents.models import Absence, Consent, Home, Resident
from anju_platform.residents.search import Query
from anju_platform.visits.models import VisitTask

_OVER = (VisitState.CONFIRMED.value, VisitState.CANCELLED.value, VisitState.UNFILLED.value)
_ENDED = (VisitState.CHECKED_OUT.value, VisitState.CONFIRMED.value)


class ResidentRepository:
    """Homes of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def home(self, home_id: str) -> Home | None:
        """A home with its people."""
        return self._session.get(Home, home_id)

    def find(self, query: Query, community_id: str | None, limit: int) -> Sequence[Resident]:
        """Residents that match, by address."""
        statement = select(Resident).join(Home).options(selectinload(Resident.home))
        if community_id is not None:
            statement = statement.where(Home.community_id == community_id)
        for condition in _conditions(query):
            statement = statement.where(condition)
        statement = statement.order_by(Home.estate, Home.building, Home.unit, Home.room, Resident.id)
        return self._session.scalars(statement.limit(limit)).all()

    def consents(self, residents: Iterable[UUID]) -> Sequence[Consent]:
        """Consents of residents, oldest first."""
        query = select(Consent).where(Consent.resident_id.in_(list(residents)))
        return self._session.scalars(query.order_by(Consent.given_at, Consent.id)).all()

    def devices(self, home_id: str) -> Sequence[Device]:
        """Devices of a home."""
        query = select(Device).where(Device.home_id == home_id)
        return self._session.scalars(query.order_by(Device.room, Device.id)).all()

    def supervision_of(self, homes: Iterable[str]) -> dict[str, HomeSupervision]:
        """Whether homes can be seen, by home."""
        rows = self._session.scalars(select(HomeSupervision).where(HomeSupervision.home_id.in_(list(homes))))
        return {row.home_id: row for row in rows}

    def deadlines(self, homes: Iterable[str]) -> dict[str, InactivityDeadline]:
        """What the inactivity detector last said, by home."""
        rows = self._session.scalars(select(InactivityDeadline).where(InactivityDeadline.home_id.in_(list(homes))))
        return {row.home_id: row for row in rows}

    def open_alerts(self, homes: Iterable[str]) -> Sequence[Alert]:
        """Open alerts of homes, newest first."""
        query = select(Alert).where(Alert.home_id.in_(list(homes)), Alert.closed_at.is_(None))
        return self._session.scalars(query.order_by(Alert.raised_at.desc(), Alert.id.desc())).all()

    def absences(self, home_id: str, now: datetime) -> Sequence[Absence]:
        """Absences that run or are to come."""
        query = select(Absence).where(Absence.home_id == home_id, Absence.until > now, Absence.ended_at.is_(None))
        return self._session.scalars(query.order_by(Absence.start, Absence.id)).all()

    def absence(self, absence_id: UUID) -> Absence | None:
        """An absence, for changing it."""
        return self._session.get(Absence, absence_id, with_for_update=True)

    def last_visit(self, home_id: str) -> VisitTask | None:
        """The visit that ended last."""
        query = select(VisitTask).where(VisitTask.home_id == home_id, VisitTask.state.in_(_ENDED))
        return self._session.scalars(query.order_by(VisitTask.checked_out_at.desc()).limit(1)).one_or_none()

    def next_visit(self, home_id: str) -> VisitTask | None:
        """The visit that runs or comes next."""
        query = _running(select(VisitTask)).where(VisitTask.home_id == home_id)
        query = query.where(VisitTask.checked_out_at.is_(None)).order_by(VisitTask.arrive_by, VisitTask.id)
        return self._session.scalars(query.limit(1)).one_or_none()

    def find_offline_homes(self, community_id: str | None) -> Sequence[tuple[HomeSupervision, Home]]:
        """Homes that cannot be seen, the longest first."""
        query = (
            select(HomeSupervision, Home)
            .join(Home, Home.id == HomeSupervision.home_id)
            .where(HomeSupervision.offline_since.is_not(None))
        )
        if community_id is not None:
            query = query.where(Home.community_id == community_id)
        rows = self._session.execute(query.order_by(HomeSupervision.offline_since, Home.id)).unique()
        return [(row[0], row[1]) for row in rows]

    def offline_alerts(self, homes: Iterable[str]) -> dict[str, Alert]:
        """The open alert about each offline home."""
        alerts = self.open_alerts(homes)
        return {alert.home_id: alert for alert in reversed(alerts) if alert.kind == AlertKind.HOME_OFFLINE.value}

    def repairs(self, homes: Iterable[str]) -> dict[str, VisitTask]:
        """Repair visits under way, by home."""
        query = _running(select(VisitTask)).where(VisitTask.home_id.in_(list(homes)))
        query = query.where(VisitTask.category == VisitCategory.REPAIR.value).order_by(VisitTask.created_at)
        return {visit.home_id: visit for visit in self._session.scalars(query)}


def _running(query: Select[VisitTask]) -> Select[VisitTask]:
    return query.where(VisitTask.state.not_in(_OVER))


def _conditions(query: Query) -> Iterable[ColumnElement[bool]]:
    for column, value in ((Home.building, query.building), (Home.unit, query.unit), (Home.room, query.room)):
        if value:
            yield column.in_((value, f"{value}号楼", f"{value}单元", f"{value}室"))
    if not query.text:
        return
    named = or_(
        Resident.name.contains(query.text, autoescape=True),
        Resident.pinyin.startswith(query.text, autoescape=True),
        Resident.pinyin.contains(f" {query.text}", autoescape=True),
        Home.estate.contains(query.text, autoescape=True),
        Home.id == query.text,
    )
    if query.is_number:
        named = or_(named, Home.building == query.text, Home.room.startswith(query.text, autoescape=True))
    yield named
