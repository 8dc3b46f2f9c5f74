"""Between a source of messages and the consumers: what is let in, what waits, and what is tried again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from anju_platform.db.errors import CommitRefused
from anju_platform.ingest import right_of_way, service
from anju_platform.ingest.fair_queue import BoundedQueue
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.service import IngestService
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.clock import Clock


class Source:
    """A source whose messages a test hands over."""

    ready = receives_telemetry = False

    def __init__(self) -> None:
        self.deliver: dict[str, Callable[[Iterable[RawMessage]], None]] = {}
        self.acknowledged: list[tuple[str, bytes]] = []
        self.published: list[tuple[str, bytes]] = []
        self.goodbyes: list[bool] = []

    def start(self, **deliver: Callable[[Iterable[RawMessage]], None]) -> None:
        self.deliver = {"alarm": deliver["on_alarms"], "telemetry": deliver["on_telemetry"]}

    def stop(self, *, say_goodbye: bool) -> None:
        self.goodbyes.append(say_goodbye)

    def acknowledge(self, topic: str, payload: bytes) -> None:
        self.acknowledged.append((topic, payload))

    def publish(self, topic: str, payload: bytes) -> None:
        self.published.append((topic, payload))


class Talk:
    """A whole ingest between a source and consumers that do as they are told."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.leads = True
        self.taken: list[tuple[str, list[str], list[Any]]] = []
        self.fails: list[Exception] = []
        self.listening: list[bool] = []
        self.recorded: list[bool] = []
        self.took = threading.Semaphore(0)
        self.held, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()
        self.acknowledge: Any = None
        self.pass_on: Any = None
        self.refused: list[str] = []
        self.refused_alarms: list[str] = []
        self.lost: list[str] = []
        self.reported_lost: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self.alarms_recorded: list[bool] = []
        self.waiting_since_s: float | None = None
        self.report_flooding: Callable[[list[str]], None] = lambda _homes: None
        self.metrics = CollectorRegistry()
        self.ingest = IngestService(
            make_source=self._make_source,
            make_consumers=self._consumers,
            clock=Clock(),
            metrics=self.metrics,
            set_receiving=lambda well, _now_s: self.listening.append(well),
            may_act=lambda: self.leads,
        )

    def _make_source(self) -> Any:  # noqa: ANN401
        self.sources.append(Source())
        return self.sources[-1]

    def _consumers(self, acknowledge: Any, pass_on: Any) -> Any:  # noqa: ANN401
        self.acknowledge, self.pass_on = acknowledge, pass_on
        alarm = SimpleNamespace(
            consume_batch=self._alarms,
            report_flooding=self._report_flooding,
            report_lost=self.reported_lost.put,
            drain_flooding=lambda: [self.refused_alarms.pop() for _ in range(len(self.refused_alarms))],
            update_records=lambda *, final=False: self.alarms_recorded.append(final),
            waiting_since_s=self.waiting_since_s,
        )
        self.telemetry = telemetry = SimpleNamespace(
            consume_batch=lambda batch, onward=(): self._take("telemetry", batch, list(onward)),
            update_records=self._update_records,
            drain_flooding=lambda: [self.refused.pop() for _ in range(len(self.refused))],
            drain_lost=lambda: [self.lost.pop() for _ in range(len(self.lost))],
        )
        return alarm, telemetry

    def _alarms(self, batch: list[RawMessage]) -> None:
        if batch:
            self._take("alarm", batch, [])

    def _report_flooding(self, homes: list[str]) -> None:
        self.report_flooding(homes)

    def _update_records(self, *, final: bool = False) -> None:
        self.recorded.append(final)

    def _take(self, line: str, batch: list[RawMessage], onward: list[Any]) -> None:
        if self.fails:
            error = self.fails.pop(0)
            if not self.fails and not self.goes_on.is_set():
                self.held.set()
                assert self.goes_on.wait(10)
            raise error
        self.taken.append((line, [one.topic for one in batch], onward))
        self.took.release()

    def say(self, line: str, *topics: str) -> None:
        self.sources[-1].deliver[line]([RawMessage(topic, b"", 0.0) for topic in topics])

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.took.acquire(timeout=10)

    def stuck_metric(self, line: str) -> float | None:
        return self.metrics.get_sample_value("anju_ingest_stuck_seconds", {"line": line})

    def count(self, name: str, line: str) -> float | None:
        return self.metrics.get_sample_value(f"anju_ingest_{name}_total", {"line": line})


