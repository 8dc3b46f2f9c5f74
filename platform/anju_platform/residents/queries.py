"""Builds what is read of a home from the rows of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.models import Device, HomeSupervision, InactivityDeadline
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.models import Absence, Consent, Home, Resident
from anju_platform.residents.repository import ResidentRepository
from anju_platform.residents.views import (
    AbsenceView,
    ConsentView,
    ContactView,
    DeviceView,
    HomeDetail,
    Inactivity,
    OfflineHome,
    OpenAlert,
    Person,
    SupervisionView,
    VisitBrief,
    age_on,
)
from anju_platform.visits.models import VisitTask


class HomeReader:
    """Reads within one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._repository = ResidentRepository(work.session)
        self._now = work.clock.now()

    def detail(self, home: Home, today: date) -> HomeDetail:
        """A home with all that its page shows; `today` is the day there."""
        repository, one = self._repository, [home.id]
        consents = repository.consents(person.id for person in home.residents)
        return HomeDetail(
            id=home.id,
            community_id=home.community_id,
            community_name=home.community.name,
            timezone=home.community.timezone,
            estate=home.estate,
            building=home.building,
            unit=home.unit,
            room=home.room,
            latitude=home.latitude,
            longitude=home.longitude,
            has_door_code=bool(home.door_code),
            residents=[_person(person, consents, today) for person in home.residents],
            devices=[_device(device) for device in repository.devices(home.id)],
            absences=[absence_view(row) for row in repository.absences(home.id, self._now)],
            supervision=_supervision(repository.supervision_of(one).get(home.id)),
            inactivity=_inactivity(repository.deadlines(one).get(home.id)),
            open_alerts=[_alert(alert) for alert in repository.open_alerts(one)],
            last_visit=visit_brief(repository.last_visit(home.id)),
            next_visit=visit_brief(repository.next_visit(home.id)),
        )

    def find_offline_homes(self, community_id: str | None) -> list[OfflineHome]:
        """Homes that cannot be seen."""
        rows = self._repository.find_offline_homes(community_id)
        homes = [home.id for _sight, home in rows]
        alerts, repairs = self._repository.offline_alerts(homes), self._repository.repairs(homes)
        return [
            _offline_home(supervision, home, alerts.get(home.id), repairs.get(home.id)) for supervision, home in rows
        ]


def absence_view(row: Absence) -> AbsenceView:
    """An absence, to be shown."""
    return AbsenceView(id=row.id, start=row.start, until=row.until, told_by=row.told_by)


def visit_brief(visit: VisitTask | None) -> VisitBrief | None:
    """A visit in one line."""
    if visit is None:
        return None
    at = visit.checked_out_at or visit.checked_in_at or visit.arrive_by
    return VisitBrief(id=visit.id, category=visit.category, state=visit.state, at=at, carer_name=visit.carer_name)


def agreed(consents: Sequence[Consent], scope: str) -> bool:
    """Whether a consent holds: it was given and not withdrawn since."""
    return any(consent.scope == scope and consent.withdrawn_at is None for consent in consents)


def _person(person: Resident, consents: Sequence[Consent], today: date) -> Person:
    own = [consent for consent in consents if consent.resident_id == person.id]
    shares_health = agreed(own, "health_notes")
    return Person(
        id=person.id,
        name=person.name,
        age=age_on(person.born, today),
        gender=person.gender,
        phone=person.phone,
        mobility=person.mobility if shares_health else "",
        hearing=person.hearing if shares_health else "",
        illnesses=person.illnesses if shares_health else "",
        pets=person.pets,
        key_holder=person.key_holder,
        contacts=[
            ContactView(position=row.position, name=row.name, relation=row.relation, phone=row.phone)
            for row in person.contacts
        ],
        consents=[ConsentView(scope=row.scope, given_at=row.given_at, withdrawn_at=row.withdrawn_at) for row in own],
    )


def _device(row: Device) -> DeviceView:
    return DeviceView(
        id=row.id,
        kind=row.kind,
        room=row.room,
        label=row.label,
        exit_door=row.exit_door,
        known=row.known,
        last_seen_at=row.last_seen_at,
        battery=row.battery,
        link_quality=row.link_quality,
    )


def _supervision(row: HomeSupervision | None) -> SupervisionView:
    if row is None:
        return SupervisionView(offline_since=None, reason=None)
    reason = None if row.offline_since is None else as_reason(row.reason_code, row.reason_facts)
    return SupervisionView(offline_since=row.offline_since, reason=reason)


def _inactivity(row: InactivityDeadline | None) -> Inactivity:
    if row is None:
        return Inactivity(last_life_at=None, deadline_at=None, explained={})
    return Inactivity(last_life_at=row.last_life_at, deadline_at=row.due_at, explained=row.explained)


def _alert(alert: Alert) -> OpenAlert:
    return OpenAlert(
        id=alert.id,
        kind=alert.kind,
        state=alert.state,
        at=alert.happened_at,
        acknowledged_by_name=alert.acknowledged_by_name,
    )


def _offline_home(row: HomeSupervision, home: Home, alert: Alert | None, repair: VisitTask | None) -> OfflineHome:
    if row.offline_since is None:
        raise ValueError(f"home {home.id} can be seen")
    first = home.residents[0] if home.residents else None
    return OfflineHome(
        home_id=home.id,
        community_id=home.community_id,
        name="、".join(person.name for person in home.residents),
        phone=first.phone if first else "",
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        since=row.offline_since,
        reason=as_reason(row.reason_code, row.reason_facts),
        alert_id=alert.id if alert else None,
        repair=repair.state if repair else None,
    )
