"""Hostile messages by the thousand: none leaves an exception, memory stays flat, and an honest press behind is stored.

Bounded by count here; `./dev fuzz MINUTES` runs the same for as long as it is told, each part for its share of it.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures._home_client import motion, press
from fixtures.ingest_harness import records
from fuzz.hostile import Mutator, seeds

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.esphome import EsphomeAdapter
from anju_gateway.adapters.logger import LoggerAdapter
from anju_gateway.adapters.port import Adapter
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.registry import Device, DeviceRegistry
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.console import waveform_chart
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.cache import DeviceCache, GatewayFacts
from anju_platform.devices.service import DeviceService
from anju_platform.i18n.translation import Words, load_words
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.clips import clips_of
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Rejected, open_plain, read
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.monitoring.service import MonitoringService
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, decode, encode
from anju_wire.profiles import DeviceKind
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0
SEED = int(os.environ.get("ANJU_FUZZ_SEED", "1"))
MINUTES = float(os.environ.get("ANJU_FUZZ_MINUTES", "0"))
PARTS = 5
"""Tests that share the time of a long run."""
BATCH = 50
GROWTH_BYTES = 8 * 2**20
"""Caches may still fill after the warm-up; what is kept of each message would be far more."""
ZH = Words("zh")


def count_rounds(least: int) -> Iterator[int]:
    """Count at least so many rounds; in a long run until this part's share of the time is over."""
    until = time.monotonic() + MINUTES * 60 / PARTS
    number = 0
    while number < least or time.monotonic() < until:
        yield number
        number += 1


def tell(figures: str) -> None:
    """Write figures of a run; `pytest -s` shows them."""
    sys.stdout.write(f"\n{figures}\n")


class Memory:
    """What Python holds, from the end of a warm-up on."""

    def __init__(self) -> None:
        tracemalloc.start()
        self._before = 0

    def mark(self) -> None:
        gc.collect()
        self._before = tracemalloc.get_traced_memory()[0]

    def check(self) -> None:
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - self._before
        tracemalloc.stop()
        assert grown < GROWTH_BYTES, f"{grown} bytes are kept"


class OneGateway:
    """As much of the device cache as reading a message asks for."""

    def find_gateway(self, gateway_id: str) -> GatewayFacts | None:
        return GatewayFacts(gateway_id, "home-01", "anning") if gateway_id == "gw-home-01" else None


