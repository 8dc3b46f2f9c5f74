"""What monitoring reads from the database, and what it writes there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import or_, select

from anju_core.reasons import Reason
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.models import Device, Gateway, HomeSupervision, InactivityDeadline
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.residents.models import Absence, Community, Home
from anju_wire.profiles import PROFILES, DeviceKind

_LOCAL_S = 8 * 3600.0
_LEAST_FALSE_ALERTS, _MOST_FALSE_ALERTS = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class MonitoredHome:
    """A home as the detectors need it."""

    home_id: str
    community_id: str
    false_alerts_per_month: float
    utc_offset_s: float


@dataclass(frozen=True, slots=True)
class Supervised:
    """A gateway in service or a registered device; `seen_s` is nan for one that never spoke."""

    home_id: str
    device_id: str
    kind: int
    """Index in `anju_platform.devices.profiles.KINDS`."""
    seen_s: float


@dataclass(frozen=True, slots=True)
class Away:
    """An absence that was told; `until_s` is its early end where there was one. Unix seconds."""

    home_id: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """A home's deadline as the records hold it."""

    home_id: str
    last_life_at: datetime | None
    due_at: datetime | None
    explained: dict[str, object]


def moment(at_s: float) -> datetime | None:
    """Unix seconds as a time; None for what is no time."""
    return datetime.fromtimestamp(at_s, UTC) if math.isfinite(at_s) else None


class MonitoringRepository:
    """Reads and writes of one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._session = work.session

    def list_places(self, home_id: str | None = None) -> list[MonitoredHome]:
        """All homes, or one."""
        query = select(Home.id, Home.community_id, Community.false_alerts_per_month, Community.timezone)
        query = query.join(Community, Community.id == Home.community_id).order_by(Home.id)
        if home_id is not None:
            query = query.where(Home.id == home_id)
        now = self._work.clock.now()
        return [
            MonitoredHome(
                home, community, min(max(target, _LEAST_FALSE_ALERTS), _MOST_FALSE_ALERTS), _offset_s(zone, now)
            )
            for home, community, target, zone in self._session.execute(query)
        ]

    def list_supervised(self) -> list[Supervised]:
        """Every gateway in service and every registered device of a kind that checks in."""
        gateways = select(Gateway.home_id, Gateway.id, Gateway.last_seen_at).where(Gateway.retired_at.is_(None))
        found = [
            Supervised(home, gateway, SUPERVISION.gateway, _seconds(at))
            for home, gateway, at in self._session.execute(gateways)
        ]
        devices = select(Device.home_id, Device.id, Device.kind, Device.last_seen_at).where(Device.known)
        found += [
            Supervised(home, device, KINDS.index(DeviceKind(kind)), _seconds(at))
            for home, device, kind, at in self._session.execute(devices)
            if kind in PROFILES
        ]
        return found

    def gateways_offline(self) -> list[str]:
        """Homes whose gateway was seen at least once and is now reported as disconnected."""
        query = select(Gateway.home_id).where(
            Gateway.retired_at.is_(None), Gateway.online.is_(False), Gateway.last_seen_at.is_not(None)
        )
        return list(self._session.scalars(query))

    def offline_homes(self) -> dict[str, float]:
        """Homes that are recorded as offline: home id → since when, Unix seconds."""
        rows = self._session.execute(
            select(HomeSupervision.home_id, HomeSupervision.offline_since).where(
                HomeSupervision.offline_since.is_not(None)
            )
        )
        return {home: since.timestamp() for home, since in rows if since is not None}

    def save_supervision(self, home_id: str, since: datetime | None, reason: Reason | None) -> None:
        """Record since when a home is offline and why; None for both: it is online."""
        row = self._session.get(HomeSupervision, home_id)
        if row is None:
            row = HomeSupervision(home_id=home_id)
            self._session.add(row)
        row.offline_since = since
        row.reason_code, row.reason_facts = ("", {}) if reason is None else (reason.code, dict(reason.facts))

    def find_absences(self, now: datetime) -> dict[str, Away]:
        """For each home the absence that holds now or begins next; of those that are over the one that ended last."""
        query = select(Absence).where(or_(Absence.until > now, Absence.ended_at.is_not(None)))
        chosen: dict[str, Away] = {}
        for row in self._session.scalars(query.order_by(Absence.start)):
            until = min(row.until, row.ended_at) if row.ended_at is not None else row.until
            held = chosen.get(row.home_id)
            if until > row.start and (held is None or held.until_s <= now.timestamp()):
                chosen[row.home_id] = Away(row.home_id, row.start.timestamp(), until.timestamp())
        return chosen

    def write_deadlines(self, deadlines: Iterable[Deadline]) -> None:
        """Write down when homes' silences become worth a call."""
        wanted = {deadline.home_id: deadline for deadline in deadlines}
        query = select(InactivityDeadline).where(InactivityDeadline.home_id.in_(wanted))
        known = {row.home_id: row for row in self._session.scalars(query)}
        for home_id, deadline in wanted.items():
            row = known.get(home_id)
            if row is None:
                row = InactivityDeadline(home_id=home_id)
                self._session.add(row)
            row.last_life_at, row.due_at, row.explained = deadline.last_life_at, deadline.due_at, deadline.explained


def _seconds(at: datetime | None) -> float:
    return math.nan if at is None else at.timestamp()


def _offset_s(zone: str, now: datetime) -> float:
    try:
        offset = ZoneInfo(zone).utcoffset(now)
    except (ZoneInfoNotFoundError, ValueError):
        return _LOCAL_S
    return _LOCAL_S if offset is None else offset.total_seconds()
