"""What is read about homes and the people in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from anju_core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A resident in a list. `last_life_at` None: never seen; `offline_since` None: can be seen."""

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
    open_alerts: int
    way: bool
    """Every open alert has somebody who sees to it."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, and whether there is more than is shown."""

    rows: Sequence[Found]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    """Whom to call, in order of `position`."""

    position: int
    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What was agreed to; withdrawn when `withdrawn_at` is set."""

    scope: str
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
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
    contacts: Sequence[ContactView]
    consents: Sequence[ConsentView]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device and when it last spoke."""

    id: str
    kind: str
    room: str
    label: str
    exit_door: bool
    known: bool
    last_seen_at: datetime | None
    battery: float | None
    link_quality: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceView:
    """An absence that runs or is to come."""

    id: UUID
    start: datetime
    until: datetime
    told_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionView:
    """Whether the home can be seen."""

    offline_since: datetime | None
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactivity:
    """When somebody last moved there, and when the silence becomes worth a call."""

    last_life_at: datetime | None
    deadline_at: datetime | None
    explained: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is not closed."""

    id: UUID
    kind: str
    state: str
    at: datetime
    acknowledged_by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBrief:
    """A visit in one line; `at` is when it was, or is to be."""

    id: UUID
    category: str
    state: str
    at: datetime
    carer_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDetail:
    """A home with all that its page shows."""

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
    residents: Sequence[Person]
    devices: Sequence[DeviceView]
    absences: Sequence[AbsenceView]
    supervision: SupervisionView
    inactivity: Inactivity
    open_alerts: Sequence[OpenAlert]
    last_visit: VisitBrief | None
    next_visit: VisitBrief | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineHome:
    """A home that cannot be seen; `repair` is the state of a repair visit that is under way."""

    home_id: str
    community_id: str
    name: str
    phone: str
    estate: str
    building: str
    unit: str
    room: str
    since: datetime
    reason: Reason
    alert_id: UUID | None
    repair: str | None


def age_on(born: date | None, day: date) -> int | None:
    """Full years on a day."""
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
