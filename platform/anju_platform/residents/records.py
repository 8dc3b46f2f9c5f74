"""Communities, homes, residents, consents and absences as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_core.dispatch import Place

HEALTH_NOTES, PROVIDER_DOOR = "health_notes", "provider_door"
"""Scopes of consent: notes on health, and how to get in, both for those who visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What a resident agreed to; withdrawn when `withdrawn_at` is set."""

    scope: str
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceView:
    """A time at which, as the platform was told, nobody is at home."""

    id: UUID
    home_id: str
    start: datetime
    until: datetime
    told_by: str
    ended_at: datetime | None
    """When they came back earlier than told."""

    @property
    def end(self) -> datetime:
        """When it ended or will end."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityRecord:
    """A residents' community; both rates are what it lets the detectors be wrong, per home and month."""

    id: str
    name: str
    phone: str
    """The telephone of the community's workers on call."""
    timezone: ZoneInfo
    false_alerts_per_month: float
    routine_changes_per_month: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePlace:
    """What a detector must know of a home; both rates are its community's, per home and month."""

    home_id: str
    community_id: str
    timezone: ZoneInfo
    false_alerts_per_month: float
    routine_changes_per_month: float

    def utc_offset_s(self, moment: datetime) -> float:
        """Return how far its clocks are ahead of UTC at this moment, s."""
        offset = moment.astimezone(self.timezone).utcoffset()
        return 0.0 if offset is None else offset.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A person to call for a resident, in the order of `position`."""

    id: UUID
    position: int
    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentRecord:
    """A resident with the notes for a visit, as far as the resident agreed to share them.

    Notes on health are empty without the consent `health_notes`, those about the door (pets, key holder) once
    `provider_door` was withdrawn. `contacts` are in the order to call.
    """

    id: UUID
    name: str
    born: date | None
    gender: str
    phone: str
    mobility: str
    hearing: str
    illnesses: str
    pets: str
    key_holder: str
    contacts: Sequence[ContactRecord]
    consents: Sequence[ConsentView]

    def agreed_to(self, scope: str) -> bool:
        """Tell whether a consent of this scope was given and not withdrawn since."""
        return any(one.scope == scope and one.withdrawn_at is None for one in self.consents)

    def has_withdrawn(self, scope: str) -> bool:
        """Tell whether a consent of this scope was withdrawn and not given again."""
        return any(one.scope == scope for one in self.consents) and not self.agreed_to(scope)

    def for_visitor(self) -> ResidentRecord:
        """Return the resident as a provider's carer may know them: the door's notes only with that consent."""
        return self if self.agreed_to(PROVIDER_DOOR) else replace(self, pets="", key_holder="")

    def without_name(self, home_id: str) -> ResidentRecord:
        """Return the resident under the home's id, without anything that tells who it is."""
        return replace(self.without_notes(), name=home_id, born=None, gender="", phone="", contacts=(), consents=())

    def without_notes(self) -> ResidentRecord:
        """Return the resident without any note for a visit."""
        return replace(self, mobility="", hearing="", illnesses="", pets="", key_holder="")

    def keep_agreed(self) -> ResidentRecord:
        """Return the resident without what the consents forbid to show to anybody."""
        health, door = self.agreed_to(HEALTH_NOTES), not self.has_withdrawn(PROVIDER_DOOR)
        return replace(
            self,
            mobility=self.mobility if health else "",
            hearing=self.hearing if health else "",
            illnesses=self.illnesses if health else "",
            pets=self.pets if door else "",
            key_holder=self.key_holder if door else "",
        )


def join_names(names: Iterable[str]) -> str:
    """Return names as they are joined in a Chinese sentence."""
    return "、".join(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAddress:
    """What a message says of a home; `resident_names` as in `HomeRecord`."""

    home_id: str
    community_id: str
    timezone: ZoneInfo
    estate: str
    building: str
    unit: str
    room: str
    resident_names: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRecord:
    """A home with its residents; `latitude` and `longitude` in degrees, WGS 84."""

    id: str
    community_id: str
    community_name: str
    community_phone: str
    """The telephone of the community's workers on call."""
    timezone: ZoneInfo
    estate: str
    building: str
    unit: str
    room: str
    latitude: float | None
    longitude: float | None
    has_door_code: bool
    """Whether there is a door code that `ResidentService.show_door_code` may show."""
    residents: Sequence[ResidentRecord]

    @property
    def place(self) -> Place | None:
        """Where it is; None where that is not known."""
        return Place.known(self.latitude, self.longitude)

    @property
    def resident_names(self) -> str:
        """The residents' names joined as in a Chinese sentence; the home's id where none is registered."""
        return join_names(resident.name for resident in self.residents) or self.id

    @property
    def spoken_address(self) -> str:
        """The address in the order in which it is spoken: estate, building, unit, room (小区 楼 单元 室)."""
        building = f"{self.building} 号楼" if self.building else ""
        unit = f"{self.unit} 单元" if self.unit else ""
        parts = (self.estate, building, unit, f"{self.room} 室" if self.room else "")
        return " ".join(part for part in parts if part)

    def without_names(self) -> HomeRecord:
        """Return the home by its id alone, for those who work with figures: nobody lives there, and it lies nowhere."""
        nowhere = replace(self, estate="", building="", unit="", room="", latitude=None, longitude=None)
        return replace(nowhere, has_door_code=False, residents=())

    def local_date(self, moment: datetime) -> date:
        """Return the date there at this moment."""
        return moment.astimezone(self.timezone).date()

    def age_at(self, moment: datetime) -> int | None:
        """Age in full years of the first resident whose birth date is known, on the home's local date."""
        born = next((resident.born for resident in self.residents if resident.born is not None), None)
        return age_on(born, self.local_date(moment))


def age_on(born: date | None, day: date) -> int | None:
    """Return the full years between a birthday and a day; None where the birthday is not known."""
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