@pytest.fixture
def talk() -> Iterator[Talk]:
    made = Talk()
    made.ingest.start()
    yield made
    made.ingest.stop()
    assert made.recorded[-1], "the records are brought up to date at the end"


def test_each_line_is_taken_by_its_own_thread(talk: Talk) -> None:
    talk.say("alarm", "a1")
    talk.wait()
    talk.say("telemetry", "t1", "t2")
    talk.wait()
    assert talk.taken == [("alarm", ["a1"], []), ("telemetry", ["t1", "t2"], [])]
    assert not talk.ingest.ready
    talk.sources[-1].ready = True
    assert talk.ingest.ready


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_batch_that_failed_is_tried_again_before_what_came_after_it(talk: Talk, line: str) -> None:
    talk.fails = [ZeroDivisionError(), SeriesUnavailable("away")]
    talk.say(line, "first")
    talk.wait()
    talk.say(line, "second")
    talk.wait()
    assert [topics for _, topics, _ in talk.taken] == [["first"], ["second"]]
    assert talk.count("failures", line) == 2


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_LONGEST_RETRY_S", {"alarm": 0.001, "telemetry": 0.001})


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("line", ["alarm", "telemetry"])
@pytest.mark.parametrize(
    ("error", "tries", "taken"),
    [
        (ZeroDivisionError(), 4, [["first"], ["second"]]),
        (ZeroDivisionError(), 5, [["second"]]),
        (SeriesUnavailable("away"), 20, [["first"], ["second"]]),
        (OperationalError("COMMIT", {}, Exception("gone")), 20, [["first"], ["second"]]),
        (ConnectionError(), 20, [["first"], ["second"]]),
        (CommitRefused(), 20, [["first"], ["second"]]),
    ],
)
def test_only_what_fails_by_itself_is_left_out_in_the_end(
    talk: Talk, line: str, error: Exception, tries: int, taken: list[list[str]]
) -> None:
    talk.leads = False
    talk.fails = [error] * tries
    talk.say(line, "first")
    talk.leads = True
    for _ in range(1000):
        if not talk.fails:
            break
        threading.Event().wait(0.01)
    talk.say(line, "second")
    talk.wait(len(taken))
    assert [topics for _, topics, _ in talk.taken] == taken
    assert (talk.count("failures", line), talk.count("messages", line)) == (tries, float(len(taken)))


def test_an_alarm_that_waits_for_its_turn_is_said_and_readings_may_wait(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedQueue, "longest_wait_s", lambda _queue: 7.0)
    assert (talk.ingest.stuck_s("alarm"), talk.ingest.stuck_s("telemetry")) == (7.0, 0.0)
    assert talk.stuck_metric("alarm") == 7.0


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_line_that_is_stuck_says_since_when_and_the_other_is_not(
    talk: Talk, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "telemetry" if line == "alarm" else "alarm"
    assert (talk.ingest.stuck_s(line), talk.stuck_metric(line)) == (0.0, 0.0)
    now_s = [1000.0]
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    talk.goes_on.clear()
    talk.fails = [SeriesUnavailable("away"), SeriesUnavailable("away")]
    talk.say(line, "first")
    assert talk.held.wait(10)
    now_s[0] += 3.0
    assert (talk.ingest.stuck_s(line), talk.stuck_metric(line)) == (3.0, 3.0)
    assert talk.ingest.stuck_s(other) == 0.0
    talk.goes_on.set()
    talk.wait()
    talk.say(line, "second")
    talk.wait()
    assert talk.ingest.stuck_s(line) == 0.0


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_batch_that_hangs_counts_from_its_beginning(talk: Talk, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now_s[0]))

    def hang(*_: object) -> None:
        talk.held.set()
        assert talk.goes_on.wait(10)
        talk.took.release()

    talk.goes_on.clear()
    monkeypatch.setattr(talk, "_take", hang)
    talk.say(line, "first")
    assert talk.held.wait(10)
    now_s[0] += 7.0
    assert (talk.ingest.stuck_s(line), talk.stuck_metric(line)) == (7.0, 7.0)
    talk.goes_on.set()
    talk.wait()


