"""Gives the platform as it is composed, its consumers fed by hand: hostile homes send, honest ones press behind them.

Nothing is stood in for: records on SQLite or PostgreSQL, series in a DuckDB file, alerts, monitoring, outbox and pages.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import time
import traceback
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from fixtures._home_client import motion, press
from fixtures.tenants import District, open_district
from fuzz.corpus import DEVICES, Corpus, record_corpus
from fuzz.hostile import MARK, Mutator
from fuzz.run_report import SEED
from sqlalchemy import select

from anju_core.actor import Actor
from anju_core.vocabulary import CallOutcome, Outcome, Role
from anju_platform.alerts.models import Alert
from anju_platform.app.bootstrap import make_consumers
from anju_platform.devices.models import Device, Gateway
from anju_platform.devices.service import DeviceService
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.models import AlarmDigest
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.monitoring.models import HomeSupervision
from anju_platform.residents.models import Home, Resident
from anju_wire.messages import Ack, Envelope, Record, decode, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

HONEST = ("home-02", "home-03", "home-04", "home-05", "home-06")
_EPOCH = 5


class HostileHome:
    """Draws the messages of one home's gateway, which is in a stranger's hands; a lane's seed gives the same again."""

    def __init__(self, home: str, gateway: str, community: str, corpus: Corpus, seed: str) -> None:
        self._own, self._gateway, self._corpus = f"anju/v1/{community}/{home}", gateway, corpus
        self._mutators = {lane: Mutator(f"{seed}/{home}/{lane}") for lane in Lane}
        self._seq = dict.fromkeys(Lane, 0)

    def name_marked(self, lane: Lane, now_s: float) -> RawMessage:
        """Return a message that any platform takes, of devices with the mark in their names."""
        self._seq[lane] += 1
        named = {Lane.ALARM: ("sos", "smoke"), Lane.TELEMETRY: ("occupancy", "sos", "mood")}[lane]
        pack = [Record(n=f"{MARK}{one}/{one}", t=now_s, vb=True) for one in named]
        seq = self._seq[lane]
        envelope = Envelope(gateway=self._gateway, epoch=1, seq=seq, base=1, sent=now_s, pack=pack)
        return RawMessage(f"{self._own}/{lane}", encode(envelope), now_s)

    def draw(self, lane: Lane, now_s: float) -> RawMessage:
        """Return the lane's next message."""
        mutator = self._mutators[lane]
        if lane is Lane.STATUS:
            others = self._corpus.statuses
            payload = mutator.random.choice(others)
        else:
            self._seq[lane] += 1
            others = self._corpus.packs[lane]
            epoch, seq, base = mutator.number(self._seq[lane])
            numbers = f'"gateway":"{self._gateway}","epoch":{epoch},"seq":{seq},"base":{base},"sent":{now_s}'
            payload = b"{" + numbers.encode() + b',"pack":' + mutator.random.choice(others) + b"}"
        return RawMessage(mutator.topic(self._own, lane), mutator.mutate(payload, others), now_s)


@dataclass
class HonestHome:
    """Sends presses and movements that must be stored, numbered from 1."""

    home: str
    seq: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))

    def send(self, lane: Lane, record: Record, now_s: float) -> RawMessage:
        """Return the lane's next message, with one record."""
        seq = self.seq[lane] = self.seq[lane] + 1
        envelope = Envelope(gateway=f"gw-{self.home}", epoch=_EPOCH, seq=seq, base=seq, sent=now_s, pack=[record])
        return RawMessage(str(Topic("anning", self.home, lane)), encode(envelope), now_s)


