"""Ingest as a whole: a source of messages, two queues, and a thread for each, so that series never delay an alarm.

Nothing here knows where messages come from or where they are stored; `app` chooses the adapters.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from anju_platform.db.errors import CommitRefused, describe_error
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.fair_queue import BoundedQueue
from anju_platform.ingest.home_queue import QueueLimits
from anju_platform.ingest.ports import MessageSource, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.right_of_way import RightOfWay
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.bounds import clean_text
from anju_wire.clock import Clock
from anju_wire.vocabulary import Lane

_GATHER_S = 0.05
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = {"alarm": 2.0, "telemetry": 10.0}
"""Of a batch that could not be stored: the wait doubles up to this. No press may sleep on once the records are back."""
_MOST_ONWARD = 20_000
ALARM_QUEUE = QueueLimits(
    batch=32,
    turns=1,
    messages=128,
    payload_bytes=16 * 2**20,
    burst=64,
    per_s=1.0,
    newest=4,
    overtakes=f"/{Lane.ALARM}",
    light=8,
    heavy_burst=64,
    heavy_per_s=16.0,
)
"""First presses are stored together, and wait for one message besides of the homes that have several.

A gateway's window is 64 alarms (anju_gateway.retransmission). Homes that send many at once share what one of them would
get: 50 of them that are served at their own rates keep the line busy without a pause.
"""
TELEMETRY_QUEUE = QueueLimits(batch=2000, messages=512, payload_bytes=16 * 2**20, burst=2048, per_s=128.0)
"""A gateway's window is 32 packs and 2 clips, acknowledged twice a second: 68 messages a second at most."""
_LINGER_S = 0.05
"""Telemetry waits so long for company: a transaction of the series store costs as much as a thousand readings."""
_STOP_S = 10.0
_LONGEST_NAME = 200
_MOST_TRIES = 5
"""Of a batch that fails although nothing is away: it is then left out, unacknowledged, and its homes send it again."""
_AWAY = (SeriesUnavailable, SQLAlchemyError, OSError, CommitRefused)
"""What consumers raise only where the series or the records are away; such a batch is tried until it is stored."""
log = structlog.get_logger("anju.ingest")

Consumers = Callable[[Post, Callable[[Incoming], None]], tuple[AlarmConsumer, TelemetryConsumer]]
"""Makes the two consumers, given how to send an acknowledgement and how to pass an alarm on to the series."""


@dataclass(frozen=True, slots=True)
class _Term:
    """The parts that live from one `start` to its `stop`; the next `start` makes new ones."""

    source: MessageSource
    alarms: AlarmConsumer
    telemetry: TelemetryConsumer
    passed: queue.SimpleQueue[Incoming]
    stop: threading.Event
    threads: list[threading.Thread]
    waiting: Mapping[str, BoundedQueue]
    """The queue of each line."""
    flooding: dict[str, None] = field(default_factory=dict)
    """Homes over their rate that are still to be reported."""
    lost: dict[str, None] = field(default_factory=dict)
    """Homes of which something was neither used nor kept that are still to be reported."""


