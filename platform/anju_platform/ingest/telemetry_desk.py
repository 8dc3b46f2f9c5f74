"""Telemetry and clips: a batch is read into columns once, stored, shown to the watch, and acknowledged."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog

from anju_detect.errors import DetectionError
from anju_detect.inactivity import LifeBatch
from anju_platform.devices.book import Book, Sensor
from anju_platform.ingest.acks import acks
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Raw, Rejected, StreamKey, read, refusal
from anju_platform.ingest.duplicates import Stream
from anju_platform.ingest.ports import UNREACHABLE, Post, Registry, Sighting, Sightings, Watcher
from anju_platform.ingest.streams import Streams
from anju_platform.records.work import WorkFactory
from anju_platform.series.store import Clip, Readings, SeriesStore, SeriesUnavailable
from anju_wire.senml import Resolved
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane, Quantity

_LONGEST_REASON = 300
log = structlog.get_logger()
SIGHTINGS_EVERY_S = 10.0
"""When devices were last seen goes to the records at most this often; the watch is told each `RECORDS_EVERY_S`."""
ACKS_EVERY_S = 0.5
"""One ack covers all that a home sent meanwhile; its window of unacknowledged packs is far longer."""
RECORDS_EVERY_S = 1.0
"""Cursors and sightings go to the records at most this often: a cursor that is behind costs a resend, no more."""


@dataclass(slots=True)
class Batch:
    """One batch on its way: what was read, in columns, and what it does to the streams."""

    readings: Readings = field(default_factory=Readings)
    living: list[tuple[int, float, int, int]] = field(default_factory=list)
    """Signs of life: the home's row, time, room, kind."""
    last: dict[Sensor, float] = field(default_factory=dict)
    """When each sensor last spoke."""
    told: dict[Sensor, float] = field(default_factory=dict)
    """What those that tell about their device said."""
    clips: list[tuple[str, str, Clip]] = field(default_factory=list)
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    topics: dict[StreamKey, Topic] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def life(self) -> LifeBatch:
        """Signs of life and heartbeats."""
        rows = np.array(self.living, np.float64).reshape(-1, 4)
        return LifeBatch(
            home=rows[:, 0].astype(np.int64),
            at_s=rows[:, 1],
            room=rows[:, 2].astype(np.int8),
            kind=rows[:, 3].astype(np.int8),
        )


