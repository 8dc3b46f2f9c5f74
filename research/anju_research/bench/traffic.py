"""Messages of the ingest benchmark: what gateways make of ordinary device payloads, in packs of one size."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from anju_gateway.readings import DeviceReading
from anju_platform.app.fleet import COMMUNITY, devices_of, gateway_id, home_id
from anju_wire.fleet import FleetDevice
from anju_wire.messages import Envelope, Record, encode
from anju_wire.profiles import PROFILES, DeviceKind, Quantity
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

_SENSES = {
    kind: profile.quantities[0]
    for kind, profile in PROFILES.items()
    if profile.sign_of_life and profile.lane is Lane.TELEMETRY
}
"""Kinds whose main quantity is telemetry about a person."""
_HEAD = struct.Struct("<HI")
_STEP_S = 0.05
"""Time between two readings of a home; a pack of 20 covers a second."""


def readings(home: int, start_s: float, seed: int) -> Iterator[DeviceReading]:
    """Yield a home's readings: of each sensor its quantity, then link quality, battery and temperature."""
    chance = random.Random(seed * 1000 + home)
    sensors = [device for device in devices_of(home) if device.kind in _SENSES]
    at_s = start_s
    while True:
        for reading in _payload(chance.choice(sensors), at_s, chance):
            at_s += _STEP_S
            yield reading


def _payload(device: FleetDevice, at_s: float, chance: random.Random) -> Iterator[DeviceReading]:
    yield DeviceReading(device.id, _SENSES[device.kind], at_s, chance.random() < 0.5)  # noqa: PLR2004 - a coin
    yield DeviceReading(device.id, Quantity.LINK_QUALITY, at_s, round(chance.random(), 3))
    yield DeviceReading(device.id, Quantity.BATTERY, at_s, float(chance.randint(20, 100)))
    if device.kind is DeviceKind.MOTION:
        yield DeviceReading(device.id, Quantity.TEMPERATURE, at_s, round(chance.uniform(15, 30), 1))


def messages(homes: int, count: int, size: int, now_s: float) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of `count` telemetry messages of `size` readings, from each home in turn."""
    per_home = -(-count // homes)
    start_s = now_s - per_home * size * _STEP_S
    streams = [readings(number, start_s, seed=size) for number in range(1, homes + 1)]
    topics = [str(Topic(COMMUNITY, home_id(number), Lane.TELEMETRY)) for number in range(1, homes + 1)]
    for index in range(count):
        home, seq = index % homes, index // homes + 1
        pack: list[Record] = [next(streams[home]).to_record() for _ in range(size)]
        gateway = gateway_id(home_id(home + 1))
        yield topics[home], encode(Envelope(gateway=gateway, epoch=1, seq=seq, base=1, sent=now_s, pack=pack))


def save(path: Path, traffic: Iterable[tuple[str, bytes]]) -> None:
    """Write messages to a file."""
    with path.open("wb") as file:
        for topic, payload in traffic:
            name = topic.encode()
            file.write(_HEAD.pack(len(name), len(payload)) + name + payload)


def load(path: Path) -> list[tuple[str, bytes]]:
    """Read the messages that `save` wrote."""
    raw = path.read_bytes()
    found, place = [], 0
    while place < len(raw):
        name, payload = _HEAD.unpack_from(raw, place)
        place += _HEAD.size
        found.append((raw[place : place + name].decode(), raw[place + name : place + name + payload]))
        place += name + payload
    return found