class IngestService:
    """Everything that comes in, from the source to the consumers. Can be started again after it was stopped.

    set_receiving: is told whether telemetry can be received and stored; while it cannot, a silence means nothing.
    may_act: asked before each batch; while it says no, nothing is stored and nothing is acknowledged.
    """

    def __init__(
        self,
        *,
        make_source: Callable[[], MessageSource],
        make_consumers: Consumers,
        clock: Clock,
        metrics: CollectorRegistry,
        set_receiving: Callable[[bool, float], None],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._make_source, self._make_consumers = make_source, make_consumers
        self._clock, self._set_receiving, self._may_act = clock, set_receiving, may_act
        self._term: _Term | None = None
        self.right_of_way = RightOfWay()
        """Alarms have it while they are stored."""
        self._begun: dict[str, float] = {}
        self._messages = Counter("anju_ingest_messages", "Messages from homes", ["line"], registry=metrics)
        self._failures = Counter(
            "anju_ingest_failures", "Batches that had to be tried again", ["line"], registry=metrics
        )
        self._left_out = Gauge(
            "anju_ingest_left_out", "Messages since the start that found no room", ["line"], registry=metrics
        )
        self._lost = Counter(
            "anju_ingest_lost", "Messages that were neither used nor kept in quarantine", registry=metrics
        )
        stuck = Gauge("anju_ingest_stuck_seconds", "Since when a batch is not stored", ["line"], registry=metrics)
        for name in ("alarm", "telemetry"):
            stuck.labels(name).set_function(partial(self.stuck_s, name))

    @property
    def ready(self) -> bool:
        """Whether the source is connected and both threads are alive."""
        term = self._term
        return term is not None and term.source.ready and all(thread.is_alive() for thread in term.threads)

    def stuck_s(self, line: str) -> float:
        """Return for how many seconds (monotonic clock) a line's batch is under way or an alarm waits; 0: neither.

        A batch counts from its beginning: one that hangs raises nothing. An alarm counts from its arrival, whatever it
        waits for: its turn, or its home that somebody has locked. Readings may wait for their turn.
        """
        begun, term, now = self._begun.get(line), self._term, time.monotonic()
        if line != "alarm" or term is None:
            return 0.0 if begun is None else now - begun
        locked = term.alarms.waiting_since_s
        since = (one for one in (begun, locked) if one is not None)
        return max(now - min(since, default=now), term.waiting[line].longest_wait_s())

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message for a home to the source; raises `ConnectionError` where it is not taken."""
        term = self._term
        if term is None:
            raise ConnectionError("ingest is not running in this process")
        term.source.publish(topic, payload)

    def start(self) -> None:
        """Make source and consumers, connect (again and again, if need be) and begin to work."""
        source, passed, stop = self._make_source(), queue.SimpleQueue[Incoming](), threading.Event()
        alarms, telemetry = self._make_consumers(source.acknowledge, passed.put)
        waiting = {"alarm": BoundedQueue(ALARM_QUEUE), "telemetry": BoundedQueue(TELEMETRY_QUEUE)}
        term = _Term(source, alarms, telemetry, passed, stop, [], waiting)
        telemetry.give_way = self.right_of_way.give_way
        for name, linger_s, consume in (
            ("alarm", 0.0, lambda batch: self._consume_alarms(term, batch)),
            ("telemetry", _LINGER_S, lambda batch: self._consume_telemetry(term, batch)),
        ):
            self._left_out.labels(name).set_function(partial(getattr, waiting[name], "left_out"))
            target = (term, name, waiting[name], linger_s, consume)
            term.threads.append(threading.Thread(target=self._run, args=target, name=f"ingest-{name}", daemon=True))
        self._term = term  # first: `stop` must find what began, also where the rest of this fails
        for thread in term.threads:
            thread.start()

        def take_telemetry(came: Iterable[RawMessage]) -> None:
            self.right_of_way.give_way()
            waiting["telemetry"].put_messages(came)

        source.start(on_alarms=waiting["alarm"].put_messages, on_telemetry=take_telemetry)

    def stop(self, *, orderly: bool = True) -> None:
        """Stop the threads and the source; `orderly`: say goodbye to the homes, and save what is not saved yet."""
        term, self._term = self._term, None
        if term is None:
            return
        term.stop.set()
        for thread in term.threads:
            thread.join(_STOP_S)
        self._begun.clear()
        term.source.stop(say_goodbye=orderly)
        if orderly:
            term.alarms.update_records(final=True)
            term.telemetry.update_records(final=True)

    def _run(
        self,
        term: _Term,
        name: str,
        messages: BoundedQueue,
        linger_s: float,
        consume: Callable[[list[RawMessage]], None],
    ) -> None:
        longest_s, tries = 0.0, 0
        batch: list[RawMessage] = []
        while not term.stop.is_set():
            batch = batch or messages.gather_batch(term.stop, linger_s)
            if not self._may_act():
                term.stop.wait(_GATHER_S)
                continue
            if name not in self._begun:
                self._begun[name] = time.monotonic()
            try:
                consume(batch)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a batch does
                longest_s, tries = min(max(2 * longest_s, _FIRST_RETRY_S), _LONGEST_RETRY_S[name]), tries + 1
                wait_s = longest_s * random.uniform(0.5, 1.0)
                self._note_failure(name, error, len(batch), wait_s)
                if tries < _MOST_TRIES or isinstance(error, _AWAY):
                    term.stop.wait(wait_s)
                    continue
                log.warning("a batch is left out, and its homes send it again", messages=len(batch))
            else:
                self._messages.labels(name).inc(len(batch))
            self._begun.pop(name, None)
            longest_s, tries, batch = 0.0, 0, []

    def _note_failure(self, name: str, error: Exception, messages: int, wait_s: float) -> None:
        self._failures.labels(name).inc()
        note = log.warning if isinstance(error, SeriesUnavailable) else log.exception
        note(
            "a batch could not be stored; trying again",
            messages=messages,
            wait_s=wait_s,
            error=describe_error(error)[:300],
        )

    def _consume_alarms(self, term: _Term, batch: Sequence[RawMessage]) -> None:
        with self.right_of_way.claim_way() if batch else nullcontext():
            term.alarms.consume_batch(batch)
        term.alarms.update_records()
        drains = (*(one.drain_flooding for one in term.waiting.values()), term.alarms.drain_flooding)
        for drain_flooding in (*drains, term.telemetry.drain_flooding):
            term.flooding.update(dict.fromkeys(drain_flooding()))
        lost = term.telemetry.drain_lost()
        self._lost.inc(len(lost))
        term.lost.update(dict.fromkeys(lost))
        for waiting, report in ((term.flooding, term.alarms.report_flooding), (term.lost, term.alarms.report_lost)):
            if waiting:  # one of each at a time: the next press must not wait for many
                _report_next(waiting, report)

    def _consume_telemetry(self, term: _Term, batch: Sequence[RawMessage]) -> None:
        self.right_of_way.give_way()
        onward = [term.passed.get() for _ in range(term.passed.qsize())]
        try:
            if batch or onward:
                term.telemetry.consume_batch(batch, onward)
            else:
                term.telemetry.update_records()
            self._set_receiving(term.source.receives_telemetry, self._clock.time())
        except Exception as error:
            self._set_receiving(False, self._clock.time())
            if isinstance(error, _AWAY):
                for message in onward[-_MOST_ONWARD:]:
                    term.passed.put(message)
            raise


def _report_next(waiting: dict[str, None], report: Callable[[Sequence[str]], None]) -> None:
    home = next(iter(waiting))
    del waiting[home]
    try:
        report([home])
    except Exception:
        log.exception("what a home sends could not be reported", home=clean_text(home, _LONGEST_NAME))
