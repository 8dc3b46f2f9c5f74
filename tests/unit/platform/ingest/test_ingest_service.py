"""Between a source of messages and the consumers: what is let in, what waits, and what is tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

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
        self.acknowledge: Any = None
        self.pass_on: Any = None
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
        alarm = SimpleNamespace(consume_batch=self._alarms, report_flooding=self._report_flooding)
        telemetry = SimpleNamespace(
            consume_batch=lambda batch, onward=(): self._take("telemetry", batch, list(onward)),
            update_records=self._update_records,
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
            raise self.fails.pop(0)
        self.taken.append((line, [one.topic for one in batch], onward))
        self.took.release()

    def say(self, line: str, *topics: str) -> None:
        self.sources[-1].deliver[line]([RawMessage(topic, b"", 0.0) for topic in topics])

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.took.acquire(timeout=10)

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


def test_what_alarms_pass_on_is_kept_where_it_could_not_be_stored(talk: Talk) -> None:
    talk.fails = [SeriesUnavailable("away")]
    talk.pass_on("an alarm's readings")
    talk.wait()
    assert talk.taken == [("telemetry", [], ["an alarm's readings"])]
    assert False in talk.listening


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
        assert len(talk.taken[0][1]) == 1, "nothing waits for a whole batch"


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
    assert talk.recorded.count(True) == 1, "only an orderly end saves"


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
        assert {home for homes in names for home in homes} == {"anju/v1/anning/flooding"}
        assert talk.metrics.get_sample_value("anju_ingest_left_out", {"line": "alarm"}) == 500 - 128 + 64 - 4
    finally:
        talk.ingest.stop()
