"""Homes, residents and communities as plain values, for slices and pages that must not know their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import selectinload

from anju_core.actor import Actor
from anju_core.scope import Scope
from anju_platform.accounts.looks import record_looks
from anju_platform.db.scoping import is_within
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import HomeNotFound
from anju_platform.residents.models import Absence, Community, Consent, Home, Resident
from anju_platform.residents.records import (
    PROVIDER_DOOR,
    AbsenceView,
    CommunityRecord,
    ConsentView,
    ContactRecord,
    HomePlace,
    HomeRecord,
    ResidentRecord,
)
from anju_platform.residents.search import Query

log = structlog.get_logger("anju.residents")


def lock_home(work: UnitOfWork, home_id: str) -> str:
    """Lock a home until the end of the transaction and return its community's id; raises `HomeNotFound`.

    Whoever writes about a home locks it first, so that two people who act at one home wait for each other.
    """
    query = select(Home.community_id).where(Home.id == home_id).with_for_update(key_share=True)
    community_id = work.session.scalar(query)
    if community_id is None:
        raise HomeNotFound(home_id)
    return community_id


def find_community_id(work: UnitOfWork, home_id: str) -> str:
    """Return the id of a home's community; raises `HomeNotFound`."""
    community_id = work.session.scalar(select(Home.community_id).where(Home.id == home_id))
    if community_id is None:
        raise HomeNotFound(home_id)
    return community_id


def find_home(work: UnitOfWork, home_id: str) -> HomeRecord | None:
    """Return one home; None when there is no such home."""
    return find_homes(work, [home_id]).get(home_id)


def find_homes(work: UnitOfWork, home_ids: Iterable[str]) -> Mapping[str, HomeRecord]:
    """Return homes by id; an id without a home is absent."""
    return {home.id: home for home in _homes(work, Home.id.in_(set(home_ids)))}


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
    query = select(Home.id, Home.community_id).where(_home_within(scope)).order_by(Home.id)
    return {home: community for home, community in work.session.execute(query)}  # noqa: C416 - rows are not tuples to mypy


def list_places(work: UnitOfWork, scope: Scope) -> Sequence[HomePlace]:
    """Return where the homes of a scope are, and what their communities ask of the detectors, by id."""
    query = select(
        Home.id,
        Home.community_id,
        Community.timezone,
        Community.false_alerts_per_month,
        Community.routine_changes_per_month,
    ).join(Community, Community.id == Home.community_id)
    query = query.where(_home_within(scope))
    return [
        HomePlace(
            home_id=home,
            community_id=community,
            timezone=read_zone(zone),
            false_alerts_per_month=false_alerts,
            routine_changes_per_month=routine_changes,
        )
        for home, community, zone, false_alerts, routine_changes in work.session.execute(query.order_by(Home.id))
    ]


def search_residents(
    work: UnitOfWork, actor: Actor, query: Query, limit: int
) -> Sequence[tuple[ResidentRecord, HomeRecord]]:
    """Return at most `limit` residents of the actor's scope that match, each with the home, by address.

    The look is written down. Who sees no names finds homes by their id alone, so that no search betrays a name.
    """
    statement = (
        select(Resident)
        .join(Home)
        .where(_home_within(actor.scope))
        .options(selectinload(Resident.home).selectinload(Home.residents).selectinload(Resident.contacts))
    )
    for condition in _conditions(query) if actor.sees_names else _id_conditions(query):
        statement = statement.where(condition)
    statement = statement.order_by(Home.estate, Home.building, Home.unit, Home.room, Resident.id)
    rows = work.session.scalars(statement.limit(limit)).all()
    consents = _consents(work, [person.id for row in rows for person in row.home.residents])
    record_looks(work, actor, "search", {row.home_id for row in rows})
    found = [(_resident(row, consents.get(row.id, [])), _home(row.home, consents)) for row in rows]
    if actor.sees_names:
        return found
    return [(person.without_name(home.id), home.without_names()) for person, home in found]


def find_community(work: UnitOfWork, community_id: str) -> CommunityRecord | None:
    """Return a community; None when there is no such community."""
    row = work.session.get(Community, community_id)
    return None if row is None else community_record(row)


def lock_community(work: UnitOfWork, community_id: str) -> None:
    """Lock a community until the end of the transaction: of two who change its rota, the second waits."""
    work.session.execute(select(Community.id).where(Community.id == community_id).with_for_update(key_share=True))


