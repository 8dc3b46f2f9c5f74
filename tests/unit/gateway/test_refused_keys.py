"""What the gateway refuses is counted by key, within bounds, in a form that the platform can read."""

from __future__ import annotations

from anju_gateway.adapters.port import RefusedPart
from anju_gateway.refused_keys import MOST_KEPT, RefusalCounter
from anju_wire.messages import MAX_REFUSED_KEYS, RefusedKey, Status, decode, encode


def test_the_most_frequent_keys_come_first_with_the_last_reason() -> None:
    counter = RefusalCounter()
    counts = [
        counter.add_refusal(RefusedPart("leak", key, why))
        for key, why in (("battery", "a"), ("smoke", "b"), ("smoke", "c"))
    ]
    assert counts == [1, 1, 2]
    assert counter.total == 3
    assert counter.list_most() == [
        RefusedKey(device="leak", key="smoke", count=2, why="c"),
        RefusedKey(device="leak", key="battery", count=1, why="a"),
    ]


def test_a_device_that_invents_keys_neither_fills_the_memory_nor_hides_the_others() -> None:
    counter = RefusalCounter()
    for number in range(3 * MOST_KEPT):
        counter.add_refusal(RefusedPart("real", "smoke", "not true or false"))
        counter.add_refusal(RefusedPart(f"ghost-{number}", f"k{number}", "x"))
    assert len(counter._counted) == MOST_KEPT
    assert (counter.list_most()[0].key, len(counter.list_most())) == ("smoke", MAX_REFUSED_KEYS)
    assert counter.total == 6 * MOST_KEPT


def test_whatever_a_device_says_the_status_can_be_read() -> None:
    counter = RefusalCounter()
    for text in ("x" * 5000, "\0\n\u202e<script>", "\ud800", "烟雾" * 99, ""):
        counter.add_refusal(RefusedPart(text, text, text))
    status = Status(gateway="gw-1", online=True, at=0.0, refused_keys=counter.list_most())
    assert decode(Status, encode(status)) == status
    assert max(len(one.why) for one in status.refused_keys) == 120