def test_any_message_is_read_or_rejected() -> None:
    mutator, honest, cache, clocks = Mutator(SEED), seeds("gw-home-01", AT_S), OneGateway(), Clocks()
    lanes = [str(Topic("anning", "home-01", lane)) for lane in (Lane.ALARM, Lane.TELEMETRY, Lane.CLIP)]
    drawn = read_count = 0
    for number in count_rounds(20_000):
        raw = RawMessage(lanes[number % 3], mutator.mutate(honest[number // 3 % len(honest)]), AT_S)
        open_plain(raw, cache, clocks)  # type: ignore[arg-type]
        found = read(raw, cache, clocks)  # type: ignore[arg-type]
        read_count += isinstance(found, Incoming)
        if isinstance(found, Rejected):
            assert found.reason.isprintable()
            continue
        for _, clip in clips_of(found.readings) if found.lane is Lane.CLIP else ():
            picture = waveform_chart.draw(waveform_chart.magnitudes(clip.data), clip.fs_hz, ZH)
            assert 0 < len(picture) < 40_000
            drawn += 1
    tell(f"{number + 1} messages, {read_count} of them read, {drawn} waveforms drawn")
    assert drawn
    assert 0 < read_count < number


class Platform:
    """Both consumers over real records and a real series store; what they acknowledge is noted."""

    def __init__(self, sessions: Any, series: DuckDbSeries) -> None:  # noqa: ANN401
        def work() -> UnitOfWork:
            return UnitOfWork(sessions, EventDispatcher(), self.clock)

        self.clock = Clock()
        self.acked: dict[tuple[str, Lane], int] = {}
        alerts = AlertSlice.build(OutboxService([]), OncallService(), load_words())
        monitoring = MonitoringService(work=work, clock=self.clock, alerts=alerts.intake)
        registry = DeviceService(monitoring.set_gateway_online, monitoring.set_sensor_bus)
        self.onward: list[Incoming] = []
        self.alarms = AlarmConsumer(
            work=work,
            device_cache=DeviceCache(work, self.clock.time),
            alerts=alerts.intake,
            registry=registry,
            post=self._post,
            onward=self.onward.append,
        )
        self.telemetry = TelemetryConsumer(
            work=work,
            device_cache=DeviceCache(work, self.clock.time),
            series=series,
            monitor=monitoring,
            registry=registry,
            post=self._post,
        )

    def _post(self, topic: str, payload: bytes) -> None:
        ack = decode(Ack, payload)
        assert not [one for one in ack.refused if "home-02" in topic], "an honest message is refused"
        key = topic.split("/")[3], ack.lane
        self.acked[key] = max(ack.upto, self.acked.get(key, 0))

    def consume(self, alarms: list[RawMessage], telemetry: list[RawMessage]) -> None:
        self.alarms.consume_batch(alarms)
        onward, self.onward[:] = self.onward.copy(), []
        self.telemetry.consume_batch(telemetry, onward)
        self.telemetry.update_records(final=True)


@pytest.fixture
def platform(database_url: str, tmp_path: Path) -> Iterator[Platform]:
    series = DuckDbSeries(tmp_path / "series.duckdb")
    with records(database_url) as sessions:
        yield Platform(sessions, series)
    series.close()


def test_an_honest_press_is_stored_behind_any_batch_of_another_home(platform: Platform) -> None:
    mutator, memory, messages = Mutator(SEED), Memory(), 0
    hostile = [Topic("anning", "home-01", lane) for lane in (Lane.ALARM, Lane.STATUS, Lane.TELEMETRY, Lane.CLIP)]
    slowest = 0.0
    for number in count_rounds(20):
        now_s = platform.clock.time()
        honest = seeds("gw-home-01", now_s)
        lots: dict[Lane, list[RawMessage]] = {}
        for topic in hostile:
            lots[Lane(topic.lane)] = [
                RawMessage(str(topic), mutator.mutate(mutator.random.choice(honest)), now_s) for _ in range(BATCH // 4)
            ]
        seq = number + 1
        behind = {
            lane: RawMessage(
                str(Topic("anning", "home-02", lane)),
                encode(Envelope(gateway="gw-home-02", epoch=5, seq=seq, base=seq, sent=now_s, pack=[record])),
                now_s,
            )
            for lane, record in ((Lane.ALARM, press(now_s)), (Lane.TELEMETRY, motion(now_s)))
        }
        begun = time.monotonic()
        platform.consume(
            [*lots[Lane.ALARM], *lots[Lane.STATUS], behind[Lane.ALARM]],
            [*lots[Lane.TELEMETRY], *lots[Lane.CLIP], behind[Lane.TELEMETRY]],
        )
        slowest = max(slowest, time.monotonic() - begun)
        assert platform.acked["home-02", Lane.ALARM] == seq
        assert platform.acked["home-02", Lane.TELEMETRY] == seq
        messages += sum(map(len, lots.values()))
        if number == 5:
            memory.mark()
    memory.check()
    tell(f"{messages} messages, {number + 1} honest presses stored, the slowest batch took {slowest:.2f} s")


DEVICES = [
    Device("button-sos", DeviceKind.BUTTON),
    Device("motion-living", DeviceKind.MOTION),
    Device("bed-1", DeviceKind.BED, name="bed-presence"),
    Device("wearable-1", DeviceKind.WEARABLE),
]
BUS: dict[str, tuple[bytes, ...]] = {
    "zigbee2mqtt/button-sos": (b'{"action":"emergency","battery":97,"linkquality":120,"last_seen":1750000000000}',),
    "zigbee2mqtt/motion-living": (
        b'{"occupancy":true,"battery":80,"temperature":21.5,"last_seen":"2026-01-01T00:00Z"}',
    ),
    "zigbee2mqtt/bridge/state": (b'{"state":"online"}', b"offline"),
    "zigbee2mqtt/motion-living/availability": (b'{"state":"online"}',),
    "esphome/bed-presence/binary_sensor/bed_occupied_either/state": (b"ON", b"OFF"),
    "esphome/bed-presence/sensor/temperature/state": (b"21.5",),
    "wearable/wearable-1/acceleration": (bytes(12 + 6 * 50), b"\x00\x00\x00\x00T\x13\xdaA\x00\x00HB" + bytes(300)),
    "wearable/wearable-1/state": (b'{"worn":true,"battery":80,"steps":12}',),
    "logger/history": (b'{"rows":[[1750000000,"motion-living","occupancy",true]],"awake":[1749990000,1750000000]}',),
}


def test_no_message_on_the_homes_bus_leaves_an_adapter_as_an_exception(tmp_path: Path) -> None:
    mutator, registry, state = Mutator(SEED), DeviceRegistry(DEVICES), AdapterState({})
    waveforms = WaveformBuffer(tmp_path / "waveforms.sqlite")
    adapters: list[Adapter] = [
        Zigbee2MqttAdapter("home-07", "gw-1", registry, state),
        EsphomeAdapter("home-07", registry, state),
        LoggerAdapter("home-07", "gw-1", registry),
        WearableAdapter("home-07", registry, state, waveforms),
    ]
    readings = refused = 0
    for number in count_rounds(5000):
        name = mutator.random.choice(list(BUS))
        payload = mutator.mutate(mutator.random.choice(BUS[name]))
        if mutator.random.random() < 0.1:
            name = name.replace("living", mutator.random.choice(("\x01", "卧室", "\u202e", "x" * 300, "/")))
        with waveforms.transaction():
            found = [
                one.read_message(f"home-07/{name}", payload, retained=number % 5 == 0, now_s=1_750_000_000.0 + number)
                for one in adapters
            ]
        result = next((one for one in found if one is not None), AdapterResult())
        readings, refused = readings + len(result.readings) + len(result.alarms), refused + len(result.refused)
        for reading in (*result.readings, *(one for alarm in result.alarms for one in alarm)):
            encode(reading.to_record())
    waveforms.close()
    tell(f"{number + 1} messages of the bus, {readings} readings, {refused} refusals")
    assert readings
    assert refused


@pytest.mark.parametrize("rate", [1e-300, 0.0, -1.0, 0.99, 1001.0, 1e300, float("inf"), float("nan")])
def test_a_stored_clip_of_no_wearable_is_not_drawn(rate: float) -> None:
    assert waveform_chart.draw([1.0] * 600, rate, ZH) == ""


def test_a_stored_clip_of_hours_is_not_drawn() -> None:
    assert waveform_chart.draw([1.0] * 30_000, 1.0, ZH) == ""
