"""Stores what gateways and devices report: when they were last seen, their state, and rejected messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import structlog

from anju_core.actor import Actor
from anju_platform.accounts.looks import record_looks
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.last_seen import LastSeen, LastSeenMap
from anju_platform.devices.models import Device, Gateway, Quarantine
from anju_platform.devices.quarantine import QuarantineLimits, QuarantineShares, RejectedMessage
from anju_platform.devices.repository import DeviceRepository, Note, QuarantineRepository
from anju_platform.residents.directory import find_community_id, find_known_ids
from anju_platform.residents.errors import HomeNotFound
from anju_wire.messages import Status
from anju_wire.topics import InvalidTopic, Topic

UNREGISTERED = ""
"""Kind of a device that nobody has registered."""
MOST_UNREGISTERED = 50
"""Unregistered devices stored for a home: a broken gateway that invents names must not fill the database."""
_MOST_ID = 63
_CLOCK_S = 120.0
"""Seconds by which a gateway's clock may differ before its times of events are no longer believed."""
_MOST_PATH = 255
_MOST_REASON = 2000
_LONG_KEPT = 64 * 1024
log = structlog.get_logger("anju.devices")


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed in a home."""

    gateways: Sequence[Gateway]
    devices: Sequence[Device]


class DeviceService:
    """Stores and lists gateways, devices and rejected messages.

    online: is told a home, whether its gateway is connected, and since when (Unix s). sensor_bus: is told a home, why
    its gateway receives no sensors (empty: it does), and since when. again: sends a home within the same transaction
    what its gateway may have missed.
    """

    def __init__(
        self,
        online: Callable[[str, bool, float], None] | None = None,
        sensor_bus: Callable[[str, str, float], None] | None = None,
        again: Callable[[UnitOfWork, str], None] | None = None,
        quarantine: QuarantineLimits = QuarantineLimits(),  # noqa: B008 - frozen
    ) -> None:
        self._online, self._sensor_bus, self._again = online, sensor_bus, again
        self._quarantine = quarantine

    # --- what ingest says ------------------------------------------------------------------------------------------

    def record_last_seen(self, work: UnitOfWork, last_seen: LastSeenMap) -> None:
        """Store when devices were last seen, and their battery and link; adds unknown devices with `known` false.

        Times never go back: readings of a backlog don't make a device look older.
        """
        if not last_seen:
            return
        last_seen = _not_ahead(last_seen, work.clock.time())
        records = DeviceRepository(work.session)
        homes = {home for home, _ in last_seen}
        gateways = {(row.home_id, row.id): row for row in records.gateways_of(homes)}
        devices = records.notes_of(homes)
        noted: dict[tuple[str, str], Note] = {}
        strangers: dict[tuple[str, str], LastSeen] = {}
        for key, seen in last_seen.items():
            if key in gateways:
                gateways[key].last_seen_at = _later(gateways[key].last_seen_at, seen)
            elif key in devices:
                noted[key] = _note(devices[key], seen)
            else:
                strangers[key] = seen
        records.write_notes(noted)
        if strangers:
            self._register(work, records, devices, strangers)
        work.session.flush()

    def _register(
        self,
        work: UnitOfWork,
        records: DeviceRepository,
        devices: Mapping[tuple[str, str], Note],
        strangers: Mapping[tuple[str, str], LastSeen],
    ) -> None:
        """Add devices that nobody has registered, up to `MOST_UNREGISTERED` a home; unusable ids are left out."""
        room: dict[str, int] = dict.fromkeys(find_known_ids(work, {home for home, _ in strangers}), MOST_UNREGISTERED)
        for (home, _), known in devices.items():
            if home in room and not known.known:
                room[home] -= 1
        fresh = []
        for (home, device_id), seen in strangers.items():
            if room.get(home, 0) < 1 or not 0 < len(device_id) <= _MOST_ID or not device_id.isprintable():
                continue
            room[home] -= 1
            note = _note(Note(known=False), seen)
            row = Device(home_id=home, id=device_id, kind=UNREGISTERED, known=False, battery=note.battery)
            row.last_seen_at, row.link_quality, row.battery_low = note.last_seen_at, note.link_quality, note.battery_low
            fresh.append(row)
        records.add_devices(fresh)

    def set_clock_offset(self, work: UnitOfWork, gateway_id: str, offset_s: float) -> None:
        """Store the platform's clock minus the gateway's, s; 0 when it is right again."""
        row = DeviceRepository(work.session).find_gateway(gateway_id)
        if row is not None:
            row.clock_offset_s = offset_s

    def update_status(self, work: UnitOfWork, gateway_id: str, status: Status, arrived_s: float) -> None:
        """Store the state that a gateway reported, or its last will, with the number of messages that it lost."""
        row = DeviceRepository(work.session).find_gateway(gateway_id)
        if row is None or row.retired_at is not None:
            return
        row.online = status.online
        if status.online:
            row.spooled = min(max(sum(status.spooled.values()), 0), 2**31 - 1)
            row.dropped = min(max(status.dropped, 0), 2**31 - 1)
            row.version = status.version[:40]
            row.refused, row.refused_keys = status.refused, [msgspec.to_builtins(one) for one in status.refused_keys]
            row.last_seen_at = _later(row.last_seen_at, LastSeen(arrived_s))
        work.session.flush()
        if self._online is not None:
            self._online(row.home_id, status.online, arrived_s)
        if self._again is not None and status.online:
            self._again(work, row.home_id)
        if self._sensor_bus is not None and status.online:
            # A clock that is off must not put it into the future, nor longer ago than the minute between two words;
            # that it hears again is from now on.
            trusted = status.sensor_bus_down and abs(arrived_s - status.at) <= _CLOCK_S
            since_s = status.sensor_bus_down_since if trusted else arrived_s
            self._sensor_bus(row.home_id, status.sensor_bus_down, min(since_s, arrived_s))

    def quarantine_message(self, work: UnitOfWork, topic: str, path: str, reason: str, payload: bytes) -> None:
        """Store a rejected message, as `quarantine_messages` does."""
        self.quarantine_messages(work, [RejectedMessage(topic, path, reason, payload)])

    def quarantine_messages(self, work: UnitOfWork, messages: Sequence[RejectedMessage]) -> None:
        """Store rejected messages, each once however often it comes; the oldest ones of a home that has many go."""
        records = QuarantineRepository(work.session)
        unlike = {message.digest: message for message in messages}
        stored = records.find_stored(list(unlike))
        by_home: dict[str, list[RejectedMessage]] = {}
        for digest, message in unlike.items():
            if digest not in stored:
                by_home.setdefault(_text(message.home, _MOST_PATH), []).append(message)
        shares = QuarantineShares(records, self._quarantine)
        admitted = shares.make_room(by_home)
        ids = sorted(work.new_id() for _ in admitted)  # within one millisecond they come in no order
        records.add_rows([_set_aside(work, number, *one) for number, one in zip(ids, admitted, strict=True)])
        shares.bound_all()
        for home, mine in by_home.items():  # one line for each home: a flood must not fill the log
            topic, path, reason = (_text(value, _MOST_PATH) for value in mine[-1][:3])
            log.warning("quarantined", home=home, messages=len(mine), topic=topic, path=path, reason=reason)

    def note_dropped(self, work: UnitOfWork, counts: Mapping[str, int]) -> None:
        """Add to what the newest kept message of each home says of others that are gone."""
        records = QuarantineRepository(work.session)
        by_home = {_text(home, _MOST_PATH): count for home, count in counts.items()}
        newest = records.list_newest(list(by_home))
        records.add_dropped({row: by_home[home] for home, row in newest.items()})

    # --- reading ---------------------------------------------------------------------------------------------------

    def get_installed(self, work: UnitOfWork, actor: Actor, home_id: str) -> Installed:
        """Return a home's gateways and devices. Raises `HomeNotFound`, also for a home out of the actor's scope."""
        records = DeviceRepository(work.session)
        if not actor.may_see(find_community_id(work, home_id), home_id):
            raise HomeNotFound(home_id)
        record_looks(work, actor, "devices", [home_id])
        return Installed(records.gateways_of({home_id}), records.devices_of({home_id}))

    def list_quarantine(
        self, work: UnitOfWork, actor: Actor, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Quarantine]:
        """Return up to `limit` rejected messages of the actor's scope, newest first; the look is written down.

        before: the id of the last one already seen.
        """
        rows = QuarantineRepository(work.session).list_quarantined(actor.scope, before, limit)
        record_looks(work, actor, "quarantine", {home for row in rows if (home := _home_of(row.topic))})
        return rows


def _set_aside(work: UnitOfWork, number: UUID, message: RejectedMessage, dropped: int) -> Quarantine:
    """Return the row of a rejected message, in the form that every database can store."""
    return Quarantine(
        id=number,
        at=work.clock.now(),
        topic=_text(message.topic, _MOST_PATH),
        path=_text(message.path, _MOST_PATH),
        reason=_text(message.reason, _MOST_REASON),
        size=len(message.payload),
        sha256=message.digest,
        payload=message.kept,
        home=_text(message.home, _MOST_PATH),
        kept=len(message.kept),
        dropped=dropped,
    )


def _note(row: Note, seen: LastSeen) -> Note:
    """Return `row` updated: a newer report replaces battery and link, an older one only fills what is missing."""
    newer = row.last_seen_at is None or seen.at_s >= row.last_seen_at.timestamp()
    row.last_seen_at = _later(row.last_seen_at, seen)
    for name in ("battery", "link_quality", "battery_low"):
        value = getattr(seen, name)
        if value is not None and math.isfinite(value) and (newer or getattr(row, name) is None):
            setattr(row, name, value)
    return row


def _later(known: datetime | None, seen: LastSeen) -> datetime:
    at = datetime.fromtimestamp(seen.at_s, UTC)
    return at if known is None else max(known, at)


def _not_ahead(last_seen: LastSeenMap, now_s: float) -> LastSeenMap:
    """Return the entries with no time after `now_s`: a clock that is ahead must not hide a later silence."""
    return {key: one if one.at_s <= now_s else replace(one, at_s=now_s) for key, one in last_seen.items()}


def _home_of(topic: str) -> str | None:
    try:
        return Topic.parse(topic).home
    except InvalidTopic:
        return None


def _text(value: str, most: int) -> str:
    """Return the text as every database can store it: valid UTF-8, no NUL, at most `most` characters."""
    return value.encode(errors="replace").decode().replace("\0", "\ufffd")[:most]
