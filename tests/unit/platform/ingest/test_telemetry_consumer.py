"""Telemetry on its way: to the series, to monitoring, to the records, and back as acknowledgements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures._home_client import motion
from fixtures.ingest_harness import FailingSeries, records
from sqlalchemy.exc import OperationalError

from anju_core.alert_signals import AlertSignal
from anju_core.reasons import ReasonCode
from anju_detect.errors import DetectionError
from anju_detect.inactivity import LifeBatch
from anju_platform.db.errors import CommitRefused
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices import cache
from anju_platform.devices.cache import DeviceCache, GatewayFacts
from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.quarantine import RejectedMessage
from anju_platform.ingest import notes, telemetry_quarantine, telemetry_reader, telemetry_records
from anju_platform.ingest.decode import Incoming, read
from anju_platform.ingest.quarantine_rate import BURST, PER_S
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.timeseries.store import Clip, SeriesUnavailable
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, Record, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0
HOMES = {"home-01": 0, "home-02": 1, "home-03": 2}


ALERT_OF = {Quantity.SOS: "sos", Quantity.SMOKE: "smoke", Quantity.GAS: "gas", Quantity.WATER_LEAK: "leak"}


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


class Alerts:
    """Notes what it is asked to raise."""

    def __init__(self) -> None:
        self.raised: list[AlertSignal] = []
        self.is_away = False
        self.poison: set[ReasonCode] = set()

    def raise_alert(self, _work: UnitOfWork, signal: AlertSignal) -> None:
        if self.is_away:
            raise CommitRefused
        if signal.reason.code in self.poison:
            raise ZeroDivisionError
        self.raised.append(signal)


class Records:
    """The records of devices."""

    def __init__(self) -> None:
        self.seen: list[dict[tuple[str, str], LastSeen]] = []
        self.offsets: list[tuple[str, float]] = []
        self.quarantined: list[tuple[str, str, str, bytes]] = []
        self.dropped: Counter[str] = Counter()
        self.broken: set[str] = set()
        self.is_away = False

    def record_last_seen(self, work: UnitOfWork, last_seen: Any) -> None:  # noqa: ANN401
        self._write(work, *(home for home, _ in last_seen))
        self.seen.append(dict(last_seen))

    def set_clock_offset(self, work: UnitOfWork, gateway_id: str, offset_s: float) -> None:
        self._write(work, gateway_id)
        self.offsets.append((gateway_id, offset_s))

    def quarantine_messages(self, work: UnitOfWork, messages: Sequence[RejectedMessage]) -> None:
        self._write(work, *(one.topic for one in messages))
        self.quarantined += [one for one in messages if one not in self.quarantined]

    def note_dropped(self, _work: UnitOfWork, counts: Mapping[str, int]) -> None:
        self.dropped.update(counts)

    def _write(self, work: UnitOfWork, *about: str) -> None:
        work.session.connection()
        if broken := self.broken & set(about):
            if self.is_away:
                raise OperationalError("INSERT", {}, OSError("gone"))
            raise ValueError(broken)


class Line:
    """A consumer between three homes, a store and the records; the time of its intervals moves by hand."""

    def __init__(self, sessions: Any, series: FailingSeries) -> None:  # noqa: ANN401
        self.series, self.monitor, self.records = series, Monitoring(), Records()
        self.sessions = sessions
        self.acks: list[tuple[str, Ack]] = []
        registry: Any = self.records
        self.alerts = Alerts()
        alerts: Any = self.alerts

        self.units: list[UnitOfWork] = []

        def work() -> UnitOfWork:
            self.units.append(UnitOfWork(sessions, EventDispatcher(), Clock()))
            return self.units[-1]

        self.consumer = TelemetryConsumer(
            work=work,
            device_cache=DeviceCache(work),
            series=series,
            monitor=self.monitor,
            alerts=alerts,
            registry=registry,
            post=lambda topic, payload: self.acks.append((topic, decode(Ack, payload))),
        )

    @property
    def in_transaction(self) -> bool:
        return any(unit.session.in_transaction() for unit in self.units if hasattr(unit, "session"))

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
    for module in (telemetry_records, telemetry_quarantine):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
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


def test_readings_without_a_time_are_stored_and_are_no_life(line: Line) -> None:
    line.consume(raw(1, motion(60.0), motion(75.0), arrived_s=100))
    assert line.stored() == [85, 100]
    assert (line.monitor.shown, line.records.quarantined, line.upto()) == ([], [], {"home-01": 1})
    ((seen, _),) = line.monitor.seen
    assert set(seen) == {("home-01", "gw-home-01")}, "nobody knows when its devices spoke"


def test_a_bad_record_goes_to_quarantine_and_the_message_is_not_refused(line: Line) -> None:
    line.consume(raw(1, motion(AT_S), battery(0, 900.0), motion(AT_S + 1)))
    assert line.stored() == [0, 1]
    assert [path for _, path, *_ in line.records.quarantined] == ["$.pack[1].v"]
    assert [(ack.upto, ack.refused) for _, ack in line.acks] == [(1, [])]


@pytest.mark.parametrize("quantity", [Quantity.SOS, Quantity.SMOKE, Quantity.GAS, Quantity.WATER_LEAK])
def test_an_alarm_among_readings_counts(line: Line, moment: SimpleNamespace, quantity: Quantity) -> None:
    alarm = Record(n=f"button-sos/{quantity}", t=AT_S + 2, vb=True)
    for seq in (1, 2):  # the first time its sensor is new, the second time it is known
        line.consume(raw(seq, motion(AT_S), alarm))
    moment.now += 1
    line.consume(raw(2, motion(AT_S), alarm))
    assert [str(one.kind) for one in line.alerts.raised] == [ALERT_OF[quantity]] * 2, "once for each message"
    assert [one.source for one in line.alerts.raised] == [f"gw-home-01/1/telemetry/{seq}/0" for seq in (1, 2)]
    assert line.upto() == {"home-01": 2}


def test_an_alarm_among_readings_of_a_clock_that_was_not_set_counts(line: Line) -> None:
    line.consume(raw(1, motion(AT_S), Record(n="button-sos/sos", t=60.0, vb=True), arrived_s=50))
    assert [one.happened_at.timestamp() - AT_S for one in line.alerts.raised] == [50]


def test_an_alarm_that_the_records_do_not_take_is_not_acknowledged(line: Line) -> None:
    line.alerts.is_away = True
    with pytest.raises(CommitRefused):
        line.consume(raw(1, Record(n="button-sos/sos", t=AT_S, vb=True)))
    assert line.acks == []


def test_an_alarm_that_the_records_never_take_is_a_call_for_help_and_costs_no_other(line: Line) -> None:
    line.alerts.poison = {ReasonCode.SMOKE}
    smoke = Record(n="smoke-kitchen/smoke", t=AT_S, vb=True)
    line.consume(raw(1, motion(AT_S), smoke), raw(1, Record(n="button-sos/sos", t=AT_S, vb=True), number=2))
    told = {(one.home_id, one.reason.code) for one in line.alerts.raised}
    assert told == {("home-01", ReasonCode.ALARM_UNREADABLE), ("home-02", ReasonCode.SOS_PRESSED)}
    line.consumer.update_records(final=True)
    assert (line.stored(), line.upto()) == ([0], {"home-01": 1, "home-02": 1})


def test_an_alarm_among_readings_does_not_wait_for_the_series(line: Line) -> None:
    line.series.away = True
    with pytest.raises(SeriesUnavailable):
        line.consume(raw(1, Record(n="button-sos/sos", t=AT_S, vb=True)))
    assert len(line.alerts.raised) == 1
    assert line.acks == []


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
    low = Record(n="motion-living/battery_low", t=AT_S + 2, vb=True)
    for turn, pack in enumerate(([low], [battery(5, 80.0)], [battery(3, 70.0)], [link], [motion(AT_S + 4)]), 2):
        moment.now += 1.5
        line.consume(raw(turn, *pack))
    line.consumer.update_records(final=True)
    assert line.records.seen[-1]["home-01", "motion-living"] == LastSeen(AT_S + 5, 70.0, 0.5, battery_low=True)


def broken(seq: int, number: int = 1) -> RawMessage:
    """A message that is refused by its number."""
    return raw(seq, Record(n="no-slash", t=AT_S), number=number)


def test_of_a_home_that_sends_bad_messages_without_end_a_few_are_kept_and_the_others_counted(
    line: Line, moment: SimpleNamespace
) -> None:
    for start in range(1, 1001, 100):
        line.consume(*(broken(seq) for seq in range(start, start + 100)), broken(start, 2), raw(start, motion(AT_S)))
    homes = [topic.split("/")[3] for topic, *_ in line.records.quarantined]
    assert Counter(homes) == {"home-01": BURST, "home-02": 10}
    assert line.consumer.drain_flooding() == ["home-01"]
    assert line.consumer.drain_flooding() == []
    moment.now += 1.0 / PER_S
    line.consume(broken(1001), broken(1002))
    assert len(line.records.quarantined) == BURST + 10 + 1
    line.consumer.update_records(final=True)
    assert line.records.dropped == {"home-01": 1000 - BURST + 1}
    assert line.upto()["home-01"] == 1002, "a gateway with a fault must not stand still"


def test_a_home_that_invents_sensors_has_a_few_of_them_stored_and_its_own_all_the_same(line: Line) -> None:
    for seq in range(1, 11):
        invented = [Record(n=f"invented-{seq}-{number}/battery", t=AT_S, v=50.0) for number in range(100)]
        line.consume(raw(seq, *invented, motion(AT_S + seq)), raw(seq, motion(AT_S), number=2))
    stored = list(line.series.scan_readings(AT_S - 10, AT_S + 20, ["battery", "occupancy"]))
    assert len([one for _, one in stored if one.device.startswith("invented")]) == cache.MOST_STRANGERS
    assert line.stored() == [0.0] * cache.MOST_STRANGERS + [float(seq) for seq in range(1, 11)]
    assert line.consumer.drain_flooding() == ["home-01"]
    line.consumer.update_records(final=True)
    assert line.upto() == {"home-01": 10, "home-02": 10}


def test_what_was_dropped_is_counted_until_it_is_stored(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("away")

    line.consume(raw(1, motion(AT_S)))
    line.consume(*(broken(seq) for seq in range(2, BURST + 4)))
    with monkeypatch.context() as patch:
        patch.setattr(notes, "is_away", lambda *_: True)
        patch.setattr(line.records, "note_dropped", fail)
        with pytest.raises(OSError, match="away"):
            line.consumer.update_records(final=True)
    line.consumer.update_records(final=True)
    assert line.records.dropped == {"home-01": 2}


def test_what_could_not_be_kept_for_want_of_the_records_has_taken_no_share(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("away")

    batch = [broken(seq) for seq in range(1, BURST + 3)]
    with monkeypatch.context() as patch:
        patch.setattr(notes, "is_away", lambda *_: True)
        patch.setattr(line.records, "quarantine_messages", fail)
        for _ in range(5):
            with pytest.raises(OSError, match="away"):
                line.consume(*batch)
    line.consume(*batch)
    line.consumer.update_records(final=True)
    assert len(line.records.quarantined) == BURST
    assert sum(line.records.dropped.values()) == 2


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


def test_what_cannot_even_be_read_is_kept_whole_and_answered_to_nobody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(raw: RawMessage, *more: Any) -> Incoming:  # noqa: ANN401
        if raw.payload == b"poison":
            raise RecursionError("too deep\0")
        return read(raw, *more)  # type: ignore[return-value]

    monkeypatch.setattr(telemetry_reader, "read", fail)
    topic = str(Topic("anning", "home-01", Lane.TELEMETRY))
    line.consume(raw(1, motion(AT_S)), RawMessage(topic, b"poison", AT_S), raw(2, motion(AT_S + 1)))
    assert line.records.quarantined == [(topic, "$", "RecursionError: too deep\\x00", b"poison")]
    line.consumer.update_records(final=True)
    assert (line.stored(), line.upto()) == ([0, 1], {"home-01": 2})


def rejected(number: int) -> RawMessage:
    return RawMessage(str(Topic("anning", f"home-0{number}", Lane.TELEMETRY)), f"torn {number}".encode(), AT_S)


def test_a_rejected_message_that_cannot_be_kept_holds_up_no_other(line: Line) -> None:
    line.records.broken = {rejected(2).topic}
    line.consume(*(rejected(number) for number in (1, 2, 3)), raw(1, motion(AT_S)))
    assert [payload for *_, payload in line.records.quarantined] == [b"torn 1", b"torn 3"]
    assert (line.stored(), line.upto()) == ([0], {"home-01": 1})
    assert list(line.consumer.drain_lost()) == ["home-02"], "what is acknowledged and gone is told"
    assert list(line.consumer.drain_lost()) == []


def test_nothing_is_acknowledged_while_the_records_of_what_is_refused_are_away(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "is_away", lambda _work, error: isinstance(error, OperationalError))
    line.records.broken, line.records.is_away = {rejected(2).topic}, True
    with pytest.raises(OperationalError):
        line.consume(rejected(1), rejected(2), raw(1, motion(AT_S)))
    assert line.acks == []
    line.records.broken = set()
    line.consume(rejected(1), rejected(2), raw(1, motion(AT_S)))
    assert [payload for *_, payload in line.records.quarantined] == [b"torn 1", b"torn 2"]
    assert line.upto() == {"home-01": 1}


def test_devices_of_a_home_that_cannot_be_noted_hold_up_no_other_home(line: Line) -> None:
    line.records.broken = {"home-02"}
    line.consume(*(raw(1, motion(AT_S), number=number) for number in (1, 2, 3)))
    noted = [home for seen in line.records.seen for home, _ in seen]
    assert sorted(set(noted)) == ["home-01", "home-03"]
    assert line.upto() == {"home-01": 1, "home-02": 1, "home-03": 1}


def test_the_offset_of_a_clock_that_cannot_be_noted_holds_up_no_other(line: Line, moment: SimpleNamespace) -> None:
    line.records.broken = {"gw-home-02"}
    batch = [raw(1, motion(AT_S - 5000), number=number, sent_s=-5000.0) for number in (1, 2, 3)]
    line.consume(*batch)
    assert set(line.records.offsets) == {("gw-home-01", 5000.0), ("gw-home-03", 5000.0)}
    line.records.offsets.clear()
    moment.now += 1
    line.consume(*(raw(2, motion(AT_S - 4990), number=number, sent_s=-4990.0, arrived_s=10.0) for number in (1, 2, 3)))
    assert line.records.offsets == [], "it has not changed"
    again = Line(line.sessions, line.series)
    again.consume(*batch)
    assert again.upto() == {"home-01": 2, "home-02": 2, "home-03": 2}, "their cursors were stored all the same"


def test_batches_that_fail_are_halved_and_keep_their_order(line: Line) -> None:
    line.series.never = AT_S - 1000
    bad = {2, 5, 6}
    line.consume(*(raw(seq, motion(AT_S - 2000 if seq in bad else AT_S + seq)) for seq in range(1, 9)))
    assert line.stored() == [1, 3, 4, 7, 8]
    line.consumer.update_records(final=True)
    assert sorted(one.seq for _, ack in line.acks for one in ack.refused) == sorted(bad)
    assert line.upto() == {"home-01": 8}
    assert [time for _, times, _ in line.monitor.shown for time in times] == [1, 3, 4, 7, 8]


def test_what_alarms_pass_on_fails_apart_from_what_came_with_it(line: Line) -> None:
    line.series.never = AT_S - 1000
    readings = [Resolved("motion-living", Quantity.OCCUPANCY, AT_S + at_s, truth=True) for at_s in (-2000, 1, 2)]
    passed = [onward(one, lane=Lane.ALARM, seq=seq) for seq, one in enumerate(readings, 1)]
    line.consume(raw(1, motion(AT_S + 3)), onward=tuple(passed))
    assert line.stored() == [1, 2, 3]
    line.consumer.update_records(final=True)
    assert (line.upto(), line.records.quarantined) == ({"home-01": 1}, []), "an alarm is answered on its own lane"


@pytest.mark.parametrize("first", [AT_S + 5, AT_S])
def test_of_two_readings_at_one_time_the_later_message_counts(line: Line, first: float) -> None:
    odd = Record(n="stranger/battery", t=AT_S, u="%EL", v=50.0)
    line.consume(raw(1, battery(0, 10.0)), raw(2, battery(0, 20.0), odd), raw(3, battery(0, 30.0), motion(first)))
    (level,) = [one.value for one in line.series.read_home("home-01", AT_S, AT_S + 9, ["battery"]) if one.value != 50.0]
    assert level == 30.0
    line.consumer.update_records(final=True)
    assert line.records.seen[-1]["home-01", "motion-living"].battery == 30.0


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


def test_what_an_alarm_said_in_words_is_kept_and_shows_that_its_device_works(line: Line) -> None:
    texts = {5: "suspected:f", 3: "confirmed:f"}
    said = [Resolved("wearable", Quantity.FALL, AT_S + at_s, text=text) for at_s, text in texts.items()]
    nothing = Resolved("button", Quantity.FALL, AT_S)
    line.consume(onward=(onward(*said, nothing, lane=Lane.ALARM),))
    found = line.series.read_home("home-01", AT_S, AT_S + 10, [Quantity.FALL])
    assert {one.at_s - AT_S: one.text for one in found} == texts
    ((seen, _),) = line.monitor.seen
    assert seen["home-01", "wearable"].at_s == AT_S + 5
    assert ("home-01", "button") not in seen


def test_a_device_whose_gateway_says_that_it_is_gone_is_not_seen_by_it(line: Line) -> None:
    def available(device: str, *, yes: bool) -> Record:
        return Record(n=f"{device}/available", t=AT_S + 1, vb=yes)

    line.consume(raw(1, available("motion-living", yes=False), available("stranger", yes=False)))
    line.consume(raw(1, available("motion-living", yes=True), available("stranger", yes=True), number=2))
    line.consumer.update_records(final=True)
    seen = {key for one, _ in line.monitor.seen for key in one}
    assert {device for home, device in seen if home == "home-01"} == {"gw-home-01"}
    assert {device for home, device in seen if home == "home-02"} == {"gw-home-02", "motion-living", "stranger"}


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


def test_a_batch_gives_way_between_stretches_of_computing_and_holds_no_transaction_then(line: Line) -> None:
    within: list[bool] = []
    line.consumer.give_way = lambda: within.append(line.in_transaction)
    line.consume(*(raw(seq, battery(seq / 10, 50.0)) for seq in range(1, 2 * telemetry_reader._STRETCH + 2)))
    assert within == [False] * 5
