"""The alarm lane by itself: gateways' states, and what becomes of a message that cannot be stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures._home_client import press
from fixtures.ingest_harness import records
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from anju_core.alerts import AlertSignal
from anju_core.reasons import ReasonCode
from anju_gateway.spool import Spool
from anju_gateway.uplink import ALARM_SESSION, TELEMETRY_SESSION, Uplink
from anju_platform.app.leadership import LeadershipLost
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest import alarm_ledger
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.models import AlarmDigest
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, Record, Status, decode, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0


class AlarmLane:
    """A consumer whose alerts and records fail as often as they are told to."""

    def __init__(self, sessions: Any) -> None:  # noqa: ANN401
        self.alert_failures = self.record_failures = self.database_failures = 0
        self.leads = True
        self.raised: list[AlertSignal] = []
        self.quarantined: list[tuple[str, str, bytes]] = []
        self.statuses: list[tuple[str, Status, float]] = []
        self.acks: list[Ack] = []
        self.onward: list[int] = []
        itself: Any = self

        def work() -> UnitOfWork:
            return UnitOfWork(sessions, EventDispatcher(), Clock(), self.check_lease)

        self.work = work
        self.consumer = AlarmConsumer(
            work=work,
            device_cache=DeviceCache(work),
            alerts=itself,
            registry=itself,
            post=lambda _topic, payload: self.acks.append(decode(Ack, payload)),
            onward=lambda message: self.onward.append(message.seq),
        )

    def check_lease(self) -> None:
        if not self.leads:
            raise LeadershipLost

    def raise_alert(self, _work: UnitOfWork, signal: AlertSignal) -> None:
        if self.alert_failures:
            self.alert_failures -= 1
            raise ValueError("no such\x00alert")
        if self.database_failures:
            self.database_failures -= 1
            raise OperationalError("SELECT", {}, Exception("LIKE or GLOB pattern too complex"))
        self.raised.append(signal)

    def quarantine_message(self, _work: UnitOfWork, _topic: str, path: str, reason: str, payload: bytes) -> None:
        if self.record_failures:
            self.record_failures -= 1
            raise ValueError("no such\x00row")
        self.quarantined.append((path, reason, payload))

    def update_status(self, _work: UnitOfWork, gateway_id: str, status: Status, arrived_s: float) -> None:
        self.statuses.append((gateway_id, status, arrived_s))

    def deliver_message(self, topic: str, payload: bytes) -> None:
        self.consumer.consume_batch([RawMessage(topic, payload, AT_S)])

    def press(self, seq: int, gateway: str = "gw-home-01", at_s: float = AT_S, base: int = 1) -> None:
        envelope = Envelope(gateway=gateway, epoch=1, seq=seq, base=base, sent=AT_S, pack=[press(at_s)])
        self.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(envelope))


@pytest.fixture
def lane(sqlite_url: str) -> Iterator[AlarmLane]:
    with records(sqlite_url) as sessions:
        yield AlarmLane(sessions)


def test_a_gateway_tells_its_own_state_and_nobody_elses(lane: AlarmLane) -> None:
    status = Status(gateway="gw-home-01", online=True, at=AT_S)
    topics = [str(Topic(*place, Lane.STATUS)) for place in (("anning", "home-01"), ("anning", "home-02"))]
    lane.deliver_message(topics[0], encode(status))
    assert lane.statuses == [("gw-home-01", status, AT_S)]
    lane.deliver_message(topics[1], encode(status))
    lane.deliver_message(topics[0].replace("anning", "hefei"), encode(status))
    lane.deliver_message(topics[0], encode(Status(gateway="gw-nobody", online=True, at=AT_S)))
    lane.deliver_message("anju/v1/status", encode(status))
    lane.deliver_message(topics[0], b'{"gateway": 3}')
    assert [path for path, _, _ in lane.quarantined] == ["$.gateway"] * 3 + ["topic", "$.gateway"]
    assert [reason for _, reason, _ in lane.quarantined[:3]] == [
        "'gw-home-01' does not speak for home-02",
        "'gw-home-01' does not speak for home-01",
        "'gw-nobody' does not speak for home-01",
    ]
    assert (len(lane.statuses), lane.acks) == (1, [])


def test_an_alarm_is_raised_acknowledged_and_passed_on_once(lane: AlarmLane) -> None:
    for _ in range(2):
        lane.press(1)
    assert ([signal.reason.code for signal in lane.raised], lane.onward) == ([ReasonCode.SOS_PRESSED], [1])
    assert [(ack.upto, ack.refused) for ack in lane.acks] == [(1, []), (1, [])]


def test_an_alarm_that_fails_twice_is_stored_at_the_third_try(lane: AlarmLane) -> None:
    lane.alert_failures = 2
    lane.press(1)
    assert (len(lane.raised), lane.quarantined, lane.onward) == (1, [], [1])


def test_an_alarm_that_can_never_be_stored_is_refused_kept_and_a_call_for_help(lane: AlarmLane) -> None:
    lane.alert_failures = 3
    lane.press(1)
    lane.press(2)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.ALARM_UNREADABLE, ReasonCode.SOS_PRESSED]
    ((path, reason, _),) = lane.quarantined
    assert (path, reason) == ("$.pack", "ValueError: no such\\x00alert")
    assert [(ack.upto, [(one.seq, one.path) for one in ack.refused]) for ack in lane.acks] == [
        (1, [(1, "$.pack")]),
        (2, []),
    ]
    assert lane.onward == [2]


def test_an_alarm_whose_lease_lapsed_is_neither_refused_nor_acknowledged(lane: AlarmLane) -> None:
    lane.press(1)
    lane.leads = False
    with pytest.raises(LeadershipLost):
        lane.press(2)
    with pytest.raises(LeadershipLost):
        lane.press(3, gateway="gw-nobody")
    assert ([ack.upto for ack in lane.acks], lane.onward) == ([1], [1])
    lane.raised.clear()
    lane.quarantined.clear()
    lane.leads = True
    lane.press(2)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED]
    assert ([(ack.upto, ack.refused) for ack in lane.acks], lane.quarantined) == ([(1, []), (2, [])], [])
    assert lane.onward == [1, 2]


def test_what_cannot_even_be_set_aside_holds_up_nobody(lane: AlarmLane) -> None:
    lane.record_failures = 3
    lane.press(1, gateway="gw-nobody")
    assert [path for path, _, _ in lane.quarantined] == ["$.gateway"]
    lane.record_failures = 4
    lane.press(2, gateway="gw-nobody")
    assert [(path, reason) for path, reason, _ in lane.quarantined[1:]] == [("$", "ValueError: no such\\x00row")]
    lane.record_failures = 5
    lane.press(3, gateway="gw-nobody")
    lane.press(1)
    assert (len(lane.quarantined), len(lane.raised), lane.onward) == (2, 1, [1])


DEEP = b"[" * 1500 + b"]" * 1500
REST = b',"seq":1,"base":1,"sent":1,"online":true,"at":1,"pack":[]}'
POISON = {
    "nested": DEEP,
    "nested in an unknown field": b'{"gateway":"gw-home-01","x":' + DEEP + b"}",
    "NUL in the gateway": b'{"gateway":"gw-home-01\\u0000","epoch":1' + REST,
    "epoch of 2**63": b'{"gateway":"gw-home-01","epoch":9223372036854775808' + REST,
    "not UTF-8": b'{"gateway":"\xff\xfe"}',
    "NUL bytes": b"\0" * 3000,
}


@pytest.mark.parametrize("place", [Lane.ALARM, Lane.STATUS])
@pytest.mark.parametrize("payload", POISON.values(), ids=POISON)
def test_poison_never_stops_the_press_behind_it(lane: AlarmLane, payload: bytes, place: Lane) -> None:
    topic = str(Topic("anning", "home-02", place))
    envelope = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=AT_S, pack=[press(AT_S)])
    honest = RawMessage(str(Topic("anning", "home-01", Lane.ALARM)), encode(envelope), AT_S)
    lane.consumer.consume_batch([RawMessage(topic, payload, AT_S), honest])
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED]
    assert [len(kept) for _, _, kept in lane.quarantined] == [len(payload)]


def test_an_error_of_the_database_that_answers_is_the_messages_own(lane: AlarmLane) -> None:
    lane.database_failures = 3
    lane.press(1)
    lane.press(2)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.ALARM_UNREADABLE, ReasonCode.SOS_PRESSED]
    assert [ack.upto for ack in lane.acks] == [1, 2]


def test_a_press_whose_number_another_message_has_is_an_alarm_of_its_own(lane: AlarmLane) -> None:
    taken = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=AT_S, pack=[])
    lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(taken))
    for _ in range(2):
        lane.press(1)
    lane.press(2)
    assert [signal.facts.get("number_taken") for signal in lane.raised] == [True, None]
    assert [path for path, _, _ in lane.quarantined] == ["$.seq"]
    assert [ack.upto for ack in lane.acks] == [1, 1, 1, 2]
    assert len({signal.source for signal in lane.raised}) == 2


def test_a_refused_message_takes_no_number_from_a_press(lane: AlarmLane) -> None:
    torn = b'{"gateway":"gw-home-01","epoch":1,"seq":1,"base":1,"sent":1.5,"pack":['
    for sent in (b"1.5", b"2.5"):
        lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), torn.replace(b"1.5", sent))
    assert len(lane.quarantined) == 1, "it is the same message, sent again"
    lane.press(1)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.ALARM_UNREADABLE, ReasonCode.SOS_PRESSED]


@pytest.mark.parametrize(("seq", "base"), [(10**15, 10**15), (10**15, 1), (2**53 - 1, 2**53 - 1), (7, 7), (5000, 4999)])
def test_a_number_or_base_far_ahead_swallows_no_press(lane: AlarmLane, seq: int, base: int) -> None:
    lane.press(seq, base=base, at_s=AT_S - 1)
    for number in (1, 2, 3):
        lane.press(number, at_s=AT_S + number)
    assert len(lane.raised) == 4
    assert [ack.upto for ack in lane.acks][1:] == [1, 2, 3]


@pytest.mark.parametrize("forged", ["valid", "torn"])
def test_a_gateway_forgets_no_press_whose_number_another_message_has(
    lane: AlarmLane, tmp_path: Path, forged: str
) -> None:
    spool, topic = Spool(tmp_path / "spool", AT_S), Topic("anning", "home-01", Lane.ALARM)
    session: Any = SimpleNamespace(connected=True, sent=[])
    session.publish = lambda _topic, payload: session.sent.append(payload) or True
    uplink = Uplink(
        gateway="gw-home-01",
        topics=dict.fromkeys(Lane, topic),
        spool=spool,
        sessions={ALARM_SESSION: session, TELEMETRY_SESSION: SimpleNamespace(connected=False)},  # type: ignore[dict-item]
        wall=lambda: AT_S,
    )
    with spool.transaction():
        spool.append(Lane.ALARM, [[Record(n="button-sos/sos", t=AT_S, vb=True)]])
    claimed = Envelope(gateway="gw-home-01", epoch=spool.epoch, seq=1, base=1, sent=AT_S, pack=[])
    lane.deliver_message(str(topic), encode(claimed)[: None if forged == "valid" else -1])
    uplink.apply_ack(lane.acks[-1], 0.0)
    assert spool.count_waiting()["alarm"] == 1, "the press is not stored yet"
    uplink.send_due(0.0)
    lane.deliver_message(str(topic), session.sent[-1])
    assert lane.raised[-1].reason.code == ReasonCode.SOS_PRESSED
    uplink.apply_ack(lane.acks[-1], 0.0)
    assert spool.count_waiting()["alarm"] == 0
    spool.close()


def test_an_ack_never_covers_what_its_gateway_has_not_shown(lane: AlarmLane) -> None:
    lane.press(2, at_s=AT_S - 50)
    lane.press(1)
    assert [ack.upto for ack in lane.acks] == [0, 1], "number 2 was perhaps another sender's"


def test_a_message_whose_numbers_no_stream_has_is_a_call_for_help_all_the_same(lane: AlarmLane) -> None:
    payload = b'{"gateway":"gw-home-01","epoch":99999999999999999999,"seq":1,"base":1,"sent":1.5,"pack":[]}'
    lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), payload)
    assert ([signal.reason.code for signal in lane.raised], lane.acks) == ([ReasonCode.ALARM_UNREADABLE], [])


def test_of_one_gateway_only_the_newest_digests_are_kept(lane: AlarmLane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_ledger, "MOST_DIGESTS", 10)
    monkeypatch.setattr(alarm_ledger, "_PRUNE_EVERY", 4)
    for seq in range(1, 33):
        lane.press(seq, at_s=AT_S + seq)
    with lane.work() as work:
        kept = list(work.session.scalars(select(AlarmDigest.seq)))
    assert max(kept) == 32
    assert len(kept) <= 13
    assert [ack.upto for ack in lane.acks] == list(range(1, 33))
