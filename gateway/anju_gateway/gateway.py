"""One home's gateway: a single thread that owns the spool, fed by the local bus and by the uplink through one inbox."""

from __future__ import annotations

import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

import structlog

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.esphome import EsphomeAdapter
from anju_gateway.adapters.logger import LoggerAdapter
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.announcement_service import AnnouncementService
from anju_gateway.announcements import REACH_S
from anju_gateway.annunciator import Annunciator, CompositeAnnunciator, ConsoleAnnunciator, MqttAnnunciator
from anju_gateway.device_ingest import DeviceIngest
from anju_gateway.mqtt import Arrived, Event, LineDown, LineUp, MqttSession
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import DeviceRegistry
from anju_gateway.settings import HomeSettings
from anju_gateway.spool import Spool, SpoolFull
from anju_gateway.unspooled_alarms import UnspooledAlarms
from anju_gateway.uplink import ALARM_SESSION, Uplink, uplink_sessions
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Command, InvalidMessage, PlatformStatus, Status, decode
from anju_wire.profiles import Quantity
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import DownLane, Lane

BUS_SESSION = "bus"
HEARTBEAT_S = 60.0
_TICK_S = 0.2
_SLOW_TICK_S = 1.0
_BATCH = 256
_INBOX = 10_000
_MOST_FAILURES = 30


