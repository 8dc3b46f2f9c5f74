"""Messages that wait: each home has its turn and its share, and none can take another's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest import fair_queue
from anju_platform.ingest.fair_queue import BoundedQueue, QueueLimits
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.service import ALARM_QUEUE, TELEMETRY_QUEUE

STOP = threading.Event()
PLAIN = QueueLimits(batch=3, messages=100, payload_bytes=1000, burst=1000, per_s=1.0)


@pytest.fixture(autouse=True, scope="module")
def no_waiting() -> Iterator[None]:
    """An empty queue answers at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fair_queue, "_GATHER_S", 0.0)
        yield


def raw(home: object, number: int, size: int = 1, lane: str = "alarm") -> RawMessage:
    return RawMessage(f"anju/v1/anning/{home}/{lane}", b"x" * size, float(number))


def names(batch: list[RawMessage]) -> list[tuple[str, int]]:
    return [(one.topic.split("/")[3], round(one.arrived_s)) for one in batch]


class SteppedQueue(BoundedQueue):
    """A queue whose clock the test moves, without threads."""

    def __init__(self, limits: QueueLimits) -> None:
        self.at_s = 0.0
        super().__init__(limits, lambda: self.at_s)

    def put(self, *messages: RawMessage) -> None:
        self.put_messages(messages)

    def take_batch(self) -> list[tuple[str, int]]:
        return names(self.gather_batch(STOP, 0.0))

    def take_all(self) -> list[tuple[str, int]]:
        """Take until nothing is handed out any more now."""
        found: list[tuple[str, int]] = []
        while batch := self.take_batch():
            found += batch
        return found


def test_homes_take_turns_and_each_keeps_its_order() -> None:
    waiting = SteppedQueue(PLAIN)
    assert waiting.take_batch() == []
    waiting.put(*(raw("a", number) for number in range(4)), raw("b", 0), raw("b", 1), raw("c", 0))
    assert [waiting.take_batch() for _ in range(4)] == [
        [("a", 0), ("b", 0), ("c", 0)],
        [("a", 1), ("b", 1), ("a", 2)],
        [("a", 3)],
        [],
    ]


@pytest.mark.parametrize("floods", [1, 50])
@pytest.mark.parametrize("limits", [ALARM_QUEUE, TELEMETRY_QUEUE, PLAIN])
def test_an_honest_home_is_in_the_next_round_whatever_the_flood(limits: QueueLimits, floods: int) -> None:
    waiting = SteppedQueue(limits)
    waiting.put(*(raw(home, number) for number in range(1500) for home in range(floods)))
    waiting.take_batch()
    waiting.put(raw("quiet", 7))
    seen: list[tuple[str, int]] = []
    while ("quiet", 7) not in seen:
        seen += waiting.take_batch()
    assert len(seen) <= floods + limits.batch


def test_a_first_press_comes_before_all_who_have_several_and_before_what_is_not_urgent() -> None:
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw(home, 0, lane="status") for home in range(1000)), *(raw("flood", number) for number in range(50)))
    assert waiting.take_batch() == [("flood", 0)]
    waiting.put(raw("quiet", 7))
    assert waiting.take_batch() == [("quiet", 7)]


def test_who_was_first_waits_for_a_turn_before_being_first_again() -> None:
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw("other", 0, lane="status") for _ in range(2)))
    order = []
    for number in range(3):
        waiting.put(raw("greedy", number))
        order += waiting.take_batch()
    assert order == [("greedy", 0), ("other", 0), ("greedy", 1)]


def test_a_flood_fills_its_own_share_only_by_number_and_by_bytes() -> None:
    waiting = SteppedQueue(QueueLimits(batch=9, messages=3, payload_bytes=50, burst=99, per_s=1.0))
    waiting.put(*(raw("a", number) for number in range(9)), *(raw("b", number, 20) for number in range(9)), raw("c", 0))
    assert waiting.left_out == 6 + 7
    assert sorted(waiting.take_batch()) == [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("c", 0)]
    waiting.put(raw("d", 0, 51), raw("d", 1))
    assert (waiting.take_batch(), waiting.left_out) == ([("d", 0)], 14), "what is too long by itself is refused later"


def test_of_a_flood_of_alarms_the_newest_ones_wait() -> None:
    waiting = SteppedQueue(QueueLimits(batch=9, messages=3, payload_bytes=50, burst=99, per_s=1.0, newest=2))
    waiting.put(*(raw("a", number) for number in range(9)))
    assert (waiting.take_batch(), waiting.left_out) == ([("a", 6), ("a", 7), ("a", 8)], 6)


