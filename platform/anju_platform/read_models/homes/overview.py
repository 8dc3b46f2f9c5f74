"""Reads homes from many slices: the list of residents, one home in full, homes that are offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind, AlertState
from anju_platform.alerts.summaries import AlertSummaries, OpenAlert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.status import (
    DeviceStatus,
    RefusedReport,
    list_devices,
    list_refused,
    list_weak_batteries,
)
from anju_platform.monitoring.status import NEVER_SEEN, ONLINE, HomeStatusReader, Inactivity, SupervisionView
from anju_platform.residents.directory import list_absences, list_home_ids, read_homes, search_residents
from anju_platform.residents.records import AbsenceView, ConsentView, ContactRecord, HomeRecord, ResidentRecord, age_on
from anju_platform.residents.search import parse
from anju_platform.residents.service import ResidentService
from anju_platform.visits.summaries import VisitBrief, VisitSummaries

_ACKNOWLEDGED = frozenset({AlertState.ACKNOWLEDGED, AlertState.EN_ROUTE, AlertState.ARRIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentRow:
    """A resident in a list. `last_life_at` None: nobody was ever noticed; `offline_since` None: data is received."""

    home_id: str
    community_id: str
    resident_id: UUID
    name: str
    age: int | None
    estate: str
    building: str
    unit: str
    room: str
    offline_since: datetime | None
    last_life_at: datetime | None
    timezone: str
    open_alerts: int
    all_acknowledged: bool
    """There are open alerts, and somebody sees to each of them."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, and whether there is more than is shown."""

    rows: Sequence[ResidentRow]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentCard:
    """A resident. Notes on health are empty where the resident has not agreed to share them."""

    id: UUID
    name: str
    age: int | None
    gender: str
    phone: str
    mobility: str
    hearing: str
    illnesses: str
    pets: str
    key_holder: str
    contacts: Sequence[ContactRecord]
    consents: Sequence[ConsentView]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDetail:
    """A home with all that its page shows; latitude and longitude in degrees (WGS 84)."""

    id: str
    community_id: str
    community_name: str
    timezone: str
    estate: str
    building: str
    unit: str
    room: str
    latitude: float | None
    longitude: float | None
    has_door_code: bool
    residents: Sequence[ResidentCard]
    devices: Sequence[DeviceStatus]
    refused: Sequence[RefusedReport]
    absences: Sequence[AbsenceView]
    supervision: SupervisionView
    inactivity: Inactivity
    open_alerts: Sequence[OpenAlert]
    last_visit: VisitBrief | None
    next_visit: VisitBrief | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineHomeView:
    """A home from which no data is received; `repair` is the state of a repair visit that is under way."""

    home_id: str
    community_id: str
    name: str
    phone: str
    estate: str
    building: str
    unit: str
    room: str
    since: datetime
    timezone: str
    reason: Reason
    alert_id: UUID | None
    repair: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryHomeView:
    """A home with devices whose battery is to be replaced; `repair` is the state of a repair visit under way."""

    home_id: str
    name: str
    estate: str
    building: str
    unit: str
    room: str
    devices: Sequence[DeviceStatus]
    repair: str | None


