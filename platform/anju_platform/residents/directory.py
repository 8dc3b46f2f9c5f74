"""Homes as plain values, for slices that act on a home and must not know its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import HomeNotFound
from anju_platform.residents.models import Contact, Home, Resident
from anju_platform.residents.views import age_on


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A person to call for a resident."""

    id: UUID
    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentRecord:
    """A resident with the notes for a visit; `contacts` are in the order to call."""

    id: UUID
    name: str
    born: date | None
    phone: str
    mobility: str
    hearing: str
    illnesses: str
    pets: str
    key_holder: str
    contacts: Sequence[ContactRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRecord:
    """A home with its residents; `latitude` and `longitude` in degrees, WGS 84."""

    id: str
    community_id: str
    community_phone: str
    """The telephone of the community's workers on duty."""
    timezone: ZoneInfo
    estate: str
    building: str
    unit: str
    room: str
    latitude: float | None
    longitude: float | None
    residents: Sequence[ResidentRecord]

    @property
    def resident_names(self) -> str:
        """The residents' names joined as in a Chinese sentence; the home's id where none is registered."""
        return "、".join(resident.name for resident in self.residents) or self.id

    @property
    def spoken_address(self) -> str:
        """The address in the order in which it is spoken: estate, building, unit, room (小区 楼 单元 室)."""
        unit = f"{self.unit} 单元" if self.unit else ""
        parts = (self.estate, f"{self.building} 号楼", unit, f"{self.room} 室")
        return " ".join(part for part in parts if part)

    def age_at(self, moment: datetime) -> int | None:
        """Age in full years of the first resident whose birth date is known, on the home's local date."""
        born = next((resident.born for resident in self.residents if resident.born is not None), None)
        return age_on(born, moment.astimezone(self.timezone).date())


def lock_home(work: UnitOfWork, home_id: str) -> str:
    """Lock a home until the end of the transaction and return its community's id; raises `HomeNotFound`.

    Whoever writes about a home locks it first, so that two people who act at one home wait for each other.
    """
    query = select(Home.community_id).where(Home.id == home_id).with_for_update(key_share=True)
    community_id = work.session.scalar(query)
    if community_id is None:
        raise HomeNotFound(home_id)
    return community_id


def find_home(work: UnitOfWork, home_id: str) -> HomeRecord | None:
    """Return one home; None when there is no such home."""
    return find_homes(work, [home_id]).get(home_id)


def find_homes(work: UnitOfWork, home_ids: Iterable[str]) -> Mapping[str, HomeRecord]:
    """Return homes by id; an id without a home is absent."""
    people = selectinload(Home.residents).selectinload(Resident.contacts)
    query = select(Home).where(Home.id.in_(set(home_ids))).options(people)
    return {home.id: _home(home) for home in work.session.scalars(query)}


def _home(home: Home) -> HomeRecord:
    return HomeRecord(
        id=home.id,
        community_id=home.community_id,
        community_phone=home.community.phone,
        timezone=ZoneInfo(home.community.timezone),
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        latitude=home.latitude,
        longitude=home.longitude,
        residents=[_resident(resident) for resident in home.residents],
    )


def _resident(resident: Resident) -> ResidentRecord:
    return ResidentRecord(
        id=resident.id,
        name=resident.name,
        born=resident.born,
        phone=resident.phone,
        mobility=resident.mobility,
        hearing=resident.hearing,
        illnesses=resident.illnesses,
        pets=resident.pets,
        key_holder=resident.key_holder,
        contacts=[_contact(contact) for contact in resident.contacts],
    )


def _contact(contact: Contact) -> ContactRecord:
    return ContactRecord(id=contact.id, name=contact.name, relation=contact.relation, phone=contact.phone)
