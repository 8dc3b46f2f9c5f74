"""Homes, residents and communities as plain values, for slices and pages that must not know their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from anju_core.actor import Actor
from anju_core.scope import Scope
from anju_platform.accounts.looks import record_looks
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import HomeNotFound
from anju_platform.residents.models import Absence, Community, Home, Resident
from anju_platform.residents.records import (
    PROVIDER_DOOR,
    AbsenceView,
    CommunityRecord,
    ConsentView,
    ContactRecord,
    HomeAddress,
    HomePlace,
    HomeRecord,
    ResidentRecord,
    join_names,
)
from anju_platform.residents.repository import AddressRow, ResidentRepository
from anju_platform.residents.search import Query

log = structlog.get_logger("anju.residents")


def lock_home(work: UnitOfWork, home_id: str) -> str:
    """Lock a home until the end of the transaction and return its community's id; raises `HomeNotFound`.

    Whoever writes about a home locks it first, so that two people who act at one home wait for each other.
    """
    return _community_in(lock_homes(work, [home_id]), home_id)


def lock_homes(work: UnitOfWork, home_ids: Collection[str], *, wait: bool = True) -> Mapping[str, str]:
    """Do as `lock_home` for several homes at once; returns their communities by home, without those that are none.

    wait: for homes that others have locked; without it, those are left out.
    """
    return ResidentRepository(work.session).lock_homes(home_ids, wait=wait)


def lock_every_home(work: UnitOfWork) -> bool:
    """Lock the homes that no other transaction has locked, without waiting; return whether these are all homes."""
    return ResidentRepository(work.session).lock_every_home()


def find_locked_homes(work: UnitOfWork, home_ids: Collection[str]) -> set[str]:
    """Return those homes that another transaction has locked; the others stay locked by this one."""
    repository = ResidentRepository(work.session)
    return repository.find_known_ids(home_ids) - repository.lock_homes(home_ids, wait=False).keys()


def find_community_id(work: UnitOfWork, home_id: str) -> str:
    """Return the id of a home's community; raises `HomeNotFound`."""
    return _community_in(find_community_ids(work, [home_id]), home_id)


def find_community_ids(work: UnitOfWork, home_ids: Collection[str]) -> Mapping[str, str]:
    """Return the community of each of these homes by the home's id; an id without a home is absent."""
    return ResidentRepository(work.session).find_community_ids(home_ids)


def _community_in(communities: Mapping[str, str], home_id: str) -> str:
    if home_id not in communities:
        raise HomeNotFound(home_id)
    return communities[home_id]


def find_home(work: UnitOfWork, home_id: str) -> HomeRecord | None:
    """Return one home; None when there is no such home."""
    return find_homes(work, [home_id]).get(home_id)


def find_homes(work: UnitOfWork, home_ids: Iterable[str]) -> Mapping[str, HomeRecord]:
    """Return homes by id; an id without a home is absent."""
    rows = ResidentRepository(work.session).find_homes(set(home_ids))
    consents = _consents(work, [person.id for row in rows for person in row.residents])
    return {row.id: _home(row, consents) for row in rows}


def find_addresses(work: UnitOfWork, home_ids: Collection[str]) -> Mapping[str, HomeAddress]:
    """Return what messages say of homes, by id; an id without a home is absent."""
    return _addresses(ResidentRepository(work.session).list_addresses(home_ids))


def lock_addresses(work: UnitOfWork, home_ids: Collection[str]) -> Mapping[str, HomeAddress]:
    """Lock homes as `lock_homes` does, and return as `find_addresses`."""
    return _addresses(ResidentRepository(work.session).lock_addresses(home_ids))


def read_homes(
    work: UnitOfWork, actor: Actor, home_ids: Iterable[str], what: str, why: str = "", *, named: bool = False
) -> Mapping[str, HomeRecord]:
    """Return homes by id as a person may know them, and write down the look; the caller has checked the scope.

    what, why: the reason, as `record_looks` stores it. named: with names also for those who usually see none, since
    they opened this case and said why.
    """
    found = find_homes(work, home_ids)
    record_looks(work, actor, what, found, why)
    if actor.sees_names or named:
        return found
    return {home_id: home.without_names() for home_id, home in found.items()}


def list_home_ids(work: UnitOfWork, scope: Scope) -> Mapping[str, str]:
    """Return the community of each home of a scope, by the home's id."""
    return ResidentRepository(work.session).list_home_ids(scope)


def list_places(work: UnitOfWork, scope: Scope) -> Sequence[HomePlace]:
    """Return where the homes of a scope are, and what their communities ask of the detectors, by id."""
    return [
        HomePlace(
            home_id=home,
            community_id=community,
            timezone=read_zone(zone),
            false_alerts_per_month=false_alerts,
            routine_changes_per_month=routine_changes,
        )
        for home, community, zone, false_alerts, routine_changes in ResidentRepository(work.session).list_places(scope)
    ]


def search_residents(
    work: UnitOfWork, actor: Actor, query: Query, limit: int
) -> Sequence[tuple[ResidentRecord, HomeRecord]]:
    """Return at most `limit` residents of the actor's scope that match, each with the home, by address.

    The look is written down. Who sees no names finds homes by their id alone, so that no search betrays a name.
    """
    rows = ResidentRepository(work.session).search_residents(actor.scope, query, limit, by_name=actor.sees_names)
    consents = _consents(work, [person.id for row in rows for person in row.home.residents])
    record_looks(work, actor, "search", {row.home_id for row in rows})
    found = [(_resident(row, consents.get(row.id, [])), _home(row.home, consents)) for row in rows]
    if actor.sees_names:
        return found
    return [(person.without_name(home.id), home.without_names()) for person, home in found]