class Gateway:
    """The gateway of one home, composed of its parts. `start` returns at once; `stop` leaves nothing half-written.

    Raises `SpoolInUse` on construction when another process serves the same spool.
    """

    def __init__(self, settings: HomeSettings, clock: Clock, *, own_bus: bool = True) -> None:
        self._settings, self._clock, self._own_bus = settings, clock, own_bus
        self._inbox: queue.Queue[Event] = queue.Queue(_INBOX)
        self._stopping = threading.Event()
        self._started = time.monotonic()
        self._spool = Spool(settings.spool, clock.time(), settings.spool_limit_bytes)
        self._waveforms = WaveformBuffer(settings.spool.with_name(f"{settings.spool.name}.waves"))
        self._ingest = self._make_ingest()
        self._bus = self._make_bus()
        self._uplink = self._make_uplink()
        self._unspooled = UnspooledAlarms(settings.gateway, self._uplink.publish_unspooled)
        self._announcements = AnnouncementService(settings.gateway, self._spool, self._make_annunciator())
        self._failures = 0
        self._bus_away_since: float | None = self._started
        self._bus_reported = False
        self._bus_down, self._bus_down_since = "", 0.0
        self._next_heartbeat = self._next_slow = self._started
        self._log = structlog.get_logger("anju.gateway").bind(gateway=settings.gateway)
        self._thread = threading.Thread(target=self._run, name=f"gateway-{settings.home}", daemon=True)

    def _make_ingest(self) -> DeviceIngest:
        s, state = self._settings, AdapterState(self._spool.load_state())
        self._registry = DeviceRegistry(device.to_device() for device in s.devices)
        self._zigbee = Zigbee2MqttAdapter(s.home, s.gateway, self._registry, state, own_bus=self._own_bus)
        self._adapters = (
            self._zigbee,
            EsphomeAdapter(s.home, self._registry, state),
            WearableAdapter(s.home, self._registry, state, self._waveforms),
            LoggerAdapter(s.home, s.gateway, self._registry),
        )
        return DeviceIngest(s.gateway, self._spool, self._waveforms, state, self._adapters)

    def _make_bus(self) -> MqttSession:
        filters = [topic for adapter in self._adapters for topic in adapter.filters]
        endpoint = self._settings.bus.endpoint()
        name = f"{self._settings.gateway}-bus"
        return MqttSession(BUS_SESSION, name, [endpoint], self._inbox.put, filters=filters, persistent=True)

    def _make_uplink(self) -> Uplink:
        s = self._settings
        sessions = uplink_sessions(
            s.gateway, (s.community, s.home), s.endpoints(), self._inbox.put, lambda: self._status(online=False)
        )
        topics = {lane: Topic(s.community, s.home, lane) for lane in Lane}
        return Uplink(gateway=s.gateway, topics=topics, spool=self._spool, sessions=sessions, wall=self._clock.time)

    def _make_annunciator(self) -> Annunciator:
        annunciators: dict[str, Annunciator] = {
            "mqtt": MqttAnnunciator(self._bus.publish, self._settings.home),
            "console": ConsoleAnnunciator(sys.stdout, self._settings.home),
        }
        return CompositeAnnunciator([annunciators[name] for name in self._settings.annunciators])

    def _status(self, *, online: bool) -> Status:
        return Status(
            gateway=self._settings.gateway,
            online=online,
            at=self._clock.time(),
            epoch=self._spool.epoch,
            version=version("anju"),
            spooled=self._spool.count_waiting(),
            dropped=self._spool.dropped,
            lost=self._spool.lost,
            refused=self._ingest.refusals.total,
            refused_keys=self._ingest.refusals.list_most() if online else [],
            sensor_bus_down=self._bus_down,
            sensor_bus_down_since=self._bus_down_since,
        )

    @property
    def alive(self) -> bool:
        """Whether the gateway's thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the current turn, publish the last status, release the spool."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._waveforms.close()
        self._spool.close()

    def _run(self) -> None:
        now = time.monotonic()
        self._announcements.resume_announcements(self._clock.time(), now)
        self._bus.start()
        self._uplink.start_sessions(now)
        while not self._stopping.is_set():
            self._turn(self._gather())
        self._try(lambda: self._announcements.record_played(self._clock.time()))
        self._bus.stop()
        self._uplink.stop(self._status(online=False))

    def _gather(self) -> list[Event]:
        """Wait for events for one tick at most; return those that have arrived."""
        events: list[Event] = []
        try:
            events.append(self._inbox.get(timeout=_TICK_S))
            while len(events) < _BATCH:
                events.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return events

    def _turn(self, events: Sequence[Event]) -> None:
        """Handle events and what is due. What fails is not acknowledged: a new connection brings it again."""
        arrived = [event for event in events if isinstance(event, Arrived)]
        from_devices = [message for message in arrived if message.session == BUS_SESSION]
        for event in events:
            if not isinstance(event, Arrived):
                self._note_line(event)
        well = True
        for message in arrived:
            if message.session != BUS_SESSION and not self._try(partial(self._from_platform, message)):
                self._uplink.reconnect()
                well = False
        if from_devices and not self._try(lambda: self._from_devices(from_devices)):
            self._bus.drop_connection()
            well = False
        well = self._try(self._tick) and well
        well = self._try(lambda: self._uplink.send_due(time.monotonic())) and well
        self._failures = 0 if well else self._failures + 1
        if not well:
            self._stopping.wait(_SLOW_TICK_S)

    def _try(self, step: Callable[[], None]) -> bool:
        """Run a step; return whether it succeeded. Re-raises after `_MOST_FAILURES` turns, to be restarted."""
        try:
            step()
        except SpoolFull as error:
            self._log.error("spool full", reason=error.reason)
        except Exception:
            self._log.exception("turn failed")
            if self._failures >= _MOST_FAILURES:
                raise
        else:
            return True
        return False

    def _from_devices(self, arrived: list[Arrived]) -> None:
        now_s, now = self._clock.time(), time.monotonic()
        fresh = [message for message in arrived if not self._unspooled.is_stored((message.topic, message.payload))]
        for message in arrived:
            if message not in fresh:
                self._bus.ack(message.token)
        try:
            alarms = self._ingest.store_messages(fresh, now_s, now) if fresh else []
        except (SpoolFull, sqlite3.Error):
            self._send_unspooled(fresh, now_s, now)
            raise
        for message in fresh:
            self._unspooled.forget_message((message.topic, message.payload))
            self._bus.ack(message.token)
        if alarms:
            self._uplink.send_due(now)
            self._announcements.announce_alarms(alarms, self._uplink.current_line(now, REACH_S), now_s, now)

    def _send_unspooled(self, arrived: Sequence[Arrived], now_s: float, now: float) -> None:
        """Send the alarms among messages that the disk does not take, and tell the elder the truth, once for each."""
        found = [(message, self._ingest.read_alarms(message, now_s)) for message in arrived]
        epoch = self._spool.epoch
        new = [
            self._unspooled.add_alarm((message.topic, message.payload), packs, now_s, epoch)
            for message, packs in found
            if packs
        ]
        if any(new) or not new:
            self._announcements.announce_failure(now_s)
        self._unspooled.send_due(now, now_s)

    def _from_platform(self, message: Arrived) -> None:
        try:
            self._execute(message)
        except InvalidMessage as error:
            self._log.error("message from the platform refused", topic=message.topic, why=str(error))
        self._uplink.ack(message.token)

    def _execute(self, message: Arrived) -> None:
        now = time.monotonic()
        if message.topic == PLATFORM_STATUS:
            self._uplink.note_platform(online=decode(PlatformStatus, message.payload).online, now=now)
        elif message.topic.endswith(f"/{DownLane.ACK}"):
            ack = decode(Ack, message.payload)
            if self._unspooled.apply_ack(ack, now):
                return
            upto = self._uplink.apply_ack(ack, now)
            if upto is not None and ack.lane is Lane.ALARM:
                self._announcements.acknowledge_upto(upto)
        elif message.topic.endswith(f"/{DownLane.COMMAND}"):
            self._announcements.execute_command(decode(Command, message.payload), self._clock.time())

    def _note_line(self, event: LineUp | LineDown) -> None:
        now = time.monotonic()
        if event.session == BUS_SESSION:
            self._bus_away_since = now if isinstance(event, LineDown) else None
        elif isinstance(event, LineDown):
            self._uplink.note_line_down(event.session, now)
        else:
            self._uplink.note_line_up(event.session, event.endpoint, now)
            if event.session == ALARM_SESSION:
                self._uplink.publish_status(self._status(online=True))

    def _tick(self) -> None:
        now_s, now = self._clock.time(), time.monotonic()
        self._unspooled.send_due(now, now_s)
        self._announcements.announce_due(now_s, now)
        if now >= self._next_slow:
            self._next_slow = now + _SLOW_TICK_S
            alarms = self._ingest.store_due(now_s, now)
            self._announcements.announce_alarms(alarms, self._uplink.current_line(now, REACH_S), now_s, now)
            self._watch_bus(now_s, now)
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + self._clock.real_seconds(HEARTBEAT_S)
            up_s = round(now - self._started, 1)
            self._ingest.store_readings([DeviceReading(self._settings.gateway, Quantity.HEARTBEAT, now_s, up_s)], now)
            self._uplink.publish_status(self._status(online=True))
        self._ingest.flush_staged(now)

    def _watch_bus(self, now_s: float, now: float) -> None:
        away = self._bus_away_since is not None and now - self._bus_away_since >= self._settings.bus.patience_s
        if away != self._bus_reported:
            self._bus_reported = away
            self._ingest.store_readings(
                [DeviceReading(self._settings.gateway, Quantity.AVAILABLE, now_s, not away)], now
            )
        down = "bus" if away else "zigbee2mqtt" if self._zigbee.bridge_offline else ""
        if down != self._bus_down:
            self._bus_down, self._bus_down_since = down, now_s if down else 0.0
            self._log.warning("sensor bus down" if down else "sensor bus up", cause=down)
            self._uplink.publish_status(self._status(online=True))
