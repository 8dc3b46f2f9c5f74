"""A batch is stored whole or not at all, and one bad message does not silence the home."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import Adapter, AdapterResult
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.device_ingest import DeviceIngest
from anju_gateway.mqtt import Arrived
from anju_gateway.registry import Device, DeviceRegistry
from anju_gateway.spool import Spool, SpoolFull
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_wire.messages import Record
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Lane

NOW = 1_750_000_000.0
TOKEN: Any = None


class FragileAdapter:
    """Breaks on a word, like an adapter with a fault in it."""

    filters: Sequence[str] = ("fragile",)

    def __init__(self) -> None:
        self.restarts = 0

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        if payload == b"break":
            raise KeyError(payload)
        return AdapterResult() if topic == "fragile" else None

    def read_due(self, now_s: float) -> AdapterResult:
        return AdapterResult()

    def cancel_alarms(self, now_s: float) -> AdapterResult:
        return AdapterResult()

    def discard_state(self) -> None:
        self.restarts += 1


class Home:
    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / "s.sqlite", NOW)
        self.waveforms = WaveformBuffer(folder / "w.sqlite")
        state, registry = AdapterState({}), DeviceRegistry([Device("button", DeviceKind.BUTTON)])
        self.fragile = FragileAdapter()
        adapters: list[Adapter] = [self.fragile, Zigbee2MqttAdapter("h", "gw-1", registry, state)]
        self.ingest = DeviceIngest("gw-1", self.spool, self.waveforms, state, adapters)

    def full(self) -> None:
        pages = self.spool._db.execute("PRAGMA page_count").fetchone()[0]
        self.spool._db.execute(f"PRAGMA max_page_count = {pages}")

    def close(self) -> None:
        self.spool.close()
        self.waveforms.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.close()


def says(name: str, payload: dict[str, object] | bytes) -> Arrived:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    topic = name if name == "fragile" else f"h/zigbee2mqtt/{name}"
    return Arrived("bus", topic, raw, retained=False, token=TOKEN)


RECORD = Record(n="door/contact", t=NOW, vb=True)
PRESS = says("button", {"action": "emergency"})


def test_alarms_are_messages_of_their_own_and_readings_are_packed(home: Home) -> None:
    doors = [says(f"door-{number}", {"contact": True}) for number in range(45)]
    alarms = home.ingest.store_messages([*doors[:20], PRESS, *doors[20:]], NOW, 0.0)
    assert [(alarm.seq, alarm.records[0].n) for alarm in alarms] == [(1, "button/sos")]
    home.ingest.flush_staged(0.0)
    packs = home.spool.read_pending(Lane.TELEMETRY, 1, 9)
    assert [len(json.loads(stored.pack)) for stored in packs] == [20, 20, 5]


def test_a_lone_reading_waits_a_moment_for_company(home: Home) -> None:
    home.ingest.store_messages([says("door", {"contact": True})], NOW, 10.0)
    home.ingest.flush_staged(10.9)
    assert home.spool.count_waiting()["telemetry"] == 0
    home.ingest.flush_staged(11.0)
    assert home.spool.count_waiting()["telemetry"] == 1


def test_what_an_earlier_process_staged_is_packed_at_once(home: Home) -> None:
    home.ingest.store_messages([says("door", {"contact": True})], NOW, 10.0)
    ingest = DeviceIngest("gw-1", home.spool, home.waveforms, AdapterState({}), [])
    ingest.flush_staged(5.0)
    assert home.spool.count_waiting()["telemetry"] == 1


def test_one_message_that_breaks_its_adapter_does_not_stop_the_others(home: Home) -> None:
    with capture_logs() as logs:
        alarms = home.ingest.store_messages([says("fragile", b"break"), PRESS], NOW, 0.0)
    assert len(alarms) == 1
    assert home.ingest.refusals.total == 1
    assert "adapter failed" in {log["event"] for log in logs}


def test_refusals_are_counted_and_logged_ever_more_rarely(home: Home) -> None:
    with capture_logs() as logs:
        for _ in range(100):
            home.ingest.store_messages([says("door", {"contact": "perhaps"})], NOW, 0.0)
    assert home.ingest.refusals.total == 100
    assert [log["count"] for log in logs if log["event"] == "refused"] == [1, 2, 4, 8, 16, 32, 64]
    assert logs[0]["why"] == "'perhaps' is not true or false"


def test_on_a_full_disk_old_telemetry_makes_room_for_a_press(home: Home) -> None:
    with home.spool.transaction():
        home.spool.append(Lane.TELEMETRY, [[RECORD] * 50] * 200)
    home.full()
    presses = [says("button", {"action": "emergency", "last_seen": (NOW - 100 * n) * 1000}) for n in range(30)]
    alarms = home.ingest.store_messages([*presses, *(says(f"d{n}", {"contact": True}) for n in range(200))], NOW, 0.0)
    assert len(alarms) == 30
    assert home.spool.dropped > 0
    assert home.spool.count_waiting()["alarm"] == 30


def test_on_a_disk_that_takes_nothing_the_messages_must_come_again(home: Home) -> None:
    home.full()
    presses = [says("button", {"action": "emergency", "last_seen": (NOW - 100 * n) * 1000}) for n in range(500)]
    with pytest.raises(SpoolFull):
        home.ingest.store_messages(presses, NOW, 0.0)
    assert home.spool.count_waiting()["alarm"] == 0
    assert home.fragile.restarts >= 1
    home.spool._db.execute("PRAGMA max_page_count = 100000")
    assert len(home.ingest.store_messages(presses, NOW, 0.0)) == 500, "nothing was remembered that was not stored"


def test_a_door_that_moves_within_one_batch_ends_as_it_was_left(home: Home) -> None:
    moves = [True, False, True]
    home.ingest.store_messages([says("door", {"contact": closed}) for closed in moves], NOW, 0.0)
    home.ingest.store_messages([says("door", {"contact": closed}) for closed in (False, True)], NOW + 0.001, 0.0)
    home.ingest.store_messages([says("door", {"contact": False})], NOW - 3600, 0.0)
    assert contacts(home) == [
        (NOW, True),
        (NOW + 0.001, False),
        (NOW + 0.002, True),
        (NOW + 0.003, False),
        (NOW + 0.004, True),
        (NOW - 3600, False),
    ]


def contacts(home: Home) -> list[tuple[float, bool | None]]:
    home.ingest.flush_staged(0.0, force=True)
    packs = [
        msgspec.json.decode(stored.pack, type=list[Record]) for stored in home.spool.read_pending(Lane.TELEMETRY, 1, 9)
    ]
    return [(round(record.t, 3), record.vb) for pack in packs for record in pack]