def find_community(work: UnitOfWork, community_id: str) -> CommunityRecord | None:
    """Return a community; None when there is no such community."""
    row = ResidentRepository(work.session).find_community(community_id)
    return None if row is None else community_record(row)


def lock_community(work: UnitOfWork, community_id: str) -> None:
    """Lock a community until the end of the transaction: of two who change its rota, the second waits."""
    ResidentRepository(work.session).lock_community_key(community_id)


def list_communities(work: UnitOfWork, scope: Scope) -> Sequence[CommunityRecord]:
    """Return the communities of a scope, by name."""
    return [community_record(row) for row in ResidentRepository(work.session).list_communities(scope)]


def count_homes(work: UnitOfWork) -> Mapping[str, int]:
    """Return how many homes each community has, by the community's id."""
    return ResidentRepository(work.session).count_homes()


def list_absences(work: UnitOfWork, home_id: str, now: datetime) -> Sequence[AbsenceView]:
    """Return a home's absences that run or are to come, in order."""
    return [absence_view(row) for row in ResidentRepository(work.session).list_absences(home_id, now)]


def list_running_absences(work: UnitOfWork, home_ids: Collection[str], now: datetime) -> Sequence[AbsenceView]:
    """Return the absences of these homes that run now, the first to end first."""
    rows = ResidentRepository(work.session).list_running_absences(now)
    return [absence_view(row) for row in rows if row.home_id in home_ids]


def list_absences_since(work: UnitOfWork, since: datetime | None) -> Sequence[AbsenceView]:
    """Return the absences of all homes that were told to last beyond `since` (all where None), by their start."""
    return [absence_view(row) for row in ResidentRepository(work.session).list_absences_since(since)]


def list_absences_from(work: UnitOfWork, now: datetime) -> Sequence[AbsenceView]:
    """Return the absences of all homes that are not over, or that were ended before their time, by their start."""
    return [absence_view(row) for row in ResidentRepository(work.session).list_absences_from(now)]


def find_known_ids(work: UnitOfWork, home_ids: Collection[str]) -> set[str]:
    """Return those of these ids that are homes."""
    return ResidentRepository(work.session).find_known_ids(home_ids)


def _consents(work: UnitOfWork, resident_ids: Collection[UUID]) -> Mapping[UUID, Sequence[ConsentView]]:
    found: dict[UUID, list[ConsentView]] = defaultdict(list)
    for row in ResidentRepository(work.session).list_consents(resident_ids):
        view = ConsentView(scope=row.scope, given_at=row.given_at, withdrawn_at=row.withdrawn_at)
        found[row.resident_id].append(view)
    return found


def _addresses(rows: Iterable[AddressRow]) -> Mapping[str, HomeAddress]:
    found: dict[str, HomeAddress] = {}
    for home_id, of_home in groupby(rows, key=attrgetter("home_id")):
        lived_in = list(of_home)
        row = lived_in[0]
        found[home_id] = HomeAddress(
            home_id=home_id,
            community_id=row.community_id,
            timezone=read_zone(row.timezone),
            estate=row.estate,
            building=row.building,
            unit=row.unit,
            room=row.room,
            resident_names=join_names(one.resident for one in lived_in if one.resident is not None) or home_id,
        )
    return found


@cache
def read_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC, which is logged once, where the database of zones has none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.warning("a community's time zone is not known: its clocks show UTC", timezone=name)
        return ZoneInfo("UTC")


def community_record(row: Community) -> CommunityRecord:
    """Return a row as a plain value."""
    return CommunityRecord(
        id=row.id,
        name=row.name,
        phone=row.phone,
        timezone=read_zone(row.timezone),
        false_alerts_per_month=row.false_alerts_per_month,
        routine_changes_per_month=row.routine_changes_per_month,
    )


def absence_view(row: Absence) -> AbsenceView:
    """Return a row as a plain value."""
    return AbsenceView(
        id=row.id, home_id=row.home_id, start=row.start, until=row.until, told_by=row.told_by, ended_at=row.ended_at
    )


def _home(row: Home, consents: Mapping[UUID, Sequence[ConsentView]]) -> HomeRecord:
    residents = [_resident(person, consents.get(person.id, [])) for person in row.residents]
    return HomeRecord(
        id=row.id,
        community_id=row.community_id,
        community_name=row.community.name,
        community_phone=row.community.phone,
        timezone=read_zone(row.community.timezone),
        estate=row.estate,
        building=row.building,
        unit=row.unit,
        room=row.room,
        latitude=row.latitude,
        longitude=row.longitude,
        has_door_code=bool(row.door_code) and not any(one.has_withdrawn(PROVIDER_DOOR) for one in residents),
        residents=residents,
    )


def _resident(row: Resident, consents: Sequence[ConsentView]) -> ResidentRecord:
    return ResidentRecord(
        id=row.id,
        name=row.name,
        born=row.born,
        gender=row.gender,
        phone=row.phone,
        mobility=row.mobility,
        hearing=row.hearing,
        illnesses=row.illnesses,
        pets=row.pets,
        key_holder=row.key_holder,
        contacts=[
            ContactRecord(id=one.id, position=one.position, name=one.name, relation=one.relation, phone=one.phone)
            for one in row.contacts
        ],
        consents=consents,
    ).keep_agreed()