def list_communities(work: UnitOfWork, scope: Scope) -> Sequence[CommunityRecord]:
    """Return the communities of a scope, by name."""
    within = is_within(scope, community=Community.id.in_)
    query = select(Community).where(within).order_by(Community.name, Community.id)
    return [community_record(row) for row in work.session.scalars(query)]


def count_homes(work: UnitOfWork) -> Mapping[str, int]:
    """Return how many homes each community has, by the community's id."""
    query = select(Home.community_id, func.count()).group_by(Home.community_id)
    return {community: count for community, count in work.session.execute(query)}  # noqa: C416 - as above


def list_absences(work: UnitOfWork, home_id: str, now: datetime) -> Sequence[AbsenceView]:
    """Return a home's absences that run or are to come, in order."""
    query = select(Absence).where(Absence.home_id == home_id, Absence.until > now, Absence.ended_at.is_(None))
    return [absence_view(row) for row in work.session.scalars(query.order_by(Absence.start, Absence.id))]


def list_running_absences(work: UnitOfWork, home_ids: Collection[str], now: datetime) -> Sequence[AbsenceView]:
    """Return the absences of these homes that run now, the first to end first."""
    query = select(Absence).where(Absence.start <= now, Absence.until > now, Absence.ended_at.is_(None))
    rows = work.session.scalars(query.order_by(Absence.until, Absence.id))
    return [absence_view(row) for row in rows if row.home_id in home_ids]


def list_absences_since(work: UnitOfWork, since: datetime | None) -> Sequence[AbsenceView]:
    """Return the absences of all homes that were told to last beyond `since` (all where None), by their start."""
    query = select(Absence).order_by(Absence.start, Absence.id)
    if since is not None:
        query = query.where(Absence.until > since)
    return [absence_view(row) for row in work.session.scalars(query)]


def list_absences_from(work: UnitOfWork, now: datetime) -> Sequence[AbsenceView]:
    """Return the absences of all homes that are not over, or that were ended before their time, by their start."""
    query = select(Absence).where(or_(Absence.until > now, Absence.ended_at.is_not(None)))
    return [absence_view(row) for row in work.session.scalars(query.order_by(Absence.start))]


def find_known_ids(work: UnitOfWork, home_ids: Collection[str]) -> set[str]:
    """Return those of these ids that are homes."""
    return set(work.session.scalars(select(Home.id).where(Home.id.in_(home_ids))))


def _home_within(scope: Scope) -> ColumnElement[bool]:
    return is_within(scope, community=Home.community_id.in_, home=lambda own: Home.id == own)


def _homes(work: UnitOfWork, *conditions: ColumnElement[bool]) -> Sequence[HomeRecord]:
    query = select(Home).where(*conditions).order_by(Home.id)
    query = query.options(selectinload(Home.residents).selectinload(Resident.contacts))
    rows = work.session.scalars(query).unique().all()
    consents = _consents(work, [person.id for row in rows for person in row.residents])
    return [_home(row, consents) for row in rows]


def _consents(work: UnitOfWork, resident_ids: Collection[UUID]) -> Mapping[UUID, Sequence[ConsentView]]:
    query = select(Consent).where(Consent.resident_id.in_(resident_ids)).order_by(Consent.given_at, Consent.id)
    found: dict[UUID, list[ConsentView]] = defaultdict(list)
    for row in work.session.scalars(query):
        view = ConsentView(scope=row.scope, given_at=row.given_at, withdrawn_at=row.withdrawn_at)
        found[row.resident_id].append(view)
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


def _id_conditions(query: Query) -> Sequence[ColumnElement[bool]]:
    asked = query.text or query.building or query.unit or query.room
    return [Home.id == asked] if asked else []


def _conditions(query: Query) -> Sequence[ColumnElement[bool]]:
    columns = ((Home.building, query.building), (Home.unit, query.unit), (Home.room, query.room))
    found: list[ColumnElement[bool]] = [
        column.in_((value, f"{value}号楼", f"{value}单元", f"{value}室")) for column, value in columns if value
    ]
    if not query.text:
        return found
    named = or_(
        Resident.name.contains(query.text, autoescape=True),
        Resident.pinyin.startswith(query.text, autoescape=True),
        Resident.pinyin.contains(f" {query.text}", autoescape=True),
        Home.estate.contains(query.text, autoescape=True),
        Home.id == query.text,
    )
    if query.is_number:
        named = or_(named, Home.building == query.text, Home.room.startswith(query.text, autoescape=True))
    return [*found, named]
