"""Packs read side by side say what each says when it is read by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.devices.cache import DeviceCache, DeviceFacts, GatewayFacts
from anju_platform.devices.last_seen import LastSeen
from anju_platform.ingest.batch import Batch
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.decode import Incoming, Plain, open_plain, read
from anju_platform.ingest.last_seen import LastSeenBuffer
from anju_platform.ingest.packs import side_by_side
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import Envelope, Record, encode
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room

NOW_S = 1_790_000_000.0
HOMES = {f"gw-{n}": GatewayFacts(f"gw-{n}", f"home-{n}", "anning") for n in range(3)}
DEVICES = {
    "door": DeviceFacts(DeviceKind.DOOR, Room.ENTRANCE, "门", known=True),
    "fridge": DeviceFacts(DeviceKind.OBJECT, Room.KITCHEN, "冰箱", known=True),
    "motion": DeviceFacts(DeviceKind.MOTION, Room.BEDROOM, "卧室", known=True),
}


class SmallCache(DeviceCache):
    """Three homes with the same three devices each, and no records behind."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]

    def find_gateway(self, gateway_id: str, _home_id: str) -> GatewayFacts | None:
        return HOMES.get(gateway_id)

    def find_device(self, home_id: str, device_id: str) -> DeviceFacts:
        return DEVICES.get(device_id) or DeviceFacts("", Room.OTHER, "", known=False)


TRUTHS = st.builds(
    Record,
    n=st.sampled_from(["door/contact", "fridge/contact", "motion/occupancy", "motion/available"]),
    vb=st.booleans(),
    t=st.floats(NOW_S - 9000, NOW_S).map(lambda at_s: round(at_s, 3)),
)
NUMBERS = st.builds(
    Record,
    n=st.sampled_from(["door/battery", "motion/link_quality", "motion/battery", "door/steps"]),
    u=st.sampled_from([None, "%EL"]),
    v=st.floats(0, 1),
    t=st.floats(NOW_S - 9000, NOW_S).map(lambda at_s: round(at_s, 3)),
)
ODD = st.sampled_from(
    [
        Record(n="stranger/contact", vb=True, t=NOW_S),
        Record(n="door/weight", v=3.0, t=NOW_S),
        Record(n="door/contact", v=1.0, t=NOW_S),
        Record(n="door/battery", v=101.0, t=NOW_S),
        Record(n="motion/link_quality", v=-1e300, t=NOW_S),
        Record(n="door/battery", vb=True, t=NOW_S),
        Record(n="door", v=1.0, t=NOW_S),
        Record(n="door/contact", vb=True, t=12.0),
        Record(n="door/contact", vb=True, t=NOW_S + 9000),
        Record(n="door/contact", vb=True),
        Record(bn="door/", n="contact", vb=True, bt=NOW_S, t=0.0),
        Record(n="door/fall", vs="confirmed:f-1", t=NOW_S),
    ]
)


def raw(home: int, pack: Sequence[Record]) -> RawMessage:
    gateway = f"gw-{home}"
    envelope = Envelope(gateway=gateway, epoch=1, seq=1, base=1, sent=NOW_S, pack=list(pack))
    return RawMessage(f"anju/v1/anning/home-{home}/telemetry", encode(envelope), NOW_S)


def alone(messages: Sequence[RawMessage]) -> Batch:
    device_cache, batch = SmallCache(), Batch()
    for one in messages:
        message = read(one, device_cache, Clocks())
        assert isinstance(message, Incoming)
        batch.add_message(message, int(message.facts.home_id[-1]), device_cache)
    return batch


def told(batch: Batch, device_cache: DeviceCache) -> dict[tuple[str, str], LastSeen]:
    heard = LastSeenBuffer(device_cache.table)
    batch.report_last_seen(heard)
    return heard.drain()


def rows(batch: Batch) -> list[tuple[str, str, str, float, float]]:
    readings = batch.readings
    return [
        (source.home, source.device, source.quantity, at_s, value)
        for source, at_s, value in zip(readings.sources, readings.times, readings.values, strict=True)
    ]


def lives(batch: Batch) -> set[Any]:
    life = batch.collect_life()
    return set(zip(life.home.tolist(), life.at_s.tolist(), life.room.tolist(), life.kind.tolist(), strict=True))


PACKS = st.lists(st.tuples(st.integers(0, 2), st.lists(TRUTHS | NUMBERS, min_size=1, max_size=8)), max_size=6)


@given(PACKS)
def test_plain_packs_are_the_same_side_by_side(packs: list[tuple[int, list[Record]]]) -> None:
    messages = [raw(home, pack) for home, pack in packs]
    device_cache, batch = SmallCache(), Batch()
    plain = [one for one in (open_plain(message, device_cache, Clocks()) for message in messages) if one is not None]
    laid = side_by_side(plain, device_cache)
    assert laid.fits.all()
    assert len(plain) == len(messages)
    batch.add_packs(laid, np.array([int(one.facts.home_id[-1]) for one in plain], np.int64), device_cache.table)
    single = alone(messages)
    assert rows(batch) == rows(single)
    assert lives(batch) == lives(single)
    assert told(batch, device_cache) == told(single, device_cache)


@given(st.lists(st.tuples(st.lists(TRUTHS | NUMBERS, min_size=1, max_size=4), st.none() | ODD), min_size=1, max_size=6))
def test_a_pack_with_anything_odd_is_left_to_be_read_by_itself(packs: list[tuple[list[Record], Record | None]]) -> None:
    device_cache = SmallCache()
    opened = [open_plain(raw(0, [*pack, *([odd] if odd else [])]), device_cache, Clocks()) for pack, odd in packs]
    laid = side_by_side([one for one in opened if one is not None], device_cache)
    fits = iter(laid.fits.tolist())
    assert [one is not None and next(fits) for one in opened] == [odd is None for _, odd in packs]


def test_chosen_packs_alone() -> None:
    device_cache = SmallCache()
    packs = [
        raw(n, [Record(n="door/contact", vb=True, t=NOW_S), Record(n="door/battery", v=float(n), t=NOW_S)])
        for n in range(3)
    ]
    opened: list[Plain] = [one for one in (open_plain(one, device_cache, Clocks()) for one in packs) if one is not None]
    chosen = side_by_side(opened, device_cache).of([0, 2])
    assert chosen.pack.tolist() == [0, 0, 2, 2]
    assert chosen.value.tolist() == [1.0, 0.0, 1.0, 2.0]


def test_a_sensor_that_moved_keeps_its_row() -> None:
    device_cache = SmallCache()
    row = device_cache.find_row("home-1", "motion/occupancy")
    moved = device_cache.find_sensor("home-1", "motion", "occupancy")
    device_cache.table.put(moved)
    assert device_cache.table.size == 1
    assert device_cache.find_row("home-1", "motion/occupancy") == row
    assert device_cache.find_row("home-1", "motion/acceleration") == -1
    assert device_cache.find_row("home-1", "stranger/occupancy") == -1


def test_the_table_grows() -> None:
    device_cache = SmallCache()
    for n in range(1500):
        device_cache.find_row(f"home-{n}", "motion/occupancy")
    assert device_cache.table.size == 1500
    assert device_cache.table.truth[:1500].all()
    assert len(device_cache.table.sources) == 1500
