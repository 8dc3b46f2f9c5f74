"""The alarm lane by itself: gateways' states, and what becomes of a message that cannot be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from fixtures._home_client import press
from fixtures.ingest_harness import records
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from anju_core.alert_signals import AlertSignal
from anju_core.events import ElderTold
from anju_core.reasons import ReasonCode
from anju_core.vocabulary import AlertKind
from anju_gateway.spool import Spool
from anju_gateway.uplink import ALARM_SESSION, TELEMETRY_SESSION, Uplink
from anju_platform.app.leadership import LeadershipLost
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.models import Device
from anju_platform.devices.quarantine import RejectedMessage
from anju_platform.ingest import alarm_acceptance, alarm_fallbacks, alarm_ledger
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.models import AlarmDigest
from anju_platform.ingest.quarantine_rate import BURST
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Envelope, Record, Status, decode, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

AT_S = 1_790_000_000.0
DEVICE_ROOM = "bedroom"


class OnlyUnit(UnitOfWork):
    """A unit of work that stands in no other: on SQLite the inner one would wait for the outer, in vain."""

    open_units = 0

    def __enter__(self) -> Self:
        assert OnlyUnit.open_units == 0, "one unit of work within another"
        OnlyUnit.open_units += 1
        return super().__enter__()

    def __exit__(self, *raised: object) -> None:
        OnlyUnit.open_units -= 1
        super().__exit__(*raised)


class AlarmLane:
    """A consumer whose alerts and records fail as often as they are told to."""

    def __init__(self, sessions: Any) -> None:  # noqa: ANN401
        self.alert_failures = self.record_failures = self.database_failures = 0
        self.leads, self.now_s = True, 0.0
        self.failing_home = self.failing_kind = ""
        self.commits = self.commit_failures = self.clock_failures = 0
        self.told: list[AlertSignal] = []
        self.uncommitted: list[AlertSignal] = []
        self.raised: list[AlertSignal] = []
        self.quarantined: list[tuple[str, str, bytes]] = []
        self.dropped: Counter[str] = Counter()
        self.statuses: list[tuple[str, Status, float]] = []
        self.acks: list[Ack] = []
        self.answered: list[str] = []
        self.topics: set[str] = set()
        self.offsets: list[tuple[str, float]] = []
        self.onward: list[int] = []
        itself: Any = self

        self.dispatcher = EventDispatcher()

        def work() -> UnitOfWork:
            return OnlyUnit(sessions, self.dispatcher, Clock(), self.check_lease)

        self.work = work
        self.consumer = AlarmConsumer(
            work=work,
            device_cache=DeviceCache(work, lambda: self.now_s),
            alerts=itself,
            registry=itself,
            post=self._post,
            onward=lambda message: self.onward.append(message.seq),
        )

    def _post(self, topic: str, payload: bytes) -> None:
        self.answered.append(topic)
        self.acks.append(decode(Ack, payload))

    def check_lease(self) -> None:
        if not self.leads:
            raise LeadershipLost
        written, self.uncommitted = self.uncommitted, []
        if self.commit_failures:
            self.commit_failures -= 1
            raise ValueError("the row has gone")
        self.commits += 1
        self.told += written

    def raise_alerts(self, work: UnitOfWork, signals: Sequence[AlertSignal]) -> None:
        for signal in signals:
            self.raise_alert(work, signal)

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> None:
        work.session.connection()
        if signal.home_id == self.failing_home:
            raise ValueError("no such alert")
        if signal.kind == self.failing_kind:
            raise ValueError("no such kind")
        if self.alert_failures:
            self.alert_failures -= 1
            raise ValueError("no such\x00alert")
        if self.database_failures:
            self.database_failures -= 1
            raise OperationalError("SELECT", {}, Exception("LIKE or GLOB pattern too complex"))
        self.raised.append(signal)
        self.uncommitted.append(signal)

    def quarantine_messages(self, work: UnitOfWork, messages: Sequence[RejectedMessage]) -> None:
        work.session.connection()
        assert {one.topic for one in messages} <= self.topics
        if self.record_failures:
            self.record_failures -= 1
            raise ValueError("no such\x00row")
        self.quarantined += [(one.path, one.reason, one.payload) for one in messages]

    def note_dropped(self, work: UnitOfWork, counts: Mapping[str, int]) -> None:
        work.session.connection()
        if self.record_failures:
            self.record_failures -= 1
            raise ValueError("no such row")
        self.dropped.update(counts)

    def set_clock_offset(self, work: UnitOfWork, gateway_id: str, offset_s: float) -> None:
        work.session.connection()
        if self.clock_failures:
            self.clock_failures -= 1
            raise ValueError("no such gateway")
        self.offsets.append((gateway_id, offset_s))

    def update_status(self, work: UnitOfWork, gateway_id: str, status: Status, arrived_s: float) -> None:
        work.session.connection()
        self.statuses.append((gateway_id, status, arrived_s))

    def deliver_message(self, topic: str, payload: bytes) -> None:
        self.deliver(RawMessage(topic, payload, AT_S))

    def deliver(self, *batch: RawMessage) -> None:
        self.topics |= {raw.topic for raw in batch}
        self.consumer.consume_batch(list(batch))

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


def test_what_a_gateway_lost_with_its_spool_is_told_to_a_person_once(lane: AlarmLane) -> None:
    topic = str(Topic("anning", "home-01", Lane.STATUS))
    for lost in (0, 3, 3, 4):
        status = Status(gateway="gw-home-01", online=True, at=AT_S, lost=lost)
        lane.deliver_message(topic, encode(status))
    told = [(signal.reason.code, signal.episode) for signal in lane.raised]
    assert told == [(ReasonCode.MESSAGES_LOST, f"messages_lost:gw-home-01:{lost}") for lost in (3, 4)]


def test_an_alarm_is_raised_acknowledged_and_passed_on_once(lane: AlarmLane) -> None:
    for _ in range(2):
        lane.press(1)
    assert ([signal.reason.code for signal in lane.raised], lane.onward) == ([ReasonCode.SOS_PRESSED], [1])
    assert [(ack.upto, ack.refused) for ack in lane.acks] == [(1, []), (1, [])]


def test_a_home_is_answered_after_the_commit_and_before_anybody_hears_of_it(lane: AlarmLane) -> None:
    answers: list[tuple[str, int, int]] = []

    def note(where: str) -> None:
        answers.append((where, lane.commits, len(lane.acks)))

    lane.dispatcher.subscribe_within(ElderTold, lambda *_: note("within"))
    lane.dispatcher.subscribe_after(ElderTold, lambda _: note("after"))
    before = lane.commits
    lane.deliver(pressed("home-01", n="box/announced", t=AT_S, vs="sos_seen:x:y"))
    (within, after) = answers
    assert within == ("within", after[1] - 1, 0)
    assert after == ("after", lane.commits, 1)
    assert lane.commits > before


def test_an_answer_goes_to_its_home_and_names_the_message_by_its_content(lane: AlarmLane) -> None:
    topic = str(Topic("anning", "home-01", Lane.ALARM))
    good = encode(Envelope(gateway="gw-home-01", epoch=3, seq=5, base=5, sent=AT_S, pack=[press(AT_S)]))
    lane.deliver_message(topic, good)
    lane.deliver_message(topic, good[:-1].replace(b'"seq":5', b'"seq":6'))
    assert lane.answered == ["anju/v1/anning/home-01/ack"] * 2
    for ack, seq, payload in zip(lane.acks, (5, 6), (good, good[:-1].replace(b'"seq":5', b'"seq":6')), strict=True):
        assert (ack.epoch, ack.lane, ack.upto) == (3, Lane.ALARM, seq)
        assert (ack.seq, ack.digest) == (seq, digest_of_bytes(payload))
    assert [one.seq for ack in lane.acks for one in ack.refused] == [6]


def test_an_alarm_of_a_gateway_whose_clock_is_wrong_happened_when_it_came(lane: AlarmLane) -> None:
    for seq in (1, 2):
        sent_s = AT_S - 5000
        pack = [press(sent_s - 10 + seq)]
        wrong = Envelope(gateway="gw-home-01", epoch=1, seq=seq, base=1, sent=sent_s, pack=pack)
        lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(wrong))
    assert [signal.happened_at.timestamp() for signal in lane.raised] == [AT_S - 9, AT_S - 8]
    assert lane.offsets == [("gw-home-01", 5000.0)], "its offset is noted once"


def test_a_press_of_a_device_that_is_looked_up_first_is_an_alarm_at_once(lane: AlarmLane) -> None:
    lane.press(1)
    for seq in (2, 3):
        lane.now_s += 3600.0
        envelope = Envelope(
            gateway="gw-home-01", epoch=1, seq=seq, base=1, sent=AT_S, pack=[press(AT_S, f"new-button-{seq}")]
        )
        lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(envelope))
    assert [signal.facts["device"] for signal in lane.raised] == ["button-sos", "new-button-2", "new-button-3"]
    assert (lane.quarantined, lane.onward) == ([], [1, 2, 3])


def test_an_alarm_says_which_device_it_is_of_and_in_which_room(lane: AlarmLane) -> None:
    pack = [press(AT_S), Record(n="stranger/sos", t=AT_S, vb=True)]
    both = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=AT_S, pack=pack)
    lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(both))
    with lane.work() as work:
        button = select(Device.room).where(Device.home_id == "home-01", Device.id == "button-sos")
        room = work.session.scalars(button).one()
    known, unknown = [signal.facts for signal in lane.raised]
    assert known == {"device": "button-sos", "room": room, "known": True}
    assert unknown == {"device": "stranger", "room": "other", "known": False}


def test_an_alarm_that_fails_twice_is_stored_at_the_third_try(lane: AlarmLane) -> None:
    lane.alert_failures = 2
    lane.press(1)
    assert (len(lane.raised), lane.quarantined, lane.onward) == (1, [], [1])


@pytest.mark.parametrize("failures", range(8))
def test_a_press_is_told_as_the_press_it_is_however_many_commits_fail(lane: AlarmLane, failures: int) -> None:
    lane.commit_failures = failures
    for _ in range(3):
        lane.deliver(pressed("home-01"), pressed("home-02"))
    assert {signal.home_id for signal in lane.told} == {"home-01", "home-02"}
    assert {signal.reason.code for signal in lane.told} == {ReasonCode.SOS_PRESSED}
    assert {signal.reason.facts["room"] for signal in lane.told} == {DEVICE_ROOM}
    assert len({signal.source for signal in lane.told}) == 2, "told twice it counts once"
    assert {ack.upto for ack in lane.acks} == {1}


def test_a_press_beside_what_cannot_be_stored_is_told_answered_and_kept_for_who_tests(lane: AlarmLane) -> None:
    lane.alert_failures = 3
    lane.press(1)
    lane.press(2)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED] * 2
    ((path, reason, _),) = lane.quarantined
    assert (path, reason) == ("$.pack", "ValueError: no such\\x00alert")
    assert [(ack.upto, ack.refused) for ack in lane.acks] == [(1, []), (2, [])]
    assert lane.onward == [1, 2]


def test_a_fall_that_can_be_no_alert_of_its_kind_is_a_call_for_help_that_says_so(lane: AlarmLane) -> None:
    lane.failing_kind = AlertKind.FALL
    lane.deliver(pressed("home-01", n="band/fall", t=AT_S, vs="confirmed:1"))
    (call,) = lane.raised
    assert (call.kind, call.reason.code) == (AlertKind.SOS, ReasonCode.FALL_CONFIRMED)
    assert [[one.seq for one in ack.refused] for ack in lane.acks] == [[1]]


def test_an_alarm_of_which_nobody_can_say_what_it_asks_for_is_a_call_for_help(
    lane: AlarmLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    for module in (alarm_acceptance, alarm_fallbacks):
        monkeypatch.setattr(module, "alarm_actions", fail)
    lane.press(1)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.ALARM_UNREADABLE]
    assert [[one.seq for one in ack.refused] for ack in lane.acks] == [[1]]


def test_what_a_press_tells_of_its_gateways_clock_never_stands_in_its_way(lane: AlarmLane) -> None:
    lane.clock_failures = 100
    wrong_s = AT_S - 10 * 365 * 86400.0
    envelope = Envelope(gateway="gw-home-01", epoch=1, seq=1, base=1, sent=wrong_s, pack=[press(wrong_s)])
    lane.deliver_message(str(Topic("anning", "home-01", Lane.ALARM)), encode(envelope))
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED]
    assert [ack.upto for ack in lane.acks] == [1]


def test_an_alarm_that_can_never_be_stored_is_refused_kept_and_told_by_kind_and_room(lane: AlarmLane) -> None:
    lane.alert_failures = 5
    lane.press(1)
    lane.press(2)
    reduced, _ = lane.raised
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED] * 2
    assert reduced.facts == {"room": DEVICE_ROOM, "path": "$.pack", "why": "ValueError: no such\\x00alert"}
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


def malformed(number: int, home: str = "home-01") -> RawMessage:
    """An alarm that is refused by its number."""
    envelope = Envelope(
        gateway=f"gw-{home}", epoch=1, seq=number, base=1, sent=AT_S, pack=[Record(n="no-slash", t=AT_S)]
    )
    return RawMessage(str(Topic("anning", home, Lane.ALARM)), encode(envelope), AT_S)


def test_each_malformed_alarm_is_a_call_for_help_and_of_a_home_only_a_few_are_kept(lane: AlarmLane) -> None:
    for number in range(1, BURST + 31):
        lane.deliver(malformed(number), malformed(number, "home-02") if number % 10 == 0 else malformed(number))
    homes = Counter(signal.home_id for signal in lane.raised)
    assert homes == {"home-01": BURST + 30, "home-02": (BURST + 30) // 10}
    assert len(lane.acks) == 2 * (BURST + 30)
    assert len(lane.quarantined) == BURST + homes["home-02"]
    assert list(lane.consumer.drain_flooding()) == ["home-01"]
    lane.record_failures = 1
    for _ in range(2):
        lane.consumer.update_records(final=True)
    assert lane.dropped == {"home-01": 30}


def test_what_could_not_be_stored_has_taken_no_share_of_what_is_kept(lane: AlarmLane) -> None:
    lane.leads = False
    for _ in range(BURST + 5):
        with pytest.raises(LeadershipLost):
            lane.deliver(malformed(1))
    lane.leads, before = True, len(lane.quarantined)
    for number in range(1, BURST + 2):
        lane.deliver(malformed(number))
    assert len(lane.quarantined) - before == BURST
    lane.consumer.update_records(final=True)
    assert lane.dropped == {"home-01": 1}


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
    lane.deliver(RawMessage(topic, payload, AT_S), honest)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED]
    assert [len(kept) for _, _, kept in lane.quarantined] == [len(payload)]


def test_an_error_of_the_database_that_answers_is_the_messages_own(lane: AlarmLane) -> None:
    lane.database_failures = 3
    lane.press(1)
    lane.press(2)
    assert [signal.reason.code for signal in lane.raised] == [ReasonCode.SOS_PRESSED] * 2
    assert len(lane.quarantined) == 1
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


def test_an_ack_tells_the_last_number_of_the_epoch(lane: AlarmLane) -> None:
    lane.press(7, at_s=AT_S - 50)
    lane.press(2)
    assert [(ack.seq, ack.last) for ack in lane.acks] == [(7, 7), (2, 7)]


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


def pressed(home: str, seq: int = 1, at_s: float = AT_S, **said: Any) -> RawMessage:  # noqa: ANN401
    envelope = Envelope(
        gateway=f"gw-{home}", epoch=1, seq=seq, base=1, sent=AT_S, pack=[press(at_s)] if not said else [Record(**said)]
    )
    return RawMessage(str(Topic("anning", home, Lane.ALARM)), encode(envelope), AT_S)


def stored_homes(lane: AlarmLane) -> list[str]:
    return [signal.home_id for signal in lane.raised]


STREET = ["home-01", "home-02", "home-03"]


def test_the_presses_of_different_homes_are_stored_in_one_transaction(lane: AlarmLane) -> None:
    lane.deliver(pressed("home-01"))  # what is read once is read
    lane.commits = 0
    lane.deliver(*[pressed(home, 2) for home in STREET])
    assert lane.commits == 1
    assert stored_homes(lane) == ["home-01", *STREET]
    assert [ack.upto for ack in lane.acks] == [1, 2, 0, 0]
    assert lane.onward == [1, 2, 2, 2]


def test_one_that_cannot_be_stored_is_set_aside_and_the_others_are_stored(lane: AlarmLane) -> None:
    batch = [pressed(home) for home in STREET]
    lane.failing_home = "home-02"
    lane.deliver(*batch)
    assert stored_homes(lane) == ["home-01", "home-01", "home-03"], "the first transaction was rolled back"
    assert [ack.seq for ack in lane.acks] == [1, 1]
    assert [path for path, _, _ in lane.quarantined] == ["$"]


def test_nothing_is_acknowledged_where_the_transaction_of_several_is_refused(lane: AlarmLane) -> None:
    lane.leads = False
    with pytest.raises(LeadershipLost):
        lane.deliver(*[pressed(home) for home in STREET])
    assert (lane.acks, lane.onward) == ([], [])
    lane.leads, lane.raised = True, []
    lane.deliver(*[pressed(home) for home in STREET])
    assert (stored_homes(lane), [ack.upto for ack in lane.acks]) == (STREET, [1, 1, 1])


def test_what_a_home_sends_twice_in_a_batch_keeps_its_order(lane: AlarmLane) -> None:
    lane.deliver(pressed("home-01", 1), pressed("home-01", 2, AT_S + 1), pressed("home-02"))
    assert stored_homes(lane) == ["home-01", "home-02", "home-01"]
    assert [(ack.upto, ack.seq) for ack in lane.acks] == [(1, 1), (1, 1), (2, 2)]


def test_what_was_stored_before_and_what_has_a_taken_number_go_their_own_ways_together(lane: AlarmLane) -> None:
    lane.deliver(pressed("home-01"))
    lane.deliver(pressed("home-02", at_s=AT_S - 5))
    lane.deliver(pressed("home-01"), pressed("home-02"), pressed("home-03"))
    assert [(signal.home_id, signal.facts.get("number_taken")) for signal in lane.raised] == [
        ("home-01", None),
        ("home-02", None),
        ("home-02", True),
        ("home-03", None),
    ]
    assert [path for path, _, _ in lane.quarantined] == ["$.seq"]
    assert [ack.upto for ack in lane.acks] == [1] * 5