class FuzzedPlatform:
    """The consumers of a district's platform, hostile and honest homes, and what was answered to the honest."""

    def __init__(self, district: District, folder: Path, found: Path, log: QuietLog) -> None:
        self.district, self.platform, self._found, self.log = district, district.platform, found, log
        self.now = self.platform.clock.time
        self._passed = queue.SimpleQueue[Incoming]()
        self._answered: dict[tuple[str, Lane], int] = {}
        self._register()
        self.hostile = []
        for home, community in (("home-01", "anning"), ("home-99", "huaian")):
            (folder / home).mkdir()
            corpus = record_corpus(folder / home, f"gw-{home}", self.now())
            self.hostile.append(HostileHome(home, f"gw-{home}", community, corpus, str(SEED)))
        self.honest = [HonestHome(home) for home in HONEST]
        self.platform.monitoring.restore_state(self.platform.series)
        self.alarms, self.telemetry = make_consumers(
            self._post,
            self._passed.put,
            work=self.platform.work,
            alarm_work=self.platform.work,
            series=self.platform.series,
            alerts=self.platform.alerts.intake,
            devices=self.platform.services.get(DeviceService),
            monitoring=self.platform.monitoring,
        )

    def _register(self) -> None:
        """Add the honest homes, and devices of every kind in the hostile ones.

        Names hold the mark as well: pages show few words of homes, and what checks that they are escaped must see some.
        """
        with self.platform.work() as work:
            for home in HONEST:
                work.session.add(Home(id=home, community_id="anning", estate="春晖里", building="3", room=home[-2:]))
            work.session.flush()
            for home in HONEST:
                work.session.add_all([HomeSupervision(home_id=home), Gateway(id=f"gw-{home}", home_id=home)])
            for home in (*HONEST, "home-01", "home-99"):
                for device in DEVICES:
                    if work.session.get(Device, (home, device.id)) is None:
                        row = Device(home_id=home, id=device.id, kind=device.kind.value, room=device.room.value)
                        row.label = f"{MARK}{device.label}"
                        work.session.add(row)
            for resident in work.session.scalars(select(Resident)):
                resident.name = f"{MARK}{resident.name}"

    def _post(self, topic: str, payload: bytes) -> None:
        ack, home = decode(Ack, payload), topic.split("/")[3]
        if home in HONEST:
            assert not ack.refused, f"an honest message of {home} is refused"
            assert ack.epoch == _EPOCH
            self._answered[home, ack.lane] = max(ack.upto, self._answered.get((home, ack.lane), 0))

    def send_alarms(self, hostile: Sequence[RawMessage], number: int) -> float:
        """Hand over hostile messages and an honest press behind them; return after how many seconds it was stored.

        Stored is: acknowledged to its home, and in the records as another connection reads them.
        """
        one = self.honest[number % len(self.honest)]
        pressed = one.send(Lane.ALARM, press(self.now()), self.now())
        begun = time.monotonic()
        with self._reproducer("alarm", [*hostile, pressed]):
            self.alarms.consume_batch([*hostile, pressed])
            took_s = time.monotonic() - begun
            assert self._answered.get((one.home, Lane.ALARM)) == one.seq[Lane.ALARM], "a press is not acknowledged"
            with self.platform.sessions() as session:
                of_press = (AlarmDigest.gateway_id == f"gw-{one.home}", AlarmDigest.seq == one.seq[Lane.ALARM])
                assert session.scalar(select(AlarmDigest.digest).where(*of_press)), "a press is not stored"
        return took_s

    def send_telemetry(self, hostile: Sequence[RawMessage], number: int) -> None:
        """Hand over a batch of hostile messages and an honest one behind it, with what alarms passed on."""
        one = self.honest[number % len(self.honest)]
        moved = one.send(Lane.TELEMETRY, motion(self.now()), self.now())
        onward = [self._passed.get() for _ in range(self._passed.qsize())]
        with self._reproducer("telemetry", [*hostile, moved]):
            self.telemetry.consume_batch([*hostile, moved], onward)
            self.telemetry.update_records(final=True)
            told = self._answered.get((one.home, Lane.TELEMETRY))
            assert told == one.seq[Lane.TELEMETRY], "an honest reading is not acknowledged"

    def close_alerts(self) -> None:
        """Have workers close every open alert but those with a visit, as real help, each in a transaction."""
        service, visited = self.platform.alerts.service, {one.alert for one in self.district.tenants.values()}
        with self.platform.work() as work:
            query = select(Alert.id, Alert.community_id).where(Alert.closed_at.is_(None), Alert.id.not_in(visited))
            is_open = work.session.execute(query).all()
        for alert_id, community in is_open:
            worker = Actor(self.district.tenants[community].worker, "王姐", Role.WORKER, community)
            with self.platform.work() as work:
                service.acknowledge_alert(work, alert_id, worker)
                service.record_contact_attempt(work, alert_id, worker, who="120", outcome=CallOutcome.REACHED_OK)
                service.resolve_alert(work, alert_id, worker, outcome=Outcome.REAL_HELPED, note="已送医")

    @contextmanager
    def _reproducer(self, line: str, messages: Sequence[RawMessage]) -> Iterator[None]:
        """Keep messages that an exception leaves, in a file that `replay` reads."""
        try:
            yield
        except BaseException as error:
            self._found.mkdir(parents=True, exist_ok=True)
            path = self._found / f"{line}-{SEED}-{time.time_ns()}.json"
            rows = [[topic, b64encode(payload).decode(), at_s] for topic, payload, at_s in messages]
            path.write_text(json.dumps({"error": repr(error), "seed": SEED, "messages": rows}, ensure_ascii=False))
            error.add_note(f"kept in {path}")
            raise


@dataclass
class QuietLog:
    """Takes the place of the log: counts what is said, and keeps the last errors. Writing it all would take the time.

    shown: how often each event was logged, by level and words.
    """

    shown: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def __call__(self, _logger: object, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        """Count an event and let nobody write it."""
        self.shown[level, str(event.get("event"))] += 1
        if level in {"error", "exception", "critical"}:
            self.errors.append("".join(traceback.format_exception(sys.exception())) + repr(event)[:2000])
        raise structlog.DropEvent


@pytest.fixture
def quiet_log() -> QuietLog:
    """The process's log, silent."""
    log = QuietLog()
    structlog.configure(processors=[log])
    return log


@pytest.fixture
def fuzzed(database_url: str, tmp_path: Path, quiet_log: QuietLog) -> Iterator[FuzzedPlatform]:
    """A district's platform on each kind of database."""
    found = Path(os.environ.get("ANJU_FUZZ_FOUND", str(tmp_path / "found")))
    with open_district(database_url, tmp_path) as district:
        yield FuzzedPlatform(district, tmp_path, found, quiet_log)
        district.platform.deliveries.stop()
