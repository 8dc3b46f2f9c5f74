"""What to send when: nothing is forgotten, nothing is sent in vain without growing patience."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anju_gateway.retransmission import LaneRetransmission, RetransmissionParameters
from anju_gateway.spool import LaneState

FIVE = RetransmissionParameters(window=3, ack_timeout_s=5.0, longest_timeout_s=20.0)


def test_a_window_is_sent_and_then_waits() -> None:
    sender = LaneRetransmission(FIVE)
    lane = LaneState(1, 11)
    assert list(sender.next_due(lane)) == [1, 2, 3]
    sender.mark_sent(3, now=0.0)
    assert not sender.next_due(lane)
    lane = LaneState(3, 11)
    sender.mark_acked(lane, now=1.0)
    assert list(sender.next_due(lane)) == [4, 5]


def test_without_an_ack_everything_is_sent_again_ever_more_patiently() -> None:
    sender, lane, now, waits = LaneRetransmission(FIVE), LaneState(4, 6), 0.0, []
    for _ in range(4):
        assert list(sender.next_due(lane)) == [4, 5]
        sender.mark_sent(5, now)
        begun = now
        while not sender.check_timeout(now):
            now += 0.5
        waits.append(now - begun)
    assert waits == [5.0, 10.0, 20.0, 20.0]


def test_a_new_alarm_makes_it_impatient_again() -> None:
    sender = LaneRetransmission(FIVE)
    sender.mark_sent(1, 0.0, urgent=True)
    assert sender.check_timeout(5.0)
    sender.mark_sent(1, 5.0)
    sender.mark_sent(2, 6.0, urgent=True)
    assert not sender.check_timeout(10.9)
    assert sender.check_timeout(11.0)


def test_after_an_ack_of_everything_there_is_nothing_to_expire() -> None:
    sender = LaneRetransmission(FIVE)
    sender.mark_sent(2, 0.0)
    sender.mark_acked(LaneState(3, 3), 1.0)
    assert not sender.check_timeout(1e9)


def test_a_restart_sends_all_that_is_unacknowledged() -> None:
    sender = LaneRetransmission(FIVE)
    sender.mark_sent(3, 0.0)
    sender.restart_window()
    assert list(sender.next_due(LaneState(2, 4))) == [2, 3]


class LossyLane:
    """A lane of growing length over a line that may lose everything, to a platform that acknowledges without holes."""

    def __init__(self) -> None:
        self.sender, self.base, self.next, self.now = LaneRetransmission(FIVE), 1, 1, 0.0
        self.arrived: set[int] = set()

    def append(self) -> None:
        self.next += 1

    def send(self) -> None:
        self.arrived.update(self.lose())

    def lose(self) -> range:
        due = self.sender.next_due(LaneState(self.base, self.next))
        for seq in due:
            self.sender.mark_sent(seq, self.now)
        return due

    def ack(self) -> None:
        while self.base in self.arrived:
            self.base += 1
        self.sender.mark_acked(LaneState(self.base, self.next), self.now)

    def wait(self) -> None:
        self.now += 7.0
        self.sender.check_timeout(self.now)


@given(st.lists(st.sampled_from(["append", "send", "lose", "ack", "wait"]), max_size=60))
def test_whatever_happens_everything_arrives_in_the_end(steps: list[str]) -> None:
    line = LossyLane()
    for step in steps:
        getattr(line, step)()
    for _ in range(3 * line.next):
        for step in ("wait", "wait", "wait", "send", "ack"):
            getattr(line, step)()
    assert line.base == line.next
