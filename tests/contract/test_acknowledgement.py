"""What a home is told is stored, is stored: whatever the records and the series store do in between.

A home's gateway forgets what is acknowledged. So each acknowledgement is compared, when it is sent, with what the
databases hold at that moment.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixtures._home_client import motion, press
from fixtures.ingest_harness import FailingSeries, records
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from anju_detect.inactivity import LifeBatch
from anju_platform.alerts import intake
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.models import AlertEvent
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.models import Quarantine
from anju_platform.devices.service import DeviceService
from anju_platform.i18n.translation import load_words
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.models import IngestCursor
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Envelope, Record, decode, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

HOME, COMMUNITY, GATEWAY, EPOCH = "home-01", "anning", "gw-home-01", 7
START_S = 1_790_000_000.0
UNREADABLE = Record(n="button-sos/sos", t=0.0, v=float(2**53), vs="both")


class NoMonitoring:
    """The detectors' side of ingest, for tests that are not about it."""

    def find_row(self, home_id: str) -> int:
        return 0

    def update_activity(self, batch: LifeBatch, arrived_s: float) -> None:
        assert np.isfinite(batch.at_s).all()

    def mark_late_readings(self) -> None:
        pass

    def record_last_seen(self, last_seen: Any, arrived_s: float) -> None:  # noqa: ANN401
        pass


def unreachable(_session: Session) -> None:
    raise OperationalError("COMMIT", {}, OSError("the connection is gone"))


def collide(session: Session) -> None:
    """Somebody else's row has this transaction's key: the database itself refuses it."""
    held = session.execute(select(IngestCursor)).scalars().first()
    assert held is not None
    key = {"gateway_id": held.gateway_id, "epoch": held.epoch, "lane": held.lane, "upto": 0}
    session.execute(insert(IngestCursor), key)


class Consumer:
    """One consumer over real databases, whose commits can be made to fail; checks every acknowledgement it sends."""

    def __init__(self, lane: Lane, sessions: sessionmaker[Session], series: FailingSeries) -> None:
        self.lane, self.sessions, self.series = lane, sessions, series
        self.failing: list[Callable[[Session], None]] = []
        self.acked = 0
        self.refused: set[int] = set()
        self.wrong: list[str] = []
        engine = sessions.kw["bind"]
        own: sessionmaker[Session] = sessionmaker(engine, expire_on_commit=False)
        event.listen(own, "before_commit", self._before_commit)
        self._consumer = self._make(lambda: UnitOfWork(own, EventDispatcher(), Clock()))

    def _make(self, work: Callable[[], UnitOfWork]) -> AlarmConsumer | TelemetryConsumer:
        device_cache, registry = DeviceCache(work), DeviceService()
        alerts = AlertSlice.build(OutboxService([]), OncallService(), load_words())
        if self.lane is Lane.ALARM:
            return AlarmConsumer(
                work=work,
                device_cache=device_cache,
                alerts=alerts.intake,
                registry=registry,
                post=self._post,
                onward=lambda _message: None,
            )
        return TelemetryConsumer(
            work=work,
            device_cache=device_cache,
            series=self.series,
            monitor=NoMonitoring(),
            alerts=alerts.intake,
            registry=registry,
            post=self._post,
        )

    def _before_commit(self, session: Session) -> None:
        if self.failing:
            self.failing.pop(0)(session)

    def _post(self, _topic: str, payload: bytes) -> None:
        ack = decode(Ack, payload)
        assert (ack.epoch, ack.lane) == (EPOCH, self.lane)
        self.acked = max(self.acked, ack.upto)
        self.refused |= {refusal.seq for refusal in ack.refused}
        gone = [seq for seq in range(1, self.acked + 1) if not self.stored(seq) and seq not in self.refused]
        # Noted, not raised: the consumer would take an error here for one of the records.
        self.wrong += [f"{seq} is acknowledged, and neither stored nor refused" for seq in gone]
        if len(self.refused) > self.quarantined():
            self.wrong.append("refused, and not kept")

    def stored(self, seq: int) -> bool:
        if self.lane is Lane.TELEMETRY:
            return bool(self.series.read_home(HOME, START_S + seq, START_S + seq + 0.5, ["occupancy"]))
        with self.sessions() as session:
            source = f"{GATEWAY}/{EPOCH}/{Lane.ALARM}/{seq}/0"
            return session.scalar(select(AlertEvent).where(AlertEvent.source == source)) is not None

    def cursor(self) -> int:
        with self.sessions() as session:
            return session.scalar(select(IngestCursor.upto)) or 0

    def quarantined(self) -> int:
        with self.sessions() as session:
            return len(session.scalars(select(Quarantine.id)).all())

    def send(self, seq: int, *, readable: bool = True) -> None:
        """One message, once. Raises what the consumer raises."""
        at_s = START_S + seq
        good = press(at_s) if self.lane is Lane.ALARM else motion(at_s)
        pack = [good if readable else UNREADABLE]
        envelope = Envelope(gateway=GATEWAY, epoch=EPOCH, seq=seq, base=1, sent=at_s, pack=pack)
        try:
            self._consumer.consume_batch([RawMessage(str(Topic(COMMUNITY, HOME, self.lane)), encode(envelope), at_s)])
        finally:
            assert self.wrong == []

    def settle(self) -> None:
        """Send the acknowledgements that telemetry gathers for half a second."""
        if isinstance(self._consumer, TelemetryConsumer):
            self._consumer.update_records(final=True)
        assert self.wrong == []

    def send_until_acknowledged(self, seq: int, *, readable: bool = True) -> None:
        """Again and again, as ingest does with what raised and a home with what is not acknowledged."""
        for _ in range(10):
            with contextlib.suppress(OperationalError, IntegrityError, SeriesUnavailable):
                self.send(seq, readable=readable)
            with contextlib.suppress(OperationalError, IntegrityError):
                self.settle()
            if self.acked >= seq and not self.failing:
                return self.settle()  # what was stored before may be acknowledged while its cursor still waits
        raise AssertionError(f"message {seq} is never acknowledged")


