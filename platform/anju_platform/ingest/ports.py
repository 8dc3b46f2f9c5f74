"""What ingest needs of the slices it feeds; each is fulfilled by a service, and by a fake in its tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from anju_core.alert_signals import AlertSignal
from anju_core.vocabulary import AlertKind, Outcome
from anju_detect.inactivity import LifeBatch
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.last_seen import LastSeenMap
from anju_platform.devices.quarantine import RejectedMessage
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import Status


class MessageSource(Protocol):
    """Where the messages of homes come from, and the way back to them. MQTT is one (`ingest.mqtt_source`).

    Messages come by the source's own threads, in order for each home and lane, and may come more than once.
    """

    def start(
        self, *, on_alarms: Callable[[Iterable[RawMessage]], None], on_telemetry: Callable[[Iterable[RawMessage]], None]
    ) -> None:
        """Connect in the background, again and again. `on_alarms` also gets the status of gateways."""

    def stop(self, *, say_goodbye: bool) -> None:
        """Disconnect; `say_goodbye`: tell the homes first that the platform is going away."""

    @property
    def ready(self) -> bool:
        """Whether everything that homes send now arrives."""

    @property
    def receives_telemetry(self) -> bool:
        """Whether telemetry that homes send now arrives."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message over and wait until it is taken; raises `ConnectionError` where it is not."""

    def acknowledge(self, topic: str, payload: bytes) -> None:
        """Send a message without waiting; one that is lost is asked for again by what the home sends again."""


class Monitor(Protocol):
    """What ingest tells monitoring (`monitoring.service.MonitoringService`), from the ingest thread.

    Only `mark_late_readings` may use the database.
    """

    def find_row(self, home_id: str) -> int:
        """Return the home's row in `LifeBatch.home`."""

    def update_activity(self, batch: LifeBatch, arrived_s: float) -> None:
        """Take signs of life and heartbeats that arrived at `arrived_s` (Unix s)."""

    def mark_late_readings(self) -> None:
        """Called before the batch of `update_activity` is acknowledged.

        Stores the time of readings older than the snapshot covers, so that a restart reads the series from there.
        """

    def record_last_seen(self, last_seen: LastSeenMap, arrived_s: float) -> None:
        """Take when gateways and devices were last seen, by home and device."""


class DeviceRecords(Protocol):
    """Stores what gateways and devices report (`devices.service.DeviceService`)."""

    def record_last_seen(self, work: UnitOfWork, last_seen: LastSeenMap) -> None:
        """Store when devices were last seen, their battery and link; adds unknown ones with `known` false."""

    def set_clock_offset(self, work: UnitOfWork, gateway_id: str, offset_s: float) -> None:
        """Store the platform's clock minus the gateway's, s; 0 when it is right again."""

    def note_dropped(self, work: UnitOfWork, counts: Mapping[str, int]) -> None:
        """Store how many more rejected messages of each home (its id, as its topics name it) were not kept."""

    def quarantine_messages(self, work: UnitOfWork, messages: Sequence[RejectedMessage]) -> None:
        """Store rejected messages with a few statements, each once however often it comes."""

    def update_status(self, work: UnitOfWork, gateway_id: str, status: Status, arrived_s: float) -> None:
        """Store the state that a gateway reported, or its last will."""


class AlarmSink(Protocol):
    """Where alarms become alerts (`alerts.intake.AlertIntake`)."""

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> object:
        """Raise an alert, or add to the episode's existing one; a `source` that was seen before changes nothing."""

    def find_locked_homes(self, work: UnitOfWork, home_ids: Collection[str]) -> set[str]:
        """Return those homes about which nothing can be written now, because another transaction has locked them."""

    def raise_alerts(self, work: UnitOfWork, signals: Sequence[AlertSignal]) -> None:
        """Do as `raise_alert` for each of several signals."""

    def withdraw_alerts(
        self,
        work: UnitOfWork,
        home_id: str,
        kind: AlertKind,
        episode: str | None,
        *,
        outcome: Outcome,
        why: str,
        source: str | None = None,
        upto: datetime | None = None,
    ) -> object:
        """Close the open alerts of this kind (and episode, if given) with `outcome`, for the reason code `why`.

        upto: only those of which nothing happened after this event time.
        """


Post = Callable[[str, bytes], None]
"""Sends topic and payload to a home without waiting for the broker."""
