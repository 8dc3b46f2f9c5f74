"""Gives real messages: what a simulated home with a device of every kind makes its gateway send, on every lane.

The simulator plays a day of a resident, presses, holds, a fall and a data logger's history, in the fields that real
devices have; the gateway's own adapters and its spool turn them into packs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.esphome import EsphomeAdapter
from anju_gateway.adapters.logger import LoggerAdapter
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.device_ingest import DeviceIngest
from anju_gateway.mqtt import Arrived, MessageToken
from anju_gateway.registry import Device, DeviceRegistry
from anju_gateway.spool import Spool
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_platform.app.fleet import devices_of
from anju_sim.simulated_home import SimulatedHome
from anju_wire.fleet import BrokerAddress, FleetDevice, FleetHome
from anju_wire.messages import Record, Status, encode, encode_pack
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import SPOOLED_LANES, Lane

DEVICES = (
    *devices_of(1),
    FleetDevice("bed-1", DeviceKind.BED),
    FleetDevice("radar-1", DeviceKind.PRESENCE),
)
"""One of every kind at least: the district's own, and the two that speak ESPHome."""
_TOKEN = MessageToken(paho.Client(CallbackAPIVersion.VERSION2), 1, 1)
_HALF_DAY_S = 12 * 3600.0
_FALL_S = 90
_NODES = (
    ("bed-1/binary_sensor/bed_occupied_either/state", b"ON"),
    ("bed-1/binary_sensor/bed_occupied_either/state", b"OFF"),
    ("bed-1/sensor/temperature/state", b"21.5"),
    ("bed-1/status", b"online"),
    ("radar-1/binary_sensor/presence/state", b"ON"),
    ("radar-1/status", b"offline"),
)
_DANGERS = (("smoke-kitchen", "smoke"), ("leak-bathroom", "water_leak"))


@dataclass(frozen=True)
class Corpus:
    """Packs of each spooled lane as JSON, statuses, and every message of the home's bus by topic without the home."""

    packs: dict[Lane, list[bytes]]
    statuses: list[bytes]
    bus: list[tuple[str, bytes]]


def record_corpus(folder: Path, gateway: str, now_s: float) -> Corpus:
    """Play the half day before `now_s` (Unix s) and a fall, and return all that the gateway would send."""
    home = FleetHome("home", "anning", BrokerAddress("", 1), BrokerAddress("", 1), list(DEVICES), gateway)
    said: list[tuple[str, bytes]] = []
    simulated = SimulatedHome(home, 7, lambda topic, payload: said.append((topic, payload)))
    spool, waveforms = Spool(folder / "spool", now_s), WaveformBuffer(folder / "waves")
    ingest = _make_ingest(gateway, spool, waveforms)
    bus: list[tuple[str, bytes]] = []

    def store(at_s: float) -> None:
        arrived = [Arrived("bus", topic, payload, retained=False, token=_TOKEN) for topic, payload in said]
        bus.extend(said)
        said.clear()
        ingest.store_messages(arrived, at_s, at_s)
        ingest.store_due(at_s, at_s)
        ingest.flush_staged(at_s)

    _play(simulated, said, store, now_s)
    with spool.transaction():
        spool.append(Lane.ALARM, [[Record(n=f"{gateway}/announced", t=now_s, vs=said)] for said in _ANNOUNCED])
        spool.append(Lane.TELEMETRY, [[Record(n=f"{gateway}/heartbeat", u="s", t=now_s, v=60.0)]])
    packs = {lane: [pack for _, pack in spool.read_pending(lane, 1, 5000)] for lane in SPOOLED_LANES}
    waveforms.close()
    spool.close()
    packs[Lane.TELEMETRY] += _based(now_s)
    return Corpus(packs, _statuses(gateway, now_s), bus)


_ANNOUNCED = ("heard:1", "seen:1790000000000:0198", "coming:1", "cancelled:", "visit_code:7:abc")


def _make_ingest(gateway: str, spool: Spool, waveforms: WaveformBuffer) -> DeviceIngest:
    registry = DeviceRegistry(Device(one.id, one.kind, one.room) for one in DEVICES)
    state = AdapterState({})
    adapters = (
        Zigbee2MqttAdapter("home", gateway, registry, state),
        EsphomeAdapter("home", registry, state),
        WearableAdapter("home", registry, state, waveforms),
        LoggerAdapter("home", gateway, registry),
    )
    return DeviceIngest(gateway, spool, waveforms, state, adapters)


def _play(home: SimulatedHome, said: list[tuple[str, bytes]], store: Callable[[float], None], now_s: float) -> None:
    """Let a resident live for half a day, then let happen what can happen in a home."""
    events = list(home.resident.events_between(now_s - _HALF_DAY_S, now_s - 600))
    home.announce_devices()
    store(now_s - _HALF_DAY_S)
    for event in events:
        home.publish_event(event)
        store(event.at_s)
    home.report_conditions(now_s - 500)
    store(now_s - 500)
    said.extend(("home/logger/history", batch) for batch in home.history_batches(iter(events[:200]), now_s - 400))
    store(now_s - 400)
    for number, (name, payload) in enumerate(_NODES):
        said.append((f"home/esphome/{name}", payload))
        store(now_s - 390 + number)
    for number, (device, danger) in enumerate(_DANGERS):
        reading = {danger: True, "battery": 90, "linkquality": 80, "last_seen": int((now_s - 350) * 1000)}
        said.append((f"home/zigbee2mqtt/{device}", json.dumps(reading).encode()))
        store(now_s - 350 + number)
    home.press_button(now_s - 300)
    store(now_s - 300)
    home.hold_button(now_s - 290)
    store(now_s - 290)
    _fall(home, store, now_s - 200)


def _fall(home: SimulatedHome, store: Callable[[float], None], at_s: float) -> None:
    """Let the wearer fall and lie, second by second."""
    home.start_fall(at_s, None)
    for second in range(_FALL_S):
        while home.publish_acceleration(at_s + second) is not None:
            store(at_s + second)


def _based(now_s: float) -> list[bytes]:
    """Return packs with base fields, texts, and devices and quantities that nobody knows, as newer gateways send."""
    return [
        encode_pack(
            [Record(bn="motion-living/", bt=now_s - 60, n="temperature", v=21.0), Record(n="humidity", v=40.0)]
        ),
        encode_pack(
            [Record(n="stranger/weight", t=now_s - 60, v=3.0), Record(n="stranger/mood", t=now_s - 60, vs="好")]
        ),
        encode_pack([Record(n="motion-living/firmware", t=now_s - 60, vs="1.2.3")]),
        encode_pack([Record(n="wearable-1/steps", u="count", t=now_s - 60, v=12.0)]),
    ]


def _statuses(gateway: str, now_s: float) -> list[bytes]:
    return [
        encode(Status(gateway=gateway, online=True, at=now_s, epoch=1, version="0.2.0", spooled={"alarm": 1})),
        encode(Status(gateway=gateway, online=False, at=now_s)),
        encode(Status(gateway=gateway, online=True, at=now_s, sensor_bus_down="bus", sensor_bus_down_since=now_s - 9)),
    ]