@pytest.fixture(params=[Lane.ALARM, Lane.TELEMETRY])
def consumer(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Consumer]:
    """Each consumer, on each database, with a first message stored and acknowledged."""
    series = FailingSeries(tmp_path / "series.duckdb")
    with records(database_url) as sessions:
        made = Consumer(request.param, sessions, series)
        made.send_until_acknowledged(1)
        assert (made.acked, made.stored(1), made.cursor()) == (1, True, 1)
        yield made
    series.close()


def test_what_is_not_stored_is_not_acknowledged_and_comes_again(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that fails is tried again; no valid message is refused for it.

    After each failure the database is asked whether it is there, which fails as well while failures are left: of five
    in a row, whatever their kind, the last one therefore is the alarm's third try.
    """
    monkeypatch.setattr(intake, "MOST_REPEATS", 100)  # each press stands in the history
    seq = 1
    unreadable = set()
    for failure, times, readable in itertools.product((unreachable, collide), (1, 3, 5), (True, False)):
        seq += 1
        unreadable |= set() if readable else {seq}
        consumer.failing = [failure] * times
        consumer.send_until_acknowledged(seq, readable=readable)
        case = (failure.__name__, times, readable)
        assert consumer.cursor() == seq, case
        assert consumer.stored(seq) is (seq not in consumer.refused), case
    assert consumer.refused == unreadable


def test_a_message_that_is_not_stored_is_not_acknowledged_with_the_one_after_it(consumer: Consumer) -> None:
    """A home sends several before the first is acknowledged; acknowledging the last acknowledges all before it."""
    consumer.failing = [unreachable] * 10
    with contextlib.suppress(OperationalError):
        consumer.send(2)
    with contextlib.suppress(OperationalError):
        consumer.settle()
    assert not consumer.stored(2) or consumer.lane is Lane.TELEMETRY
    consumer.failing = []
    for seq in (3, 2, 3):
        consumer.send(seq)
        consumer.settle()
    assert (consumer.acked, consumer.stored(2), consumer.stored(3), consumer.cursor()) == (3, True, True, 3)


def test_readings_that_the_series_store_did_not_take_are_not_acknowledged(consumer: Consumer) -> None:
    """Alarms do not need the series store."""
    consumer.series.away = True
    if consumer.lane is Lane.TELEMETRY:
        with pytest.raises(SeriesUnavailable):
            consumer.send(2)
        consumer.settle()
        assert (consumer.acked, consumer.cursor()) == (1, 1)
        consumer.series.away = False
    consumer.send_until_acknowledged(2)
    assert (consumer.acked, consumer.stored(2), consumer.cursor()) == (2, True, 2)