def test_an_alarm_that_waits_for_its_home_is_told(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    talk.ingest.stop()
    talk.waiting_since_s = 988.0
    talk.ingest.start()
    assert (talk.ingest.stuck_s("alarm"), talk.ingest.stuck_s("telemetry")) == (12.0, 0.0)


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_each_further_try_waits_longer_up_to_a_bound(talk: Talk, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_LONGEST_RETRY_S", {"alarm": 0.5, "telemetry": 0.5})
    with capture_logs() as logs:
        for failures in (4, 1):
            talk.fails = [ConnectionError() for _ in range(failures)]
            talk.say(line, "first")
            talk.wait()
    waits = [one["wait_s"] for one in logs if "wait_s" in one]
    bounds = [0.2, 0.4, 0.5, 0.5, 0.2]  # after a success it begins anew
    assert len(waits) == len(bounds)
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True)), waits
    assert {one["messages"] for one in logs if "wait_s" in one} == {1}


def test_a_press_is_tried_again_within_two_seconds_however_long_the_records_were_away() -> None:
    assert service._LONGEST_RETRY_S["alarm"] <= 2.0


def test_it_is_said_whether_telemetry_can_be_stored(talk: Talk) -> None:
    talk.sources[-1].receives_telemetry = True
    talk.say("telemetry", "t1")
    talk.wait()
    talk.say("telemetry", "t2")
    talk.wait()
    assert talk.listening[-1]
    before = len(talk.listening)  # what was said before the source received anything tells nothing of the failure
    talk.fails = [SeriesUnavailable("away")]
    talk.say("telemetry", "t3")
    talk.wait()
    assert False in talk.listening[before:]


def test_what_passes_on_while_ingest_fails_by_itself_is_not_tried_for_ever(talk: Talk) -> None:
    talk.fails = [ZeroDivisionError()]
    talk.pass_on("poison")
    talk.say("telemetry", "t1")
    talk.wait()
    assert talk.taken == [("telemetry", ["t1"], [])]


def test_what_alarms_pass_on_is_kept_where_it_could_not_be_stored(talk: Talk) -> None:
    talk.sources[-1].receives_telemetry = True
    for topic in ("t1", "t2"):
        talk.say("telemetry", topic)
        talk.wait()
    before = len(talk.listening)
    talk.fails = [SeriesUnavailable("away")]
    talk.pass_on("an alarm's readings")
    talk.wait()
    assert talk.taken[2:] == [("telemetry", [], ["an alarm's readings"])]
    assert False in talk.listening[before:]


def test_acknowledgements_and_messages_to_homes_go_to_the_source(talk: Talk) -> None:
    talk.acknowledge("anju/v1/anning/home-1/ack", b"{}")
    talk.ingest.publish("down", b"1")
    assert talk.sources[-1].acknowledged == [("anju/v1/anning/home-1/ack", b"{}")]
    assert talk.sources[-1].published == [("down", b"1")]


def test_a_process_that_does_not_lead_takes_nothing_and_keeps_what_it_was_given(talk: Talk) -> None:
    talk.leads = False
    talk.say("alarm", "a1")
    assert not talk.took.acquire(timeout=0.3)
    talk.leads = True
    talk.wait()
    assert talk.taken == [("alarm", ["a1"], [])]


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_home_is_in_the_next_batch_however_much_another_one_sends(talk: Talk, line: str) -> None:
    talk.leads = False
    talk.say(line, *["anju/v1/anning/flooding/alarm"] * 1500)
    talk.say(line, "anju/v1/anning/quiet/alarm")
    talk.leads = True
    talk.wait()
    if "anju/v1/anning/quiet/alarm" not in talk.taken[0][1]:
        talk.wait()
        assert "anju/v1/anning/quiet/alarm" in talk.taken[1][1]
    if line == "alarm":
        assert talk.taken[0][1].count("anju/v1/anning/flooding/alarm") <= 2, "its first press, and one more by turns"


def test_a_start_that_failed_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: Source, **_deliver: object) -> None:
        raise OSError("no such certificate")

    monkeypatch.setattr(Source, "start", fail)
    talk, before = Talk(), set(threading.enumerate())
    with pytest.raises(OSError, match="certificate"):
        talk.ingest.start()
    talk.ingest.stop(orderly=False)
    assert set(threading.enumerate()) <= before
    assert talk.sources[-1].goodbyes == [False]


