"""Messages that wait: each home has its turn and its share, and none can take another's."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_platform.ingest import fair_queue
from anju_platform.ingest.fair_queue import BoundedQueue
from anju_platform.ingest.home_queue import QueueLimits
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


def test_a_home_is_one_under_whatever_community_it_sends() -> None:
    """The broker binds the home of a topic to who sends, and leaves its community open."""
    waiting = SteppedQueue(replace(PLAIN, burst=4))
    flood = [RawMessage(f"anju/v1/c-{number}/a/alarm", b"x", float(number)) for number in range(50)]
    waiting.put(*flood, raw("b", 1), raw("b", 2))
    assert waiting.take_all() == [("a", 0), ("b", 1), ("a", 1), ("b", 2), ("a", 2), ("a", 3)]
    assert waiting.drain_flooding() == ["a"]


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


def test_it_says_how_long_a_home_within_its_rate_has_waited_for_its_next_turn() -> None:
    waiting = SteppedQueue(replace(PLAIN, batch=1, burst=2, newest=2))
    assert waiting.longest_wait_s() == 0.0
    waiting.put(raw("a", 1), raw("a", 2))
    waiting.at_s = 4.0
    waiting.put(raw("b", 1))
    assert waiting.longest_wait_s() == 4.0
    assert [waiting.take_batch(), waiting.take_batch()] == [[("a", 1)], [("b", 1)]]
    waiting.at_s = 5.0
    assert waiting.longest_wait_s() == 1.0, "of the other message of the first home, since its last turn"
    waiting.take_all()
    assert waiting.longest_wait_s() == 0.0
    waiting.put(*(raw("flood", number) for number in range(9)))
    waiting.take_all()
    waiting.at_s = 9.0
    assert waiting.longest_wait_s() == 0.0, "who is over its rate waits for that"


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
    assert waiting.take_batch() == [("flood", 0), ("0", 0)]
    waiting.put(raw("quiet", 7), raw("other", 8))
    assert waiting.take_batch() == [("quiet", 7), ("other", 8), ("1", 0)], "first presses go together, others by turns"


def test_who_was_first_waits_for_a_turn_before_being_first_again() -> None:
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw("other", 0, lane="status") for _ in range(2)))
    order = []
    for number in range(3):
        waiting.put(raw("greedy", number))
        order += waiting.take_batch()
    assert order == [("greedy", 0), ("other", 0), ("greedy", 1), ("greedy", 2), ("other", 0)]


@pytest.mark.parametrize("statuses", [1, 3])
def test_a_press_behind_its_own_status_does_not_wait_for_the_statuses_of_all_homes(statuses: int) -> None:
    """As after a restart: the broker sends the status that it keeps of each home, then somebody presses."""
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw(home, number, lane="status") for home in range(1000) for number in range(statuses)))
    waiting.put(raw("999", 70), raw("999", 71))
    assert waiting.take_batch() == [("999", 70), ("0", 0)]
    waiting.put(raw("998", 80), raw("999", 72))
    assert waiting.take_batch() == [("998", 80), ("1", 0)], "who has just been first is not first again"
    rest = waiting.take_all()
    assert [number for home, number in rest if home == "999"] == [*range(statuses), 71, 72]
    assert len(rest) == 1000 * statuses - 2 + 2
    waiting.put(raw("0", 90, lane="status"), raw("999", 91))
    assert waiting.take_batch()[0] == ("999", 91)


def test_a_home_with_several_presses_is_not_first_for_one_more() -> None:
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw("other", number, lane="status") for number in range(9)))
    waiting.put(*(raw("greedy", number) for number in range(3)))
    order = waiting.take_batch() + waiting.take_batch()
    waiting.put(raw("greedy", 3))
    order += waiting.take_batch()
    assert order == [("greedy", 0), ("other", 0), ("greedy", 1), ("other", 1)]


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


@pytest.mark.parametrize("batch", [1, 100])
def test_a_home_over_its_rate_is_served_slowly_and_its_newest_press_is_not_lost(batch: int) -> None:
    waiting = SteppedQueue(QueueLimits(batch=batch, messages=50, payload_bytes=999, burst=5, per_s=2.0, newest=2))
    waiting.put(*(raw("a", number) for number in range(20)))
    assert waiting.take_all() == [("a", number) for number in range(5)]
    assert waiting.drain_flooding() == ["a"]
    assert waiting.drain_flooding() == []
    waiting.put(*(raw("a", number) for number in range(20, 40)), raw("b", 0))
    assert waiting.take_all() == [("b", 0)], "nobody else is slowed down"
    waiting.at_s = 0.6
    assert waiting.take_all() == [("a", 38)]
    waiting.at_s = 1.1
    assert waiting.take_all() == [("a", 39)]
    assert waiting.left_out == 20 + 20 - 5 - 2


def test_many_homes_that_flood_share_a_rate_and_none_of_them_starves() -> None:
    """Each at its own rate, 50 homes would keep the thread that stores alarms busy without a pause."""
    waiting = SteppedQueue(ALARM_QUEUE)
    floods, seconds, step_s = 50, 60, 0.05
    taken: list[tuple[float, str, int]] = []
    number = 0
    for step in range(round(seconds / step_s)):
        waiting.at_s = step * step_s
        for home in range(floods):
            waiting.put(raw(f"flood-{home}", number))
            number += 1
        waiting.put(raw(f"quiet-{step}", step))
        first = waiting.take_batch()
        assert (f"quiet-{step}", step) in first or step < 2 * ALARM_QUEUE.light
        taken += [(waiting.at_s, *one) for one in first + waiting.take_all() if one[0].startswith("flood")]
    late = [(at_s, home, sent) for at_s, home, sent in taken if at_s > seconds / 2]
    assert len(late) <= ALARM_QUEUE.heavy_per_s * (seconds / 2 + 1)
    assert len(taken) - len(late) <= floods * 2 * ALARM_QUEUE.light + ALARM_QUEUE.heavy_per_s * seconds / 2
    assert len({home for _, home, _ in late}) == floods
    wait_s = max(at_s - sent // floods * step_s for at_s, _, sent in late)
    assert wait_s <= (ALARM_QUEUE.newest + 1) * floods / ALARM_QUEUE.heavy_per_s, "the newest are served, in their turn"
    assert len(waiting.drain_flooding()) == floods


def test_gateways_with_a_whole_window_each_after_an_outage_lose_nothing_and_are_no_floods() -> None:
    waiting = SteppedQueue(ALARM_QUEUE)
    waiting.put(*(raw(home, number) for number in range(64) for home in "abcd"))
    found: list[tuple[str, int]] = []
    for second in range(20):
        waiting.at_s = float(second)
        found += waiting.take_all()
    assert sorted(found) == [(home, number) for home in "abcd" for number in range(64)]
    assert (waiting.left_out, waiting.drain_flooding()) == (0, [])


@pytest.mark.parametrize("batch", [1, 100])
def test_a_home_that_was_quiet_again_is_served_at_once_again(batch: int) -> None:
    waiting = SteppedQueue(QueueLimits(batch=batch, messages=50, payload_bytes=999, burst=5, per_s=1.0, newest=2))
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


@pytest.mark.parametrize(
    ("limit", "most", "size", "sent", "kept"),
    [
        ("_MOST_BYTES", 100, 20, "aabbba", {"a": 2, "b": 3}),
        ("_MOST_BYTES", 100, 20, "abbbba", {"a": 2, "b": 3}),
        ("_MOST_BYTES", 100, 20, "abbbbaa", {"a": 2, "b": 3}),
        ("_MOST_BYTES", 120, 20, "abbbbbaaa", {"a": 3, "b": 3}),
        ("_MOST_BYTES", 120, 20, "aabbccccabc", {"a": 2, "b": 2, "c": 2}),
        ("_MOST_MESSAGES", 6, 0, "aaabbba", {"a": 3, "b": 3}),
        ("_MOST_MESSAGES", 6, 0, "aabbbbaa", {"a": 3, "b": 3}),
        ("_MOST_MESSAGES", 6, 0, "aaaaaabbbbbb", {"a": 3, "b": 3}),
        ("_MOST_MESSAGES", 7, 0, "aaaaaaabbbbbb", {"a": 4, "b": 3}),
        ("_MOST_MESSAGES", 6, 0, "aaaaabcdefg", {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}),
    ],
)
def test_each_home_keeps_its_share_of_a_full_queue(  # noqa: PLR0917 - a row of the table
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int, size: int, sent: str, kept: dict[str, int]
) -> None:
    monkeypatch.setattr(fair_queue, limit, most)
    waiting = SteppedQueue(PLAIN)
    waiting.put(*(raw(home, number, size) for number, home in enumerate(sent)))
    assert waiting.left_out == len(sent) - sum(kept.values())
    assert Counter(home for home, _ in waiting.take_all()) == kept


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12), st.booleans()), max_size=80))
def test_a_queue_never_holds_more_than_it_may(said: list[tuple[str, int, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fair_queue, "_MOST_MESSAGES", 8)
        patch.setattr(fair_queue, "_MOST_BYTES", 40)
        waiting = SteppedQueue(QueueLimits(batch=1, messages=5, payload_bytes=24, burst=1000, per_s=1.0))
        sizes, out = {}, []
        for number, (home, size, take) in enumerate(said):
            waiting.put(raw(home, number, size))
            sizes[number] = size
            if take:
                out += waiting.take_batch()
        rest = waiting.take_all()
        assert len(rest) <= 8
        assert sum(sizes[number] for _, number in rest) <= 40
        for home in "abcdef":
            mine = [sizes[number] for name, number in rest if name == home]
            assert len(mine) <= 5
            assert sum(mine) <= 24
        assert len(rest) + len(out) + waiting.left_out == len(said)
        waiting.put(*(raw("later", number, 4) for number in range(5)))
        assert len(waiting.take_all()) == 5, "what was handed out takes no room"


def test_a_home_is_told_of_once_in_each_flood_and_served_at_its_rate() -> None:
    waiting = SteppedQueue(QueueLimits(batch=10, messages=50, payload_bytes=999, burst=4, per_s=2.0))
    waiting.put(*(raw("a", number) for number in range(20)), raw("b", 0))
    served = []
    for step in range(5):
        waiting.at_s = 0.5 * step
        served.append([number for home, number in waiting.take_all() if home == "a"])
        assert waiting.drain_flooding() == ["a"], "each time that it has to wait"
    assert served == [[0, 1, 2, 3], [4], [5], [6], [7]]
    waiting.at_s = 100.0
    assert len(waiting.take_all()) == 4, "no more than its burst, however long it was quiet"


def test_a_clock_that_goes_back_gives_and_takes_nothing() -> None:
    waiting = SteppedQueue(QueueLimits(batch=1, messages=50, payload_bytes=999, burst=2, per_s=1.0))
    waiting.at_s = 100.0
    waiting.put(*(raw("a", number) for number in range(5)))
    assert waiting.take_batch() == [("a", 0)]
    waiting.at_s = 50.0
    assert waiting.take_all() == [("a", 1)]


def test_invented_homes_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "_IDLE_HOMES", 10)
    waiting = SteppedQueue(PLAIN)
    for number in range(1000):
        waiting.put(raw(f"invented-{number}", number))
        assert waiting.take_batch() == [(f"invented-{number}", number)]
        waiting.take_batch()
    assert len(waiting._homes) <= 12


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 30), st.booleans(), st.sampled_from(["alarm", "status"])),
        max_size=200,
    ),
    st.sampled_from([2, 9, 50]),
    st.sampled_from([{}, {"overtakes": "/alarm", "turns": 1}]),
    st.sampled_from([{}, {"light": 2, "heavy_burst": 3, "heavy_per_s": 2.0}]),
)
def test_nothing_is_lost_doubled_or_reordered(
    said: list[tuple[str, int, bool, str]], batch: int, first: dict[str, Any], heavy: dict[str, Any]
) -> None:
    bounds = QueueLimits(batch=batch, messages=8, payload_bytes=60, burst=12, per_s=3.0, newest=3)
    waiting = SteppedQueue(replace(bounds, **first, **heavy))
    out: list[tuple[str, int]] = []
    for number, (home, size, take, lane) in enumerate(said):
        waiting.put(raw(home, number, size, lane))
        waiting.at_s += 0.05
        if take:
            out += waiting.take_batch()
    for _ in range(40):
        waiting.at_s += 1.0
        out += waiting.take_all()
    assert len(set(out)) == len(out) == len(said) - waiting.left_out
    for home in "abcd":
        mine = [number for name, number in out if name == home]
        for lane in ("alarm", "status"):
            of_lane = [number for number in mine if said[number][3] == lane]
            assert of_lane == sorted(of_lane)
        assert first or mine == sorted(mine)
    last = {home: number for number, (home, *_) in enumerate(said)}
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