class HomeOverviewService:
    """Reads of personal data; each is audited."""

    def __init__(self, residents: ResidentService) -> None:
        self._residents = residents

    def search_residents(self, work: UnitOfWork, actor: Actor, text: str, limit: int = 50) -> SearchResult:
        """Return residents of the actor's scope by name, pinyin, estate, building or room; all for an empty text."""
        found = search_residents(work, actor, parse(text), limit + 1)
        home_ids = {home.id for _, home in found}
        status = HomeStatusReader(work.session)
        supervision, inactivity = status.find_supervision(home_ids), status.find_inactivity(home_ids)
        alerts = AlertSummaries(work.session).list_open(home_ids)
        rows = [
            _row(
                person,
                home,
                home.local_date(work.clock.now()),
                supervision=supervision.get(home.id, ONLINE),
                inactivity=inactivity.get(home.id, NEVER_SEEN),
                alerts=[alert for alert in alerts if alert.home_id == home.id],
            )
            for person, home in found[:limit]
        ]
        return SearchResult(rows, len(found) > limit)

    def describe_home(self, work: UnitOfWork, actor: Actor, home_id: str) -> HomeDetail:
        """Return a home with all that its page shows; raises `OutOfScope`."""
        self._residents.find_home(work, actor, home_id)
        home = read_homes(work, actor, [home_id], "home")[home_id]
        status, visits, now = HomeStatusReader(work.session), VisitSummaries(work.session), work.clock.now()
        return HomeDetail(
            id=home.id,
            community_id=home.community_id,
            community_name=home.community_name,
            timezone=home.timezone.key,
            estate=home.estate,
            building=home.building,
            unit=home.unit,
            room=home.room,
            latitude=home.latitude,
            longitude=home.longitude,
            has_door_code=home.has_door_code,
            residents=[_person(person, home.local_date(now)) for person in home.residents],
            devices=list_devices(work, home.id),
            refused=list_refused(work, home.id),
            absences=list_absences(work, home.id, now),
            supervision=status.find_supervision([home.id]).get(home.id, ONLINE),
            inactivity=status.find_inactivity([home.id]).get(home.id, NEVER_SEEN),
            open_alerts=AlertSummaries(work.session).list_open([home.id]),
            last_visit=visits.find_last(home.id),
            next_visit=visits.find_next(home.id),
        )

    def list_offline_homes(self, work: UnitOfWork, actor: Actor) -> Sequence[OfflineHomeView]:
        """Return the homes of the actor's scope from which no data is received, the longest first."""
        offline = HomeStatusReader(work.session).list_offline()
        within = list_home_ids(work, actor.scope)
        mine = [home_id for home_id in offline if home_id in within]
        homes = read_homes(work, actor, mine, "offline_homes")
        alerts = {
            alert.home_id: alert.id
            for alert in reversed(AlertSummaries(work.session).list_open(mine))
            if alert.kind == AlertKind.HOME_OFFLINE
        }
        repairs = VisitSummaries(work.session).find_repairs(mine)
        return [
            _offline_home(homes[home_id], offline[home_id], alerts.get(home_id), repairs.get(home_id))
            for home_id in mine
        ]

    def list_battery_homes(self, work: UnitOfWork, actor: Actor) -> Sequence[BatteryHomeView]:
        """Return the homes of the actor's scope where a battery is to be replaced."""
        weak = list_weak_batteries(work, list_home_ids(work, actor.scope))
        homes = read_homes(work, actor, list(weak), "weak_batteries")
        repairs = VisitSummaries(work.session).find_repairs(list(weak))
        return [_battery_home(homes[home_id], devices, repairs.get(home_id)) for home_id, devices in weak.items()]

    def find_repair(self, work: UnitOfWork, home_id: str) -> str | None:
        """Return the state of the repair visit that is under way in a home; None where there is none."""
        return VisitSummaries(work.session).find_repairs([home_id]).get(home_id)


def _row(
    person: ResidentRecord,
    home: HomeRecord,
    today: date,
    *,
    supervision: SupervisionView,
    inactivity: Inactivity,
    alerts: Sequence[OpenAlert],
) -> ResidentRow:
    return ResidentRow(
        home_id=home.id,
        community_id=home.community_id,
        resident_id=person.id,
        name=person.name,
        age=age_on(person.born, today),
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        offline_since=supervision.offline_since,
        last_life_at=inactivity.last_life_at,
        timezone=home.timezone.key,
        open_alerts=len(alerts),
        all_acknowledged=bool(alerts) and all(alert.state in _ACKNOWLEDGED for alert in alerts),
    )


def _person(person: ResidentRecord, today: date) -> ResidentCard:
    return ResidentCard(
        id=person.id,
        name=person.name,
        age=age_on(person.born, today),
        gender=person.gender,
        phone=person.phone,
        mobility=person.mobility,
        hearing=person.hearing,
        illnesses=person.illnesses,
        pets=person.pets,
        key_holder=person.key_holder,
        contacts=person.contacts,
        consents=person.consents,
    )


def _offline_home(
    home: HomeRecord, supervision: SupervisionView, alert_id: UUID | None, repair: str | None
) -> OfflineHomeView:
    if supervision.offline_since is None or supervision.reason is None:
        raise ValueError(f"data is received from home {home.id}")
    return OfflineHomeView(
        home_id=home.id,
        community_id=home.community_id,
        name=home.resident_names,
        phone=home.residents[0].phone if home.residents else "",
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        since=supervision.offline_since,
        timezone=home.timezone.key,
        reason=supervision.reason,
        alert_id=alert_id,
        repair=repair,
    )


def _battery_home(home: HomeRecord, devices: Sequence[DeviceStatus], repair: str | None) -> BatteryHomeView:
    return BatteryHomeView(
        home_id=home.id,
        name=home.resident_names,
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        devices=devices,
        repair=repair,
    )