def test_it_starts_again_with_a_new_source_and_new_consumers_after_a_stop() -> None:
    talk = Talk()
    with pytest.raises(ConnectionError):
        talk.ingest.publish("down", b"1")
    for orderly in (False, True):
        talk.ingest.start()
        talk.say("alarm", "a1")
        talk.wait()
        talk.ingest.stop(orderly=orderly)
        talk.ingest.stop()
    assert [source.goodbyes for source in talk.sources] == [[False], [True]]
    assert talk.recorded.count(True) == talk.alarms_recorded.count(True) == 1, "only an orderly end saves"


def test_a_home_over_its_rate_is_reported_and_a_failure_there_holds_nothing_up() -> None:
    talk, reported = Talk(), threading.Semaphore(0)
    names: list[list[str]] = []

    def report(homes: list[str]) -> None:
        names.append(homes)
        reported.release()
        if len(names) == 1:
            raise OSError("the database is away")

    talk.report_flooding = report
    talk.ingest.start()
    try:
        talk.say("alarm", *["anju/v1/anning/flooding/alarm"] * 500)
        assert reported.acquire(timeout=10)
        talk.say("telemetry", *["anju/v1/anning/other/telemetry"] * 512)
        talk.say("alarm", "anju/v1/anning/quiet/alarm")
        assert reported.acquire(timeout=10), "it is over its rate again, and reported again"
        assert {home for homes in names for home in homes} == {"flooding"}
        assert talk.metrics.get_sample_value("anju_ingest_left_out", {"line": "alarm"}) == 500 - 128 + 64 - 4
    finally:
        talk.ingest.stop()


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_home_whose_rejected_messages_are_not_all_kept_is_reported(talk: Talk, line: str) -> None:
    reported: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    talk.report_flooding = reported.put
    (talk.refused_alarms if line == "alarm" else talk.refused).append("anju/v1/anning/broken")
    assert reported.get(timeout=10) == ["anju/v1/anning/broken"]


def test_messages_that_were_neither_used_nor_kept_are_counted_and_told(talk: Talk) -> None:
    talk.lost.extend(["anju/v1/anning/one", "anju/v1/anning/two", "anju/v1/anning/one"])
    told = [talk.reported_lost.get(timeout=10) for _ in range(2)]
    assert sorted(told) == [["anju/v1/anning/one"], ["anju/v1/anning/two"]]
    assert talk.metrics.get_sample_value("anju_ingest_lost_total") == 3


def test_a_press_waits_for_the_report_of_one_home_however_many_are_to_be_reported(talk: Talk) -> None:
    steps: list[str] = []
    over = threading.Event()

    def report(homes: list[str]) -> None:
        assert len(homes) == 1
        steps.append("report")
        if len(steps) == 1:
            talk.say("alarm", "anju/v1/anning/quiet/alarm")
        if steps.count("report") == 20:
            over.set()

    def note_presses(batch: list[RawMessage]) -> None:
        if batch:
            steps.append("press")

    talk.ingest.stop()
    talk._alarms = note_presses  # type: ignore[method-assign]
    talk.report_flooding = report
    talk.ingest.start()
    talk.refused += [f"anju/v1/anning/flood-{number}" for number in range(20)]
    assert over.wait(20)
    assert steps[:3] == ["report", "press", "report"]


def test_telemetry_is_neither_taken_in_nor_stored_while_alarms_are_stored(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 30.0)
    others: list[threading.Thread] = []

    def store(batch: list[RawMessage]) -> None:
        if batch:
            others.append(threading.Thread(target=talk.say, args=("telemetry", "anju/v1/anning/home-01/telemetry")))
            others[0].start()
            others[0].join(0.1)
            talk._take("alarm", batch, [])

    talk.ingest.stop()
    talk._alarms = store  # type: ignore[method-assign]
    talk.ingest.start()
    talk.say("alarm", "anju/v1/anning/home-01/alarm")
    talk.wait(2)
    assert [line for line, _, _ in talk.taken] == ["alarm", "telemetry"]
    assert talk.telemetry.give_way == talk.ingest.right_of_way.give_way, "also in the midst of a batch"
    others[0].join(10)
