"""Telemetry on its way: to the series, to monitoring, to the records, and back as acknowledgements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures._home_client import motion
from fixtures.ingest_harness import FailingSeries, records

from anju_detect.errors import DetectionError
from anju_detect.inactivity import LifeBatch
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.cache import DeviceCache, GatewayFacts
from anju_platform.devices.last_seen import LastSeen
from anju_platform.ingest import telemetry_consumer
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.timeseries.store import Clip
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, Record, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0
HOMES = {"home-01": 0, "home-02": 1, "home-03": 2}


class Monitoring:
    """Notes what it is shown, in order."""

    def __init__(self) -> None:
        self.shown: list[tuple[list[int], list[float], float]] = []
        self.marked_late = 0
        self.seen: list[tuple[dict[tuple[str, str], LastSeen], float]] = []
        self.refuses = False

    def find_row(self, home_id: str) -> int:
        return HOMES[home_id]

    def update_activity(self, batch: LifeBatch, arrived_s: float) -> None:
        if self.refuses:
            raise DetectionError
        self.shown.append((batch.home.tolist(), (batch.at_s - AT_S).tolist(), arrived_s - AT_S))

    def mark_late_readings(self) -> None:
        self.marked_late += 1

    def record_last_seen(self, last_seen: Any, arrived_s: float) -> None:  # noqa: ANN401
        self.seen.append((dict(last_seen), arrived_s - AT_S))


class Records:
    """The records of devices."""

    def __init__(self) -> None:
        self.seen: list[dict[tuple[str, str], LastSeen]] = []
        self.offsets: list[tuple[str, float]] = []
        self.quarantined: list[tuple[str, str, str, bytes]] = []

    def record_last_seen(self, _work: UnitOfWork, last_seen: Any) -> None:  # noqa: ANN401
        self.seen.append(dict(last_seen))

    def set_clock_offset(self, _work: UnitOfWork, gateway_id: str, offset_s: float) -> None:
        self.offsets.append((gateway_id, offset_s))

    def quarantine_message(self, _work: UnitOfWork, topic: str, path: str, reason: str, payload: bytes) -> None:
        self.quarantined.append((topic, path, reason, payload))


class Line:
    """A consumer between three homes, a store and the records; the time of its intervals moves by hand."""

    def __init__(self, sessions: Any, series: FailingSeries) -> None:  # noqa: ANN401
        self.series, self.monitor, self.records = series, Monitoring(), Records()
        self.acks: list[tuple[str, Ack]] = []
        registry: Any = self.records

        def work() -> UnitOfWork:
            return UnitOfWork(sessions, EventDispatcher(), Clock())

        self.consumer = TelemetryConsumer(
            work=work,
            device_cache=DeviceCache(work),
            series=series,
            monitor=self.monitor,
            registry=registry,
            post=lambda topic, payload: self.acks.append((topic, decode(Ack, payload))),
        )

    def consume(self, *batch: RawMessage, onward: tuple[Incoming, ...] = ()) -> None:
        self.consumer.consume_batch(list(batch), onward)

    def upto(self) -> dict[str, int]:
        return {topic.split("/")[3]: ack.upto for topic, ack in self.acks}

    def stored(self, home: str = "home-01") -> list[float]:
        found = self.series.read_home(home, AT_S - 1000, AT_S + 1000, ["occupancy", "battery"])
        return sorted(one.at_s - AT_S for one in found)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock of the consumer."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(telemetry_consumer, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def line(moment: SimpleNamespace, sqlite_url: str, tmp_path: Path) -> Iterator[Line]:
    series = FailingSeries(tmp_path / "series.duckdb")
    with records(sqlite_url) as sessions:
        yield Line(sessions, series)
    series.close()


def raw(seq: int, *pack: Record, number: int = 1, sent_s: float = 0.0, arrived_s: float = 0.0) -> RawMessage:
    home = f"home-0{number}"
    envelope = Envelope(gateway=f"gw-{home}", epoch=1, seq=seq, base=1, sent=AT_S + sent_s, pack=list(pack))
    return RawMessage(str(Topic("anning", home, Lane.TELEMETRY)), encode(envelope), AT_S + arrived_s)


def battery(at_s: float, level: float, device: str = "motion-living") -> Record:
    return Record(n=f"{device}/battery", t=AT_S + at_s, u="%EL", v=level)


def test_a_batch_of_several_homes_goes_everywhere_in_one_turn(line: Line) -> None:
    line.consume(
        raw(1, motion(AT_S), motion(AT_S + 1, on=False)),
        raw(1, motion(AT_S + 2), number=2, arrived_s=3),
        raw(2, motion(AT_S + 3), arrived_s=5),
        raw(1, motion(AT_S), arrived_s=7),
    )
    assert (line.stored(), line.stored("home-02")) == ([0, 1, 3], [2])
    ((homes, times, arrived_s),) = line.monitor.shown
    assert sorted(zip(homes, times, strict=True)) == [(0, 0), (0, 3), (1, 2)], "a motion that ends is no sign of life"
    assert (arrived_s, line.monitor.marked_late) == (7, 1)
    assert line.upto() == {"home-01": 2, "home-02": 1}
    ((seen, latest_s),) = line.monitor.seen
    assert {key: one.at_s - AT_S for key, one in seen.items()} == {
        ("home-01", "gw-home-01"): 5,
        ("home-02", "gw-home-02"): 3,
        ("home-01", "motion-living"): 3,
        ("home-02", "motion-living"): 2,
    }
    assert latest_s == 5
    assert line.records.seen == [seen]


def test_what_comes_again_is_acknowledged_and_not_counted_again(line: Line, moment: SimpleNamespace) -> None:
    line.consume(raw(1, motion(AT_S)))
    moment.now += 1
    line.consume(raw(1, motion(AT_S), arrived_s=9))
    assert (len(line.monitor.shown), [ack.upto for _, ack in line.acks]) == (1, [1, 1])


def test_acks_and_records_wait_for_company(line: Line, moment: SimpleNamespace) -> None:
    line.consume(raw(1, motion(AT_S)))
    for seq, at_s in ((2, 1000.4), (3, 1000.5), (4, 1000.99)):
        moment.now = at_s
        line.consume(raw(seq, motion(AT_S + seq)))
    assert [ack.upto for _, ack in line.acks] == [1, 3]
    assert len(line.monitor.seen) == 1
    moment.now = 1001.0
    line.consumer.update_records()
    assert [ack.upto for _, ack in line.acks] == [1, 3, 4]
    assert len(line.monitor.seen) == 2
    assert len(line.records.seen) == 1, "devices are noted each ten seconds"
    moment.now = 1010.0
    line.consumer.update_records()
    assert line.records.seen[1] == line.monitor.seen[1][0]
    line.consumer.update_records(final=True)
    assert [ack.upto for _, ack in line.acks] == [1, 3, 4], "nothing is acknowledged that was before"


def test_the_records_get_the_latest_of_each_device_and_lose_nothing_it_said(
    line: Line, moment: SimpleNamespace
) -> None:
    line.consume(raw(1, motion(AT_S)))
    link = Record(n="motion-living/link_quality", t=AT_S + 2, v=0.5)
    for turn, pack in enumerate(([battery(5, 80.0)], [link], [motion(AT_S + 4)], [battery(3, 70.0)]), 2):
        moment.now += 1.5
        line.consume(raw(turn, *pack))
    line.consumer.update_records(final=True)
    assert line.records.seen[-1]["home-01", "motion-living"] == LastSeen(AT_S + 5, 70.0, 0.5)


def test_a_message_that_cannot_be_stored_is_set_aside_alone(line: Line) -> None:
    line.series.never = AT_S - 1000
    bad = raw(2, motion(AT_S - 2000))
    line.consume(raw(1, motion(AT_S)), bad, raw(3, motion(AT_S + 3)))
    assert line.stored() == [0, 3]
    ((topic, path, reason, payload),) = line.records.quarantined
    assert (topic, path, payload) == (bad.topic, "$.pack", bad.payload)
    assert reason.startswith("SeriesRefused: ")
    line.consumer.update_records(final=True)
    (refusal,) = [one for _, ack in line.acks for one in ack.refused]
    assert (refusal.seq, refusal.path, refusal.reason) == (2, "$.pack", reason)
    assert line.upto() == {"home-01": 3}


def test_what_monitoring_refuses_is_stored_and_acknowledged_all_the_same(line: Line) -> None:
    line.monitor.refuses = True
    line.consume(raw(1, motion(AT_S)))
    assert (line.stored(), line.upto(), line.monitor.marked_late) == ([0], {"home-01": 1}, 1)


def test_a_clock_that_is_wrong_is_noted_once(line: Line, moment: SimpleNamespace) -> None:
    for seq in (1, 2):
        moment.now += 2
        line.consume(raw(seq, motion(AT_S - 5000 + seq), sent_s=-5000.0))
    assert line.records.offsets == [("gw-home-01", 5000.0)]
    assert line.stored() == [1, 2], "by the platform's clock"


def onward(*readings: Resolved, lane: Lane, seq: int = 1, arrived_s: float = 8.0) -> Incoming:
    facts = GatewayFacts("gw-home-01", "home-01", "anning")
    topic = Topic("anning", "home-01", lane)
    return Incoming(topic, facts, 1, lane, seq, 1, AT_S + arrived_s, list(readings))


def test_what_the_alarms_pass_on_is_stored_and_not_acknowledged_here(line: Line) -> None:
    first = onward(Resolved("motion-living", Quantity.OCCUPANCY, AT_S, truth=True), lane=Lane.ALARM)
    second = onward(Resolved("motion-living", Quantity.OCCUPANCY, AT_S + 1, truth=True), lane=Lane.ALARM, arrived_s=6)
    line.consume(onward=(first, second))
    assert (line.stored(), line.acks) == ([0, 1], [])
    assert [arrived_s for _, _, arrived_s in line.monitor.shown] == [8]
    assert line.monitor.seen[0][0]["home-01", "gw-home-01"].at_s == AT_S + 8


def test_a_clip_is_stored_with_the_rate_of_its_own_device(line: Line) -> None:
    line.consume(
        onward=(
            onward(
                Resolved("wearable", Quantity.SAMPLE_RATE, AT_S, value=50.0),
                Resolved("wearable", Quantity.ACCELERATION, AT_S, data=b"\x01\x02" * 6),
                Resolved("other", Quantity.ACCELERATION, AT_S, data=b"\x03\x04" * 6),
                lane=Lane.CLIP,
            ),
        )
    )
    assert line.series.read_clip("home-01", AT_S) == Clip(AT_S, 50.0, b"\x01\x02" * 6)
