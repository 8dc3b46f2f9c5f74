"""What is known of a home's devices now, as plain values: what pages and other slices may know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_core.reasons import Reason
from anju_platform.devices.models import Device, HomeSupervision, InactivityDeadline
from anju_platform.i18n.reasons import as_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """A device, when it was last heard, its battery in per cent and its link from 0 to 1."""

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
class SupervisionView:
    """Whether data is received from a home; `offline_since` is None while it is."""

    offline_since: datetime | None
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactivity:
    """When somebody last moved in a home, and when the silence becomes worth a call."""

    last_life_at: datetime | None
    deadline_at: datetime | None
    explained: Mapping[str, object]


ONLINE = SupervisionView(offline_since=None, reason=None)
"""A home of which nothing else was ever noted."""
NEVER_SEEN = Inactivity(last_life_at=None, deadline_at=None, explained={})
"""A home in which nobody was ever noticed."""


class HomeStatusReader:
    """Reads within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_devices(self, home_id: str) -> Sequence[DeviceStatus]:
        """Return the devices of a home, by room."""
        query = select(Device).where(Device.home_id == home_id).order_by(Device.room, Device.id)
        return [_device(row) for row in self._session.scalars(query)]

    def find_supervision(self, home_ids: Collection[str]) -> Mapping[str, SupervisionView]:
        """Return the supervision of homes, by home; a home of which nothing was noted is left out."""
        rows = self._session.scalars(select(HomeSupervision).where(HomeSupervision.home_id.in_(home_ids)))
        return {row.home_id: _supervision(row) for row in rows}

    def list_offline(self) -> Mapping[str, SupervisionView]:
        """Return the homes from which no data is received, the longest first."""
        query = select(HomeSupervision).where(HomeSupervision.offline_since.is_not(None))
        rows = self._session.scalars(query.order_by(HomeSupervision.offline_since, HomeSupervision.home_id))
        return {row.home_id: _supervision(row) for row in rows}

    def find_inactivity(self, home_ids: Collection[str]) -> Mapping[str, Inactivity]:
        """Return what the inactivity detector last said of homes, by home; one it never spoke of is left out."""
        rows = self._session.scalars(select(InactivityDeadline).where(InactivityDeadline.home_id.in_(home_ids)))
        return {
            row.home_id: Inactivity(last_life_at=row.last_life_at, deadline_at=row.due_at, explained=row.explained)
            for row in rows
        }


def _supervision(row: HomeSupervision) -> SupervisionView:
    reason = None if row.offline_since is None else as_reason(row.reason_code, row.reason_facts)
    return SupervisionView(offline_since=row.offline_since, reason=reason)


def _device(row: Device) -> DeviceStatus:
    return DeviceStatus(
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
