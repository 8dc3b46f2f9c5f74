"""Reads and writes of gateways, devices and quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from anju_core.scope import Scope
from anju_platform.db.scoping import is_within
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_wire.topics import PREFIX


@dataclass(slots=True)
class Note:
    """The fields of a device that change: when it was last seen, battery and link."""

    known: bool
    last_seen_at: datetime | None = None
    battery: float | None = None
    link_quality: float | None = None


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
        columns = (Device.home_id, Device.id, Device.known, Device.last_seen_at, Device.battery, Device.link_quality)
        rows = self._session.execute(select(*columns).where(Device.home_id.in_(homes)))
        return {(home, device): Note(known, *rest) for home, device, known, *rest in rows}  # type: ignore[arg-type]

    def write_notes(self, notes: Mapping[tuple[str, str], Note]) -> None:
        """Update devices, by home and device, with one statement."""
        if not notes:
            return
        statement = (
            update(Device.__table__)  # type: ignore[arg-type]
            .where(Device.home_id == bindparam("of_home"), Device.id == bindparam("of_id"))
            .values(last_seen_at=bindparam("seen"), battery=bindparam("charge"), link_quality=bindparam("link"))
        )
        rows = [
            {"of_home": home, "of_id": device, "seen": n.last_seen_at, "charge": n.battery, "link": n.link_quality}
            for (home, device), n in notes.items()
        ]
        self._session.connection().execute(statement, rows)

    def devices_of(self, homes: Collection[str]) -> Sequence[Device]:
        """Return all devices of these homes."""
        query = select(Device).where(Device.home_id.in_(homes)).order_by(Device.home_id, Device.id)
        return self._session.scalars(query).all()

    def add_devices(self, devices: Iterable[Device]) -> None:
        """Insert new devices."""
        self._session.add_all(devices)

    # --- quarantine ------------------------------------------------------------------------------------------------

    def is_quarantined(self, sha256: str) -> bool:
        """Return whether a message with this hash is stored already."""
        query = select(func.count()).select_from(Quarantine).where(Quarantine.sha256 == sha256)
        return bool(self._session.scalar(query))

    def set_aside(self, row: Quarantine) -> None:
        """Insert a rejected message."""
        self._session.add(row)
        self._session.flush()

    def list_quarantined(self, scope: Scope, before: UUID | None, limit: int) -> Sequence[Quarantine]:
        """Return rejected messages of a scope, newest first; `before` is the id of the last one of the page before.

        A message belongs to the community on whose topic it came; one without such a topic to the district alone.
        """
        query = select(Quarantine).where(_quarantine_within(scope)).order_by(Quarantine.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Quarantine.id < before)
        return self._session.scalars(query).all()


def _quarantine_within(scope: Scope) -> ColumnElement[bool]:
    def came_on(prefix: str) -> ColumnElement[bool]:
        return func.substr(Quarantine.topic, 1, len(prefix)) == prefix

    return is_within(scope, community=lambda ids: or_(*(came_on(f"{PREFIX}/{one}/") for one in sorted(ids))))
