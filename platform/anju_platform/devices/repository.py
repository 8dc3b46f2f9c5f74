"""Reads and writes of gateways, devices and quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from anju_core.scope import Scope
from anju_platform.db.scoping import is_within
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_wire.topics import PREFIX

T = TypeVar("T")
_AT_ONCE = 500
"""Values in one statement: databases limit its parameters."""


@dataclass(slots=True)
class Note:
    """The fields of a device that change: when it was last seen, battery and link."""

    known: bool
    last_seen_at: datetime | None = None
    battery: float | None = None
    link_quality: float | None = None
    battery_low: bool | None = None


class KeptMessage(NamedTuple):
    """A message in quarantine: its row, the bytes that are kept, how many earlier ones of its home are gone."""

    row: UUID
    size: int
    dropped: int


class DeviceRepository:
    """Gateways and devices of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_gateway(self, gateway_id: str) -> Gateway | None:
        """Return a gateway, in service or retired; None where there is none."""
        return self._session.get(Gateway, gateway_id)

    def bound_last_seen(self, now: datetime) -> int:
        """Set last-seen times after `now` to `now`; returns how many there were."""
        done = 0
        for table in (Gateway, Device):
            ahead = update(table).where(table.last_seen_at > now).values(last_seen_at=now)
            done += cast("CursorResult[tuple[()]]", self._session.execute(ahead)).rowcount
        return done

    def gateways_of(self, homes: Collection[str]) -> Sequence[Gateway]:
        """Return the gateways in service of these homes."""
        query = select(Gateway).where(Gateway.home_id.in_(homes), Gateway.retired_at.is_(None))
        return self._session.scalars(query.order_by(Gateway.id)).all()

    def notes_of(self, homes: Collection[str]) -> dict[tuple[str, str], Note]:
        """Return the notes of these homes' devices, by home and device; as columns, since ingest asks for thousands."""
        columns = (Device.known, Device.last_seen_at, Device.battery, Device.link_quality, Device.battery_low)
        rows = self._session.execute(select(Device.home_id, Device.id, *columns).where(Device.home_id.in_(homes)))
        return {(home, device): Note(known, *rest) for home, device, known, *rest in rows}  # type: ignore[arg-type]

    def write_notes(self, notes: Mapping[tuple[str, str], Note]) -> None:
        """Update devices, by home and device, with one statement."""
        if not notes:
            return
        statement = (
            update(Device.__table__)  # type: ignore[arg-type]
            .where(Device.home_id == bindparam("of_home"), Device.id == bindparam("of_id"))
            .values(
                last_seen_at=bindparam("seen"),
                battery=bindparam("charge"),
                link_quality=bindparam("link"),
                battery_low=bindparam("low"),
            )
        )
        rows = [
            {
                "of_home": home,
                "of_id": device,
                "seen": n.last_seen_at,
                "charge": n.battery,
                "link": n.link_quality,
                "low": n.battery_low,
            }
            for (home, device), n in notes.items()
        ]
        self._session.connection().execute(statement, rows)

    def list_in_service(self, home_id: str | None = None) -> Sequence[tuple[str, str]]:
        """Return the gateways in service of a home, or all, with the home that each speaks for."""
        query = select(Gateway.id, Gateway.home_id).where(Gateway.retired_at.is_(None))
        if home_id is not None:
            query = query.where(Gateway.home_id == home_id)
        return self._session.execute(query).all()

    def list_gateways_seen(self) -> Sequence[tuple[str, str, datetime | None]]:
        """Return when each gateway in service was last seen: home, gateway, time."""
        query = select(Gateway.home_id, Gateway.id, Gateway.last_seen_at).where(Gateway.retired_at.is_(None))
        return self._session.execute(query).all()

    def list_homes_disconnected(self) -> Sequence[str]:
        """Return the homes whose gateway was seen at least once and is now reported as disconnected."""
        seen = Gateway.last_seen_at.is_not(None)
        query = select(Gateway.home_id).where(Gateway.retired_at.is_(None), Gateway.online.is_(False), seen)
        return self._session.scalars(query).all()

    def list_registered_seen(self) -> Sequence[tuple[str, str, str, datetime | None]]:
        """Return when each registered device was last seen: home, device, kind, time."""
        query = select(Device.home_id, Device.id, Device.kind, Device.last_seen_at).where(Device.known)
        return self._session.execute(query).all()

    def list_facts(self, home_id: str | None = None) -> Sequence[tuple[str, str, str, str, str, bool]]:
        """Return the devices of a home, or of all: home, device, kind, room, label, and whether it is registered."""
        query = select(Device.home_id, Device.id, Device.kind, Device.room, Device.label, Device.known)
        if home_id is not None:
            query = query.where(Device.home_id == home_id)
        return self._session.execute(query).all()

    def iterate_places(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield where every device is, without holding all rows: home, device, kind, room."""
        query = select(Device.home_id, Device.id, Device.kind, Device.room)
        yield from self._session.execute(query)

    def list_by_room(self, home_id: str) -> Sequence[Device]:
        """Return the devices of a home, by room."""
        query = select(Device).where(Device.home_id == home_id).order_by(Device.room, Device.id)
        return self._session.scalars(query).all()

    def list_weak_batteries(self, per_cent: float) -> Sequence[Device]:
        """Return the devices with at most so much charge, or that say themselves that their battery is low."""
        weak = or_(Device.battery <= per_cent, Device.battery_low.is_(True))
        return self._session.scalars(select(Device).where(weak).order_by(Device.home_id, Device.room, Device.id)).all()

    def devices_of(self, homes: Collection[str]) -> Sequence[Device]:
        """Return all devices of these homes."""
        query = select(Device).where(Device.home_id.in_(homes)).order_by(Device.home_id, Device.id)
        return self._session.scalars(query).all()

    def add_devices(self, devices: Iterable[Device]) -> None:
        """Insert new devices."""
        self._session.add_all(devices)


class QuarantineRepository:
    """Rejected messages of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_stored(self, digests: Sequence[str]) -> set[str]:
        """Return those of the hashes whose message is stored already."""
        found: set[str] = set()
        for some in _in_parts(digests):
            found.update(self._session.scalars(select(Quarantine.sha256).where(Quarantine.sha256.in_(some))))
        return found

    def add_rows(self, rows: Sequence[Quarantine]) -> None:
        """Insert rejected messages."""
        self._session.add_all(rows)
        self._session.flush()

    def list_quarantined(self, scope: Scope, before: UUID | None, limit: int) -> Sequence[Quarantine]:
        """Return rejected messages of a scope, newest first; `before` is the id of the last one of the page before.

        A message belongs to the community on whose topic it came; one without such a topic to the district alone.
        """
        query = select(Quarantine).where(_quarantine_within(scope)).order_by(Quarantine.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Quarantine.id < before)
        return self._session.scalars(query).all()

    def measure_kept(self) -> tuple[int, int]:
        """Return how many messages are kept, and how many bytes of them, of all homes."""
        found, kept = self._session.execute(select(func.count(), func.coalesce(func.sum(Quarantine.kept), 0))).one()
        return found, int(kept)

    def measure_homes(self, homes: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the same for each of these homes of which any are kept."""
        query = select(Quarantine.home, func.count(), func.sum(Quarantine.kept)).group_by(Quarantine.home)
        parts = [self._session.execute(query.where(Quarantine.home.in_(some))) for some in _in_parts(homes)]
        return {home: (found, int(kept)) for part in parts for home, found, kept in part}

    def list_oldest(self, homes: Sequence[str] | None = None) -> dict[str, list[KeptMessage]]:
        """Return the messages of these homes, or of all, without their payloads: by home, the oldest first."""
        columns = (Quarantine.home, Quarantine.id, Quarantine.kept, Quarantine.dropped)
        query = select(*columns).order_by(Quarantine.home, Quarantine.id)
        queries = [query] if homes is None else [query.where(Quarantine.home.in_(some)) for some in _in_parts(homes)]
        found: dict[str, list[KeptMessage]] = {}
        for part in queries:
            for home, row, kept, dropped in self._session.execute(part):
                found.setdefault(home, []).append(KeptMessage(row, kept, dropped))
        return found

    def delete_rows(self, rows: Sequence[UUID]) -> None:
        """Delete messages."""
        for some in _in_parts(rows):
            self._session.execute(delete(Quarantine).where(Quarantine.id.in_(some)))

    def list_newest(self, homes: Sequence[str]) -> dict[str, UUID]:
        """Return the newest message of each of these homes of which any are kept."""
        place = func.row_number().over(partition_by=Quarantine.home, order_by=Quarantine.id.desc()).label("place")
        found: dict[str, UUID] = {}
        for some in _in_parts(homes):
            rows = select(Quarantine.home, Quarantine.id, place).where(Quarantine.home.in_(some)).subquery()
            newest = self._session.execute(select(rows.c.home, rows.c.id).where(rows.c.place == 1))
            found |= {home: row for home, row in newest}  # noqa: C416 - a row is no pair
        return found

    def add_dropped(self, counts: Mapping[UUID, int]) -> None:
        """Add to what messages say of earlier ones of their homes that are gone, with one statement."""
        if not counts:
            return
        statement = (
            update(Quarantine.__table__)  # type: ignore[arg-type]
            .where(Quarantine.id == bindparam("row"))
            .values(dropped=Quarantine.dropped + bindparam("more"))
        )
        self._session.connection().execute(statement, [{"row": row, "more": more} for row, more in counts.items()])


def _in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the values in parts that one statement can name."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _quarantine_within(scope: Scope) -> ColumnElement[bool]:
    def came_on(prefix: str) -> ColumnElement[bool]:
        return func.substr(Quarantine.topic, 1, len(prefix)) == prefix

    return is_within(scope, community=lambda ids: or_(*(came_on(f"{PREFIX}/{one}/") for one in sorted(ids))))