def test_a_home_over_its_rate_is_served_slowly_and_its_newest_press_is_not_lost() -> None:
    waiting = SteppedQueue(QueueLimits(batch=1, messages=50, payload_bytes=999, burst=5, per_s=2.0, newest=2))
    waiting.put(*(raw("a", number) for number in range(20)))
    assert waiting.take_all() == [("a", number) for number in range(5)]
    assert waiting.drain_flooding() == ["anju/v1/anning/a"]
    assert waiting.drain_flooding() == []
    waiting.put(*(raw("a", number) for number in range(20, 40)), raw("b", 0))
    assert waiting.take_all() == [("b", 0)], "nobody else is slowed down"
    waiting.at_s = 0.6
    assert waiting.take_all() == [("a", 38)]
    waiting.at_s = 1.1
    assert waiting.take_all() == [("a", 39)]
    assert waiting.left_out == 20 + 20 - 5 - 2


def test_a_home_that_was_quiet_again_is_served_at_once_again() -> None:
    waiting = SteppedQueue(QueueLimits(batch=1, messages=50, payload_bytes=999, burst=5, per_s=1.0, newest=2))
    waiting.put(*(raw("a", number) for number in range(9)))
    waiting.take_all()
    waiting.at_s = 10.0
    waiting.take_all()
    waiting.at_s = 20.0
    waiting.put(*(raw("a", number) for number in range(100, 105)))
    assert waiting.take_all() == [("a", number) for number in range(100, 105)]


@pytest.mark.parametrize("limits", [ALARM_QUEUE, TELEMETRY_QUEUE])
def test_a_whole_window_of_a_gateway_passes_without_a_wait(limits: QueueLimits) -> None:
    from anju_gateway.retransmission import PARAMETERS  # noqa: PLC0415 - only this test reaches into a home
    from anju_wire.vocabulary import Lane  # noqa: PLC0415

    window = PARAMETERS[Lane.ALARM if limits is ALARM_QUEUE else Lane.TELEMETRY].window
    waiting = SteppedQueue(limits)
    waiting.put(*(raw("a", number) for number in range(window)))
    assert waiting.take_all() == [("a", number) for number in range(window)]
    assert (waiting.left_out, waiting.drain_flooding()) == (0, [])


def test_a_full_queue_makes_room_for_a_home_that_has_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "_MOST_MESSAGES", 6)
    waiting = SteppedQueue(PLAIN)
    waiting.put(*(raw("a", number) for number in range(4)), raw("b", 0), raw("b", 1))
    waiting.put(raw("c", 0), raw("c", 1), raw("c", 2))
    assert waiting.take_all() == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]
    assert waiting.left_out == 3


def test_a_queue_full_of_bytes_makes_room_and_a_only_message_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "_MOST_BYTES", 100)
    waiting = SteppedQueue(PLAIN)
    waiting.put(raw("a", 0, 60), raw("b", 0, 41), raw("c", 0, 40), raw("d", 0, 1), raw("e", 0, 0))
    assert (waiting.take_all(), waiting.left_out) == ([("a", 0), ("c", 0), ("e", 0)], 2)
    waiting.put(*(raw("a", number, 20) for number in range(5)), raw("b", 9, 20))
    assert (waiting.take_all()[:2], waiting.left_out) == ([("a", 0), ("b", 9)], 3)


def test_invented_homes_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "_IDLE_HOMES", 10)
    waiting = SteppedQueue(PLAIN)
    for number in range(1000):
        waiting.put(raw(f"invented-{number}", number))
        assert waiting.take_batch() == [(f"invented-{number}", number)]
        waiting.take_batch()
    assert len(waiting._homes) <= 12


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 30), st.booleans()), max_size=200))
def test_nothing_is_lost_doubled_or_reordered(said: list[tuple[str, int, bool]]) -> None:
    waiting = SteppedQueue(QueueLimits(batch=2, messages=8, payload_bytes=60, burst=12, per_s=3.0, newest=3))
    out: list[tuple[str, int]] = []
    for number, (home, size, take) in enumerate(said):
        waiting.put(raw(home, number, size))
        waiting.at_s += 0.05
        if take:
            out += waiting.take_batch()
    for _ in range(40):
        waiting.at_s += 1.0
        out += waiting.take_all()
    assert len(set(out)) == len(out) == len(said) - waiting.left_out
    for home in "abcd":
        mine = [number for name, number in out if name == home]
        assert mine == sorted(mine)
    last = {home: number for number, (home, _, _) in enumerate(said)}
    assert set(last.items()) <= set(out), "the newest of each home is handed out"


def test_company_is_waited_for_only_where_it_is_worth_it() -> None:
    waited: list[float] = []
    stop: Any = SimpleNamespace(wait=waited.append)
    waiting = SteppedQueue(QueueLimits(batch=2, messages=9, payload_bytes=99, burst=99, per_s=1.0))
    waiting.put(raw("a", 0))
    waiting.gather_batch(stop, 0.0)
    waiting.put(raw("a", 1))
    waiting.gather_batch(stop, 0.5)
    waiting.put(raw("a", 2), raw("b", 3))
    waiting.gather_batch(stop, 0.5)
    assert waited == [0.5]
