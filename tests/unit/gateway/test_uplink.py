"""The uplink over sessions that can be cut: what it sends, whom it believes, and when it gives a line up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from anju_gateway.mqtt import Endpoint, MessageToken
from anju_gateway.spool import Spool
from anju_gateway.uplink import ALARM_SESSION, TELEMETRY_SESSION, Uplink, UplinkLine
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Envelope, Record, Refusal, Status, decode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

NOW = 1_750_000_000.0
MAIN, BACKUP = Endpoint("main", 8883), Endpoint("spare", 8883, backup=True)


class FakeSession:
    """Takes what is published while it is connected."""

    def __init__(self) -> None:
        self.connected = False
        self.answered_at = 0.0
        self.published: list[tuple[str, bytes, bool]] = []
        self.started = self.dropped = 0
        self.settled: list[MessageToken] = []
        self.last: tuple[str, bytes] | None = None

    def start(self) -> None:
        self.started += 1

    def stop(self, last: tuple[str, bytes] | None = None) -> None:
        self.connected, self.last = False, last

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> object | None:
        if not self.connected:
            return None
        self.published.append((topic, payload, retain))
        return self.published[-1]

    def ack(self, token: MessageToken) -> None:
        self.settled.append(token)

    def drop_connection(self) -> None:
        self.dropped += 1
        self.connected = False

    def envelopes(self) -> list[Envelope]:
        found = [decode(Envelope, raw) for _, raw, retained in self.published if not retained]
        self.published.clear()
        return found

    def seqs(self) -> list[int]:
        return [envelope.seq for envelope in self.envelopes()]


class Home:
    def __init__(self, path: Path) -> None:
        self.spool = Spool(path, NOW)
        self.alarm, self.telemetry = FakeSession(), FakeSession()
        self.wall = NOW
        self.uplink = Uplink(
            gateway="gw-1",
            topics={lane: Topic("anning", "home-07", lane) for lane in Lane},
            spool=self.spool,
            sessions={ALARM_SESSION: self.alarm, TELEMETRY_SESSION: self.telemetry},
            wall=lambda: self.wall,
        )
        self.uplink.start_sessions(0.0)

    def put(self, lane: Lane, count: int = 1) -> None:
        with self.spool.transaction():
            self.spool.append(lane, [[Record(n="d/x", t=NOW, vb=True)]] * count)

    def up(self, now: float, endpoint: Endpoint = MAIN) -> None:
        for name, session in ((ALARM_SESSION, self.alarm), (TELEMETRY_SESSION, self.telemetry)):
            session.connected, session.answered_at = True, now
            self.uplink.note_line_up(name, endpoint, now)

    def ack(self, lane: Lane, upto: int, now: float, epoch: int | None = None) -> int | None:
        """Acknowledge as the platform does: of alarms each by its content, of telemetry up to a number."""
        epoch = self.spool.epoch if epoch is None else epoch
        if lane is not Lane.ALARM:
            return self.uplink.apply_ack(Ack(epoch=epoch, lane=lane, upto=upto), now)
        found = None
        pending = {stored.seq: stored for stored in self.spool.read_pending(lane, 1, 100)}
        for seq in sorted({seq for seq in pending if seq <= upto} | {upto}):
            digest = digest_of_bytes(self.uplink._envelope(lane, pending[seq])) if seq in pending else "none"
            found = self.uplink.apply_ack(Ack(epoch=epoch, lane=lane, upto=upto, seq=seq, digest=digest), now)
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "spool.sqlite")
    yield made
    made.spool.close()


def test_nothing_is_sent_without_a_line_and_all_of_it_with_one(home: Home) -> None:
    home.put(Lane.ALARM, 2)
    home.put(Lane.TELEMETRY, 3)
    home.uplink.send_due(0.0)
    assert (home.alarm.seqs(), home.telemetry.seqs()) == ([], [])
    home.up(1.0)
    home.uplink.send_due(1.0)
    assert home.alarm.published[0][0] == "anju/v1/anning/home-07/alarm"
    assert (home.alarm.seqs(), home.telemetry.seqs()) == ([1, 2], [1, 2, 3])
    home.uplink.send_due(2.0)
    assert (home.alarm.seqs(), home.telemetry.seqs()) == ([], [])


def test_an_envelope_is_stamped_at_each_sending(home: Home) -> None:
    home.put(Lane.ALARM, 2)
    home.up(0.0)
    home.uplink.send_due(0.0)
    home.wall += 600
    home.ack(Lane.ALARM, 1, 1.0)
    home.alarm.envelopes()
    home.up(2.0)
    home.uplink.send_due(2.0)
    (again,) = home.alarm.envelopes()
    assert (again.seq, again.base, again.sent, again.gateway) == (2, 2, NOW + 600, "gw-1")
    assert again.epoch == home.spool.epoch
    assert again.pack == [Record(n="d/x", t=NOW, vb=True)]


def test_only_the_platforms_ack_clears_the_spool(home: Home) -> None:
    home.put(Lane.ALARM, 3)
    home.up(0.0)
    home.uplink.send_due(0.0)
    assert home.spool.count_waiting()["alarm"] == 3
    assert home.ack(Lane.ALARM, 2, 1.0) == 2
    assert home.spool.count_waiting()["alarm"] == 1


@pytest.mark.parametrize(("upto", "epoch"), [(9, None), (1, 5)])
def test_an_ack_of_another_life_clears_nothing(home: Home, upto: int, epoch: int | None) -> None:
    home.put(Lane.ALARM, 3)
    assert home.ack(Lane.ALARM, upto, 1.0, epoch) is None
    assert home.spool.count_waiting()["alarm"] == 3


def test_an_ack_that_says_nothing_new_does_not_put_the_next_attempt_off(home: Home) -> None:
    home.put(Lane.ALARM, 2)
    home.up(0.0)
    home.uplink.send_due(0.0)
    home.ack(Lane.ALARM, 1, 1.0)
    home.alarm.seqs()
    for second in (2.0, 3.0, 4.0, 5.0):
        home.ack(Lane.ALARM, 1, second)
    home.alarm.answered_at = 5.0
    home.uplink.send_due(6.1)
    assert home.alarm.seqs() == [2]


def test_what_is_refused_is_logged_and_forgotten(home: Home) -> None:
    home.put(Lane.TELEMETRY, 1)
    refused = [Refusal(seq=1, path="$.pack[0].v", reason="no number")]
    with capture_logs() as logs:
        home.uplink.apply_ack(Ack(epoch=home.spool.epoch, lane=Lane.TELEMETRY, upto=1, refused=refused), 1.0)
    assert home.spool.count_waiting()["telemetry"] == 0
    assert {"event": "refused", "seq": 1, "path": "$.pack[0].v"}.items() <= logs[0].items()


def test_an_alarm_is_forgotten_only_when_its_own_content_is_stored(home: Home) -> None:
    home.put(Lane.ALARM, 3)
    home.up(0.0)
    home.uplink.send_due(0.0)
    own = [digest_of_bytes(raw) for _, raw, _ in home.alarm.published]

    def ack(seq: int, digest: str) -> int | None:
        return home.uplink.apply_ack(
            Ack(epoch=home.spool.epoch, lane=Lane.ALARM, upto=seq, seq=seq, digest=digest), 1.0
        )

    assert ack(3, "") == 0, "an ack without content names no alarm"
    assert home.spool.count_waiting()["alarm"] == 3
    assert ack(3, own[0]) == 0, "another message has its number"
    assert ack(2, own[1]) == 0, "stored, but the one before it is not"
    assert home.spool.count_waiting()["alarm"] == 3
    home.wall += 77.25
    assert ack(1, own[0]) == 2
    assert home.spool.count_waiting()["alarm"] == 1
    home.alarm.published.clear()
    home.up(2.0)
    home.uplink.send_due(2.0)
    ((_, again, _),) = home.alarm.published
    assert digest_of_bytes(again) == own[2], "base and sent are new, the message is the same"
    assert ack(3, own[2]) == 3


def test_a_spool_that_went_back_in_time_goes_on_under_a_new_epoch(home: Home) -> None:
    home.put(Lane.ALARM, 2)
    home.put(Lane.TELEMETRY, 2)
    home.up(0.0)
    home.uplink.send_due(0.0)
    home.alarm.published.clear()
    home.telemetry.published.clear()
    before = home.spool.epoch
    known = Ack(epoch=before, lane=Lane.TELEMETRY, upto=40, last=40)
    assert home.uplink.apply_ack(known, 1.0) is None
    assert home.spool.epoch > before
    assert home.spool.count_waiting() == {"alarm": 2, "clip": 0, "telemetry": 2}, "nothing is forgotten"
    home.uplink.send_due(1.0)
    assert {one.epoch for one in (*home.alarm.envelopes(), *home.telemetry.envelopes())} == {home.spool.epoch}
    now = home.spool.epoch
    home.uplink.apply_ack(Ack(epoch=now, lane=Lane.TELEMETRY, upto=2, last=999), 2.0)
    assert home.spool.epoch == now, "nobody makes it begin one epoch after the other"
    assert home.spool.count_waiting()["telemetry"] == 0


def test_the_platforms_own_last_number_is_no_reason_for_a_new_epoch(home: Home) -> None:
    home.put(Lane.TELEMETRY, 2)
    before = home.spool.epoch
    home.uplink.apply_ack(Ack(epoch=before, lane=Lane.TELEMETRY, upto=2, last=2), 1.0)
    assert (home.spool.epoch, home.spool.count_waiting()["telemetry"]) == (before, 0)


def test_without_an_ack_it_is_sent_again_on_a_line_that_answers(home: Home) -> None:
    home.put(Lane.ALARM)
    home.up(0.0)
    home.uplink.send_due(0.0)
    home.alarm.answered_at = 0.1
    home.uplink.send_due(4.9)
    assert home.alarm.seqs() == [1]
    home.uplink.send_due(5.0)
    assert home.alarm.seqs() == [1]
    assert home.alarm.dropped == 0


def test_a_line_from_which_nothing_comes_back_is_given_up(home: Home) -> None:
    home.up(0.0)
    home.put(Lane.ALARM)
    home.uplink.send_due(1.0)
    home.uplink.send_due(6.0)
    assert home.alarm.dropped == 1
    home.up(7.0)
    home.alarm.seqs()
    home.uplink.send_due(7.0)
    assert home.alarm.seqs() == [1]


def test_while_the_platform_is_offline_telemetry_waits_and_alarms_go(home: Home) -> None:
    home.up(0.0)
    home.uplink.note_platform(online=False, now=0.0)
    home.put(Lane.ALARM)
    home.put(Lane.TELEMETRY)
    home.uplink.send_due(0.0)
    assert (home.alarm.seqs(), home.telemetry.seqs()) == ([1], [])
    home.uplink.note_platform(online=True, now=1.0)
    home.uplink.send_due(1.0)
    assert (home.alarm.seqs(), home.telemetry.seqs()) == ([1], [1]), "all of it, when the platform is back"


def test_the_line_is_told_truthfully(home: Home) -> None:
    assert home.uplink.current_line(3.0, grace_s=5.0) is UplinkLine.MAIN, "a short break does not count yet"
    assert home.uplink.current_line(5.1, grace_s=5.0) is UplinkLine.NONE
    home.up(6.0)
    assert home.uplink.current_line(6.0, grace_s=5.0) is UplinkLine.MAIN
    home.uplink.note_line_down(ALARM_SESSION, 10.0)
    assert home.uplink.current_line(14.0, grace_s=5.0) is UplinkLine.MAIN
    home.up(14.0, BACKUP)
    assert home.uplink.current_line(30.0, grace_s=5.0) is UplinkLine.BACKUP
    home.uplink.note_platform(online=False, now=30.0)
    assert home.uplink.current_line(36.0, grace_s=5.0) is UplinkLine.NONE
    home.uplink.note_platform(online=True, now=36.0)
    assert home.uplink.current_line(36.0, grace_s=5.0) is UplinkLine.BACKUP


def test_telemetry_going_down_is_no_matter_for_alarms(home: Home) -> None:
    home.up(0.0)
    home.uplink.note_line_down(TELEMETRY_SESSION, 1.0)
    assert home.uplink.current_line(60.0, grace_s=5.0) is UplinkLine.MAIN


def test_it_says_goodbye(home: Home) -> None:
    home.up(0.0)
    home.uplink.stop(Status(gateway="gw-1", online=False, at=NOW))
    assert home.alarm.last is not None
    assert home.alarm.last[0].endswith("/status")
    assert not decode(Status, home.alarm.last[1]).online
