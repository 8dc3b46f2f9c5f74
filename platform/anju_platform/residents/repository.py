"""Reads and writes the tables of communities, homes, residents, consents and absences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.scope import Scope
from anju_platform.db.scoping import is_within
from anju_platform.residents.models import Absence, Community, Consent, Home, Resident
from anju_platform.residents.search import Query

PlaceRow = tuple[str, str, str, float, float]
"""Home, its community, that one's time zone, and its false alerts and changes of routine a month."""

ConsentRow = tuple[str, str, datetime | None, datetime | None]
"""A home, its community, and when a consent there was given and withdrawn."""


class AddressRow(NamedTuple):
    """A home's address with the name of one who lives there."""

    home_id: str
    community_id: str
    timezone: str
    estate: str
    building: str
    unit: str
    room: str
    resident: str | None


class ResidentRepository:
    """Homes, residents and communities of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- homes -----------------------------------------------------------------------------------------------------

    def lock_homes(self, home_ids: Collection[str], *, wait: bool = True) -> Mapping[str, str]:
        """Lock homes until the end of the transaction, in the order of their ids; return as `find_community_ids`.

        wait: for homes that others have locked; without it, those are left out.
        """
        query = select(Home.id, Home.community_id).where(Home.id.in_(home_ids)).order_by(Home.id)
        rows = self._session.execute(query.with_for_update(key_share=True, skip_locked=not wait))
        return {home: community for home, community in rows}  # noqa: C416 - rows are not tuples to mypy

    def lock_every_home(self) -> bool:
        """Lock the homes that nobody has locked, until the end of the transaction; return whether that is all."""
        locked = self._session.execute(select(Home.id).with_for_update(key_share=True, skip_locked=True)).all()
        return len(locked) == self._session.scalar(select(func.count()).select_from(Home))

    def lock_addresses(self, home_ids: Collection[str]) -> Sequence[AddressRow]:
        """Lock homes until the end of the transaction, in the order of their ids; return as `list_addresses`."""
        query = _addresses(home_ids).with_for_update(key_share=True, of=Home)
        return [AddressRow(*row) for row in self._session.execute(query)]

    def find_community_ids(self, home_ids: Collection[str]) -> Mapping[str, str]:
        """Return the community of each of these homes by the home's id; an id without a home is absent."""
        query = select(Home.id, Home.community_id).where(Home.id.in_(home_ids))
        rows = self._session.execute(query) if home_ids else ()
        return {home: community for home, community in rows}  # noqa: C416 - as above

    def list_addresses(self, home_ids: Collection[str]) -> Sequence[AddressRow]:
        """Return the addresses of homes, a row for each resident; a home without residents has one without a name."""
        return [AddressRow(*row) for row in self._session.execute(_addresses(home_ids))]

    def find_homes(self, home_ids: Collection[str]) -> Sequence[Home]:
        """Return homes by id with who lives there and whom to call; an id without a home is left out."""
        query = select(Home).where(Home.id.in_(home_ids)).order_by(Home.id)
        query = query.options(selectinload(Home.residents).selectinload(Resident.contacts))
        return self._session.scalars(query).unique().all()

    def find_known_ids(self, home_ids: Collection[str]) -> set[str]:
        """Return those of these ids that are homes."""
        return set(self._session.scalars(select(Home.id).where(Home.id.in_(home_ids))))

    def list_home_ids(self, scope: Scope) -> Mapping[str, str]:
        """Return the community of each home of a scope, by the home's id."""
        query = select(Home.id, Home.community_id).where(_home_within(scope)).order_by(Home.id)
        return dict(self._session.execute(query).all())

    def list_consents_of_homes(self, scope: Scope, consent: str) -> Sequence[ConsentRow]:
        """Return home, community, and when a consent of this scope was given and withdrawn; None for homes without."""
        query = select(Home.id, Home.community_id, Consent.given_at, Consent.withdrawn_at)
        query = query.outerjoin(Resident, Resident.home_id == Home.id)
        query = query.outerjoin(Consent, and_(Consent.resident_id == Resident.id, Consent.scope == consent))
        return self._session.execute(query.where(_home_within(scope)).order_by(Home.id)).all()

    def list_places(self, scope: Scope) -> Sequence[PlaceRow]:
        """Return the homes of a scope with what their communities ask of the detectors, by id."""
        targets = Community.false_alerts_per_month, Community.routine_changes_per_month
        query = select(Home.id, Home.community_id, Community.timezone, *targets)
        query = query.join(Community, Community.id == Home.community_id).where(_home_within(scope))
        return self._session.execute(query.order_by(Home.id)).all()

    def count_homes(self) -> Mapping[str, int]:
        """Return how many homes each community has, by the community's id."""
        query = select(Home.community_id, func.count()).group_by(Home.community_id)
        return dict(self._session.execute(query).all())

    def find_door_code(self, home_id: str) -> str:
        """Return the door code of a home; empty where it has none on record."""
        return self._session.scalar(select(Home.door_code).where(Home.id == home_id)) or ""

    # --- residents -------------------------------------------------------------------------------------------------

    def search_residents(self, scope: Scope, query: Query, limit: int, *, by_name: bool) -> Sequence[Resident]:
        """Return at most `limit` residents of a scope that match, by address, with home, housemates and contacts.

        by_name: names, pinyin and addresses are searched; else homes are found by their id alone.
        """
        statement = select(Resident).join(Home).where(_home_within(scope))
        statement = statement.options(
            selectinload(Resident.home).selectinload(Home.residents).selectinload(Resident.contacts)
        )
        statement = statement.where(*(_conditions(query) if by_name else _id_conditions(query)))
        statement = statement.order_by(Home.estate, Home.building, Home.unit, Home.room, Resident.id)
        return self._session.scalars(statement.limit(limit)).all()

    def find_matching_homes(self, scope: Scope, query: Query, limit: int, *, by_name: bool) -> Sequence[str]:
        """Return the ids of at most `limit` homes of a scope in which a search finds somebody.

        by_name: as for `search_residents`.
        """
        statement = select(Home.id).join(Resident, isouter=True).where(_home_within(scope)).distinct()
        statement = statement.where(*(_conditions(query) if by_name else _id_conditions(query)))
        return self._session.scalars(statement.order_by(Home.id).limit(limit)).all()

    def list_consents(self, resident_ids: Collection[UUID]) -> Sequence[Consent]:
        """Return the consents of residents, the first that was given first."""
        query = select(Consent).where(Consent.resident_id.in_(resident_ids))
        return self._session.scalars(query.order_by(Consent.given_at, Consent.id)).all()

    # --- communities -----------------------------------------------------------------------------------------------

    def find_community(self, community_id: str) -> Community | None:
        """Return a community; None when there is no such community."""
        return self._session.get(Community, community_id)

    def list_communities(self, scope: Scope) -> Sequence[Community]:
        """Return the communities of a scope, by name."""
        query = select(Community).where(is_within(scope, community=Community.id.in_))
        return self._session.scalars(query.order_by(Community.name, Community.id)).all()

    def lock_community(self, community_id: str) -> Community | None:
        """Return a community as it is now, locked until the end of the transaction; None when there is none."""
        return self._session.get(Community, community_id, with_for_update=True, populate_existing=True)

    def lock_community_key(self, community_id: str) -> None:
        """Lock a community until the end of the transaction, but not for rows that only refer to it."""
        query = select(Community.id).where(Community.id == community_id)
        self._session.execute(query.with_for_update(key_share=True))

    # --- absences --------------------------------------------------------------------------------------------------

    def add_absence(self, absence: Absence) -> None:
        """Insert an absence."""
        self._session.add(absence)
        self._session.flush()

    def lock_absence(self, absence_id: UUID) -> Absence | None:
        """Return an absence, locked until the end of the transaction; None when there is no such absence."""
        return self._session.get(Absence, absence_id, with_for_update=True)

    def list_absences(self, home_id: str, now: datetime) -> Sequence[Absence]:
        """Return a home's absences that run or are to come, in order."""
        query = select(Absence).where(Absence.home_id == home_id, Absence.until > now, Absence.ended_at.is_(None))
        return self._session.scalars(query.order_by(Absence.start, Absence.id)).all()

    def list_running_absences(self, now: datetime) -> Sequence[Absence]:
        """Return the absences of all homes that run now, the first to end first."""
        query = select(Absence).where(Absence.start <= now, Absence.until > now, Absence.ended_at.is_(None))
        return self._session.scalars(query.order_by(Absence.until, Absence.id)).all()

    def list_absences_since(self, since: datetime | None) -> Sequence[Absence]:
        """Return the absences that were told to last beyond `since` (all where None), by their start."""
        query = select(Absence).order_by(Absence.start, Absence.id)
        return self._session.scalars(query if since is None else query.where(Absence.until > since)).all()

    def list_absences_from(self, now: datetime) -> Sequence[Absence]:
        """Return the absences that are not over, or that were ended before their time, by their start."""
        query = select(Absence).where(or_(Absence.until > now, Absence.ended_at.is_not(None)))
        return self._session.scalars(query.order_by(Absence.start)).all()


def _addresses(home_ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    columns = (Home.id, Home.community_id, Community.timezone, Home.estate, Home.building, Home.unit, Home.room)
    query = select(*columns, Resident.name).join(Community, Community.id == Home.community_id)
    query = query.join(Resident, Resident.home_id == Home.id, isouter=True).where(Home.id.in_(home_ids))
    return query.order_by(Home.id, Resident.id)


def _home_within(scope: Scope) -> ColumnElement[bool]:
    return is_within(scope, community=Home.community_id.in_, home=lambda own: Home.id == own)


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