class TelemetryDesk:
    """Used by one thread."""

    def __init__(
        self, *, work: WorkFactory, book: Book, series: SeriesStore, watch: Watcher, registry: Registry, post: Post
    ) -> None:
        self._work, self._book, self._series, self._watch = work, book, series, watch
        self._registry, self._post = registry, post
        self._streams = Streams(work)
        self._clocks = Clocks()
        self._fresh: dict[tuple[str, str], Sighting] = {}
        self._sightings: dict[tuple[str, str], Sighting] = {}
        self._owed: dict[StreamKey, Topic] = {}
        self._refused: list[Rejected] = []
        self._recorded_s = self._noted_s = self._answered_s = -SIGHTINGS_EVERY_S

    def take(self, batch: Sequence[Raw], onward: Sequence[Incoming] = ()) -> None:
        """Store a batch and what the alarm desk passed on; then acknowledge.

        Raises where the store or the records cannot be reached, with nothing acknowledged and nothing counted as
        taken. A batch that will never be stored is taken message by message, and what is at fault is set aside.
        """
        try:
            columns = self._read(batch, onward)
            self._write(columns)
        except (SeriesUnavailable, *UNREACHABLE):
            raise
        except Exception as error:  # noqa: BLE001 - SeriesRefused, and what nobody foresaw: neither may stall ingest
            if len(batch) + bool(onward) > 1:
                for raw in batch:
                    self.take([raw])
                self.take((), onward)
                return
            columns = self._set_aside(batch, error)
        self._pass_on(columns, batch[-1].arrived_s if batch else max((m.arrived_s for m in onward), default=0.0))

    def _set_aside(self, batch: Sequence[Raw], error: Exception) -> Batch:
        """What can never be stored is kept in quarantine and refused by its number."""
        reason = f"{type(error).__name__}: {error}".replace("\x00", "\\0")[:_LONGEST_REASON]
        log.warning("readings that cannot be stored are set aside", messages=len(batch), error=reason)
        columns = Batch()
        for raw in batch:
            message = read(raw, self._book, self._clocks)
            if isinstance(message, Incoming):
                message = refusal(raw, message, reason)
            columns.rejected.append(message)
            self._count_refused(columns, message)
        return columns

    def _read(self, batch: Sequence[Raw], onward: Iterable[Incoming]) -> Batch:
        columns = Batch()
        for message in onward:
            self._columns(columns, message)
        for raw in batch:
            message_or_not = read(raw, self._book, self._clocks)
            if isinstance(message_or_not, Rejected):
                columns.rejected.append(message_or_not)
                self._count_refused(columns, message_or_not)
            elif self._count(columns, message_or_not):
                self._columns(columns, message_or_not)
        return columns

    def _count(self, columns: Batch, message: Incoming) -> bool:
        """Whether it is new; either way its stream is acknowledged."""
        stream = self._stream(columns, message.stream, message.topic)
        if stream.has(message.seq):
            return False
        stream.take(message.seq, message.base)
        return True

    def _count_refused(self, columns: Batch, message: Rejected) -> None:
        if message.stream is not None and message.header is not None and message.topic is not None:
            stream = self._stream(columns, message.stream, message.topic)
            if not stream.has(message.header.seq):
                stream.take(message.header.seq, message.header.base)

    def _stream(self, columns: Batch, key: StreamKey, topic: Topic) -> Stream:
        if key not in columns.streams:
            columns.streams[key] = self._streams.get(key).copy()
            columns.topics[key] = topic
        return columns.streams[key]

    def _columns(self, columns: Batch, message: Incoming) -> None:
        home, gateway = message.facts.home_id, message.facts.gateway_id
        self._sighting(home, gateway, message.arrived_s)
        if message.lane is Lane.CLIP:
            columns.clips += _clips(home, message.readings)
            return
        known, readings, last, told = self._book.sensors(home), columns.readings, columns.last, columns.told
        put_source, put_time, put_value = readings.sources.append, readings.times.append, readings.values.append
        row, living = self._watch.row(home), columns.living.append
        for reading in message.readings:
            at_s, truth = reading.at_s, reading.truth
            key = (reading.device, reading.quantity)
            sensor = known.get(key) or self._book.sensor(home, *key)
            value = reading.value if truth is None else (1.0 if truth else 0.0)
            if value is None:
                self._text(columns, sensor, reading)
                continue
            put_source(sensor.source)
            put_time(at_s)
            put_value(value)
            if value or sensor.life_when_false:
                if sensor.life >= 0:
                    living((row, at_s, sensor.room, sensor.life))
            elif not sensor.sighted_when_false:
                continue
            if at_s > last.get(sensor, 0.0):
                last[sensor] = at_s
            if sensor.tells:
                told[sensor] = value

    def _text(self, columns: Batch, sensor: Sensor, reading: Resolved) -> None:
        if reading.text is not None:
            columns.readings.add_text(sensor.source, reading.at_s, reading.text)
            columns.last[sensor] = max(reading.at_s, columns.last.get(sensor, 0.0))

    def _sight(self, columns: Batch) -> None:
        """What the batch said of its devices, once for each of their quantities."""
        for sensor, at_s in columns.last.items():
            sighting = self._sighting(sensor.source.home, sensor.source.device, at_s)
            if sensor.tells:
                setattr(sighting, sensor.tells, columns.told[sensor])

    def _sighting(self, home: str, device: str, at_s: float) -> Sighting:
        sighting = self._fresh.get((home, device))
        if sighting is None:
            sighting = self._fresh[home, device] = Sighting(at_s)
        elif at_s > sighting.at_s:
            sighting.at_s = at_s
        return sighting

    def _write(self, columns: Batch) -> None:
        self._series.write(columns.readings)
        for home, device, clip in columns.clips:
            self._series.write_clip(home, device, clip)

    def _pass_on(self, columns: Batch, arrived_s: float) -> None:
        self._sight(columns)
        if columns.living:
            self._show(columns.life(), arrived_s)
        for key, stream in columns.streams.items():
            self._streams.put(key, stream)
        self._owed |= columns.topics
        self._refused += columns.rejected
        self.record(rejected=columns.rejected)

    def _show(self, life: LifeBatch, arrived_s: float) -> None:
        """To the watch; what it cannot take is stored all the same, and must not hold up what follows."""
        try:
            self._watch.update(life, arrived_s)
        except DetectionError:
            log.exception("the watch did not take a batch", rows=len(life.home))

    def record(self, *, final: bool = False, rejected: Sequence[Rejected] = ()) -> None:
        """Bring the records up to date, when it is time; quarantine is never put off."""
        now = time.monotonic()
        if final or rejected or now - self._recorded_s >= RECORDS_EVERY_S:
            self._recorded_s = now
            self._watch.heard(self._fresh, max((s.at_s for s in self._fresh.values()), default=0.0))
            self._keep_fresh()
            self._save(rejected)
        if final or now - self._answered_s >= ACKS_EVERY_S:
            self._answered_s = now
            self._answer()
        if self._sightings and (final or now - self._noted_s >= SIGHTINGS_EVERY_S):
            self._note_sightings(self._sightings)
            self._sightings, self._noted_s = {}, now

    def _answer(self) -> None:
        """Acknowledge what was stored since the last time, one message for each stream."""
        upto = {key: self._streams.get(key).upto for key in self._owed}
        for topic, payload in acks(upto, self._owed, self._refused):
            self._post(topic, payload)
        self._owed, self._refused = {}, []

    def _keep_fresh(self) -> None:
        """What the watch has heard waits for the records, the latest of each device."""
        for key, sighting in self._fresh.items():
            known = self._sightings.get(key)
            if known is not None:
                sighting.at_s = max(sighting.at_s, known.at_s)
                sighting.battery = known.battery if sighting.battery is None else sighting.battery
                sighting.link_quality = known.link_quality if sighting.link_quality is None else sighting.link_quality
            self._sightings[key] = sighting
        self._fresh = {}

    def _save(self, rejected: Sequence[Rejected]) -> None:
        moved = {key: self._streams.get(key).upto for key in self._streams.dirty()}
        if not (moved or rejected or self._clocks.changed):
            return
        with self._work() as work:
            self._streams.save(work, moved)
            for gateway_id, offset in self._clocks.changed.items():
                self._registry.clock_off(work, gateway_id, offset)
            for one in rejected:
                self._registry.quarantine(work, one.raw.topic, one.path, one.reason, one.raw.payload)
        self._streams.saved(moved)
        self._clocks.changed.clear()

    def _note_sightings(self, sightings: Sightings) -> None:
        """In a transaction of its own: what cannot be noted of one device must not hold up the readings of all."""
        try:
            with self._work() as work:
                self._registry.seen(work, sightings)
        except UNREACHABLE:
            raise
        except Exception:
            log.exception("sightings of devices could not be noted", devices=len(sightings))


def _clips(home: str, readings: Sequence[Resolved]) -> list[tuple[str, str, Clip]]:
    """The waveforms of a clip message, each with the sample rate of its device."""
    rates = {r.device: r.value for r in readings if r.quantity == Quantity.SAMPLE_RATE and r.value}
    return [
        (home, r.device, Clip(r.at_s, rates[r.device], r.data))
        for r in readings
        if r.quantity == Quantity.ACCELERATION and r.data is not None and r.device in rates
    ]
